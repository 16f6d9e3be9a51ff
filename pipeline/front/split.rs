//! Splits a queued chunk where a batch is full: exactly, as the Collector does, for spans and log records.
//!
//! Metrics and what is measured in bytes are never split: a chunk that is larger than a batch is a batch of its own.

use crate::Chunk;
use crate::front::lane::Item;
use crate::front::settings::Sizer;
use bytes::Bytes;
use chaperone_proto::Data;

/// What of a chunk fits.
pub(crate) enum Head {
    Whole(Item),
    Parts(Item, Item),
    TooLarge(Item),
}

/// The part of `item` that fits into `room`.
pub(crate) fn head(item: Item, room: u64, sizer: Sizer) -> Head {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let size = if sizer == Sizer::Bytes { item.bytes } else { item.chunk.items };
    if size <= room {
        return Head::Whole(item);
    }
    if sizer == Sizer::Bytes || room == 0 {
        return Head::TooLarge(item);
    }
    let Some((head, tail)) = cut(&item.chunk, room) else {
        return Head::TooLarge(item);
    };
    let bytes = item.bytes * room / item.chunk.items.max(1);
    let part = |body, items, bytes, ack, last_part| Item {
        chunk: Chunk { signal: item.chunk.signal, body, items, client: item.chunk.client.clone() },
        bytes,
        ack,
        since: item.since,
        last_part,
    };
    let first = part(head, room, bytes, item.ack.as_ref().map(crate::Ack::share), false);
    let rest = item.chunk.items - room;
    let second_bytes = item.bytes - bytes;
    let (last_part, client, signal, since) = (item.last_part, item.chunk.client.clone(), item.chunk.signal, item.since);
    let second =
        Item { chunk: Chunk { signal, body: tail, items: rest, client }, bytes: second_bytes, ack: item.ack, since, last_part };
    Head::Parts(first, second)
}

/// Encoded halves: the first `at` records and the others.
fn cut(chunk: &Chunk, at: usize) -> Option<(Vec<Bytes>, Vec<Bytes>)> {
    let at = u32::try_from(at).ok()?;
    let all = u32::try_from(chunk.items).ok()?;
    let (first, second): (Vec<u32>, Vec<u32>) = ((0..at).collect(), (at..all).collect());
    match chunk.decode().ok()? {
        Data::Traces(traces) => Some((traces.extract(&first).encode(), traces.extract(&second).encode())),
        Data::Logs(logs) => Some((logs.extract(&first).encode(), logs.extract(&second).encode())),
        Data::Metrics(_) => None,
    }
}
