//! Columns by layout: texts, numbers, arrays and maps.

use super::low::LowTexts;
use super::{write_size, write_text};
use std::io::Write;

/// Values of one column.
pub trait Column {
    /// What stands before the column's values: versions of dictionaries.
    fn write_prefix(&self, _out: &mut Vec<u8>) {}
    /// The values.
    fn write(&self, out: &mut Vec<u8>);
}

/// Texts one after the other, each with its length.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Scratch: a text must be complete before its length can be written.
    made: Vec<u8>,
}

impl Texts {
    /// Adds a text.
    pub fn push(&mut self, text: &[u8]) {
        write_text(text, &mut self.bytes);
    }
    /// Adds a text that is written piece by piece.
    pub fn push_made(&mut self, make: impl FnOnce(&mut Vec<u8>)) {
        self.made.clear();
        make(&mut self.made);
        write_text(&self.made, &mut self.bytes);
    }
    /// Adds an id as hex digits, nothing for none.
    pub fn push_hex(&mut self, id: Option<impl AsRef<[u8]>>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let Some(id) = id else { return self.push(b"") };
        let id = id.as_ref();
        write_size(id.len() * 2, &mut self.bytes);
        for byte in id {
            self.bytes.push(DIGITS[usize::from(byte >> 4)]);
            self.bytes.push(DIGITS[usize::from(byte & 15)]);
        }
    }
    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
    /// Adds again what stands from this byte on.
    pub(super) fn repeat_from(&mut self, start: usize) {
        self.bytes.extend_from_within(start..);
    }
}

impl Column for Texts {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }
}

/// Numbers of a fixed width, and other values of a fixed length.
#[derive(Debug, Default)]
pub struct Numbers {
    bytes: Vec<u8>,
}

impl Numbers {
    /// Adds one: its bytes, the lowest first.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl Column for Numbers {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }
}

/// Arrays: where each ends, then all elements.
#[derive(Debug, Default)]
pub struct ArrayColumn<C> {
    ends: Vec<u64>,
    /// All elements of all rows.
    pub elements: C,
}

impl<C> ArrayColumn<C> {
    /// Ends a row of so many elements, which were pushed to `elements`.
    pub fn end_row(&mut self, elements: usize) {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(start + elements as u64);
    }
}

impl<C: Column> Column for ArrayColumn<C> {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.elements.write_prefix(out);
    }
    fn write(&self, out: &mut Vec<u8>) {
        write_ends(&self.ends, out);
        self.elements.write(out);
    }
}

fn write_ends(ends: &[u64], out: &mut Vec<u8>) {
    out.reserve(ends.len() * 8);
    for end in ends {
        out.write_all(&end.to_le_bytes()).expect("invariant: writing to memory does not fail");
    }
}

/// Maps from text (by dictionary) to values: where each ends, then all keys, then all values.
#[derive(Debug, Default)]
pub struct MapColumn<V> {
    ends: Vec<u64>,
    /// Keys of all rows.
    pub keys: LowTexts,
    /// Values of all rows.
    pub values: V,
}

impl<V> MapColumn<V> {
    /// Ends a row of so many pairs, which were pushed to `keys` and `values`.
    pub fn end_row(&mut self, pairs: usize) {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(start + pairs as u64);
    }
}

impl MapColumn<Texts> {
    /// Bytes so far, about.
    pub fn bytes(&self) -> usize {
        self.values.bytes() + self.keys.bytes()
    }
    /// Where the next row begins: for [`MapColumn::repeat`].
    pub fn mark(&self) -> Mark {
        Mark { keys: self.keys.len(), values: self.values.bytes() }
    }
    /// Adds the last row again, which began at this mark.
    pub fn repeat(&mut self, mark: Mark) -> Mark {
        let next = self.mark();
        let pairs = next.keys - mark.keys;
        self.keys.repeat_from(mark.keys);
        self.values.repeat_from(mark.values);
        self.end_row(pairs);
        next
    }
}

/// Where a row of a map column begins.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    keys: usize,
    values: usize,
}

impl<V: Column> Column for MapColumn<V> {
    fn write_prefix(&self, out: &mut Vec<u8>) {
        self.keys.write_prefix(out);
        self.values.write_prefix(out);
    }
    fn write(&self, out: &mut Vec<u8>) {
        write_ends(&self.ends, out);
        self.keys.write(out);
        self.values.write(out);
    }
}
