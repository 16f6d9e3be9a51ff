//! Expectations of a capture as `beyond.py` wrote them.

use crate::wire::Counts;
use chaperone_testkit::corpus;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One line of `BEYOND.jsonl`. What is absent is zero or empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Expected {
    pub capture: String,
    /// By tool.
    pub tool_selections: Counts,
    /// Final answers that are tools.
    pub stops: u64,
    pub handoffs: u64,
    /// By tool.
    pub approvals: Counts,
    pub retries: u64,
    /// `type code`.
    pub failures: Counts,
    pub first_response_times: u64,
    /// By type.
    pub signals: Counts,
    /// Facts that are not as in the truth, with the reason.
    pub lacking: BTreeMap<String, String>,
}

/// All captures.
pub fn all() -> Vec<Expected> {
    let text = std::fs::read_to_string(corpus::folder().join("BEYOND.jsonl")).expect("the corpus has its expectations");
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let all: Vec<Expected> = lines.collect();
    assert!(
        all.iter().all(|expected| expected.lacking.values().all(|reason| !reason.is_empty())),
        "each exception has its reason"
    );
    all
}
