//! A byte-identical retransmission joins the acknowledgement of the first copy.
//!
//! A client whose connection broke before the answer came sends the same bytes again; processing them twice would store
//! and count them twice. The window is bounded: 16,384 requests, one minute. An entry goes when its request failed, so
//! that the retry is processed. The key is a 128-bit hash keyed at random, which nobody can make collide from outside.

use crate::engine::chance::Chance;
use crate::engine::digest::Digest;
use crate::{Encoding, Now, Outcome, Payload};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Requests that are remembered.
const MOST: usize = 16_384;
/// How long.
const LONG: Duration = Duration::from_secs(60);

/// What became of a remembered request.
#[derive(Debug)]
enum State {
    Running(Vec<oneshot::Sender<(Outcome, usize)>>),
    /// Accepted, with its items.
    Accepted(usize),
}

type Slot = Arc<Mutex<State>>;

#[derive(Debug, Default)]
struct Remembered {
    by_key: HashMap<u128, Slot>,
    /// In the order of arrival. A key may stand here without an entry, or twice: entries go when they fail.
    arrivals: VecDeque<(Duration, u128)>,
}

/// The requests a receiver got lately.
#[derive(Debug)]
pub(crate) struct Window {
    digest: Digest,
    remembered: Mutex<Remembered>,
}

/// What a request is to the window.
pub(crate) enum Arrival {
    /// Not seen lately: to be processed.
    First(First),
    /// The same bytes are being processed: their outcome and items come here.
    Joined(oneshot::Receiver<(Outcome, usize)>),
    /// The same bytes were accepted, with so many items.
    Accepted(usize),
}

/// The first of its kind: tells the window what became of it.
pub(crate) struct First {
    // Shared with the requests that may join.
    window: Arc<Window>,
    key: u128,
    slot: Slot,
    finished: bool,
}

impl Window {
    pub(crate) fn new(chance: &Chance) -> Window {
        Window { digest: Digest::new(chance), remembered: Mutex::default() }
    }
    /// Looks a request up, and remembers it if it is new.
    pub(crate) fn enter(self: &Arc<Self>, payload: &Payload, now: Now) -> Arrival {
        let tenant = payload.client.as_ref().and_then(|client| client.tenant.as_deref()).unwrap_or_default();
        let kind = [payload.signal as u8, u8::from(payload.encoding == Encoding::Json)];
        let key = self.digest.of(&[&kind, payload.transport.as_bytes(), tenant.as_bytes(), &payload.body]);
        let mut remembered = self.lock();
        remembered.forget(now.mono);
        if let Some(slot) = remembered.by_key.get(&key) {
            return match &mut *lock(slot) {
                State::Accepted(items) => Arrival::Accepted(*items),
                State::Running(waiting) => {
                    let (tell, told) = oneshot::channel();
                    waiting.push(tell);
                    Arrival::Joined(told)
                }
            };
        }
        let slot = Slot::new(Mutex::new(State::Running(Vec::new())));
        remembered.by_key.insert(key, Arc::clone(&slot));
        remembered.arrivals.push_back((now.mono, key));
        Arrival::First(First { window: Arc::clone(self), key, slot, finished: false })
    }
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, State> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remembered {
    fn forget(&mut self, now: Duration) {
        while let Some((arrived, key)) = self.arrivals.front().copied() {
            if self.arrivals.len() < MOST && now.saturating_sub(arrived) < LONG {
                return;
            }
            self.arrivals.pop_front();
            // Requests that wait for this one hold its slot and hear of its end even so.
            self.by_key.remove(&key);
        }
    }
}

impl First {
    /// What became of the request.
    pub(crate) fn finish(mut self, outcome: &Outcome, items: usize) {
        self.end(outcome, items);
    }
    fn end(&mut self, outcome: &Outcome, items: usize) {
        self.finished = true;
        if *outcome != Outcome::Ok {
            let mut remembered = self.window.lock();
            if remembered.by_key.get(&self.key).is_some_and(|slot| Arc::ptr_eq(slot, &self.slot)) {
                remembered.by_key.remove(&self.key);
            }
        }
        let before = std::mem::replace(&mut *lock(&self.slot), State::Accepted(items));
        if let State::Running(waiting) = before {
            for tell in waiting {
                // One that went away does not hear it.
                let _ = tell.send((outcome.clone(), items));
            }
        }
    }
}

impl Drop for First {
    /// Refused or malformed before it was acknowledged: nothing is remembered of it.
    fn drop(&mut self) {
        if !self.finished {
            self.end(&Outcome::retryable("the same request was refused a moment ago"), 0);
        }
    }
}

#[cfg(test)]
#[path = "retransmission_tests.rs"]
mod tests;
