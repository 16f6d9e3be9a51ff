//! Decisions, approvals, evaluations and signals that a record reports (contracts, section 2).
//!
//! What a table can say stands in `genai/data/decisions.tsv`; code holds lists of answers, indexed evaluations and routes.
//! Hand-overs are told by `steps`, since several records tell of one.
//! A span reports as span events. A log reports as log records beside it, which [`super::batch`] makes.
//! What stands on the span already (it came through a collector of ours) is not added again, and a log that was normalised
//! before reports nothing more.

mod answers;
mod evaluations;
mod fields;
mod made;
mod own;
mod routes;
mod table;

use super::Dialect;
use super::gather::Gathered;
use super::plan::Plan;
use super::settings::settings_of;
use crate::{event_names, keys};
use chaperone_proto::{RecordRef, Value};
use fields::Place;
use made::{Pairs, push, text_of};
use table::{Row, Rows};

/// Reads the table, so that its keys have ids before the first record is indexed.
pub(crate) fn install() {
    Rows::get();
}

/// Plans the events of a record. Comes last: it reads what the record will say.
pub(crate) fn add<'a>(record: RecordRef<'a>, dialect: Dialect, gathered: &mut Gathered<'a>, plan: &mut Plan) {
    let name = match record {
        RecordRef::Log(log) if log.attrs().has(keys::CHAPERONE_RECORD_ID) => return,
        RecordRef::Log(log) => crate::record::log_event_name(log, settings_of(dialect, record.scope()).event_name),
        RecordRef::Span(_) => "",
    };
    own::add(record, name, plan);
    for row in Rows::get().of(dialect) {
        // A row that fits may plan what another asks for.
        if row.may_fit(record.attrs().key_bits() | plan.key_bits()) && row.fits(record, name, plan) {
            add_row(record, row, plan);
        }
    }
    if let Some(span) = record.as_span() {
        routes::add(record, gathered, plan);
        answers::add(record, gathered, plan);
        evaluations::add(span, gathered, plan);
    }
}

fn add_row(record: RecordRef<'_>, row: &Row, plan: &mut Plan) {
    let (Some(glob), Some(span)) = (row.of_events, record.as_span()) else {
        if let Some(pairs) = pairs(row, &Place { record, plan, event: None }) {
            push(record, row.event, None, pairs, plan);
        }
        return;
    };
    for (at, event) in span.events().enumerate().filter(|(_, event)| glob.fits(event.name())) {
        if let Some(pairs) = pairs(row, &Place { record, plan, event: Some(event.attrs()) }) {
            push(record, row.event, Some(at), pairs, plan);
        }
    }
}

/// The attributes of the event; `None` where the record does not say the one thing that the event is about.
fn pairs(row: &Row, place: &Place<'_>) -> Option<Pairs> {
    let mut pairs: Pairs = row.fields.iter().filter_map(|field| Some((field.key, field.value(place)?))).collect();
    let has = |pairs: &Pairs, key| pairs.iter().any(|(known, _)| *known == key);
    let string = |text: &str| Value::Str(text.to_owned());
    match row.event {
        event_names::DECISION | event_names::APPROVAL => {
            if row.event == event_names::APPROVAL {
                let outcome = text_of(&pairs, keys::CHAPERONE_APPROVAL_OUTCOME)?.to_owned();
                pairs.push((keys::CHAPERONE_DECISION_TYPE, string("approval")));
                pairs.push((keys::CHAPERONE_DECISION_OUTCOME, Value::Str(outcome)));
            }
            text_of(&pairs, keys::CHAPERONE_DECISION_OUTCOME)?;
            if !has(&pairs, keys::CHAPERONE_DECISION_SUBJECT_ID) {
                pairs.retain(|(key, _)| *key != keys::CHAPERONE_DECISION_SUBJECT_TYPE);
            }
            if !has(&pairs, keys::CHAPERONE_DECISION_CONFIDENCE) {
                pairs.retain(|(key, _)| *key != keys::CHAPERONE_DECISION_CONFIDENCE_KIND);
            }
            pairs.push((keys::CHAPERONE_DECISION_DERIVATION, string("mapped")));
        }
        event_names::QUALITY_SIGNAL => {
            text_of(&pairs, keys::CHAPERONE_QUALITY_SIGNAL_TYPE)?;
            pairs.push((keys::CHAPERONE_QUALITY_SIGNAL_DERIVATION, string("mapped")));
        }
        _ => {
            text_of(&pairs, keys::GEN_AI_EVALUATION_NAME)?;
            let is_scored = has(&pairs, keys::GEN_AI_EVALUATION_SCORE_VALUE) || has(&pairs, keys::GEN_AI_EVALUATION_SCORE_LABEL);
            is_scored.then_some(())?;
        }
    }
    Some(pairs)
}
