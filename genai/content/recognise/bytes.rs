//! What recognisers ask of the text around a candidate: single bytes, runs of one class, words in front and behind.

/// A text being searched, with the name it stands under.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'t> {
    /// Name of the attribute or member; empty = none.
    pub(super) name: &'t str,
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
}

/// How far in front of a candidate words count as its context.
const FRONT: usize = 40;
/// Longest run behind a candidate: longer tokens are cut, and still masked from their begin.
const LONGEST_RUN: usize = 300;
/// Longest run in front of one: an e-mail address has 254 bytes.
const LONGEST_FRONT: usize = 256;
/// How far behind.
const BEHIND: usize = 14;

impl Text<'_> {
    /// The byte at `i`, 0 beyond the end.
    #[inline]
    pub(super) fn at(&self, i: usize) -> u8 {
        self.bytes.get(i).copied().unwrap_or(0)
    }
    /// The byte before `i`, 0 at the begin.
    #[inline]
    pub(super) fn before(&self, i: usize) -> u8 {
        i.checked_sub(1).map_or(0, |i| self.at(i))
    }
    /// Whether a word may begin at `i`: no letter, digit or `_` in front, or an escaped control character (`\n`), as JSON inside
    /// text has it.
    pub(super) fn begins_word(&self, i: usize) -> bool {
        let before = self.before(i);
        !is_word(before) || (matches!(before, b'n' | b't' | b'r') && i >= 2 && self.at(i - 2) == b'\\')
    }
    /// Where the run of bytes that `is` accepts ends, or [`LONGEST_RUN`] bytes on: no text may make a candidate cost more.
    pub(super) fn run(&self, from: usize, is: impl Fn(u8) -> bool) -> usize {
        self.run_within(from, LONGEST_RUN, is)
    }
    /// The same with at most `most` bytes.
    pub(super) fn run_within(&self, from: usize, most: usize, is: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let rest = rest.get(..most).unwrap_or(rest);
        from + rest.iter().take_while(|byte| is(**byte)).count()
    }
    /// Where the run that ends at `to` begins, or [`LONGEST_FRONT`] bytes before.
    pub(super) fn run_back(&self, to: usize, is: impl Fn(u8) -> bool) -> usize {
        let front = self.bytes.get(to.saturating_sub(LONGEST_FRONT)..to).unwrap_or_default();
        to - front.iter().rev().take_while(|byte| is(**byte)).count()
    }
    pub(super) fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }
    /// Whether one of `words` (lower case) stands shortly in front of `start`, or in the name if `start` is near the begin.
    pub(super) fn announced_by(&self, start: usize, words: &[&str]) -> bool {
        let front = self.slice(start.saturating_sub(FRONT), start);
        has_word(front, words) || (start < FRONT / 2 && has_word(self.name.as_bytes(), words))
    }
    /// Whether one of `words` stands directly behind `end`, on the same line.
    pub(super) fn followed_by(&self, end: usize, words: &[&str]) -> bool {
        let behind = self.slice(end, end + BEHIND);
        let behind = behind.split(|byte| *byte == b'\n').next().unwrap_or_default();
        has_word(behind, words)
    }
}

/// Whether one of `words` (lower case) stands in `text` as a word of its own or as one part of a name (`customer_phone`,
/// `homePhone`).
fn has_word(text: &[u8], words: &[&str]) -> bool {
    let mut before = b' ';
    for (i, byte) in text.iter().enumerate() {
        let begins = byte.is_ascii_alphabetic()
            && (!before.is_ascii_alphabetic() || (before.is_ascii_lowercase() && byte.is_ascii_uppercase()));
        before = *byte;
        if !begins {
            continue;
        }
        let rest = text.get(i..).unwrap_or_default();
        let first = byte.to_ascii_lowercase();
        let fits = |word: &&str| {
            let word = word.as_bytes();
            word.first() == Some(&first)
                && rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
                && !rest.get(word.len()).is_some_and(u8::is_ascii_lowercase)
        };
        if words.iter().any(fits) {
            return true;
        }
    }
    false
}

#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes of which tokens consist.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b'~' | b'%' | b':' | b'|' | b'!' | b'@' | b'#' | b'$' | b'^' | b'*' | b'&'
        )
}
