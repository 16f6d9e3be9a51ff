//! Edits of single fields: of spans, log records, scopes and resources.
//!
//! Views read the new value at once; what is written is the field in the side buffer, which a patch names.

use crate::SpanRef;
use crate::edit::RecordMut;
use crate::index::{Index, NONE, Patch, Place, Record, side, state};
use crate::wire::{Reader, offset, put_delimited, put_varint};

/// Where an id of the side buffer stands; an absent one has no place.
fn id_at(id: Option<&[u8]>, content: u32) -> u32 {
    if id.is_some() { content } else { NONE }
}

impl RecordMut<'_> {
    /// Replaces the span name. No-op on a log record.
    pub fn set_name(&mut self, name: &str) {
        if self.is_span() {
            let (start, place) = self.put_text(0x2a, name);
            self.index.spans[self.at].name = place;
            self.patch(0x2a, start, state::NAME);
        }
    }
    /// Replaces the W3C trace state of a span. No-op on a log record.
    pub fn set_trace_state(&mut self, trace_state: &str) {
        if self.is_span() {
            let (start, place) = self.put_text(0x1a, trace_state);
            self.rare_mut().trace_state = place;
            self.patch(0x1a, start, state::TRACE_STATE);
        }
    }
    /// Replaces the kind of a span, a number as on the wire. No-op on a log record.
    pub fn set_kind(&mut self, kind: i32) {
        if self.is_span() {
            self.index.spans[self.at].kind = kind;
            self.put_number(0x30, i64::from(kind) as u64);
        }
    }
    /// Replaces the start of a span, nanoseconds since 1970. No-op on a log record.
    pub fn set_start_ns(&mut self, time_ns: u64) {
        if self.is_span() {
            self.index.spans[self.at].start_ns = time_ns;
            self.put_fixed64(0x39, time_ns);
        }
    }
    /// Replaces the end of a span, nanoseconds since 1970. No-op on a log record.
    pub fn set_end_ns(&mut self, time_ns: u64) {
        if self.is_span() {
            self.index.spans[self.at].end_ns = time_ns;
            self.put_fixed64(0x41, time_ns);
        }
    }
    /// Replaces the status message of a span; the code stays. No-op on a log record.
    pub fn set_status_message(&mut self, message: &str) {
        self.set_status(0x12, |status| {
            if !message.is_empty() {
                put_delimited(status, 0x12, message.as_bytes());
            }
        });
    }
    /// Replaces the status code of a span; the message stays. No-op on a log record.
    pub fn set_status_code(&mut self, code: i32) {
        self.set_status(0x18, |status| {
            if code != 0 {
                status.push(0x18);
                put_varint(status, i64::from(code) as u64);
            }
        });
    }
    /// Replaces the trace id, or takes it away.
    pub fn set_trace_id(&mut self, id: Option<[u8; 16]>) {
        let tag = if self.is_span() { 0x0a } else { 0x4a };
        let content = self.put_id(tag, id.as_ref().map(<[u8; 16]>::as_slice), state::TRACE_ID);
        self.index.records[self.at].trace_id = content;
    }
    /// Replaces the span id, or takes it away.
    pub fn set_span_id(&mut self, id: Option<[u8; 8]>) {
        let tag = if self.is_span() { 0x12 } else { 0x52 };
        let content = self.put_id(tag, id.as_ref().map(<[u8; 8]>::as_slice), state::SPAN_ID);
        self.index.records[self.at].span_id = content;
    }
    /// Replaces the parent's span id, or makes the span a root. No-op on a log record.
    pub fn set_parent_span_id(&mut self, id: Option<[u8; 8]>) {
        if self.is_span() {
            let content = self.put_id(0x22, id.as_ref().map(<[u8; 8]>::as_slice), state::PARENT_ID);
            self.index.spans[self.at].parent = content;
        }
    }
    /// Replaces the flags field.
    pub fn set_flags(&mut self, flags: u32) {
        let start = offset(self.index.side.len());
        let tag = if self.is_span() { 0x85 } else { 0x45 };
        put_varint(&mut self.index.side, u64::from(tag));
        self.index.side.extend_from_slice(&flags.to_le_bytes());
        if self.is_span() {
            self.index.spans[self.at].flags = flags;
        } else {
            self.index.logs[self.at].flags = flags;
        }
        self.patch(tag, start, 0);
    }
    /// Replaces the number of attributes that the sender left out.
    pub fn set_dropped_attributes_count(&mut self, count: u32) {
        self.put_number(if self.is_span() { 0x50 } else { 0x38 }, u64::from(count));
    }
    /// Replaces the number of events that the sender left out. No-op on a log record.
    pub fn set_dropped_events_count(&mut self, count: u32) {
        if self.is_span() {
            self.put_number(0x60, u64::from(count));
        }
    }
    /// Replaces the number of links that the sender left out. No-op on a log record.
    pub fn set_dropped_links_count(&mut self, count: u32) {
        if self.is_span() {
            self.put_number(0x70, u64::from(count));
        }
    }
    /// Replaces the time of a log record, nanoseconds since 1970. No-op on a span.
    pub fn set_time_ns(&mut self, time_ns: u64) {
        if !self.is_span() {
            self.index.logs[self.at].time_ns = time_ns;
            self.put_fixed64(0x09, time_ns);
        }
    }
    /// Replaces the observed time of a log record. No-op on a span.
    pub fn set_observed_time_ns(&mut self, time_ns: u64) {
        if !self.is_span() {
            self.index.logs[self.at].observed_ns = time_ns;
            self.put_fixed64(0x59, time_ns);
        }
    }
    /// Replaces the severity number of a log record. No-op on a span.
    pub fn set_severity_number(&mut self, number: i32) {
        if !self.is_span() {
            self.index.logs[self.at].severity_number = number;
            self.put_number(0x10, i64::from(number) as u64);
        }
    }
    /// Replaces the severity text of a log record. No-op on a span.
    pub fn set_severity_text(&mut self, text: &str) {
        if !self.is_span() {
            let (start, place) = self.put_text(0x1a, text);
            self.index.logs[self.at].severity_text = place;
            self.patch(0x1a, start, state::SEVERITY_TEXT);
        }
    }
    /// Replaces the EventName of a log record. No-op on a span.
    pub fn set_event_name(&mut self, name: &str) {
        if !self.is_span() {
            let (start, place) = self.put_text(0x62, name);
            self.index.logs[self.at].event_name = place;
            self.patch(0x62, start, state::EVENT_NAME);
        }
    }
    /// Replaces the name of the instrumentation scope (shared by every record of the scope).
    pub fn set_scope_name(&mut self, name: &str) {
        let place = self.put_scope_text(0x0a, name, side::NAME);
        self.index.scopes[self.index.records[self.at].scope as usize].name = place;
    }
    /// Replaces the version of the instrumentation scope (shared by every record of the scope).
    pub fn set_scope_version(&mut self, version: &str) {
        let place = self.put_scope_text(0x12, version, side::VERSION);
        self.index.scopes[self.index.records[self.at].scope as usize].version = place;
    }
    /// Replaces the schema URL of the scope message (shared by every record of the scope).
    pub fn set_scope_schema_url(&mut self, url: &str) {
        let (_, place) = self.put_text(0x1a, url);
        let scope = &mut self.index.scopes[self.index.records[self.at].scope as usize];
        scope.schema_url = place;
        scope.side |= side::SCHEMA_URL;
        scope.edited = true;
        self.index.resources[scope.resource as usize].edited = true;
    }
    /// Replaces the schema URL of the resource message (shared by every record of the resource).
    pub fn set_resource_schema_url(&mut self, url: &str) {
        let (_, place) = self.put_text(0x1a, url);
        let at = self.resource_at();
        let resource = &mut self.index.resources[at];
        resource.schema_url = place;
        resource.side |= side::SCHEMA_URL;
        resource.edited = true;
    }

    fn set_status(&mut self, replaced: u32, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_span() {
            return;
        }
        let old = SpanRef::new(self.index, self.at).status_body();
        let mut status = Vec::with_capacity(old.len() + 16);
        let mut reader = Reader::whole(old);
        while let Some(field) = reader.next_field() {
            if field.tag != replaced {
                status.extend_from_slice(old.get(field.start..field.end).unwrap_or_default());
            }
        }
        write(&mut status);
        let (start, _) = self.index.put_side(0x7a, &status);
        self.index.spans[self.at].status = start;
        self.patch(0x7a, start, state::STATUS);
    }

    /// Writes a text field to the side buffer: where it begins and where the text lies.
    fn put_text(&mut self, tag: u32, text: &str) -> (u32, Place) {
        let (start, content) = self.index.put_side(tag, text.as_bytes());
        (start, Place { off: content, len: text.len() as u32 })
    }

    fn put_scope_text(&mut self, tag: u32, text: &str, flag: u8) -> Place {
        let (start, place) = self.put_text(tag, text);
        let at = self.record().scope as usize;
        let old = self.index.scopes[at].patches;
        let new = self.index.patch(old, Patch { tag, start, end: offset(self.index.side.len()) });
        self.index.scopes[at].patches = new;
        self.index.scopes[at].side |= flag;
        self.index.touch_scope(at);
        place
    }

    fn put_id(&mut self, tag: u32, id: Option<&[u8]>, flag: u32) -> u32 {
        let (start, content) = self.index.put_side(tag, id.unwrap_or_default());
        self.patch(tag, start, flag);
        id_at(id, content)
    }

    fn put_number(&mut self, tag: u32, number: u64) {
        let start = offset(self.index.side.len());
        put_varint(&mut self.index.side, u64::from(tag));
        put_varint(&mut self.index.side, number);
        self.patch(tag, start, 0);
    }

    fn put_fixed64(&mut self, tag: u32, number: u64) {
        let start = offset(self.index.side.len());
        put_varint(&mut self.index.side, u64::from(tag));
        self.index.side.extend_from_slice(&number.to_le_bytes());
        self.patch(tag, start, 0);
    }
}

impl Index {
    /// A number that is read too seldom to have a place in the index: the last field with this tag, 0 when there is none.
    pub(crate) fn number(&self, record: &Record, tag: u32) -> u32 {
        let patches = self.rare.get(record.rare as usize).map(|rare| self.patches_of(rare.patches)).unwrap_or_default();
        let patch = patches.iter().find(|patch| patch.tag == tag);
        let (bytes, start, end) = match patch {
            Some(patch) => (&*self.side, patch.start, patch.end),
            None => (&*self.base, record.body, record.end),
        };
        let mut number = 0;
        let mut reader = Reader::new(bytes, start as usize, end as usize);
        while let Some(field) = reader.next_field() {
            if field.tag == tag {
                number = Reader::new(bytes, field.body, field.end).varint().unwrap_or(0) as u32;
            }
        }
        number
    }
}
