//! Looks through a request along its schema: structure, texts, limits. For metrics, which have no index.
//!
//! Whatever passes is read by prost without an error, and takes no more memory there than the limits allow.

use crate::schema::{Field, Kind, Message, Presence};
use crate::wire::{LEN, Reader, truncated, wire_type};
use crate::{DecodeError, Limits, utf8};

/// Nesting of messages that prost accepts.
pub(crate) const PROST_DEPTH: usize = 100;

/// What was found in a request that is sound.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// A text is not UTF-8.
    pub texts: bool,
    /// A message or a choice that may occur once occurs twice.
    pub structure: bool,
    /// Messages of the kind that was asked for.
    pub items: usize,
}

/// Checks a request; `is_item` tells which messages are items.
pub(crate) fn check(
    schema: &'static Message,
    request: &[u8],
    limits: &Limits,
    is_item: fn(&Message) -> bool,
) -> Result<Found, DecodeError> {
    let most = limits.most_memory(request.len());
    let mut checker = Checker { limits: *limits, is_item, memory: 0, most, attributes: 0, found: Found::default() };
    checker.message(schema, request, 0, request.len(), 0)?;
    Ok(checker.found)
}

struct Checker {
    limits: Limits,
    is_item: fn(&Message) -> bool,
    memory: usize,
    most: usize,
    attributes: usize,
    found: Found,
}

impl Checker {
    fn message(
        &mut self,
        schema: &'static Message,
        request: &[u8],
        start: usize,
        end: usize,
        depth: usize,
    ) -> Result<(), DecodeError> {
        if depth > PROST_DEPTH {
            return Err(DecodeError::TooDeep { limit: PROST_DEPTH });
        }
        self.count(schema)?;
        // One bit a field, by its position.
        let mut seen = 0u32;
        let mut chosen = false;
        let mut reader = Reader::new(request, start, end);
        while !reader.done() {
            let at = reader.pos;
            let tag = reader.tag()?;
            let Some((position, field)) = schema.position(tag >> 3).and_then(|at| Some((at, schema.fields.get(at)?))) else {
                reader.skip(tag)?;
                continue;
            };
            if field.presence == Presence::OneOf {
                self.found.structure |= std::mem::replace(&mut chosen, true);
            }
            if let (Kind::Message(_), false) = (field.kind, field.repeated) {
                self.found.structure |= seen & 1 << position != 0;
                seen |= 1 << position;
            }
            self.value(field, &mut reader, request, tag, at, depth)?;
        }
        Ok(())
    }

    fn value(
        &mut self,
        field: &'static Field,
        reader: &mut Reader<'_>,
        request: &[u8],
        tag: u32,
        at: usize,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let packed = field.repeated && field.kind.packs() && tag & 7 == LEN;
        if !packed && tag & 7 != field.kind.wire_type() {
            return wire_type(field.name, at);
        }
        if tag & 7 != LEN {
            return reader.skip(tag);
        }
        let (from, to) = reader.delimited()?;
        match field.kind {
            Kind::Message(inner) => self.message(inner, request, from, to, depth + 1)?,
            Kind::Text => self.found.texts |= !utf8::valid(request.get(from..to).unwrap_or_default()),
            Kind::Id(expected) if to > from && to - from != expected => {
                return Err(DecodeError::IdLength { field: field.name, len: to - from, expected });
            }
            kind if packed => {
                let mut packed = Reader::new(request, from, to);
                while !packed.done() {
                    packed.skip(kind.wire_type() | 8)?;
                    self.remember(8)?;
                }
                if packed.pos != to {
                    return truncated(at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, schema: &'static Message) -> Result<(), DecodeError> {
        if (self.is_item)(schema) {
            self.found.items += 1;
            if self.found.items > self.limits.max_records {
                return Err(DecodeError::TooMany { what: "data points", limit: self.limits.max_records });
            }
        }
        if std::ptr::eq(schema, &raw const crate::schema::KEY_VALUE) {
            self.attributes += 1;
            if self.attributes > self.limits.max_attributes {
                return Err(DecodeError::TooMany { what: "attributes", limit: self.limits.max_attributes });
            }
        }
        self.remember(schema.memory)
    }

    fn remember(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.memory += bytes;
        if self.memory > self.most {
            return Err(DecodeError::TooMany { what: "bytes of memory", limit: self.most });
        }
        Ok(())
    }
}
