//! Edits of single entries: replacing, removing and renaming attributes wherever they stand.
//!
//! An odd `KeyValue` (see `attr_flag::ODD`) keeps the fields that we do not know through every edit.

use crate::edit::Edit;
use crate::edit_attrs::{List, Wanted, kill};
use crate::index::{Attr, Index, attr_flag, field_end};
use crate::key_cache::NO_KEY;
use crate::utf8::text;
use crate::value_write::put_attribute;
use crate::wire::{Reader, offset, put_delimited};
use crate::{Entry, KeyId, ValueIn, keys};

impl Index {
    #[inline]
    pub(crate) fn list(&mut self, list: List) -> &mut Vec<Attr> {
        if list == List::Attrs { &mut self.attrs } else { &mut self.extra }
    }

    #[inline]
    pub(crate) fn list_ref(&self, list: List) -> &Vec<Attr> {
        if list == List::Attrs { &self.attrs } else { &self.extra }
    }

    #[inline]
    pub(crate) fn matches(&self, attr: &Attr, wanted: Wanted<'_>) -> bool {
        match wanted {
            Wanted::Id(id) => attr.key_id == id,
            Wanted::Name(name) => !attr.has(attr_flag::DEAD) && self.key_is(attr, name),
        }
    }

    pub(crate) fn map_range(
        &mut self,
        list: List,
        start: usize,
        len: usize,
        tag: u8,
        f: &mut dyn FnMut(Entry<'_>) -> Edit,
    ) -> bool {
        let mut changed = false;
        for at in start..start + len {
            let attr = &self.list_ref(list)[at];
            if attr.has(attr_flag::DEAD) {
                continue;
            }
            match f(Entry::new(self, attr)) {
                Edit::Keep => continue,
                Edit::Remove => kill(&mut self.list(list)[at]),
                Edit::Replace(value) => self.replace(list, at, tag, ValueIn::Value(&value)),
            }
            changed = true;
        }
        changed
    }

    /// Gives an entry another value; its key and the fields that we do not know stay.
    pub(crate) fn replace(&mut self, list: List, at: usize, tag: u8, value: ValueIn<'_>) {
        let attr = self.list_ref(list)[at];
        let others = self.other_fields(&attr);
        let mut new = if attr.key_id == NO_KEY {
            let key = text(self.key_bytes(&attr)).to_owned();
            put_attribute(&mut self.side, tag, NO_KEY, &key, value, &others)
        } else {
            put_attribute(&mut self.side, tag, attr.key_id, keys::name(KeyId(attr.key_id)), value, &others)
        };
        offset(self.side.len());
        new.flags = attr_flag::SIDE | (attr.flags & attr_flag::ODD);
        self.list(list)[at] = new;
    }

    /// Fields of an odd `KeyValue` that are neither key nor value.
    pub(crate) fn other_fields(&self, attr: &Attr) -> Vec<u8> {
        let mut others = Vec::new();
        if attr.has(attr_flag::ODD) {
            self.for_fields(attr, |tag, field| {
                if tag != 0x0a && tag != 0x12 {
                    others.extend_from_slice(field);
                }
            });
        }
        others
    }

    pub(crate) fn for_fields(&self, attr: &Attr, mut f: impl FnMut(u32, &[u8])) {
        let source = self.source(attr.has(attr_flag::SIDE));
        let mut outer = Reader { buf: source, pos: attr.whole as usize };
        let Some(whole) = outer.next_field() else { return };
        let mut reader = Reader::new(source, whole.body, whole.end);
        while let Some(field) = reader.next_field() {
            f(field.tag, source.get(field.start..field.end).unwrap_or_default());
        }
    }

    /// Writes an odd `KeyValue` anew with another key first and everything else behind it.
    pub(crate) fn rebuild_with_key(&mut self, list: List, at: usize, tag: u8, key: KeyId) {
        let old = self.list_ref(list)[at];
        let mut body = Vec::new();
        put_delimited(&mut body, 0x0a, keys::name(key).as_bytes());
        self.for_fields(&old, |tag, field| {
            if tag != 0x0a {
                body.extend_from_slice(field);
            }
        });
        let whole = offset(self.side.len());
        put_delimited(&mut self.side, u32::from(tag), &body);
        offset(self.side.len());
        let fresh = self.read_side_attribute(whole, key.0, old.flags);
        self.list(list)[at] = fresh;
    }

    /// The entry of an attribute that was written to the side buffer.
    pub(crate) fn read_side_attribute(&self, whole: u32, key_id: u16, old_flags: u8) -> Attr {
        let end = field_end(&self.side, whole as usize);
        let mut attr = Attr { value: 0, key_off: 0, key_len: 0, whole, key_id, kind: 0, flags: old_flags | attr_flag::SIDE };
        attr.flags &= !attr_flag::RENAMED;
        let mut outer = Reader::new(&self.side, whole as usize, end);
        let Some(message) = outer.next_field() else { return attr };
        let mut reader = Reader::new(&self.side, message.body, message.end);
        while let Some(field) = reader.next_field() {
            match field.tag {
                0x0a => (attr.key_off, attr.key_len) = (field.body as u32, (field.end - field.body) as u32),
                0x12 => (attr.kind, attr.value) = read_any(&self.side, field.body, field.end),
                _ => {}
            }
        }
        attr
    }
}

/// Kind and content of an `AnyValue` that was validated before.
fn read_any(bytes: &[u8], start: usize, end: usize) -> (u8, u64) {
    let mut reader = Reader::new(bytes, start, end);
    while let Some(field) = reader.next_field() {
        let kind = (field.tag >> 3) as u8;
        let mut number = Reader::new(bytes, field.body, field.end);
        match field.tag {
            0x0a | 0x2a | 0x32 | 0x3a => return (kind, Attr::place(field.body, field.end)),
            0x10 => return (kind, u64::from(number.varint().unwrap_or(0) != 0)),
            0x18 => return (kind, number.varint().unwrap_or(0)),
            0x21 => return (kind, number.fixed64().unwrap_or(0)),
            _ => {}
        }
    }
    (0, 0)
}
