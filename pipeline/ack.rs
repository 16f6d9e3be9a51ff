//! Acknowledgement: one outcome per request, the worst of its shares.
//!
//! The runner owns the first share of a request and gives out further ones; when the last share is gone the request's
//! `done` runs exactly once, with the worst outcome that any share was resolved with. A share that is dropped without
//! `resolve` is a bug somewhere: it counts as retryable, so that the client keeps its data, and is counted.
//!
//! A request's reservations in exporters' queues travel with its acknowledgement and end with it at the latest.

use crate::Counter;
use crate::front::Reservation;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What became of a request or of a share of it. Ordered: the worst wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken over by everybody.
    Ok,
    /// Try again, at the earliest after the given time.
    Retryable {
        /// Why, for the client.
        message: String,
        /// Suggested pause.
        after: Option<Duration>,
    },
    /// Never try again.
    Permanent {
        /// Why, for the client.
        message: String,
    },
}

impl Outcome {
    /// Retryable, without a pause asked for.
    pub fn retryable(message: impl Into<String>) -> Outcome {
        Outcome::Retryable { message: message.into(), after: None }
    }
    /// Permanent.
    pub fn permanent(message: impl Into<String>) -> Outcome {
        Outcome::Permanent { message: message.into() }
    }
    /// The worse of two; of equals the first one's message stays, with the longer pause.
    #[must_use]
    pub fn or_worse(self, other: Outcome) -> Outcome {
        match (self, other) {
            (Outcome::Retryable { message, after }, Outcome::Retryable { after: other, .. }) => {
                Outcome::Retryable { message, after: after.max(other) }
            }
            (first, second) if second.rank() > first.rank() => second,
            (first, _) => first,
        }
    }
    fn rank(&self) -> u8 {
        match self {
            Outcome::Ok => 0,
            Outcome::Retryable { .. } => 1,
            Outcome::Permanent { .. } => 2,
        }
    }
}

type Done = Box<dyn FnOnce(Outcome) + Send>;

/// What all shares of one request have in common. Dropped with the last share, which is when `done` runs.
struct Request {
    worst: Mutex<Outcome>,
    // Behind a lock only to make the request `Sync`: it is taken once, by `drop`.
    done: Mutex<Option<Done>>,
    /// Acknowledgements that this one was merged from; they get its outcome.
    parts: Vec<Ack>,
    reservations: Mutex<Vec<Reservation>>,
    lost: Counter,
    /// Nobody waits: the share of derived data, which stay best effort.
    derived: bool,
}

impl Request {
    fn worsen(&self, outcome: Outcome) {
        if outcome == Outcome::Ok {
            return;
        }
        let mut worst = self.worst.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *worst, Outcome::Ok);
        *worst = before.or_worse(outcome);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let worst = self.worst.get_mut().unwrap_or_else(PoisonError::into_inner);
        let worst = std::mem::replace(worst, Outcome::Ok);
        // Room in the queues is free again before anybody hears of the outcome and sends more.
        self.reservations.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        for part in self.parts.drain(..) {
            part.resolve(worst.clone());
        }
        if let Some(done) = self.done.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            done(worst);
        }
    }
}

/// A share of a request's acknowledgement. Dropped unresolved it counts as retryable and as a bug.
#[must_use = "a share that is dropped unresolved makes the client send again"]
pub struct Ack {
    // Shared by all shares of one request; `None` only after `resolve`.
    request: Option<Arc<Request>>,
}

impl std::fmt::Debug for Ack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shares = self.request.as_ref().map_or(0, Arc::strong_count);
        f.debug_struct("Ack").field("shares", &shares).finish()
    }
}

impl Ack {
    /// The first share of a new request; `done` runs once, when the last share is resolved, with the worst outcome.
    pub fn new(done: impl FnOnce(Outcome) + Send + 'static) -> Ack {
        Ack::of_request(Box::new(done), Counter::default(), Vec::new(), Vec::new())
    }
    /// The same with the counter of lost shares and with the room reserved for the request.
    pub(crate) fn with_reservations(done: impl FnOnce(Outcome) + Send + 'static, lost: Counter, room: Vec<Reservation>) -> Ack {
        Ack::of_request(Box::new(done), lost, room, Vec::new())
    }
    /// One share that stands for several, of one request or of many: all get its outcome. For components that merge.
    pub fn merge(parts: Vec<Ack>) -> Ack {
        let lost = parts.first().and_then(|ack| ack.request.as_ref()).map(|request| request.lost.clone()).unwrap_or_default();
        let derived = !parts.is_empty() && parts.iter().all(Ack::is_derived);
        Ack::of_request(Box::new(|_| {}), lost, Vec::new(), parts).marked(derived)
    }
    /// A share of no request: for data whose acknowledgement was resolved when it was taken in.
    pub fn detached() -> Ack {
        Ack::new(|_| {})
    }
    /// A share for derived data that a component holds: given on, they are best effort as before.
    pub(crate) fn derived() -> Ack {
        Ack::detached().marked(true)
    }
    /// Whether this stands for derived data only. Keep those apart from requests: queues have less room for them.
    pub fn is_derived(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.derived)
    }
    fn marked(mut self, derived: bool) -> Ack {
        if let Some(request) = self.request.as_mut().and_then(Arc::get_mut) {
            request.derived = derived;
        }
        self
    }
    fn of_request(done: Done, lost: Counter, room: Vec<Reservation>, parts: Vec<Ack>) -> Ack {
        let request = Request {
            worst: Mutex::new(Outcome::Ok),
            done: Mutex::new(Some(done)),
            parts,
            reservations: Mutex::new(room),
            lost,
            derived: false,
        };
        Ack { request: Some(Arc::new(request)) }
    }
    /// A further share.
    pub fn share(&self) -> Ack {
        Ack { request: self.request.clone() }
    }
    /// Ends this share.
    pub fn resolve(mut self, outcome: Outcome) {
        if let Some(request) = self.request.take() {
            request.worsen(outcome);
        }
    }
    /// Ends the reservations that this request holds in a queue: what is enqueued is accounted by its encoded size.
    pub(crate) fn give_back_room(&self, queue: u32) {
        let Some(request) = &self.request else { return };
        request.reservations.lock().unwrap_or_else(PoisonError::into_inner).retain(|room| room.queue() != queue);
        for part in &request.parts {
            part.give_back_room(queue);
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            request.lost.add(1);
            request.worsen(Outcome::retryable("a share of the acknowledgement was lost"));
        }
    }
}

#[cfg(test)]
#[path = "ack_tests.rs"]
mod tests;
