//! Replaces invalid UTF-8 by U+FFFD in every text of a request and counts the texts.
//!
//! Runs only when the indexer found such a text, so that one truncated prompt does not cost
//! a sender hundreds of spans.

use crate::DecodeError;
use crate::schema::{Kind, Message};
use crate::wire::{LEN, Reader, put_delimited, put_varint};

/// The repaired request and the number of texts that were repaired; `max_depth` messages may nest.
pub(crate) fn repair(schema: &'static Message, request: &[u8], max_depth: usize) -> Result<(Vec<u8>, usize), DecodeError> {
    let mut out = Vec::with_capacity(request.len() + 64);
    let mut repair = Repair { texts: 0, max_depth, depth: 0 };
    repair.message(schema, request, &mut out)?;
    Ok((out, repair.texts))
}

struct Repair {
    texts: usize,
    max_depth: usize,
    depth: usize,
}

impl Repair {
    fn message(&mut self, schema: &'static Message, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(DecodeError::TooDeep { limit: self.max_depth });
        }
        let mut reader = Reader::whole(body);
        while !reader.done() {
            let start = reader.pos;
            let tag = reader.tag()?;
            let kind = schema.position(tag >> 3).and_then(|at| schema.fields.get(at)).map(|field| field.kind);
            match kind {
                Some(Kind::Text) if tag & 7 == LEN => {
                    let (from, to) = reader.delimited()?;
                    let content = body.get(from..to).unwrap_or_default();
                    if std::str::from_utf8(content).is_ok() {
                        put_delimited(out, tag, content);
                    } else {
                        self.texts += 1;
                        put_delimited(out, tag, String::from_utf8_lossy(content).as_bytes());
                    }
                }
                Some(Kind::Message(inner)) if tag & 7 == LEN => {
                    let (from, to) = reader.delimited()?;
                    let mut nested = Vec::with_capacity(to - from);
                    self.message(inner, body.get(from..to).unwrap_or_default(), &mut nested)?;
                    put_varint(out, u64::from(tag));
                    put_varint(out, nested.len() as u64);
                    out.append(&mut nested);
                }
                _ => {
                    reader.skip(tag)?;
                    out.extend_from_slice(body.get(start..reader.pos).unwrap_or_default());
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }
}
