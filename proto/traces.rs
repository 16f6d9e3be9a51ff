//! Spans: index over an `ExportTraceServiceRequest`.

use crate::{Attrs, DecodeError, EventRef, Limits, LinkRef, RecordMut, RecordRef, ResourceRef, ScopeRef};
use bytes::Bytes;
use std::marker::PhantomData;

/// An indexed `ExportTraceServiceRequest` with its edits.
#[derive(Debug, Clone)]
pub struct Traces {}

impl Traces {
    /// Indexes a serialized request in one pass. A non-canonical one is canonicalised through prost first.
    pub fn decode(_body: Bytes, _limits: &Limits) -> Result<Traces, DecodeError> {
        todo!()
    }
    /// Transcodes OTLP/JSON and indexes it.
    pub fn decode_json(_body: &[u8], _limits: &Limits) -> Result<Traces, DecodeError> {
        todo!()
    }
    /// Number of spans.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Span `i` in wire order. Panics when out of range.
    pub fn span(&self, _i: usize) -> SpanRef<'_> {
        todo!()
    }
    /// All spans in wire order.
    pub fn spans(&self) -> impl Iterator<Item = SpanRef<'_>> {
        (0..self.len()).map(|i| self.span(i))
    }
    /// Span `i` for editing.
    pub fn edit(&mut self, _i: usize) -> RecordMut<'_> {
        todo!()
    }
    /// Keeps the spans for which `keep` is true.
    pub fn retain(&mut self, _keep: impl FnMut(RecordRef<'_>) -> bool) {
        todo!()
    }
    /// A self-contained request with the given spans (sorted, by index in wire order).
    pub fn extract(&self, _spans: &[u32]) -> Traces {
        todo!()
    }
    /// Indexes of all spans, sorted by trace id, wire order within a trace.
    pub fn by_trace(&self) -> Vec<u32> {
        todo!()
    }
    /// The serialized request as slices; runs of 4 KiB and more share the received bytes.
    pub fn encode(&self) -> Vec<Bytes> {
        todo!()
    }
    /// OTLP/JSON, appended to `out`.
    pub fn write_json(&self, _out: &mut Vec<u8>) {
        todo!()
    }
    /// Bytes of memory kept alive.
    pub fn pinned_bytes(&self) -> usize {
        todo!()
    }
    /// Texts whose invalid UTF-8 was replaced by U+FFFD.
    pub fn repaired_texts(&self) -> usize {
        todo!()
    }
}

/// One span, edits included. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct SpanRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> SpanRef<'a> {
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        todo!()
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        todo!()
    }
    /// 8 bytes, or none for a root.
    pub fn parent_span_id(self) -> Option<[u8; 8]> {
        todo!()
    }
    /// W3C trace state.
    pub fn trace_state(self) -> &'a str {
        todo!()
    }
    /// Flags field.
    pub fn flags(self) -> u32 {
        todo!()
    }
    /// Name.
    pub fn name(self) -> &'a str {
        todo!()
    }
    /// Number as on the wire: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub fn kind(self) -> i32 {
        todo!()
    }
    /// Start, nanoseconds since 1970.
    pub fn start_ns(self) -> u64 {
        todo!()
    }
    /// End, nanoseconds since 1970.
    pub fn end_ns(self) -> u64 {
        todo!()
    }
    /// 0 unset, 1 ok, 2 error; other numbers as on the wire.
    pub fn status_code(self) -> i32 {
        todo!()
    }
    /// Status message.
    pub fn status_message(self) -> &'a str {
        todo!()
    }
    /// Attributes.
    pub fn attrs(self) -> Attrs<'a> {
        todo!()
    }
    /// Events in wire order, appended ones last.
    pub fn events(self) -> impl Iterator<Item = EventRef<'a>> + 'a {
        std::iter::empty()
    }
    /// Links in wire order.
    pub fn links(self) -> impl Iterator<Item = LinkRef<'a>> + 'a {
        std::iter::empty()
    }
    /// Instrumentation scope.
    pub fn scope(self) -> ScopeRef<'a> {
        todo!()
    }
    /// Resource.
    pub fn resource(self) -> ResourceRef<'a> {
        todo!()
    }
}
