//! Response ids by trace, across senders: the client and the server of one call are two resources.

use super::{Call, Identity};
use crate::fast_hash::Map;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;

/// Who named an id first in a trace. Bounded: the oldest go first.
#[derive(Debug, Default)]
pub struct TraceLinks {
    first: Map<([u8; 16], u64), (Identity, u64)>,
    order: VecDeque<([u8; 16], u64)>,
}

impl TraceLinks {
    /// Claims the ids of a call in its trace. Returns who of another sender claimed one before.
    ///
    /// Records that own nothing claim nothing. `max`: most ids that are kept; returns how many had to go as second value.
    pub fn claim(&mut self, call: &Call, max: usize) -> (Option<Identity>, u64) {
        let (Some(trace), Some(identity)) = (call.trace, call.identity) else { return (None, 0) };
        let claims = call.may_own && call.tokens.is_some();
        let mut owner = None;
        for id in call.ids() {
            match self.first.entry((trace, id)) {
                Entry::Occupied(held) => {
                    let (first, resource) = *held.get();
                    if first != identity && resource != call.resource {
                        owner = owner.or(Some(first));
                    }
                }
                Entry::Vacant(free) if claims => {
                    free.insert((identity, call.resource));
                    self.order.push_back((trace, id));
                }
                Entry::Vacant(_) => {}
            }
        }
        let mut evicted = 0;
        while self.order.len() > max {
            if let Some(oldest) = self.order.pop_front() {
                self.first.remove(&oldest);
                evicted += 1;
            }
        }
        (owner, evicted)
    }

    /// Ids kept.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
