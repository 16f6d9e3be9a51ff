//! Where a component puts what it gives out during one call. Only buffers; the runner empties it after the call.
//!
//! So no lock of a component is held while something downstream runs, and a call that fails leaves nothing behind:
//! its outbox is thrown away.

use crate::{Ack, Batch, Now, Outcome};
use chaperone_proto::Signal;

/// Collects what a processor or connector gives out during one call.
#[derive(Debug)]
pub struct Outbox {
    now: Now,
    incoming: Option<Ack>,
    passed: Vec<Batch>,
    /// Beside `passed`: the share of a held batch, or none for a share of the incoming acknowledgement.
    held_acks: Vec<Option<Ack>>,
    derived: Vec<Batch>,
    dropped: Vec<(Signal, usize, &'static str)>,
    /// Items newly held by this call.
    held: Vec<(Signal, usize)>,
    /// Items held before that end in this call, dropped.
    released: Vec<(Signal, usize, &'static str)>,
    /// Shares of held items that were dropped on purpose: resolved when the call succeeded.
    to_resolve: Vec<Ack>,
}

/// What the runner finds in an outbox after a successful call.
pub(crate) struct Given {
    /// With the share to give on, and whether the batch was held before.
    pub passed: Vec<(Batch, Option<Ack>, bool)>,
    pub derived: Vec<Batch>,
    pub dropped: Vec<(Signal, usize, &'static str)>,
    pub held: Vec<(Signal, usize)>,
    pub released: Vec<(Signal, usize, &'static str)>,
    pub to_resolve: Vec<Ack>,
}

impl Outbox {
    pub(crate) fn new(now: Now, incoming: Option<Ack>) -> Outbox {
        Outbox {
            now,
            incoming,
            passed: Vec::new(),
            held_acks: Vec::new(),
            derived: Vec::new(),
            dropped: Vec::new(),
            held: Vec::new(),
            released: Vec::new(),
            to_resolve: Vec::new(),
        }
    }
    /// An outbox of its own, for unit tests of components; `incoming` is what `hold` and `pass` share.
    pub fn for_tests(now: Now) -> Outbox {
        Outbox::new(now, None)
    }
    /// The same with an incoming acknowledgement, for tests of components that hold.
    pub fn for_tests_with(now: Now, incoming: Ack) -> Outbox {
        Outbox::new(now, Some(incoming))
    }
    /// The time of this call.
    pub fn now(&self) -> Now {
        self.now
    }
    /// Whether nobody waits for what this call was given: derived data, or a call of the component's own.
    pub fn is_derived(&self) -> bool {
        self.incoming.as_ref().is_none_or(Ack::is_derived)
    }
    /// Gives a batch on, with a share of the incoming acknowledgement (none in `tick` and `drain`).
    pub fn pass(&mut self, batch: Batch) {
        self.passed.push(batch);
        self.held_acks.push(None);
    }
    /// Gives a batch on that was held, with the share that `hold` returned.
    pub fn pass_held(&mut self, batch: Batch, ack: Ack) {
        self.passed.push(batch);
        self.held_acks.push(Some(ack));
    }
    /// Gives out what this component made; carries no acknowledgement.
    pub fn derive(&mut self, batch: Batch) {
        self.derived.push(batch);
    }
    /// Counts items that end here, with the reason (a word of a closed set, for a metric label).
    pub fn drop_items(&mut self, signal: Signal, items: usize, reason: &'static str) {
        if items > 0 {
            self.dropped.push((signal, items, reason));
        }
    }
    /// Counts held items that end here; their share is resolved as taken over: dropping them was the intention.
    pub fn drop_held(&mut self, signal: Signal, items: usize, reason: &'static str, ack: Ack) {
        self.released.push((signal, items, reason));
        self.to_resolve.push(ack);
    }
    /// Takes a share of the incoming acknowledgement beyond this call; `items` are counted as held until `pass_held`
    /// or `drop_held`. Several shares go on with one batch by [`Ack::merge`]; the parts of a split one by [`Ack::share`].
    pub fn hold(&mut self, signal: Signal, items: usize) -> Ack {
        self.held.push((signal, items));
        self.incoming.as_ref().map_or_else(Ack::derived, Ack::share)
    }
    /// For tests: batches passed so far.
    pub fn passed(&self) -> &[Batch] {
        &self.passed
    }
    /// For tests and benches: takes the batches passed so far.
    pub fn take_passed(&mut self) -> Vec<Batch> {
        self.held_acks.clear();
        std::mem::take(&mut self.passed)
    }
    /// For tests: batches derived so far.
    pub fn derived(&self) -> &[Batch] {
        &self.derived
    }
    /// For tests: items dropped so far, by reason.
    pub fn dropped(&self) -> &[(Signal, usize, &'static str)] {
        &self.dropped
    }
    /// What a successful call gave out. The runner's share ends here; what was passed has shares of its own.
    pub(crate) fn into_given(mut self) -> Given {
        let incoming = self.incoming.take();
        let acks = std::mem::take(&mut self.held_acks);
        let with_share = |(batch, held): (Batch, Option<Ack>)| match held {
            // Derived data that were held are still derived: who takes them may have no room.
            Some(ack) if ack.is_derived() => {
                ack.resolve(Outcome::Ok);
                (batch, None, true)
            }
            Some(ack) => (batch, Some(ack), true),
            None => (batch, incoming.as_ref().map(Ack::share), false),
        };
        let passed = std::mem::take(&mut self.passed).into_iter().zip(acks).map(with_share).collect();
        if let Some(ack) = incoming {
            ack.resolve(Outcome::Ok);
        }
        Given {
            passed,
            derived: std::mem::take(&mut self.derived),
            dropped: std::mem::take(&mut self.dropped),
            held: std::mem::take(&mut self.held),
            released: std::mem::take(&mut self.released),
            to_resolve: std::mem::take(&mut self.to_resolve),
        }
    }
    /// After a call that failed: nothing in here is given on. Held data that the call was giving out are lost with it, so
    /// their requests get `outcome`. Returns the held items that ended so.
    pub(crate) fn throw_away(mut self, outcome: &Outcome) -> Vec<(Signal, usize)> {
        let mut lost = Vec::new();
        for (batch, ack) in self.passed.drain(..).zip(self.held_acks.drain(..)) {
            if let Some(ack) = ack {
                lost.push((batch.signal(), batch.items()));
                ack.resolve(outcome.clone());
            }
        }
        lost.extend(self.released.iter().map(|(signal, items, _)| (*signal, *items)));
        lost
    }
}

impl Drop for Outbox {
    /// What is still in here was not given on by the runner, which answers for it: no share counts as lost.
    fn drop(&mut self) {
        let held = self.held_acks.drain(..).flatten();
        for ack in held.chain(self.incoming.take()).chain(self.to_resolve.drain(..)) {
            ack.resolve(Outcome::Ok);
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
