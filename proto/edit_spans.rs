//! Edits of span events and links.
//!
//! They are named by their position as the span reads now: what was removed is not counted.

use crate::edit::{Edit, RecordMut};
use crate::edit_attrs::{AttrsMut, Owner};
use crate::index::{Child, Index, NONE, Patch, Patches, Place, attr_flag};
use crate::value_write::{any_len, put_attribute};
use crate::wire::{delimited_len, offset, put_delimited, put_varint};
use crate::{EventRef, Key, KeyId, LinkRef, ValueIn, ValueRef, keys};

const EVENT: u8 = 0x5a;
const EVENT_ATTR: u8 = 0x1a;

impl RecordMut<'_> {
    /// Appends a span event, which then reads like a received one. No-op on a log record.
    pub fn add_event(&mut self, time_ns: u64, name: &str, attrs: &[(KeyId, ValueIn<'_>)]) {
        if !self.is_span() {
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
            patches: Patches::default(),
            side: true,
            edited: false,
            dead: false,
            side_text: false,
        };
        self.push_event(event);
        self.touch();
    }
    /// Edits every span event's attributes like `map_attrs`; `event` is the position. No-op on a log record.
    pub fn map_event_attrs(&mut self, mut f: impl FnMut(usize, Key<'_>, ValueRef<'_>) -> Edit) {
        for (position, at) in self.events().into_iter().enumerate() {
            AttrsMut::new(self.index, self.at, Owner::Event(at)).map(|key, value| f(position, key, value));
        }
    }
    /// Edits every span link's attributes like `map_attrs`. No-op on a log record.
    pub fn map_link_attrs(&mut self, mut f: impl FnMut(usize, Key<'_>, ValueRef<'_>) -> Edit) {
        for (position, at) in self.links().into_iter().enumerate() {
            AttrsMut::new(self.index, self.at, Owner::Link(at)).map(|key, value| f(position, key, value));
        }
    }
    /// The attributes of one event; `None` when the span has no such event.
    pub fn event_attrs(&mut self, event: usize) -> Option<AttrsMut<'_>> {
        let at = *self.events().get(event)?;
        Some(AttrsMut::new(self.index, self.at, Owner::Event(at)))
    }
    /// The attributes of one link; `None` when the span has no such link.
    pub fn link_attrs(&mut self, link: usize) -> Option<AttrsMut<'_>> {
        let at = *self.links().get(link)?;
        Some(AttrsMut::new(self.index, self.at, Owner::Link(at)))
    }
    /// Replaces the name of an event; false when the span has no such event.
    pub fn set_name_of_event(&mut self, event: usize, name: &str) -> bool {
        let Some(at) = self.events().get(event).copied() else { return false };
        let (start, content) = self.index.put_side(0x12, name.as_bytes());
        let index = &mut *self.index;
        let end = offset(index.side.len());
        index.patch_event(at, Patch { tag: 0x12, start, end });
        index.events[at].text = Place { off: content, len: name.len() as u32 };
        index.events[at].side_text = true;
        index.touch_children(self.at);
        true
    }
    /// Replaces the time of an event, nanoseconds since 1970; false when the span has no such event.
    pub fn set_time_of_event(&mut self, event: usize, time_ns: u64) -> bool {
        let Some(at) = self.events().get(event).copied() else { return false };
        let index = &mut *self.index;
        let start = offset(index.side.len());
        index.side.push(0x09);
        index.side.extend_from_slice(&time_ns.to_le_bytes());
        index.patch_event(at, Patch { tag: 0x09, start, end: offset(index.side.len()) });
        index.events[at].time_ns = time_ns;
        index.touch_children(self.at);
        true
    }
    /// Keeps the events for which `keep` is true. No-op on a log record.
    pub fn retain_events(&mut self, mut keep: impl FnMut(EventRef<'_>) -> bool) {
        for at in self.events() {
            if !keep(EventRef { index: self.index, entry: &self.index.events[at] }) {
                self.index.events[at].dead = true;
                self.index.touch_children(self.at);
            }
        }
    }
    /// Keeps the links for which `keep` is true. No-op on a log record.
    pub fn retain_links(&mut self, mut keep: impl FnMut(LinkRef<'_>) -> bool) {
        for at in self.links() {
            if !keep(LinkRef { index: self.index, entry: &self.index.links[at] }) {
                self.index.links[at].dead = true;
                self.index.touch_children(self.at);
            }
        }
    }

    /// Where the events stand that are left, received ones first.
    fn events(&self) -> Vec<usize> {
        let Some(rare) = self.rare() else { return Vec::new() };
        let received = rare.events..rare.events + rare.events_len;
        let appended = rare.more_events..rare.more_events + rare.more_events_len;
        let all = received.chain(appended).map(|at| at as usize);
        all.filter(|at| !self.index.events[*at].dead).collect()
    }

    fn links(&self) -> Vec<usize> {
        let Some(rare) = self.rare() else { return Vec::new() };
        let all = (rare.links..rare.links + rare.links_len).map(|at| at as usize);
        all.filter(|at| !self.index.links[*at].dead).collect()
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

impl Index {
    fn patch_event(&mut self, at: usize, patch: Patch) {
        self.events[at].patches = self.patch(self.events[at].patches, patch);
        self.events[at].edited = true;
    }
}
