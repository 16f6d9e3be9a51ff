//! Hashes of what senders name: seeded maps, and numbers that stand for texts.
//!
//! Maps are seeded anew in each process, so that nobody can choose names that collide in them.
//! Hashes of texts are the same in every process of one build: what is stored begins with the hash of a known text.

use std::hash::{BuildHasher, Hash};

/// A map with a cheap seeded hash.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A 64-bit hash of a text, the same in every process of one build.
pub fn text_hash(text: &str) -> u64 {
    bytes_hash(text.as_bytes())
}

/// The same of bytes.
pub(crate) fn bytes_hash(bytes: &[u8]) -> u64 {
    foldhash::quality::FixedState::with_seed(SEED).hash_one(bytes)
}

/// The same of any value.
pub(crate) fn value_hash(value: impl Hash) -> u64 {
    foldhash::quality::FixedState::with_seed(SEED).hash_one(value)
}

const SEED: u64 = 0x5eed_c0de;
