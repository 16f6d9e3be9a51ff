//! Merging requests and cutting them to size.
//!
//! Merging is concatenation of the serialized requests; cutting looks only at the levels above items.

use super::waiting::{Held, Queue};
use chaperone_pipeline::{Ack, Batch};
use chaperone_proto::{Data, Limits, SplitLimits, Splitter};

/// Cuts batches of at most `most` items off a queue, the last one only when `all` or at least `enough` are left.
pub(super) fn cut(queue: &mut Queue, most: usize, enough: usize, all: bool) -> Vec<Vec<Held>> {
    let mut batches = Vec::new();
    let mut left: std::collections::VecDeque<Held> = std::mem::take(&mut queue.held).into();
    while queue.items > 0 && (all || queue.items >= enough) {
        let mut batch = Vec::new();
        let mut room = most;
        while room > 0
            && let Some(held) = left.pop_front()
        {
            let items = held.batch.items();
            let held = if items <= room {
                held
            } else {
                let mut parts = split(held, room, most);
                let head = parts.remove(0);
                for part in parts.into_iter().rev() {
                    left.push_front(part);
                }
                head
            };
            room -= held.batch.items().min(room);
            queue.items -= held.batch.items();
            batch.push(held);
        }
        batches.push(batch);
    }
    queue.held = left.into();
    batches
}

/// The first `room` items, then parts of `most`, each with a share.
fn split(held: Held, room: usize, most: usize) -> Vec<Held> {
    let Held { batch, ack, awaited } = held;
    let signal = batch.signal();
    let splitter = Splitter::new(signal, batch.data.encode_contiguous());
    let mut splitter = splitter.expect("invariant: what was indexed can be cut");
    let mut parts = Vec::new();
    let mut limits = SplitLimits::items(room);
    let mut ack = Some(ack);
    while let Some(part) = splitter.next_part(&limits) {
        let data = Data::decode(signal, part.body, &Limits::NONE).expect("invariant: parts of a request are requests");
        // The last part takes what is left of the acknowledgement, so that no share is without a part.
        let own = if splitter.items_left() == 0 { ack.take() } else { ack.as_ref().map(Ack::share) };
        if let Some(ack) = own {
            parts.push(Held { batch: Batch { data, client: batch.client.clone() }, ack, awaited });
        }
        limits = SplitLimits::items(most);
    }
    parts
}

/// One batch of several requests, with one share that stands for all of theirs. Several where they cannot be merged:
/// nothing is lost for that.
pub(super) fn merge(held: Vec<Held>) -> Vec<(Batch, Ack)> {
    if held.len() < 2 {
        return held.into_iter().map(|held| (held.batch, held.ack)).collect();
    }
    let signal = held[0].batch.signal();
    let items: usize = held.iter().map(|held| held.batch.items()).sum();
    let parts: Vec<Data> = held.iter().map(|held| held.batch.data.clone()).collect();
    match Data::concat(signal, &parts) {
        Ok(data) if data.items() == items => {
            let client = held[0].batch.client.clone();
            let acks = held.into_iter().map(|held| held.ack).collect();
            vec![(Batch { data, client }, Ack::merge(acks))]
        }
        // More than the offsets of an index can name: they go on as they came.
        _ => held.into_iter().map(|held| (held.batch, held.ack)).collect(),
    }
}
