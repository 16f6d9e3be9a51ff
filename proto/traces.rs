//! Spans: index over an `ExportTraceServiceRequest`.

use crate::index::{Index, NONE, Rare, Record, SpanPart, range, state};
use crate::utf8::text;
use crate::wire::Reader;
use crate::{Attrs, DecodeError, EventRef, Limits, LinkRef, RecordMut, RecordRef, ResourceRef, ScopeRef, Signal};
use crate::{decode, encode, json_write, schema};
use bytes::Bytes;
use std::sync::Arc;

/// An indexed `ExportTraceServiceRequest` with its edits.
///
/// The index is shared by clones until one of them is edited.
#[derive(Debug, Clone)]
pub struct Traces {
    index: Arc<Index>,
}

impl Traces {
    /// Indexes a serialized request in one pass. A non-canonical one is canonicalised through prost first.
    pub fn decode(body: Bytes, limits: &Limits) -> Result<Traces, DecodeError> {
        Ok(Traces { index: Arc::new(decode::decode(Signal::Traces, body, limits)?) })
    }
    /// Transcodes OTLP/JSON and indexes it.
    pub fn decode_json(body: &[u8], limits: &Limits) -> Result<Traces, DecodeError> {
        Ok(Traces { index: Arc::new(decode::decode_json(Signal::Traces, body, limits)?) })
    }
    /// Number of spans.
    pub fn len(&self) -> usize {
        self.index.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Span `i` in wire order. Panics when out of range.
    #[inline]
    pub fn span(&self, i: usize) -> SpanRef<'_> {
        SpanRef::new(&self.index, self.index.at(i))
    }
    /// All spans in wire order.
    pub fn spans(&self) -> impl Iterator<Item = SpanRef<'_>> {
        (0..self.len()).map(|i| self.span(i))
    }
    /// Span `i` for editing.
    #[inline]
    pub fn edit(&mut self, i: usize) -> RecordMut<'_> {
        RecordMut::new(Arc::make_mut(&mut self.index), i)
    }
    /// Keeps the spans for which `keep` is true; resources and scopes left without spans go too.
    pub fn retain(&mut self, mut keep: impl FnMut(RecordRef<'_>) -> bool) {
        let kept = (0..self.len() as u32).filter(|i| keep(RecordRef::Span(self.span(*i as usize)))).collect();
        decode::keep(&mut self.index, kept);
    }
    /// A self-contained request with the given spans (sorted, by index in wire order).
    pub fn extract(&self, spans: &[u32]) -> Traces {
        Traces { index: Arc::new(decode::extract(&self.index, spans)) }
    }
    /// Indexes of all spans, sorted by trace id, wire order within a trace; those without a trace come first.
    pub fn by_trace(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|i| self.span(*i as usize).trace_id());
        order
    }
    /// The serialized request as slices; runs of 4 KiB and more share the received bytes.
    pub fn encode(&self) -> Vec<Bytes> {
        encode::encode(&self.index)
    }
    /// OTLP/JSON, appended to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        json_write::write(&schema::TRACES, &encode::contiguous(&self.index), out);
    }
    /// Bytes of memory kept alive.
    pub fn pinned_bytes(&self) -> usize {
        self.index.pinned_bytes()
    }
    /// Texts whose invalid UTF-8 was replaced by U+FFFD.
    pub fn repaired_texts(&self) -> usize {
        self.index.repaired
    }
}

/// One span, edits included. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct SpanRef<'a> {
    index: &'a Index,
    record: &'a Record,
    span: &'a SpanPart,
}

impl<'a> SpanRef<'a> {
    #[inline]
    pub(crate) fn new(index: &'a Index, at: usize) -> SpanRef<'a> {
        SpanRef { index, record: &index.records[at], span: &index.spans[at] }
    }
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        self.index.id(self.record.trace_id, self.has(state::TRACE_ID))
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        self.index.id(self.record.span_id, self.has(state::SPAN_ID))
    }
    /// 8 bytes, or none for a root.
    pub fn parent_span_id(self) -> Option<[u8; 8]> {
        self.index.id(self.span.parent, self.has(state::PARENT_ID))
    }
    /// W3C trace state.
    pub fn trace_state(self) -> &'a str {
        self.rare().map_or("", |rare| text(rare.trace_state.of(self.index.source(self.has(state::TRACE_STATE)))))
    }
    /// Flags field.
    pub fn flags(self) -> u32 {
        self.span.flags
    }
    /// Name.
    pub fn name(self) -> &'a str {
        text(self.span.name.of(self.index.source(self.has(state::NAME))))
    }
    /// Number as on the wire: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub fn kind(self) -> i32 {
        self.span.kind
    }
    /// Start, nanoseconds since 1970.
    pub fn start_ns(self) -> u64 {
        self.span.start_ns
    }
    /// End, nanoseconds since 1970.
    pub fn end_ns(self) -> u64 {
        self.span.end_ns
    }
    /// 0 unset, 1 ok, 2 error; other numbers as on the wire.
    pub fn status_code(self) -> i32 {
        let body = self.status_body();
        let mut code = 0;
        let mut reader = Reader::whole(body);
        while let Some(field) = reader.next_field() {
            if field.tag == 0x18 {
                code = Reader::new(body, field.body, field.end).varint().unwrap_or(0) as i32;
            }
        }
        code
    }
    /// Status message.
    pub fn status_message(self) -> &'a str {
        let body = self.status_body();
        let mut message = "";
        let mut reader = Reader::whole(body);
        while let Some(field) = reader.next_field() {
            if field.tag == 0x12 {
                message = text(body.get(field.body..field.end).unwrap_or_default());
            }
        }
        message
    }
    /// The `Status` message, empty when absent.
    pub(crate) fn status_body(self) -> &'a [u8] {
        if self.span.status == NONE {
            return &[];
        }
        let source = self.index.source(self.has(state::STATUS));
        let mut reader = Reader { buf: source, pos: self.span.status as usize };
        reader.next_field().and_then(|field| source.get(field.body..field.end)).unwrap_or_default()
    }
    /// How many attributes the sender left out.
    pub fn dropped_attributes_count(self) -> u32 {
        self.index.number(self.record, 0x50)
    }
    /// How many events the sender left out.
    pub fn dropped_events_count(self) -> u32 {
        self.index.number(self.record, 0x60)
    }
    /// How many links the sender left out.
    pub fn dropped_links_count(self) -> u32 {
        self.index.number(self.record, 0x70)
    }
    /// Attributes.
    #[inline]
    pub fn attrs(self) -> Attrs<'a> {
        let (first, extra) = self.index.record_attrs(self.record);
        Attrs { index: self.index, first, extra, keys: self.record.keys }
    }
    /// Events in wire order, appended ones last.
    pub fn events(self) -> impl Iterator<Item = EventRef<'a>> + 'a {
        let rare = self.rare().copied().unwrap_or_default();
        let received = range(&self.index.events, rare.events, rare.events_len);
        let appended = range(&self.index.events, rare.more_events, rare.more_events_len);
        let all = received.iter().chain(appended).filter(|event| !event.dead);
        all.map(move |entry| EventRef { index: self.index, entry })
    }
    /// Links in wire order.
    pub fn links(self) -> impl Iterator<Item = LinkRef<'a>> + 'a {
        let rare = self.rare().copied().unwrap_or_default();
        let all = range(&self.index.links, rare.links, rare.links_len).iter().filter(|link| !link.dead);
        all.map(move |entry| LinkRef { index: self.index, entry })
    }
    /// Instrumentation scope.
    pub fn scope(self) -> ScopeRef<'a> {
        ScopeRef { index: self.index, at: self.record.scope }
    }
    /// Resource.
    pub fn resource(self) -> ResourceRef<'a> {
        self.scope().resource()
    }

    fn rare(self) -> Option<&'a Rare> {
        self.index.rare.get(self.record.rare as usize)
    }
    fn has(self, flag: u32) -> bool {
        self.record.state & flag != 0
    }
}
