//! Signs of quality that cost nothing to read: `chaperone.quality_signal` events.
//!
//! Only what went wrong is said; that a tool succeeded is what its span says anyway.

use super::kind::StepKind;
use crate::keys;
use crate::record::finish_reasons;
use chaperone_proto::{RecordRef, ValueRef};

/// One sign (contracts, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// `chaperone.quality_signal.type`.
    pub kind: &'static str,
    /// `chaperone.quality_signal.derivation`.
    pub derivation: &'static str,
}

/// Signs on a record. `failed`: whether it says so; `attempt`: which one it is.
pub fn signals(record: RecordRef<'_>, step: StepKind, failed: bool, attempt: u32) -> Vec<Signal> {
    let mut found = Vec::new();
    let mut say = |kind, derivation| found.push(Signal { kind, derivation });
    match step {
        StepKind::Llm => {
            let reasons = finish_reasons(record);
            if reasons.iter().any(|reason| matches!(*reason, "length" | "max_tokens")) {
                say("truncated_output", "mapped");
            }
            if reasons.iter().any(|reason| matches!(*reason, "content_filter" | "refusal")) {
                say("refusal", "mapped");
            }
        }
        StepKind::Tool if failed => say("tool_failure", "mapped"),
        StepKind::Retrieval if !failed && has_no_documents(record) => say("empty_retrieval", "inferred"),
        _ => {}
    }
    if attempt > 1 {
        say("retry_occurred", "inferred");
    }
    found
}

fn has_no_documents(record: RecordRef<'_>) -> bool {
    match record.attrs().get(keys::GEN_AI_RETRIEVAL_DOCUMENTS) {
        Some(ValueRef::Array(documents)) => documents.iter().next().is_none(),
        Some(ValueRef::Str(text)) => matches!(text.trim(), "" | "[]"),
        _ => false,
    }
}
