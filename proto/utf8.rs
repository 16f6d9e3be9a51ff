//! Is it UTF-8? Fast for what telemetry holds: short ASCII texts, and long ones with few other letters.
//!
//! Says exactly what `std::str::from_utf8` says, which a property test checks.

/// Whether the bytes are valid UTF-8.
#[inline(always)]
pub(crate) fn valid(bytes: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        if bytes.len() <= 16 {
            return (word(first) | word(last)) & HIGH == 0 || any(bytes);
        }
        return if bytes.len() <= 64 { short(bytes) } else { long(bytes) };
    }
    bytes.iter().fold(0, |seen, byte| seen | byte) < 0x80 || any(bytes)
}

const HIGH: u64 = 0x8080_8080_8080_8080;

#[inline(always)]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// 17 to 64 bytes: the last 16 may overlap those before.
#[inline]
fn short(bytes: &[u8]) -> bool {
    let (blocks, _) = bytes.as_chunks::<16>();
    let mut seen = 0;
    for block in blocks {
        seen |= u128::from_le_bytes(*block);
    }
    if let Some(last) = bytes.last_chunk::<16>() {
        seen |= u128::from_le_bytes(*last);
    }
    ((seen >> 64) as u64 | seen as u64) & HIGH == 0 || any(bytes)
}

/// Skips ASCII in large blocks before it looks closer; the last block may overlap the one before.
#[inline(never)]
fn long(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<64>(), bytes.last_chunk::<64>()) else { return any(bytes) };
    if bytes.len() <= 128 {
        return (is_ascii(first) && is_ascii(last)) || any(bytes);
    }
    let (blocks, _) = bytes.as_chunks::<128>();
    let clean = blocks.iter().take_while(|block| is_ascii(block)).count();
    if clean == blocks.len() && bytes.last_chunk::<128>().is_some_and(is_ascii) {
        return true;
    }
    any(bytes.get(clean * 128..).unwrap_or_default())
}

#[inline(always)]
fn is_ascii<const LEN: usize>(block: &[u8; LEN]) -> bool {
    block.iter().fold(0, |seen, byte| seen | byte) < 0x80
}

/// Any bytes: ASCII by blocks and words, other letters one by one.
#[inline(never)]
fn any(mut rest: &[u8]) -> bool {
    loop {
        while let Some((block, behind)) = rest.split_first_chunk::<64>()
            && is_ascii(block)
        {
            rest = behind;
        }
        // A block with other letters, or the end.
        let stop = rest.len().saturating_sub(64);
        while rest.len() > stop {
            if let Some((bytes, behind)) = rest.split_first_chunk::<8>() {
                let word = word(bytes);
                let high = word & HIGH;
                if high == 0 {
                    rest = behind;
                    continue;
                }
                let ascii = high.trailing_zeros() & !7;
                // Latin text: one letter of two bytes among ASCII. Its lead byte is 0xc2 or more.
                if high == 0x8080u64.wrapping_shl(ascii) && ascii < 56 && latin(word >> ascii) {
                    rest = behind;
                    continue;
                }
                rest = rest.get(ascii as usize / 8..).unwrap_or_default();
            } else if rest.iter().fold(0, |seen, byte| seen | byte) < 0x80 {
                return true;
            }
            match letter(rest) {
                0 => return false,
                len => rest = rest.get(len..).unwrap_or_default(),
            }
        }
        if rest.is_empty() {
            return true;
        }
    }
}

#[inline(always)]
fn latin(letter: u64) -> bool {
    letter & 0xc0e0 == 0x80c0 && letter & 0x1e != 0
}

/// Bytes of the letter in front, 0 when there is none.
#[inline(always)]
fn letter(bytes: &[u8]) -> usize {
    match *bytes {
        [..0x80, ..] => 1,
        [0xc2..=0xdf, 0x80..=0xbf, ..] => 2,
        [0xe0, 0xa0..=0xbf, 0x80..=0xbf, ..]
        | [0xe1..=0xec | 0xee..=0xef, 0x80..=0xbf, 0x80..=0xbf, ..]
        | [0xed, 0x80..=0x9f, 0x80..=0xbf, ..] => 3,
        [0xf0, 0x90..=0xbf, 0x80..=0xbf, 0x80..=0xbf, ..]
        | [0xf1..=0xf3, 0x80..=0xbf, 0x80..=0xbf, 0x80..=0xbf, ..]
        | [0xf4, 0x80..=0x8f, 0x80..=0xbf, 0x80..=0xbf, ..] => 4,
        _ => 0,
    }
}

/// The text of bytes that were validated when they were indexed.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> &str {
    if bytes.len() < LONG {
        return std::str::from_utf8(bytes).unwrap_or_default();
    }
    simdutf8::basic::from_utf8(bytes).unwrap_or_default()
}

/// From here on wide registers pay.
const LONG: usize = 64;

#[cfg(test)]
mod tests {
    use super::valid;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn byte() -> impl Strategy<Value = u8> {
        // Around the borders of every class of bytes.
        prop_oneof![Just(b'a'), Just(0x7f), Just(0x80), Just(0x8f), Just(0x90), Just(0x9f), Just(0xa0), Just(0xbf), 0xc0..=0xffu8]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn says_what_the_standard_library_says(
            head in "[a-z]{0,200}", text in "\\PC{0,40}", odd in vec(byte(), 0..6), tail in "[a-z\u{e9}\u{4e16}\u{1f600}]{0,80}",
        ) {
            let bytes = [head.as_bytes(), text.as_bytes(), &odd, tail.as_bytes()].concat();
            prop_assert_eq!(valid(&bytes), std::str::from_utf8(&bytes).is_ok());
            prop_assert!(valid(text.as_bytes()) && valid(tail.as_bytes()) && valid(head.as_bytes()));
        }
    }
}
