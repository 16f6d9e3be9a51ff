//! Decisions and approvals that a sender reports under our own event names: they pass, and get what is needed to join them.
//!
//! Filled in where it is missing: an id, `derivation` = `reported`, and the type of an approval.

use super::super::plan::Plan;
use crate::record::{hex, record_digest};
use crate::{event_names, keys};
use chaperone_proto::{Attrs, KeyId, RecordRef, Value};

pub(super) fn add(record: RecordRef<'_>, name: &str, plan: &mut Plan) {
    match record {
        RecordRef::Log(_) => {
            let own = super::super::normalize::text(record, plan, keys::CHAPERONE_RECORD_ID).unwrap_or("").to_owned();
            for (key, value) in missing(record, name, record.attrs(), &own) {
                plan.add(key, value);
            }
        }
        RecordRef::Span(span) => {
            for (at, event) in span.events().enumerate() {
                for (key, value) in missing(record, event.name(), event.attrs(), &at.to_string()) {
                    plan.event_attr(at, key, value);
                }
            }
        }
    }
}

/// What an event of ours lacks. `which` tells events of one record apart.
fn missing(record: RecordRef<'_>, name: &str, attrs: Attrs<'_>, which: &str) -> Vec<(KeyId, Value)> {
    let is_approval = name == event_names::APPROVAL;
    if !is_approval && name != event_names::DECISION {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    let mut fill = |key: KeyId, value: &dyn Fn() -> String| {
        if !attrs.has(key) {
            pairs.push((key, Value::Str(value())));
        }
    };
    fill(keys::CHAPERONE_DECISION_ID, &|| {
        hex(&record_digest(record.signal().name(), record.trace_id(), record.span_id(), name, which.as_bytes()))
    });
    fill(keys::CHAPERONE_DECISION_DERIVATION, &|| "reported".to_owned());
    if is_approval {
        fill(keys::CHAPERONE_DECISION_TYPE, &|| "approval".to_owned());
    }
    pairs
}
