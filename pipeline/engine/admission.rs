//! Admission: before anything is changed by a request, everybody it reaches is asked, and room is reserved for it.
//!
//! This is the only place where a request is refused for lack of room, always with a code that says "later". What was
//! admitted is never refused for its size.

use crate::engine::flow::{Flow, Route, Work};
use crate::front::{Full, Lane, Reservation};
use crate::{Refusal, RequestSize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Pause that a full queue asks for: about what a retry and a batch take.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a request was not admitted.
pub(crate) enum NotAdmitted {
    /// A component said so.
    Refused(Refusal),
    /// A queue is full.
    Full(Arc<Lane>, Full),
}

impl NotAdmitted {
    /// A word for a metric label.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            NotAdmitted::Refused(refusal) => refusal.reason,
            NotAdmitted::Full(_, Full::TooLarge) => "too_large",
            NotAdmitted::Full(..) => "queue_full",
        }
    }
    /// For the client.
    pub(crate) fn message(&self) -> String {
        match self {
            NotAdmitted::Refused(refusal) => refusal.message.clone(),
            NotAdmitted::Full(lane, Full::TooLarge) => format!("the request is larger than the sending queue of `{}`", lane.id),
            NotAdmitted::Full(lane, _) => format!("sending queue of `{}` is full", lane.id),
        }
    }
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            NotAdmitted::Refused(refusal) => refusal.after,
            NotAdmitted::Full(..) => Some(PAUSE),
        }
    }
    /// The queue whose room is worth waiting for.
    pub(crate) fn worth_waiting(&self) -> Option<&Arc<Lane>> {
        match self {
            NotAdmitted::Full(lane, Full::Bytes | Full::Length) if lane.settings.queue.block_on_overflow => Some(lane),
            _ => None,
        }
    }
}

impl Flow {
    /// Asks everybody and reserves everywhere, or nowhere.
    pub(crate) fn admit(&self, route: &Route, size: RequestSize) -> Result<Vec<Reservation>, NotAdmitted> {
        for index in &route.admit {
            let Work::Process(processor) = &self.nodes[*index].work else { continue };
            // A component that panics here is asked again by `process`, which answers for it.
            if let Ok(Err(refusal)) = catch_unwind(AssertUnwindSafe(|| processor.admit(&size))) {
                return Err(NotAdmitted::Refused(refusal));
            }
        }
        let mut room = Vec::with_capacity(route.queues.len());
        for lane in &route.queues {
            match lane.budget.reserve(size.bytes) {
                Ok(reservation) => room.push(reservation),
                Err(full) => return Err(NotAdmitted::Full(Arc::clone(lane), full)),
            }
        }
        Ok(room)
    }
}
