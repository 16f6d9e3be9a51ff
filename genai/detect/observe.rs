//! From enriched spans and log records to steps: which record is whose model call or tool call.
//!
//! Reads what `gen_ai_normalizer`, `gen_ai_steps` and `gen_ai_cost` wrote (contracts, sections 1 and 2), no dialect.
//! Left out are records that were counted before (`resent`) and tool spans that tell of another one (`duplicate`).
//! One record may give several steps: a model call carries the tool calls that were found in its messages as events.

use crate::detect::{Body, Digest, SessionKey, Source, Step, ToolCall, error_template, snippet};
use crate::record::{self, hex};
use crate::steps::is_framework_tool;
use crate::{event_names, keys};
use chaperone_proto::{Attrs, KeyId, RecordRef, SpanRef, ValueRef};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Results of calls stand in the request, so they come before the call itself; what it asks for comes after it.
const MODEL_INDEX: u32 = 1 << 16;
const REQUESTED_INDEX: u32 = 1 << 17;
/// Longest id or name that is kept as it is: senders choose them, and state holds many.
const LONGEST_ID: usize = 256;
/// Longest arguments that are parsed for evidence.
const SHOWN_BYTES: usize = 8192;

/// A step and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Tenant and session.
    pub key: SessionKey,
    /// Service that reported it.
    pub service: String,
    /// The conversation, if the sender named one.
    pub conversation: Option<String>,
    /// What was done.
    pub step: Step,
}

/// Appends the steps of one record. `tenant`: the client's, used where the resource names none.
/// `now_ns`: event time of a log record that has none.
///
/// Gives nothing for records that are not GenAI, that were counted before, and that belong to no session.
pub fn observe(record: RecordRef<'_>, tenant: Option<&str>, now_ns: u64, out: &mut Vec<Observed>) {
    if record.attrs().get(keys::CHAPERONE_USAGE_RESENT).and_then(ValueRef::as_bool) == Some(true) {
        return;
    }
    let reading = Reading { record, now_ns };
    let before = out.len();
    let mut bodies = Vec::new();
    reading.own(&mut bodies);
    reading.events(&mut bodies);
    if bodies.is_empty() {
        return;
    }
    let Some((key, conversation)) = reading.key(tenant) else { return };
    let service = bounded(record.resource().attrs().str(keys::SERVICE_NAME).unwrap_or_default());
    let run = bounded(&record::run_id(record));
    let agent = reading.agent();
    for (index, (start_ns, end_ns, place, body)) in bodies.into_iter().enumerate() {
        let step = Step {
            start_ns,
            end_ns: end_ns.max(start_ns),
            index: place + index as u32,
            trace: record.trace_id(),
            span: record.span_id(),
            run: run.clone(),
            agent: agent.clone(),
            body,
        };
        let (key, service, conversation) = (key.clone(), service.clone(), conversation.clone());
        out.push(Observed { key, service, conversation, step });
    }
    debug_assert!(out.len() > before, "a record with steps gives them out");
}

type Timed = (u64, u64, u32, Body);

struct Reading<'a> {
    record: RecordRef<'a>,
    now_ns: u64,
}

impl<'a> Reading<'a> {
    /// The record's own step.
    fn own(&self, bodies: &mut Vec<Timed>) {
        let attrs = self.record.attrs();
        let (start_ns, end_ns) = self.interval();
        let is_event = self.record.as_log().is_some_and(|log| log.event_name() == event_names::TOOL_CALL);
        match record::step_kind(self.record) {
            _ if is_event => bodies.extend(tool_event(attrs, start_ns)),
            Some("tool") => {
                let is_request = attrs.str(keys::CHAPERONE_TOOL_SOURCE) == Some("requested");
                let source = if is_request { Source::Requested } else { Source::Executed };
                let mut call = tool_call(attrs, self.failure(), source);
                call.emitter = emitter(self.record.scope().name());
                call.repeats_another = is_duplicate(attrs);
                bodies.push((start_ns, end_ns, 0, Body::Tool(call)));
            }
            Some("llm" | "embedding") => bodies.push((start_ns, end_ns, MODEL_INDEX, model_call(attrs))),
            _ => {}
        }
    }

    /// Tool calls that `gen_ai_steps` found in the messages of a span.
    fn events(&self, bodies: &mut Vec<Timed>) {
        let Some(span) = self.record.as_span() else { return };
        for event in span.events().filter(|event| event.name() == event_names::TOOL_CALL) {
            let time_ns = if event.time_ns() == 0 { span.start_ns() } else { event.time_ns() };
            bodies.extend(tool_event(event.attrs(), time_ns));
        }
    }

    fn interval(&self) -> (u64, u64) {
        match self.record {
            RecordRef::Span(span) => (span.start_ns(), record::event_time_ns(self.record)),
            RecordRef::Log(_) => {
                let time_ns = record::event_time_ns(self.record);
                let time_ns = if time_ns == 0 { self.now_ns } else { time_ns };
                (time_ns, time_ns)
            }
        }
    }

    /// Digest of the failure, if the record says it failed.
    fn failure(&self) -> Option<u64> {
        let attrs = self.record.attrs();
        let error_type = attrs.str(keys::ERROR_TYPE);
        let text = match self.record {
            RecordRef::Span(span) if span.status_code() == 2 || error_type.is_some() => error_text(span),
            RecordRef::Log(_) if error_type.is_some() => attrs.str(keys::EXCEPTION_MESSAGE).unwrap_or_default(),
            _ => return None,
        };
        Some(error_template::digest(error_type.unwrap_or_default(), text))
    }

    /// The agent's name, unless the service's was put in its place.
    fn agent(&self) -> Option<String> {
        let attrs = self.record.attrs();
        let own = attrs.str(keys::CHAPERONE_AGENT_SOURCE) != Some("service");
        attrs.str(keys::GEN_AI_AGENT_NAME).filter(|name| own && !name.is_empty()).map(bounded)
    }

    fn key(&self, tenant: Option<&str>) -> Option<(SessionKey, Option<String>)> {
        let (attrs, resource) = (self.record.attrs(), self.record.resource().attrs());
        let tenant = resource.str(keys::CHAPERONE_TENANT).or(tenant).unwrap_or_default();
        let named = |key| attrs.str(key).filter(|id: &&str| !id.is_empty());
        let conversation = named(keys::GEN_AI_CONVERSATION_ID).or_else(|| named(keys::SESSION_ID)).map(bounded);
        let session = match (&conversation, self.record.trace_id()) {
            (Some(conversation), _) => conversation.clone(),
            (None, Some(trace)) => session_of_trace(trace),
            (None, None) => bounded(named(keys::CHAPERONE_RUN_ID)?),
        };
        Some((SessionKey { tenant: bounded(tenant), session }, conversation))
    }
}

/// The session of steps whose conversation nothing names.
pub fn session_of_trace(trace: [u8; 16]) -> String {
    hex(&trace)
}

/// The text itself, or the digest of one that is too long to be kept.
fn bounded(text: &str) -> String {
    if text.len() <= LONGEST_ID {
        return text.to_owned();
    }
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn model_call(attrs: Attrs<'_>) -> Body {
    let counted = attrs.str(keys::CHAPERONE_USAGE_SCOPE).is_none_or(|scope| scope == "self");
    let count = |key| attrs.int(key).and_then(|n| u64::try_from(n).ok());
    let tokens = match (count(keys::GEN_AI_USAGE_INPUT_TOKENS), count(keys::GEN_AI_USAGE_OUTPUT_TOKENS)) {
        (None, None) => None,
        (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
    };
    let cost = attrs.get(keys::CHAPERONE_COST_TOTAL).and_then(ValueRef::as_f64).filter(|usd| *usd >= 0.0);
    let cost_nanos = cost.map(|usd| (usd * 1e9).round() as u64);
    Body::Model { tokens: tokens.filter(|_| counted), cost_nanos: cost_nanos.filter(|_| counted) }
}

/// Whether another record tells of the same call. A framework's own tools (handoffs) are marked so as not to be counted
/// as work; an agent that calls them again and again is in a loop all the same.
fn is_duplicate(attrs: Attrs<'_>) -> bool {
    let name = attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or_default();
    attrs.str(keys::CHAPERONE_TOOL_SCOPE) == Some("duplicate") && !is_framework_tool(name)
}

fn emitter(scope: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    scope.hash(&mut hasher);
    hasher.finish().max(1)
}

fn tool_event(attrs: Attrs<'_>, time_ns: u64) -> Option<Timed> {
    if is_duplicate(attrs) {
        return None;
    }
    let has_result = attrs.str(keys::CHAPERONE_TOOL_SOURCE) == Some("executed");
    let source = if has_result { Source::Answered } else { Source::Requested };
    let error = attrs.str(keys::ERROR_TYPE).map(|error_type| error_template::digest(error_type, ""));
    let place = if has_result { 0 } else { REQUESTED_INDEX };
    Some((time_ns, time_ns, place, Body::Tool(tool_call(attrs, error, source))))
}

fn tool_call(attrs: Attrs<'_>, error: Option<u64>, source: Source) -> ToolCall {
    let name = attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or_default();
    let arguments_bytes = attrs.int(keys::CHAPERONE_TOOL_ARGUMENTS_BYTES);
    let arguments = attrs.get(keys::GEN_AI_TOOL_CALL_ARGUMENTS);
    // Only parameter names are shown: not worth parsing a file that an agent writes.
    let is_short = arguments.and_then(ValueRef::as_str).is_none_or(|text| text.len() <= SHOWN_BYTES);
    let arguments = arguments.filter(|_| is_short).and_then(record::to_json);
    let empty = attrs.get(keys::CHAPERONE_TOOL_EMPTY).and_then(ValueRef::as_bool) == Some(true);
    let result = match digest(attrs, keys::CHAPERONE_TOOL_RESULT_SHAPE_HASH, keys::CHAPERONE_TOOL_RESULT_BYTES) {
        Digest::Unknown | Digest::Bytes(0) if empty => Digest::Shape(0),
        known => known,
    };
    ToolCall {
        name: snippet::clip(name, 128),
        source,
        arguments: digest(attrs, keys::CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH, keys::CHAPERONE_TOOL_ARGUMENTS_BYTES),
        result,
        error,
        shown: snippet::call(name, arguments.as_ref(), arguments_bytes),
        emitter: 0,
        repeats_another: false,
    }
}

fn digest(attrs: Attrs<'_>, hash: KeyId, bytes: KeyId) -> Digest {
    if let Some(text) = attrs.str(hash) {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        return Digest::Shape(hasher.finish());
    }
    attrs.int(bytes).map_or(Digest::Unknown, Digest::Bytes)
}

/// What a failed span says: its status, else its exception event.
fn error_text<'a>(span: SpanRef<'a>) -> &'a str {
    if !span.status_message().is_empty() {
        return span.status_message();
    }
    span.events().find_map(|event| event.attrs().str(keys::EXCEPTION_MESSAGE)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_senders_are_bounded_and_stay_different() {
        let (one, other) = (bounded(&"a".repeat(1000)), bounded(&"a".repeat(1001)));
        assert!(one.len() <= LONGEST_ID && one != other);
        assert_eq!(bounded("conv-1"), "conv-1");
    }
}
