//! What one GenAI record says about a step, before anything is remembered or written.
//!
//! [`Facts::read`] looks at the record alone; [`Facts::place`], [`Facts::tell_execution`] and [`Facts::tell_messages`] add what
//! was remembered of others.

use super::messages::attribute;
use super::offers::offered;
use super::{AgentName, ArgumentsKey, Conversation, Digester, Digests, Evidence, Failure, HandedOver, Node, Offered, StepKind};
use super::{failure, hand_over, is_error, is_framework_tool, kind, resource};
pub(super) use crate::fast_hash::value_hash as hash_of;
use crate::keys;
use crate::record::{self, is_call_operation, operation};
use crate::usage::{Identity, text_hash};
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use serde_json::Value as Json;
use std::sync::Arc;

/// A tool call found in messages, ready to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEvent {
    /// Its result stands in the request; else the answer asks for it.
    pub executed: bool,
    /// Call id, when the wire carries one.
    pub id: Option<String>,
    /// Tool's name; empty when nothing names it.
    pub name: String,
    /// Digests of the arguments.
    pub arguments: Option<Digests>,
    /// Digests of the result.
    pub result: Option<Digests>,
    /// What it touches.
    pub resource: Option<String>,
    /// The risk that the tool's own definition states.
    pub risk: Option<&'static str>,
    /// A tool span or log told of the execution.
    pub duplicate: bool,
    /// Arguments are text that is no JSON.
    pub unparseable: bool,
    /// A flag beside the result says that the tool failed.
    pub failed: bool,
    /// How it failed, as its result says.
    pub code: Option<&'static str>,
}

/// A tool span or log.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolFacts {
    /// Tool's name, empty when the record has none.
    pub name: String,
    /// Digests of the arguments.
    pub arguments: Option<Digests>,
    /// Digests of the result.
    pub result: Option<Digests>,
    /// What it touches.
    pub resource: Option<String>,
    /// The risk that the tool's own definition states.
    pub risk: Option<&'static str>,
    /// Another record tells of the same call, or the tool is a step of a framework.
    pub duplicate: bool,
    /// A step of a framework, which does nothing in the world.
    pub(super) is_framework: bool,
    pub(super) hand_over: Option<super::HandOver>,
    pub(super) arguments_key: Option<ArgumentsKey>,
}

/// What a record says about a step.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Position of the record in its batch.
    pub at: usize,
    /// Kind of step.
    pub kind: StepKind,
    /// Whether the record says that it failed.
    pub failed: bool,
    /// How it failed.
    pub failure: Option<Failure>,
    /// Agent from the record or above it; `None`: nobody but the service.
    pub agent: Option<AgentName>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The model that failed before, where this record asks another one instead.
    pub fallback: Option<Arc<str>>,
    /// A tool span or log.
    pub tool: Option<ToolFacts>,
    /// Tool calls in its messages that it is the first to tell of.
    pub calls: Vec<CallEvent>,
    /// Hand-overs to other agents that it is the first to tell of.
    pub hand_overs: Vec<HandedOver>,
    /// The tools a model was offered.
    pub offered: Option<Arc<[Offered]>>,
    /// Tool calls in its answer, told or not.
    pub calls_made: Option<usize>,
    /// Trace.
    pub trace: Option<[u8; 16]>,
    /// Span id: a log's too.
    pub span: Option<[u8; 8]>,
    /// Hash of the sender.
    pub sender: u64,
    pub(super) identity: u64,
    pub(super) run: u64,
    /// The run is more than the trace.
    pub(super) own_run: bool,
    pub(super) group: u64,
    pub(super) emitter: u64,
    pub(super) is_span: bool,
    pub(super) is_mcp: bool,
    pub(super) parent: Option<[u8; 8]>,
    pub(super) interval: (u64, u64),
    pub(super) call_id: Option<String>,
    pub(super) conversation: Conversation,
    pub(super) what: u64,
    /// No other record told of this attempt.
    pub(super) tells_attempt: bool,
    /// The wire says which attempt it is.
    pub(super) says_attempt: bool,
    /// Hash of the model that was asked, and its name where that failed.
    pub(super) model: Option<(u64, Option<Arc<str>>)>,
}

impl Facts {
    /// Reads the record at position `at`. `sender`: hash of its resource ([`crate::usage::Senders`]).
    pub fn read(at: usize, record: RecordRef<'_>, sender: u64, digester: &Digester) -> Facts {
        let attrs = record.attrs();
        let kind = kind(record);
        let failed = is_error(record);
        let text = |key: KeyId| attrs.str(key).filter(|text| !text.is_empty());
        let tool = (kind == StepKind::Tool).then(|| tool(record, digester));
        let tells = operation(record).is_some_and(is_call_operation) || kind == StepKind::Llm || is_message(record);
        // Agents and steps of frameworks repeat what model calls say; where no call is seen, they are the ones to tell.
        let conversation = match kind {
            _ if tells => Conversation::read(record),
            StepKind::Tool => Conversation::default(),
            _ => Conversation::read(record).with_ids(),
        };
        let answers = kind == StepKind::Llm && attrs.has(keys::GEN_AI_OUTPUT_MESSAGES);
        let (parent, interval) = match record {
            RecordRef::Span(span) => (span.parent_span_id(), (span.start_ns(), span.end_ns())),
            RecordRef::Log(_) => (record.span_id(), (record::event_time_ns(record), record::event_time_ns(record))),
        };
        let what_name = tool.as_ref().map_or_else(|| text(keys::GEN_AI_REQUEST_MODEL).unwrap_or(""), |tool| &tool.name);
        let shape = tool.as_ref().and_then(|tool| tool.arguments.as_ref()).map_or("", |digests| &digests.shape);
        let run_id = record::run_id(record);
        // Only tools are matched by name.
        let names_tools = tool.is_some() || !conversation.requested.is_empty() || conversation.has_outcomes();
        let own_run = names_tools && !run_id.is_empty() && record.trace_id().is_none_or(|trace| !is_hex_of(&run_id, &trace));
        let run = text_hash(&run_id);
        Facts {
            at,
            kind,
            failed,
            failure: failure(record, kind),
            agent: text(keys::GEN_AI_AGENT_NAME).map(|name| AgentName { name: name.into(), source: "own" }),
            attempt: attrs.int(keys::CHAPERONE_STEP_ATTEMPT).and_then(|said| u32::try_from(said).ok()).unwrap_or(1).max(1),
            fallback: None,
            calls: Vec::new(),
            hand_overs: reported_hand_over(record, kind).into_iter().collect(),
            offered: attrs.entry(keys::GEN_AI_TOOL_DEFINITIONS).filter(|_| kind == StepKind::Llm).map(offered),
            calls_made: answers.then_some(conversation.requested.len()),
            trace: record.trace_id(),
            span: record.span_id(),
            sender,
            identity: identity(record),
            run,
            own_run,
            // Tools are matched by name within a trace: runs may span many of them.
            group: record.trace_id().map_or(run, hash_of),
            emitter: text_hash(record.scope().name()) ^ record.signal() as u64,
            is_span: record.as_span().is_some(),
            is_mcp: attrs.has(keys::MCP_METHOD_NAME),
            parent,
            interval,
            call_id: text(keys::GEN_AI_TOOL_CALL_ID).map(str::to_owned),
            what: text_hash(kind.as_str()) ^ text_hash(what_name).rotate_left(21) ^ text_hash(shape).rotate_left(42),
            conversation,
            tells_attempt: true,
            says_attempt: attrs.has(keys::CHAPERONE_STEP_ATTEMPT),
            model: text(keys::GEN_AI_REQUEST_MODEL)
                .filter(|_| kind == StepKind::Llm)
                .map(|model| (text_hash(model), failed.then(|| Arc::from(model)))),
            tool,
        }
    }

    /// The span as others will look for it among their ancestors. `None` for logs.
    pub fn node(&self) -> Option<([u8; 16], [u8; 8], Node)> {
        let agent = self.agent.as_ref().map(|agent| Arc::clone(&agent.name));
        let tool = self.tool.as_ref().map(|tool| tool.name.as_str().into());
        let is_agent = self.kind == StepKind::Agent;
        let is_call = matches!(self.kind, StepKind::Llm | StepKind::Embedding);
        let node = Node { parent: self.parent, agent, tool, is_mcp: self.is_mcp, is_agent, is_call };
        if self.is_span { Some((self.trace?, self.span?, node)) } else { None }
    }
}

fn is_hex_of(text: &str, bytes: &[u8; 16]) -> bool {
    u128::from_str_radix(text, 16).is_ok_and(|number| number.to_be_bytes() == *bytes)
}

pub(super) fn arguments_key(arguments: Option<&Json>, digests: Option<&Digests>) -> Option<ArgumentsKey> {
    let names = arguments?.as_object().map(|pairs| hash_of(pairs.keys().collect::<Vec<_>>()));
    Some(ArgumentsKey { names, shape: text_hash(&digests?.shape) })
}

/// The hand-over that the record itself names.
fn reported_hand_over(record: RecordRef<'_>, kind: StepKind) -> Option<HandedOver> {
    // A sender's log of a hand-over is the decision itself.
    if record.as_log().is_some_and(|log| log.event_name() == crate::event_names::DECISION) {
        return None;
    }
    let attrs = record.attrs();
    let said = |key: KeyId| attrs.str(key).filter(|name| !name.is_empty()).map(str::to_owned);
    let (source, target) = (said(keys::CHAPERONE_HANDOFF_SOURCE), said(keys::CHAPERONE_HANDOFF_TARGET));
    // An agent's own span that names who handed over to it.
    let target = target.or_else(|| said(keys::GEN_AI_AGENT_NAME).filter(|_| kind == StepKind::Agent && source.is_some()));
    if source.is_none() && target.is_none() {
        return None;
    }
    let how = match attrs.str(keys::CHAPERONE_HANDOFF_TYPE) {
        Some("delegate") => "delegate",
        Some("return") => "return",
        Some("escalate_human") => "escalate_human",
        _ => "transfer",
    };
    let evidence = Evidence::Reported;
    Some(HandedOver { source, target, how, evidence, told_by: identity(record), call_id: None, by_model: true })
}

/// Which record tells: the same when it is sent again.
fn identity(record: RecordRef<'_>) -> u64 {
    match Identity::of(record) {
        Some(identity) => hash_of(identity),
        None => hash_of(record::id(record)),
    }
}

fn is_message(record: RecordRef<'_>) -> bool {
    record.as_log().is_some_and(|log| {
        let name = record::log_event_name(log, crate::dialects::EventNameAt::Field);
        crate::dialects::is_message_event(name)
    })
}

fn tool(record: RecordRef<'_>, digester: &Digester) -> ToolFacts {
    let attrs = record.attrs();
    let value = |key: KeyId| attrs.get(key).filter(|value| !matches!(value, ValueRef::Empty)).map(attribute);
    let of_span = || record.as_span().map_or("", |span| span.name());
    let name = attrs.str(keys::GEN_AI_TOOL_NAME).filter(|name| !name.is_empty()).unwrap_or_else(of_span).to_owned();
    let arguments: Option<Json> = value(keys::GEN_AI_TOOL_CALL_ARGUMENTS);
    let digests = arguments.as_ref().map(|value| digester.value(value));
    let is_framework = is_framework_tool(&name);
    ToolFacts {
        duplicate: is_framework,
        risk: None,
        is_framework,
        hand_over: hand_over(&name, arguments.as_ref()),
        name,
        result: value(keys::GEN_AI_TOOL_CALL_RESULT).map(|value| digester.value(&value)),
        resource: arguments.as_ref().and_then(resource),
        arguments_key: arguments_key(arguments.as_ref(), digests.as_ref()),
        arguments: digests,
    }
}
