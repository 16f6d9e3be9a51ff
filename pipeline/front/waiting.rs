//! What waits in a queue, and how the next delivery is taken out of it: single chunks, batches, all that waits.
//!
//! Batches are kept apart by the metadata that `partition` names; each partition has its own size and its own time. The
//! partition whose oldest chunk is oldest comes first. Partitions live as long as something waits in them, so what is
//! queued bounds their number.

use crate::front::settings::{BatchConfig, FrontSettings, Sizer};
use crate::front::split;
use crate::{Ack, Chunk};
use chaperone_proto::Splitter;
use std::collections::VecDeque;
use tokio::time::Instant;

/// Deliveries of local destinations take at most so much at once.
const IN_ORDER_BYTES: usize = 4 << 20;

/// One chunk in the queue, or a part of one.
pub(crate) struct Item {
    pub chunk: Chunk,
    /// Its share of what the queue's account was charged with.
    pub bytes: usize,
    /// The share that waits for the delivery.
    pub ack: Option<Ack>,
    pub since: Instant,
    /// Whether this is a whole chunk or its last part: one request less in the queue when it is finished.
    pub last_part: bool,
    /// What is left of a chunk that is being split; `chunk` has its number of items and no body.
    pub rest: Option<Box<Splitter>>,
}

/// Requests with the same metadata.
struct Group {
    key: Key,
    items: VecDeque<Item>,
    /// In the unit of the batch's sizes.
    size: u64,
}

/// By metadata key: the values that the client sent.
type Key = Vec<Vec<String>>;

/// All that waits.
#[derive(Default)]
pub(crate) struct Waiting {
    groups: Vec<Group>,
}

/// What there is to do.
pub(crate) enum Due {
    Take(Vec<Item>),
    /// Nothing before that time, unless more comes.
    At(Instant),
    Empty,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(crate) fn push(&mut self, item: Item, settings: &FrontSettings) {
        let key = key_of(&item.chunk, settings);
        let size = size_of(&item, settings);
        match self.groups.iter_mut().find(|group| group.key == key) {
            Some(group) => {
                group.size += size;
                group.items.push_back(item);
            }
            None => self.groups.push(Group { key, items: VecDeque::from([item]), size }),
        }
    }

    /// The next delivery. `eager` waits for nobody: at a shutdown, and when the queue fills up.
    pub(crate) fn due(&mut self, settings: &FrontSettings, eager: bool) -> Due {
        let batch = settings.queue.batch.get().filter(|_| settings.queue.enabled);
        let Some(batch) = batch else {
            let Some(group) = self.groups.first_mut() else { return Due::Empty };
            let taken = if settings.in_order { group.take_in_order(settings) } else { group.pop(settings).into_iter().collect() };
            self.groups.retain(|group| !group.items.is_empty());
            return Due::Take(taken);
        };
        let now = Instant::now();
        let flush = |group: &Group| group.since() + batch.flush_timeout.get();
        let ready = |group: &Group| eager || group.size >= batch.min_size || now >= flush(group);
        let first = self.groups.iter_mut().filter(|group| ready(group)).min_by_key(|group| group.since());
        if let Some(group) = first {
            let taken = group.take_batch(batch, settings);
            self.groups.retain(|group| !group.items.is_empty());
            return Due::Take(taken);
        }
        self.groups.iter().map(flush).min().map_or(Due::Empty, Due::At)
    }

    /// Everything, when nobody will deliver it any more.
    pub(crate) fn take_all(&mut self) -> Vec<Item> {
        std::mem::take(self).groups.into_iter().flat_map(|group| group.items).collect()
    }
}

impl Group {
    /// Since when its oldest chunk waits.
    fn since(&self) -> Instant {
        self.items.front().expect("invariant: a group without items is removed").since
    }
    fn push_front(&mut self, item: Item, settings: &FrontSettings) {
        self.size += size_of(&item, settings);
        self.items.push_front(item);
    }
    fn pop(&mut self, settings: &FrontSettings) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.size = self.size.saturating_sub(size_of(&item, settings));
        Some(item)
    }
    fn take_in_order(&mut self, settings: &FrontSettings) -> Vec<Item> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(item) = self.items.front() {
            if !taken.is_empty() && bytes + item.bytes > IN_ORDER_BYTES {
                break;
            }
            bytes += item.bytes;
            taken.extend(self.pop(settings));
        }
        taken
    }
    /// Without `max_size` a batch is full at `min_size`, so that a backlog does not go out in one delivery.
    fn take_batch(&mut self, batch: &BatchConfig, settings: &FrontSettings) -> Vec<Item> {
        let most = if batch.max_size == 0 { u64::MAX } else { batch.max_size };
        let enough = if batch.max_size == 0 { batch.min_size.max(1) } else { batch.max_size };
        let mut taken = Vec::new();
        let mut size = 0;
        while size < enough
            && let Some(item) = self.pop(settings)
        {
            let item = match split::head(item, most - size, batch.sizer, taken.is_empty()) {
                split::Head::Whole(item) => item,
                split::Head::Parts(head, tail) => {
                    self.push_front(tail, settings);
                    head
                }
                split::Head::Nothing(item) => {
                    self.push_front(item, settings);
                    break;
                }
            };
            size = size.saturating_add(size_of(&item, settings));
            taken.push(item);
        }
        taken
    }
}

/// The values of the keys that keep batches apart. Names are compared without case; a receiver gives them in lower case.
fn key_of(chunk: &Chunk, settings: &FrontSettings) -> Key {
    let Some(batch) = settings.queue.batch.get().filter(|_| settings.queue.enabled) else { return Key::new() };
    let metadata = chunk.client.as_ref().map_or(&[][..], |client| client.metadata.as_slice());
    let values = |key: &String| {
        let of_key = metadata.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        of_key.map(|(_, value)| value.clone()).collect()
    };
    batch.partition.metadata_keys.iter().map(values).collect()
}

/// In the unit of the batch's sizes.
fn size_of(item: &Item, settings: &FrontSettings) -> u64 {
    match settings.queue.batch.get().map(|batch| batch.sizer) {
        // The bytes of a rest are known only when it is written; its share is near enough for "is it time".
        Some(Sizer::Bytes) if item.rest.is_some() => item.bytes as u64,
        Some(Sizer::Bytes) => item.chunk.bytes() as u64,
        _ => item.chunk.items as u64,
    }
}
