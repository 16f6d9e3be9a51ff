//! Cuts a serialized request into smaller ones, by items, by bytes, or both.
//!
//! Works on the wire: it looks only at the levels above spans, log records and data points, never into them,
//! so that a queue can cut what it holds without an index.
//! What stands around the items (resource, scope, a metric's own fields) stands in every part that needs it;
//! containers without any item are left out of a request that is cut.

use crate::wire::{Reader, put_varint, varint_len, wire_type};
use crate::{DecodeError, Signal};
use bytes::Bytes;

/// How large a part may be. Exceeded only by a part that is a single item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitLimits {
    /// Most spans, log records or data points.
    pub items: usize,
    /// Most bytes of the serialized request.
    pub bytes: usize,
}

impl SplitLimits {
    /// No limit at all.
    pub const NONE: SplitLimits = SplitLimits { items: usize::MAX, bytes: usize::MAX };

    /// A limit of items alone.
    pub fn items(items: usize) -> SplitLimits {
        SplitLimits { items, ..SplitLimits::NONE }
    }
    /// A limit of bytes alone.
    pub fn bytes(bytes: usize) -> SplitLimits {
        SplitLimits { bytes, ..SplitLimits::NONE }
    }
}

/// A part of a request: a request of its own that shares no memory with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The serialized request.
    pub body: Bytes,
    /// Its spans, log records or data points, at least one.
    pub items: usize,
}

/// Levels above an item, at most: resource, scope, metric and its data.
const LEVELS: usize = 4;

/// A message above the items.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Index of the message around it; its own level is known from the walk.
    parent: u32,
    tag: u8,
    /// Range of `gaps`: what it holds beside its children, and how many bytes that is.
    gaps: u32,
    gaps_len: u32,
    gap_bytes: u32,
}

/// One item: its whole field, and the node it stands in.
#[derive(Debug, Clone, Copy)]
struct Item {
    start: u32,
    end: u32,
    parent: u32,
}

/// Gives out the parts of one request, in order, each with limits of its own.
#[derive(Debug)]
pub struct Splitter {
    body: Bytes,
    /// Tags of the levels above items; a metric's data has several.
    path: &'static [&'static [u8]],
    nodes: Vec<Node>,
    gaps: Vec<(u32, u32)>,
    items: Vec<Item>,
    next: usize,
}

const RECORDS: &[&[u8]] = &[&[0x0a], &[0x12], &[0x12]];
const POINTS: &[&[u8]] = &[&[0x0a], &[0x12], &[0x12], &[0x2a, 0x3a, 0x4a, 0x52, 0x5a], &[0x0a]];
/// The message that is the request itself has no node.
const TOP: u32 = u32::MAX;

impl Splitter {
    /// Looks through a serialized request that was decoded before, or is ours. A structural fault above the items is
    /// told, one inside an item is not seen.
    pub fn new(signal: Signal, body: Bytes) -> Result<Splitter, DecodeError> {
        if body.len() >= u32::MAX as usize {
            return Err(DecodeError::TooMany { what: "bytes", limit: u32::MAX as usize });
        }
        let path = if signal == Signal::Metrics { POINTS } else { RECORDS };
        let mut splitter = Splitter { body, path, nodes: Vec::new(), gaps: Vec::new(), items: Vec::new(), next: 0 };
        let body = splitter.body.clone();
        splitter.walk(&body, 0, 0, body.len(), TOP)?;
        Ok(splitter)
    }

    /// Items that no part has been given out with.
    pub fn items_left(&self) -> usize {
        self.items.len() - self.next
    }

    /// The next part: as much as the limits allow, but at least one item. `None` when nothing is left.
    pub fn next_part(&mut self, limits: &SplitLimits) -> Option<Part> {
        self.part(limits, true)
    }

    /// The next part, or `None` when not even one item fits; nothing is taken then.
    pub fn fitting_part(&mut self, limits: &SplitLimits) -> Option<Part> {
        self.part(limits, false)
    }

    /// Everything that is left.
    pub fn rest(mut self) -> Option<Part> {
        self.part(&SplitLimits::NONE, true)
    }

    /// A request of the items at the given positions (sorted), whatever was given out before.
    pub fn select(&self, positions: &[u32]) -> Part {
        let chosen: Vec<Item> = positions.iter().filter_map(|at| self.items.get(*at as usize)).copied().collect();
        let mut size = Size::new(self.path.len());
        chosen.iter().for_each(|item| size.add(self, item));
        Part { body: self.write(&chosen, size.total()), items: chosen.len() }
    }

    fn part(&mut self, limits: &SplitLimits, at_least_one: bool) -> Option<Part> {
        if self.items_left() == 0 {
            return None;
        }
        if self.next == 0 && self.items.len() <= limits.items && self.body.len() <= limits.bytes {
            self.next = self.items.len();
            return Some(Part { body: self.body.clone(), items: self.items.len() });
        }
        let (mut end, bytes) = self.fill(limits);
        let mut bytes = bytes;
        if end == self.next {
            if !at_least_one {
                return None;
            }
            (end, bytes) = self.fill(&SplitLimits::items(1));
        }
        let items = self.items.get(self.next..end).unwrap_or_default();
        let part = Part { body: self.write(items, bytes), items: items.len() };
        self.next = end;
        Some(part)
    }

    /// Where the part that begins at the next item ends, and how many bytes it takes.
    fn fill(&self, limits: &SplitLimits) -> (usize, usize) {
        let mut size = Size::new(self.path.len());
        let mut bytes = 0;
        let mut at = self.next;
        for item in self.items.get(self.next..).unwrap_or_default().iter().take(limits.items) {
            size.add(self, item);
            let total = size.total();
            if total > limits.bytes {
                break;
            }
            bytes = total;
            at += 1;
        }
        (at, bytes)
    }

    /// Collects the nodes, gaps and items of the message at `start..end`.
    fn walk(&mut self, body: &[u8], level: usize, start: usize, end: usize, parent: u32) -> Result<(), DecodeError> {
        let Some(tags) = self.path.get(level).copied() else { return Ok(()) };
        let last = level + 1 == self.path.len();
        // The gaps of this message are kept together, those of its children follow.
        let mut gaps: Vec<(u32, u32)> = Vec::new();
        let mut reader = Reader::new(body, start, end);
        while !reader.done() {
            let field = reader.pos;
            let tag = reader.tag()?;
            match u8::try_from(tag) {
                Ok(tag) if tags.contains(&tag) => {
                    let (from, to) = reader.delimited()?;
                    if last {
                        self.items.push(Item { start: field as u32, end: to as u32, parent });
                    } else {
                        let node = self.nodes.len() as u32;
                        self.nodes.push(Node { parent, tag, gaps: 0, gaps_len: 0, gap_bytes: 0 });
                        self.walk(body, level + 1, from, to, node)?;
                    }
                }
                _ if tags.iter().any(|wanted| u32::from(*wanted) >> 3 == tag >> 3) => return wire_type("request", field),
                _ => {
                    reader.skip(tag)?;
                    match gaps.last_mut() {
                        Some((_, to)) if *to == field as u32 => *to = reader.pos as u32,
                        _ => gaps.push((field as u32, reader.pos as u32)),
                    }
                }
            }
        }
        // What stands beside the resources is in no message of ours: parts leave it out.
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            node.gaps = self.gaps.len() as u32;
            node.gaps_len = gaps.len() as u32;
            node.gap_bytes = gaps.iter().map(|(from, to)| to - from).sum();
            self.gaps.append(&mut gaps);
        }
        Ok(())
    }

    /// The nodes above an item, outermost first.
    fn chain(&self, item: &Item) -> [u32; LEVELS] {
        let mut chain = [TOP; LEVELS];
        let mut at = item.parent;
        for slot in chain.iter_mut().take(self.path.len() - 1).rev() {
            *slot = at;
            at = self.nodes.get(at as usize).map_or(TOP, |node| node.parent);
        }
        chain
    }

    /// Writes items, which take `bytes`.
    fn write(&self, items: &[Item], bytes: usize) -> Bytes {
        let mut writer = Writer { splitter: self, out: Vec::with_capacity(bytes) };
        writer.level(0, items);
        debug_assert_eq!(writer.out.len(), bytes, "a part takes what was reckoned");
        writer.out.into()
    }
}

/// Bytes of the part that is being filled, level by level.
struct Size {
    /// Levels that are open: the request and the nodes above the last item.
    depth: usize,
    chain: [u32; LEVELS],
    /// Bytes inside each open level without the one that is open below it.
    inside: [usize; LEVELS + 1],
}

impl Size {
    fn new(path: usize) -> Size {
        Size { depth: path, chain: [TOP; LEVELS], inside: [0; LEVELS + 1] }
    }

    fn add(&mut self, splitter: &Splitter, item: &Item) {
        let chain = splitter.chain(item);
        let levels = self.depth - 1;
        let common = (0..levels).take_while(|level| self.chain[*level] == chain[*level]).count();
        for level in (common..levels).rev() {
            if self.chain[level] != TOP {
                self.inside[level] += field_len(self.inside[level + 1]);
            }
        }
        for (level, node) in chain.iter().enumerate().take(levels).skip(common) {
            self.inside[level + 1] = splitter.nodes.get(*node as usize).map_or(0, |node| node.gap_bytes as usize);
        }
        self.chain = chain;
        self.inside[levels] += (item.end - item.start) as usize;
    }

    fn total(&self) -> usize {
        // Nothing was added: no level is open.
        if self.chain[0] == TOP {
            return 0;
        }
        let levels = self.depth - 1;
        self.inside.iter().take(levels).rev().fold(self.inside[levels], |below, inside| inside + field_len(below))
    }
}

/// A message with its tag, which is one byte at these levels, and its length.
fn field_len(body: usize) -> usize {
    1 + varint_len(body as u64) + body
}

struct Writer<'a> {
    splitter: &'a Splitter,
    out: Vec<u8>,
}

impl Writer<'_> {
    /// Writes neighbouring items that share the nodes above `level`.
    fn level(&mut self, level: usize, items: &[Item]) {
        if level + 1 == self.splitter.path.len() {
            let (Some(first), Some(last)) = (items.first(), items.last()) else { return };
            let adjacent = items.windows(2).all(|pair| pair[0].end == pair[1].start);
            if adjacent {
                return self.copy(first.start, last.end);
            }
            return items.iter().for_each(|item| self.copy(item.start, item.end));
        }
        for group in items.chunk_by(|one, other| self.splitter.chain(one)[level] == self.splitter.chain(other)[level]) {
            let node = group.first().map(|item| self.splitter.chain(item)[level]);
            let Some(node) = node.and_then(|node| self.splitter.nodes.get(node as usize)).copied() else { continue };
            let mut size = Size::new(self.splitter.path.len());
            group.iter().for_each(|item| size.add(self.splitter, item));
            // The levels above hold nothing but this group, so what is inside this one is known from the sum.
            let body = size.below(level);
            self.out.push(node.tag);
            put_varint(&mut self.out, body as u64);
            let gaps = node.gaps as usize..(node.gaps + node.gaps_len) as usize;
            for (from, to) in self.splitter.gaps.get(gaps).unwrap_or_default() {
                self.copy(*from, *to);
            }
            self.level(level + 1, group);
        }
    }

    fn copy(&mut self, from: u32, to: u32) {
        self.out.extend_from_slice(self.splitter.body.get(from as usize..to as usize).unwrap_or_default());
    }
}

impl Size {
    /// Bytes inside the open message of a level.
    fn below(&self, level: usize) -> usize {
        let levels = self.depth - 1;
        let inner = self.inside.iter().take(levels).skip(level + 1).rev();
        inner.fold(self.inside[levels], |below, inside| inside + field_len(below))
    }
}
