//! A fast keyed 128-bit hash of bytes, for telling retransmissions from new requests.
//!
//! Blocks of a kilobyte become 128 bits each: pairs of words are added to keys and multiplied, the products summed (the
//! construction called NH). Two different blocks get the same sum by a chance of 2^-64 whatever they are. The sums of
//! the blocks, the rest and the lengths are chained by folded multiplications. Not cryptographic: it protects against
//! chance, and against senders who do not know the keys, which never leave the process.
//!
//! Every byte of every request passes here, so what counts is bytes a second: one multiplication for sixteen of them,
//! and none that waits for the one before it.

use crate::engine::chance::Chance;

/// Words of a block, each with a key of its own.
const WORDS: usize = 128;
const BLOCK: usize = WORDS * 8;

/// A hash with its keys.
#[derive(Debug)]
pub(crate) struct Digest {
    keys: [u64; 6],
    block_keys: Box<[u64; WORDS]>,
}

/// Both halves of the 128-bit product, folded.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Up to eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// The two sums on their way.
#[derive(Clone, Copy)]
struct Sums {
    one: u64,
    two: u64,
}

impl Sums {
    #[inline]
    fn add(&mut self, low: u64, high: u64, [a, b, c, d, ..]: &[u64; 6]) {
        let one = fold(low ^ a ^ self.one, high ^ b);
        let two = fold(low ^ c, high ^ d ^ self.two);
        // A product that hits zero must not swallow what came before.
        self.one = one.rotate_left(29) ^ low;
        self.two = two.rotate_left(31) ^ high;
    }
}

impl Digest {
    pub(crate) fn new(chance: &Chance) -> Digest {
        Digest { keys: std::array::from_fn(|_| chance.bits()), block_keys: Box::new(std::array::from_fn(|_| chance.bits())) }
    }

    /// The hash of some texts, each with its length.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> u128 {
        let keys = &self.keys;
        let [a, b, c, d, e, f] = *keys;
        let mut sums = Sums { one: e, two: f };
        for part in parts {
            let (blocks, rest) = part.as_chunks::<BLOCK>();
            for block in blocks {
                let sum = self.block(block);
                sums.add(sum as u64, (sum >> 64) as u64, keys);
            }
            let (pairs, rest) = rest.as_chunks::<16>();
            for pair in pairs {
                let (low, high) = pair.split_at(8);
                sums.add(word(low), word(high), keys);
            }
            let (low, high) = rest.split_at(rest.len().min(8));
            sums.one = fold(word(low) ^ a ^ sums.one, word(high) ^ b ^ part.len() as u64);
            sums.two = fold(word(low) ^ c ^ part.len() as u64, word(high) ^ d ^ sums.two);
        }
        u128::from(fold(sums.one ^ c, sums.two ^ b)) << 64 | u128::from(fold(sums.two ^ a, sums.one ^ d))
    }

    /// The sum of a block's products. Two sums, so that one addition need not wait for the other.
    #[inline]
    fn block(&self, block: &[u8; BLOCK]) -> u128 {
        let (words, _) = block.as_chunks::<8>();
        let (fours, _) = words.as_chunks::<4>();
        let (keys, _) = self.block_keys.as_chunks::<4>();
        let (mut even, mut odd) = (0_u128, 0_u128);
        for ([w0, w1, w2, w3], [k0, k1, k2, k3]) in fours.iter().zip(keys) {
            let keyed = |word: &[u8; 8], key: &u64| u128::from(u64::from_le_bytes(*word).wrapping_add(*key));
            even = even.wrapping_add(keyed(w0, k0) * keyed(w1, k1));
            odd = odd.wrapping_add(keyed(w2, k2) * keyed(w3, k3));
        }
        even.wrapping_add(odd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn equal_bytes_give_equal_hashes_and_one_bit_changes_it() {
        let digest = Digest::new(&Chance::default());
        for length in [200, BLOCK, 2 * BLOCK + 77] {
            let body: Vec<u8> = (0..length).map(|n| n as u8).collect();
            assert_eq!(digest.of(&[&body]), digest.of(&[&body]));
            let mut seen = HashSet::from([digest.of(&[&body])]);
            for bit in 0..body.len() * 8 {
                let mut changed = body.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(digest.of(&[&changed])), "bit {bit} of {length} bytes");
            }
        }
    }

    #[test]
    fn lengths_and_borders_count() {
        let digest = Digest::new(&Chance::default());
        let all: HashSet<u128> = (0..300).chain(BLOCK - 20..BLOCK + 20).map(|n| digest.of(&[&vec![0; n]])).collect();
        assert_eq!(all.len(), 340);
        assert_ne!(digest.of(&[b"a", b"bc"]), digest.of(&[b"ab", b"c"]));
    }

    #[test]
    fn what_stands_where_counts() {
        let digest = Digest::new(&Chance::default());
        let body: Vec<u8> = (0..4 * BLOCK).map(|n| (n / 8 % 251) as u8).collect();
        let hash = digest.of(&[&body]);
        for (from, to) in [(0, 8), (0, 16), (16, 112), (8, BLOCK), (0, BLOCK + 24), (BLOCK, 3 * BLOCK)] {
            let mut swapped = body.clone();
            for at in 0..8 {
                swapped.swap(from + at, to + at);
            }
            assert_ne!(digest.of(&[&swapped]), hash, "words at {from} and {to} swapped");
        }
    }

    #[test]
    fn two_processes_hash_differently() {
        assert_ne!(Digest::new(&Chance::default()).of(&[b"x"]), Digest::new(&Chance::default()).of(&[b"x"]));
    }
}
