//! Randomness of the engine: ids of sealed batches, keys of hashes, jitter of pauses. Not for secrets.
//!
//! The standard library's keyed hasher is seeded by the system; hashing a counter with it gives what is needed here
//! without another dependency.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers.
#[derive(Debug, Default)]
pub(crate) struct Chance {
    state: RandomState,
    drawn: AtomicU64,
}

impl Chance {
    pub(crate) fn bits(&self) -> u64 {
        self.state.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed))
    }
    pub(crate) fn bits128(&self) -> u128 {
        u128::from(self.bits()) << 64 | u128::from(self.bits())
    }
    /// From 0 to below 1.
    pub(crate) fn unit(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}
