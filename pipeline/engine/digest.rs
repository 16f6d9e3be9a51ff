//! A fast keyed 128-bit hash of bytes, for telling retransmissions from new requests.
//!
//! Two sums of folded 64-bit multiplications with different random keys. Not cryptographic: it protects against chance,
//! and against senders who do not know the keys, which never leave the process.
//! Long texts are walked in four lanes, because a multiplication that waits for the one before it leaves the core idle.

use crate::engine::chance::Chance;

/// A hash with its keys.
#[derive(Debug)]
pub(crate) struct Digest {
    keys: [u64; 6],
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

/// Lanes of a long text, sixteen bytes wide each.
const LANES: usize = 4;
const STRIPE: usize = 16 * LANES;

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
        Digest { keys: std::array::from_fn(|_| chance.bits()) }
    }
    /// The hash of some texts, each with its length.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> u128 {
        let keys = &self.keys;
        let [a, b, c, d, e, f] = *keys;
        let mut sums = Sums { one: e, two: f };
        for part in parts {
            let (stripes, rest) = part.as_chunks::<STRIPE>();
            if !stripes.is_empty() {
                let mut lanes = [sums; LANES];
                for stripe in stripes {
                    let (pairs, _) = stripe.as_chunks::<16>();
                    for (lane, pair) in lanes.iter_mut().zip(pairs) {
                        let (words, _) = pair.as_chunks::<8>();
                        if let [low, high] = words {
                            lane.add(u64::from_le_bytes(*low), u64::from_le_bytes(*high), keys);
                        }
                    }
                }
                for lane in lanes {
                    sums.add(lane.one, lane.two, keys);
                }
            }
            let (blocks, rest) = rest.as_chunks::<16>();
            for block in blocks {
                let (low, high) = block.split_at(8);
                sums.add(word(low), word(high), keys);
            }
            let (low, high) = rest.split_at(rest.len().min(8));
            sums.one = fold(word(low) ^ a ^ sums.one, word(high) ^ b ^ part.len() as u64);
            sums.two = fold(word(low) ^ c ^ part.len() as u64, word(high) ^ d ^ sums.two);
        }
        u128::from(fold(sums.one ^ c, sums.two ^ b)) << 64 | u128::from(fold(sums.two ^ a, sums.one ^ d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn equal_bytes_give_equal_hashes_and_one_bit_changes_it() {
        let digest = Digest::new(&Chance::default());
        let body: Vec<u8> = (0..200u8).collect();
        assert_eq!(digest.of(&[&body]), digest.of(&[&body]));
        let mut seen = HashSet::from([digest.of(&[&body])]);
        for bit in 0..body.len() * 8 {
            let mut changed = body.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(digest.of(&[&changed])), "bit {bit}");
        }
    }

    #[test]
    fn lengths_and_borders_count() {
        let digest = Digest::new(&Chance::default());
        let all: HashSet<u128> = (0..300).map(|n| digest.of(&[&vec![0; n]])).collect();
        assert_eq!(all.len(), 300);
        assert_ne!(digest.of(&[b"a", b"bc"]), digest.of(&[b"ab", b"c"]));
    }

    #[test]
    fn what_stands_in_which_lane_counts() {
        let digest = Digest::new(&Chance::default());
        let body: Vec<u8> = (0..128u8).collect();
        let hash = digest.of(&[&body]);
        for (from, to) in [(0, 16), (0, 64), (16, 112)] {
            let mut swapped = body.clone();
            for at in 0..16 {
                swapped.swap(from + at, to + at);
            }
            assert_ne!(digest.of(&[&swapped]), hash, "blocks at {from} and {to} swapped");
        }
    }

    #[test]
    fn two_processes_hash_differently() {
        assert_ne!(Digest::new(&Chance::default()).of(&[b"x"]), Digest::new(&Chance::default()).of(&[b"x"]));
    }
}
