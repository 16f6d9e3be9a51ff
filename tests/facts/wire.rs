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

/// Models by the name without its date: providers answer with the dated name of the model that was asked for.
pub fn base(model: &str) -> &str {
    let is_date = |text: &str| {
        text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
    };
    let dashed = model.len().checked_sub(10).and_then(|at| model.split_at_checked(at));
    match dashed {
        Some((name, date)) if is_date(date) => name.trim_end_matches('-'),
        _ => match model.rsplit_once('-') {
            Some((name, date)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => model,
        },
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
