//! What is settled of a batch that is being posted, so that another attempt does not post it again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Batches remembered; the oldest goes first. `Idempotency-Key` protects receivers from what is forgotten here.
const MAX_BATCHES: usize = 256;

/// Records settled in batches that were not finished.
#[derive(Debug, Default)]
pub(super) struct Progress {
    batches: Mutex<Batches>,
}

#[derive(Debug, Default)]
struct Batches {
    settled: HashMap<u128, Settled>,
    order: VecDeque<u128>,
}

/// What is settled of one batch.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled {
    /// Positions of records that were delivered or refused for good.
    pub(super) records: HashSet<usize>,
    /// How many of them were refused.
    pub(super) refused: usize,
}

impl Progress {
    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is settled so far.
    pub(super) fn of(&self, batch: u128) -> Settled {
        self.batches().settled.get(&batch).cloned().unwrap_or_default()
    }

    /// One more record is settled.
    pub(super) fn settle(&self, batch: u128, record: usize, refused: bool) {
        let mut batches = self.batches();
        if !batches.settled.contains_key(&batch) {
            if batches.order.len() == MAX_BATCHES
                && let Some(oldest) = batches.order.pop_front()
            {
                batches.settled.remove(&oldest);
            }
            batches.order.push_back(batch);
        }
        let settled = batches.settled.entry(batch).or_default();
        settled.records.insert(record);
        settled.refused += usize::from(refused);
    }

    /// The batch is finished.
    pub(super) fn forget(&self, batch: u128) {
        let mut batches = self.batches();
        if batches.settled.remove(&batch).is_some() {
            batches.order.retain(|known| *known != batch);
        }
    }
}
