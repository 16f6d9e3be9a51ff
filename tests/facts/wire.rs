//! The facts of a capture as the independent reader wrote them.

use chaperone_testkit::corpus;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Counts by name.
pub type Counts = BTreeMap<String, u64>;

/// One line of `FACTS.jsonl`. What is absent is zero or empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub capture: String,
    pub dialects: BTreeMap<String, String>,
    pub calls_ok: u64,
    /// `status type`, with `-` for what is not said.
    #[serde(default)]
    pub calls_failed: Counts,
    pub models: BTreeMap<String, Usage>,
    #[serde(default)]
    pub finish: Counts,
    #[serde(default)]
    pub first_response_times: u64,
    #[serde(default)]
    pub embeddings: u64,
    #[serde(default)]
    pub retrievals: Counts,
    #[serde(default)]
    pub retries: u64,
    /// `source > target (how it is seen)`.
    #[serde(default)]
    pub handoffs: Counts,
    /// `tool decision source`.
    #[serde(default)]
    pub approvals: Counts,
    pub requested: Counts,
    /// Calls that only a later request tells of; nothing is expected of them.
    #[serde(default, rename = "requested_only_in_history")]
    pub _requested_only_in_history: Counts,
    pub executed: Counts,
    /// They count as requested only.
    #[serde(default, rename = "framework_tools")]
    pub _framework_tools: Counts,
    #[serde(default)]
    pub handoff_tools: Counts,
    #[serde(default)]
    pub tool_errors: Counts,
    /// Names on tool records to the application's own.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
}

/// What calls of one model used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    pub ok: u64,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub cache_write_5m: u64,
    pub cache_write_1h: u64,
    pub reasoning: u64,
}

/// The facts of all captures.
pub fn facts() -> Vec<Facts> {
    let text = std::fs::read_to_string(corpus::folder().join("FACTS.jsonl")).expect("the corpus has its facts");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Models by their bare name: providers answer with the dated name of the model that was asked for, and routers put the provider
/// in front.
pub fn base(model: &str) -> &str {
    let model = ["openai/", "anthropic/", "gemini/"].iter().find_map(|router| model.strip_prefix(router)).unwrap_or(model);
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // `-2024-07-18`, `-20240718`
    let parts: Vec<&str> = model.rsplitn(4, '-').collect();
    match parts[..] {
        [day, month, year, name] if (day.len(), month.len(), year.len()) == (2, 2, 4) && is_digits(day) && is_digits(year) => {
            name
        }
        [date, ..] if date.len() == 8 && is_digits(date) => &model[..model.len() - 9],
        _ => model,
    }
}

/// One word for what several providers say of one end.
pub fn finish(reason: &str) -> String {
    match reason.to_ascii_lowercase().as_str() {
        "tool_call" | "tool_use" | "tool-calls" => "tool_calls".to_owned(),
        "end_turn" => "stop".to_owned(),
        other => other.to_owned(),
    }
}
