//! Puts the steps of one session into the order in which they began.
//!
//! Exporters send spans when they end, in batches, from several processes; a sequence detector needs the order of starts.
//! Steps wait here until the watermark (greatest end seen in the tenant, less the lateness) has passed their end,
//! at most [`HELD`] of them; what sorts before something already given out comes too late and is counted by the caller.

use crate::detect::Step;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Most steps a session holds back.
pub const HELD: usize = 64;

/// What became of a step handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It waits for its turn.
    Held,
    /// It sorts before a step that was given out, and the watermark had passed it: it is dropped.
    Late,
}

/// Steps of one session that wait for their turn.
#[derive(Debug, Default)]
pub struct Reorder {
    heap: BinaryHeap<Reverse<Waiting>>,
    sequence: u64,
    /// Order of the last step given out.
    released: Option<(u64, u32)>,
    /// Greatest end of what was given out before the watermark allowed it.
    passed_ns: u64,
}

#[derive(Debug)]
struct Waiting {
    order: (u64, u32, u64),
    step: Step,
}

impl Reorder {
    /// Takes a step in. `watermark_ns`: what the tenant's senders have passed.
    pub fn push(&mut self, step: Step, watermark_ns: u64) -> Taken {
        let order = (step.start_ns, step.index);
        // A long step may begin before one that was given out and still be on time: its end is what the watermark measures.
        if step.end_ns <= watermark_ns.max(self.passed_ns) && self.released.is_some_and(|released| order < released) {
            return Taken::Late;
        }
        self.sequence += 1;
        self.heap.push(Reverse(Waiting { order: (step.start_ns, step.index, self.sequence), step }));
        Taken::Held
    }

    /// The next step whose end the watermark has passed, or the first of too many.
    pub fn next(&mut self, watermark_ns: u64) -> Option<Step> {
        let due = self.heap.peek().is_some_and(|Reverse(first)| first.step.end_ns <= watermark_ns);
        if due || self.heap.len() > HELD { self.take() } else { None }
    }

    /// The next step whatever the watermark says: for a stream that stopped, an eviction, the end.
    pub fn pop(&mut self) -> Option<Step> {
        let step = self.take()?;
        self.passed_ns = self.passed_ns.max(step.end_ns);
        Some(step)
    }

    fn take(&mut self) -> Option<Step> {
        let Reverse(first) = self.heap.pop()?;
        self.released = self.released.max(Some((first.step.start_ns, first.step.index)));
        Some(first.step)
    }

    /// Steps waiting.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Body;

    fn step(start_ns: u64, end_ns: u64, index: u32) -> Step {
        let body = Body::Model { tokens: None, cost_nanos: None };
        Step { start_ns, end_ns, index, trace: None, span: None, run: String::new(), agent: None, body }
    }

    fn drain(reorder: &mut Reorder, watermark_ns: u64) -> Vec<(u64, u32)> {
        std::iter::from_fn(|| reorder.next(watermark_ns)).map(|step| (step.start_ns, step.index)).collect()
    }

    #[test]
    fn steps_come_out_in_the_order_of_their_start_and_index() {
        let mut reorder = Reorder::default();
        for (start, index) in [(30, 0), (10, 1), (10, 0), (20, 0)] {
            assert_eq!(reorder.push(step(start, start + 1, index), 0), Taken::Held);
        }
        assert_eq!(drain(&mut reorder, 100), [(10, 0), (10, 1), (20, 0), (30, 0)]);
    }

    #[test]
    fn nothing_leaves_before_the_watermark_passed_its_end() {
        let mut reorder = Reorder::default();
        reorder.push(step(10, 50, 0), 0);
        assert_eq!(drain(&mut reorder, 49), []);
        assert_eq!(drain(&mut reorder, 50), [(10, 0)]);
    }

    #[test]
    fn a_step_before_what_was_given_out_is_late_once_the_watermark_passed_it() {
        let mut reorder = Reorder::default();
        reorder.push(step(10, 11, 0), 20);
        assert_eq!(drain(&mut reorder, 20), [(10, 0)]);
        assert_eq!(reorder.push(step(5, 6, 0), 20), Taken::Late);
        assert_eq!(reorder.push(step(5, 30, 0), 20), Taken::Held, "long, but on time");
    }

    #[test]
    fn what_sorts_before_steps_of_a_stream_that_stopped_is_late() {
        let mut reorder = Reorder::default();
        reorder.push(step(10, 20, 0), 0);
        assert!(reorder.next(0).is_none());
        assert!(reorder.pop().is_some());
        assert_eq!(reorder.push(step(5, 6, 0), 0), Taken::Late);
        assert_eq!(reorder.push(step(15, 16, 0), 0), Taken::Held);
    }

    #[test]
    fn no_more_than_the_bound_waits() {
        let mut reorder = Reorder::default();
        for start in 0..=HELD as u64 {
            reorder.push(step(start, u64::MAX, 0), 0);
        }
        assert_eq!(drain(&mut reorder, 0), [(0, 0)]);
        assert_eq!(reorder.len(), HELD);
    }
}
