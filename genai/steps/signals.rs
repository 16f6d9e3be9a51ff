//! Signs of quality that cost nothing to read: `chaperone.quality_signal` events.
//!
//! They need no content: finish reasons, counts, status and times are enough.
//! A tool's run gives one sign, on the record that owns the run; what frameworks do for themselves gives none.

use super::facts::{CallEvent, Facts};
use super::kind::StepKind;
use super::write::{Pairs, Said, text};
use crate::keys;
use crate::record::finish_reasons;
use chaperone_proto::{Entry, RecordRef, ValueRef};
use std::borrow::Cow;

/// One sign (contracts, section 2).
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// `chaperone.quality_signal.type`.
    pub kind: &'static str,
    /// Whether it holds: only what should hold is told with `false`.
    pub value: bool,
    /// `chaperone.quality_signal.derivation`.
    pub derivation: &'static str,
    /// What it was in detail: the code of a failure.
    pub code: Option<Cow<'static, str>>,
    /// What was measured: seconds, tokens.
    pub number: Option<f64>,
}

/// From when on a step is slow or large. `None`: nobody wants to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// Nanoseconds that a model call, a tool or a retrieval may take.
    pub latency_ns: Option<u64>,
    /// Input and output tokens of one model call.
    pub tokens: Option<u64>,
}

impl Signal {
    fn new(kind: &'static str, derivation: &'static str) -> Signal {
        Signal { kind, value: true, derivation, code: None, number: None }
    }

    pub(super) fn attributes(self) -> Pairs<'static> {
        let mut pairs = vec![
            (keys::CHAPERONE_QUALITY_SIGNAL_TYPE, text(self.kind)),
            (keys::CHAPERONE_QUALITY_SIGNAL_VALUE, Said::Bool(self.value)),
            (keys::CHAPERONE_QUALITY_SIGNAL_DERIVATION, text(self.derivation)),
        ];
        pairs.extend(self.code.map(|code| (keys::CHAPERONE_QUALITY_SIGNAL_CODE, Said::Text(code))));
        pairs.extend(self.number.map(|number| (keys::CHAPERONE_QUALITY_SIGNAL_NUMBER, Said::Double(number))));
        pairs
    }
}

/// Signs on a record itself.
pub fn signals(record: RecordRef<'_>, facts: &Facts, thresholds: &Thresholds) -> Vec<Signal> {
    let mut found = Vec::new();
    match facts.kind {
        StepKind::Llm => {
            let reasons = finish_reasons(record);
            let says = |words: [&str; 2]| reasons.iter().any(|reason| words.contains(reason));
            if says(["length", "max_tokens"]) {
                found.push(Signal::new("truncated_output", "mapped"));
            }
            if says(["content_filter", "refusal"]) {
                found.push(Signal::new("refusal", "mapped"));
            }
            if !facts.failed && !says(["tool_call", "tool_calls"]) && answers_nothing(record) {
                found.push(Signal::new("empty_output", "inferred"));
            }
        }
        StepKind::Tool if facts.tool.as_ref().is_some_and(|tool| !tool.duplicate) => {
            let kind = if facts.failed { "tool_failure" } else { "tool_success" };
            let code = facts.failure.as_ref().map(|failure| failure.code.clone());
            found.push(Signal { code, ..Signal::new(kind, "mapped") });
        }
        StepKind::Retrieval if !facts.failed && has_no_documents(record) => {
            found.push(Signal::new("empty_retrieval", "inferred"));
        }
        _ => {}
    }
    if breaks_schema(record, facts) {
        found.push(Signal { value: false, ..Signal::new("schema_valid", "mapped") });
    }
    if facts.attempt > 1 && facts.tells_attempt && !says_retry(record) {
        found.push(Signal::new("retry_occurred", "inferred"));
    }
    exceeded(record, facts, thresholds, &mut found);
    found
}

/// Signs on a tool call in messages.
pub(super) fn call_signals(call: &CallEvent) -> Option<Signal> {
    match call {
        call if call.unparseable => Some(Signal::new("unparseable_arguments", "inferred")),
        call if !call.executed || call.duplicate => None,
        call if call.failed => {
            let code = Some(Cow::Borrowed(call.code.unwrap_or("tool_error")));
            Some(Signal { code, ..Signal::new("tool_failure", "mapped") })
        }
        _ => Some(Signal::new("tool_success", "inferred")),
    }
}

/// The answer, or the arguments it gave a tool, did not fit what was asked for.
fn breaks_schema(record: RecordRef<'_>, facts: &Facts) -> bool {
    let failed = facts.failure.as_ref().is_some_and(|failure| failure.kind == "model" && failure.code == "invalid_output");
    failed || record.attrs().str(keys::CHAPERONE_RETRY_REASON) == Some("validation_error")
}

/// The normaliser mapped what the wire says of retries.
fn says_retry(record: RecordRef<'_>) -> bool {
    record.as_span().is_some_and(|span| {
        let mut said = span.events().filter_map(|event| event.attrs().str(keys::CHAPERONE_QUALITY_SIGNAL_TYPE));
        said.any(|kind| kind == "retry_occurred")
    })
}

fn exceeded(record: RecordRef<'_>, facts: &Facts, thresholds: &Thresholds, found: &mut Vec<Signal>) {
    let is_timed = matches!(facts.kind, StepKind::Llm | StepKind::Embedding | StepKind::Tool | StepKind::Retrieval);
    let took = record.as_span().map_or(0, |span| span.end_ns().saturating_sub(span.start_ns()));
    if is_timed && thresholds.latency_ns.is_some_and(|most| took > most) {
        found.push(Signal { number: Some(took as f64 / 1e9), ..Signal::new("latency_threshold", "inferred") });
    }
    if facts.kind == StepKind::Llm && thresholds.tokens.is_some() {
        let count = |key| record.attrs().int(key).and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or(0);
        let tokens = count(keys::GEN_AI_USAGE_INPUT_TOKENS).saturating_add(count(keys::GEN_AI_USAGE_OUTPUT_TOKENS));
        if thresholds.tokens.is_some_and(|most| tokens > most) {
            found.push(Signal { number: Some(tokens as f64), ..Signal::new("token_usage", "inferred") });
        }
    }
}

/// A model that ended and said nothing: no output token, or an answer without parts.
fn answers_nothing(record: RecordRef<'_>) -> bool {
    let attrs = record.attrs();
    if attrs.int(keys::GEN_AI_USAGE_OUTPUT_TOKENS) == Some(0) && attrs.int(keys::GEN_AI_USAGE_INPUT_TOKENS) > Some(0) {
        return true;
    }
    // Long answers say something: they are not read.
    let entry = attrs.entry(keys::GEN_AI_OUTPUT_MESSAGES);
    let is_short = |entry: &Entry<'_>| entry.text_bytes().is_none_or(|text| text.len() < 256);
    match entry.filter(is_short).map(Entry::value) {
        Some(ValueRef::Str(text)) => text.trim_start().starts_with('[') && !text.contains("\"type\""),
        Some(ValueRef::Array(messages)) => messages.iter().next().is_none(),
        _ => false,
    }
}

fn has_no_documents(record: RecordRef<'_>) -> bool {
    match record.attrs().get(keys::GEN_AI_RETRIEVAL_DOCUMENTS) {
        Some(ValueRef::Array(documents)) => documents.iter().next().is_none(),
        Some(ValueRef::Str(text)) => matches!(text.trim(), "" | "[]"),
        _ => false,
    }
}
