//! Requests that were admitted to a graph and are still run; not those that only wait for their acknowledgement.
//!
//! A graph that was replaced is taken down when its last run has ended. Whoever enters a graph counts here before anything
//! else, under the same lock under which graphs are exchanged, so that none is overlooked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// The runs of one graph.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    runs: AtomicUsize,
    ended: Notify,
}

/// One run; it ends when this is dropped.
pub(crate) struct Run(Arc<InFlight>);

impl InFlight {
    pub(crate) fn begin(self: &Arc<Self>) -> Run {
        self.runs.fetch_add(1, Ordering::AcqRel);
        Run(Arc::clone(self))
    }
    /// Resolves when nothing is running.
    pub(crate) async fn none(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.runs.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.0.runs.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}
