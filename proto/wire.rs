//! Protobuf on the wire: reading with typed faults, and the few writers that edits need.
//!
//! A [`Reader`] walks one message inside the whole request, so every position is absolute.
//! Structural faults are found here once; what was indexed is later walked without surprises.

use crate::DecodeError;

pub(crate) const VARINT: u32 = 0;
pub(crate) const FIXED64: u32 = 1;
pub(crate) const LEN: u32 = 2;
pub(crate) const FIXED32: u32 = 5;

#[cold]
#[inline(never)]
pub(crate) fn truncated<T>(offset: usize) -> Result<T, DecodeError> {
    Err(DecodeError::Truncated { offset })
}

#[cold]
#[inline(never)]
fn invalid_tag<T>(offset: usize) -> Result<T, DecodeError> {
    Err(DecodeError::InvalidTag { offset })
}

#[cold]
#[inline(never)]
pub(crate) fn wire_type<T>(field: &'static str, offset: usize) -> Result<T, DecodeError> {
    Err(DecodeError::WireType { field, offset })
}

/// Walks the fields of one message; `buf` ends where the message ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub buf: &'a [u8],
    pub pos: usize,
}

impl<'a> Reader<'a> {
    /// A reader over the message at `start..end` of `buf`.
    #[inline(always)]
    pub fn new(buf: &'a [u8], start: usize, end: usize) -> Self {
        Reader { buf: buf.get(..end).unwrap_or(buf), pos: start }
    }

    /// A reader over a message that is the whole slice.
    #[inline(always)]
    pub fn whole(buf: &'a [u8]) -> Self {
        Reader { buf, pos: 0 }
    }

    #[inline(always)]
    pub fn done(&self) -> bool {
        self.pos >= self.buf.len()
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        if let Some(&byte) = self.buf.get(self.pos) {
            if byte < 0x80 {
                self.pos += 1;
                return Ok(u64::from(byte));
            }
            if let Some(&high) = self.buf.get(self.pos + 1)
                && high < 0x80
            {
                self.pos += 2;
                return Ok(u64::from(byte & 0x7f) | u64::from(high) << 7);
            }
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        let mut shift = 0;
        for (at, &byte) in self.buf.iter().enumerate().skip(self.pos) {
            if shift == 63 && byte > 1 {
                return invalid_tag(self.pos);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                self.pos = at + 1;
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return invalid_tag(self.pos);
            }
        }
        truncated(self.pos)
    }

    /// Field number and wire type as one number: `field << 3 | wire_type`.
    #[inline(always)]
    pub fn tag(&mut self) -> Result<u32, DecodeError> {
        if let Some(&byte) = self.buf.get(self.pos)
            && byte < 0x80
        {
            // A single byte below 8 would be field number 0.
            if byte < 8 {
                return invalid_tag(self.pos);
            }
            self.pos += 1;
            return Ok(u32::from(byte));
        }
        // Field 16 and above in two bytes, such as the flags of a span.
        if let Some([low @ 0x80..=0xff, high @ 1..0x80, ..]) = self.buf.get(self.pos..) {
            self.pos += 2;
            return Ok(u32::from(*low & 0x7f) | u32::from(*high) << 7);
        }
        self.long_tag()
    }

    #[inline(never)]
    fn long_tag(&mut self) -> Result<u32, DecodeError> {
        let start = self.pos;
        let value = self.long_varint()?;
        let bytes = self.pos - start;
        match u32::try_from(value) {
            // Overlong encodings of a tag hide a field from simple readers.
            Ok(tag) if tag >= 8 && varint_len(value) == bytes => Ok(tag),
            _ => invalid_tag(start),
        }
    }

    /// Start and end of a length-delimited field; the position moves behind it.
    #[inline(always)]
    pub fn delimited(&mut self) -> Result<(usize, usize), DecodeError> {
        let len = self.varint()?;
        let start = self.pos;
        if len > (self.buf.len() - start) as u64 {
            return truncated(start);
        }
        let end = start + len as usize;
        self.pos = end;
        Ok((start, end))
    }

    #[inline(always)]
    pub fn fixed64(&mut self) -> Result<u64, DecodeError> {
        match self.buf.get(self.pos..).and_then(<[u8]>::first_chunk::<8>) {
            Some(bytes) => {
                self.pos += 8;
                Ok(u64::from_le_bytes(*bytes))
            }
            None => truncated(self.pos),
        }
    }

    #[inline(always)]
    pub fn fixed32(&mut self) -> Result<u32, DecodeError> {
        match self.buf.get(self.pos..).and_then(<[u8]>::first_chunk::<4>) {
            Some(bytes) => {
                self.pos += 4;
                Ok(u32::from_le_bytes(*bytes))
            }
            None => truncated(self.pos),
        }
    }

    /// Steps over the value of a field that nobody here reads.
    pub fn skip(&mut self, tag: u32) -> Result<(), DecodeError> {
        match tag & 7 {
            VARINT => self.varint().map(drop),
            FIXED64 => self.fixed64().map(drop),
            LEN => self.delimited().map(drop),
            FIXED32 => self.fixed32().map(drop),
            3 | 4 => wire_type("group", self.pos),
            _ => invalid_tag(self.pos),
        }
    }

    /// The next field of a message that was validated before: tag, start of the field, start and end of its content.
    pub fn next_field(&mut self) -> Option<Field> {
        if self.done() {
            return None;
        }
        let start = self.pos;
        let tag = self.tag().ok()?;
        let (body, end) = match tag & 7 {
            LEN => self.delimited().ok()?,
            _ => {
                let body = self.pos;
                self.skip(tag).ok()?;
                (body, self.pos)
            }
        };
        Some(Field { tag, start, body, end })
    }
}

/// One field found by [`Reader::next_field`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub tag: u32,
    pub start: usize,
    pub body: usize,
    pub end: usize,
}

/// Bytes a varint takes.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    if value < 0x80 {
        return 1;
    }
    (70 - value.leading_zeros() as usize) / 7
}

#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Tag, length and content of a length-delimited field.
#[inline]
pub(crate) fn put_delimited(out: &mut Vec<u8>, tag: u32, content: &[u8]) {
    put_varint(out, u64::from(tag));
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Bytes of a length-delimited field with a tag of one byte.
#[inline]
pub(crate) fn delimited_len(content: usize) -> usize {
    1 + varint_len(content as u64) + content
}

/// An offset inside a request, which is never larger than 4 GiB.
#[inline]
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("invariant: requests and their edits stay under 4 GiB")
}
