//! The one pass over a request that makes its index: the levels above records, attributes, resources, scopes.
//!
//! Stops at the first structural fault. Texts that are not UTF-8 and messages that occur twice where
//! they may occur once are only noted: the pass goes on, so that faults are found in any case.

use crate::index::{Attr, Index, KeyMask, NONE, Patches, Place, Record, Resource, Scope, attr_flag, kind, range};
use crate::key_cache::{KeyCache, NO_KEY};
use crate::wire::{Reader, wire_type};
use crate::{DecodeError, Limits, Signal, utf8};
use bytes::Bytes;

/// What the pass found beside the index; with any of it, the request is rewritten and indexed again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Odd {
    /// A text is not UTF-8.
    pub texts: bool,
    /// A singular message occurs twice.
    pub structure: bool,
}

/// Indexes one request.
pub(crate) fn index(signal: Signal, body: &Bytes, limits: &Limits) -> Result<(Index, Odd), DecodeError> {
    if body.len() >= NONE as usize {
        return Err(DecodeError::TooMany { what: "bytes", limit: NONE as usize });
    }
    let mut indexer = Indexer {
        buf: body,
        ix: Index::new(signal, body.clone()),
        cache: KeyCache::take(),
        limits: *limits,
        odd: Odd::default(),
        nested: 0,
    };
    let result = indexer.request();
    indexer.cache.put();
    result.map(|()| (indexer.ix, indexer.odd))
}

pub(crate) struct Indexer<'a> {
    pub buf: &'a [u8],
    pub ix: Index,
    pub cache: Box<KeyCache>,
    pub limits: Limits,
    pub odd: Odd,
    /// Bytes that the values inside of arrays and maps would take when they are owned.
    pub nested: usize,
}

impl Indexer<'_> {
    fn request(&mut self) -> Result<(), DecodeError> {
        let mut reader = Reader::whole(self.buf);
        while !reader.done() {
            let start = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    let (body, end) = reader.delimited()?;
                    self.resource_level(start, body, end)?;
                }
                _ if tag >> 3 == 1 => return wire_type("resource_spans", start),
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    fn resource_level(&mut self, start: usize, body: usize, end: usize) -> Result<(), DecodeError> {
        let at = self.ix.resources.len() as u32;
        let mut resource = Resource {
            start: start as u32,
            body: body as u32,
            end: end as u32,
            message: NONE,
            message_body: 0,
            message_end: 0,
            schema_url: Place::default(),
            attrs: 0,
            attrs_len: 0,
            scopes: self.ix.scopes.len() as u32,
            scopes_len: 0,
            side: 0,
            edited: false,
            message_edited: false,
        };
        let mut reader = Reader::new(self.buf, body, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    if resource.message != NONE {
                        self.odd.structure = true;
                    }
                    let (from, to) = reader.delimited()?;
                    resource.message = field as u32;
                    resource.message_body = from as u32;
                    resource.message_end = to as u32;
                    resource.attrs = self.ix.attrs.len() as u32;
                    self.resource_message(from, to)?;
                    resource.attrs_len = self.ix.attrs.len() as u32 - resource.attrs;
                }
                0x12 => {
                    let (from, to) = reader.delimited()?;
                    self.scope_level(field, from, to, at)?;
                }
                0x1a => resource.schema_url = self.text(&mut reader)?,
                _ if (1..=3).contains(&(tag >> 3)) => return wire_type("resource_spans", field),
                _ => reader.skip(tag)?,
            }
        }
        resource.scopes_len = self.ix.scopes.len() as u32 - resource.scopes;
        self.ix.resources.push(resource);
        self.within_limits()
    }

    fn resource_message(&mut self, body: usize, end: usize) -> Result<(), DecodeError> {
        let mut reader = Reader::new(self.buf, body, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    let (from, to) = reader.delimited()?;
                    self.attribute(field, from, to)?;
                }
                0x10 => drop(reader.varint()?),
                0x1a => {
                    let (from, to) = reader.delimited()?;
                    self.entity_ref(from, to)?;
                }
                _ if (1..=3).contains(&(tag >> 3)) => return wire_type("resource", field),
                _ => reader.skip(tag)?,
            }
        }
        self.within_limits()
    }

    fn entity_ref(&mut self, body: usize, end: usize) -> Result<(), DecodeError> {
        let mut reader = Reader::new(self.buf, body, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a | 0x12 | 0x1a | 0x22 => drop(self.text(&mut reader)?),
                _ if (1..=4).contains(&(tag >> 3)) => return wire_type("entity_ref", field),
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    fn scope_level(&mut self, start: usize, body: usize, end: usize, resource: u32) -> Result<(), DecodeError> {
        let at = self.ix.scopes.len();
        self.ix.scopes.push(Scope {
            start: start as u32,
            body: body as u32,
            end: end as u32,
            message: NONE,
            message_body: 0,
            message_end: 0,
            name: Place::default(),
            version: Place::default(),
            schema_url: Place::default(),
            attrs: 0,
            attrs_len: 0,
            resource,
            records: self.ix.records.len() as u32,
            records_len: 0,
            patches: Patches::default(),
            side: 0,
            packed: true,
            edited: false,
            message_edited: false,
        });
        let mut seen_message = false;
        let mut schema_url = Place::default();
        // Where the last record ended, to see whether they are packed.
        let mut record_end = None;
        let mut packed = true;
        let mut reader = Reader::new(self.buf, body, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x12 => {
                    packed &= record_end.is_none_or(|end| end == field);
                    let (from, to) = reader.delimited()?;
                    record_end = Some(to);
                    self.record(field, from, to, at as u32)?;
                }
                0x0a => {
                    if seen_message {
                        self.odd.structure = true;
                    }
                    seen_message = true;
                    let (from, to) = reader.delimited()?;
                    self.scope_message(at, field, from, to)?;
                }
                0x1a => schema_url = self.text(&mut reader)?,
                _ if (1..=3).contains(&(tag >> 3)) => return wire_type("scope_spans", field),
                _ => reader.skip(tag)?,
            }
        }
        let count = self.ix.records.len() as u32;
        if let Some(scope) = self.ix.scopes.get_mut(at) {
            scope.schema_url = schema_url;
            scope.packed = packed;
            scope.records_len = count - scope.records;
        }
        self.within_limits()
    }

    fn scope_message(&mut self, at: usize, start: usize, body: usize, end: usize) -> Result<(), DecodeError> {
        let attrs = self.ix.attrs.len() as u32;
        let (mut name, mut version) = (Place::default(), Place::default());
        let mut reader = Reader::new(self.buf, body, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => name = self.text(&mut reader)?,
                0x12 => version = self.text(&mut reader)?,
                0x1a => {
                    let (from, to) = reader.delimited()?;
                    self.attribute(field, from, to)?;
                }
                0x20 => drop(reader.varint()?),
                _ if (1..=4).contains(&(tag >> 3)) => return wire_type("scope", field),
                _ => reader.skip(tag)?,
            }
        }
        let count = self.ix.attrs.len() as u32;
        if let Some(scope) = self.ix.scopes.get_mut(at) {
            (scope.message, scope.message_body, scope.message_end) = (start as u32, body as u32, end as u32);
            scope.name = name;
            scope.version = version;
            scope.attrs = attrs;
            scope.attrs_len = count - attrs;
        }
        self.within_limits()
    }

    #[inline]
    fn record(&mut self, start: usize, body: usize, end: usize, scope: u32) -> Result<(), DecodeError> {
        if self.ix.records.len() >= self.limits.max_records {
            return Err(DecodeError::TooMany { what: "records", limit: self.limits.max_records });
        }
        let record = Record {
            start: start as u32,
            body: body as u32,
            end: end as u32,
            attrs_from: 0,
            attrs_to: 0,
            attrs: self.ix.attrs.len() as u32,
            attrs_len: 0,
            extra: 0,
            extra_len: 0,
            scope,
            trace_id: NONE,
            span_id: NONE,
            rare: NONE,
            state: 0,
            keys: KeyMask::NONE,
        };
        match self.ix.signal {
            Signal::Logs => self.log(record)?,
            _ => self.span(record)?,
        }
        self.within_limits()
    }

    /// Refuses more attributes, and more memory, than the limits allow.
    #[inline]
    pub fn within_limits(&self) -> Result<(), DecodeError> {
        let most = self.limits.most_memory(self.buf.len());
        if self.ix.entry_bytes() + self.nested > most {
            return Err(DecodeError::TooMany { what: "bytes of memory", limit: most });
        }
        if self.ix.attrs.len() > self.limits.max_attributes {
            return Err(DecodeError::TooMany { what: "attributes", limit: self.limits.max_attributes });
        }
        Ok(())
    }

    /// A text field at the reader; checks its UTF-8.
    #[inline]
    pub fn text(&mut self, reader: &mut Reader<'_>) -> Result<Place, DecodeError> {
        let (start, end) = reader.delimited()?;
        self.check_text(start, end);
        Ok(Place::new(start, end))
    }

    #[inline]
    pub fn check_text(&mut self, start: usize, end: usize) {
        let text = range(self.buf, start as u32, (end - start) as u32);
        self.odd.texts |= !utf8::valid(text);
    }

    /// The offset of an id of `N` bytes at the reader, `NONE` when it is empty.
    #[inline]
    pub fn id<const N: usize>(&self, reader: &mut Reader<'_>, field: &'static str) -> Result<u32, DecodeError> {
        let (start, end) = reader.delimited()?;
        match end - start {
            0 => Ok(NONE),
            len if len == N => Ok(start as u32),
            len => Err(DecodeError::IdLength { field, len, expected: N }),
        }
    }

    /// Indexes one `KeyValue` at `body..end`, whose field begins at `whole`.
    #[inline(always)]
    pub fn attribute(&mut self, whole: usize, body: usize, end: usize) -> Result<(), DecodeError> {
        match self.plain_attribute(whole, body, end) {
            Some(()) => Ok(()),
            None => self.odd_attribute(whole, body, end),
        }
    }

    /// All attributes that follow each other with nothing between; the reader stands behind the first tag.
    #[inline(always)]
    pub fn attributes<const TAG: u8>(
        &mut self,
        reader: &mut Reader<'_>,
        first: usize,
        record: &mut Record,
    ) -> Result<(), DecodeError> {
        // A second group of attributes would make the range scattered.
        record.attrs_from = if record.attrs_to == 0 { first as u32 } else { NONE };
        let mut whole = first;
        loop {
            let (body, end) = reader.delimited()?;
            self.attribute(whole, body, end)?;
            if reader.buf.get(end) != Some(&TAG) {
                record.attrs_to = end as u32;
                return Ok(());
            }
            whole = end;
            reader.pos = end + 1;
        }
    }

    /// What every SDK writes: exactly key then value, and a value of one field.
    #[inline(always)]
    fn plain_attribute(&mut self, whole: usize, body: usize, end: usize) -> Option<()> {
        let [0x0a, key_len @ ..0x80, rest @ ..] = self.buf.get(body..end)? else { return None };
        let key_len = usize::from(*key_len);
        let (key, rest) = rest.split_at_checked(key_len)?;
        let (0x12, rest) = rest.split_first()? else { return None };
        let rest = exactly(rest)?;
        let (kind, value) = match rest {
            [0x0a, rest @ ..] => {
                let text = exactly(rest)?;
                self.odd.texts |= !utf8::valid(text);
                (kind::STR, Attr::place(end - text.len(), end))
            }
            [0x18, rest @ ..] => (kind::INT, only_varint(rest)?),
            [0x10, yes @ ..2] => (kind::BOOL, u64::from(*yes)),
            [0x2a, rest @ ..] => {
                let array = exactly(rest)?;
                self.odd.texts |= !valid_texts(array)?;
                (kind::ARRAY, Attr::place(end - array.len(), end))
            }
            [0x21, rest @ ..] => (kind::DOUBLE, u64::from_le_bytes(rest.try_into().ok()?)),
            _ => return None,
        };
        let key_id = match self.cache.resolve(key) {
            Some(id) => id,
            None => self.broken_key(),
        };
        self.ix.attrs.push(Attr {
            value,
            key_off: body as u32 + 2,
            key_len: key_len as u32,
            whole: whole as u32,
            key_id,
            kind,
            flags: 0,
        });
        Some(())
    }

    #[cold]
    fn broken_key(&mut self) -> u16 {
        self.odd.texts = true;
        NO_KEY
    }

    #[inline]
    fn key(&mut self, start: usize, end: usize) -> u16 {
        let key = range(self.buf, start as u32, (end - start) as u32);
        self.cache.resolve(key).unwrap_or_else(|| self.broken_key())
    }

    /// Any other `KeyValue`: nested values, long keys, another order, parts missing, fields that we do not know.
    #[inline(never)]
    fn odd_attribute(&mut self, whole: usize, body: usize, end: usize) -> Result<(), DecodeError> {
        let mut attr = Attr {
            value: 0,
            key_off: body as u32,
            key_len: 0,
            whole: whole as u32,
            key_id: NO_KEY,
            kind: kind::EMPTY,
            flags: attr_flag::ODD | attr_flag::NO_VALUE,
        };
        let mut reader = Reader::new(self.buf, body, end);
        let mut fields = 0;
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            fields += 1;
            match tag {
                0x0a => {
                    let (from, to) = reader.delimited()?;
                    // A key that another one replaces is checked too: it would be sent on.
                    self.check_text(attr.key_off as usize, (attr.key_off + attr.key_len) as usize);
                    (attr.key_off, attr.key_len) = (from as u32, (to - from) as u32);
                    if fields == 1 {
                        attr.flags |= KEY_FIRST;
                    }
                }
                0x12 => {
                    if !attr.has(attr_flag::NO_VALUE) {
                        self.odd.structure = true;
                    }
                    attr.flags &= !attr_flag::NO_VALUE;
                    let (from, to) = reader.delimited()?;
                    (attr.kind, attr.value) = self.any_value(from, to, self.limits.max_depth)?;
                }
                0x18 => drop(reader.varint()?),
                _ if (1..=3).contains(&(tag >> 3)) => return wire_type("key_value", field),
                _ => reader.skip(tag)?,
            }
        }
        // Exactly key then value is not odd, whatever the value is.
        if attr.has(KEY_FIRST) && fields == 2 && !attr.has(attr_flag::NO_VALUE) {
            attr.flags &= !attr_flag::ODD;
        }
        attr.flags &= !KEY_FIRST;
        attr.key_id = self.key(attr.key_off as usize, (attr.key_off + attr.key_len) as usize);
        self.ix.attrs.push(attr);
        Ok(())
    }
}

/// Used while an odd attribute is read; not a flag of entries.
const KEY_FIRST: u8 = 128;

/// What follows a length that reaches exactly to the end.
#[inline(always)]
fn exactly(bytes: &[u8]) -> Option<&[u8]> {
    let (len, rest) = match bytes {
        [len @ ..0x80, rest @ ..] => (usize::from(*len), rest),
        [low, high @ ..0x80, rest @ ..] => (usize::from(*low & 0x7f) | usize::from(*high) << 7, rest),
        [low, mid, high @ ..0x80, rest @ ..] => {
            (usize::from(*low & 0x7f) | usize::from(*mid & 0x7f) << 7 | usize::from(*high) << 14, rest)
        }
        _ => return None,
    };
    (len == rest.len()).then_some(rest)
}

/// A varint of up to four bytes that reaches exactly to the end.
#[inline(always)]
fn only_varint(bytes: &[u8]) -> Option<u64> {
    let low = |byte: &u8| u64::from(*byte & 0x7f);
    Some(match bytes {
        [a @ ..0x80] => low(a),
        [a @ 0x80..=0xff, b @ ..0x80] => low(a) | low(b) << 7,
        [a @ 0x80..=0xff, b @ 0x80..=0xff, c @ ..0x80] => low(a) | low(b) << 7 | low(c) << 14,
        [a @ 0x80..=0xff, b @ 0x80..=0xff, c @ 0x80..=0xff, d @ ..0x80] => low(a) | low(b) << 7 | low(c) << 14 | low(d) << 21,
        _ => return None,
    })
}

/// Whether an array of short texts is valid; `None` for any other array.
#[inline]
fn valid_texts(mut array: &[u8]) -> Option<bool> {
    let mut valid = true;
    while let [0x0a, len @ ..0x80, 0x0a, inner @ ..0x80, rest @ ..] = array {
        if *inner + 2 != *len {
            return None;
        }
        let (text, behind) = rest.split_at_checked(usize::from(*inner))?;
        valid &= utf8::valid(text);
        array = behind;
    }
    array.is_empty().then_some(valid)
}
