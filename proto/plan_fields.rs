//! The parts of the plan that go field by field: messages of which something before the tail was edited.
//!
//! A field with a patch is written where it first stood, or at the end where there was none;
//! what nobody edited and what nobody knows is copied in its order.

use crate::index::{Attr, Child, Patch, Place, Rare, Record, range, side};
use crate::plan::{ATTR_EVENT, ATTR_LINK, ATTR_SPAN, Plan, Source};
use crate::wire::{Field, Reader, varint_len};

const SCHEMA_URL: u32 = 0x1a;

impl<'a> Plan<'a> {
    /// The received fields of an edited span or log record, in their order.
    pub(crate) fn fields(&mut self, record: &Record, rare: &Rare) {
        let index = self.index;
        let tag = self.attr_tag();
        let mut attrs = range(&index.attrs, record.attrs, record.attrs_len).iter();
        let mut events = range(&index.events, rare.events, rare.events_len).iter();
        let mut links = range(&index.links, rare.links, rare.links_len).iter();
        let patches = index.patches_of(rare.patches);
        self.patched(Source::Base, (record.body, record.end), patches, |plan, field| {
            let (start, end) = (field.start as u32, field.end as u32);
            match field.tag {
                found if found == tag => plan.attribute(attrs.next(), Source::Base, start, end, tag),
                0x5a if tag == ATTR_SPAN => match events.next() {
                    Some(event) => plan.child(event, 0x5a, ATTR_EVENT),
                    None => plan.base(start, end),
                },
                0x6a if tag == ATTR_SPAN => match links.next() {
                    Some(link) => plan.child(link, 0x6a, ATTR_LINK),
                    None => plan.base(start, end),
                },
                _ => plan.base(start, end),
            }
        });
    }

    /// An event or a link.
    pub(crate) fn child(&mut self, child: &Child, tag: u8, attr_tag: u32) {
        if child.dead {
            return;
        }
        let source = if child.side { Source::Side } else { Source::Base };
        if !child.edited {
            return self.run(source, child.start, child.end);
        }
        let header = self.open(tag);
        let patches = self.index.patches_of(child.patches);
        self.message(source, (child.body, child.end), attr_tag, self.index.child_attrs(child), patches);
        self.close(header);
    }

    /// A message with attributes and patches.
    pub(crate) fn message(&mut self, source: Source, place: (u32, u32), tag: u32, entries: &[Attr], patches: &[Patch]) {
        let mut entries = entries.iter();
        self.patched(source, place, patches, |plan, field| {
            let (start, end) = (field.start as u32, field.end as u32);
            if field.tag == tag {
                plan.attribute(entries.next(), source, start, end, tag);
            } else {
                plan.run(source, start, end);
            }
        });
        // Appended ones have no field in the message that came.
        for attr in entries {
            self.changed(attr, tag);
        }
    }

    /// The fields of a message: those with a patch once, the others by `write`.
    fn patched(&mut self, source: Source, (body, end): (u32, u32), patches: &[Patch], mut write: impl FnMut(&mut Self, &Field)) {
        // One bit a patch: a message has fewer fields that can be edited than there are bits.
        let mut written = 0u32;
        let mut reader = Reader::new(self.bytes(source), body as usize, end as usize);
        while let Some(field) = reader.next_field() {
            match patches.iter().position(|patch| patch.tag == field.tag) {
                None => write(self, &field),
                Some(at) if written & 1 << at == 0 => {
                    written |= 1 << at;
                    self.patch(patches, at);
                }
                Some(_) => {}
            }
        }
        for at in (0..patches.len()).filter(|at| written & 1 << at == 0) {
            self.patch(patches, at);
        }
    }

    fn patch(&mut self, patches: &[Patch], at: usize) {
        if let Some(patch) = patches.get(at) {
            self.run(Source::Side, patch.start, patch.end);
        }
    }

    /// Received bytes between records, scopes and messages; without the schema URL when there is a new one.
    pub(crate) fn around(&mut self, start: u32, end: u32, replaced: u8) {
        if replaced & side::SCHEMA_URL == 0 {
            return self.base(start, end);
        }
        let mut reader = Reader::new(self.bytes(Source::Base), start as usize, end as usize);
        while let Some(field) = reader.next_field() {
            if field.tag != SCHEMA_URL {
                self.base(field.start as u32, field.end as u32);
            }
        }
    }

    /// The new schema URL of a scope or resource, if there is one.
    pub(crate) fn schema_url(&mut self, replaced: u8, url: Place) {
        if replaced & side::SCHEMA_URL != 0 {
            let head = 1 + varint_len(u64::from(url.len)) as u32;
            self.run(Source::Side, url.off - head, url.off + url.len);
        }
    }
}
