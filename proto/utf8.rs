//! Is it UTF-8? Fast for what telemetry holds: short ASCII texts, and long ones with few other letters.

/// Whether the bytes are valid UTF-8.
#[inline]
pub(crate) fn valid(bytes: &[u8]) -> bool {
    if bytes.len() <= 64 { short_ascii(bytes) || std::str::from_utf8(bytes).is_ok() } else { long(bytes) }
}

const HIGH: u64 = 0x8080_8080_8080_8080;

/// Word-wise test of up to 64 bytes; the last word may overlap the one before.
#[inline]
fn short_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut seen = 0u64;
    for word in words {
        seen |= u64::from_le_bytes(*word);
    }
    if let Some(last) = bytes.last_chunk::<8>() {
        seen |= u64::from_le_bytes(*last);
    } else {
        for byte in rest {
            seen |= u64::from(*byte);
        }
    }
    seen & HIGH == 0
}

/// Skips ASCII in blocks; only blocks with other letters go through the full check.
#[inline(never)]
fn long(mut bytes: &[u8]) -> bool {
    const BLOCK: usize = 64;
    loop {
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        let clean = blocks.iter().take_while(|block| block.iter().fold(0, |seen, byte| seen | byte) < 0x80).count();
        bytes = bytes.get(clean * BLOCK..).unwrap_or_default();
        let window = bytes.get(..2 * BLOCK).unwrap_or(bytes);
        match std::str::from_utf8(window) {
            Ok(_) if window.len() == bytes.len() => return true,
            Ok(_) => bytes = bytes.get(window.len()..).unwrap_or_default(),
            // A letter cut by the window's end is checked again with what follows it.
            Err(error) if error.error_len().is_none() && window.len() < bytes.len() => {
                bytes = bytes.get(error.valid_up_to()..).unwrap_or_default();
            }
            Err(_) => return false,
        }
    }
}

/// The text of bytes that were validated when they were indexed.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
