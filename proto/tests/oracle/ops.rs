//! Edits, applied to a record of ours and to the oracle's structs.
//!
//! Used by the property tests and, through its path, by the fuzz targets: no test framework here.

use crate::values::{pair, theirs};
use chaperone_proto::record::{Edit, RecordMut};
use chaperone_proto::{AttrsMut, KeyId, Value, ValueIn, ValueRef};
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event;

/// Keys that "code names" here; every other key is one that only the wire knows.
pub static KEYS: [&str; 6] = ["gen_ai.request.model", "k1", "k2.longer", "k3", "k4", "service.name"];

/// Which list of attributes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Of {
    Record,
    Event(usize),
    Link(usize),
    Scope,
    Resource,
}

/// An edit of a list of attributes.
#[derive(Debug, Clone)]
pub enum AttrOp {
    Set(u16, Value),
    SetNamed(String, Value),
    Append(u16, Value),
    AppendNamed(String, Value),
    Rename(u16, u16),
    Remove(u16),
    RemoveNamed(String),
    Map(usize),
}

/// An edit of a record or of what stands around it.
#[derive(Debug, Clone)]
pub enum Op {
    Attrs(Of, AttrOp),
    AddEvent(u64, String, Vec<(u16, Value)>),
    MapEvents(usize),
    MapLinks(usize),
    RetainEvents(usize),
    RetainLinks(usize),
    NameOfEvent(usize, String),
    TimeOfEvent(usize, u64),
    Name(String),
    TraceState(String),
    Kind(i32),
    Start(u64),
    End(u64),
    StatusMessage(String),
    StatusCode(i32),
    TraceId(Option<[u8; 16]>),
    SpanId(Option<[u8; 8]>),
    ParentSpanId(Option<[u8; 8]>),
    Flags(u32),
    DroppedAttributes(u32),
    DroppedEvents(u32),
    DroppedLinks(u32),
    Time(u64),
    ObservedTime(u64),
    SeverityNumber(i32),
    SeverityText(String),
    EventName(String),
    Body(Value),
    ScopeName(String),
    ScopeVersion(String),
    ScopeSchemaUrl(String),
    ResourceSchemaUrl(String),
}

/// A decision that depends on the pair alone, so that both sides take it alike.
fn decide(shift: usize, position: usize, key: &str) -> Edit {
    match (key.len() + position + shift) % 3 {
        0 => Edit::Keep,
        1 => Edit::Remove,
        _ => Edit::Replace(Value::Array(vec![Value::Int(position as i64), Value::Str(key.to_owned())])),
    }
}

fn stays(shift: usize, name: &str, attributes: usize) -> bool {
    !(name.len() + attributes + shift).is_multiple_of(3)
}

fn map(attributes: &mut Vec<KeyValue>, shift: usize, position: usize) {
    attributes.retain_mut(|attribute| match decide(shift, position, &attribute.key) {
        Edit::Keep => true,
        Edit::Remove => false,
        Edit::Replace(value) => {
            attribute.value = Some(theirs(&value));
            true
        }
    });
}

fn set(attributes: &mut Vec<KeyValue>, key: &str, value: &Value) {
    let mut seen = false;
    attributes.retain_mut(|attribute| {
        if attribute.key != key {
            return true;
        }
        attribute.value = Some(theirs(value));
        !std::mem::replace(&mut seen, true)
    });
    if !seen {
        attributes.push(pair(key, value));
    }
}

fn name(key: u16) -> &'static str {
    KEYS[usize::from(key)]
}

impl AttrOp {
    fn on_theirs(&self, attributes: &mut Vec<KeyValue>) {
        match self {
            AttrOp::Set(key, value) => set(attributes, name(*key), value),
            AttrOp::SetNamed(key, value) => set(attributes, key, value),
            AttrOp::Append(key, value) => attributes.push(pair(name(*key), value)),
            AttrOp::AppendNamed(key, value) => attributes.push(pair(key, value)),
            AttrOp::Rename(from, to) => {
                let renamed = attributes.iter_mut().filter(|attribute| attribute.key == name(*from));
                renamed.for_each(|attribute| name(*to).clone_into(&mut attribute.key));
            }
            AttrOp::Remove(key) => attributes.retain(|attribute| attribute.key != name(*key)),
            AttrOp::RemoveNamed(key) => attributes.retain(|attribute| attribute.key != *key),
            AttrOp::Map(shift) => map(attributes, *shift, 0),
        }
    }

    fn on_ours(&self, mut attrs: AttrsMut<'_>) {
        match self {
            AttrOp::Set(key, value) => attrs.set(KeyId(*key), value),
            AttrOp::SetNamed(key, value) => attrs.set_named(key, value),
            AttrOp::Append(key, value) => attrs.append(KeyId(*key), value),
            AttrOp::AppendNamed(key, value) => attrs.append_named(key, value),
            AttrOp::Rename(from, to) => {
                let had = attrs.as_ref().get(KeyId(*from)).is_some();
                assert_eq!(attrs.rename(KeyId(*from), KeyId(*to)), had);
            }
            AttrOp::Remove(key) => {
                let had = attrs.as_ref().get(KeyId(*key)).is_some();
                assert_eq!(attrs.remove(KeyId(*key)), had);
                assert!(attrs.as_ref().get(KeyId(*key)).is_none());
            }
            AttrOp::RemoveNamed(key) => {
                let had = attrs.as_ref().get_named(key).is_some();
                assert_eq!(attrs.remove_named(key), had);
            }
            AttrOp::Map(shift) => attrs.map(|key, _| decide(*shift, 0, key.name)),
        }
    }
}

impl Op {
    /// The same edit on a span of the oracle.
    pub fn on_span(&self, span: &mut Span) {
        match self {
            Op::Attrs(Of::Record, op) => op.on_theirs(&mut span.attributes),
            Op::Attrs(Of::Event(at), op) => {
                span.events.get_mut(*at).into_iter().for_each(|event| op.on_theirs(&mut event.attributes))
            }
            Op::Attrs(Of::Link(at), op) => {
                span.links.get_mut(*at).into_iter().for_each(|link| op.on_theirs(&mut link.attributes))
            }
            Op::AddEvent(time, name, attrs) => span.events.push(Event {
                time_unix_nano: *time,
                name: name.clone(),
                attributes: attrs.iter().map(|(key, value)| pair(KEYS[usize::from(*key)], value)).collect(),
                dropped_attributes_count: 0,
            }),
            Op::MapEvents(shift) => {
                span.events.iter_mut().enumerate().for_each(|(at, event)| map(&mut event.attributes, *shift, at));
            }
            Op::MapLinks(shift) => {
                span.links.iter_mut().enumerate().for_each(|(at, link)| map(&mut link.attributes, *shift, at));
            }
            Op::RetainEvents(shift) => span.events.retain(|event| stays(*shift, &event.name, event.attributes.len())),
            Op::RetainLinks(shift) => span.links.retain(|link| stays(*shift, &link.trace_state, link.attributes.len())),
            Op::NameOfEvent(at, name) => span.events.get_mut(*at).into_iter().for_each(|event| event.name.clone_from(name)),
            Op::TimeOfEvent(at, time) => span.events.get_mut(*at).into_iter().for_each(|event| event.time_unix_nano = *time),
            Op::Name(name) => span.name.clone_from(name),
            Op::TraceState(state) => span.trace_state.clone_from(state),
            Op::Kind(kind) => span.kind = *kind,
            Op::Start(time) => span.start_time_unix_nano = *time,
            Op::End(time) => span.end_time_unix_nano = *time,
            Op::StatusMessage(message) => span.status.get_or_insert_default().message.clone_from(message),
            Op::StatusCode(code) => span.status.get_or_insert_default().code = *code,
            Op::TraceId(id) => span.trace_id = id.map_or(Vec::new(), |id| id.to_vec()),
            Op::SpanId(id) => span.span_id = id.map_or(Vec::new(), |id| id.to_vec()),
            Op::ParentSpanId(id) => span.parent_span_id = id.map_or(Vec::new(), |id| id.to_vec()),
            Op::Flags(flags) => span.flags = *flags,
            Op::DroppedAttributes(count) => span.dropped_attributes_count = *count,
            Op::DroppedEvents(count) => span.dropped_events_count = *count,
            Op::DroppedLinks(count) => span.dropped_links_count = *count,
            _ => {}
        }
    }

    /// The same edit on a log record of the oracle.
    pub fn on_log(&self, log: &mut LogRecord) {
        match self {
            Op::Attrs(Of::Record, op) => op.on_theirs(&mut log.attributes),
            Op::Body(value) => log.body = Some(theirs(value)),
            Op::TraceId(id) => log.trace_id = id.map_or(Vec::new(), |id| id.to_vec()),
            Op::SpanId(id) => log.span_id = id.map_or(Vec::new(), |id| id.to_vec()),
            Op::Flags(flags) => log.flags = *flags,
            Op::DroppedAttributes(count) => log.dropped_attributes_count = *count,
            Op::Time(time) => log.time_unix_nano = *time,
            Op::ObservedTime(time) => log.observed_time_unix_nano = *time,
            Op::SeverityNumber(number) => log.severity_number = *number,
            Op::SeverityText(text) => log.severity_text.clone_from(text),
            Op::EventName(name) => log.event_name.clone_from(name),
            _ => {}
        }
    }

    /// The same edit on what stands around a record.
    pub fn on_scope(&self, scope: &mut Option<InstrumentationScope>, schema_url: &mut String) {
        match self {
            Op::Attrs(Of::Scope, op) => with_list(scope, |scope| &mut scope.attributes, op),
            Op::ScopeName(name) => scope.get_or_insert_default().name.clone_from(name),
            Op::ScopeVersion(version) => scope.get_or_insert_default().version.clone_from(version),
            Op::ScopeSchemaUrl(url) => schema_url.clone_from(url),
            _ => {}
        }
    }

    /// The same edit on the resource.
    pub fn on_resource(&self, resource: &mut Option<Resource>, schema_url: &mut String) {
        match self {
            Op::Attrs(Of::Resource, op) => with_list(resource, |resource| &mut resource.attributes, op),
            Op::ResourceSchemaUrl(url) => schema_url.clone_from(url),
            _ => {}
        }
    }

    /// The edit on a record of ours.
    pub fn on_ours(&self, mut record: RecordMut<'_>) {
        match self {
            Op::Attrs(Of::Record, op) => op.on_ours(record.attrs_mut()),
            Op::Attrs(Of::Scope, op) => op.on_ours(record.scope_attrs()),
            Op::Attrs(Of::Resource, op) => op.on_ours(record.resource_attrs()),
            Op::Attrs(Of::Event(at), op) => record.event_attrs(*at).into_iter().for_each(|attrs| op.on_ours(attrs)),
            Op::Attrs(Of::Link(at), op) => record.link_attrs(*at).into_iter().for_each(|attrs| op.on_ours(attrs)),
            Op::AddEvent(time, name, attrs) => {
                let attrs: Vec<(KeyId, ValueIn<'_>)> = attrs.iter().map(|(key, value)| (KeyId(*key), value.into())).collect();
                record.add_event(*time, name, &attrs);
            }
            Op::MapEvents(shift) => record.map_event_attrs(|at, key, _: ValueRef<'_>| decide(*shift, at, key.name)),
            Op::MapLinks(shift) => record.map_link_attrs(|at, key, _| decide(*shift, at, key.name)),
            Op::RetainEvents(shift) => record.retain_events(|event| stays(*shift, event.name(), event.attrs().len())),
            Op::RetainLinks(shift) => record.retain_links(|link| stays(*shift, link.trace_state(), link.attrs().len())),
            Op::NameOfEvent(at, name) => drop(record.set_name_of_event(*at, name)),
            Op::TimeOfEvent(at, time) => drop(record.set_time_of_event(*at, *time)),
            Op::Name(name) => record.set_name(name),
            Op::TraceState(state) => record.set_trace_state(state),
            Op::Kind(kind) => record.set_kind(*kind),
            Op::Start(time) => record.set_start_ns(*time),
            Op::End(time) => record.set_end_ns(*time),
            Op::StatusMessage(message) => record.set_status_message(message),
            Op::StatusCode(code) => record.set_status_code(*code),
            Op::TraceId(id) => record.set_trace_id(*id),
            Op::SpanId(id) => record.set_span_id(*id),
            Op::ParentSpanId(id) => record.set_parent_span_id(*id),
            Op::Flags(flags) => record.set_flags(*flags),
            Op::DroppedAttributes(count) => record.set_dropped_attributes_count(*count),
            Op::DroppedEvents(count) => record.set_dropped_events_count(*count),
            Op::DroppedLinks(count) => record.set_dropped_links_count(*count),
            Op::Time(time) => record.set_time_ns(*time),
            Op::ObservedTime(time) => record.set_observed_time_ns(*time),
            Op::SeverityNumber(number) => record.set_severity_number(*number),
            Op::SeverityText(text) => record.set_severity_text(text),
            Op::EventName(name) => record.set_event_name(name),
            Op::Body(value) => record.set_body(value),
            Op::ScopeName(name) => record.set_scope_name(name),
            Op::ScopeVersion(version) => record.set_scope_version(version),
            Op::ScopeSchemaUrl(url) => record.set_scope_schema_url(url),
            Op::ResourceSchemaUrl(url) => record.set_resource_schema_url(url),
        }
    }
}

/// A list in a message that may be absent: only what adds a pair makes the message.
fn with_list<M: Default>(message: &mut Option<M>, list: fn(&mut M) -> &mut Vec<KeyValue>, op: &AttrOp) {
    let mut made = message.take();
    let mut fresh = M::default();
    op.on_theirs(list(made.as_mut().unwrap_or(&mut fresh)));
    *message = made.or_else(|| (!list(&mut fresh).is_empty()).then_some(fresh));
}
