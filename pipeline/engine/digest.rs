//! A fast keyed 128-bit hash of bytes, for telling retransmissions from new requests.
//!
//! Two lanes of folded 64-bit multiplications with different random keys. Not cryptographic: it protects against chance,
//! and against senders who do not know the keys, which never leave the process.

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

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

impl Digest {
    pub(crate) fn new(chance: &Chance) -> Digest {
        Digest { keys: std::array::from_fn(|_| chance.bits()) }
    }
    /// The hash of some texts, each with its length.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> u128 {
        let [a, b, c, d, e, f] = self.keys;
        let (mut one, mut two) = (e, f);
        for part in parts {
            let (blocks, rest) = part.as_chunks::<16>();
            for block in blocks {
                let (low, high) = block.split_at(8);
                let (low, high) = (word(low), word(high));
                one = fold(low ^ a ^ one, high ^ b);
                two = fold(low ^ c, high ^ d ^ two);
                // A product that hits zero must not swallow what came before.
                one = one.rotate_left(29) ^ low;
                two = two.rotate_left(31) ^ high;
            }
            let (low, high) = rest.split_at(rest.len().min(8));
            one = fold(word(low) ^ a ^ one, word(high) ^ b ^ part.len() as u64);
            two = fold(word(low) ^ c ^ part.len() as u64, word(high) ^ d ^ two);
        }
        u128::from(fold(one ^ c, two ^ b)) << 64 | u128::from(fold(two ^ a, one ^ d))
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
        let all: HashSet<u128> = (0..64).map(|n| digest.of(&[&vec![0; n]])).collect();
        assert_eq!(all.len(), 64);
        assert_ne!(digest.of(&[b"a", b"bc"]), digest.of(&[b"ab", b"c"]));
    }

    #[test]
    fn two_processes_hash_differently() {
        assert_ne!(Digest::new(&Chance::default()).of(&[b"x"]), Digest::new(&Chance::default()).of(&[b"x"]));
    }
}
