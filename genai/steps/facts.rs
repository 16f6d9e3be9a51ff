//! What one GenAI record says about a step, before anything is remembered or written.
//!
//! [`Facts::read`] looks at the record alone; [`Facts::place`], [`Facts::tell_execution`] and [`Facts::tell_messages`] add what
//! was remembered of others.

use super::messages::attribute;
use super::{
    AgentName, ArgumentsKey, Asked, CallKey, CallMemory, Conversation, Digester, Digests, Evidence, Failure, HandedOver,
};
use super::{IN_MESSAGES, Lineage, Named, Node, Run, StepKind, Told, ToolOutcome};
use super::{failure, hand_over, is_error, is_framework_tool, kind, resource, tool_names_in_definitions};
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
    /// A flag beside the result says that the tool failed.
    pub failed: bool,
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
    /// A step of a framework, which does nothing in the world.
    is_framework: bool,
    hand_over: Option<super::HandOver>,
    arguments_key: Option<ArgumentsKey>,
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
    /// Hand-overs to other agents that it is the first to tell of.
    pub hand_overs: Vec<HandedOver>,
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
    /// The run is more than the trace.
    own_run: bool,
    group: u64,
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
        // Agents and steps of frameworks repeat what model calls say; where no call is seen, they are the ones to tell.
        let conversation = match kind {
            _ if tells => Conversation::read(record),
            StepKind::Tool => Conversation::default(),
            _ => Conversation::read(record).with_ids(),
        };
        let answers = kind == StepKind::Llm && attrs.get(keys::GEN_AI_OUTPUT_MESSAGES).is_some();
        let (parent, interval) = match record {
            RecordRef::Span(span) => (span.parent_span_id(), (span.start_ns(), span.end_ns())),
            RecordRef::Log(_) => (record.span_id(), (record::event_time_ns(record), record::event_time_ns(record))),
        };
        let what_name = tool.as_ref().map_or_else(|| text(keys::GEN_AI_REQUEST_MODEL).unwrap_or(""), |tool| &tool.name);
        let shape = tool.as_ref().and_then(|tool| tool.arguments.as_ref()).map_or("", |digests| &digests.shape);
        let run_id = record::run_id(record);
        let own_run = !run_id.is_empty() && record.trace_id().is_none_or(|trace| !is_hex_of(&run_id, &trace));
        let run = text_hash(&run_id);
        Facts {
            at,
            kind,
            failed,
            failure: failure(record, kind),
            agent: text(keys::GEN_AI_AGENT_NAME).map(|name| AgentName { name: name.into(), source: "own" }),
            attempt: attrs.int(keys::CHAPERONE_STEP_ATTEMPT).and_then(|said| u32::try_from(said).ok()).unwrap_or(1).max(1),
            calls: Vec::new(),
            hand_overs: reported_hand_over(record, kind).into_iter().collect(),
            offered: attrs.get(keys::GEN_AI_TOOL_DEFINITIONS).filter(|_| kind == StepKind::Llm).map(tool_names_in_definitions),
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
        let is_agent = self.kind == StepKind::Agent;
        let node = Node { parent: self.parent, agent, tool, is_mcp: self.is_mcp, is_agent };
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
        if let Some(tool) = &mut self.tool {
            tool.is_framework |= lineage.names_agent(trace, &tool.name);
            tool.duplicate |= tool.is_framework;
            tool.duplicate |= self.is_span && lineage.is_second_of_mcp(trace, span, &tool.name, self.is_mcp);
        }
        if self.is_span {
            self.hand_overs.extend(lineage.edges(trace, span).into_iter().map(|edge| HandedOver {
                source: Some(edge.source.to_string()),
                target: Some(edge.target.to_string()),
                how: "delegate",
                evidence: Evidence::Below,
                told_by: hash_of(edge.child),
                call_id: None,
                by_model: edge.through_tool,
            }));
        }
    }

    /// Whether there is anything to ask or say of tool calls and hand-overs.
    pub fn has_calls(&self) -> bool {
        self.tool.is_some()
            || !self.hand_overs.is_empty()
            || !self.conversation.requested.is_empty()
            || self.conversation.has_outcomes()
    }

    /// Tells of tool spans and logs: before the messages of the same batch, since they say more.
    pub fn tell_execution(&mut self, memory: &mut CallMemory) {
        let found = std::mem::take(&mut self.hand_overs);
        found.into_iter().for_each(|found| self.tell_hand_over(found, memory));
        let Some(tool) = &self.tool else { return };
        if let Some(over) = &tool.hand_over {
            let found = self.handed_over(over.clone(), Evidence::Ran, self.identity, self.call_id.clone());
            return self.tell_hand_over(found, memory);
        }
        if tool.duplicate {
            return;
        }
        let run = Run {
            id: self.call_id.as_deref().and_then(|id| self.call_key(id, &tool.name)),
            named: self.named(&tool.name),
            arguments: tool.arguments_key,
            record: self.identity,
            source: self.emitter,
        };
        if (run.id.is_some() || run.named.iter().any(Option::is_some))
            && memory.executed(&run) == Told::ByAnother
            && let Some(tool) = &mut self.tool
        {
            tool.duplicate = true;
        }
    }

    /// Tells of the calls in messages; what others told before is left out.
    pub fn tell_messages(&mut self, memory: &mut CallMemory, digester: &Digester) {
        let conversation = std::mem::take(&mut self.conversation);
        let is_new = |id: &str| self.call_key(id, "").is_some_and(|key| !memory.is_old_result(key, self.identity));
        for outcome in conversation.outcomes(is_new) {
            self.tell_outcome(outcome, memory, digester);
        }
        for (number, request) in conversation.requested.into_iter().enumerate() {
            // Without a call id, the place in the answer of this span stands for it: a log of the span says the same.
            let own = request.id.as_deref().and_then(|id| self.call_key(id, &request.name));
            let key = own.unwrap_or_else(|| (self.run, text_hash(&format!("{:?} {number}", self.span))));
            let told = memory.requested(key, own.is_some(), self.identity, || {
                let digests = request.arguments.as_ref().map(|value| digester.value(value));
                let arguments = arguments_key(request.arguments.as_ref(), digests.as_ref());
                let resource = request.arguments.as_ref().and_then(resource);
                let asked = Asked { name: request.name.clone(), arguments: digests, resource };
                (asked, self.named(&request.name), arguments)
            });
            if told != Told::First {
                continue;
            }
            if let Some(over) = hand_over(&request.name, request.arguments.as_ref()) {
                let found = self.handed_over(over, Evidence::Requested, hash_of(key), request.id.clone());
                self.tell_hand_over(found, memory);
            }
            let Some(Asked { name, arguments, resource }) = memory.asked(key).cloned() else { continue };
            let unparseable = request.unparseable;
            self.calls.push(CallEvent {
                executed: false,
                arguments,
                resource,
                result: None,
                duplicate: false,
                unparseable,
                failed: false,
                name,
                id: request.id,
            });
        }
    }

    /// A result that stands in the request.
    fn tell_outcome(&mut self, outcome: ToolOutcome, memory: &mut CallMemory, digester: &Digester) {
        let Some(key) = self.call_key(&outcome.id, "") else { return };
        let asked = memory.asked(key).cloned().unwrap_or_default();
        let name = outcome.name.unwrap_or(asked.name);
        if is_framework_tool(&name) {
            return;
        }
        let arguments = outcome.arguments.as_ref().map(|value| digester.value(value));
        let told = memory.executed(&Run {
            id: Some(key),
            named: self.named(&name),
            arguments: arguments_key(outcome.arguments.as_ref(), arguments.as_ref()),
            record: self.identity,
            source: IN_MESSAGES,
        });
        if told == Told::Again {
            return;
        }
        self.calls.push(CallEvent {
            executed: true,
            name,
            arguments: arguments.or(asked.arguments),
            resource: outcome.arguments.as_ref().and_then(resource).or(asked.resource),
            result: outcome.result.as_ref().map(|value| digester.value(value)),
            duplicate: told == Told::ByAnother,
            unparseable: false,
            failed: outcome.failed,
            id: Some(outcome.id),
        });
    }

    fn tell_hand_over(&mut self, found: HandedOver, memory: &mut CallMemory) {
        if memory.hand_overs.is_first(self.group, &found) {
            self.hand_overs.push(found);
        }
    }

    fn handed_over(&self, over: super::HandOver, evidence: Evidence, told_by: u64, call_id: Option<String>) -> HandedOver {
        let source = over.source.or_else(|| self.agent.as_ref().map(|agent| agent.name.to_string()));
        HandedOver { source, target: over.target, how: over.how, evidence, told_by, call_id, by_model: true }
    }

    /// Where a tool's runs are looked for when they carry no id.
    fn named(&self, name: &str) -> Named {
        let folded = folded(name);
        if folded.is_empty() {
            return [None; 2];
        }
        let name = text_hash(&folded);
        [self.trace.map(|trace| (hash_of(trace), name)), self.own_run.then_some((self.run, name))]
    }

    /// Call ids are unique to a sender; short ones (`call_0`) only to a run. `None` for what stands for no id.
    fn call_key(&self, id: &str, tool: &str) -> Option<CallKey> {
        if id.is_empty() || (id.starts_with('<') && id.ends_with('>')) {
            return None;
        }
        // Gemini CLI puts the tool's name before the model's id.
        let id = id.strip_prefix(tool).and_then(|rest| rest.strip_prefix("__")).unwrap_or(id);
        Some((if id.len() < SHORT_ID { self.run } else { self.sender }, text_hash(id)))
    }
}

/// A tool's name as it is matched: what a framework or MCP puts in front goes, and so do case and marks.
fn folded(name: &str) -> String {
    let own = name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")).map_or(name, |(_, own)| own);
    own.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_hex_of(text: &str, bytes: &[u8; 16]) -> bool {
    u128::from_str_radix(text, 16).is_ok_and(|number| number.to_be_bytes() == *bytes)
}

fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn arguments_key(arguments: Option<&Json>, digests: Option<&Digests>) -> Option<ArgumentsKey> {
    let names = arguments?.as_object().map(|pairs| hash_of(pairs.keys().collect::<Vec<_>>()));
    Some(ArgumentsKey { names, shape: text_hash(&digests?.shape) })
}

/// The hand-over that the record itself names.
fn reported_hand_over(record: RecordRef<'_>, kind: StepKind) -> Option<HandedOver> {
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
        is_framework,
        hand_over: hand_over(&name, arguments.as_ref()),
        name,
        result: value(keys::GEN_AI_TOOL_CALL_RESULT).map(|value| digester.value(&value)),
        resource: arguments.as_ref().and_then(resource),
        arguments_key: arguments_key(arguments.as_ref(), digests.as_ref()),
        arguments: digests,
    }
}
