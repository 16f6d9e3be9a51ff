//! What an encoded request consists of: runs of received bytes, runs of edits, and headers.
//!
//! One forward walk over the dirty levels collects pieces and fixes lengths when a message closes;
//! adjacent runs merge, so that a clean request is a single piece.
//! `encode` then copies or shares the pieces.

use crate::KeyId;
use crate::index::{Attr, Index, NONE, Record, Resource, Scope, attr_flag, field_end, range, state};
use crate::keys;
use crate::wire::varint_len;

/// Where the bytes of a piece come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Source {
    /// `a..a + b` of the request.
    Base,
    /// `a..a + b` of the side buffer.
    Side,
    /// A tag with the length `b`, fixed when the message closed.
    Header,
    /// A renamed attribute: tag, length, key, then `a..a + b` of the request.
    RenamedBase,
    /// The same with a run of the side buffer.
    RenamedSide,
    /// The same as far as the key; the run, large enough to be shared, is the next piece.
    RenamedHead,
}

/// A part of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    pub source: Source,
    pub tag: u8,
    /// The new key of a renamed attribute.
    pub key: &'static str,
    pub a: u32,
    pub b: u32,
    /// Bytes of the `KeyValue` of a renamed attribute.
    pub body: u32,
}

/// The pieces of a request and how many bytes they make.
pub(crate) struct Plan<'a> {
    pub(crate) index: &'a Index,
    names: &'static [&'static str],
    pub pieces: Vec<Piece>,
    pub len: usize,
    /// How many runs are long enough to be shared, and their bytes.
    pub runs: usize,
    pub run_bytes: usize,
}

/// Runs of the request from this length on are shared, not copied.
pub(crate) const SHARE: u32 = 4096;

pub(crate) const ATTR_SPAN: u32 = 0x4a;
pub(crate) const ATTR_LOG: u32 = 0x32;
pub(crate) const ATTR_EVENT: u32 = 0x1a;
pub(crate) const ATTR_LINK: u32 = 0x22;
pub(crate) const ATTR_SCOPE: u32 = 0x1a;
pub(crate) const ATTR_RESOURCE: u32 = 0x0a;

impl<'a> Plan<'a> {
    /// Plans the records at `selection` (sorted record numbers), or everything with `None`.
    pub fn of(index: &'a Index, selection: Option<&[u32]>, pieces: Vec<Piece>) -> Plan<'a> {
        let mut plan = Plan { index, names: keys::constants(), pieces, len: 0, runs: 0, run_bytes: 0 };
        let mut cursor = 0;
        for resource in &index.resources {
            plan.base(cursor, resource.start);
            cursor = resource.end;
            match selection {
                None if !resource.edited => plan.base(resource.start, resource.end),
                _ => plan.resource(resource, selection),
            }
        }
        plan.base(cursor, index.base.len() as u32);
        plan
    }

    fn resource(&mut self, resource: &Resource, selection: Option<&[u32]>) {
        let scopes = range(&self.index.scopes, resource.scopes, resource.scopes_len);
        if selection.is_some() && scopes.iter().all(|scope| selected(scope, selection).is_some_and(<[u32]>::is_empty)) {
            return;
        }
        let header = self.open(0x0a);
        let mut cursor = resource.body;
        let mut message_done = !resource.message_edited;
        for scope in scopes {
            if !message_done && resource.message <= scope.start {
                self.resource_message(resource, &mut cursor);
                message_done = true;
            }
            self.around(cursor, scope.start, resource.side);
            cursor = scope.end;
            match selected(scope, selection) {
                None if !scope.edited => self.base(scope.start, scope.end),
                None => self.scope(scope),
                Some([]) => {}
                Some(records) => self.selected_scope(scope, records),
            }
        }
        if !message_done {
            self.resource_message(resource, &mut cursor);
        }
        self.around(cursor, resource.end, resource.side);
        self.schema_url(resource.side, resource.schema_url);
        self.close(header);
    }

    fn resource_message(&mut self, resource: &Resource, cursor: &mut u32) {
        self.around(*cursor, resource.message, resource.side);
        let header = self.open(0x0a);
        let attrs = range(&self.index.attrs, resource.attrs, resource.attrs_len);
        self.message(Source::Base, (resource.message_body, resource.message_end), ATTR_RESOURCE, attrs, &[]);
        self.close(header);
        *cursor = resource.message_end;
    }

    fn scope(&mut self, scope: &Scope) {
        let header = self.open(0x12);
        let mut cursor = scope.body;
        let mut message_done = !scope.message_edited;
        for record in range(&self.index.records, scope.records, scope.records_len) {
            if !message_done && scope.message <= record.start {
                self.scope_message(scope, &mut cursor);
                message_done = true;
            }
            self.around(cursor, record.start, scope.side);
            cursor = record.end;
            self.record(record);
        }
        if !message_done {
            self.scope_message(scope, &mut cursor);
        }
        self.around(cursor, scope.end, scope.side);
        self.schema_url(scope.side, scope.schema_url);
        self.close(header);
    }

    fn scope_message(&mut self, scope: &Scope, cursor: &mut u32) {
        self.around(*cursor, scope.message, scope.side);
        let header = self.open(0x0a);
        let attrs = range(&self.index.attrs, scope.attrs, scope.attrs_len);
        let patches = self.index.patches_of(scope.patches);
        self.message(Source::Base, (scope.message_body, scope.message_end), ATTR_SCOPE, attrs, patches);
        self.close(header);
        *cursor = scope.message_end;
    }

    /// A scope of which only some records stay.
    fn selected_scope(&mut self, scope: &Scope, records: &[u32]) {
        let header = self.open(0x12);
        let all = range(&self.index.records, scope.records, scope.records_len);
        let mut wanted = records.iter().copied().peekable();
        if let (Some(first), Some(last)) = (all.first(), all.last())
            && scope.packed
            && !scope.message_edited
        {
            self.around(scope.body, first.start, scope.side);
            for at in wanted {
                if let Some(record) = self.index.records.get(at as usize) {
                    self.record(record);
                }
            }
            self.around(last.end, scope.end, scope.side);
        } else {
            let mut cursor = scope.body;
            let mut message_done = !scope.message_edited;
            for (at, record) in (scope.records..).zip(all) {
                if !message_done && scope.message <= record.start {
                    self.scope_message(scope, &mut cursor);
                    message_done = true;
                }
                self.around(cursor, record.start, scope.side);
                cursor = record.end;
                if wanted.next_if_eq(&at).is_some() {
                    self.record(record);
                }
            }
            if !message_done {
                self.scope_message(scope, &mut cursor);
            }
            self.around(cursor, scope.end, scope.side);
        }
        self.schema_url(scope.side, scope.schema_url);
        self.close(header);
    }

    #[inline]
    fn record(&mut self, record: &Record) {
        if record.state == 0 {
            return self.base(record.start, record.end);
        }
        let header = self.open(0x12);
        let rare = self.index.rare.get(record.rare as usize).copied().unwrap_or_default();
        if record.state & (state::ATTRS | state::FIELDS) == 0 {
            self.base(record.body, record.end);
        } else if record.state & state::FIELDS == 0 && record.attrs_from != NONE {
            self.base(record.body, record.attrs_from);
            self.edited_attributes(record);
            self.base(record.attrs_to, record.end);
        } else {
            self.fields(record, &rare);
        }
        let tag = self.attr_tag();
        for attr in range(&self.index.extra, record.extra, record.extra_len) {
            self.side_attribute(attr, tag);
        }
        for event in range(&self.index.events, rare.more_events, rare.more_events_len) {
            self.child(event, 0x5a, ATTR_EVENT);
        }
        self.close(header);
    }

    pub(crate) fn attr_tag(&self) -> u32 {
        if self.index.logs.is_empty() { ATTR_SPAN } else { ATTR_LOG }
    }

    /// Received attributes that follow each other: the next entry tells where one ends.
    fn edited_attributes(&mut self, record: &Record) {
        let tag = self.attr_tag();
        let mut entries = range(&self.index.attrs, record.attrs, record.attrs_len).iter().peekable();
        while let Some(attr) = entries.next() {
            if attr.has(attr_flag::SIDE) {
                self.side_attribute(attr, tag);
                continue;
            }
            if attr.has(attr_flag::DEAD) {
                continue;
            }
            let end = match entries.peek() {
                Some(next) if !next.has(attr_flag::SIDE) => next.whole,
                Some(_) => field_end(&self.index.base, attr.whole as usize) as u32,
                None => record.attrs_to,
            };
            if attr.has(attr_flag::RENAMED) {
                self.renamed(attr, Source::RenamedBase, tag, end);
            } else {
                self.base(attr.whole, end);
            }
        }
    }

    /// The attribute that was received at `start..end`, as its entry has it now.
    #[inline]
    pub(crate) fn attribute(&mut self, entry: Option<&Attr>, source: Source, start: u32, end: u32, tag: u32) {
        match entry {
            None => self.run(source, start, end),
            Some(attr) if attr.flags & (attr_flag::DEAD | attr_flag::RENAMED) != 0 || attr.whole != start => {
                self.changed(attr, tag)
            }
            Some(attr) if attr.has(attr_flag::SIDE) && source == Source::Base => self.changed(attr, tag),
            Some(_) => self.run(source, start, end),
        }
    }

    pub(crate) fn changed(&mut self, attr: &Attr, tag: u32) {
        if attr.has(attr_flag::SIDE) {
            return self.side_attribute(attr, tag);
        }
        if !attr.has(attr_flag::DEAD) {
            self.renamed(attr, Source::RenamedBase, tag, field_end(&self.index.base, attr.whole as usize) as u32);
        }
    }

    #[inline]
    fn side_attribute(&mut self, attr: &Attr, tag: u32) {
        if attr.has(attr_flag::DEAD) {
            return;
        }
        let end = field_end(&self.index.side, attr.whole as usize) as u32;
        if attr.has(attr_flag::RENAMED) {
            self.renamed(attr, Source::RenamedSide, tag, end);
        } else {
            self.run(Source::Side, attr.whole, end);
        }
    }

    /// A new key, then everything that follows the old one.
    #[inline(always)]
    fn renamed(&mut self, attr: &Attr, source: Source, tag: u32, end: u32) {
        let rest = attr.key_off + attr.key_len;
        let key = keys::name_in(self.names, KeyId(attr.key_id));
        let body = 1 + varint_len(key.len() as u64) + key.len() + (end - rest) as usize;
        self.len += 1 + varint_len(body as u64) + body;
        let source = if source == Source::RenamedBase && end - rest >= SHARE { Source::RenamedHead } else { source };
        self.pieces.push(Piece { source, tag: tag as u8, key, a: rest, b: end - rest, body: body as u32 });
        if source == Source::RenamedHead {
            self.len -= (end - rest) as usize;
            self.base(rest, end);
        }
    }

    pub(crate) fn bytes(&self, source: Source) -> &'a [u8] {
        if source == Source::Side { &self.index.side } else { &self.index.base }
    }

    #[inline]
    pub(crate) fn base(&mut self, start: u32, end: u32) {
        self.run(Source::Base, start, end);
    }

    /// Adds a run; it melts into the piece before when it continues it.
    #[inline]
    pub(crate) fn run(&mut self, source: Source, start: u32, end: u32) {
        if start >= end {
            return;
        }
        self.len += (end - start) as usize;
        if let Some(last) = self.pieces.last_mut()
            && last.source == source
            && last.a + last.b == start
        {
            let before = last.b;
            last.b += end - start;
            if last.b >= SHARE && source == Source::Base {
                self.runs += usize::from(before < SHARE);
                self.run_bytes += (if before < SHARE { last.b } else { end - start }) as usize;
            }
            return;
        }
        if end - start >= SHARE && source == Source::Base {
            self.runs += 1;
            self.run_bytes += (end - start) as usize;
        }
        self.pieces.push(Piece { source, tag: 0, key: "", a: start, b: end - start, body: 0 });
    }

    /// Opens a message; gives what `close` needs.
    #[inline]
    pub(crate) fn open(&mut self, tag: u8) -> (usize, usize) {
        self.pieces.push(Piece { source: Source::Header, tag, key: "", a: 0, b: 0, body: 0 });
        (self.pieces.len() - 1, self.len)
    }

    #[inline]
    pub(crate) fn close(&mut self, (at, before): (usize, usize)) {
        let body = self.len - before;
        if let Some(piece) = self.pieces.get_mut(at) {
            piece.b = u32::try_from(body).expect("invariant: requests and their edits stay under 4 GiB");
        }
        self.len += 1 + varint_len(body as u64);
    }
}

/// The selected records of a scope; `None` when nothing was selected at all.
fn selected<'s>(scope: &Scope, selection: Option<&'s [u32]>) -> Option<&'s [u32]> {
    let selection = selection?;
    let start = selection.partition_point(|at| *at < scope.records);
    let len = selection.get(start..)?.partition_point(|at| *at < scope.records + scope.records_len);
    selection.get(start..start + len)
}
