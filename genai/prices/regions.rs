//! What is dearer for being processed in one region: OpenAI's data residency, regional endpoints of Vertex, Anthropic's choice
//! of a country.
//!
//! `data/price_regions.tsv` has the factors. Bedrock's regions are models of their own in the price list.
//! The region is what the record says, else what the address says that was called, else what the path of the model says.

use std::sync::LazyLock;

/// Where a call was processed, as far as a record tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Region<'a> {
    /// In words of the sender: `chaperone.request.region`.
    pub said: Option<&'a str>,
    /// `server.address`.
    pub server: &'a str,
    /// The model as it was named.
    pub model: &'a str,
}

/// A factor, as thousandths, and the word that `chaperone.cost.tier` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uplift {
    /// `region_eu`, `region_us`, `regional`.
    pub tier: &'static str,
    /// 1100 is a tenth dearer.
    pub thousandths: i64,
}

struct Row {
    provider: &'static str,
    /// `said`, `server` or `path`, and what it must be: exact, or what ends (`*x`) it.
    place: &'static str,
    wanted: &'static str,
    tier: &'static str,
    thousandths: i64,
    /// Beginnings of model names.
    models: Vec<&'static str>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let lines = include_str!("../data/price_regions.tsv").lines();
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [provider, place, wanted, tier, thousandths, models] = cells[..] else {
            panic!("invariant: rows of price_regions.tsv have six columns");
        };
        let thousandths = thousandths.parse().expect("invariant: factors of price_regions.tsv are whole thousandths");
        Row { provider, place, wanted, tier, thousandths, models: models.split(' ').collect() }
    })
    .collect()
});

/// The factor for a model of a provider, both by their ids in a price list.
pub(super) fn uplift(provider: &str, model: &str, region: Region<'_>) -> Option<Uplift> {
    if !matches!(provider, "openai" | "anthropic" | "google") {
        return None;
    }
    let holds = |row: &&Row| {
        row.provider == provider
            && match row.place {
                "said" => region.said.is_some_and(|said| said.eq_ignore_ascii_case(row.wanted)),
                "server" => match row.wanted.strip_prefix('*') {
                    // The global endpoint has nothing in front.
                    Some(end) => region.server.len() > end.len() && region.server.ends_with(end),
                    None => region.server == row.wanted,
                },
                _ => location(region.model).is_some_and(|location| location != "global"),
            }
            && row.models.iter().any(|start| model.starts_with(start))
    };
    let row = ROWS.iter().find(holds)?;
    Some(Uplift { tier: row.tier, thousandths: row.thousandths })
}

/// `L` of `projects/P/locations/L/publishers/...`.
fn location(model: &str) -> Option<&str> {
    model.split_once("/locations/").and_then(|(_, rest)| rest.split('/').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(provider: &str, model: &str, region: Region<'_>) -> Option<(&'static str, i64)> {
        uplift(provider, model, region).map(|uplift| (uplift.tier, uplift.thousandths))
    }

    #[test]
    fn regions_are_told_by_word_address_and_path() {
        let server = |server| Region { server, ..Region::default() };
        let said = |said| Region { said: Some(said), ..Region::default() };
        let path = |model| Region { model, ..Region::default() };
        assert_eq!(factor("openai", "gpt-5.5", server("eu.api.openai.com")), Some(("region_eu", 1100)));
        assert_eq!(factor("openai", "gpt-5.5", server("api.openai.com")), None);
        assert_eq!(factor("openai", "gpt-4o-mini", server("eu.api.openai.com")), None, "older models cost the same");
        assert_eq!(factor("anthropic", "claude-opus-5", said("US")), Some(("region_us", 1100)));
        assert_eq!(factor("anthropic", "claude-opus-5", said("global")), None);
        assert_eq!(
            factor("google", "claude-sonnet-4-5", server("europe-west1-aiplatform.googleapis.com")),
            Some(("regional", 1100))
        );
        assert_eq!(factor("google", "claude-sonnet-4-5", server("aiplatform.googleapis.com")), None);
        let model = "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5";
        assert_eq!(factor("google", "claude-sonnet-4-5", path(model)), Some(("regional", 1100)));
        assert_eq!(factor("google", "claude-sonnet-4-5", path(&model.replace("us-east5", "global"))), None);
        assert_eq!(factor("aws", "claude-opus-5", said("us")), None, "its regions are entries of the list");
    }
}
