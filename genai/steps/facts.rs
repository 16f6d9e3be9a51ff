//! What one GenAI record says about a step, before anything is remembered or written.
//!
//! [`Facts::read`] looks at the record alone; [`Facts::place`], [`Facts::tell_execution`] and [`Facts::tell_messages`] add what
//! was remembered of others.

use super::messages::attribute;
use super::{AgentName, Asked, CallMemory, Conversation, Digester, Digests, Failure, Lineage, Node, StepKind, Told};
use super::{failure, is_error, is_framework_tool, kind, resource, tool_names_in_definitions};
use crate::keys;
use crate::record::{self, is_call_operation, operation};
use crate::usage::{Identity, text_hash};
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use serde_json::Value as Json;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Call ids shorter than this are numbers within a run, not names of their own.
const SHORT_ID: usize = 8;

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
    /// A tool span or log told of the execution.
    pub duplicate: bool,
    /// Arguments are text that is no JSON.
    pub unparseable: bool,
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
    /// Another record tells of the same call, or the tool is a step of a framework.
    pub duplicate: bool,
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
    /// A tool span or log.
    pub tool: Option<ToolFacts>,
    /// Tool calls in its messages that it is the first to tell of.
    pub calls: Vec<CallEvent>,
    /// Names of the tools a model was offered.
    pub offered: Option<Vec<String>>,
    /// Tool calls in its answer, told or not.
    pub calls_made: Option<usize>,
    /// Trace.
    pub trace: Option<[u8; 16]>,
    /// Span id: a log's too.
    pub span: Option<[u8; 8]>,
    /// Hash of the sender.
    pub sender: u64,
    identity: u64,
    run: u64,
    emitter: u64,
    is_span: bool,
    is_mcp: bool,
    parent: Option<[u8; 8]>,
    interval: (u64, u64),
    call_id: Option<String>,
    conversation: Conversation,
    what: u64,
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
        let conversation = if tells { Conversation::read(record) } else { Conversation::default() };
        let answers = kind == StepKind::Llm && attrs.get(keys::GEN_AI_OUTPUT_MESSAGES).is_some();
        let (parent, interval) = match record {
            RecordRef::Span(span) => (span.parent_span_id(), (span.start_ns(), span.end_ns())),
            RecordRef::Log(_) => (record.span_id(), (record::event_time_ns(record), record::event_time_ns(record))),
        };
        let what_name = tool.as_ref().map_or_else(|| text(keys::GEN_AI_REQUEST_MODEL).unwrap_or(""), |tool| &tool.name);
        let shape = tool.as_ref().and_then(|tool| tool.arguments.as_ref()).map_or("", |digests| &digests.shape);
        Facts {
            at,
            kind,
            failed,
            failure: failure(record, kind),
            agent: text(keys::GEN_AI_AGENT_NAME).map(|name| AgentName { name: name.into(), source: "own" }),
            attempt: attrs.int(keys::CHAPERONE_STEP_ATTEMPT).and_then(|said| u32::try_from(said).ok()).unwrap_or(1).max(1),
            calls: Vec::new(),
            offered: attrs.get(keys::GEN_AI_TOOL_DEFINITIONS).filter(|_| kind == StepKind::Llm).map(tool_names_in_definitions),
            calls_made: answers.then_some(conversation.requested.len()),
            trace: record.trace_id(),
            span: record.span_id(),
            sender,
            identity: identity(record),
            run: text_hash(&record::run_id(record)),
            emitter: text_hash(record.scope().name()) ^ record.signal() as u64,
            is_span: record.as_span().is_some(),
            is_mcp: attrs.get(keys::MCP_METHOD_NAME).is_some(),
            parent,
            interval,
            call_id: text(keys::GEN_AI_TOOL_CALL_ID).map(str::to_owned),
            what: text_hash(&format!("{}\u{1f}{what_name}\u{1f}{shape}", kind.as_str())),
            conversation,
            tool,
        }
    }

    /// The span as others will look for it among their ancestors. `None` for logs.
    pub fn node(&self) -> Option<([u8; 16], [u8; 8], Node)> {
        let agent = self.agent.as_ref().map(|agent| Arc::clone(&agent.name));
        let tool = self.tool.as_ref().map(|tool| tool.name.as_str().into());
        let node = Node { parent: self.parent, agent, tool, is_mcp: self.is_mcp };
        if self.is_span { Some((self.trace?, self.span?, node)) } else { None }
    }

    /// Fills in what the trace knows: the agent above, the attempt, a tool span of the same call.
    pub fn place(&mut self, lineage: &mut Lineage) {
        let (Some(trace), Some(span)) = (self.trace, self.span) else { return };
        if self.agent.is_none() {
            self.agent = lineage.agent(trace, span).map(|found| AgentName { source: "ancestor", ..found });
        }
        let repeats = matches!(self.kind, StepKind::Llm | StepKind::Embedding | StepKind::Tool | StepKind::Retrieval);
        if self.is_span && repeats && self.attempt == 1 {
            self.attempt = lineage.attempt(trace, self.parent, self.what, self.interval, self.failed);
        }
        if self.is_span
            && let Some(tool) = &mut self.tool
            && lineage.is_second_of_mcp(trace, span, &tool.name, self.is_mcp)
        {
            tool.duplicate = true;
        }
    }

    /// Whether [`Facts::tell`] has anything to ask or say.
    pub fn has_calls(&self) -> bool {
        (self.tool.is_some() && self.call_id.is_some())
            || !self.conversation.requested.is_empty()
            || self.conversation.has_outcomes()
    }

    /// Tells of tool spans and logs: before the messages of the same batch, since they say more.
    pub fn tell_execution(&mut self, memory: &mut CallMemory) {
        let (run, identity, emitter) = (self.run, self.identity, self.emitter);
        let Some(id) = self.call_id.as_deref() else { return };
        let (scope, call) = (self.scope_of(id, run), text_hash(id));
        if let Some(tool) = &mut self.tool {
            tool.duplicate |= memory.executed(scope, call, identity, emitter) == Told::ByAnother;
        }
    }

    /// Tells of the calls in messages; what others told before is left out.
    pub fn tell_messages(&mut self, memory: &mut CallMemory, digester: &Digester) {
        let conversation = std::mem::take(&mut self.conversation);
        let mut told = Vec::new();
        let outcomes = conversation.outcomes(|id| {
            let said = memory.result_in_messages(self.scope_of(id, self.run), text_hash(id), self.identity);
            if said != Told::Again {
                told.push(said);
            }
            said != Told::Again
        });
        for (outcome, told) in outcomes.into_iter().zip(told) {
            let asked = memory.asked(self.scope_of(&outcome.id, self.run), text_hash(&outcome.id)).cloned().unwrap_or_default();
            let name = outcome.name.unwrap_or(asked.name);
            if is_framework_tool(&name) {
                continue;
            }
            self.calls.push(CallEvent {
                executed: true,
                name,
                arguments: outcome.arguments.as_ref().map(|value| digester.value(value)).or(asked.arguments),
                resource: outcome.arguments.as_ref().and_then(resource).or(asked.resource),
                result: outcome.result.as_ref().map(|value| digester.value(value)),
                duplicate: told == Told::ByAnother,
                unparseable: false,
                id: Some(outcome.id),
            });
        }
        for (number, request) in conversation.requested.into_iter().enumerate() {
            // Without a call id, the place in the answer of this span stands for it: a log of the span says the same.
            let (scope, call) = match &request.id {
                Some(id) => (self.scope_of(id, self.run), text_hash(id)),
                None => (self.run, text_hash(&format!("{:?} {number}", self.span))),
            };
            let asked = || Asked {
                name: request.name.clone(),
                arguments: request.arguments.as_ref().map(|value| digester.value(value)),
                resource: request.arguments.as_ref().and_then(resource),
            };
            if memory.requested(scope, call, self.identity, asked) != Told::First {
                continue;
            }
            let Some(Asked { name, arguments, resource }) = memory.asked(scope, call).cloned() else { continue };
            let unparseable = request.unparseable;
            self.calls.push(CallEvent {
                executed: false,
                arguments,
                resource,
                result: None,
                duplicate: false,
                unparseable,
                name,
                id: request.id,
            });
        }
    }

    /// Call ids are unique to a sender; short ones (`call_0`) only to a run.
    fn scope_of(&self, id: &str, run: u64) -> u64 {
        if id.len() < SHORT_ID { run } else { self.sender }
    }
}

/// Which record tells: the same when it is sent again.
fn identity(record: RecordRef<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match Identity::of(record) {
        Some(identity) => identity.hash(&mut hasher),
        None => record::id(record).hash(&mut hasher),
    }
    hasher.finish()
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
    let name = attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or("").to_owned();
    let arguments: Option<Json> = value(keys::GEN_AI_TOOL_CALL_ARGUMENTS);
    ToolFacts {
        duplicate: is_framework_tool(&name),
        name,
        result: value(keys::GEN_AI_TOOL_CALL_RESULT).map(|value| digester.value(&value)),
        resource: arguments.as_ref().and_then(resource),
        arguments: arguments.map(|value| digester.value(&value)),
    }
}
