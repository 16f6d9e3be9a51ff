//! Keyed state behind several locks: the only keyed state a component has.

use std::sync::{Mutex, MutexGuard};

/// State split by a hash of its key. A shard whose holder panicked is replaced by `T::default()` and counted.
#[derive(Debug)]
pub struct Shards<T> {
    shards: Vec<Mutex<T>>,
    replaced: std::sync::atomic::AtomicU64,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Shards::new(16)
    }
}

impl<T: Default> Shards<T> {
    /// `count` shards, at least one.
    pub fn new(count: usize) -> Shards<T> {
        let shards = (0..count.max(1)).map(|_| Mutex::default()).collect();
        Shards { shards, replaced: Default::default() }
    }
    /// Number of shards.
    pub fn count(&self) -> usize {
        self.shards.len()
    }
    /// Which shard a key's hash belongs to.
    pub fn of(&self, hash: u64) -> usize {
        (hash % self.shards.len() as u64) as usize
    }
    /// Locks shard `i`. Never hold two.
    pub fn lock(&self, i: usize) -> MutexGuard<'_, T> {
        match self.shards[i % self.shards.len()].lock() {
            Ok(guard) => guard,
            Err(poisoned) => {
                self.shards[i % self.shards.len()].clear_poison();
                self.replaced.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let mut guard = poisoned.into_inner();
                *guard = T::default();
                guard
            }
        }
    }
    /// Shards replaced after a panic.
    pub fn replaced(&self) -> u64 {
        self.replaced.load(std::sync::atomic::Ordering::Relaxed)
    }
}
