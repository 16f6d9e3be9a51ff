//! What a step has to do with others: who is above it, which attempt it is, which tool calls and hand-overs it is the first to tell of.
//!
//! [`Facts::place`] asks what is remembered of the trace; [`Facts::tell_execution`] and [`Facts::tell_messages`] what is remembered of
//! calls. Each is asked in the order in which records arrive, and none revises what it said.

use super::facts::{Facts, arguments_key, hash_of};
use super::failure::code_of_result;
use super::lineage::Call;
use super::{
    AgentName, Asked, CallEvent, CallKey, CallMemory, Digester, Evidence, HandedOver, Held, IN_MESSAGES, Lineage, Named, Run,
};
use super::{StepKind, Told, ToolOutcome, hand_over, is_framework_tool, resource};
use crate::usage::text_hash;

/// Call ids shorter than this are numbers within a run, not names of their own.
const SHORT_ID: usize = 8;

impl Facts {
    /// Fills in what the trace knows: the agent above, the attempt, a tool span of the same call.
    pub fn place(&mut self, lineage: &mut Lineage) {
        let (Some(trace), Some(span)) = (self.trace, self.span) else { return };
        if self.agent.is_none() {
            self.agent = lineage.agent(trace, span).map(|found| AgentName { source: "ancestor", ..found });
        }
        let repeats = matches!(self.kind, StepKind::Llm | StepKind::Embedding | StepKind::Tool | StepKind::Retrieval);
        if self.is_span && repeats && self.attempt == 1 {
            (self.attempt, self.tells_attempt) = lineage.attempt(trace, self.parent, self.what, self.interval, self.failed);
        }
        if let Some((model, failed)) = self.model.take().filter(|_| self.is_span) {
            let call =
                Call { parent: self.parent.unwrap_or_default(), emitter: self.emitter, model, end_ns: self.interval.1, failed };
            self.fallback = lineage.failed_model_before(trace, self.parent, self.interval.0, call);
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

    /// Whether it is another try that only the order of steps tells of, and the first record of it.
    pub(super) fn tries_again(&self) -> bool {
        self.attempt > 1 && self.tells_attempt && !self.says_attempt
    }

    /// Whether there is anything to ask or say of tool calls and hand-overs.
    pub fn has_calls(&self) -> bool {
        self.tool.is_some()
            || self.offered.as_deref().unwrap_or_default().iter().any(|tool| tool.risk.is_some())
            || !self.hand_overs.is_empty()
            || !self.conversation.requested.is_empty()
            || self.conversation.has_outcomes()
    }

    /// Tells what definitions of tools say about them: before anything that runs them.
    pub fn tell_offers(&self, memory: &mut CallMemory) {
        for tool in self.offered.as_deref().unwrap_or_default() {
            if let Some(risk) = tool.risk {
                memory.risks.insert(self.sender, &tool.name, risk);
            }
        }
    }

    /// Tells of tool spans and logs: before the messages of the same batch, since they say more.
    pub fn tell_execution(&mut self, memory: &mut CallMemory) {
        for mut found in std::mem::take(&mut self.hand_overs) {
            let own = || self.agent.as_ref().filter(|_| self.kind != StepKind::Agent).map(|agent| agent.name.to_string());
            found.source = found.source.or_else(own);
            self.tell_hand_over(found, memory);
        }
        let Some(tool) = &mut self.tool else { return };
        tool.risk = memory.risks.get(self.sender, &tool.name);
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
            let asked = CallEvent {
                executed: false,
                risk: memory.risks.get(self.sender, &name),
                arguments,
                resource,
                result: None,
                duplicate: false,
                unparseable: request.unparseable,
                failed: false,
                code: None,
                name,
                id: request.id,
            };
            let ran = self.held_result(key, &asked, memory);
            self.calls.push(asked);
            self.calls.extend(ran);
        }
    }

    /// A result that arrived before anybody named its tool, told where the call is asked for.
    fn held_result(&self, key: CallKey, asked: &CallEvent, memory: &mut CallMemory) -> Option<CallEvent> {
        let held = memory.held(key)?.clone();
        if is_framework_tool(&asked.name) {
            return None;
        }
        let run =
            Run { id: Some(key), named: self.named(&asked.name), arguments: None, record: self.identity, source: IN_MESSAGES };
        let told = memory.executed(&run);
        (told != Told::Again).then(|| CallEvent {
            executed: true,
            result: held.result,
            duplicate: told == Told::ByAnother,
            unparseable: false,
            failed: held.failed,
            code: held.code,
            ..asked.clone()
        })
    }

    /// A result that stands in the request.
    fn tell_outcome(&mut self, outcome: ToolOutcome, memory: &mut CallMemory, digester: &Digester) {
        let Some(key) = self.call_key(&outcome.id, "") else { return };
        let asked = memory.asked(key).cloned().unwrap_or_default();
        let name = outcome.name.unwrap_or(asked.name);
        let result = outcome.result.as_ref().map(|value| digester.value(value));
        let code = outcome.result.as_ref().filter(|_| outcome.failed).and_then(code_of_result);
        // A result that nothing names is told only beside the record that names its call: an agent that logs its tools may be late.
        if name.is_empty() && !memory.has_run(key) {
            return memory.hold(key, Held { result, failed: outcome.failed, code });
        }
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
            risk: memory.risks.get(self.sender, &name),
            name,
            arguments: arguments.or(asked.arguments),
            resource: outcome.arguments.as_ref().and_then(resource).or(asked.resource),
            result,
            duplicate: told == Told::ByAnother,
            unparseable: false,
            failed: outcome.failed,
            code,
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
    let mut folded = String::with_capacity(own.len());
    for c in own.chars().filter(|c| c.is_alphanumeric()) {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            folded.extend(c.to_lowercase());
        }
    }
    folded
}
