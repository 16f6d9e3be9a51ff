//! What was counted, kept beyond the process: blocks of decisions in the order in which they were made.
//!
//! A block grows until it is full and is then never written again; the oldest goes when the others hold as many records as
//! the window does. One memory serves all instances of an id, and the first of them to start restores it.

use super::window::SharedWindow;
use chaperone_genai::usage::journal;
use chaperone_pipeline::storage::{Change, Stored};
use chaperone_pipeline::{Checkpoints, Counter, Host, StartError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Records of a full block: what is written again at most with each checkpoint.
const BLOCK: usize = 256;
/// Longest wait for the store at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// The checkpoints of a window.
#[derive(Default)]
pub(super) struct Memory {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The `storage` that was restored from, and where checkpoints go.
    open: Option<(Option<String>, Arc<Checkpoints>)>,
    /// Numbers of the blocks that are stored, and how many records each holds.
    blocks: VecDeque<(u64, usize)>,
    /// The last block, while it grows.
    growing: Vec<u8>,
}

impl Memory {
    /// Restores the window and notes decisions down from now on; only the first time for a `storage`.
    pub(super) fn start(
        &self,
        storage: Option<&str>,
        host: &Host,
        window: &SharedWindow,
        max: usize,
        failures: Counter,
    ) -> Result<(), StartError> {
        let mut state = self.lock();
        if state.open.as_ref().is_some_and(|(open, _)| open.as_deref() == storage) {
            return Ok(());
        }
        let checkpoints = host.checkpoints(storage, failures)?;
        let stored = checkpoints.load().map_err(|error| StartError::caused_by("cannot read what was counted", error))?;
        let mut fresh = State::default();
        let (mut records, mut left_behind) = (0, Vec::new());
        for (key, Stored { version, value }) in stored {
            let entries = if version == journal::VERSION { journal::read(&value) } else { None };
            let (Some(entries), Ok(number)) = (entries, u64::from_str_radix(&key, 16)) else {
                left_behind.push(Change::Delete { key });
                continue;
            };
            records += entries.len();
            fresh.blocks.push_back((number, entries.len()));
            window.restore(entries, max);
        }
        if !left_behind.is_empty() {
            tracing::warn!(blocks = left_behind.len(), component = %host.id(), "what another version counted was left behind");
            checkpoints.put(left_behind);
        }
        tracing::info!(records, component = %host.id(), "what was counted before is known");
        // The last block is not known in its bytes: a new one begins.
        fresh.open = Some((storage.map(str::to_owned), Arc::new(checkpoints)));
        *state = fresh;
        window.begin_notes();
        Ok(())
    }

    /// Hands over what was decided since the last time.
    pub(super) fn checkpoint(&self, window: &SharedWindow, max: usize) {
        let mut state = self.lock();
        let Some((_, checkpoints)) = state.open.clone() else { return };
        let notes = window.take_notes();
        let mut changes = Vec::new();
        for chunk in notes.chunks(BLOCK) {
            if state.growing.is_empty() {
                let number = state.blocks.back().map_or(0, |(number, _)| number + 1);
                state.blocks.push_back((number, 0));
                state.growing = journal::begin();
            }
            for entry in chunk {
                journal::write(entry, &mut state.growing);
            }
            let value = state.growing.clone();
            let Some((number, records)) = state.blocks.back_mut() else { return };
            *records += chunk.len();
            let is_full = *records >= BLOCK;
            changes.push(Change::Set { key: format!("{number:016x}"), stored: Stored { version: journal::VERSION, value } });
            if is_full {
                state.growing.clear();
            }
        }
        let mut kept: usize = state.blocks.iter().map(|(_, records)| records).sum();
        while let Some((number, records)) = state.blocks.front().copied()
            && state.blocks.len() > 1
            && kept - records >= max
        {
            state.blocks.pop_front();
            kept -= records;
            changes.push(Change::Delete { key: format!("{number:016x}") });
        }
        drop(state);
        checkpoints.put(changes);
    }

    /// Waits for the store: the end.
    pub(super) fn flush(&self) {
        let open = self.lock().open.clone();
        if let Some((_, checkpoints)) = open {
            checkpoints.flush(FLUSH);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
