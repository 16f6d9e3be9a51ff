//! What each record of a run tells, before anything is joined.

use super::{Link, What};
use crate::record::{self, event_time_ns, hex};
use crate::steps::is_error;
use crate::{event_names, keys};
use chaperone_proto::{Attrs, KeyId, RecordRef, ValueRef};
use std::collections::HashSet;

/// How a link says which tool call it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) id: Option<String>,
    pub(super) tool: String,
    pub(super) trace: Option<[u8; 16]>,
    /// The span that tells: of a tool its own, of a log the one it stands in.
    pub(super) span: Option<String>,
    /// Another record counts this call.
    pub(super) duplicate: bool,
    /// It names no call: an approval whose subject is a span or a record.
    pub(super) about: Option<String>,
}

/// A link, and whose call it is about.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) link: Link,
    pub(super) subject: Option<Subject>,
    pub(super) failed: bool,
}

/// Everything the records tell.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) raws: Vec<Raw>,
    seen: HashSet<String>,
}

impl Told {
    pub(super) fn add(&mut self, record: RecordRef<'_>) {
        let attrs = record.attrs();
        let is_resent = attrs.get(keys::CHAPERONE_USAGE_RESENT).and_then(ValueRef::as_bool) == Some(true);
        if is_resent || !record::is_gen_ai(record) || !self.seen.insert(record::id(record).into_owned()) {
            return;
        }
        let start_ns = record.as_span().map_or_else(|| event_time_ns(record), |span| span.start_ns());
        let failed = is_error(record);
        let is_event = match record {
            RecordRef::Log(log) => self.event(record, log.event_name(), attrs, event_time_ns(record)),
            RecordRef::Span(_) => false,
        };
        if !is_event {
            self.step(record, start_ns, failed);
        }
        if let Some(span) = record.as_span() {
            for event in span.events() {
                self.event(record, event.name(), event.attrs(), event.time_ns());
            }
        }
    }

    fn step(&mut self, record: RecordRef<'_>, at_ns: u64, failed: bool) {
        let attrs = record.attrs();
        let text = |key: KeyId| attrs.str(key).unwrap_or_default();
        let is_counted = attrs.str(keys::CHAPERONE_USAGE_SCOPE) != Some("duplicate");
        let (what, name) = match record::step_kind(record).unwrap_or_default() {
            "agent" | "workflow" => (What::Agent, text(keys::GEN_AI_AGENT_NAME)),
            "plan" => (What::Plan, text(keys::GEN_AI_AGENT_NAME)),
            // Logs carry messages, too: a call is what the window decided about.
            "llm" if is_counted && attrs.get(keys::CHAPERONE_USAGE_SCOPE).is_some() => {
                (What::Call, record::model(record).unwrap_or_default())
            }
            "tool" => (What::Executed, text(keys::GEN_AI_TOOL_NAME)),
            _ => return,
        };
        let subject = (what == What::Executed).then(|| Subject {
            id: attrs.str(keys::GEN_AI_TOOL_CALL_ID).filter(|id| !id.is_empty()).map(str::to_owned),
            tool: name.to_owned(),
            trace: record.trace_id(),
            span: record.span_id().map(|id| hex(&id)),
            duplicate: attrs.str(keys::CHAPERONE_TOOL_SCOPE) == Some("duplicate"),
            about: None,
        });
        let outcome = if failed { "error" } else { "" };
        let link = Link { name: name.to_owned(), outcome: outcome.to_owned(), ..link(record, what, at_ns) };
        self.raws.push(Raw { link, subject, failed });
    }

    /// Whether the event is one that the chain knows.
    fn event(&mut self, record: RecordRef<'_>, name: &str, attrs: Attrs<'_>, at_ns: u64) -> bool {
        let text = |key: KeyId| attrs.str(key).unwrap_or_default();
        let owned = |key: KeyId| text(key).to_owned();
        match name {
            event_names::TOOL_CALL => {
                let is_requested = text(keys::CHAPERONE_TOOL_SOURCE) == "requested";
                let what = if is_requested { What::Requested } else { What::Result };
                let maker = if is_requested { "model".to_owned() } else { String::new() };
                let subject = Subject {
                    id: attrs.str(keys::GEN_AI_TOOL_CALL_ID).map(str::to_owned),
                    tool: owned(keys::GEN_AI_TOOL_NAME),
                    trace: record.trace_id(),
                    duplicate: text(keys::CHAPERONE_TOOL_SCOPE) == "duplicate",
                    ..Subject::default()
                };
                let failed = attrs.get(keys::ERROR_TYPE).is_some();
                let link = Link { name: subject.tool.clone(), maker, ..link(record, what, at_ns) };
                self.raws.push(Raw { link, subject: Some(subject), failed });
            }
            event_names::APPROVAL | event_names::DECISION => {
                let is_approval = name == event_names::APPROVAL || text(keys::CHAPERONE_DECISION_TYPE) == "approval";
                // What a tool was chosen for is told by the call itself.
                if text(keys::CHAPERONE_DECISION_TYPE) == "tool_selection" {
                    return true;
                }
                let what = match text(keys::CHAPERONE_DECISION_TYPE) {
                    _ if is_approval => What::Approval,
                    "plan" => What::Plan,
                    _ => What::Decision,
                };
                let about = attrs.str(keys::CHAPERONE_DECISION_SUBJECT_ID).map(str::to_owned);
                let is_about_call = text(keys::CHAPERONE_DECISION_SUBJECT_TYPE) == "tool_call";
                let subject = is_about_call.then(|| Subject {
                    id: attrs.str(keys::GEN_AI_TOOL_CALL_ID).map(str::to_owned).or_else(|| about.clone()),
                    tool: owned(keys::GEN_AI_TOOL_NAME),
                    trace: record.trace_id(),
                    span: None,
                    duplicate: false,
                    about,
                });
                let link = Link {
                    name: owned(keys::CHAPERONE_DECISION_NAME),
                    kind: owned(keys::CHAPERONE_DECISION_TYPE),
                    outcome: owned(keys::CHAPERONE_DECISION_OUTCOME),
                    maker: owned(keys::CHAPERONE_DECISION_MAKER_TYPE),
                    ..link(record, what, at_ns)
                };
                self.raws.push(Raw { link, subject, failed: false });
            }
            event_names::QUALITY_SIGNAL | event_names::EVALUATION_RESULT | event_names::FAILURE | event_names::EVENT => {}
            _ => return false,
        }
        true
    }
}

fn link(record: RecordRef<'_>, what: What, at_ns: u64) -> Link {
    Link {
        what,
        at_ns,
        record_id: record::id(record).into_owned(),
        agent: record.attrs().str(keys::GEN_AI_AGENT_NAME).unwrap_or_default().to_owned(),
        name: String::new(),
        kind: String::new(),
        outcome: String::new(),
        maker: String::new(),
        call: None,
    }
}
