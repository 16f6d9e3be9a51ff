//! Room in one exporter's queue: bytes and requests, reserved at admission, swapped for the encoded size on enqueue.
//!
//! The limit is checked when room is reserved and when derived data come, never when admitted data are enqueued: those
//! may pass it by the difference of their sizes, and the next admission sees that. A tenth of the bytes is open to
//! derived data only, so that requests cannot starve findings and alerts.

use crate::engine::accounted::Accounted;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How the length of a queue is measured against `queue_size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Requests,
    Items,
    Bytes,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    Bytes,
    Length,
    /// Larger than the whole queue: waiting would not help.
    TooLarge,
}

/// The account of one queue. Everything not finished counts, deliveries in flight included.
#[derive(Debug)]
pub(crate) struct Budget {
    queue: u32,
    max_bytes: usize,
    max_length: usize,
    measure: Measure,
    used: Mutex<Used>,
    freed: Notify,
    accounted: Arc<Accounted>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    bytes: usize,
    requests: usize,
    items: usize,
    reserved_bytes: usize,
    reserved_requests: usize,
    reserved_items: usize,
}

impl Budget {
    pub(crate) fn new(queue: u32, max_bytes: usize, max_length: usize, measure: Measure, accounted: Arc<Accounted>) -> Budget {
        Budget { queue, max_bytes, max_length, measure, used: Mutex::default(), freed: Notify::new(), accounted }
    }
    /// Reserves room for a request of `bytes` that has not been indexed yet.
    ///
    /// `items` is asked for only where they are what the queue is measured in: counting them costs a walk over the body.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize, items: impl FnOnce() -> usize) -> Result<Reservation, Full> {
        let items = if self.measure == Measure::Items { items() } else { 0 };
        let mut used = self.lock();
        self.fits(&used, 1, bytes, items)?;
        used.reserved_bytes += bytes;
        used.reserved_requests += 1;
        used.reserved_items += items;
        self.accounted.queued.add(bytes);
        Ok(Reservation { budget: Arc::clone(self), bytes, items })
    }
    /// Whether a request that comes to this queue `times` over would be given room now.
    pub(crate) fn ask(&self, times: usize, bytes: usize, items: impl FnOnce() -> usize) -> Result<(), Full> {
        let items = if self.measure == Measure::Items { items() } else { 0 };
        self.fits(&self.lock(), times, bytes, items)
    }
    fn fits(&self, used: &Used, times: usize, bytes: usize, items: usize) -> Result<(), Full> {
        let limit = self.max_bytes - self.max_bytes / 10;
        let bytes = bytes.saturating_mul(times);
        let length = match self.measure {
            Measure::Requests => times,
            Measure::Items => items.saturating_mul(times),
            Measure::Bytes => bytes,
        };
        if bytes > limit || length > self.max_length {
            return Err(Full::TooLarge);
        }
        if used.bytes + used.reserved_bytes + bytes > limit {
            return Err(Full::Bytes);
        }
        if self.length(used) + length > self.max_length {
            return Err(Full::Length);
        }
        Ok(())
    }
    /// Takes what was admitted, whatever its size.
    pub(crate) fn take(&self, bytes: usize, items: usize) {
        let mut used = self.lock();
        used.bytes += bytes;
        used.requests += 1;
        used.items += items;
        self.accounted.queued.add(bytes);
    }
    /// Takes derived data if there is room.
    pub(crate) fn take_derived(&self, bytes: usize, items: usize) -> Result<(), Full> {
        let mut used = self.lock();
        if used.bytes + used.reserved_bytes + bytes > self.max_bytes {
            return Err(if bytes > self.max_bytes { Full::TooLarge } else { Full::Bytes });
        }
        // As with bytes, a tenth of the length beyond what requests may fill is for derived data.
        if self.length(&used) >= self.max_length.saturating_add(self.max_length / 10) {
            return Err(Full::Length);
        }
        used.bytes += bytes;
        used.requests += 1;
        used.items += items;
        self.accounted.queued.add(bytes);
        Ok(())
    }
    /// What was taken is finished, sent or dropped; `last` when it was a whole request or the last part of one.
    pub(crate) fn give_back(&self, bytes: usize, items: usize, last: bool) {
        let mut used = self.lock();
        used.bytes = used.bytes.saturating_sub(bytes);
        used.requests = used.requests.saturating_sub(usize::from(last));
        used.items = used.items.saturating_sub(items);
        self.accounted.queued.sub(bytes);
        drop(used);
        self.freed.notify_waiters();
    }
    /// Whether so much waits that batching should not wait longer.
    pub(crate) fn is_half_full(&self) -> bool {
        let used = self.lock();
        used.bytes >= self.max_bytes / 2 || self.length(&used) * 2 >= self.max_length
    }
    /// Whether requests have taken or reserved four fifths of the room: who holds some of it should let go.
    pub(crate) fn is_crowded(&self) -> bool {
        let used = self.lock();
        let bytes = used.bytes + used.reserved_bytes;
        bytes >= self.max_bytes / 5 * 4 || self.length(&used) >= self.max_length - self.max_length / 5
    }
    /// Length in the queue's own measure, for `otelcol_exporter_queue_size`.
    pub(crate) fn size(&self) -> usize {
        self.length(&self.lock())
    }
    /// Whether nothing is in the queue or in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().requests == 0
    }
    /// Bytes in the queue and in flight.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }
    /// Resolves when room was given back after this call.
    pub(crate) fn freed(&self) -> tokio::sync::futures::Notified<'_> {
        self.freed.notified()
    }
    fn length(&self, used: &Used) -> usize {
        match self.measure {
            Measure::Requests => used.requests + used.reserved_requests,
            Measure::Items => used.items + used.reserved_items,
            Measure::Bytes => used.bytes + used.reserved_bytes,
        }
    }
    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one request in one queue; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    // Shared with the queue's lane and the other reservations in it.
    budget: Arc<Budget>,
    bytes: usize,
    items: usize,
}

impl Reservation {
    /// Which queue the room is in.
    pub(crate) fn queue(&self) -> u32 {
        self.budget.queue
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.budget.lock();
        used.reserved_bytes = used.reserved_bytes.saturating_sub(self.bytes);
        used.reserved_requests = used.reserved_requests.saturating_sub(1);
        used.reserved_items = used.reserved_items.saturating_sub(self.items);
        self.budget.accounted.queued.sub(self.bytes);
        drop(used);
        self.budget.freed.notify_waiters();
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
