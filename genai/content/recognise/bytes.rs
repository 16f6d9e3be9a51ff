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
    /// Where the run of bytes that `is` accepts ends.
    pub(super) fn run(&self, from: usize, is: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| is(**byte)).count()
    }
    /// Where the run that ends at `to` begins.
    pub(super) fn run_back(&self, to: usize, is: impl Fn(u8) -> bool) -> usize {
        let front = self.bytes.get(..to).unwrap_or_default();
        to - front.iter().rev().take_while(|byte| is(**byte)).count()
    }
    pub(super) fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }
    /// Whether one of `words` (lower case) stands shortly in front of `start`, or in the name if `start` is near the begin.
    pub(super) fn announced_by(&self, start: usize, words: &[&str]) -> bool {
        let front = self.slice(start.saturating_sub(FRONT), start);
        words.iter().any(|word| has_word(front, word.as_bytes()))
            || (start < FRONT / 2 && words.iter().any(|word| has_word(self.name.as_bytes(), word.as_bytes())))
    }
    /// Whether one of `words` stands directly behind `end`, on the same line.
    pub(super) fn followed_by(&self, end: usize, words: &[&str]) -> bool {
        let behind = self.slice(end, end + BEHIND);
        let behind = behind.split(|byte| *byte == b'\n').next().unwrap_or_default();
        words.iter().any(|word| has_word(behind, word.as_bytes()))
    }
}

/// Whether `word` stands in `text` as a word of its own or as one part of a name (`customer_phone`, `homePhone`).
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let end_of_word = |i: usize| !text.get(i).is_some_and(u8::is_ascii_lowercase);
    let begin_of_word = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| text.get(i)).copied().unwrap_or(b' ');
        !before.is_ascii_alphabetic() || (before.is_ascii_lowercase() && text.get(i).is_some_and(u8::is_ascii_uppercase))
    };
    text.windows(word.len())
        .enumerate()
        .any(|(i, part)| part.eq_ignore_ascii_case(word) && begin_of_word(i) && end_of_word(i + word.len()))
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
