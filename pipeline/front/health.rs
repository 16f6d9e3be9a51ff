//! Tells the status board when an exporter's deliveries fail, and when they succeed again.
//!
//! A failure is always one it may recover from: what a destination refuses for good are data, not the exporter.
//! Nothing is written while nothing changes, so a delivery that succeeds costs one read.

use crate::status::Subject;
use crate::{Clock, Status, StatusBoard};
use std::sync::atomic::{AtomicBool, Ordering};

/// How deliveries of one exporter and signal go.
pub(crate) struct Health {
    subject: Subject,
    board: StatusBoard,
    clock: Clock,
    failing: AtomicBool,
}

impl Health {
    pub(crate) fn new(subject: Subject, board: StatusBoard, clock: Clock) -> Health {
        Health { subject, board, clock, failing: AtomicBool::new(false) }
    }
    /// An attempt failed.
    pub(crate) fn failed(&self, message: &str) {
        self.failing.store(true, Ordering::Release);
        self.board.set(&self.subject, Status::RecoverableError, Some(message.to_owned()), self.clock.now());
    }
    /// An attempt succeeded.
    pub(crate) fn succeeded(&self) {
        if self.failing.load(Ordering::Acquire) && self.failing.swap(false, Ordering::AcqRel) {
            self.board.set(&self.subject, Status::Ok, None, self.clock.now());
        }
    }
}
