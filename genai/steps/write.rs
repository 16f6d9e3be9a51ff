//! Writes what was learned about a step: attributes and events on the record, log records beside a log.
//!
//! An event is a span event where it was derived from a span, and a log record where it was derived from a log.
//! A record that carries `chaperone.agent.source` was written by an earlier pass and is left as it is.

use super::derived::{decisions, identified};
use super::facts::{CallEvent, Facts};
use super::signals::call_signals;
use super::{Digester, Digests, Thresholds, signals, tool_kind};
use crate::record::{self, record_digest};
use crate::{event_names, keys};
use chaperone_proto::{Attrs, KeyId, LogsBuilder, RecordMut, RecordRef, ValueIn};
use std::borrow::Cow;

/// Attributes to write. Most of their texts are words of ours, or stand in the facts.
pub type Pairs<'f> = Vec<(KeyId, Said<'f>)>;

/// What is said under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Said<'f> {
    /// Text.
    Text(Cow<'f, str>),
    /// Integer.
    Int(i64),
    /// Double.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Array of texts.
    Texts(Vec<&'f str>),
}

impl<'s> From<&'s Said<'_>> for ValueIn<'s> {
    fn from(said: &'s Said<'_>) -> Self {
        match said {
            Said::Text(text) => ValueIn::Str(text),
            Said::Int(number) => ValueIn::Int(*number),
            Said::Double(number) => ValueIn::Double(*number),
            Said::Bool(yes) => ValueIn::Bool(*yes),
            Said::Texts(texts) => ValueIn::Strs(texts),
        }
    }
}

/// An event made from a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'f> {
    /// Event name.
    pub name: &'static str,
    /// Event time, nanoseconds since 1970.
    pub time_ns: u64,
    /// Attributes.
    pub attributes: Pairs<'f>,
}

/// Whether an earlier pass wrote this record.
pub fn is_written(attrs: Attrs<'_>) -> bool {
    attrs.has(keys::CHAPERONE_AGENT_SOURCE)
}

/// Attributes of the record itself. `record` is read, not changed.
pub fn attributes<'f>(record: RecordRef<'_>, facts: &'f Facts, digester: &Digester) -> Pairs<'f> {
    let attrs = record.attrs();
    let mut pairs = Pairs::with_capacity(12);
    let mut set = |key: KeyId, value: Said<'f>| {
        if !attrs.has(key) {
            pairs.push((key, value));
        }
    };
    set(keys::CHAPERONE_STEP_KIND, text(facts.kind.as_str()));
    match &facts.agent {
        Some(agent) => {
            set(keys::GEN_AI_AGENT_NAME, text(&agent.name));
            set(keys::CHAPERONE_AGENT_SOURCE, text(agent.source));
        }
        None => {
            let service = record.resource().attrs().str(keys::SERVICE_NAME).unwrap_or("");
            if !service.is_empty() {
                set(keys::GEN_AI_AGENT_NAME, owned(service));
            }
            set(keys::CHAPERONE_AGENT_SOURCE, text("service"));
        }
    }
    if facts.kind != super::StepKind::Other {
        set(keys::CHAPERONE_STEP_ATTEMPT, Said::Int(i64::from(facts.attempt)));
    }
    if let Some(failure) = &facts.failure {
        set(keys::CHAPERONE_FAILURE_TYPE, text(failure.kind));
        set(keys::CHAPERONE_FAILURE_CODE, text(&failure.code));
        set(keys::CHAPERONE_FAILURE_STAGE, text(failure.stage));
        if let Some(retryable) = failure.retryable {
            set(keys::CHAPERONE_FAILURE_RETRYABLE, Said::Bool(retryable));
        }
    }
    if let Some(from) = &facts.fallback {
        set(keys::CHAPERONE_FALLBACK_FROM_MODEL, text(from));
        set(keys::CHAPERONE_FALLBACK_TO_MODEL, owned(attrs.str(keys::GEN_AI_REQUEST_MODEL).unwrap_or_default()));
    }
    if let Some(tool) = &facts.tool {
        let kind = tool_kind(&tool.name);
        if !tool.name.is_empty() {
            set(keys::GEN_AI_TOOL_NAME, text(&tool.name));
        }
        set(keys::CHAPERONE_TOOL_CLASS, text(kind.class));
        set(keys::CHAPERONE_TOOL_RISK, text(tool.risk.unwrap_or(kind.risk)));
        set(keys::CHAPERONE_TOOL_SOURCE, text("executed"));
        set(keys::CHAPERONE_TOOL_SCOPE, text(if tool.duplicate { "duplicate" } else { "self" }));
        digests(&tool.arguments, &tool.result, &tool.resource, &mut set);
    }
    if facts.kind == super::StepKind::Llm {
        if let Some(offered) = &facts.offered {
            set(keys::CHAPERONE_LLM_TOOLS_OFFERED, Said::Int(offered.len() as i64));
        }
        if let Some(made) = facts.calls_made {
            set(keys::CHAPERONE_LLM_TOOL_CALLS_MADE, Said::Int(made as i64));
        }
        if let Some((hash, bytes)) = content(attrs, digester) {
            set(keys::CHAPERONE_CONTENT_HASH, Said::Text(Cow::Owned(hash)));
            set(keys::CHAPERONE_CONTENT_BYTES, Said::Int(bytes as i64));
        }
    }
    pairs
}

/// Events the record gives: tool calls in its messages, decisions, signs of quality.
pub fn events<'f>(record: RecordRef<'_>, facts: &'f Facts, thresholds: &Thresholds) -> Vec<Event<'f>> {
    let (start_ns, end_ns) = match record {
        RecordRef::Span(span) => (span.start_ns(), record::event_time_ns(record)),
        RecordRef::Log(_) => (record::event_time_ns(record), record::event_time_ns(record)),
    };
    let mut events = Vec::new();
    let mut push = |name, time_ns, attributes| events.push(Event { name, time_ns, attributes });
    for call in &facts.calls {
        // A result stood in the request, so it was there when the span began.
        let time_ns = if call.executed { start_ns } else { end_ns };
        push(event_names::TOOL_CALL, time_ns, tool_call(call));
        call_signals(call).into_iter().for_each(|signal| push(event_names::QUALITY_SIGNAL, time_ns, signal.attributes()));
    }
    for (number, attributes) in decisions(record, facts).into_iter().enumerate() {
        push(event_names::DECISION, end_ns, identified(record, attributes, number));
    }
    for signal in signals(record, facts, thresholds) {
        push(event_names::QUALITY_SIGNAL, end_ns, signal.attributes());
    }
    events
}

/// Writes attributes and, on a span, events.
pub fn write(record: &mut RecordMut<'_>, attributes: &Pairs<'_>, events: &[Event<'_>]) {
    for (key, value) in attributes {
        record.append(*key, value);
    }
    for event in events {
        let pairs: Vec<(KeyId, ValueIn<'_>)> = event.attributes.iter().map(|(key, value)| (*key, value.into())).collect();
        record.add_event(event.time_ns, event.name, &pairs);
    }
}

/// Writes the events of a log as log records beside it; its resource is the builder's current one.
///
/// They carry what makes them GenAI records of the same run, and ids of their own that are the same when the log is sent again.
pub fn write_logs(log: RecordRef<'_>, attributes: &Pairs<'_>, events: &[Event<'_>], out: &mut LogsBuilder) {
    let own = record::id(log);
    for (number, event) in events.iter().enumerate() {
        let rest = format!("{own} {number}");
        let id = record_digest(log.signal().name(), log.trace_id(), log.span_id(), event.name, rest.as_bytes());
        let mut made = out.record(event.time_ns);
        made.event_name(event.name).observed_time_ns(event.time_ns).ids(log.trace_id(), log.span_id());
        for key in CARRIED {
            let written = attributes.iter().find(|(name, _)| name == key).map(|(_, value)| ValueIn::from(value));
            if let Some(value) = log.attrs().get(*key).map(ValueIn::from).or(written) {
                made.attr(*key, value);
            }
        }
        made.attr(keys::CHAPERONE_RECORD_ID, record::hex(&id).as_str());
        let kind = if event.name == event_names::TOOL_CALL { "tool" } else { "other" };
        made.attr(keys::CHAPERONE_STEP_KIND, kind);
        for (key, value) in &event.attributes {
            made.attr(*key, value);
        }
    }
}

/// What a log record made from another takes over.
const CARRIED: &[KeyId] = &[
    keys::CHAPERONE_DIALECT_NAME,
    keys::CHAPERONE_DIALECT_VERSION,
    keys::CHAPERONE_FRAMEWORK_NAME,
    keys::CHAPERONE_RUN_ID,
    keys::GEN_AI_CONVERSATION_ID,
    keys::GEN_AI_AGENT_NAME,
    keys::CHAPERONE_AGENT_SOURCE,
    keys::CHAPERONE_TENANT,
    keys::CHAPERONE_TEAM,
];

fn tool_call(call: &CallEvent) -> Pairs<'_> {
    let mut pairs = Pairs::with_capacity(16);
    if !call.name.is_empty() {
        pairs.push((keys::GEN_AI_TOOL_NAME, text(&call.name)));
    }
    pairs.extend(call.id.as_ref().map(|id| (keys::GEN_AI_TOOL_CALL_ID, text(id))));
    pairs.push((keys::CHAPERONE_TOOL_SOURCE, text(if call.executed { "executed" } else { "requested" })));
    pairs.push((keys::CHAPERONE_TOOL_SCOPE, text(if call.duplicate { "duplicate" } else { "self" })));
    let kind = tool_kind(&call.name);
    pairs.push((keys::CHAPERONE_TOOL_CLASS, text(kind.class)));
    pairs.push((keys::CHAPERONE_TOOL_RISK, text(call.risk.unwrap_or(kind.risk))));
    digests(&call.arguments, &call.result, &call.resource, &mut |key, value| pairs.push((key, value)));
    if call.failed {
        pairs.push((keys::ERROR_TYPE, text(call.code.unwrap_or("tool_error"))));
    }
    pairs
}

fn digests<'f>(
    arguments: &'f Option<Digests>,
    result: &'f Option<Digests>,
    resource: &'f Option<String>,
    set: &mut impl FnMut(KeyId, Said<'f>),
) {
    if let Some(digests) = arguments {
        set(keys::CHAPERONE_TOOL_ARGUMENTS_HASH, text(&digests.exact));
        set(keys::CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH, text(&digests.shape));
        set(keys::CHAPERONE_TOOL_ARGUMENTS_BYTES, Said::Int(digests.bytes as i64));
    }
    if let Some(digests) = result {
        set(keys::CHAPERONE_TOOL_RESULT_HASH, text(&digests.exact));
        set(keys::CHAPERONE_TOOL_RESULT_SHAPE_HASH, text(&digests.shape));
        set(keys::CHAPERONE_TOOL_RESULT_BYTES, Said::Int(digests.bytes as i64));
        set(keys::CHAPERONE_TOOL_EMPTY, Said::Bool(digests.empty));
    }
    if let Some(resource) = resource {
        set(keys::CHAPERONE_TOOL_RESOURCE, text(resource));
    }
}

/// Digest of what was asked, and the size of what was asked and answered.
fn content(attrs: Attrs<'_>, digester: &Digester) -> Option<(String, usize)> {
    let plain = |key: KeyId| {
        let entry = attrs.entry(key)?;
        Some(entry.text_bytes().map_or_else(
            || {
                let mut json = String::new();
                entry.value().write_json(&mut json);
                Cow::Owned(json.into_bytes())
            },
            Cow::Borrowed,
        ))
    };
    let input = plain(keys::GEN_AI_INPUT_MESSAGES);
    let output = plain(keys::GEN_AI_OUTPUT_MESSAGES);
    if input.is_none() && output.is_none() {
        return None;
    }
    let instructions = plain(keys::GEN_AI_SYSTEM_INSTRUCTIONS).unwrap_or_default();
    let input = input.unwrap_or_default();
    let bytes = instructions.len() + input.len() + output.map_or(0, |output| output.len());
    Some((digester.bytes([&*instructions, &*input]), bytes))
}

pub(super) fn text(text: &str) -> Said<'_> {
    Said::Text(Cow::Borrowed(text))
}

/// Text of a record, which changes when it is written.
pub(super) fn owned(text: &str) -> Said<'static> {
    Said::Text(Cow::Owned(text.to_owned()))
}
