//! Memory as the engine accounts it: what `memory_limiter` compares with its limit.
//!
//! Bodies being received, indexes being worked on, queues, and what components say they hold. The allocator's and the
//! system's figures are reported beside it; they lag behind and never shrink when they should.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The four kinds of accounted memory.
#[derive(Debug, Default)]
pub(crate) struct Accounted {
    pub(crate) receiving: Bytes,
    pub(crate) running: Bytes,
    pub(crate) queued: Bytes,
    pub(crate) state: Bytes,
    /// Requests that were admitted and are not answered yet; a number, no bytes.
    pub(crate) open_requests: AtomicUsize,
}

impl Accounted {
    pub(crate) fn total(&self) -> usize {
        self.receiving.get() + self.running.get() + self.queued.get() + self.state.get()
    }
}

/// A number of bytes that several threads change.
#[derive(Debug, Default)]
pub(crate) struct Bytes(AtomicUsize);

impl Bytes {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
    pub(crate) fn sub(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
    /// Adds unless that passes `limit`.
    pub(crate) fn add_below(&self, bytes: usize, limit: usize) -> bool {
        let add = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= limit);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }
}
