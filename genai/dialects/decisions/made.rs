//! Puts a reported event on the plan: a span event on a span, a log record beside a log.
//!
//! Its id is a digest of where it was reported and what it says, so that a record that is sent again reports the same event, and
//! one that came through a collector of ours is not added to.

use super::super::plan::Plan;
use crate::keys;
use crate::record::{event_time_ns, hex, record_digest};
use chaperone_proto::{KeyId, RecordRef, Value};

pub(super) type Pairs = Vec<(KeyId, Value)>;

/// The text of a key of an event that is being made.
pub(super) fn text_of(pairs: &[(KeyId, Value)], key: KeyId) -> Option<&str> {
    pairs.iter().find_map(|(known, value)| match value {
        Value::Str(text) if *known == key => Some(text.as_str()),
        _ => None,
    })
}

/// Adds an event with an id of its own. `nth` tells apart what else is equal: the position of the span event it comes from.
pub(super) fn push(record: RecordRef<'_>, event: &'static str, nth: Option<usize>, mut pairs: Pairs, plan: &mut Plan) {
    let part = |key| text_of(&pairs, key).unwrap_or("");
    let mut what =
        [part(keys::CHAPERONE_DECISION_TYPE), part(keys::CHAPERONE_DECISION_NAME), part(keys::CHAPERONE_DECISION_OUTCOME)]
            .join("/");
    for more in [part(keys::CHAPERONE_DECISION_SUBJECT_ID), part(keys::CHAPERONE_QUALITY_SIGNAL_TYPE)] {
        what.push_str(more);
    }
    if let Some(nth) = nth {
        what.push_str(&format!("#{nth}"));
    }
    if record.as_log().is_some() {
        what.push_str(super::super::normalize::text(record, plan, keys::CHAPERONE_RECORD_ID).unwrap_or(""));
    }
    let id = hex(&record_digest(record.signal().name(), record.trace_id(), record.span_id(), event, what.as_bytes()));
    if is_there(record, event, &id, &pairs) {
        return;
    }
    if event == crate::event_names::DECISION || event == crate::event_names::APPROVAL {
        pairs.insert(0, (keys::CHAPERONE_DECISION_ID, Value::Str(id)));
    }
    plan.event(event_time_ns(record), event, pairs);
}

/// Whether the span carries the event already. Signals and evaluations have no id: equal ones are one.
fn is_there(record: RecordRef<'_>, event: &str, id: &str, pairs: &[(KeyId, Value)]) -> bool {
    let Some(span) = record.as_span() else { return false };
    span.events().filter(|known| known.name() == event).any(|known| {
        known.attrs().str(keys::CHAPERONE_DECISION_ID) == Some(id)
            || (!known.attrs().has(keys::CHAPERONE_DECISION_ID)
                && pairs.iter().all(|(key, value)| known.attrs().get(*key).is_some_and(|held| held.to_value() == *value)))
    })
}
