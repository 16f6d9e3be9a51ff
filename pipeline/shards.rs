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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_whose_holder_panicked_starts_anew_and_is_counted() {
        let shards: Shards<Vec<u32>> = Shards::new(2);
        shards.lock(0).push(1);
        shards.lock(1).push(2);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = shards.lock(0);
            panic!("while holding a shard");
        }));
        assert!(panicked.is_err());
        assert!(shards.lock(0).is_empty());
        assert_eq!(*shards.lock(1), [2], "the others keep their state");
        assert_eq!(shards.replaced(), 1);
        shards.lock(0).push(3);
        assert_eq!(*shards.lock(0), [3], "and the new one keeps its own");
    }

    #[test]
    fn a_key_is_always_in_the_same_shard() {
        let shards: Shards<()> = Shards::new(0);
        assert_eq!((shards.count(), shards.of(u64::MAX)), (1, 0));
    }
}
