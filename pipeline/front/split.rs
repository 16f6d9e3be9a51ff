//! Splits a queued chunk where a batch is full: no batch passes its size unless a single item alone does.
//!
//! What is left of a chunk stays a splitter, so that a chunk of many batches is looked through once.

use crate::Chunk;
use crate::front::settings::Sizer;
use crate::front::waiting::Item;
use chaperone_proto::{SplitLimits, Splitter};

/// What of a chunk fits.
pub(crate) enum Head {
    Whole(Item),
    Parts(Item, Item),
    /// Not even one item.
    Nothing(Item),
}

/// The part of `item` that fits into `room`; at least one of its items when `alone`.
pub(crate) fn head(mut item: Item, room: u64, sizer: Sizer, alone: bool) -> Head {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let limits = if sizer == Sizer::Bytes { SplitLimits::bytes(room) } else { SplitLimits::items(room) };
    let mut splitter = match item.rest.take() {
        Some(splitter) => splitter,
        None => {
            let size = if sizer == Sizer::Bytes { item.chunk.bytes() } else { item.chunk.items };
            if size <= room {
                return Head::Whole(item);
            }
            match Splitter::new(item.chunk.signal, item.chunk.contiguous()) {
                Ok(splitter) if splitter.items_left() > 0 => Box::new(splitter),
                // It was encoded by us; if it cannot be split it can still be sent.
                _ if alone => return Head::Whole(item),
                _ => return Head::Nothing(item),
            }
        }
    };
    let before = splitter.items_left();
    let part = if alone { splitter.next_part(&limits) } else { splitter.fitting_part(&limits) };
    let Item { chunk, bytes, ack, since, last_part, .. } = item;
    let of = |items, body| Chunk { signal: chunk.signal, body, items, client: chunk.client.clone() };
    let Some(part) = part else {
        return Head::Nothing(Item { chunk: of(before, Vec::new()), bytes, ack, since, last_part, rest: Some(splitter) });
    };
    let head = of(part.items, vec![part.body]);
    let left = splitter.items_left();
    if left == 0 {
        return Head::Whole(Item { chunk: head, bytes, ack, since, last_part, rest: None });
    }
    // What the account was charged with is shared out by items: together the parts give back exactly that.
    let share = usize::try_from(bytes as u128 * part.items as u128 / before as u128).unwrap_or(bytes);
    let shared_ack = ack.as_ref().map(crate::Ack::share);
    let first = Item { chunk: head, bytes: share, ack: shared_ack, since, last_part: false, rest: None };
    let tail = Item { chunk: of(left, Vec::new()), bytes: bytes - share, ack, since, last_part, rest: Some(splitter) };
    Head::Parts(first, tail)
}
