//! What spans and log records have in common: attributes, scope, resource, ids; reading and editing.

use crate::{KeyId, LogRef, Signal, SpanRef, ValueIn, ValueRef};
use std::marker::PhantomData;

/// A span or a log record, for code that treats both alike. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub enum RecordRef<'a> {
    /// A span.
    Span(SpanRef<'a>),
    /// A log record.
    Log(LogRef<'a>),
}

impl<'a> RecordRef<'a> {
    /// Its signal.
    pub fn signal(self) -> Signal {
        match self {
            RecordRef::Span(_) => Signal::Traces,
            RecordRef::Log(_) => Signal::Logs,
        }
    }
    /// The span, if it is one.
    pub fn as_span(self) -> Option<SpanRef<'a>> {
        if let RecordRef::Span(span) = self { Some(span) } else { None }
    }
    /// The log record, if it is one.
    pub fn as_log(self) -> Option<LogRef<'a>> {
        if let RecordRef::Log(log) = self { Some(log) } else { None }
    }
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        match self {
            RecordRef::Span(span) => span.trace_id(),
            RecordRef::Log(log) => log.trace_id(),
        }
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        match self {
            RecordRef::Span(span) => span.span_id(),
            RecordRef::Log(log) => log.span_id(),
        }
    }
    /// Its own attributes, edits included.
    pub fn attrs(self) -> Attrs<'a> {
        match self {
            RecordRef::Span(span) => span.attrs(),
            RecordRef::Log(log) => log.attrs(),
        }
    }
    /// Instrumentation scope.
    pub fn scope(self) -> ScopeRef<'a> {
        match self {
            RecordRef::Span(span) => span.scope(),
            RecordRef::Log(log) => log.scope(),
        }
    }
    /// Resource.
    pub fn resource(self) -> ResourceRef<'a> {
        match self {
            RecordRef::Span(span) => span.resource(),
            RecordRef::Log(log) => log.resource(),
        }
    }
}

/// An attribute's key: id when code or configuration names it, and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// Known id.
    pub id: Option<KeyId>,
    /// Text.
    pub name: &'a str,
}

/// A list of attributes: of a record, event, link, scope or resource.
#[derive(Debug, Clone, Copy)]
pub struct Attrs<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> Attrs<'a> {
    /// The first value of a known key.
    pub fn get(self, _key: KeyId) -> Option<ValueRef<'a>> {
        todo!()
    }
    /// The first value of a key by its text, known or not.
    pub fn get_named(self, _name: &str) -> Option<ValueRef<'a>> {
        todo!()
    }
    /// The text of a known key, if the value is text.
    pub fn str(self, key: KeyId) -> Option<&'a str> {
        self.get(key).and_then(ValueRef::as_str)
    }
    /// The integer of a known key, if the value is one.
    pub fn int(self, key: KeyId) -> Option<i64> {
        self.get(key).and_then(ValueRef::as_int)
    }
    /// All pairs in order, duplicates included.
    pub fn iter(self) -> impl Iterator<Item = (Key<'a>, ValueRef<'a>)> + 'a {
        std::iter::empty()
    }
    /// Number of pairs.
    pub fn len(self) -> usize {
        todo!()
    }
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Instrumentation scope of a record. `index` is equal for records of one `ScopeSpans` / `ScopeLogs`.
#[derive(Debug, Clone, Copy)]
pub struct ScopeRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> ScopeRef<'a> {
    /// Position in the request; equal for records of one scope message.
    pub fn index(self) -> usize {
        todo!()
    }
    /// Scope name, empty when absent.
    pub fn name(self) -> &'a str {
        todo!()
    }
    /// Scope version, empty when absent.
    pub fn version(self) -> &'a str {
        todo!()
    }
    /// Scope attributes.
    pub fn attrs(self) -> Attrs<'a> {
        todo!()
    }
    /// Schema URL of the scope message, empty when absent.
    pub fn schema_url(self) -> &'a str {
        todo!()
    }
}

/// Resource of a record.
#[derive(Debug, Clone, Copy)]
pub struct ResourceRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> ResourceRef<'a> {
    /// Position in the request; equal for records of one resource message.
    pub fn index(self) -> usize {
        todo!()
    }
    /// Resource attributes.
    pub fn attrs(self) -> Attrs<'a> {
        todo!()
    }
    /// Schema URL of the resource message, empty when absent.
    pub fn schema_url(self) -> &'a str {
        todo!()
    }
}

/// An event of a span, received or appended.
#[derive(Debug, Clone, Copy)]
pub struct EventRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> EventRef<'a> {
    /// Nanoseconds since 1970.
    pub fn time_ns(self) -> u64 {
        todo!()
    }
    /// Name.
    pub fn name(self) -> &'a str {
        todo!()
    }
    /// Attributes.
    pub fn attrs(self) -> Attrs<'a> {
        todo!()
    }
}

/// A link of a span.
#[derive(Debug, Clone, Copy)]
pub struct LinkRef<'a> {
    _p: PhantomData<&'a ()>,
}

impl<'a> LinkRef<'a> {
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        todo!()
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        todo!()
    }
    /// W3C trace state.
    pub fn trace_state(self) -> &'a str {
        todo!()
    }
    /// Attributes.
    pub fn attrs(self) -> Attrs<'a> {
        todo!()
    }
}

/// A span or log record being edited.
#[derive(Debug)]
pub struct RecordMut<'a> {
    _p: PhantomData<&'a mut ()>,
}

impl RecordMut<'_> {
    /// The record as it reads now.
    pub fn as_ref(&self) -> RecordRef<'_> {
        todo!()
    }
    /// Sets a key to a value: replaces the first occurrence, removes others, else appends.
    pub fn set<'v>(&mut self, _key: KeyId, _value: impl Into<ValueIn<'v>>) {
        todo!()
    }
    /// The same for a key that has no id (dynamic keys such as `chaperone.metadata.<k>`).
    pub fn set_named<'v>(&mut self, _name: &str, _value: impl Into<ValueIn<'v>>) {
        todo!()
    }
    /// Appends without looking for the key: for keys known to be absent.
    pub fn append<'v>(&mut self, _key: KeyId, _value: impl Into<ValueIn<'v>>) {
        todo!()
    }
    /// Renames every occurrence of `from`; true if there was one.
    pub fn rename(&mut self, _from: KeyId, _to: KeyId) -> bool {
        todo!()
    }
    /// Removes every occurrence; true if there was one.
    pub fn remove(&mut self, _key: KeyId) -> bool {
        todo!()
    }
    /// The same by text.
    pub fn remove_named(&mut self, _name: &str) -> bool {
        todo!()
    }
    /// Replaces values or removes pairs: called for each pair in order.
    pub fn map_attrs(&mut self, _f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        todo!()
    }
    /// Appends a span event, which then reads like a received one. No-op on a log record.
    pub fn add_event(&mut self, _time_ns: u64, _name: &str, _attrs: &[(KeyId, ValueIn<'_>)]) {
        todo!()
    }
    /// Edits every span event's attributes like `map_attrs`; `event` is the position. No-op on a log record.
    pub fn map_event_attrs(&mut self, _f: impl FnMut(usize, Key<'_>, ValueRef<'_>) -> Edit) {
        todo!()
    }
    /// Edits every span link's attributes like `map_attrs`. No-op on a log record.
    pub fn map_link_attrs(&mut self, _f: impl FnMut(usize, Key<'_>, ValueRef<'_>) -> Edit) {
        todo!()
    }
    /// Replaces the span name. No-op on a log record.
    pub fn set_name(&mut self, _name: &str) {
        todo!()
    }
    /// Replaces the status message of a span. No-op on a log record.
    pub fn set_status_message(&mut self, _message: &str) {
        todo!()
    }
    /// Replaces the body of a log record. No-op on a span.
    pub fn set_body<'v>(&mut self, _value: impl Into<ValueIn<'v>>) {
        todo!()
    }
    /// Edits the resource's attributes like `map_attrs` (shared by every record of the resource).
    pub fn map_resource_attrs(&mut self, _f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        todo!()
    }
}

/// What to do with one attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Leave it.
    Keep,
    /// Remove the pair.
    Remove,
    /// Give it another value.
    Replace(crate::Value),
}
