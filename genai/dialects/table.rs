//! Reads the tab-separated tables of `genai/data/`: lines beginning with `#` and empty lines are skipped.
//!
//! The mapping has a file a dialect; rows of `common.tsv` hold for every dialect.

/// The rows of an embedded table, each with exactly `columns` cells (missing ones are empty).
pub(crate) fn rows(text: &'static str, columns: usize) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(move |line| {
        let mut cells: Vec<&'static str> = line.split('\t').collect();
        cells.resize(columns, "");
        cells
    })
}

macro_rules! mappings {
    ($($dialect:literal)*) => {
        /// Mapping tables by dialect, that of every dialect first: of sources of one target an earlier row wins.
        pub(crate) const MAPPINGS: &[(&str, &str)] = &[$(($dialect, include_str!(concat!("../data/dialects/", $dialect, ".tsv")))),*];
    };
}

mappings! {
    "common"
    "agentops"
    "autogen"
    "azure-ai"
    "bedrock-agentcore"
    "claude-code"
    "claude-platform"
    "claude-sdk"
    "codex-cli"
    "crewai"
    "datadog"
    "gemini-cli"
    "generic"
    "genkit"
    "github-copilot"
    "google-adk"
    "haystack"
    "laminar"
    "langfuse"
    "langsmith"
    "litellm"
    "livekit"
    "llamaindex-otel"
    "logfire"
    "mastra"
    "mcp"
    "microsoft-agent-framework"
    "mlflow"
    "openinference"
    "openlit"
    "openllmetry"
    "opik"
    "pydantic-ai"
    "semantic-kernel"
    "sentry"
    "spring-ai"
    "strands"
    "vercel-ai-sdk"
    "vercel-ai-sdk-v7"
    "voltagent"
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use super::*;

    #[test]
    fn each_table_is_of_a_dialect_and_each_row_has_four_cells() {
        for (dialect, text) in MAPPINGS {
            assert!(*dialect == "common" || Dialect::by_id(dialect).is_some(), "{dialect} is no dialect");
            for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                assert_eq!(line.split('\t').count(), 4, "{dialect}: {line}");
            }
        }
        assert_eq!(MAPPINGS.first().map(|(dialect, _)| *dialect), Some("common"));
    }
}
