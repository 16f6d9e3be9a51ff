//! From key bytes to key id, for the decoder: "the key that followed this key last time", then a bounded table.
//!
//! Wire keys without an id are remembered too, so that their UTF-8 is not checked again.
//! The table belongs to one thread and is emptied when full: a sender can slow its own requests, nothing else.

use crate::{keys, utf8};
use std::cell::Cell;

/// Stands for "no id" in attribute entries.
pub(crate) const NO_KEY: u16 = u16::MAX;

const MAX_SLOTS: usize = 4096;
const MAX_KEY_BYTES: usize = 128;
const BUCKETS: usize = 2 * MAX_SLOTS;
const PROBES: usize = 16;

struct Slot {
    text: Box<[u8]>,
    id: u16,
    next: u16,
}

/// The accelerator of one thread.
pub(crate) struct KeyCache {
    slots: Vec<Slot>,
    /// Slot numbers plus one, 0 for a free bucket.
    buckets: Vec<u16>,
    last: usize,
    /// The slot that followed `last` last time.
    guess: usize,
    generation: usize,
}

thread_local! {
    static CACHE: Cell<Option<Box<KeyCache>>> = const { Cell::new(None) };
}

impl KeyCache {
    /// Takes this thread's cache, or makes one.
    pub fn take() -> Box<KeyCache> {
        let mut cache = CACHE.take().unwrap_or_else(|| Box::new(KeyCache::empty()));
        if cache.generation != keys::count() {
            cache.reset();
        }
        cache
    }

    /// Gives the cache back to this thread.
    pub fn put(self: Box<KeyCache>) {
        CACHE.set(Some(self));
    }

    fn empty() -> KeyCache {
        let mut cache = KeyCache { slots: Vec::new(), buckets: vec![0; BUCKETS], last: 0, guess: 0, generation: 0 };
        cache.reset();
        cache
    }

    fn reset(&mut self) {
        self.slots.clear();
        // Slot 0 is never matched by a lookup: it only stands before the first key.
        self.slots.push(Slot { text: Box::default(), id: NO_KEY, next: 0 });
        self.buckets.fill(0);
        self.last = 0;
        self.guess = 0;
        self.generation = keys::count();
    }

    /// The id of a key or [`NO_KEY`]; `None` when it is not UTF-8.
    #[inline(always)]
    pub fn resolve(&mut self, key: &[u8]) -> Option<u16> {
        if let Some(slot) = self.slots.get(self.guess)
            && same(&slot.text, key)
        {
            self.last = self.guess;
            self.guess = usize::from(slot.next);
            return Some(slot.id);
        }
        self.search(key)
    }

    #[inline(never)]
    fn search(&mut self, key: &[u8]) -> Option<u16> {
        if key.is_empty() {
            return Some(keys::lookup("").map_or(NO_KEY, |id| id.0));
        }
        let mut bucket = hash(key) % BUCKETS;
        for _ in 0..PROBES {
            let Some(&entry) = self.buckets.get(bucket) else { break };
            if entry == 0 {
                break;
            }
            let at = usize::from(entry) - 1;
            if let Some(slot) = self.slots.get(at)
                && *slot.text == *key
            {
                let id = slot.id;
                self.follow(at);
                return Some(id);
            }
            bucket = (bucket + 1) % BUCKETS;
        }
        if !utf8::valid(key) {
            return None;
        }
        let id = keys::lookup(utf8::text(key)).map_or(NO_KEY, |id| id.0);
        if key.len() <= MAX_KEY_BYTES {
            self.remember(key, id);
        }
        Some(id)
    }

    fn follow(&mut self, at: usize) {
        if let Some(last) = self.slots.get_mut(self.last) {
            last.next = at as u16;
        }
        self.last = at;
        self.guess = self.slots.get(at).map_or(0, |slot| usize::from(slot.next));
    }

    fn remember(&mut self, key: &[u8], id: u16) {
        if self.slots.len() >= MAX_SLOTS {
            self.reset();
        }
        let at = self.slots.len();
        let mut bucket = hash(key) % BUCKETS;
        for _ in 0..PROBES {
            let Some(entry) = self.buckets.get_mut(bucket) else { return };
            if *entry == 0 {
                *entry = at as u16 + 1;
                self.slots.push(Slot { text: key.into(), id, next: 0 });
                self.follow(at);
                return;
            }
            bucket = (bucket + 1) % BUCKETS;
        }
    }
}

/// Equality of two keys, most of which have 8 to 40 bytes; the last word may overlap the one before.
#[inline(always)]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(last), Some(other_last)) => {
            let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
            last == other_last && words.into_iter().all(|(word, other)| word == other)
        }
        _ => one == other,
    }
}

/// Mixes length, first, middle and last bytes: keys of one request differ there.
fn hash(key: &[u8]) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mut mixed = (key.len() as u64).wrapping_mul(MIX);
    if key.len() >= 8 {
        let middle = key.get(key.len() / 2 - 4..).and_then(<[u8]>::first_chunk);
        for part in [key.first_chunk(), middle, key.last_chunk()] {
            mixed = (mixed.rotate_left(23) ^ word(part)).wrapping_mul(MIX);
        }
    } else {
        for byte in key {
            mixed = (mixed.rotate_left(23) ^ u64::from(*byte)).wrapping_mul(MIX);
        }
    }
    (mixed >> 40) as usize
}
