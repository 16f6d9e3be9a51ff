//! Where a component puts what it gives out during one call. Only buffers; the runner empties it after the call.

use crate::{Ack, Batch, Now};
use chaperone_proto::Signal;

/// Collects what a processor or connector gives out during one call.
#[derive(Debug)]
pub struct Outbox {}

impl Outbox {
    /// An outbox of its own, for unit tests of components; `incoming` is what `hold` and `pass` share.
    pub fn for_tests(_now: Now) -> Outbox {
        todo!()
    }
    /// The time of this call.
    pub fn now(&self) -> Now {
        todo!()
    }
    /// Gives a batch on, with a share of the incoming acknowledgement (none in `tick` and `drain`).
    pub fn pass(&mut self, _batch: Batch) {
        todo!()
    }
    /// Gives a batch on that was held, with the share that `hold` returned.
    pub fn pass_held(&mut self, _batch: Batch, _ack: Ack) {
        todo!()
    }
    /// Gives out what this component made; carries no acknowledgement.
    pub fn derive(&mut self, _batch: Batch) {
        todo!()
    }
    /// Counts items that end here, with the reason (a word of a closed set, for a metric label).
    pub fn drop_items(&mut self, _signal: Signal, _items: usize, _reason: &'static str) {
        todo!()
    }
    /// Takes a share of the incoming acknowledgement beyond this call; `items` are counted as held until `pass_held`
    /// or `drop_held`.
    pub fn hold(&mut self, _signal: Signal, _items: usize) -> Ack {
        todo!()
    }
    /// For tests: batches passed so far.
    pub fn passed(&self) -> &[Batch] {
        todo!()
    }
    /// For tests: batches derived so far.
    pub fn derived(&self) -> &[Batch] {
        todo!()
    }
    /// For tests: items dropped so far, by reason.
    pub fn dropped(&self) -> &[(Signal, usize, &'static str)] {
        todo!()
    }
}
