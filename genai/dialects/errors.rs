//! `error.type` of a span that failed and does not say how: the class of the exception it recorded, else `_OTHER`, as the conventions ask.
//!
//! Metrics and stores count failures by this key; emitters often set the status alone.

use super::plan::Plan;
use super::words::is_class_name;
use crate::keys;
use chaperone_proto::RecordRef;

/// Status code of a span that failed.
const ERROR: i32 = 2;
const EXCEPTION: &str = "exception";
const OTHER: &str = "_OTHER";

pub(crate) fn add(record: RecordRef<'_>, plan: &mut Plan) {
    let RecordRef::Span(span) = record else { return };
    let failed = span.status_code() == ERROR || plan.fails();
    let said = record.attrs().has(keys::ERROR_TYPE) || plan.planned(keys::ERROR_TYPE).is_some();
    if !failed || said {
        return;
    }
    let exceptions = span.events().filter(|event| event.name() == EXCEPTION);
    // The last one is what ended the span.
    let class = exceptions.filter_map(|event| event.attrs().str(keys::EXCEPTION_TYPE)).last();
    plan.add_str(keys::ERROR_TYPE, class.filter(|class| is_class_name(class)).unwrap_or(OTHER));
}
