//! Decisions, approvals and tool calls on enriched records: span events, or log records where they came as logs.

use crate::wire::Counts;
use chaperone_genai::{event_names, keys};
use chaperone_proto::{Attrs, RecordRef, ValueRef};
use std::collections::BTreeSet;

/// What events of a capture tell.
#[derive(Debug, Default)]
pub struct Events {
    /// `source > target`, `?` for what is not said.
    pub handoffs: Counts,
    /// `tool outcome`.
    pub approvals: Counts,
    /// Types of quality signals.
    pub signals: Counts,
    seen: BTreeSet<String>,
}

impl Events {
    pub fn add(&mut self, record: RecordRef<'_>) {
        if record.attrs().get(keys::CHAPERONE_USAGE_RESENT).and_then(ValueRef::as_bool) == Some(true) {
            return;
        }
        match record {
            RecordRef::Span(span) => span.events().for_each(|event| self.event(event.name(), event.attrs(), record.attrs())),
            RecordRef::Log(log) => self.event(log.event_name(), log.attrs(), log.attrs()),
        }
    }

    fn event(&mut self, name: &str, attrs: Attrs<'_>, of: Attrs<'_>) {
        let text = |key| attrs.str(key).unwrap_or("?");
        if name == event_names::DECISION || name == event_names::APPROVAL {
            // A decision that two records tell has one id.
            if let Some(id) = attrs.str(keys::CHAPERONE_DECISION_ID)
                && !self.seen.insert(format!("{name} {id}"))
            {
                return;
            }
        }
        if name == event_names::DECISION && attrs.str(keys::CHAPERONE_DECISION_TYPE) == Some("handoff") {
            let edge = format!("{} > {}", text(keys::CHAPERONE_HANDOFF_SOURCE), text(keys::CHAPERONE_HANDOFF_TARGET));
            *self.handoffs.entry(edge).or_default() += 1;
        } else if name == event_names::APPROVAL {
            let tool = attrs.str(keys::GEN_AI_TOOL_NAME).or_else(|| of.str(keys::GEN_AI_TOOL_NAME)).unwrap_or("?");
            let outcome = match text(keys::CHAPERONE_APPROVAL_OUTCOME) {
                "approved" | "auto_approved" => "granted",
                other => other,
            };
            *self.approvals.entry(format!("{tool} {outcome}")).or_default() += 1;
        } else if name == event_names::QUALITY_SIGNAL {
            *self.signals.entry(text(keys::CHAPERONE_QUALITY_SIGNAL_TYPE).to_owned()).or_default() += 1;
        }
    }

    pub fn finish(&mut self) {
        self.seen.clear();
    }
}

/// Tools whose result in a later request's messages is marked as failed.
pub fn failed_tools(record: RecordRef<'_>) -> Vec<String> {
    let Some(span) = record.as_span() else { return Vec::new() };
    let calls = span.events().filter(|event| event.name() == event_names::TOOL_CALL).map(|event| event.attrs());
    let executed = calls.filter(|attrs| attrs.str(keys::CHAPERONE_TOOL_SOURCE) == Some("executed"));
    let failed = executed.filter(|attrs| attrs.str(keys::ERROR_TYPE).is_some());
    let counted = failed.filter(|attrs| attrs.str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate"));
    counted.map(|attrs| attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or("?").to_owned()).collect()
}

/// The type that an exception event names.
pub fn exception_type(record: RecordRef<'_>) -> Option<String> {
    let span = record.as_span()?;
    let found =
        span.events().filter(|event| event.name() == "exception").find_map(|event| event.attrs().get_named("exception.type"));
    found.and_then(ValueRef::as_str).map(str::to_owned)
}
