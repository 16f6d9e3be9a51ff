//! What a run comes to: the facts of a `chaperone.run` record.

use super::step::{Kind, Step};
use super::{About, Run, Usage};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Every outermost step ended well, and no step failed.
    Success,
    /// An outermost step failed.
    Failure,
    /// Succeeded after a step had failed.
    Partial,
    /// Steps arrived whose outermost step never ended.
    Abandoned,
}

impl Status {
    /// The word of `chaperone.run.status`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Failure => "failure",
            Status::Partial => "partial",
            Status::Abandoned => "abandoned",
        }
    }
}

/// Calls from one agent to another, or to a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Agent that calls.
    pub from: String,
    /// Agent or tool that is called.
    pub to: String,
    /// `delegates`, `handoff` or `calls_tool`.
    pub relation: &'static str,
    /// How often.
    pub calls: u64,
    /// How often it failed.
    pub errors: u64,
    /// Time it took, all calls together.
    pub duration_ns: u64,
}

/// What only the whole run tells about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFact {
    /// Record id of the step.
    pub record_id: String,
    /// Position by start, from 0.
    pub seq: u64,
    /// `chaperone.step.kind`.
    pub kind: String,
    /// Time none of its children took.
    pub self_ns: u64,
    /// Earlier steps with the same name and arguments.
    pub repeat: u64,
    /// From 1.
    pub attempt: u32,
    /// Failed, and a later step of the same kind and name succeeded.
    pub recovered: bool,
}

/// The facts of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How it ended.
    pub status: Status,
    /// Who ran it.
    pub about: About,
    /// Tokens.
    pub usage: Usage,
    /// Tokens and cost are what aggregates said.
    pub usage_from_aggregate: bool,
    /// Cost in nano-dollars.
    pub cost_nanos: i128,
    /// Some calls had no price or did not say what they used.
    pub cost_is_lower_bound: bool,
    /// Calls whose model has no price.
    pub unpriced_calls: u64,
    /// GenAI steps.
    pub steps: u64,
    /// Model requests, wrappers and duplicates left out.
    pub llm_calls: u64,
    /// Tool calls that were executed.
    pub tool_calls: u64,
    /// Tool calls that a model asked for.
    pub tool_calls_requested: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Steps that failed.
    pub errors: u64,
    /// Of those, followed by a success.
    pub recovered_errors: u64,
    /// Agents below agents.
    pub delegation_depth: u64,
    /// Models, sorted.
    pub models: Vec<String>,
    /// Tools, sorted.
    pub tools: Vec<String>,
    /// Agents, sorted.
    pub agents: Vec<String>,
    /// Detectors that found something.
    pub findings: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Other ids of this run.
    pub aliases: Vec<String>,
    /// Who called whom.
    pub edges: Vec<Edge>,
    /// Steps by start.
    pub step_facts: Vec<StepFact>,
}

impl Run {
    /// Everything worked out from what arrived so far.
    pub fn summary(&self) -> Summary {
        let order = self.order();
        let step_facts = self.step_facts(&order);
        let counted = || self.steps().filter(|step| !step.duplicate);
        let totals = &self.totals;
        let uncounted = totals.uncounted_spans();
        let is_told_twice = |step: &Step| step.kind.is_call() && step.span.is_some_and(|span| uncounted.contains(&span));
        let errors = counted().filter(|step| step.error && !is_told_twice(step)).count() as u64;
        let aggregate = if totals.is_unmeasured() { self.aggregate_usage() } else { None };
        let owned = (Usage::of(totals), i128::from(totals.cost_nanos), 0);
        let (usage, cost_nanos, aggregated) = aggregate.unwrap_or(owned);
        let (failed, ended_well) = totals.calls();
        let names = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
        Summary {
            status: self.status(errors),
            about: self.about.clone(),
            usage,
            usage_from_aggregate: aggregate.is_some(),
            cost_nanos,
            cost_is_lower_bound: totals.is_lower_bound(),
            unpriced_calls: totals.unpriced_calls,
            steps: counted().count() as u64,
            llm_calls: (failed + ended_well).max(aggregated),
            tool_calls: totals.executed.values().sum(),
            tool_calls_requested: totals.requested.values().sum(),
            retries: self.retries(&uncounted),
            errors,
            recovered_errors: step_facts.iter().filter(|fact| fact.recovered).count() as u64,
            delegation_depth: self.delegation_depth(),
            models: names(&self.names.models),
            tools: names(&self.names.tools),
            agents: names(&self.names.agents),
            findings: names(&self.names.findings),
            tags: names(&self.names.tags),
            aliases: names(&self.names.aliases),
            edges: self.edges(),
            step_facts,
        }
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    fn status(&self, errors: u64) -> Status {
        let is_top = |step: &&Step| step.parent.is_none_or(|parent| self.step_of_span(parent).is_none());
        let tops: Vec<&Step> = self.steps().filter(|step| step.is_span && !step.duplicate).filter(is_top).collect();
        // Tools alone on top, below a step that never arrived, mean that the agent around them never ended.
        if !tops.is_empty() && tops.iter().all(|step| step.kind == Kind::Tool && step.parent.is_some()) {
            return Status::Abandoned;
        }
        // The last of the outermost steps tells the end: earlier ones may be attempts that it made good.
        let ends = |step: &&Step| (step.end_ns, step.start_ns);
        let last = tops.into_iter().max_by_key(ends).or_else(|| self.steps().max_by_key(ends));
        match last {
            Some(last) if last.error => Status::Failure,
            _ if errors > 0 => Status::Partial,
            _ => Status::Success,
        }
    }

    /// Positions of the steps by start; of equal starts the longer first, so that parents precede their children.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        let steps = &self.steps;
        order.sort_by(|&a, &b| {
            let key = |step: &Step| (step.start_ns, u64::MAX - step.end_ns);
            key(&steps[a]).cmp(&key(&steps[b])).then_with(|| steps[a].record_id.cmp(&steps[b].record_id))
        });
        order
    }

    fn step_facts(&self, order: &[usize]) -> Vec<StepFact> {
        let self_times = self.self_times();
        let mut repeats: HashMap<(Kind, &str, &str), u64> = HashMap::new();
        let mut last_success: HashMap<(Kind, &str), u64> = HashMap::new();
        for step in self.steps().filter(|step| !step.error) {
            let end = last_success.entry((step.kind, &step.name)).or_default();
            *end = (*end).max(step.end_ns);
        }
        let facts = order.iter().enumerate().map(|(seq, &i)| {
            let step = &self.steps[i];
            let repeat = if step.kind == Kind::Tool && !step.arguments.is_empty() {
                let count = repeats.entry((step.kind, &step.name, &step.arguments)).or_default();
                *count += 1;
                *count - 1
            } else {
                0
            };
            let later = last_success.get(&(step.kind, step.name.as_str())).is_some_and(|end| *end > step.end_ns);
            StepFact {
                record_id: step.record_id.clone(),
                seq: seq as u64,
                kind: step.kind_word.clone(),
                self_ns: self_times[i],
                repeat,
                attempt: step.attempt,
                recovered: step.error && later,
            }
        });
        facts.collect()
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges: BTreeMap<(String, String, &'static str), (u64, u64, u64)> = BTreeMap::new();
        let mut add = |from: &str, to: &str, relation, error: bool, duration: u64| {
            if from.is_empty() || to.is_empty() {
                return;
            }
            let edge = edges.entry((from.to_owned(), to.to_owned(), relation)).or_default();
            edge.0 += 1;
            edge.1 += u64::from(error);
            edge.2 += duration;
        };
        let mut below: HashSet<(&str, &str)> = HashSet::new();
        for step in self.steps().filter(|step| !step.duplicate) {
            let duration = step.end_ns.saturating_sub(step.start_ns);
            match step.kind {
                Kind::Agent => {
                    let above = self.ancestors(step).find(|above| above.kind == Kind::Agent && above.name != step.name);
                    if let Some(above) = above {
                        below.insert((&above.name, &step.name));
                        add(&above.name, &step.name, "delegates", step.error, duration);
                    }
                }
                Kind::Tool => add(&step.agent, &step.name, "calls_tool", step.error, duration),
                _ => {}
            }
        }
        // An agent that works below another is an edge of the tree already.
        for (from, to, delegates) in &self.names.handoffs {
            match delegates {
                true if below.contains(&(from.as_str(), to.as_str())) => {}
                true => add(from, to, "delegates", false, 0),
                false => add(from, to, "handoff", false, 0),
            }
        }
        let edge = |((from, to, relation), (calls, errors, duration_ns))| Edge { from, to, relation, calls, errors, duration_ns };
        edges.into_iter().map(edge).collect()
    }
}
