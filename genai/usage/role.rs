//! What a record is for counting: a call, a sum of calls, a tool, or nothing of these.

use super::Reported;
use crate::dialects::{Settings, is_message_event};
use crate::event_names;
use crate::record::{is_call_operation, log_event_name, operation};
use crate::steps::{StepKind, is_error, kind};
use chaperone_proto::RecordRef;

/// A record's part in counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It stands for one call (or for all calls of a turn, where the wire has no others).
    Call {
        /// Whether it may own tokens; else it is matched only.
        may_own: bool,
    },
    /// It repeats the sum of what is below it.
    Aggregate,
    /// A tool call, known by its identity alone.
    Tool,
    /// A GenAI record that is none of these, known by its identity alone.
    Other,
    /// Not kept: what it says stands on other records too (messages of a call).
    Untracked,
}

/// The role of a GenAI record.
pub fn role(record: RecordRef<'_>, usage: &Reported, settings: &Settings) -> Role {
    match record {
        RecordRef::Span(_) => span_role(record, usage, settings),
        RecordRef::Log(log) => {
            let name = log_event_name(log, settings.event_name);
            if usage.is_present() {
                return Role::Call { may_own: settings.log_owns(name) };
            }
            // A request that failed has no usage: where logs are the calls, it is one.
            let is_failed_call = operation(record).is_some_and(is_call_operation) && is_error(record);
            if is_failed_call && settings.log_owns(name) {
                return Role::Call { may_own: true };
            }
            let is_tool = name == event_names::TOOL_CALL || kind(record) == StepKind::Tool;
            if is_tool {
                Role::Tool
            } else if is_message_event(name) {
                Role::Untracked
            } else {
                Role::Other
            }
        }
    }
}

fn span_role(record: RecordRef<'_>, usage: &Reported, settings: &Settings) -> Role {
    let operation = operation(record).unwrap_or("");
    if is_call_operation(operation) {
        return Role::Call { may_own: settings.calls_own() };
    }
    match kind(record) {
        StepKind::Tool => Role::Tool,
        StepKind::Agent if settings.agents_own() && usage.is_present() => Role::Call { may_own: true },
        StepKind::Agent | StepKind::Workflow | StepKind::Plan => Role::Aggregate,
        // A call that has no operation; `fetch_response` repeats the usage of the request it polls for.
        StepKind::Llm | StepKind::Embedding => Role::Call { may_own: settings.calls_own() && operation != "fetch_response" },
        _ if usage.is_present() => Role::Call { may_own: false },
        _ => Role::Other,
    }
}
