//! `otel_traces`: columns of spans, straight from the index.
//!
//! Values, order and edge cases are those of the Collector's own exporter; `chaperone_store::text` has the rules for values.
//! Not stored, as there: dropped counts, flags, schema URLs, scope attributes.

use super::native::{ArrayColumn, Block, LowTexts, MapColumn, Mark, Numbers, Texts};
use chaperone_genai::keys;
use chaperone_proto::{Attrs, Key, ResourceRef, SpanRef, ValueRef};
use chaperone_store::text::{text_of, write_text};

/// Columns of spans of one partition.
#[derive(Debug, Default)]
pub struct SpanColumns {
    rows: usize,
    timestamp: Numbers,
    trace_id: Texts,
    span_id: Texts,
    parent_span_id: Texts,
    trace_state: Texts,
    name: LowTexts,
    kind: LowTexts,
    service: LowTexts,
    resource: MapColumn<Texts>,
    scope_name: Texts,
    scope_version: Texts,
    attributes: MapColumn<Texts>,
    duration: Numbers,
    status: LowTexts,
    status_message: Texts,
    event_time: ArrayColumn<Numbers>,
    event_name: ArrayColumn<LowTexts>,
    event_attributes: ArrayColumn<MapColumn<Texts>>,
    link_trace_id: ArrayColumn<Texts>,
    link_span_id: ArrayColumn<Texts>,
    link_state: ArrayColumn<Texts>,
    link_attributes: ArrayColumn<MapColumn<Texts>>,
    last_resource: Option<LastResource>,
}

/// The resource of the last row: spans of one resource come in runs, so its text is made once.
#[derive(Debug, Clone, Copy)]
struct LastResource {
    request: usize,
    index: usize,
    mark: Mark,
}

impl SpanColumns {
    /// Adds a span. `request` tells the requests of a delivery apart.
    pub fn push<'a>(&mut self, request: usize, span: SpanRef<'a>, scratch: &mut Vec<(Key<'a>, ValueRef<'a>)>) {
        self.rows += 1;
        self.timestamp.push(&span.start_ns().to_le_bytes());
        self.trace_id.push_hex(span.trace_id());
        self.span_id.push_hex(span.span_id());
        self.parent_span_id.push_hex(span.parent_span_id());
        self.trace_state.push(span.trace_state().as_bytes());
        self.name.push(span.name().as_bytes());
        self.kind.push(kind(span.kind()));
        self.push_resource(request, span.resource(), scratch);
        let scope = span.scope();
        self.scope_name.push(scope.name().as_bytes());
        self.scope_version.push(scope.version().as_bytes());
        push_map(&mut self.attributes, span.attrs(), scratch);
        // A span that ends before it starts wraps, as it does in the Collector.
        self.duration.push(&span.end_ns().wrapping_sub(span.start_ns()).to_le_bytes());
        self.status.push(status(span.status_code()));
        self.status_message.push(span.status_message().as_bytes());
        self.push_events(span, scratch);
        self.push_links(span, scratch);
    }

    fn push_resource<'a>(&mut self, request: usize, resource: ResourceRef<'a>, scratch: &mut Vec<(Key<'a>, ValueRef<'a>)>) {
        let index = resource.index();
        if let Some(last) = self.last_resource
            && (last.request, last.index) == (request, index)
        {
            self.service.repeat();
            let mark = self.resource.repeat(last.mark);
            self.last_resource = Some(LastResource { mark, ..last });
            return;
        }
        let attrs = resource.attrs();
        self.service.push(attrs.get(keys::SERVICE_NAME).map(text_of).unwrap_or_default().as_bytes());
        self.last_resource = Some(LastResource { request, index, mark: self.resource.mark() });
        push_map(&mut self.resource, attrs, scratch);
    }

    fn push_events<'a>(&mut self, span: SpanRef<'a>, scratch: &mut Vec<(Key<'a>, ValueRef<'a>)>) {
        let mut events = 0;
        for event in span.events() {
            events += 1;
            self.event_time.elements.push(&event.time_ns().to_le_bytes());
            self.event_name.elements.push(event.name().as_bytes());
            push_map(&mut self.event_attributes.elements, event.attrs(), scratch);
        }
        self.event_time.end_row(events);
        self.event_name.end_row(events);
        self.event_attributes.end_row(events);
    }

    fn push_links<'a>(&mut self, span: SpanRef<'a>, scratch: &mut Vec<(Key<'a>, ValueRef<'a>)>) {
        let mut links = 0;
        for link in span.links() {
            links += 1;
            self.link_trace_id.elements.push_hex(link.trace_id());
            self.link_span_id.elements.push_hex(link.span_id());
            self.link_state.elements.push(link.trace_state().as_bytes());
            push_map(&mut self.link_attributes.elements, link.attrs(), scratch);
        }
        self.link_trace_id.end_row(links);
        self.link_span_id.end_row(links);
        self.link_state.end_row(links);
        self.link_attributes.end_row(links);
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes so far, about: the columns that can be large.
    pub fn bytes(&self) -> usize {
        self.rows * 150
            + self.resource.bytes()
            + self.attributes.bytes()
            + self.status_message.bytes()
            + self.event_attributes.elements.bytes()
            + self.link_attributes.elements.bytes()
            + self.name.bytes()
    }

    /// A block of the columns that the table has.
    pub fn block(&self, has: impl Fn(&str) -> bool) -> Block {
        let mut block = Block::new(self.rows, self.bytes());
        macro_rules! columns {
            ($($name:literal $type:literal $field:ident;)*) => {
                $(if has($name) {
                    block.column($name, $type, &self.$field);
                })*
            };
        }
        columns! {
            "Timestamp" "DateTime64(9)" timestamp;
            "TraceId" "String" trace_id;
            "SpanId" "String" span_id;
            "ParentSpanId" "String" parent_span_id;
            "TraceState" "String" trace_state;
            "SpanName" "LowCardinality(String)" name;
            "SpanKind" "LowCardinality(String)" kind;
            "ServiceName" "LowCardinality(String)" service;
            "ResourceAttributes" "Map(LowCardinality(String), String)" resource;
            "ScopeName" "String" scope_name;
            "ScopeVersion" "String" scope_version;
            "SpanAttributes" "Map(LowCardinality(String), String)" attributes;
            "Duration" "UInt64" duration;
            "StatusCode" "LowCardinality(String)" status;
            "StatusMessage" "String" status_message;
            "Events.Timestamp" "Array(DateTime64(9))" event_time;
            "Events.Name" "Array(LowCardinality(String))" event_name;
            "Events.Attributes" "Array(Map(LowCardinality(String), String))" event_attributes;
            "Links.TraceId" "Array(String)" link_trace_id;
            "Links.SpanId" "Array(String)" link_span_id;
            "Links.TraceState" "Array(String)" link_state;
            "Links.Attributes" "Array(Map(LowCardinality(String), String))" link_attributes;
        }
        block
    }

    /// Names of all columns, for telling what a table lacks.
    pub fn names() -> Vec<&'static str> {
        SpanColumns::default().block(|_| true).names().to_vec()
    }
}

/// Pairs in bytewise order of their keys, duplicates kept.
fn push_map<'a>(column: &mut MapColumn<Texts>, attrs: Attrs<'a>, scratch: &mut Vec<(Key<'a>, ValueRef<'a>)>) {
    scratch.clear();
    scratch.extend(attrs.iter());
    scratch.sort_by(|a, b| a.0.name.cmp(b.0.name));
    for (key, value) in scratch.iter() {
        column.keys.push_key(*key);
        match value {
            ValueRef::Str(text) => column.values.push(text.as_bytes()),
            other => column.values.push_made(|out| write_text(*other, out)),
        }
    }
    column.end_row(scratch.len());
}

/// A number that the convention does not know is an empty text.
fn kind(kind: i32) -> &'static [u8] {
    match kind {
        0 => b"Unspecified",
        1 => b"Internal",
        2 => b"Server",
        3 => b"Client",
        4 => b"Producer",
        5 => b"Consumer",
        _ => b"",
    }
}

fn status(code: i32) -> &'static [u8] {
    match code {
        0 => b"Unset",
        1 => b"Ok",
        2 => b"Error",
        _ => b"",
    }
}
