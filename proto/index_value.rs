//! Indexing of `AnyValue`: scalars go into the entry, nested values are validated to their leaves.

use crate::index::{Attr, kind};
use crate::indexer::Indexer;
use crate::wire::{Reader, truncated, wire_type};
use crate::{DecodeError, Value};

impl Indexer<'_> {
    /// Kind and content of the `AnyValue` at `start..end`; `depth` levels of nesting are left.
    #[inline]
    pub fn any_value(&mut self, start: usize, end: usize, depth: usize) -> Result<(u8, u64), DecodeError> {
        if start == end {
            return Ok((kind::EMPTY, 0));
        }
        let mut reader = Reader::new(self.buf, start, end);
        let found = self.one_of(&mut reader, depth)?;
        if reader.pos == end {
            return Ok(found.unwrap_or((kind::EMPTY, 0)));
        }
        self.any_value_rest(reader, found, depth)
    }

    /// Fields after the first one: a second value makes the request non-canonical, others are stepped over.
    #[inline(never)]
    fn any_value_rest(
        &mut self,
        mut reader: Reader<'_>,
        first: Option<(u8, u64)>,
        depth: usize,
    ) -> Result<(u8, u64), DecodeError> {
        let mut found = first;
        while !reader.done() {
            let next = self.one_of(&mut reader, depth)?;
            if next.is_some() && found.is_some() {
                self.odd.structure = true;
            }
            found = found.or(next);
        }
        Ok(found.unwrap_or((kind::EMPTY, 0)))
    }

    #[inline]
    fn one_of(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<Option<(u8, u64)>, DecodeError> {
        let field = reader.pos;
        let tag = reader.tag()?;
        Ok(Some(match tag {
            0x0a => {
                let (start, end) = reader.delimited()?;
                self.check_text(start, end);
                (kind::STR, Attr::place(start, end))
            }
            0x18 => (kind::INT, reader.varint()?),
            0x21 => (kind::DOUBLE, reader.fixed64()?),
            0x10 => (kind::BOOL, u64::from(reader.varint()? != 0)),
            0x2a => {
                let (start, end) = reader.delimited()?;
                self.array(start, end, depth)?;
                (kind::ARRAY, Attr::place(start, end))
            }
            0x32 => {
                let (start, end) = reader.delimited()?;
                self.map(start, end, depth)?;
                (kind::MAP, Attr::place(start, end))
            }
            0x3a => {
                let (start, end) = reader.delimited()?;
                (kind::BYTES, Attr::place(start, end))
            }
            // An index into a table that only profiles have: read as empty.
            0x40 => {
                reader.varint()?;
                (kind::EMPTY, 0)
            }
            _ if (1..=8).contains(&(tag >> 3)) => return wire_type("any_value", field),
            _ => {
                reader.skip(tag)?;
                return Ok(None);
            }
        }))
    }

    fn array(&mut self, start: usize, end: usize, depth: usize) -> Result<(), DecodeError> {
        let depth = self.deeper(depth)?;
        let mut reader = Reader::new(self.buf, start, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    let (from, to) = reader.delimited()?;
                    self.nested += size_of::<Value>();
                    self.any_value(from, to, depth)?;
                }
                _ if tag >> 3 == 1 => return wire_type("array_value", field),
                _ => reader.skip(tag)?,
            }
        }
        if reader.pos != end { truncated(end) } else { Ok(()) }
    }

    fn map(&mut self, start: usize, end: usize, depth: usize) -> Result<(), DecodeError> {
        let depth = self.deeper(depth)?;
        let mut reader = Reader::new(self.buf, start, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    let (from, to) = reader.delimited()?;
                    self.nested += size_of::<(String, Value)>();
                    self.pair(from, to, depth)?;
                }
                _ if tag >> 3 == 1 => return wire_type("kvlist_value", field),
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    fn pair(&mut self, start: usize, end: usize, depth: usize) -> Result<(), DecodeError> {
        let (mut seen_key, mut seen_value) = (false, false);
        let mut reader = Reader::new(self.buf, start, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    self.odd.structure |= std::mem::replace(&mut seen_key, true);
                    self.text(&mut reader)?;
                }
                0x12 => {
                    self.odd.structure |= std::mem::replace(&mut seen_value, true);
                    let (from, to) = reader.delimited()?;
                    self.any_value(from, to, depth)?;
                }
                0x18 => drop(reader.varint()?),
                _ if (1..=3).contains(&(tag >> 3)) => return wire_type("key_value", field),
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        depth.checked_sub(1).ok_or(DecodeError::TooDeep { limit: self.limits.max_depth })
    }
}
