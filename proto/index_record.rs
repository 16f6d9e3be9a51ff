//! Indexing of spans with their events and links, and of log records.

use crate::DecodeError;
use crate::index::{Attr, Child, KeyMask, LogPart, NONE, Patches, Place, Rare, Record, SpanPart, kind, range};
use crate::indexer::Indexer;
use crate::key_cache::NO_KEY;
use crate::wire::{Reader, wire_type};

impl Indexer<'_> {
    pub fn span(&mut self, mut record: Record) -> Result<(), DecodeError> {
        let mut span = SpanPart { start_ns: 0, end_ns: 0, parent: NONE, name: Place::default(), kind: 0, status: NONE, flags: 0 };
        let mut rare = Rare::default();
        let (events, links) = (self.ix.events.len(), self.ix.links.len());
        let end = record.end as usize;
        let mut reader = Reader::new(self.buf, record.body as usize, end);
        while reader.pos < end {
            let start = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x4a => self.attributes::<0x4a>(&mut reader, start, &mut record)?,
                0x0a => record.trace_id = self.id::<16>(&mut reader, "trace_id")?,
                0x12 => record.span_id = self.id::<8>(&mut reader, "span_id")?,
                0x22 => span.parent = self.id::<8>(&mut reader, "parent_span_id")?,
                0x2a => span.name = self.text(&mut reader)?,
                0x30 => span.kind = reader.varint()? as i32,
                0x39 => span.start_ns = reader.fixed64()?,
                0x41 => span.end_ns = reader.fixed64()?,
                0x7a => {
                    if span.status != NONE {
                        self.odd.structure = true;
                    }
                    span.status = start as u32;
                    let (body, end) = reader.delimited()?;
                    self.status(body, end)?;
                }
                0x85 => span.flags = reader.fixed32()?,
                0x1a => rare.trace_state = self.text(&mut reader)?,
                0x5a => {
                    let (body, end) = reader.delimited()?;
                    self.ix.events.push(child(start, body, end));
                    self.within_limits()?;
                }
                0x6a => {
                    let (body, end) = reader.delimited()?;
                    self.ix.links.push(child(start, body, end));
                    self.within_limits()?;
                }
                0x50 | 0x60 | 0x70 => drop(reader.varint()?),
                _ if (1..=16).contains(&(tag >> 3)) => return wire_type("span", start),
                _ => reader.skip(tag)?,
            }
        }
        record.attrs_len = self.ix.attrs.len() as u32 - record.attrs;
        record.keys = KeyMask::of(range(&self.ix.attrs, record.attrs, record.attrs_len));
        // Their attributes come after the span's own, so that each range is contiguous.
        if self.ix.events.len() > events || self.ix.links.len() > links || rare.trace_state.len > 0 {
            for at in events..self.ix.events.len() {
                self.event(at)?;
            }
            for at in links..self.ix.links.len() {
                self.link(at)?;
            }
            (rare.events, rare.events_len) = (events as u32, (self.ix.events.len() - events) as u32);
            (rare.links, rare.links_len) = (links as u32, (self.ix.links.len() - links) as u32);
            record.rare = self.ix.rare.len() as u32;
            self.ix.rare.push(rare);
        }
        self.ix.spans.push(span);
        self.ix.records.push(record);
        Ok(())
    }

    fn status(&mut self, body: usize, end: usize) -> Result<(), DecodeError> {
        let mut reader = Reader::new(self.buf, body, end);
        while !reader.done() {
            let start = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x12 => drop(self.text(&mut reader)?),
                0x18 => drop(reader.varint()?),
                _ if (2..=3).contains(&(tag >> 3)) => return wire_type("status", start),
                _ => reader.skip(tag)?,
            }
        }
        Ok(())
    }

    fn event(&mut self, at: usize) -> Result<(), DecodeError> {
        let Some(mut event) = self.ix.events.get(at).copied() else { return Ok(()) };
        event.attrs = self.ix.attrs.len() as u32;
        let mut reader = Reader::new(self.buf, event.body as usize, event.end as usize);
        while !reader.done() {
            let start = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x09 => event.time_ns = reader.fixed64()?,
                0x12 => event.text = self.text(&mut reader)?,
                0x1a => {
                    let (body, end) = reader.delimited()?;
                    self.attribute(start, body, end)?;
                }
                0x20 => drop(reader.varint()?),
                _ if (1..=4).contains(&(tag >> 3)) => return wire_type("event", start),
                _ => reader.skip(tag)?,
            }
        }
        event.attrs_len = self.ix.attrs.len() as u32 - event.attrs;
        if let Some(slot) = self.ix.events.get_mut(at) {
            *slot = event;
        }
        Ok(())
    }

    fn link(&mut self, at: usize) -> Result<(), DecodeError> {
        let Some(mut link) = self.ix.links.get(at).copied() else { return Ok(()) };
        link.attrs = self.ix.attrs.len() as u32;
        let mut reader = Reader::new(self.buf, link.body as usize, link.end as usize);
        while !reader.done() {
            let start = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x0a => link.trace_id = self.id::<16>(&mut reader, "link.trace_id")?,
                0x12 => link.span_id = self.id::<8>(&mut reader, "link.span_id")?,
                0x1a => link.text = self.text(&mut reader)?,
                0x22 => {
                    let (body, end) = reader.delimited()?;
                    self.attribute(start, body, end)?;
                }
                0x28 => drop(reader.varint()?),
                0x35 => drop(reader.fixed32()?),
                _ if (1..=6).contains(&(tag >> 3)) => return wire_type("link", start),
                _ => reader.skip(tag)?,
            }
        }
        link.attrs_len = self.ix.attrs.len() as u32 - link.attrs;
        if let Some(slot) = self.ix.links.get_mut(at) {
            *slot = link;
        }
        Ok(())
    }

    pub fn log(&mut self, mut record: Record) -> Result<(), DecodeError> {
        let mut log = LogPart {
            time_ns: 0,
            observed_ns: 0,
            body: Attr { value: 0, key_off: 0, key_len: 0, whole: NONE, key_id: NO_KEY, kind: kind::EMPTY, flags: 0 },
            severity_text: Place::default(),
            event_name: Place::default(),
            severity_number: 0,
            flags: 0,
        };
        let mut reader = Reader::new(self.buf, record.body as usize, record.end as usize);
        while !reader.done() {
            let start = reader.pos;
            let tag = reader.tag()?;
            match tag {
                0x32 => self.attributes::<0x32>(&mut reader, start, &mut record)?,
                0x09 => log.time_ns = reader.fixed64()?,
                0x59 => log.observed_ns = reader.fixed64()?,
                0x10 => log.severity_number = reader.varint()? as i32,
                0x1a => log.severity_text = self.text(&mut reader)?,
                0x2a => {
                    if log.body.whole != NONE {
                        self.odd.structure = true;
                    }
                    let (body, end) = reader.delimited()?;
                    log.body.whole = start as u32;
                    (log.body.kind, log.body.value) = self.any_value(body, end, self.limits.max_depth)?;
                }
                0x38 => drop(reader.varint()?),
                0x45 => log.flags = reader.fixed32()?,
                0x4a => record.trace_id = self.id::<16>(&mut reader, "trace_id")?,
                0x52 => record.span_id = self.id::<8>(&mut reader, "span_id")?,
                0x62 => log.event_name = self.text(&mut reader)?,
                // Field 4 was never given.
                _ if (1..=12).contains(&(tag >> 3)) && tag >> 3 != 4 => return wire_type("log_record", start),
                _ => reader.skip(tag)?,
            }
        }
        record.attrs_len = self.ix.attrs.len() as u32 - record.attrs;
        record.keys = KeyMask::of(range(&self.ix.attrs, record.attrs, record.attrs_len));
        self.ix.logs.push(log);
        self.ix.records.push(record);
        Ok(())
    }
}

/// A child whose content is indexed later.
fn child(start: usize, body: usize, end: usize) -> Child {
    Child {
        start: start as u32,
        body: body as u32,
        end: end as u32,
        attrs: 0,
        attrs_len: 0,
        text: Place::default(),
        time_ns: 0,
        trace_id: NONE,
        span_id: NONE,
        patches: Patches::default(),
        side: false,
        edited: false,
        dead: false,
        side_text: false,
    }
}
