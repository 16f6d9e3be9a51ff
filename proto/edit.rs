//! Edits of spans and log records: they change entries and write bytes to the side buffer, never the request.
//!
//! An edit before the tail of a record marks it for rewriting field by field;
//! an appended attribute or event only lengthens it.
//! The lists of attributes are in `edit_attrs`, fields in `edit_fields`, events and links in `edit_spans`.
//! An edit leaves the counts of what a sender dropped as they are: what is removed on purpose was not dropped.

use crate::edit_attrs::{AttrsMut, Owner};
use crate::index::{Index, NONE, Patch, Patches, Rare, Record, state};
use crate::value_write::{any_len, put_any, put_attribute};
use crate::wire::{offset, put_delimited, put_varint};
use crate::{Key, KeyId, LogRef, RecordRef, Signal, SpanRef, Value, ValueIn, ValueRef, keys};

/// A span or log record being edited.
#[derive(Debug)]
pub struct RecordMut<'a> {
    pub(crate) index: &'a mut Index,
    pub(crate) at: usize,
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
    /// Its own attributes, for editing.
    #[inline]
    pub fn attrs_mut(&mut self) -> AttrsMut<'_> {
        AttrsMut::new(self.index, self.at, Owner::Record)
    }
    /// The attributes of its resource, shared by every record of the resource.
    pub fn resource_attrs(&mut self) -> AttrsMut<'_> {
        let owner = Owner::Resource(self.resource_at());
        AttrsMut::new(self.index, self.at, owner)
    }
    /// The attributes of its instrumentation scope, shared by every record of the scope.
    pub fn scope_attrs(&mut self) -> AttrsMut<'_> {
        let owner = Owner::Scope(self.record().scope as usize);
        AttrsMut::new(self.index, self.at, owner)
    }
    /// Sets a key to a value: replaces the first occurrence, removes others, else appends.
    pub fn set<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        self.attrs_mut().set(key, value);
    }
    /// The same for a key that has no id (dynamic keys such as `chaperone.metadata.<k>`).
    pub fn set_named<'v>(&mut self, name: &str, value: impl Into<ValueIn<'v>>) {
        self.attrs_mut().set_named(name, value);
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
    #[inline]
    pub fn rename_all(&mut self, to: impl FnMut(KeyId) -> Option<KeyId>) -> bool {
        self.attrs_mut().rename_all(to)
    }
    /// Removes every occurrence; true if there was one.
    pub fn remove(&mut self, key: KeyId) -> bool {
        self.attrs_mut().remove(key)
    }
    /// The same by text.
    pub fn remove_named(&mut self, name: &str) -> bool {
        self.attrs_mut().remove_named(name)
    }
    /// Replaces values or removes pairs: called for each pair in order.
    pub fn map_attrs(&mut self, f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        self.attrs_mut().map(f);
    }
    /// Edits the resource's attributes like `map_attrs` (shared by every record of the resource).
    pub fn map_resource_attrs(&mut self, f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        self.resource_attrs().map(f);
    }
    /// Edits the instrumentation scope's attributes like `map_attrs` (shared by every record of the scope).
    pub fn map_scope_attrs(&mut self, f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        self.scope_attrs().map(f);
    }
    /// Appends an attribute to the resource without looking for the key (shared by every record of the resource).
    pub fn append_resource_attr<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        self.resource_attrs().append(key, value);
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
        self.index.logs[self.at].body = crate::index::Attr {
            value: place,
            key_off: 0,
            key_len: 0,
            whole,
            key_id: crate::key_cache::NO_KEY,
            kind,
            flags: crate::index::attr_flag::SIDE,
        };
        self.patch(0x2a, whole, state::BODY);
    }

    #[inline]
    pub(crate) fn record(&self) -> &Record {
        &self.index.records[self.at]
    }

    pub(crate) fn resource_at(&self) -> usize {
        self.index.scopes[self.record().scope as usize].resource as usize
    }

    pub(crate) fn rare(&self) -> Option<Rare> {
        self.index.rare.get(self.record().rare as usize).copied()
    }

    pub(crate) fn is_span(&self) -> bool {
        self.index.signal == Signal::Traces
    }

    #[inline]
    pub(crate) fn touch(&mut self) {
        self.index.touch(self.at);
    }

    /// Marks what of a record was edited.
    pub(crate) fn mark(&mut self, flag: u32) {
        self.index.records[self.at].state |= flag;
        self.touch();
    }

    /// The field that was just written to the side buffer, from `start` to its end, stands for every one with this tag.
    pub(crate) fn patch(&mut self, tag: u32, start: u32, flag: u32) {
        let patch = Patch { tag, start, end: offset(self.index.side.len()) };
        let old = self.rare_mut().patches;
        let new = self.index.patch(old, patch);
        self.rare_mut().patches = new;
        self.mark(flag | state::PATCHED);
    }

    #[inline]
    fn append_pair(&mut self, id: u16, name: &str, value: ValueIn<'_>) {
        self.index.append_to_record(self.at, id, name, value);
    }

    /// What few records have; made when it is first needed.
    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        let index = &mut *self.index;
        let record = &mut index.records[self.at];
        if record.rare == NONE {
            record.rare = index.rare.len() as u32;
            index.rare.push(Rare::default());
        }
        &mut index.rare[record.rare as usize]
    }
}

impl Index {
    /// Marks a record and what contains it as edited.
    #[inline]
    pub(crate) fn touch(&mut self, at: usize) {
        let record = &mut self.records[at];
        if record.state & state::TOUCHED != 0 {
            return;
        }
        record.state |= state::TOUCHED;
        let scope = &mut self.scopes[record.scope as usize];
        scope.edited = true;
        self.resources[scope.resource as usize].edited = true;
    }

    #[inline]
    pub(crate) fn attr_tag(&self) -> u8 {
        if self.signal == Signal::Logs { 0x32 } else { 0x4a }
    }

    /// Adds a patch to those of a message; the newest of a field counts.
    pub(crate) fn patch(&mut self, patches: Patches, patch: Patch) -> Patches {
        let Patches { first, len } = patches;
        let own = self.patches.get_mut(first as usize..(first + len) as usize).unwrap_or_default();
        if let Some(old) = own.iter_mut().find(|old| old.tag == patch.tag) {
            *old = patch;
            return patches;
        }
        let end = self.patches.len();
        if (first + len) as usize != end {
            self.patches.extend_from_within(first as usize..(first + len) as usize);
        }
        self.patches.push(patch);
        Patches { first: (self.patches.len() - 1) as u32 - len, len: len + 1 }
    }

    /// Appends an attribute behind everything else of a record.
    #[inline]
    pub(crate) fn append_to_record(&mut self, at: usize, id: u16, name: &str, value: ValueIn<'_>) {
        let tag = self.attr_tag();
        if self.side.capacity() == 0 {
            // One appended attribute is seldom the last: leave room for a few in every record.
            self.side.reserve((self.records.len() * 128).min(1 << 17));
            self.extra.reserve((self.records.len() * 3).min(1 << 12));
        }
        let mut attr = put_attribute(&mut self.side, tag, id, name, value, &[]);
        attr.flags = crate::index::attr_flag::SIDE;
        offset(self.side.len());
        let record = &mut self.records[at];
        let end = self.extra.len();
        if record.extra_len == 0 {
            record.extra = end as u32;
        } else if (record.extra + record.extra_len) as usize != end {
            let start = record.extra as usize;
            self.extra.extend_from_within(start..start + record.extra_len as usize);
            record.extra = end as u32;
        }
        record.extra_len += 1;
        record.keys.add(id);
        self.extra.push(attr);
        self.touch(at);
    }

    /// Writes a delimited field to the side buffer; gives where it and its content begin.
    pub(crate) fn put_side(&mut self, tag: u32, content: &[u8]) -> (u32, u32) {
        let start = offset(self.side.len());
        put_delimited(&mut self.side, tag, content);
        (start, offset(self.side.len()) - content.len() as u32)
    }
}
