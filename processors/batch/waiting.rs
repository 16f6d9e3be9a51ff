//! Requests that wait to be merged, apart by whoever must stay apart, and the batches cut from them.
//!
//! Nothing here runs anything downstream: what is cut is given out after the lock is gone.

use chaperone_pipeline::{Ack, Batch, ClientInfo};
use chaperone_proto::Signal;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What batches are kept apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub signal: Signal,
    /// Derived data are best effort: merged with requests they would take room that was never reserved for them.
    pub derived: bool,
    /// For each of `metadata_keys` the client's values.
    pub values: Vec<Vec<String>>,
}

/// A request, or what is left of one.
pub(super) struct Held {
    pub batch: Batch,
    pub ack: Ack,
    /// Whether a client waits for it.
    pub awaited: bool,
}

/// Requests of one group.
#[derive(Default)]
pub(super) struct Queue {
    pub held: Vec<Held>,
    pub items: usize,
    /// When the first of them came, or when a batch was cut of them last.
    pub since: Duration,
    /// Metadata that goes on with them.
    pub client: Option<Arc<ClientInfo>>,
}

/// All that waits in one instance.
#[derive(Default)]
pub(super) struct Waiting {
    pub queues: HashMap<Group, Queue>,
    /// Requests in all queues for which a client waits; parts of one count as one.
    pub awaited: usize,
    /// Memory that they keep alive.
    pub bytes: usize,
}

/// A combination of metadata too many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Waiting {
    /// Whether a further request of this group may come.
    pub fn has_room_for(&self, group: &Group, limit: usize) -> Result<(), TooMany> {
        let known = limit == 0 || self.queues.len() < limit || self.queues.contains_key(group);
        if known { Ok(()) } else { Err(TooMany) }
    }

    /// Adds a request; gives the items that wait in its group now.
    pub fn push(&mut self, group: Group, held: Held, client: Option<Arc<ClientInfo>>, now: Duration) -> usize {
        self.awaited += usize::from(held.awaited);
        self.bytes += held.batch.data.pinned_bytes();
        let queue = self.queues.entry(group).or_default();
        if queue.held.is_empty() {
            queue.since = now;
        }
        queue.items += held.batch.items();
        queue.client = client;
        queue.held.push(held);
        queue.items
    }

    /// All that waits in a group. Groups are remembered, because the limit is one on all that were ever seen.
    pub fn take(&mut self, group: &Group, forget: bool) -> Queue {
        let Some(queue) = self.queues.get_mut(group) else { return Queue::default() };
        let taken = Queue {
            held: std::mem::take(&mut queue.held),
            items: std::mem::take(&mut queue.items),
            since: queue.since,
            client: queue.client.clone(),
        };
        for held in &taken.held {
            self.awaited -= usize::from(held.awaited);
            self.bytes = self.bytes.saturating_sub(held.batch.data.pinned_bytes());
        }
        if forget {
            self.queues.remove(group);
        }
        taken
    }

    /// Groups in which something waits, in the order in which it came.
    pub fn groups(&self) -> Vec<(Duration, Group)> {
        let waiting = self.queues.iter().filter(|(_, queue)| !queue.held.is_empty());
        let mut groups: Vec<_> = waiting.map(|(group, queue)| (queue.since, group.clone())).collect();
        groups.sort_by_key(|(since, _)| *since);
        groups
    }

    /// When the first group has waited for `timeout`.
    pub fn next_deadline(&self, timeout: Duration) -> Option<Duration> {
        let since = self.queues.values().filter(|queue| !queue.held.is_empty()).map(|queue| queue.since);
        since.min().map(|since| since + timeout)
    }
}
