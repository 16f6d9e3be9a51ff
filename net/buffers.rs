//! Buffers for bodies, used again when the last slice of a body is gone.
//!
//! A large buffer that goes back to the system after each request comes back as untouched pages, and touching them
//! again costs a tenth of what a span costs. So a few megabytes of large buffers are kept; small ones are not worth it.
//! A buffer is used again only for bodies that nearly fill it: what is counted is the length of a body, and what is
//! held must not be much more.

use bytes::{BufMut, Bytes};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smaller bodies get memory of exactly their length.
const SMALLEST: usize = 32 << 10;
/// Bytes of all buffers that wait to be used again.
const KEPT: usize = 8 << 20;
/// New buffers have a multiple of this, so that bodies of nearly equal lengths share them.
const STEP: usize = 16 << 10;

/// Where buffers wait. Locked for a few instructions, twice a request.
static SHELF: Mutex<Shelf> = Mutex::new(Shelf { buffers: Vec::new(), bytes: 0 });

struct Shelf {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

fn shelf() -> MutexGuard<'static, Shelf> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// The buffer that came back last among those that fit: its bytes are most likely still near the core.
    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| buffer.capacity() >= length && buffer.capacity() <= most_for(length);
        let at = self.buffers.iter().rposition(fits)?;
        let buffer = self.buffers.remove(at);
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    fn put(&mut self, mut buffer: Vec<u8>) -> Option<Vec<u8>> {
        if buffer.capacity() < SMALLEST || self.bytes + buffer.capacity() > KEPT {
            return Some(buffer);
        }
        buffer.clear();
        self.bytes += buffer.capacity();
        self.buffers.push(buffer);
        None
    }
}

/// The largest buffer that is used for a body of `length` bytes.
fn most_for(length: usize) -> usize {
    length + length / 4 + STEP
}

/// A body on its way, of a length that is known.
pub(crate) struct Filling {
    bytes: Vec<u8>,
}

impl Filling {
    /// Room for `length` bytes. Nothing is touched yet, so that a length that is only claimed costs no memory.
    pub(crate) fn of(length: usize) -> Filling {
        if length < SMALLEST {
            return Filling { bytes: Vec::with_capacity(length) };
        }
        let kept = shelf().take(length);
        Filling { bytes: kept.unwrap_or_else(|| Vec::with_capacity(length.next_multiple_of(STEP))) }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn put(&mut self, data: &[u8]) {
        self.bytes.put_slice(data);
    }

    /// The body. Its buffer comes back when the last slice of it is dropped.
    pub(crate) fn finish(self) -> Bytes {
        if self.bytes.capacity() < SMALLEST { Bytes::from(self.bytes) } else { Bytes::from_owner(Whole(self.bytes)) }
    }
}

/// Owns the buffer of a complete body.
struct Whole(Vec<u8>);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let left_over = shelf().put(std::mem::take(&mut self.0));
        // Given back to the system without the lock.
        drop(left_over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf_of(capacities: &[usize]) -> Shelf {
        let mut shelf = Shelf { buffers: Vec::new(), bytes: 0 };
        for capacity in capacities {
            assert!(shelf.put(Vec::with_capacity(*capacity)).is_none());
        }
        shelf
    }

    #[test]
    fn a_buffer_is_used_again_for_a_body_that_nearly_fills_it() {
        let mut shelf = shelf_of(&[100 << 10, 400 << 10]);
        assert!(shelf.take(200 << 10).is_none(), "half of it would be held uncounted");
        assert!(shelf.take(500 << 10).is_none(), "too small");
        assert_eq!(shelf.take(399 << 10).map(|buffer| buffer.capacity()), Some(400 << 10));
        assert!(shelf.take(399 << 10).is_none(), "it is taken once");
        assert_eq!(shelf.bytes, 100 << 10);
    }

    #[test]
    fn no_more_is_kept_than_the_limit_and_nothing_small() {
        let mut shelf = shelf_of(&[KEPT / 2, KEPT / 2]);
        assert!(shelf.put(Vec::with_capacity(SMALLEST)).is_some());
        assert!(shelf.put(Vec::with_capacity(10)).is_some());
        assert_eq!(shelf.bytes, KEPT);
    }

    #[test]
    fn a_buffer_comes_back_when_the_last_slice_is_gone() {
        // A length that no other test of this program has.
        let length = (3 << 20) + 12_345;
        let mut filling = Filling::of(length);
        filling.put(&vec![7; length]);
        let whole = filling.finish();
        let slice = whole.slice(5..10);
        let place = whole.as_ptr();
        drop(whole);
        assert!(shelf().take(length).is_none(), "a slice still reads it");
        drop(slice);
        let again = Filling::of(length);
        assert_eq!(again.bytes.as_ptr(), place);
        assert_eq!(again.len(), 0);
    }
}
