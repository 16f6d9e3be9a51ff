//! What was judged before, so that it is not judged again: most metadata repeat from span to span.
//!
//! Every judgement kept here is a function of one short text (a key, or a value, or both) and of what is asked about it.
//! The text is kept whole and compared byte by byte: two texts that share a place cost a second look, and never pass for each
//! other. The table has a fixed size, a newer judgement takes an older one's place, and recognisers that are changed begin
//! with an empty one.

use std::sync::{Mutex, PoisonError};

/// What is asked about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Asked {
    /// Whether nothing has the shape of a secret or a person.
    Shapes = 1,
    /// The same for an id.
    Ids,
    /// The same two of a list, as it is sent.
    ShapesOfList,
    IdsOfList,
    /// What a name outside attributes is.
    Name,
    /// Whether a value nobody knows may pass; the text is key and value.
    Value,
    /// What a key is in a dialect.
    Key,
    /// The same of a key with an id.
    KeyWithId,
}

/// Longest text that is kept.
const LONGEST: usize = 122;
/// Places of keys; values come and go, and shall not take them.
const KEYS: usize = 512;
/// Places of all else.
const SLOTS: usize = 1024;

/// One judgement: what was asked, of which text, and the answer.
#[derive(Clone, Copy)]
struct Slot {
    asked: u16,
    dialect: u16,
    len: u8,
    answer: u8,
    text: [u8; LONGEST],
}

/// Judgements by one set of recognisers.
pub(super) struct Memo {
    slots: Box<[Slot]>,
}

impl Default for Memo {
    fn default() -> Memo {
        let empty = Slot { asked: 0, dialect: 0, len: 0, answer: 0, text: [0; LONGEST] };
        Memo { slots: vec![empty; KEYS + SLOTS].into_boxed_slice() }
    }
}

impl Memo {
    /// The answer, if it is known.
    #[inline]
    pub(super) fn get(&self, asked: Asked, dialect: u16, text: &[u8]) -> Option<u8> {
        if text.len() > LONGEST {
            return None;
        }
        let slot = self.slots.get(place(asked, dialect, text))?;
        let is_it = slot.asked == asked as u16
            && slot.dialect == dialect
            && usize::from(slot.len) == text.len()
            && slot.text.get(..text.len()) == Some(text);
        is_it.then_some(slot.answer)
    }

    /// Keeps an answer.
    pub(super) fn put(&mut self, asked: Asked, dialect: u16, text: &[u8], answer: u8) {
        if text.len() > LONGEST {
            return;
        }
        let Some(slot) = self.slots.get_mut(place(asked, dialect, text)) else { return };
        (slot.asked, slot.dialect, slot.len, slot.answer) = (asked as u16, dialect, text.len() as u8, answer);
        if let Some(own) = slot.text.get_mut(..text.len()) {
            own.copy_from_slice(text);
        }
    }
}

/// Key and value as one text, if that is short enough to be kept.
#[derive(Debug)]
pub(super) struct Pair {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Pair {
    pub(super) fn of(name: &[u8], value: &[u8]) -> Option<Pair> {
        let len = name.len() + 1 + value.len();
        let mut bytes = [0; LONGEST];
        // The length in front says where the key ends, whatever bytes both are of.
        *bytes.first_mut()? = u8::try_from(name.len()).ok()?;
        bytes.get_mut(1..=name.len())?.copy_from_slice(name);
        bytes.get_mut(name.len() + 1..len)?.copy_from_slice(value);
        Some(Pair { bytes, len })
    }
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Where a judgement has its place. Who makes texts share one makes them slow, and nothing else.
#[inline]
fn place(asked: Asked, dialect: u16, text: &[u8]) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (u64::from(asked as u16) << 48) ^ (u64::from(dialect) << 32) ^ text.len() as u64;
    let mut add = |word: u64| hash = (hash ^ word).wrapping_mul(MIX).rotate_left(29);
    if let Some(last) = text.last_chunk::<8>() {
        let (words, _) = text.as_chunks::<8>();
        words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
        add(u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        add(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
    } else {
        add(text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    let hash = hash.wrapping_mul(MIX) >> 48;
    match asked {
        Asked::Key | Asked::KeyWithId => hash as usize % KEYS,
        _ => KEYS + hash as usize % SLOTS,
    }
}

/// The memos of a set of recognisers: one for each batch that is judged at the same time.
#[derive(Default)]
pub(super) struct Memos(Mutex<Vec<Memo>>);

impl Memos {
    /// A memo for one batch.
    pub(super) fn take(&self) -> Memo {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }
    /// Keeps it for the next batch.
    pub(super) fn give_back(&self, memo: Memo) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memo);
    }
}

impl Clone for Memos {
    /// A copy of the recognisers may be changed: it begins empty.
    fn clone(&self) -> Memos {
        Memos::default()
    }
}

impl std::fmt::Debug for Memos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memos")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_only_for_the_text_the_question_and_the_dialect_it_was_kept_for() {
        let mut memo = Memo::default();
        memo.put(Asked::Shapes, 1, b"gpt-4.1", 1);
        assert_eq!(memo.get(Asked::Shapes, 1, b"gpt-4.1"), Some(1));
        assert_eq!(memo.get(Asked::Shapes, 1, b"gpt-4.2"), None);
        assert_eq!(memo.get(Asked::Ids, 1, b"gpt-4.1"), None);
        assert_eq!(memo.get(Asked::Shapes, 2, b"gpt-4.1"), None);
    }

    #[test]
    fn texts_that_share_a_place_never_pass_for_each_other() {
        let mut memo = Memo::default();
        let texts: Vec<String> = (0..20_000).map(|n| format!("text-{n}")).collect();
        for text in &texts {
            memo.put(Asked::Shapes, 0, text.as_bytes(), 1);
            assert_eq!(memo.get(Asked::Shapes, 0, text.as_bytes()), Some(1));
        }
        let known = texts.iter().filter(|text| memo.get(Asked::Shapes, 0, text.as_bytes()).is_some()).count();
        assert!((SLOTS / 2..=SLOTS).contains(&known), "{known} of {SLOTS} places are taken");
        assert_eq!(memo.get(Asked::Shapes, 0, b"text-20000"), None);
    }

    #[test]
    fn long_texts_are_not_kept() {
        let mut memo = Memo::default();
        let long = [b'a'; LONGEST + 1];
        memo.put(Asked::Shapes, 0, &long, 1);
        assert_eq!(memo.get(Asked::Shapes, 0, &long), None);
        assert!(Pair::of(&long, b"").is_none() && Pair::of(&long[..LONGEST - 1], b"").is_some());
    }

    #[test]
    fn key_and_value_are_told_apart() {
        let pair = |name: &[u8], value: &[u8]| Pair::of(name, value).map(|pair| pair.bytes().to_vec());
        assert_ne!(pair(b"ab", b"c"), pair(b"a", b"bc"));
        assert_eq!(pair(b"a", b"bc"), pair(b"a", b"bc"));
    }

    #[test]
    fn what_is_given_back_is_known_to_the_next_and_not_to_a_copy() {
        let memos = Memos::default();
        let mut memo = memos.take();
        memo.put(Asked::Ids, 0, b"abc", 1);
        memos.give_back(memo);
        assert_eq!(memos.clone().take().get(Asked::Ids, 0, b"abc"), None);
        assert_eq!(memos.take().get(Asked::Ids, 0, b"abc"), Some(1));
    }
}
