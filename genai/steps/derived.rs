//! Decisions that a record implies: the choice of a tool, a hand-over, a stop, another try, another model.
//!
//! Each needs evidence on the wire, and says that it was inferred from it or mapped.
//! What senders report of decisions is the normaliser's work.

use super::facts::{CallEvent, Facts};
use super::framework_tools::ends_run;
use super::write::{Pairs, Said, owned, text};
use super::{Evidence, HandedOver, Offered};
use crate::keys;
use crate::record::{self, record_digest};
use chaperone_proto::{KeyId, RecordRef};
use std::borrow::Cow;

/// The decisions of a record, without their ids.
pub(super) fn decisions<'f>(record: RecordRef<'_>, facts: &'f Facts) -> Vec<Pairs<'f>> {
    let mut found = Vec::new();
    for call in facts.calls.iter().filter(|call| !call.executed) {
        found.push(selection(call, facts.offered.as_deref().unwrap_or_default()));
        if ends_run(&call.name) {
            let mut pairs = decision("end_run", "stop", "model", text(&call.name));
            about_call(&mut pairs, call.id.as_deref());
            found.push(pairs);
        }
    }
    found.extend(facts.hand_overs.iter().map(handed_over));
    if facts.failure.as_ref().is_some_and(|failure| failure.code == "max_retries_exceeded") {
        let mut pairs = decision("step_limit", "stop", "code", text("max_retries_exceeded"));
        pairs.push((keys::CHAPERONE_DECISION_REASON_CODE, text("max_retries_exceeded")));
        found.push(pairs);
    }
    if facts.tries_again() {
        let mut pairs = decision("try_again", "retry_strategy", "code", text("retry"));
        pairs.push((keys::CHAPERONE_STEP_ATTEMPT, Said::Int(i64::from(facts.attempt))));
        found.push(pairs);
    }
    if let Some(from) = &facts.fallback {
        let to = record.attrs().str(keys::GEN_AI_REQUEST_MODEL).unwrap_or_default();
        let mut pairs = decision("fall_back", "fallback", "code", owned(to));
        pairs.push((keys::CHAPERONE_FALLBACK_FROM_MODEL, text(from)));
        pairs.push((keys::CHAPERONE_FALLBACK_TO_MODEL, owned(to)));
        found.push(pairs);
    }
    for pairs in &mut found {
        let mut said = pairs.iter();
        let by_model = said.any(|(key, maker)| *key == keys::CHAPERONE_DECISION_MAKER_TYPE && *maker == text("model"));
        pairs.extend(record::model(record).filter(|_| by_model).map(|model| (keys::CHAPERONE_DECISION_MAKER_NAME, owned(model))));
    }
    found
}

/// Puts an id in front: the same when the record is sent again.
pub(super) fn identified<'f>(record: RecordRef<'_>, mut pairs: Pairs<'f>, number: usize) -> Pairs<'f> {
    let id = record_digest("decision", record.trace_id(), record.span_id(), &record::id(record), &number.to_le_bytes());
    pairs.insert(0, (keys::CHAPERONE_DECISION_ID, Said::Text(Cow::Owned(record::hex(&id)))));
    pairs
}

fn decision<'f>(name: &'static str, kind: &'static str, maker: &'static str, outcome: Said<'f>) -> Pairs<'f> {
    // More is said of most, and an id comes in front.
    let mut pairs = Pairs::with_capacity(12);
    pairs.extend([
        (keys::CHAPERONE_DECISION_NAME, text(name)),
        (keys::CHAPERONE_DECISION_TYPE, text(kind)),
        (keys::CHAPERONE_DECISION_MAKER_TYPE, text(maker)),
        (keys::CHAPERONE_DECISION_OUTCOME, outcome),
        (keys::CHAPERONE_DECISION_DERIVATION, text("inferred")),
    ]);
    pairs
}

fn about_call<'f>(pairs: &mut Pairs<'f>, id: Option<&'f str>) {
    pairs.push((keys::CHAPERONE_DECISION_SUBJECT_TYPE, text("tool_call")));
    pairs.extend(id.map(|id| (keys::CHAPERONE_DECISION_SUBJECT_ID, text(id))));
}

/// The choice behind a requested call.
fn selection<'f>(call: &'f CallEvent, offered: &'f [Offered]) -> Pairs<'f> {
    let mut pairs = decision("select_tool", "tool_selection", "model", text(&call.name));
    about_call(&mut pairs, call.id.as_deref());
    if !offered.is_empty() {
        pairs.push((keys::CHAPERONE_DECISION_CANDIDATES, Said::Texts(offered.iter().map(|tool| tool.name.as_str()).collect())));
    }
    pairs
}

/// A hand-over from one agent to another.
fn handed_over<'f>(over: &'f HandedOver) -> Pairs<'f> {
    let maker = if over.by_model { "model" } else { "code" };
    let mut pairs = decision("hand_over", "handoff", maker, text(over.target.as_deref().unwrap_or("_OTHER")));
    if over.evidence == Evidence::Reported
        && let Some((_, derivation)) = pairs.iter_mut().find(|(key, _)| *key == keys::CHAPERONE_DECISION_DERIVATION)
    {
        *derivation = text("mapped");
    }
    if over.call_id.is_some() {
        about_call(&mut pairs, over.call_id.as_deref());
    }
    let said = |key: KeyId, value: &'f Option<String>| value.as_ref().map(|value| (key, text(value)));
    pairs.extend(said(keys::CHAPERONE_HANDOFF_SOURCE, &over.source));
    pairs.extend(said(keys::CHAPERONE_HANDOFF_TARGET, &over.target));
    pairs.push((keys::CHAPERONE_HANDOFF_TYPE, text(over.how)));
    pairs
}
