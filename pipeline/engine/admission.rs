//! Admission: before anything is changed by a request, everybody it reaches is asked, and room is reserved for it.
//!
//! This is the only place where a request is refused for lack of room, always with a code that says "later". What was
//! admitted is never refused for its size.

use crate::engine::flow::{Flow, Route, Work};
use crate::front::{Full, Lane, Reservation};
use crate::{Refusal, RequestSize};
use chaperone_proto::Signal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Why a request was not admitted.
pub(crate) enum NotAdmitted {
    /// A component said so: its node.
    Refused(usize, Refusal),
    /// A queue is full.
    Full(Arc<Lane>, Full),
    /// There is no queue, and nothing is sent for so long.
    Paused(Arc<Lane>, Duration),
}

impl NotAdmitted {
    /// A word for a metric label.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            NotAdmitted::Refused(_, refusal) => refusal.reason,
            NotAdmitted::Full(_, Full::TooLarge) => "too_large",
            NotAdmitted::Full(..) => "queue_full",
            NotAdmitted::Paused(..) => "circuit_breaker",
        }
    }
    /// For the client: the Collector's words.
    pub(crate) fn message(&self) -> String {
        match self {
            NotAdmitted::Refused(_, refusal) => refusal.message.clone(),
            NotAdmitted::Full(_, Full::TooLarge) => "element size too large".to_owned(),
            NotAdmitted::Full(..) => "sending queue is full".to_owned(),
            NotAdmitted::Paused(..) => "the destination does not answer, its circuit breaker is open".to_owned(),
        }
    }
    /// When to try again, where somebody knows: a full queue empties when it can.
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            NotAdmitted::Refused(_, refusal) => refusal.after,
            NotAdmitted::Full(_, Full::TooLarge) => None,
            NotAdmitted::Full(lane, _) => lane.paused_for(),
            NotAdmitted::Paused(_, left) => Some(*left),
        }
    }
    /// The queue whose room is worth waiting for.
    pub(crate) fn worth_waiting(&self) -> Option<&Arc<Lane>> {
        match self {
            NotAdmitted::Full(lane, Full::Bytes | Full::Length)
                if lane.settings.queue.block_on_overflow && lane.paused_for().is_none() && !lane.turns_away() =>
            {
                Some(lane)
            }
            _ => None,
        }
    }
}

impl Flow {
    /// Asks everybody and reserves everywhere, or nowhere. `items` counts the request's, where a queue is measured in them.
    pub(crate) fn admit(
        &self,
        route: &Route,
        size: RequestSize,
        items: impl Fn() -> usize,
    ) -> Result<Vec<Reservation>, NotAdmitted> {
        for index in &route.admit {
            let Work::Process(instance) = &self.nodes[*index].work else { continue };
            // A component that panics here is asked again by `process`, which answers for it.
            if let Ok(Err(refusal)) = catch_unwind(AssertUnwindSafe(|| instance.component.admit(&size))) {
                return Err(NotAdmitted::Refused(*index, refusal));
            }
        }
        let full = |lane: &Arc<Lane>, full| NotAdmitted::Full(Arc::clone(lane), full);
        if route.queues.len() > 1 {
            // Asked first, so that who is refused takes nothing and gives nothing back: that would wake all who wait, to
            // the same end. What does not fit as often as it comes will never fit, and is told so.
            for lane in &route.queues {
                lane.budget.ask(route.times(lane), size.bytes, &items).map_err(|why| full(lane, why))?;
            }
        }
        let mut room = Vec::with_capacity(route.queues.len());
        for lane in &route.queues {
            if lane.settings.waits
                && let Some(left) = lane.paused_for()
            {
                return Err(NotAdmitted::Paused(Arc::clone(lane), left));
            }
            room.push(lane.budget.reserve(size.bytes, &items).map_err(|why| full(lane, why))?);
        }
        Ok(room)
    }

    /// Tells a component what it refused. Items are counted only after the refusal, when the request is out of the way.
    pub(crate) fn tell_refused(&self, node: usize, signal: Signal, items: usize) {
        if let Work::Process(processor) = &self.nodes[node].work {
            let _ = catch_unwind(AssertUnwindSafe(|| processor.component.refused(signal, items)));
        }
    }
}
