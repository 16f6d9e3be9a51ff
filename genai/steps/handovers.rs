//! Which hand-overs from agent to agent were told about: each once, though several records tell of it.
//!
//! A model asks for a hand-over tool, the tool runs, a span says who hands over to whom, and the other agent's span lies below.
//! Each kind of evidence is matched one to one with the others of its trace by the agent handed over to; a record that does not
//! know that agent fits any. So there are as many hand-overs as the kind of evidence that tells of most says.

use crate::fast_hash::Map;
use std::collections::VecDeque;

/// A hand-over as one record tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Agent that hands over.
    pub source: Option<String>,
    /// Agent handed over to.
    pub target: Option<String>,
    /// `transfer` `delegate` `return` `escalate_human`.
    pub how: &'static str,
    /// What tells of it.
    pub evidence: Evidence,
    /// What it is told by: hash of call id, of the agent's span, or of the record.
    pub told_by: u64,
    /// Call id of the tool.
    pub call_id: Option<String>,
    /// Whether a model decided.
    pub by_model: bool,
}

/// What kind of record tells of a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A model asks for a hand-over tool.
    Requested,
    /// A hand-over tool ran.
    Ran,
    /// A record names both agents.
    Reported,
    /// An agent's span lies below another agent's.
    Below,
}

/// Traces with hand-overs that are remembered.
const MOST_TRACES: usize = 4096;
/// Hand-overs of one trace that are remembered, and sightings of one.
const MOST_OF_A_TRACE: usize = 128;
const MOST_SIGHTINGS: usize = 8;

#[derive(Debug)]
struct Known {
    source: Option<String>,
    target: Option<String>,
    /// The first one is told.
    seen: Vec<(Evidence, u64)>,
}

/// Hand-overs of recent traces.
#[derive(Debug, Default)]
pub struct HandOvers {
    traces: Map<u64, Vec<Known>>,
    order: VecDeque<u64>,
}

impl HandOvers {
    /// Whether this is the first record to tell of a hand-over, or that record again. `trace`: hash of trace, else of run.
    pub fn is_first(&mut self, trace: u64, found: &HandedOver) -> bool {
        if self.order.len() >= MOST_TRACES && !self.traces.contains_key(&trace) {
            self.evict(MOST_TRACES - 1);
        }
        let order = &mut self.order;
        let known = self.traces.entry(trace).or_insert_with(|| {
            order.push_back(trace);
            Vec::new()
        });
        let sighting = (found.evidence, found.told_by);
        if let Some(same) = known.iter().find(|known| known.seen.contains(&sighting)) {
            return same.seen.first() == Some(&sighting);
        }
        let (source, target) = (found.source.as_deref().map(folded), found.target.as_deref().map(folded));
        let agree = |left: &Option<String>, right: &Option<String>| left.is_none() || right.is_none() || left == right;
        let is_free = |known: &&mut Known| {
            known.seen.iter().all(|(evidence, _)| *evidence != found.evidence) && agree(&known.target, &target)
        };
        // The sources' names differ more often than the hand-overs do: a graph's node, an agent's name, a service.
        let mut candidates: Vec<&mut Known> = known.iter_mut().filter(is_free).collect();
        let nearest = candidates.iter().position(|known| known.source == source && known.target == target);
        let nearest = nearest.or_else(|| candidates.iter().position(|known| known.target == target)).unwrap_or(0);
        if nearest < candidates.len() {
            let known = candidates.swap_remove(nearest);
            known.target = known.target.take().or(target);
            if known.seen.len() < MOST_SIGHTINGS {
                known.seen.push(sighting);
            }
            return false;
        }
        if known.len() < MOST_OF_A_TRACE {
            known.push(Known { source, target, seen: vec![sighting] });
        }
        true
    }

    /// Forgets the oldest traces until at most `max` are kept.
    fn evict(&mut self, max: usize) {
        while self.order.len() > max {
            if let Some(oldest) = self.order.pop_front() {
                self.traces.remove(&oldest);
            }
        }
    }
}

/// An agent's name without case, marks, and the word `agent` at its end: tools and spans spell it in different ways.
fn folded(name: &str) -> String {
    let folded: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    match folded.strip_suffix("agent") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => folded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(evidence: Evidence, told_by: u64, target: Option<&str>) -> HandedOver {
        let target = target.map(str::to_owned);
        HandedOver { source: Some("triage".into()), target, how: "delegate", evidence, told_by, call_id: None, by_model: true }
    }

    #[test]
    fn evidence_of_other_kinds_is_the_same_hand_over_in_any_order() {
        let all = [
            found(Evidence::Requested, 1, Some("billing_agent")),
            found(Evidence::Ran, 2, Some("billing_agent")),
            found(Evidence::Reported, 3, None),
            found(Evidence::Below, 4, Some("Billing-Agent")),
        ];
        for first in 0..all.len() {
            let mut memory = HandOvers::default();
            let mut order = all.clone();
            order.rotate_left(first);
            let told: Vec<bool> = order.iter().map(|found| memory.is_first(1, found)).collect();
            assert_eq!(told, [true, false, false, false], "from {first}");
            assert!(memory.is_first(1, &order[0]), "the same record again");
            assert!(!memory.is_first(1, &order[1]), "the same record again");
        }
    }

    #[test]
    fn two_of_one_kind_are_two_and_other_agents_are_others() {
        let mut memory = HandOvers::default();
        assert!(memory.is_first(1, &found(Evidence::Below, 1, Some("billing"))));
        assert!(memory.is_first(1, &found(Evidence::Below, 2, Some("billing"))));
        assert!(!memory.is_first(1, &found(Evidence::Requested, 3, Some("billing"))));
        assert!(memory.is_first(1, &found(Evidence::Requested, 4, Some("refunds"))));
        assert!(memory.is_first(2, &found(Evidence::Requested, 5, Some("billing"))), "another trace");
        for trace in 10..10 + MOST_TRACES as u64 {
            memory.is_first(trace, &found(Evidence::Below, 1, Some("billing")));
        }
        assert_eq!(memory.traces.len(), MOST_TRACES, "bounded");
        assert!(memory.is_first(1, &found(Evidence::Requested, 3, Some("billing"))), "forgotten");
    }
}
