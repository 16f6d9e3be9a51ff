//! OTLP/JSON out: a request's protobuf walked along its schema.
//!
//! Names in camel case, ids in hex, 64-bit integers as strings, enums as numbers; what is empty or zero is left out,
//! but resource, scope, status, body and value are always there, as the Collector writes them.
//! Fields that we do not know have no name, so JSON cannot carry them.

use crate::json_text::{push_base64, push_display, push_hex, push_otlp_double, push_quoted};
use crate::schema::{Kind, Message, Presence, camel};
use crate::utf8::text;
use crate::wire::{Field, LEN, Reader, VARINT};

/// Writes a serialized request that was validated before.
pub(crate) fn write(schema: &'static Message, request: &[u8], out: &mut Vec<u8>) {
    let mut writer = Writer { out: String::with_capacity(request.len() * 2), found: Vec::new() };
    writer.message(schema, request);
    out.append(&mut writer.out.into_bytes());
}

struct Writer {
    out: String,
    /// Fields of the messages being written, innermost last: position in the schema and place in the message.
    found: Vec<(usize, Field)>,
}

impl Writer {
    fn message(&mut self, schema: &'static Message, body: &[u8]) {
        let first = self.found.len();
        let mut reader = Reader::whole(body);
        while let Some(field) = reader.next_field() {
            let known = schema.position(field.tag >> 3).filter(|at| accepts(&schema.fields[*at], field.tag & 7));
            self.found.extend(known.map(|at| (at, field)));
        }
        // Appended attributes stand behind other fields, but belong to the same list.
        if let Some(fields) = self.found.get_mut(first..)
            && !fields.is_sorted_by_key(|(at, _)| *at)
        {
            fields.sort_by_key(|(at, _)| *at);
        }
        self.out.push('{');
        let mut empty = true;
        let mut at = first;
        for (position, field) in schema.fields.iter().enumerate() {
            let end = at + self.found.iter().skip(at).take_while(|(other, _)| *other == position).count();
            if self.stands(field, body, at, end) {
                if !std::mem::take(&mut empty) {
                    self.out.push(',');
                }
                self.field(field, body, at, end);
            }
            at = end;
        }
        self.out.push('}');
        self.found.truncate(first);
    }

    /// Whether a field is shown; its occurrences are at `from..to` of `found`.
    fn stands(&self, schema: &crate::schema::Field, body: &[u8], from: usize, to: usize) -> bool {
        let Some((_, field)) = to.checked_sub(1).filter(|_| to > from).and_then(|last| self.found.get(last)) else {
            return schema.presence == Presence::Always;
        };
        if schema.presence != Presence::NotDefault {
            return true;
        }
        let content = body.get(field.body..field.end).unwrap_or_default();
        match schema.kind {
            // Elements may be empty; a packed list without any is no list.
            kind if schema.repeated => {
                let full = |at: &(usize, Field)| at.1.tag & 7 != LEN || at.1.end > at.1.body;
                !kind.packs() || self.found.get(from..to).unwrap_or_default().iter().any(full)
            }
            Kind::Message(_) => true,
            // Minus zero is zero too.
            Kind::Double => Reader::whole(content).fixed64().is_ok_and(|bits| bits << 1 != 0),
            Kind::Text | Kind::Bytes => !content.is_empty(),
            _ if field.tag & 7 == VARINT => Reader::whole(content).varint().is_ok_and(|number| number != 0),
            _ => content.iter().any(|byte| *byte != 0),
        }
    }

    /// All occurrences of one field, at `from..to` of `found`.
    fn field(&mut self, schema: &'static crate::schema::Field, body: &[u8], from: usize, to: usize) {
        self.out.push('"');
        self.out.extend(camel(schema.name));
        self.out.push_str("\":");
        if from == to
            && let Kind::Message(inner) = schema.kind
        {
            return self.message(inner, &[]);
        }
        if !schema.repeated {
            // The last one counts, as in protobuf.
            let (_, field) = self.found[to - 1];
            return self.value(schema.kind, body.get(field.body..field.end).unwrap_or_default());
        }
        self.out.push('[');
        let mut first = true;
        for at in from..to {
            let (_, field) = self.found[at];
            let content = body.get(field.body..field.end).unwrap_or_default();
            if schema.kind.packs() && field.tag & 7 == 2 {
                let mut reader = Reader::whole(content);
                while !reader.done() {
                    let start = reader.pos;
                    if reader.skip(schema.kind.wire_type() | 8).is_err() {
                        break;
                    }
                    self.element(&mut first, schema.kind, content.get(start..reader.pos).unwrap_or_default());
                }
            } else {
                self.element(&mut first, schema.kind, content);
            }
        }
        self.out.push(']');
    }

    fn element(&mut self, first: &mut bool, kind: Kind, content: &[u8]) {
        if !std::mem::take(first) {
            self.out.push(',');
        }
        self.value(kind, content);
    }

    fn value(&mut self, kind: Kind, content: &[u8]) {
        let mut reader = Reader::whole(content);
        match kind {
            Kind::Text => push_quoted(&mut self.out, text(content)),
            Kind::Bytes => self.quoted(|out| push_base64(out, content)),
            Kind::Id(_) => self.quoted(|out| push_hex(out, content)),
            Kind::Message(schema) => self.message(schema, content),
            Kind::Double => push_otlp_double(&mut self.out, f64::from_bits(reader.fixed64().unwrap_or(0))),
            Kind::Fixed64 => self.quoted(|out| push_display(out, reader.fixed64().unwrap_or(0))),
            Kind::Sfixed64 => self.quoted(|out| push_display(out, reader.fixed64().unwrap_or(0) as i64)),
            Kind::Fixed32 => push_display(&mut self.out, reader.fixed32().unwrap_or(0)),
            Kind::Bool => self.out.push_str(if reader.varint().unwrap_or(0) != 0 { "true" } else { "false" }),
            Kind::Int64 => self.quoted(|out| push_display(out, reader.varint().unwrap_or(0) as i64)),
            Kind::Uint64 => self.quoted(|out| push_display(out, reader.varint().unwrap_or(0))),
            Kind::Uint32 => push_display(&mut self.out, reader.varint().unwrap_or(0) as u32),
            Kind::Int32 | Kind::Enum(_) => push_display(&mut self.out, reader.varint().unwrap_or(0) as i32),
            Kind::Sint32 => {
                let zigzag = reader.varint().unwrap_or(0) as u32;
                push_display(&mut self.out, (zigzag >> 1) as i32 ^ -((zigzag & 1) as i32));
            }
        }
    }

    fn quoted(&mut self, write: impl FnOnce(&mut String)) {
        self.out.push('"');
        write(&mut self.out);
        self.out.push('"');
    }
}

/// Whether a field's wire type fits its schema.
fn accepts(field: &crate::schema::Field, wire_type: u32) -> bool {
    wire_type == field.kind.wire_type() || (field.repeated && field.kind.packs() && wire_type == 2)
}
