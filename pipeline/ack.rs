//! Acknowledgement: one outcome per request, the worst of its shares.

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

/// A share of a request's acknowledgement. Dropped unresolved it counts as retryable and as a bug.
#[derive(Debug)]
pub struct Ack {}

impl Ack {
    /// The first share of a new request; `done` runs once, when the last share is resolved, with the worst outcome.
    pub fn new(_done: impl FnOnce(Outcome) + Send + 'static) -> Ack {
        todo!()
    }
    /// A further share.
    pub fn share(&self) -> Ack {
        todo!()
    }
    /// Ends this share.
    pub fn resolve(self, _outcome: Outcome) {
        todo!()
    }
}
