//! The steps of a run as a tree: ancestors, outermost aggregates, delegation, self time.
//!
//! Parents may be missing or arrive last, and ids may be forged: walks are bounded and never trust that there is no cycle.

use super::step::{Kind, Step};
use super::{Run, Usage};

/// Longest chain of ancestors that is followed.
const DEEPEST: usize = 128;

impl Run {
    /// Steps above one, nearest first.
    pub(super) fn ancestors<'a>(&'a self, step: &Step) -> impl Iterator<Item = &'a Step> {
        let mut next = step.parent;
        std::iter::from_fn(move || {
            let above = self.steps.get(self.step_of_span(next?)?)?;
            next = above.parent;
            Some(above)
        })
        .take(DEEPEST)
    }

    /// What the outermost aggregates and unowned records said, and the requests they name: used when no call was counted.
    pub(super) fn aggregate_usage(&self) -> Option<(Usage, i128, u64)> {
        // A call that another run owns is counted there: a client's own spans may be traces of their own.
        let is_open = |step: &Step| !step.cumulative && !step.owns && !step.names_owner;
        let says = |step: &Step| is_open(step) && step.usage.is_some_and(|usage| !usage.is_empty());
        let mut usage = Usage::default();
        let (mut cost, mut requests) = (0, 0);
        let mut any = false;
        for step in self.steps.iter().filter(|step| says(step)) {
            if self.ancestors(step).any(says) {
                continue;
            }
            any = true;
            usage.add(step.usage.unwrap_or_default());
            cost += step.cost_nanos.unwrap_or_default();
            requests += u64::from(step.requests);
        }
        any.then_some((usage, cost, requests))
    }

    /// Agent steps in the longest chain of agents, less one: 0 when nobody delegated.
    pub(super) fn delegation_depth(&self) -> u64 {
        let agents = self.steps.iter().filter(|step| step.kind == Kind::Agent);
        let depth = |step: &Step| self.ancestors(step).filter(|above| above.kind == Kind::Agent).count() as u64;
        agents.map(depth).max().unwrap_or(0)
    }

    /// Time of a step that none of its children took: children are cut to the step and overlaps counted once.
    pub(super) fn self_times(&self) -> Vec<u64> {
        let mut children: Vec<Vec<(u64, u64)>> = vec![Vec::new(); self.steps.len()];
        for step in self.steps.iter().filter(|step| step.is_span) {
            if let Some(above) = step.parent.and_then(|parent| self.step_of_span(parent)) {
                children[above].push((step.start_ns, step.end_ns));
            }
        }
        let times = self.steps.iter().zip(children).map(|(step, mut children)| {
            children.sort_unstable();
            let (mut covered, mut until) = (0, step.start_ns);
            for (start, end) in children {
                let (start, end) = (start.max(until), end.min(step.end_ns));
                if end > start {
                    covered += end - start;
                    until = end;
                }
            }
            step.end_ns.saturating_sub(step.start_ns).saturating_sub(covered)
        });
        times.collect()
    }
}
