//! Who is below whom in a trace: agent names for steps that name none, tools around MCP spans, attempts of one operation.
//!
//! A bounded map of traces to bounded maps of spans. Children often arrive before their parents: what is not known when a record
//! arrives is not waited for.

use crate::fast_hash::Map;
use std::collections::VecDeque;
use std::sync::Arc;

/// How far up a search goes.
const MOST_ANCESTORS: usize = 64;
/// How many ended attempts are remembered below one parent, and in a trace.
const MOST_ATTEMPTS: usize = 32;
const MOST_ATTEMPTS_OF_TRACE: usize = 512;
/// How many agents of a trace wait for what lies above them, and how many hand-overs are kept.
const MOST_WAITING: usize = 64;
const MOST_EDGES: usize = 256;

/// What is remembered of a span.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Parent span.
    pub parent: Option<[u8; 8]>,
    /// Agent's name, if the span names one itself.
    pub agent: Option<Arc<str>>,
    /// Tool's name, if it is a tool span.
    pub tool: Option<Arc<str>>,
    /// Whether it is a tool call of the Model Context Protocol.
    pub is_mcp: bool,
    /// Whether it is an agent's own span.
    pub is_agent: bool,
    /// Whether it is a model request.
    pub is_call: bool,
}

/// An agent at work below another agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Span of the lower agent.
    pub child: [u8; 8],
    /// The upper agent.
    pub source: Arc<str>,
    /// The lower agent.
    pub target: Arc<str>,
    /// Whether a tool stands between them: a model asked for it.
    pub through_tool: bool,
}

/// Where an agent's name came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentName {
    /// The name.
    pub name: Arc<str>,
    /// `own` `ancestor`.
    pub source: &'static str,
}

/// One ended run of an operation below a parent.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    what: u64,
    start_ns: u64,
    end_ns: u64,
    failed: bool,
    number: u32,
    /// It was the first record of its attempt.
    is_told: bool,
}

/// A model call that ended.
#[derive(Debug, Clone)]
pub struct Call {
    /// Span around it.
    pub parent: [u8; 8],
    /// Instrumentations name one model in different ways: only calls of one are compared.
    pub emitter: u64,
    /// Hash of the model's name.
    pub model: u64,
    /// End.
    pub end_ns: u64,
    /// The model's name, of a call that failed.
    pub failed: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Trace {
    spans: Map<[u8; 8], Node>,
    attempts: Map<[u8; 8], VecDeque<Attempt>>,
    /// Model calls, the last ones.
    calls: VecDeque<Call>,
    /// MCP spans that arrived before the tool span around them, if there is one.
    counted_mcp: Vec<[u8; 8]>,
    attempts_kept: usize,
    /// Names of agents, each once.
    agents: Vec<Arc<str>>,
    /// Agents that arrived before what lies above them.
    waiting: Vec<[u8; 8]>,
    /// Agents below agents, each with the span that made it known.
    edges: Vec<([u8; 8], Edge)>,
}

/// What lies above an agent.
enum Above {
    Agent(Edge),
    Nobody,
    /// A span that has not arrived.
    Unknown,
}

/// Spans of recent traces.
#[derive(Debug, Default)]
pub struct Lineage {
    traces: Map<[u8; 16], Trace>,
    order: VecDeque<[u8; 16]>,
    spans_kept: usize,
}

impl Lineage {
    /// Remembers a span. A trace keeps at most `most_spans`; further ones are not remembered.
    pub fn add(&mut self, trace: [u8; 16], span: [u8; 8], node: Node, most_spans: usize) {
        if !self.traces.contains_key(&trace) {
            self.order.push_back(trace);
        }
        let held = self.traces.entry(trace).or_default();
        if held.spans.len() < most_spans || held.spans.contains_key(&span) {
            let agent = node.agent.clone().filter(|_| node.is_agent);
            let is_new = held.spans.insert(span, node).is_none();
            self.spans_kept += usize::from(is_new);
            if let Some(agent) = agent.filter(|_| is_new) {
                if held.waiting.len() < MOST_WAITING {
                    held.waiting.push(span);
                }
                if held.agents.len() < MOST_WAITING && !held.agents.contains(&agent) {
                    held.agents.push(agent);
                }
            }
        }
    }

    /// Agents below agents that became known when `span` arrived; the same ones when it arrives again.
    pub fn edges(&mut self, trace: [u8; 16], span: [u8; 8]) -> Vec<Edge> {
        let Some(held) = self.traces.get_mut(&trace) else { return Vec::new() };
        for child in std::mem::take(&mut held.waiting) {
            let above = self.above(trace, child);
            let Some(held) = self.traces.get_mut(&trace) else { break };
            match above {
                Above::Agent(edge) if held.edges.len() < MOST_EDGES => held.edges.push((span, edge)),
                Above::Unknown => held.waiting.push(child),
                Above::Agent(_) | Above::Nobody => {}
            }
        }
        let told = self.traces.get(&trace).map(|held| held.edges.iter().filter(|(by, _)| *by == span)).into_iter().flatten();
        told.map(|(_, edge)| edge.clone()).collect()
    }

    /// Whether an agent of this name works in the trace.
    pub fn names_agent(&self, trace: [u8; 16], name: &str) -> bool {
        self.traces.get(&trace).is_some_and(|held| held.agents.iter().any(|agent| &**agent == name))
    }

    /// The agent above an agent's span, if its name is another.
    fn above(&self, trace: [u8; 16], child: [u8; 8]) -> Above {
        let Some(node) = self.node(trace, child) else { return Above::Nobody };
        let Some(target) = node.agent.clone() else { return Above::Nobody };
        let mut next = node.parent;
        let mut through_tool = false;
        for _ in 0..MOST_ANCESTORS {
            let Some(at) = next else { return Above::Nobody };
            let Some(node) = self.node(trace, at) else { return Above::Unknown };
            if let Some(source) = node.agent.clone().filter(|_| node.is_agent) {
                return if source == target { Above::Nobody } else { Above::Agent(Edge { child, source, target, through_tool }) };
            }
            through_tool |= node.tool.is_some();
            next = node.parent;
        }
        Above::Nobody
    }

    /// The agent of a span: its own name, else its nearest ancestor's.
    pub fn agent(&self, trace: [u8; 16], span: [u8; 8]) -> Option<AgentName> {
        let own = self.node(trace, span).and_then(|node| node.agent.clone());
        if let Some(name) = own {
            return Some(AgentName { name, source: "own" });
        }
        let above = self.ancestors(trace, span).find_map(|(_, node)| node.agent.clone());
        above.map(|name| AgentName { name, source: "ancestor" })
    }

    /// Whether an MCP span and the tool span around it tell of one call, and this is the one that was not seen first.
    ///
    /// Their names agree when the outer one ends in the inner one. The first that arrives counts; when both are known, the outer.
    pub fn is_second_of_mcp(&mut self, trace: [u8; 16], span: [u8; 8], tool: &str, is_mcp: bool) -> bool {
        let Some(held) = self.traces.get(&trace) else { return false };
        if is_mcp {
            if held.counted_mcp.contains(&span) {
                return false;
            }
            let around =
                self.ancestors(trace, span).any(|(_, node)| node.tool.as_deref().is_some_and(|outer| outer.ends_with(tool)));
            if !around
                && let Some(held) = self.traces.get_mut(&trace)
                && held.counted_mcp.len() < MOST_ATTEMPTS_OF_TRACE
            {
                held.counted_mcp.push(span);
            }
            return around;
        }
        let agrees = |inner: &[u8; 8]| {
            held.spans.get(inner).and_then(|node| node.tool.as_deref()).is_some_and(|name| tool.ends_with(name))
        };
        held.counted_mcp.iter().any(|inner| agrees(inner) && self.ancestors(trace, *inner).any(|(at, _)| at == span))
    }

    /// Which attempt of `what` this is, from 1, and whether no other record told of that attempt.
    ///
    /// One more than the last one below `parent`, if that failed before this began. What lies in a call is an attempt of what lies
    /// above the call, as that call is. Remembers it. An operation that arrives out of order counts as a first attempt.
    pub fn attempt(
        &mut self,
        trace: [u8; 16],
        parent: Option<[u8; 8]>,
        what: u64,
        interval: (u64, u64),
        failed: bool,
    ) -> (u32, bool) {
        let places = self.through_calls(trace, parent);
        let Some(held) = self.traces.get_mut(&trace) else { return (1, true) };
        if held.attempts_kept >= MOST_ATTEMPTS_OF_TRACE {
            return (1, true);
        }
        let (start_ns, end_ns) = interval;
        let alike = || places.iter().filter_map(|place| held.attempts.get(place)).flatten().filter(|a| a.what == what);
        if let Some(same) = alike().find(|a| a.start_ns == start_ns && a.end_ns == end_ns) {
            return (same.number, same.is_told);
        }
        let before = alike().filter(|a| a.end_ns <= start_ns).max_by_key(|a| a.end_ns);
        let number = before.filter(|a| a.failed).map_or(1, |a| a.number + 1);
        let is_told = !alike().any(|a| a.number == number && a.start_ns < end_ns && start_ns < a.end_ns);
        // Below each of them: what arrives later may know fewer of these spans, or more.
        for place in places {
            let attempts = held.attempts.entry(place).or_default();
            if attempts.len() == MOST_ATTEMPTS {
                attempts.pop_front();
            } else {
                held.attempts_kept += 1;
            }
            attempts.push_back(Attempt { what, start_ns, end_ns, failed, number, is_told });
        }
        (number, is_told)
    }

    /// The model whose call failed last before `start_ns`, when that is the last call below `parent` and its model is another.
    ///
    /// Remembers the call that begins then.
    pub fn failed_model_before(
        &mut self,
        trace: [u8; 16],
        parent: Option<[u8; 8]>,
        start_ns: u64,
        call: Call,
    ) -> Option<Arc<str>> {
        let is_first = self.traces.get(&trace).is_none_or(|held| held.calls.is_empty());
        let places = if is_first { Vec::new() } else { self.through_calls(trace, parent) };
        let calls = &mut self.traces.get_mut(&trace)?.calls;
        let near = calls.iter().filter(|other| other.emitter == call.emitter && places.contains(&other.parent));
        let before = near.filter(|other| other.end_ns <= start_ns).max_by_key(|other| other.end_ns);
        let fallback = before.filter(|other| other.model != call.model).and_then(|other| other.failed.clone());
        if calls.len() == MOST_ATTEMPTS {
            calls.pop_front();
        }
        calls.push_back(call);
        fallback
    }

    /// A span and, while they are calls, those above it, with the first one that is none.
    fn through_calls(&self, trace: [u8; 16], parent: Option<[u8; 8]>) -> Vec<[u8; 8]> {
        let mut places = vec![parent.unwrap_or_default()];
        let mut next = parent;
        for _ in 0..MOST_ANCESTORS {
            let Some(node) = next.and_then(|at| self.node(trace, at)).filter(|node| node.is_call) else { break };
            next = node.parent;
            places.push(next.unwrap_or_default());
        }
        places
    }

    /// Forgets the oldest traces until at most `max_spans` spans are kept; returns how many traces went.
    pub fn evict(&mut self, max_spans: usize) -> u64 {
        let mut evicted = 0;
        while self.spans_kept > max_spans {
            let Some(oldest) = self.order.pop_front() else { break };
            self.spans_kept -= self.traces.remove(&oldest).map_or(0, |trace| trace.spans.len());
            evicted += 1;
        }
        evicted
    }

    fn node(&self, trace: [u8; 16], span: [u8; 8]) -> Option<&Node> {
        self.traces.get(&trace)?.spans.get(&span)
    }

    fn ancestors(&self, trace: [u8; 16], span: [u8; 8]) -> impl Iterator<Item = ([u8; 8], &Node)> {
        let mut next = self.node(trace, span).and_then(|node| node.parent);
        let step = move || {
            let at = next.take()?;
            let node = self.node(trace, at)?;
            next = node.parent;
            Some((at, node))
        };
        std::iter::from_fn(step).take(MOST_ANCESTORS)
    }
}
