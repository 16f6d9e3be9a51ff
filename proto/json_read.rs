//! OTLP/JSON in: one pass over the text that writes the request as protobuf along its schema.
//!
//! Accepts what the Collector does: camel case and snake case, integers as strings or numbers, enums as numbers or
//! names, `null` for an absent text, message or list; unknown members are stepped over. Everything else is refused.
//! The index then checks what came out, so limits and id lengths are judged in one place.

use crate::DecodeError;
use crate::json_scan::Scanner;
use crate::json_text::{base64, hex};
use crate::schema::{Field, Kind, Message, Presence};
use crate::wire::{LEN, put_delimited, put_varint};

/// The request as protobuf, and the number of texts that held half a surrogate pair.
pub(crate) fn transcode(schema: &'static Message, json: &[u8], max_depth: usize) -> Result<(Vec<u8>, usize), DecodeError> {
    let mut transcoder = Transcoder { json: Scanner::new(json, max_depth), out: Vec::with_capacity(json.len() / 2) };
    transcoder.message(schema)?;
    transcoder.json.end()?;
    Ok((transcoder.out, transcoder.json.repaired))
}

struct Transcoder<'a> {
    json: Scanner<'a>,
    out: Vec<u8>,
}

impl Transcoder<'_> {
    fn message(&mut self, schema: &'static Message) -> Result<(), DecodeError> {
        if self.json.null() {
            return Ok(());
        }
        self.json.open(b'{')?;
        let mut first = true;
        // Where the field of a one-of stands that counts so far.
        let mut chosen: Option<(usize, usize)> = None;
        while self.json.more(&mut first, b'}')? {
            let field = schema.named(&self.json.text()?);
            self.json.expect(b':')?;
            match field {
                None => self.json.skip_value()?,
                Some(field) if field.repeated => self.list(field)?,
                Some(field) if field.presence == Presence::OneOf => {
                    if let Some((from, to)) = chosen {
                        self.out.drain(from..to);
                    }
                    let from = self.out.len();
                    self.value(field)?;
                    chosen = Some((from, self.out.len()));
                }
                Some(field) if field.kind.may_be_null() && self.json.null() => {}
                Some(field) => self.value(field)?,
            }
        }
        Ok(())
    }

    fn list(&mut self, field: &'static Field) -> Result<(), DecodeError> {
        if self.json.null() {
            return Ok(());
        }
        let packed = field.kind.packs();
        let mut outer = Vec::new();
        if packed {
            std::mem::swap(&mut outer, &mut self.out);
        }
        self.json.open(b'[')?;
        let mut first = true;
        while self.json.more(&mut first, b']')? {
            if packed {
                self.content(field.kind)?;
            } else {
                self.value(field)?;
            }
        }
        if packed {
            std::mem::swap(&mut outer, &mut self.out);
            put_delimited(&mut self.out, field.number << 3 | LEN, &outer);
        }
        Ok(())
    }

    /// One value with its tag.
    fn value(&mut self, field: &'static Field) -> Result<(), DecodeError> {
        put_varint(&mut self.out, u64::from(field.number << 3 | field.kind.wire_type()));
        self.content(field.kind)
    }

    fn content(&mut self, kind: Kind) -> Result<(), DecodeError> {
        match kind {
            Kind::Message(schema) => return self.nested(schema),
            Kind::Text if self.json.null() => self.out.push(0),
            Kind::Text => {
                let text = self.json.text()?;
                self.delimited(&text);
            }
            Kind::Bytes => {
                let at = self.json.pos;
                let bytes = base64(&self.json.text()?);
                self.delimited(&bytes.ok_or_else(|| self.json.error(at, "not base64"))?);
            }
            Kind::Id(expected) => {
                let at = self.json.pos;
                let bytes = hex(&self.json.text()?);
                let bytes = bytes.ok_or_else(|| self.json.error(at, "not a hexadecimal id"))?;
                // An id of zeros stands for none.
                let none = bytes.len() == expected && bytes.iter().all(|byte| *byte == 0);
                self.delimited(if none { &[] } else { &bytes });
            }
            Kind::Bool => {
                let yes = self.json.boolean()?;
                self.out.push(u8::from(yes));
            }
            Kind::Double => {
                let number = self.json.double()?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Fixed64 => {
                let number: u64 = self.json.integer()?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Sfixed64 => {
                let number: i64 = self.json.integer()?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Fixed32 => {
                let number: u32 = self.json.integer()?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Uint64 => {
                let number: u64 = self.json.integer()?;
                put_varint(&mut self.out, number);
            }
            Kind::Int64 => {
                let number: i64 = self.json.integer()?;
                put_varint(&mut self.out, number as u64);
            }
            Kind::Uint32 => {
                let number: u32 = self.json.integer()?;
                put_varint(&mut self.out, u64::from(number));
            }
            Kind::Int32 => {
                let number: i32 = self.json.integer()?;
                put_varint(&mut self.out, i64::from(number) as u64);
            }
            Kind::Sint32 => {
                let number: i32 = self.json.integer()?;
                put_varint(&mut self.out, u64::from((number << 1 ^ number >> 31) as u32));
            }
            Kind::Enum(by_name) => {
                let number = self.enumeration(by_name)?;
                put_varint(&mut self.out, i64::from(number) as u64);
            }
        }
        Ok(())
    }

    fn enumeration(&mut self, by_name: fn(&str) -> Option<i32>) -> Result<i32, DecodeError> {
        if self.json.peek() != Some(b'"') {
            return self.json.integer();
        }
        let at = self.json.pos;
        let text = self.json.text()?;
        let name = std::str::from_utf8(&text).unwrap_or_default();
        by_name(name).ok_or_else(|| self.json.error(at, "unknown name of an enum"))
    }

    fn delimited(&mut self, content: &[u8]) {
        put_varint(&mut self.out, content.len() as u64);
        self.out.extend_from_slice(content);
    }

    /// A message whose length is known only when it is written: one byte is left for it, more are made room for.
    fn nested(&mut self, schema: &'static Message) -> Result<(), DecodeError> {
        let at = self.out.len();
        self.out.push(0);
        self.message(schema)?;
        let len = self.out.len() - at - 1;
        let mut prefix = Vec::with_capacity(5);
        put_varint(&mut prefix, len as u64);
        self.out.splice(at..=at, prefix);
        Ok(())
    }
}
