//! E-mail addresses, also with an escaped `@`.

use super::bytes::Text;
use super::{Hit, Kind, SHAPE};

const LONGEST: usize = 254;

/// The address around the `@` at `at`, which is `len` bytes long as written (`%40` has three).
pub(super) fn around<'r>(text: &Text<'_>, at: usize, len: usize) -> Option<Hit<'r>> {
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'');
    let mut start = text.run_back(at, is_local).max(at.saturating_sub(LONGEST));
    // An escaped line end, quotes and dots in front are no part of it.
    if start > 0 && text.before(start) == b'\\' && matches!(text.at(start), b'n' | b't' | b'r') {
        start += 1;
    }
    while start < at && matches!(text.at(start), b'.' | b'\'' | b'-') {
        start += 1;
    }
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'.' | b'-');
    let mut end = text.run(at + len, is_host);
    while matches!(text.before(end), b'.' | b'-') {
        end -= 1;
    }
    let host = text.slice(at + len, end);
    let last = host.rsplit(|byte| *byte == b'.').next()?;
    let dotted = last.len() < host.len() && !host.starts_with(b".") && !host.windows(2).any(|pair| pair == b"..");
    let top = last.len() >= 2 && last.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80 || *b == b'-');
    let cloned = text.slice(start, at) == b"git" && text.at(end) == b':';
    // A cut through a character of several bytes would be no text.
    while !text.text.is_char_boundary(start) {
        start += 1;
    }
    (start < at && dotted && top && !cloned).then_some(Hit { start, end, kind: Kind::Email, rule: "email", score: SHAPE })
}
