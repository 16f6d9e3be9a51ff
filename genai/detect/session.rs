//! One session under watch: its steps in order, and what its agents do.
//!
//! Steps wait in [`Reorder`], then go to the sequence of their agent, and, where there are several agents, to one over all
//! of them: a cycle may be split over sub-agents.
//! The surprise: an agent's name is often learnt late, because agent spans end last. Steps without a name belong to the
//! only agent there is, and a name that comes later is taken over.

use crate::detect::loops::{Scope, Who};
use crate::detect::{Body, Finding, LoopDetector, LoopSettings, Reorder, SessionKey, Source, Step, Taken, ToolCall};
use std::collections::VecDeque;

/// Most agents of a session that have a sequence of their own; further ones share the last.
const AGENTS: usize = 16;
/// Runs of which is remembered how their tool calls are known.
const RUNS: usize = 8;
/// Tools of runs whose emitter is remembered.
const EMITTERS: usize = 64;

/// A session under watch.
#[derive(Debug)]
pub struct Session {
    key: SessionKey,
    service: String,
    conversation: Option<String>,
    waiting: Reorder,
    watermark_ns: u64,
    /// The best way in which a run's tool calls are known.
    runs: VecDeque<(String, Source)>,
    /// Whose spans are taken for a run's tool.
    emitters: VecDeque<Told>,
    agents: Vec<Sequence>,
    together: Option<LoopDetector>,
}

/// The emitter whose spans are taken for a tool in a run.
#[derive(Debug)]
struct Told {
    run: String,
    tool: String,
    emitter: u64,
}

impl Told {
    /// Whether a name is this tool's: MCP servers know it without the client's prefix.
    fn covers(&self, name: &str) -> bool {
        let is_part = |whole: &str, part: &str| !part.is_empty() && whole.ends_with(part);
        self.tool == name || is_part(&self.tool, name) || is_part(name, &self.tool)
    }
}

#[derive(Debug, Default)]
struct Sequence {
    agent: Option<String>,
    loops: LoopDetector,
}

impl Session {
    /// A session of which nothing was seen. `service`: stands for an agent without a name.
    pub fn new(key: SessionKey, service: String) -> Session {
        Session {
            key,
            service,
            conversation: None,
            waiting: Reorder::default(),
            watermark_ns: 0,
            runs: VecDeque::new(),
            emitters: VecDeque::new(),
            agents: Vec::new(),
            together: None,
        }
    }

    /// Takes a step in; it is judged by [`Session::release`]. `watermark_ns`: what the tenant's senders had passed before.
    pub fn push(&mut self, step: Step, watermark_ns: u64) -> Taken {
        self.advance(watermark_ns);
        self.waiting.push(step, self.watermark_ns)
    }

    /// Notes the conversation, which may be named only after the first steps.
    pub fn name(&mut self, conversation: Option<String>) {
        if self.conversation.is_none() {
            self.conversation = conversation;
        }
    }

    /// Notes what the tenant's senders have passed.
    pub fn advance(&mut self, watermark_ns: u64) {
        self.watermark_ns = self.watermark_ns.max(watermark_ns);
    }

    /// Judges the steps that the watermark has passed, or all that wait.
    pub fn release(&mut self, everything: bool, settings: &LoopSettings, out: &mut Vec<Finding>) {
        loop {
            let next = if everything { self.waiting.pop() } else { self.waiting.next(self.watermark_ns) };
            let Some(step) = next else { return };
            self.judge(&step, settings, out);
        }
    }

    /// Tells what has grown since it was told.
    pub fn tell(&mut self, settings: &LoopSettings, out: &mut Vec<Finding>) {
        for i in 0..self.agents.len() {
            let who = self.who(i);
            if let Some(sequence) = self.agents.get_mut(i) {
                sequence.loops.flush(&who, settings, out);
            }
        }
        let who = self.all_agents();
        if let Some(together) = &mut self.together {
            together.flush(&who, settings, out);
        }
    }

    /// Whether a step waits.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether a finding has grown since it was told.
    pub fn has_untold(&self) -> bool {
        self.detectors().any(LoopDetector::has_untold)
    }

    /// The service that reported it.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Bytes of memory, roughly.
    pub fn bytes(&self) -> usize {
        let emitters: usize = self.emitters.iter().map(|told| size_of::<Told>() + told.run.len() + told.tool.len()).sum();
        let texts = self.key.tenant.len() + self.key.session.len() + self.service.len() + emitters;
        let runs: usize = self.runs.iter().map(|(run, _)| run.len()).sum();
        let loops: usize = self.detectors().map(LoopDetector::bytes).sum();
        size_of::<Session>() + texts + runs + loops + self.waiting.len() * 2 * size_of::<Step>()
    }

    fn judge(&mut self, step: &Step, settings: &LoopSettings, out: &mut Vec<Finding>) {
        let Body::Tool(call) = &step.body else { return self.model(step, settings, out) };
        if self.is_told_by_another(&step.run, call) || self.is_known_better(&step.run, call.source) {
            return;
        }
        let place = self.place(step.agent.as_deref());
        let who = self.who(place);
        if let Some(sequence) = self.agents.get_mut(place) {
            sequence.loops.step(step, &who, settings, out);
        }
        let who = self.all_agents();
        if let Some(together) = &mut self.together {
            together.step(step, &who, settings, out);
        }
    }

    /// A model call is spent by its agent; one without a name may be anybody's.
    fn model(&mut self, step: &Step, settings: &LoopSettings, out: &mut Vec<Finding>) {
        if step.agent.is_some() || self.agents.is_empty() {
            self.place(step.agent.as_deref());
        }
        let who = Who::default();
        for sequence in &mut self.agents {
            if step.agent.is_none() || sequence.agent.is_none() || sequence.agent == step.agent {
                sequence.loops.step(step, &who, settings, out);
            }
        }
        if let Some(together) = &mut self.together {
            together.step(step, &who, settings, out);
        }
    }

    /// Whether the run knows its tool calls in a better way; remembers the best one.
    fn is_known_better(&mut self, run: &str, source: Source) -> bool {
        if let Some((_, best)) = self.runs.iter_mut().find(|(known, _)| known == run) {
            *best = source.min(*best);
            return *best < source;
        }
        self.runs.truncate(RUNS - 1);
        self.runs.push_front((run.to_owned(), source));
        false
    }

    /// Whether another emitter's spans are taken for this tool. Of two that report the same executions, the first whose spans can
    /// be compared is taken; which of the two was counted does not matter for that.
    fn is_told_by_another(&mut self, run: &str, call: &ToolCall) -> bool {
        // Found in messages: that is known in another way.
        if call.emitter == 0 {
            return false;
        }
        if let Some(told) = self.emitters.iter().find(|told| told.run == run && told.covers(&call.name)) {
            return told.emitter != call.emitter;
        }
        if !call.is_comparable() && call.error.is_none() {
            return call.repeats_another;
        }
        self.emitters.truncate(EMITTERS - 1);
        self.emitters.push_front(Told { run: run.to_owned(), tool: call.name.clone(), emitter: call.emitter });
        false
    }

    /// The place of an agent's sequence.
    fn place(&mut self, agent: Option<&str>) -> usize {
        let same = self.agents.iter().position(|sequence| sequence.agent.as_deref() == agent);
        if let Some(place) = same {
            return place;
        }
        match (agent, self.agents.as_mut_slice()) {
            (None, [_]) => return 0,
            (Some(name), [only]) if only.agent.is_none() => {
                only.agent = Some(name.to_owned());
                return 0;
            }
            (_, many) if many.len() >= AGENTS => return AGENTS - 1,
            _ => {}
        }
        self.agents.push(Sequence { agent: agent.map(str::to_owned), loops: LoopDetector::default() });
        if self.agents.len() == 2 {
            self.together = Some(LoopDetector::default());
        }
        self.agents.len() - 1
    }

    fn who(&self, place: usize) -> Who {
        let name = self.agents.get(place).and_then(|sequence| sequence.agent.clone());
        Who {
            key: self.key.clone(),
            agent: name.unwrap_or_else(|| self.service.clone()),
            conversation: self.conversation.clone(),
            scope: Scope::Agent,
        }
    }

    fn all_agents(&self) -> Who {
        Who { key: self.key.clone(), agent: String::new(), conversation: self.conversation.clone(), scope: Scope::AllAgents }
    }

    fn detectors(&self) -> impl Iterator<Item = &LoopDetector> {
        self.agents.iter().map(|sequence| &sequence.loops).chain(&self.together)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Digest;

    struct Watched {
        session: Session,
        next: u64,
        told: Vec<Finding>,
    }

    impl Watched {
        fn new() -> Watched {
            let key = SessionKey { tenant: String::new(), session: "s-1".to_owned() };
            Watched { session: Session::new(key, "shop".to_owned()), next: 1, told: Vec::new() }
        }
        fn see(&mut self, agent: Option<&str>, body: Body) {
            let at = self.next * 1_000_000;
            self.next += 1;
            let step = Step {
                start_ns: at,
                end_ns: at,
                index: 0,
                trace: None,
                span: Some(at.to_be_bytes()),
                run: "run-1".to_owned(),
                agent: agent.map(str::to_owned),
                body,
            };
            self.session.push(step, at);
            self.session.release(false, &LoopSettings::default(), &mut self.told);
        }
        fn agents(&self) -> Vec<&str> {
            self.told.iter().filter_map(|finding| finding.key_part("agent")).collect()
        }
    }

    fn tool(source: Source, result: u64) -> Body {
        Body::Tool(ToolCall {
            name: "search".to_owned(),
            source,
            arguments: Digest::Shape(1),
            result: Digest::Shape(result),
            error: None,
            shown: "search(q)".to_owned(),
            emitter: 0,
            repeats_another: false,
        })
    }

    #[test]
    fn a_name_that_is_learnt_late_belongs_to_the_steps_before() {
        let mut watched = Watched::new();
        for agent in [None, None, None, Some("planner")] {
            watched.see(agent, tool(Source::Executed, 1));
        }
        assert_eq!(watched.agents(), ["shop", "planner"], "a warning, then the loop");
        assert_eq!(watched.told[0].id, watched.told[1].id);
    }

    #[test]
    fn two_agents_that_do_the_same_once_each_are_no_loop_of_one() {
        let mut watched = Watched::new();
        for agent in ["a", "b", "a", "b"] {
            watched.see(Some(agent), tool(Source::Executed, 1));
        }
        assert!(watched.told.is_empty(), "{:#?}", watched.told);
    }

    #[test]
    fn model_calls_without_an_agent_are_waste_of_the_agent_that_loops() {
        let mut watched = Watched::new();
        for _ in 0..4 {
            watched.see(None, Body::Model { tokens: Some(100), cost_nanos: None });
            watched.see(Some("planner"), tool(Source::Executed, 1));
        }
        assert_eq!(watched.told.last().and_then(|finding| finding.value("wasted_tokens")), Some(300.0));
    }

    #[test]
    fn a_call_that_is_known_in_two_ways_counts_once() {
        let mut watched = Watched::new();
        for result in 0..20 {
            watched.see(None, tool(Source::Requested, 0));
            watched.see(None, tool(Source::Executed, result));
            watched.see(None, tool(Source::Answered, 0));
        }
        assert!(watched.told.is_empty(), "{:#?}", watched.told);
    }

    #[test]
    fn of_two_emitters_of_a_tools_spans_the_one_that_can_be_compared_is_taken() {
        let of = |emitter, repeats_another, name: &str, arguments| match tool(Source::Executed, 1) {
            Body::Tool(call) => {
                Body::Tool(ToolCall { name: name.to_owned(), result: arguments, arguments, emitter, repeats_another, ..call })
            }
            other => other,
        };
        let mut watched = Watched::new();
        for _ in 0..6 {
            watched.see(None, of(2, true, "mcp__shop__search", Digest::Shape(1)));
            watched.see(None, of(1, false, "search", Digest::Unknown));
        }
        let repeats = watched.told.last().and_then(|finding| finding.value("repeats"));
        assert_eq!(repeats, Some(5.0), "the server's spans were counted, the client's say what was done");
        let mut twice = Watched::new();
        for _ in 0..2 {
            twice.see(None, of(1, false, "search", Digest::Shape(1)));
            twice.see(None, of(2, true, "search", Digest::Shape(1)));
        }
        assert!(twice.told.is_empty(), "two runs of a tool told by two emitters are two: {:#?}", twice.told);
    }

    #[test]
    fn agents_beyond_the_bound_share_a_sequence() {
        let mut watched = Watched::new();
        for n in 0..100 {
            watched.see(Some(&format!("agent-{n}")), tool(Source::Executed, n));
        }
        assert_eq!(watched.session.agents.len(), AGENTS);
    }
}
