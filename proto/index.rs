//! What the index holds: entries that point into the request body (base) or into the bytes of edits (side).
//!
//! Entries are the truth: readers and the encoder look only at them.
//! Attributes of the request lie in `attrs`, appended ones in `extra`, each list a contiguous range.

use crate::Signal;
use crate::wire::Reader;
use bytes::Bytes;

/// What an entry's value is; also the tag of `Attr::kind`.
pub(crate) mod kind {
    pub const EMPTY: u8 = 0;
    pub const STR: u8 = 1;
    pub const BOOL: u8 = 2;
    pub const INT: u8 = 3;
    pub const DOUBLE: u8 = 4;
    pub const ARRAY: u8 = 5;
    pub const MAP: u8 = 6;
    pub const BYTES: u8 = 7;
}

/// Flags of `Attr`.
pub(crate) mod attr_flag {
    /// Its offsets point into the side buffer.
    pub const SIDE: u8 = 1;
    /// Removed: nobody sees it.
    pub const DEAD: u8 = 2;
    /// The key is `key_id`'s, no longer the one at `key_off`.
    pub const RENAMED: u8 = 4;
    /// Not exactly key then value: edits keep its other fields by walking it.
    pub const ODD: u8 = 8;
    /// Has no value message at all, unlike one with an empty value.
    pub const NO_VALUE: u8 = 16;
}

/// One attribute, or a log body (which has no key).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attr {
    /// The number, or offset (low half) and length (high half) of the content.
    pub value: u64,
    pub key_off: u32,
    pub key_len: u32,
    /// Where its field begins, tag included.
    pub whole: u32,
    pub key_id: u16,
    pub kind: u8,
    pub flags: u8,
}

impl Attr {
    #[inline]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
    /// Packs the place of a content.
    #[inline]
    pub fn place(start: usize, end: usize) -> u64 {
        (start as u64) | (((end - start) as u64) << 32)
    }
}

/// Flags of `Record::state`.
pub(crate) mod state {
    /// A received attribute was edited.
    pub const ATTRS: u32 = 1;
    /// The name lies in the side buffer.
    pub const NAME: u32 = 2;
    /// The status lies in the side buffer.
    pub const STATUS: u32 = 4;
    /// The body lies in the side buffer.
    pub const BODY: u32 = 8;
    /// Anything was edited, the tail included.
    pub const TOUCHED: u32 = 16;
    /// A received event or link was edited.
    pub const CHILDREN: u32 = 32;
    /// The trace state lies in the side buffer.
    pub const TRACE_STATE: u32 = 64;
    /// The trace id lies in the side buffer; the same for the others.
    pub const TRACE_ID: u32 = 128;
    pub const SPAN_ID: u32 = 256;
    pub const PARENT_ID: u32 = 512;
    pub const SEVERITY_TEXT: u32 = 1024;
    pub const EVENT_NAME: u32 = 2048;
    /// A field has another content: `Rare::patches`.
    pub const PATCHED: u32 = 4096;
    /// Any of these: encode field by field.
    pub const FIELDS: u32 = PATCHED | CHILDREN;
}

/// Flags of `Scope::side` and `Resource::side`: what lies in the side buffer.
pub(crate) mod side {
    pub const NAME: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const SCHEMA_URL: u8 = 4;
}

/// A field of a message that has another content now, in the side buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patch {
    pub tag: u32,
    /// The whole new field.
    pub start: u32,
    pub end: u32,
}

/// The patches of one message, a range of `Index::patches`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patches {
    pub first: u32,
    pub len: u32,
}

/// Stands for "absent" in offsets and indexes.
pub(crate) const NONE: u32 = u32::MAX;

/// What spans and log records share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Where its field begins, tag included; `body..end` is the message.
    pub start: u32,
    pub body: u32,
    pub end: u32,
    /// Where its attribute fields begin and end; `attrs_from` is `NONE` when other fields stand between them.
    pub attrs_from: u32,
    pub attrs_to: u32,
    pub attrs: u32,
    pub attrs_len: u32,
    pub extra: u32,
    pub extra_len: u32,
    pub scope: u32,
    pub trace_id: u32,
    pub span_id: u32,
    /// Index into `rare`, for spans that have events, links or trace state.
    pub rare: u32,
    pub state: u32,
    pub keys: KeyMask,
}

/// Which ids the keys of a list of attributes may have: a test that is never wrong about what is absent.
///
/// Most look-ups ask for what is not there. Ids share bits, and an edit that removes leaves its bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyMask([u64; 2]);

impl KeyMask {
    pub const NONE: KeyMask = KeyMask([0; 2]);
    /// For lists that keep no mask: anything may be in them.
    pub const ANY: KeyMask = KeyMask([u64::MAX; 2]);

    #[inline]
    pub fn of(attrs: &[Attr]) -> KeyMask {
        let mut mask = KeyMask::NONE;
        for attr in attrs {
            mask.add(attr.key_id);
        }
        mask
    }
    #[inline]
    pub fn add(&mut self, id: u16) {
        let half = usize::from(id >> 6 & 1);
        self.0[half] |= 1 << (id & 63);
    }
    #[inline]
    pub fn bits(self) -> u128 {
        u128::from(self.0[1]) << 64 | u128::from(self.0[0])
    }
    #[inline]
    pub fn join(&mut self, other: KeyMask) {
        self.0[0] |= other.0[0];
        self.0[1] |= other.0[1];
    }
    #[inline]
    pub fn may_have(self, id: u16) -> bool {
        self.0[usize::from(id >> 6 & 1)] >> (id & 63) & 1 != 0
    }
}

/// What only spans have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanPart {
    pub start_ns: u64,
    pub end_ns: u64,
    pub parent: u32,
    pub name: Place,
    pub kind: i32,
    /// Where the status field begins, in base or side.
    pub status: u32,
    pub flags: u32,
}

/// What only log records have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogPart {
    pub time_ns: u64,
    pub observed_ns: u64,
    pub body: Attr,
    pub severity_text: Place,
    pub event_name: Place,
    pub severity_number: i32,
    pub flags: u32,
}

/// What few records have: events, links and trace state of spans, and fields that were edited.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rare {
    pub trace_state: Place,
    pub events: u32,
    pub events_len: u32,
    pub more_events: u32,
    pub more_events_len: u32,
    pub links: u32,
    pub links_len: u32,
    pub patches: Patches,
}

/// Offset and length of a content.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub off: u32,
    pub len: u32,
}

impl Place {
    #[inline]
    pub fn new(start: usize, end: usize) -> Place {
        Place { off: start as u32, len: (end - start) as u32 }
    }
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.off as usize;
        bytes.get(start..start + self.len as usize).unwrap_or_default()
    }
}

/// A span event or link. An appended event lies in the side buffer with its attributes in `extra`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Child {
    pub start: u32,
    pub body: u32,
    pub end: u32,
    pub attrs: u32,
    pub attrs_len: u32,
    /// Name of an event, trace state of a link.
    pub text: Place,
    pub time_ns: u64,
    pub trace_id: u32,
    pub span_id: u32,
    pub patches: Patches,
    pub side: bool,
    pub edited: bool,
    /// Removed: nobody sees it.
    pub dead: bool,
    /// The text lies in the side buffer, whatever the rest does.
    pub side_text: bool,
}

/// One `ScopeSpans` or `ScopeLogs`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    pub start: u32,
    pub body: u32,
    pub end: u32,
    /// Where the `InstrumentationScope` field begins, or `NONE`.
    pub message: u32,
    pub message_body: u32,
    pub message_end: u32,
    pub name: Place,
    pub version: Place,
    pub schema_url: Place,
    pub attrs: u32,
    pub attrs_len: u32,
    pub resource: u32,
    pub records: u32,
    pub records_len: u32,
    pub patches: Patches,
    /// Which texts lie in the side buffer.
    pub side: u8,
    /// Its records follow each other without anything between.
    pub packed: bool,
    /// A record of it or its own attributes were edited.
    pub edited: bool,
    /// Its own attributes were.
    pub message_edited: bool,
}

/// One `ResourceSpans` or `ResourceLogs`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource {
    pub start: u32,
    pub body: u32,
    pub end: u32,
    /// Where the `Resource` field begins, or `NONE`.
    pub message: u32,
    pub message_body: u32,
    pub message_end: u32,
    pub schema_url: Place,
    pub attrs: u32,
    pub attrs_len: u32,
    pub scopes: u32,
    pub scopes_len: u32,
    /// Which texts lie in the side buffer.
    pub side: u8,
    /// Something below it was edited.
    pub edited: bool,
    /// Its own attributes were.
    pub message_edited: bool,
}

/// One request and its edits.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub signal: Signal,
    pub base: Bytes,
    pub side: Vec<u8>,
    pub attrs: Vec<Attr>,
    pub extra: Vec<Attr>,
    pub records: Vec<Record>,
    pub spans: Vec<SpanPart>,
    pub logs: Vec<LogPart>,
    pub rare: Vec<Rare>,
    pub patches: Vec<Patch>,
    pub events: Vec<Child>,
    pub links: Vec<Child>,
    pub scopes: Vec<Scope>,
    pub resources: Vec<Resource>,
    /// The records left after `retain`, in wire order.
    pub live: Option<Vec<u32>>,
    pub repaired: usize,
}

impl Index {
    pub fn len(&self) -> usize {
        self.live.as_ref().map_or(self.records.len(), Vec::len)
    }

    /// The record number behind a public index.
    #[inline]
    pub fn at(&self, i: usize) -> usize {
        match &self.live {
            None => i,
            Some(live) => live[i] as usize,
        }
    }

    #[inline]
    pub fn source(&self, side: bool) -> &[u8] {
        if side { &self.side } else { &self.base }
    }

    /// The two ranges of a record's attributes.
    #[inline]
    pub fn record_attrs(&self, record: &Record) -> (&[Attr], &[Attr]) {
        (range(&self.attrs, record.attrs, record.attrs_len), range(&self.extra, record.extra, record.extra_len))
    }

    /// Attributes of an event or a link.
    pub fn child_attrs(&self, child: &Child) -> &[Attr] {
        range(if child.side { &self.extra } else { &self.attrs }, child.attrs, child.attrs_len)
    }

    /// The id at an offset; one of zeros says as little as an absent one.
    pub fn id<const N: usize>(&self, at: u32, side: bool) -> Option<[u8; N]> {
        if at == NONE {
            return None;
        }
        self.source(side).get(at as usize..).and_then(<[u8]>::first_chunk).copied().filter(|id| *id != [0; N])
    }

    /// The patches of a message.
    pub fn patches_of(&self, patches: Patches) -> &[Patch] {
        range(&self.patches, patches.first, patches.len)
    }

    /// Bytes of memory kept alive.
    pub fn pinned_bytes(&self) -> usize {
        self.base.len() + self.list_bytes() + self.live.as_ref().map_or(0, |live| size_of_val(&**live))
    }

    /// Bytes of the entries of a request, without unused capacity.
    #[inline]
    pub fn entry_bytes(&self) -> usize {
        let part = if self.signal == Signal::Logs { size_of::<LogPart>() } else { size_of::<SpanPart>() };
        self.attrs.len() * size_of::<Attr>()
            + self.records.len() * (size_of::<Record>() + part)
            + self.rare.len() * size_of::<Rare>()
            + (self.events.len() + self.links.len()) * size_of::<Child>()
            + self.scopes.len() * size_of::<Scope>()
            + self.resources.len() * size_of::<Resource>()
    }

    /// Bytes of the lists, unused capacity included.
    pub fn list_bytes(&self) -> usize {
        fn size<T>(list: &Vec<T>) -> usize {
            list.capacity() * size_of::<T>()
        }
        size(&self.side)
            + size(&self.attrs)
            + size(&self.extra)
            + size(&self.records)
            + size(&self.spans)
            + size(&self.logs)
            + size(&self.rare)
            + size(&self.patches)
            + size(&self.events)
            + size(&self.links)
            + size(&self.scopes)
            + size(&self.resources)
    }
}

/// A range of a list of entries.
#[inline]
pub(crate) fn range<T>(list: &[T], start: u32, len: u32) -> &[T] {
    let start = start as usize;
    list.get(start..start + len as usize).unwrap_or_default()
}

/// Where the length-delimited field that begins at `start` with a tag of one byte ends.
#[inline]
pub(crate) fn field_end(bytes: &[u8], start: usize) -> usize {
    if let Some(len) = bytes.get(start + 1)
        && *len < 0x80
    {
        return start + 2 + usize::from(*len);
    }
    long_field_end(bytes, start)
}

#[inline(never)]
fn long_field_end(bytes: &[u8], start: usize) -> usize {
    let mut reader = Reader { buf: bytes, pos: start };
    reader.next_field().map_or(start, |field| field.end)
}
