//! Texts of few values: a dictionary, and for each row the number of its text there.

use super::column::Column;
use super::write_text;
use chaperone_proto::Key;
use std::collections::HashMap;

/// The only version of the format that is written today: one dictionary, keys may be added.
const VERSION: u64 = 1;
/// The dictionary comes with the values.
const HAS_KEYS: u64 = 1 << 9;
/// The server shall not expect an older dictionary.
const NEW_DICTIONARY: u64 = 1 << 10;
const NO_NUMBER: u32 = u32::MAX;

/// A `LowCardinality(String)` column.
#[derive(Debug, Default)]
pub struct LowTexts {
    numbers: HashMap<Box<[u8]>, u32>,
    /// Number by key id: most keys of attributes have one, which spares a look into the map.
    by_key: Vec<u32>,
    dictionary: Vec<u8>,
    rows: Vec<u32>,
}

impl LowTexts {
    /// Adds a text.
    pub fn push(&mut self, text: &[u8]) {
        let number = self.number(text);
        self.rows.push(number);
    }

    /// Adds an attribute's key.
    pub fn push_key(&mut self, key: Key<'_>) {
        let Some(id) = key.id else { return self.push(key.name.as_bytes()) };
        let at = usize::from(id.0);
        if at >= self.by_key.len() {
            self.by_key.resize(at + 1, NO_NUMBER);
        }
        if self.by_key[at] == NO_NUMBER {
            self.by_key[at] = self.number(key.name.as_bytes());
        }
        self.rows.push(self.by_key[at]);
    }

    /// Adds the last text again.
    pub fn repeat(&mut self) {
        if let Some(last) = self.rows.last() {
            self.rows.push(*last);
        }
    }

    fn number(&mut self, text: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(text.into(), number);
        write_text(text, &mut self.dictionary);
        number
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Bytes so far, about.
    pub fn bytes(&self) -> usize {
        self.dictionary.len() + self.rows.len() * self.width()
    }
    pub(super) fn repeat_from(&mut self, start: usize) {
        self.rows.extend_from_within(start..);
    }

    /// Bytes of a number of this dictionary.
    fn width(&self) -> usize {
        match self.numbers.len() {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        }
    }
}

impl Column for LowTexts {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_le_bytes());
    }

    fn write(&self, out: &mut Vec<u8>) {
        // Inside arrays there may be no value at all; then nothing is written, not even an empty dictionary.
        if self.rows.is_empty() {
            return;
        }
        let width = self.width();
        let kind = width.trailing_zeros() as u64 | HAS_KEYS | NEW_DICTIONARY;
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(self.numbers.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.dictionary);
        out.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        for number in &self.rows {
            out.extend_from_slice(&number.to_le_bytes()[..width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_text_is_in_the_dictionary_once() {
        let mut column = LowTexts::default();
        for text in ["a", "b", "a"] {
            column.push(text.as_bytes());
        }
        column.repeat();
        let mut out = Vec::new();
        column.write(&mut out);
        let expected = [
            &[0, 6, 0, 0, 0, 0, 0, 0][..],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[1, b'a', 1, b'b'],
            &[4, 0, 0, 0, 0, 0, 0, 0],
            &[0, 1, 0, 0],
        ];
        assert_eq!(out, expected.concat());
    }

    #[test]
    fn numbers_widen_with_the_dictionary() {
        let mut column = LowTexts::default();
        for i in 0..257 {
            column.push(format!("{i}").as_bytes());
        }
        assert_eq!(column.width(), 2);
    }
}
