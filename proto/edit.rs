//! Edits of spans and log records: they change entries and write bytes to the side buffer, never the request.
//!
//! An edit before the tail of a record marks it for rewriting field by field;
//! an appended attribute or event only lengthens it.

use crate::index::{Attr, Child, Index, NONE, Place, Rare, Record, attr_flag, state};
use crate::key_cache::NO_KEY;
use crate::value_write::{any_len, put_any, put_attribute};
use crate::wire::{Reader, delimited_len, offset, put_delimited, put_varint};
use crate::{Key, KeyId, LogRef, RecordRef, Signal, SpanRef, Value, ValueIn, ValueRef, keys};

/// A span or log record being edited.
#[derive(Debug)]
pub struct RecordMut<'a> {
    index: &'a mut Index,
    at: usize,
}

/// What to do with one attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Leave it.
    Keep,
    /// Remove the pair.
    Remove,
    /// Give it another value.
    Replace(Value),
}

/// Which list an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum List {
    Attrs,
    Extra,
}

/// How an attribute is looked for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'k> {
    Id(u16),
    Name(&'k str),
}

const EVENT: u8 = 0x5a;
const EVENT_ATTR: u8 = 0x1a;
const LINK_ATTR: u8 = 0x22;
const RESOURCE_ATTR: u8 = 0x0a;
const SCOPE_ATTR: u8 = 0x1a;

impl<'a> RecordMut<'a> {
    #[inline]
    pub(crate) fn new(index: &'a mut Index, i: usize) -> RecordMut<'a> {
        let at = index.at(i);
        assert!(at < index.records.len(), "record {i} is out of range");
        RecordMut { index, at }
    }

    /// The record as it reads now.
    pub fn as_ref(&self) -> RecordRef<'_> {
        match self.index.signal {
            Signal::Logs => RecordRef::Log(LogRef::new(self.index, self.at)),
            _ => RecordRef::Span(SpanRef::new(self.index, self.at)),
        }
    }
    /// Sets a key to a value: replaces the first occurrence, removes others, else appends.
    pub fn set<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        self.set_wanted(Wanted::Id(key.0), key.0, keys::name(key), value.into());
    }
    /// The same for a key that has no id (dynamic keys such as `chaperone.metadata.<k>`).
    pub fn set_named<'v>(&mut self, name: &str, value: impl Into<ValueIn<'v>>) {
        let id = keys::lookup(name).map_or(NO_KEY, |id| id.0);
        self.set_wanted(Wanted::Name(name), id, name, value.into());
    }
    /// Appends without looking for the key: for keys known to be absent.
    #[inline]
    pub fn append<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        self.append_pair(key.0, keys::name(key), value.into());
    }
    /// Renames every occurrence of `from`; true if there was one.
    pub fn rename(&mut self, from: KeyId, to: KeyId) -> bool {
        self.rename_all(|key| (key == from).then_some(to))
    }
    /// Renames known keys in one walk: called for each pair whose key has an id. True if one was renamed.
    pub fn rename_all(&mut self, mut to: impl FnMut(KeyId) -> Option<KeyId>) -> bool {
        let record = *self.record();
        let tag = self.attr_tag();
        let mut found = 0;
        for (list, start, len) in ranges(&record) {
            for at in start..start + len {
                let attr = &mut self.index.list(list)[at];
                if attr.key_id == NO_KEY {
                    continue;
                }
                let Some(to) = to(KeyId(attr.key_id)) else { continue };
                if attr.has(attr_flag::ODD) {
                    self.index.rebuild_with_key(list, at, tag, to);
                } else {
                    attr.key_id = to.0;
                    attr.flags |= attr_flag::RENAMED;
                }
                found |= if list == List::Attrs { state::ATTRS } else { state::TOUCHED };
            }
        }
        if found != 0 {
            self.index.records[self.at].state |= found & state::ATTRS;
            self.touch();
        }
        found != 0
    }
    /// Removes every occurrence; true if there was one.
    pub fn remove(&mut self, key: KeyId) -> bool {
        self.remove_wanted(Wanted::Id(key.0), None)
    }
    /// The same by text.
    pub fn remove_named(&mut self, name: &str) -> bool {
        self.remove_wanted(Wanted::Name(name), None)
    }
    /// Replaces values or removes pairs: called for each pair in order.
    pub fn map_attrs(&mut self, mut f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        let record = *self.record();
        let tag = self.attr_tag();
        for (list, start, len) in ranges(&record) {
            if self.index.map_range(list, start, len, tag, &mut f) {
                if list == List::Attrs {
                    self.index.records[self.at].state |= state::ATTRS;
                }
                self.touch();
            }
        }
    }
    /// Appends a span event, which then reads like a received one. No-op on a log record.
    pub fn add_event(&mut self, time_ns: u64, name: &str, attrs: &[(KeyId, ValueIn<'_>)]) {
        if self.index.signal != Signal::Traces {
            return;
        }
        let index = &mut *self.index;
        let mut body = 9 + delimited_len(name.len());
        for (key, value) in attrs {
            body += delimited_len(delimited_len(keys::name(*key).len()) + delimited_len(any_len(*value)));
        }
        let start = offset(index.side.len());
        index.side.push(EVENT);
        put_varint(&mut index.side, body as u64);
        let body = offset(index.side.len());
        index.side.push(0x09);
        index.side.extend_from_slice(&time_ns.to_le_bytes());
        put_delimited(&mut index.side, 0x12, name.as_bytes());
        let name = Place::new(index.side.len() - name.len(), index.side.len());
        let first = index.extra.len() as u32;
        for (key, value) in attrs {
            let mut attr = put_attribute(&mut index.side, EVENT_ATTR, key.0, keys::name(*key), *value, &[]);
            attr.flags = attr_flag::SIDE;
            index.extra.push(attr);
        }
        let event = Child {
            start,
            body,
            end: offset(index.side.len()),
            attrs: first,
            attrs_len: attrs.len() as u32,
            text: name,
            time_ns,
            trace_id: NONE,
            span_id: NONE,
            side: true,
            edited: false,
        };
        self.push_event(event);
        self.touch();
    }
    /// Edits every span event's attributes like `map_attrs`; `event` is the position. No-op on a log record.
    pub fn map_event_attrs(&mut self, mut f: impl FnMut(usize, Key<'_>, ValueRef<'_>) -> Edit) {
        let Some(rare) = self.rare() else { return };
        let events =
            (rare.events..rare.events + rare.events_len).chain(rare.more_events..rare.more_events + rare.more_events_len);
        for (position, at) in events.enumerate() {
            let event = self.index.events[at as usize];
            if self.index.map_child(&event, EVENT_ATTR, &mut |key, value| f(position, key, value)) {
                self.index.events[at as usize].edited = true;
                self.mark(state::CHILDREN);
            }
        }
    }
    /// Edits every span link's attributes like `map_attrs`. No-op on a log record.
    pub fn map_link_attrs(&mut self, mut f: impl FnMut(usize, Key<'_>, ValueRef<'_>) -> Edit) {
        let Some(rare) = self.rare() else { return };
        for (position, at) in (rare.links..rare.links + rare.links_len).enumerate() {
            let link = self.index.links[at as usize];
            if self.index.map_child(&link, LINK_ATTR, &mut |key, value| f(position, key, value)) {
                self.index.links[at as usize].edited = true;
                self.mark(state::CHILDREN);
            }
        }
    }
    /// Replaces the span name. No-op on a log record.
    pub fn set_name(&mut self, name: &str) {
        if self.index.signal != Signal::Traces {
            return;
        }
        let side = &mut self.index.side;
        put_delimited(side, 0x2a, name.as_bytes());
        self.index.spans[self.at].name = Place { off: offset(side.len()) - name.len() as u32, len: name.len() as u32 };
        self.mark(state::NAME);
    }
    /// Replaces the W3C trace state of a span. No-op on a log record.
    pub fn set_trace_state(&mut self, trace_state: &str) {
        if self.index.signal != Signal::Traces {
            return;
        }
        let side = &mut self.index.side;
        put_delimited(side, 0x1a, trace_state.as_bytes());
        let place = Place { off: offset(side.len()) - trace_state.len() as u32, len: trace_state.len() as u32 };
        self.rare_mut().trace_state = place;
        self.mark(state::TRACE_STATE);
    }
    /// Replaces the status message of a span. No-op on a log record.
    pub fn set_status_message(&mut self, message: &str) {
        if self.index.signal != Signal::Traces {
            return;
        }
        let old = SpanRef::new(self.index, self.at).status_body();
        let mut status = Vec::with_capacity(old.len() + message.len() + 4);
        let mut reader = Reader::whole(old);
        while let Some(field) = reader.next_field() {
            if field.tag != 0x12 {
                status.extend_from_slice(old.get(field.start..field.end).unwrap_or_default());
            }
        }
        if !message.is_empty() {
            put_delimited(&mut status, 0x12, message.as_bytes());
        }
        self.index.spans[self.at].status = offset(self.index.side.len());
        put_delimited(&mut self.index.side, 0x7a, &status);
        self.mark(state::STATUS);
    }
    /// Replaces the body of a log record. No-op on a span.
    pub fn set_body<'v>(&mut self, value: impl Into<ValueIn<'v>>) {
        if self.index.signal != Signal::Logs {
            return;
        }
        let value = value.into();
        let side = &mut self.index.side;
        let whole = offset(side.len());
        side.push(0x2a);
        put_varint(side, any_len(value) as u64);
        let (kind, place) = put_any(side, value);
        self.index.logs[self.at].body =
            Attr { value: place, key_off: 0, key_len: 0, whole, key_id: NO_KEY, kind, flags: attr_flag::SIDE };
        self.mark(state::BODY);
    }
    /// Edits the resource's attributes like `map_attrs` (shared by every record of the resource).
    pub fn map_resource_attrs(&mut self, mut f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        let at = self.index.scopes[self.record().scope as usize].resource as usize;
        let resource = self.index.resources[at];
        let (start, len) = (resource.attrs as usize, resource.attrs_len as usize);
        if self.index.map_range(List::Attrs, start, len, RESOURCE_ATTR, &mut f) {
            self.index.resources[at].edited = true;
            self.index.resources[at].message_edited = true;
        }
    }

    /// Edits the instrumentation scope's attributes like `map_attrs` (shared by every record of the scope).
    pub fn map_scope_attrs(&mut self, mut f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        let at = self.record().scope as usize;
        let scope = self.index.scopes[at];
        let (start, len) = (scope.attrs as usize, scope.attrs_len as usize);
        if self.index.map_range(List::Attrs, start, len, SCOPE_ATTR, &mut f) {
            self.index.scopes[at].edited = true;
            self.index.scopes[at].message_edited = true;
            self.index.resources[scope.resource as usize].edited = true;
        }
    }

    /// Appends an attribute to the resource without looking for the key (shared by every record of the resource).
    pub fn append_resource_attr<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        let index = &mut *self.index;
        let at = index.scopes[index.records[self.at].scope as usize].resource as usize;
        let mut attr = put_attribute(&mut index.side, RESOURCE_ATTR, key.0, keys::name(key), value.into(), &[]);
        attr.flags = attr_flag::SIDE;
        offset(index.side.len());
        let resource = &mut index.resources[at];
        let (start, len, end) = (resource.attrs as usize, resource.attrs_len as usize, index.attrs.len());
        if start + len != end {
            index.attrs.extend_from_within(start..start + len);
            resource.attrs = end as u32;
        }
        index.attrs.push(attr);
        resource.attrs_len += 1;
        if resource.message == NONE {
            // There was no resource: an empty one stands before everything else.
            (resource.message, resource.message_body, resource.message_end) = (resource.body, resource.body, resource.body);
        }
        resource.edited = true;
        resource.message_edited = true;
    }

    #[inline]
    fn record(&self) -> &Record {
        &self.index.records[self.at]
    }

    fn rare(&self) -> Option<Rare> {
        self.index.rare.get(self.record().rare as usize).copied()
    }

    #[inline]
    fn attr_tag(&self) -> u8 {
        if self.index.signal == Signal::Logs { 0x32 } else { 0x4a }
    }

    /// Marks the record and what contains it as edited.
    #[inline]
    fn touch(&mut self) {
        let record = &mut self.index.records[self.at];
        if record.state & state::TOUCHED != 0 {
            return;
        }
        record.state |= state::TOUCHED;
        let scope = &mut self.index.scopes[record.scope as usize];
        scope.edited = true;
        self.index.resources[scope.resource as usize].edited = true;
    }

    fn mark(&mut self, flag: u32) {
        self.index.records[self.at].state |= flag;
        self.touch();
    }

    fn set_wanted(&mut self, wanted: Wanted<'_>, id: u16, name: &str, value: ValueIn<'_>) {
        let Some((list, at)) = self.find(wanted) else {
            return self.append_pair(id, name, value);
        };
        let tag = self.attr_tag();
        self.index.replace(list, at, tag, value);
        if list == List::Attrs {
            self.index.records[self.at].state |= state::ATTRS;
        }
        self.touch();
        self.remove_wanted(wanted, Some((list, at)));
    }

    fn find(&self, wanted: Wanted<'_>) -> Option<(List, usize)> {
        for (list, start, len) in ranges(self.record()) {
            let entries = self.index.list_ref(list).get(start..start + len).unwrap_or_default();
            if let Some(at) = entries.iter().position(|attr| self.index.matches(attr, wanted)) {
                return Some((list, start + at));
            }
        }
        None
    }

    fn remove_wanted(&mut self, wanted: Wanted<'_>, keep: Option<(List, usize)>) -> bool {
        let record = *self.record();
        let mut found = false;
        for (list, start, len) in ranges(&record) {
            for at in start..start + len {
                if keep == Some((list, at)) || !self.index.matches(&self.index.list_ref(list)[at], wanted) {
                    continue;
                }
                kill(&mut self.index.list(list)[at]);
                found = true;
                if list == List::Attrs {
                    self.index.records[self.at].state |= state::ATTRS;
                }
            }
        }
        if found {
            self.touch();
        }
        found
    }

    #[inline]
    fn append_pair(&mut self, id: u16, name: &str, value: ValueIn<'_>) {
        let tag = self.attr_tag();
        let index = &mut *self.index;
        if index.side.capacity() == 0 {
            // One appended attribute is seldom the last: leave room for a few in every record.
            index.side.reserve((index.records.len() * 128).min(1 << 17));
            index.extra.reserve((index.records.len() * 3).min(1 << 12));
        }
        let mut attr = put_attribute(&mut index.side, tag, id, name, value, &[]);
        attr.flags = attr_flag::SIDE;
        offset(index.side.len());
        let record = &mut index.records[self.at];
        let end = index.extra.len();
        if record.extra_len == 0 {
            record.extra = end as u32;
        } else if (record.extra + record.extra_len) as usize != end {
            let start = record.extra as usize;
            index.extra.extend_from_within(start..start + record.extra_len as usize);
            record.extra = end as u32;
        }
        record.extra_len += 1;
        index.extra.push(attr);
        self.touch();
    }

    /// What few spans have; made when it is first needed.
    fn rare_mut(&mut self) -> &mut Rare {
        let index = &mut *self.index;
        let record = &mut index.records[self.at];
        if record.rare == NONE {
            record.rare = index.rare.len() as u32;
            index.rare.push(Rare::default());
        }
        &mut index.rare[record.rare as usize]
    }

    fn push_event(&mut self, event: Child) {
        let end = self.index.events.len();
        self.rare_mut();
        let index = &mut *self.index;
        let rare = &mut index.rare[index.records[self.at].rare as usize];
        if rare.more_events_len == 0 {
            rare.more_events = end as u32;
        } else if (rare.more_events + rare.more_events_len) as usize != end {
            let start = rare.more_events as usize;
            index.events.extend_from_within(start..start + rare.more_events_len as usize);
            rare.more_events = end as u32;
        }
        rare.more_events_len += 1;
        index.events.push(event);
    }
}

/// The ranges of a record's attributes.
#[inline]
fn ranges(record: &Record) -> [(List, usize, usize); 2] {
    [
        (List::Attrs, record.attrs as usize, record.attrs_len as usize),
        (List::Extra, record.extra as usize, record.extra_len as usize),
    ]
}

pub(crate) fn kill(attr: &mut Attr) {
    attr.flags |= attr_flag::DEAD;
    attr.key_id = NO_KEY;
}
