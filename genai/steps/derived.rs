//! Decisions that a record implies: the choice of a tool, a hand-over, a stop, another try, another model.
//!
//! Each needs evidence on the wire, and says that it was inferred from it or mapped.
//! What senders report of decisions is the normaliser's work.

use super::facts::{CallEvent, Facts};
use super::framework_tools::ends_run;
use super::write::{Pairs, text};
use super::{Evidence, HandedOver, Offered};
use crate::keys;
use crate::record::{self, record_digest};
use chaperone_proto::{KeyId, RecordRef, Value};

/// The decisions of a record, without their ids.
pub(super) fn decisions(record: RecordRef<'_>, facts: &Facts) -> Vec<Pairs> {
    let mut found = Vec::new();
    for call in facts.calls.iter().filter(|call| !call.executed) {
        found.push(selection(call, facts.offered.as_deref().unwrap_or_default()));
        if ends_run(&call.name) {
            let mut pairs = decision("end_run", "stop", "model", &call.name);
            about_call(&mut pairs, call.id.as_deref());
            found.push(pairs);
        }
    }
    found.extend(facts.hand_overs.iter().map(handed_over));
    if facts.failure.as_ref().is_some_and(|failure| failure.code == "max_retries_exceeded") {
        let mut pairs = decision("step_limit", "stop", "code", "max_retries_exceeded");
        pairs.push((keys::CHAPERONE_DECISION_REASON_CODE, text("max_retries_exceeded")));
        found.push(pairs);
    }
    if facts.tries_again() {
        let mut pairs = decision("try_again", "retry_strategy", "code", "retry");
        pairs.push((keys::CHAPERONE_STEP_ATTEMPT, Value::Int(i64::from(facts.attempt))));
        found.push(pairs);
    }
    if let Some(from) = &facts.fallback {
        let to = record.attrs().str(keys::GEN_AI_REQUEST_MODEL).unwrap_or_default();
        let mut pairs = decision("fall_back", "fallback", "code", to);
        pairs.push((keys::CHAPERONE_FALLBACK_FROM_MODEL, text(from)));
        pairs.push((keys::CHAPERONE_FALLBACK_TO_MODEL, text(to)));
        found.push(pairs);
    }
    for pairs in &mut found {
        let by_model = pairs.contains(&(keys::CHAPERONE_DECISION_MAKER_TYPE, text("model")));
        pairs.extend(record::model(record).filter(|_| by_model).map(|model| (keys::CHAPERONE_DECISION_MAKER_NAME, text(model))));
    }
    found
}

/// Puts an id in front: the same when the record is sent again.
pub(super) fn identified(record: RecordRef<'_>, mut pairs: Pairs, number: usize) -> Pairs {
    let id = record_digest("decision", record.trace_id(), record.span_id(), &record::id(record), &number.to_le_bytes());
    pairs.insert(0, (keys::CHAPERONE_DECISION_ID, Value::Str(record::hex(&id))));
    pairs
}

fn decision(name: &str, kind: &str, maker: &str, outcome: &str) -> Pairs {
    vec![
        (keys::CHAPERONE_DECISION_NAME, text(name)),
        (keys::CHAPERONE_DECISION_TYPE, text(kind)),
        (keys::CHAPERONE_DECISION_MAKER_TYPE, text(maker)),
        (keys::CHAPERONE_DECISION_OUTCOME, text(outcome)),
        (keys::CHAPERONE_DECISION_DERIVATION, text("inferred")),
    ]
}

fn about_call(pairs: &mut Pairs, id: Option<&str>) {
    pairs.push((keys::CHAPERONE_DECISION_SUBJECT_TYPE, text("tool_call")));
    pairs.extend(id.map(|id| (keys::CHAPERONE_DECISION_SUBJECT_ID, text(id))));
}

/// The choice behind a requested call.
fn selection(call: &CallEvent, offered: &[Offered]) -> Pairs {
    let mut pairs = decision("select_tool", "tool_selection", "model", &call.name);
    about_call(&mut pairs, call.id.as_deref());
    if !offered.is_empty() {
        pairs.push((keys::CHAPERONE_DECISION_CANDIDATES, Value::Array(offered.iter().map(|tool| text(&tool.name)).collect())));
    }
    pairs
}

/// A hand-over from one agent to another.
fn handed_over(over: &HandedOver) -> Pairs {
    let maker = if over.by_model { "model" } else { "code" };
    let mut pairs = decision("hand_over", "handoff", maker, over.target.as_deref().unwrap_or("_OTHER"));
    if over.evidence == Evidence::Reported
        && let Some((_, derivation)) = pairs.iter_mut().find(|(key, _)| *key == keys::CHAPERONE_DECISION_DERIVATION)
    {
        *derivation = text("mapped");
    }
    if over.call_id.is_some() {
        about_call(&mut pairs, over.call_id.as_deref());
    }
    let mut put = |key: KeyId, value: Option<&String>| pairs.extend(value.map(|value| (key, text(value))));
    put(keys::CHAPERONE_HANDOFF_SOURCE, over.source.as_ref());
    put(keys::CHAPERONE_HANDOFF_TARGET, over.target.as_ref());
    pairs.push((keys::CHAPERONE_HANDOFF_TYPE, text(over.how)));
    pairs
}
