//! The one pass over a request that makes its index: the levels above records, attributes, resources, scopes.
//!
//! Stops at the first structural fault. Texts that are not UTF-8 and messages that occur twice where
//! they may occur once are only noted: the pass goes on, so that faults are found in any case.

use crate::index::{Attr, Index, NONE, Place, Record, Resource, Scope, attr_flag, kind, range};
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
        Ok(())
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
        self.count_attributes()
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
            name: Place::default(),
            version: Place::default(),
            schema_url: Place::default(),
            attrs: 0,
            attrs_len: 0,
            resource,
            records: self.ix.records.len() as u32,
            records_len: 0,
            packed: true,
            edited: false,
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
                    self.scope_message(at, from, to)?;
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
        Ok(())
    }

    fn scope_message(&mut self, at: usize, body: usize, end: usize) -> Result<(), DecodeError> {
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
            scope.name = name;
            scope.version = version;
            scope.attrs = attrs;
            scope.attrs_len = count - attrs;
        }
        self.count_attributes()
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
            attrs: self.ix.attrs.len() as u32,
            attrs_len: 0,
            extra: 0,
            extra_len: 0,
            scope,
            trace_id: NONE,
            span_id: NONE,
            rare: NONE,
            state: 0,
        };
        match self.ix.signal {
            Signal::Logs => self.log(record)?,
            _ => self.span(record)?,
        }
        self.count_attributes()
    }

    fn count_attributes(&self) -> Result<(), DecodeError> {
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
    #[inline]
    pub fn attribute(&mut self, whole: usize, body: usize, end: usize) -> Result<(), DecodeError> {
        // What every SDK writes: exactly key, then value.
        if body < end && self.buf.get(body) == Some(&0x0a) {
            let mut reader = Reader::new(self.buf, body + 1, end);
            let (key, key_end) = reader.delimited()?;
            if self.buf.get(key_end) == Some(&0x12) && key_end < end {
                reader.pos += 1;
                let (from, to) = reader.delimited()?;
                if to == end {
                    let key_id = self.key(key, key_end);
                    let (kind, value) = self.any_value(from, to, self.limits.max_depth)?;
                    self.ix.attrs.push(Attr {
                        value,
                        key_off: key as u32,
                        key_len: (key_end - key) as u32,
                        whole: whole as u32,
                        key_id,
                        kind,
                        flags: 0,
                    });
                    return Ok(());
                }
            }
        }
        self.odd_attribute(whole, body, end)
    }

    #[inline]
    fn key(&mut self, start: usize, end: usize) -> u16 {
        let key = range(self.buf, start as u32, (end - start) as u32);
        self.cache.resolve(key).unwrap_or_else(|| {
            self.odd.texts = true;
            NO_KEY
        })
    }

    /// A `KeyValue` in another order, with parts missing or with fields that we do not know.
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
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => {
                    let place = self.text(&mut reader)?;
                    (attr.key_off, attr.key_len) = (place.off, place.len);
                }
                0x12 => {
                    if !attr.has(attr_flag::NO_VALUE) {
                        self.odd.structure = true;
                    }
                    attr.flags &= !attr_flag::NO_VALUE;
                    let (from, to) = reader.delimited()?;
                    (attr.kind, attr.value) = self.any_value(from, to, self.limits.max_depth)?;
                }
                _ if (1..=2).contains(&(tag >> 3)) => return wire_type("key_value", field),
                _ => reader.skip(tag)?,
            }
        }
        attr.key_id = self.key(attr.key_off as usize, (attr.key_off + attr.key_len) as usize);
        self.ix.attrs.push(attr);
        Ok(())
    }
}
