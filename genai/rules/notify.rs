//! Who was told what: an alert is notified once when it fires and once when it is over.
//!
//! Repetitions only move on what is remembered; a higher severity is worth telling again.
//! The memory is bounded by number and age and serializes, so that a restart tells nobody twice.

use super::alert::{Alert, State};
use crate::detect::Severity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Version of the JSON of what is remembered.
pub const STATE_VERSION: u32 = 1;

/// What to do with a state of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody should be told.
    Notify,
    /// Nobody; the word says why, from a closed set.
    Suppress(&'static str),
}

/// What was told, by fingerprint.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<String, Entry>,
    changed: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    id: String,
    seq: u64,
    /// Rank of the severity that was told; `None` = nobody was told that it fires.
    told: Option<u8>,
    is_over: bool,
    seen_ns: u64,
}

impl Ledger {
    /// Decides about one state and remembers it.
    pub fn consider(&mut self, alert: &Alert, now_ns: u64) -> Verdict {
        let known = self.entries.get(&alert.fingerprint).filter(|entry| entry.id == alert.id);
        if known.is_some_and(|entry| alert.seq <= entry.seq) {
            return Verdict::Suppress("duplicate");
        }
        let told = known.and_then(|entry| entry.told);
        let rank = rank(alert.severity);
        let verdict = match alert.state {
            State::Firing if told.is_none_or(|told| rank > told) => Verdict::Notify,
            State::Firing => Verdict::Suppress("already_notified"),
            State::Resolved if told.is_some() && !known.is_some_and(|entry| entry.is_over) => Verdict::Notify,
            State::Resolved => Verdict::Suppress("never_notified"),
            State::Pending => Verdict::Suppress("pending"),
            _ => Verdict::Suppress("not_for_notification"),
        };
        let told = if alert.state == State::Firing { Some(rank.max(told.unwrap_or(0))) } else { told };
        let entry =
            Entry { id: alert.id.clone(), seq: alert.seq, told, is_over: alert.state == State::Resolved, seen_ns: now_ns };
        self.entries.insert(alert.fingerprint.clone(), entry);
        self.changed.insert(alert.fingerprint.clone());
        verdict
    }

    /// Forgets what is over and old, and the oldest of too many; gives how many of the latter.
    pub fn forget(&mut self, now_ns: u64, keep: Duration, most: usize) -> usize {
        let before_ns = now_ns.saturating_sub(keep.as_nanos() as u64);
        let old: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.is_over && entry.seen_ns < before_ns)
            .map(|(fingerprint, _)| fingerprint.clone())
            .collect();
        self.remove(&old);
        let surplus = self.entries.len().saturating_sub(most);
        if surplus > 0 {
            let mut by_age: Vec<(bool, u64, String)> =
                self.entries.iter().map(|(fingerprint, entry)| (!entry.is_over, entry.seen_ns, fingerprint.clone())).collect();
            by_age.sort_unstable();
            let evicted: Vec<String> = by_age.into_iter().take(surplus).map(|(_, _, fingerprint)| fingerprint).collect();
            self.remove(&evicted);
        }
        surplus
    }

    /// What changed since the last call: fingerprint, and JSON or `None` when it is forgotten.
    pub fn take_changes(&mut self) -> Vec<(String, Option<String>)> {
        let state = |fingerprint: &String| {
            let json = self
                .entries
                .get(fingerprint)
                .map(|entry| serde_json::to_string(entry).expect("invariant: an entry holds nothing that JSON cannot"));
            (fingerprint.clone(), json)
        };
        let changes = self.changed.iter().map(state).collect();
        self.changed.clear();
        changes
    }

    /// Whether something changed since it was last handed out.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Takes changes back that could not be stored: they are handed out again.
    pub fn put_back(&mut self, changes: &[(String, Option<String>)]) {
        self.changed.extend(changes.iter().map(|(fingerprint, _)| fingerprint.clone()));
    }

    /// Takes in what an earlier process remembered. False when it cannot be read.
    pub fn restore(&mut self, fingerprint: &str, version: u32, json: &str) -> bool {
        match serde_json::from_str::<Entry>(json) {
            Ok(entry) if version == STATE_VERSION => {
                self.entries.insert(fingerprint.to_owned(), entry);
                true
            }
            _ => false,
        }
    }

    /// Alerts remembered, and how many of them fire.
    pub fn sizes(&self) -> (usize, usize) {
        (self.entries.len(), self.entries.values().filter(|entry| entry.told.is_some() && !entry.is_over).count())
    }

    fn remove(&mut self, fingerprints: &[String]) {
        for fingerprint in fingerprints {
            self.entries.remove(fingerprint);
            self.changed.insert(fingerprint.clone());
        }
    }
}

fn rank(severity: Severity) -> u8 {
    severity as u8
}
