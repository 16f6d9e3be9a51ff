//! The lists of an index that went away serve the next one of the same thread: no allocation a span.
//!
//! Only capacity is kept, a bounded amount a thread; nothing of a request outlives it here.

use crate::Signal;
use crate::index::{Attr, Child, Index, LogPart, Patch, Rare, Record, Resource, Scope, SpanPart};
use bytes::Bytes;
use std::cell::Cell;

/// Lists that one thread keeps, and how many bytes one set of them may hold.
const SETS: usize = 4;
const SET_BYTES: usize = 1 << 20;
/// A set much larger than the request would make the request look large.
const SMALL: usize = 16 << 10;

/// The emptied lists of one index.
struct Lists {
    side: Vec<u8>,
    attrs: Vec<Attr>,
    extra: Vec<Attr>,
    records: Vec<Record>,
    spans: Vec<SpanPart>,
    logs: Vec<LogPart>,
    rare: Vec<Rare>,
    patches: Vec<Patch>,
    events: Vec<Child>,
    links: Vec<Child>,
    scopes: Vec<Scope>,
    resources: Vec<Resource>,
    bytes: usize,
}

thread_local! {
    static POOL: Cell<Vec<Lists>> = const { Cell::new(Vec::new()) };
}

impl Index {
    /// An empty index over a request, with lists of this thread's last ones where they fit.
    pub fn new(signal: Signal, base: Bytes) -> Index {
        let most = SMALL.max(4 * base.len());
        let mut pool = POOL.take();
        let lists = pool.pop_if(|lists| lists.bytes <= most);
        POOL.set(pool);
        match lists {
            Some(lists) => Index {
                signal,
                base,
                side: lists.side,
                attrs: lists.attrs,
                extra: lists.extra,
                records: lists.records,
                spans: lists.spans,
                logs: lists.logs,
                rare: lists.rare,
                patches: lists.patches,
                events: lists.events,
                links: lists.links,
                scopes: lists.scopes,
                resources: lists.resources,
                live: None,
                repaired: 0,
            },
            None => Index {
                signal,
                base,
                side: Vec::new(),
                attrs: Vec::new(),
                extra: Vec::new(),
                records: Vec::new(),
                spans: Vec::new(),
                logs: Vec::new(),
                rare: Vec::new(),
                patches: Vec::new(),
                events: Vec::new(),
                links: Vec::new(),
                scopes: Vec::new(),
                resources: Vec::new(),
                live: None,
                repaired: 0,
            },
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        let bytes = self.list_bytes();
        let mut pool = POOL.take();
        if bytes > 0 && bytes <= SET_BYTES && pool.len() < SETS {
            pool.push(Lists {
                side: emptied(&mut self.side),
                attrs: emptied(&mut self.attrs),
                extra: emptied(&mut self.extra),
                records: emptied(&mut self.records),
                spans: emptied(&mut self.spans),
                logs: emptied(&mut self.logs),
                rare: emptied(&mut self.rare),
                patches: emptied(&mut self.patches),
                events: emptied(&mut self.events),
                links: emptied(&mut self.links),
                scopes: emptied(&mut self.scopes),
                resources: emptied(&mut self.resources),
                bytes,
            });
        }
        POOL.set(pool);
    }
}

fn emptied<T>(list: &mut Vec<T>) -> Vec<T> {
    let mut list = std::mem::take(list);
    list.clear();
    list
}
