//! Edits of one list of attributes, wherever it stands: of a record, an event, a link, a scope or a resource.
//!
//! A record has two lists, what came and what was appended; everything else has one, which moves to the end of its
//! vector when it grows, so that each list stays one range.

use crate::edit::Edit;
use crate::index::{Attr, Index, KeyMask, NONE, Record, attr_flag, state};
use crate::key_cache::NO_KEY;
use crate::value_write::put_attribute;
use crate::wire::offset;
use crate::{Attrs, Entry, Key, KeyId, ValueIn, ValueRef, keys};

/// A list of attributes being edited.
#[derive(Debug)]
pub struct AttrsMut<'a> {
    index: &'a mut Index,
    /// The record through which the list was reached.
    at: usize,
    owner: Owner,
}

/// What the list belongs to, with its position in the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Owner {
    Record,
    Event(usize),
    Link(usize),
    Scope(usize),
    Resource(usize),
}

/// Which vector of the index an entry stands in.
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

impl<'a> AttrsMut<'a> {
    #[inline]
    pub(crate) fn new(index: &'a mut Index, at: usize, owner: Owner) -> AttrsMut<'a> {
        AttrsMut { index, at, owner }
    }

    /// The list as it reads now.
    pub fn as_ref(&self) -> Attrs<'_> {
        let [(one, start, len), (_, extra, extra_len)] = self.ranges();
        let first = self.index.list_ref(one).get(start..start + len).unwrap_or_default();
        let extra = self.index.extra.get(extra..extra + extra_len).unwrap_or_default();
        let keys = if self.owner == Owner::Record { self.index.records[self.at].keys } else { KeyMask::ANY };
        Attrs { index: self.index, first, extra, keys }
    }
    /// Sets a key to a value: replaces the first occurrence, removes others, else appends.
    pub fn set<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        self.set_wanted(Wanted::Id(key.0), key.0, keys::name(key), value.into());
    }
    /// The same for a key that has no id.
    pub fn set_named<'v>(&mut self, name: &str, value: impl Into<ValueIn<'v>>) {
        let id = keys::lookup(name).map_or(NO_KEY, |id| id.0);
        self.set_wanted(Wanted::Name(name), id, name, value.into());
    }
    /// Appends without looking for the key: for keys known to be absent.
    pub fn append<'v>(&mut self, key: KeyId, value: impl Into<ValueIn<'v>>) {
        self.append_pair(key.0, keys::name(key), value.into());
    }
    /// The same for a key that has no id.
    pub fn append_named<'v>(&mut self, name: &str, value: impl Into<ValueIn<'v>>) {
        let id = keys::lookup(name).map_or(NO_KEY, |id| id.0);
        self.append_pair(id, name, value.into());
    }
    /// Renames every occurrence of `from`; true if there was one.
    pub fn rename(&mut self, from: KeyId, to: KeyId) -> bool {
        self.rename_all(|key| (key == from).then_some(to))
    }
    /// Renames known keys in one walk: called for each pair whose key has an id. True if one was renamed.
    #[inline]
    pub fn rename_all(&mut self, mut to: impl FnMut(KeyId) -> Option<KeyId>) -> bool {
        let tag = self.tag();
        let mut renamed = false;
        let mut added = KeyMask::NONE;
        for (list, start, len) in self.ranges() {
            let mut found = false;
            for at in start..start + len {
                let attr = &mut self.index.list(list)[at];
                if attr.key_id == NO_KEY {
                    continue;
                }
                let Some(to) = to(KeyId(attr.key_id)) else { continue };
                added.add(to.0);
                if attr.has(attr_flag::ODD) {
                    self.index.rebuild_with_key(list, at, tag, to);
                } else {
                    attr.key_id = to.0;
                    attr.flags |= attr_flag::RENAMED;
                }
                found = true;
            }
            if found {
                self.changed(list);
                renamed = true;
            }
        }
        if renamed && self.owner == Owner::Record {
            self.index.records[self.at].keys.join(added);
        }
        renamed
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
    pub fn map(&mut self, mut f: impl FnMut(Key<'_>, ValueRef<'_>) -> Edit) {
        self.map_each(|entry| f(entry.key(), entry.value()));
    }
    /// The same for those who read few of the values.
    pub fn map_each(&mut self, mut f: impl FnMut(Entry<'_>) -> Edit) {
        let tag = self.tag();
        for (list, start, len) in self.ranges() {
            if self.index.map_range(list, start, len, tag, &mut f) {
                self.changed(list);
            }
        }
    }

    /// Where the attributes stand; the second range only records have.
    #[inline]
    fn ranges(&self) -> [(List, usize, usize); 2] {
        let one = |list, start: u32, len: u32| [(list, start as usize, len as usize), (List::Extra, 0, 0)];
        match self.owner {
            Owner::Record => ranges(&self.index.records[self.at]),
            Owner::Event(at) => {
                let event = &self.index.events[at];
                one(if event.side { List::Extra } else { List::Attrs }, event.attrs, event.attrs_len)
            }
            Owner::Link(at) => one(List::Attrs, self.index.links[at].attrs, self.index.links[at].attrs_len),
            Owner::Scope(at) => one(List::Attrs, self.index.scopes[at].attrs, self.index.scopes[at].attrs_len),
            Owner::Resource(at) => one(List::Attrs, self.index.resources[at].attrs, self.index.resources[at].attrs_len),
        }
    }

    #[inline]
    fn tag(&self) -> u8 {
        match self.owner {
            Owner::Record => self.index.attr_tag(),
            Owner::Event(_) | Owner::Scope(_) => 0x1a,
            Owner::Link(_) => 0x22,
            Owner::Resource(_) => 0x0a,
        }
    }

    /// Marks what was edited and everything around it.
    #[inline]
    fn changed(&mut self, list: List) {
        let index = &mut *self.index;
        match self.owner {
            Owner::Record => {
                if list == List::Attrs {
                    index.records[self.at].state |= state::ATTRS;
                }
                index.touch(self.at);
            }
            Owner::Event(at) => {
                index.events[at].edited = true;
                index.touch_children(self.at);
            }
            Owner::Link(at) => {
                index.links[at].edited = true;
                index.touch_children(self.at);
            }
            Owner::Scope(at) => index.touch_scope(at),
            Owner::Resource(at) => index.touch_resource(at),
        }
    }

    fn set_wanted(&mut self, wanted: Wanted<'_>, id: u16, name: &str, value: ValueIn<'_>) {
        let Some((list, at)) = self.find(wanted) else {
            return self.append_pair(id, name, value);
        };
        let tag = self.tag();
        self.index.replace(list, at, tag, value);
        self.changed(list);
        self.remove_wanted(wanted, Some((list, at)));
    }

    fn find(&self, wanted: Wanted<'_>) -> Option<(List, usize)> {
        if let (Owner::Record, Wanted::Id(id)) = (self.owner, wanted)
            && !self.index.records[self.at].keys.may_have(id)
        {
            return None;
        }
        for (list, start, len) in self.ranges() {
            let entries = self.index.list_ref(list).get(start..start + len).unwrap_or_default();
            if let Some(at) = entries.iter().position(|attr| self.index.matches(attr, wanted)) {
                return Some((list, start + at));
            }
        }
        None
    }

    fn remove_wanted(&mut self, wanted: Wanted<'_>, keep: Option<(List, usize)>) -> bool {
        let mut removed = false;
        for (list, start, len) in self.ranges() {
            let mut found = false;
            for at in start..start + len {
                if keep == Some((list, at)) || !self.index.matches(&self.index.list_ref(list)[at], wanted) {
                    continue;
                }
                kill(&mut self.index.list(list)[at]);
                found = true;
            }
            if found {
                self.changed(list);
                removed = true;
            }
        }
        removed
    }

    fn append_pair(&mut self, id: u16, name: &str, value: ValueIn<'_>) {
        if self.owner == Owner::Record {
            return self.index.append_to_record(self.at, id, name, value);
        }
        let tag = self.tag();
        let mut attr = put_attribute(&mut self.index.side, tag, id, name, value, &[]);
        attr.flags = attr_flag::SIDE;
        offset(self.index.side.len());
        let [(list, start, len), _] = self.ranges();
        let entries = self.index.list(list);
        let end = entries.len();
        let mut first = start;
        if start + len != end {
            entries.extend_from_within(start..start + len);
            first = end;
        }
        entries.push(attr);
        let (first, len) = (first as u32, len as u32 + 1);
        let index = &mut *self.index;
        match self.owner {
            Owner::Record => {}
            Owner::Event(at) => (index.events[at].attrs, index.events[at].attrs_len) = (first, len),
            Owner::Link(at) => (index.links[at].attrs, index.links[at].attrs_len) = (first, len),
            Owner::Scope(at) => (index.scopes[at].attrs, index.scopes[at].attrs_len) = (first, len),
            Owner::Resource(at) => (index.resources[at].attrs, index.resources[at].attrs_len) = (first, len),
        }
        self.changed(list);
    }
}

impl Index {
    pub(crate) fn touch_children(&mut self, record: usize) {
        self.records[record].state |= state::CHILDREN;
        self.touch(record);
    }

    /// Marks a scope's own message as edited; where there was none, an empty one stands before everything else.
    pub(crate) fn touch_scope(&mut self, at: usize) {
        let scope = &mut self.scopes[at];
        if scope.message == NONE {
            (scope.message, scope.message_body, scope.message_end) = (scope.body, scope.body, scope.body);
        }
        scope.edited = true;
        scope.message_edited = true;
        self.resources[scope.resource as usize].edited = true;
    }

    /// The same for a resource.
    pub(crate) fn touch_resource(&mut self, at: usize) {
        let resource = &mut self.resources[at];
        if resource.message == NONE {
            (resource.message, resource.message_body, resource.message_end) = (resource.body, resource.body, resource.body);
        }
        resource.edited = true;
        resource.message_edited = true;
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
