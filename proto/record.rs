//! What spans and log records have in common: attributes, scope, resource, ids; reading and editing.

pub use crate::edit::{Edit, RecordMut};
use crate::index::{Attr, Child, Index, KeyMask, Resource, Scope, attr_flag, kind, range, side};
use crate::key_cache::NO_KEY;
use crate::utf8::text;
use crate::value::{ArrayRef, MapRef};
use crate::{KeyId, LogRef, Signal, SpanRef, ValueRef, keys};

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
    pub(crate) index: &'a Index,
    pub(crate) first: &'a [Attr],
    pub(crate) extra: &'a [Attr],
    pub(crate) keys: KeyMask,
}

impl<'a> Attrs<'a> {
    /// The first value of a known key.
    #[inline]
    pub fn get(self, key: KeyId) -> Option<ValueRef<'a>> {
        self.find(key.0).map(|attr| self.index.value(attr))
    }
    /// The first value of a key by its text, known or not.
    pub fn get_named(self, name: &str) -> Option<ValueRef<'a>> {
        self.entries().find(|attr| self.index.key_is(attr, name)).map(|attr| self.index.value(attr))
    }
    /// The text of a known key, if the value is text.
    pub fn str(self, key: KeyId) -> Option<&'a str> {
        self.get(key).and_then(ValueRef::as_str)
    }
    /// The integer of a known key, if the value is one.
    pub fn int(self, key: KeyId) -> Option<i64> {
        self.get(key).and_then(ValueRef::as_int)
    }
    /// Whether there is a value of a known key.
    pub fn has(self, key: KeyId) -> bool {
        self.find(key.0).is_some()
    }
    /// Bits of the known keys that may be there ([`KeyId::bit`]): whoever asks for many keys asks this first.
    #[inline]
    pub fn key_bits(self) -> u128 {
        self.keys.bits()
    }
    /// The entry of a known key: what its value is, without reading it.
    pub fn entry(self, key: KeyId) -> Option<Entry<'a>> {
        self.find(key.0).map(|attr| Entry { index: self.index, attr })
    }
    /// All entries in order, duplicates included: for loops that read few of the values.
    pub fn each(self) -> impl Iterator<Item = Entry<'a>> + 'a {
        self.entries().map(move |attr| Entry { index: self.index, attr })
    }
    /// All pairs in order, duplicates included.
    pub fn iter(self) -> impl Iterator<Item = (Key<'a>, ValueRef<'a>)> + 'a {
        self.entries().map(move |attr| (self.index.key(attr), self.index.value(attr)))
    }
    /// All keys in order, duplicates included. Cheaper than [`Attrs::iter`]: no value is looked at.
    pub fn keys(self) -> impl Iterator<Item = Key<'a>> + 'a {
        self.entries().map(move |attr| self.index.key(attr))
    }
    /// Number of pairs.
    pub fn len(self) -> usize {
        self.entries().count()
    }
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.entries().next().is_none()
    }

    /// Removed entries carry no key id, so they need no test here.
    #[inline]
    fn find(self, id: u16) -> Option<&'a Attr> {
        if !self.keys.may_have(id) {
            return None;
        }
        self.first.iter().find(|attr| attr.key_id == id).or_else(|| self.extra.iter().find(|attr| attr.key_id == id))
    }

    #[inline]
    fn entries(self) -> impl Iterator<Item = &'a Attr> {
        self.first.iter().chain(self.extra).filter(|attr| !attr.has(attr_flag::DEAD))
    }
}

/// One attribute that was not read yet: to read a text is to look at all of it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    index: &'a Index,
    attr: &'a Attr,
}

impl<'a> Entry<'a> {
    #[inline]
    pub(crate) fn new(index: &'a Index, attr: &'a Attr) -> Entry<'a> {
        Entry { index, attr }
    }
    /// The key.
    #[inline]
    pub fn key(self) -> Key<'a> {
        self.index.key(self.attr)
    }
    /// The bytes of the key's name, which were found to be text when they came.
    #[inline]
    pub fn key_bytes(self) -> &'a [u8] {
        if self.attr.has(attr_flag::RENAMED) {
            return keys::name(KeyId(self.attr.key_id)).as_bytes();
        }
        self.index.key_bytes(self.attr)
    }
    /// The key's id, if code or configuration names it.
    #[inline]
    pub fn id(self) -> Option<KeyId> {
        (self.attr.key_id != NO_KEY).then_some(KeyId(self.attr.key_id))
    }
    /// The value.
    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        self.index.value(self.attr)
    }
    /// The bytes of a text.
    #[inline]
    pub fn text_bytes(self) -> Option<&'a [u8]> {
        self.is_text().then(|| self.index.content(self.attr))
    }
    /// The bytes of a list as they are sent: equal lists may differ in them.
    #[inline]
    pub fn list_bytes(self) -> Option<&'a [u8]> {
        (self.attr.kind == kind::ARRAY).then(|| self.index.content(self.attr))
    }
    /// Whether the value is a text.
    #[inline]
    pub fn is_text(self) -> bool {
        self.attr.kind == kind::STR
    }
    /// Whether the value is a number or a boolean, or has no kind: nothing that could hold text.
    #[inline]
    pub fn is_plain(self) -> bool {
        matches!(self.attr.kind, kind::INT | kind::DOUBLE | kind::BOOL | kind::EMPTY)
    }
}

impl Index {
    /// The value of an entry.
    #[inline]
    pub(crate) fn value<'a>(&'a self, attr: &Attr) -> ValueRef<'a> {
        match attr.kind {
            kind::STR => ValueRef::Str(text(self.content(attr))),
            kind::INT => ValueRef::Int(attr.value as i64),
            kind::DOUBLE => ValueRef::Double(f64::from_bits(attr.value)),
            kind::BOOL => ValueRef::Bool(attr.value != 0),
            kind::ARRAY => ValueRef::Array(ArrayRef { body: self.content(attr) }),
            kind::MAP => ValueRef::Map(MapRef { body: self.content(attr) }),
            kind::BYTES => ValueRef::Bytes(self.content(attr)),
            _ => ValueRef::Empty,
        }
    }

    /// The bytes of a text, bytes, array or map.
    #[inline]
    fn content(&self, attr: &Attr) -> &[u8] {
        range(self.source(attr.has(attr_flag::SIDE)), attr.value as u32, (attr.value >> 32) as u32)
    }

    /// The key of an entry as bytes of the request or of an edit; not the key after a rename.
    #[inline]
    pub(crate) fn key_bytes(&self, attr: &Attr) -> &[u8] {
        range(self.source(attr.has(attr_flag::SIDE)), attr.key_off, attr.key_len)
    }

    #[inline]
    pub(crate) fn key<'a>(&'a self, attr: &Attr) -> Key<'a> {
        if attr.key_id == NO_KEY {
            return Key { id: None, name: text(self.key_bytes(attr)) };
        }
        let id = KeyId(attr.key_id);
        Key { id: Some(id), name: keys::name(id) }
    }

    pub(crate) fn key_is(&self, attr: &Attr, name: &str) -> bool {
        if attr.has(attr_flag::RENAMED) {
            return keys::name(KeyId(attr.key_id)) == name;
        }
        self.key_bytes(attr) == name.as_bytes()
    }
}

/// Instrumentation scope of a record. `index` is equal for records of one `ScopeSpans` / `ScopeLogs`.
#[derive(Debug, Clone, Copy)]
pub struct ScopeRef<'a> {
    pub(crate) index: &'a Index,
    pub(crate) at: u32,
}

impl<'a> ScopeRef<'a> {
    /// Position in the request; equal for records of one scope message.
    pub fn index(self) -> usize {
        self.at as usize
    }
    /// Scope name, empty when absent.
    pub fn name(self) -> &'a str {
        text(self.entry().name.of(self.index.source(self.entry().side & side::NAME != 0)))
    }
    /// Scope version, empty when absent.
    pub fn version(self) -> &'a str {
        text(self.entry().version.of(self.index.source(self.entry().side & side::VERSION != 0)))
    }
    /// Scope attributes.
    pub fn attrs(self) -> Attrs<'a> {
        let entry = self.entry();
        Attrs { index: self.index, first: range(&self.index.attrs, entry.attrs, entry.attrs_len), extra: &[], keys: KeyMask::ANY }
    }
    /// Schema URL of the scope message, empty when absent.
    pub fn schema_url(self) -> &'a str {
        text(self.entry().schema_url.of(self.index.source(self.entry().side & side::SCHEMA_URL != 0)))
    }
    pub(crate) fn resource(self) -> ResourceRef<'a> {
        ResourceRef { index: self.index, at: self.entry().resource }
    }
    fn entry(self) -> &'a Scope {
        &self.index.scopes[self.at as usize]
    }
}

/// Resource of a record.
#[derive(Debug, Clone, Copy)]
pub struct ResourceRef<'a> {
    index: &'a Index,
    at: u32,
}

impl<'a> ResourceRef<'a> {
    /// Position in the request; equal for records of one resource message.
    pub fn index(self) -> usize {
        self.at as usize
    }
    /// Resource attributes.
    pub fn attrs(self) -> Attrs<'a> {
        let entry = self.entry();
        Attrs { index: self.index, first: range(&self.index.attrs, entry.attrs, entry.attrs_len), extra: &[], keys: KeyMask::ANY }
    }
    /// Schema URL of the resource message, empty when absent.
    pub fn schema_url(self) -> &'a str {
        text(self.entry().schema_url.of(self.index.source(self.entry().side & side::SCHEMA_URL != 0)))
    }
    fn entry(self) -> &'a Resource {
        &self.index.resources[self.at as usize]
    }
}

/// An event of a span, received or appended.
#[derive(Debug, Clone, Copy)]
pub struct EventRef<'a> {
    pub(crate) index: &'a Index,
    pub(crate) entry: &'a Child,
}

impl<'a> EventRef<'a> {
    /// Nanoseconds since 1970.
    pub fn time_ns(self) -> u64 {
        self.entry.time_ns
    }
    /// Name.
    pub fn name(self) -> &'a str {
        text(self.entry.text.of(self.index.source(self.entry.side || self.entry.side_text)))
    }
    /// Attributes.
    pub fn attrs(self) -> Attrs<'a> {
        Attrs { index: self.index, first: self.index.child_attrs(self.entry), extra: &[], keys: KeyMask::ANY }
    }
}

/// A link of a span.
#[derive(Debug, Clone, Copy)]
pub struct LinkRef<'a> {
    pub(crate) index: &'a Index,
    pub(crate) entry: &'a Child,
}

impl<'a> LinkRef<'a> {
    /// 16 bytes, or none.
    pub fn trace_id(self) -> Option<[u8; 16]> {
        self.index.id(self.entry.trace_id, false)
    }
    /// 8 bytes, or none.
    pub fn span_id(self) -> Option<[u8; 8]> {
        self.index.id(self.entry.span_id, false)
    }
    /// W3C trace state.
    pub fn trace_state(self) -> &'a str {
        text(self.entry.text.of(self.index.source(self.entry.side_text)))
    }
    /// Attributes.
    pub fn attrs(self) -> Attrs<'a> {
        Attrs { index: self.index, first: self.index.child_attrs(self.entry), extra: &[], keys: KeyMask::ANY }
    }
}
