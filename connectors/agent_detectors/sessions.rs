//! Sessions being watched: a shard of them, bounded by number and memory.

use super::watermarks::Watermark;
use chaperone_genai::detect::{Finding, LoopSettings, Observed, Session, SessionKey, Taken};
use std::collections::HashMap;
use std::time::Duration;

/// Sessions of one shard.
#[derive(Debug, Default)]
pub struct Sessions {
    by_key: HashMap<SessionKey, Watched>,
    bytes: usize,
}

/// What bounds a shard, and what its sessions are judged by.
#[derive(Debug)]
pub struct Bounds {
    pub lateness: Duration,
    pub session_ttl: Duration,
    pub update_interval: Duration,
    pub max_sessions: usize,
    pub max_bytes: usize,
    pub loops: LoopSettings,
}

/// A finding and the service it is about.
#[derive(Debug)]
pub struct Found {
    pub service: String,
    pub finding: Finding,
}

/// What happened to steps and sessions, for counters.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    pub steps: u64,
    pub late: u64,
    pub evicted: u64,
    pub expired: u64,
}

#[derive(Debug)]
struct Watched {
    session: Session,
    arrived: Duration,
    told: Duration,
    bytes: usize,
}

impl Sessions {
    /// Takes a step in; nothing is judged before `judge`.
    pub fn push(&mut self, observed: Observed, watermark: Watermark, now: Duration, happened: &mut Happened) {
        let Observed { key, service, conversation, step } = observed;
        let watched = self.by_key.entry(key).or_insert_with_key(|key| Watched {
            session: Session::new(key.clone(), service),
            arrived: now,
            told: now,
            bytes: 0,
        });
        watched.arrived = now;
        watched.session.name(conversation);
        match watched.session.push(step, watermark.before_ns) {
            Taken::Held => happened.steps += 1,
            Taken::Late => happened.late += 1,
        }
        watched.session.advance(watermark.after_ns);
    }

    /// Judges what the watermark has passed in the session of `key`.
    pub fn judge(&mut self, key: &SessionKey, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        if let Some(watched) = self.by_key.get_mut(key) {
            watched.release(false, bounds, now, out);
            self.bytes += watched.recount();
        }
    }

    /// Judges what waited long enough by the wall clock, tells what has grown, forgets old sessions.
    pub fn tick(&mut self, bounds: &Bounds, now: Duration, happened: &mut Happened, out: &mut Vec<Found>) {
        let mut gone = Vec::new();
        for (key, watched) in &mut self.by_key {
            let quiet = now.saturating_sub(watched.arrived);
            if watched.session.is_waiting() {
                watched.release(quiet >= bounds.lateness, bounds, now, out);
                self.bytes += watched.recount();
            }
            let due = quiet >= bounds.lateness || now.saturating_sub(watched.told) >= bounds.update_interval;
            if due && watched.session.has_untold() {
                watched.tell(bounds, now, out);
            }
            if quiet >= bounds.session_ttl {
                gone.push(key.clone());
            }
        }
        happened.expired += gone.len() as u64;
        for key in gone {
            self.forget(&key, bounds, now, out);
        }
        self.bound(bounds, now, happened, out);
    }

    /// Forgets the sessions that were quiet longest, an eighth of them at a time, until the bounds are kept.
    pub fn bound(&mut self, bounds: &Bounds, now: Duration, happened: &mut Happened, out: &mut Vec<Found>) {
        while self.by_key.len() > bounds.max_sessions || (self.bytes > bounds.max_bytes && self.by_key.len() > 1) {
            let mut by_age: Vec<(Duration, SessionKey)> =
                self.by_key.iter().map(|(key, watched)| (watched.arrived, key.clone())).collect();
            by_age.sort_unstable();
            let many = (by_age.len() / 8).max(by_age.len().saturating_sub(bounds.max_sessions)).max(1);
            for (_, key) in by_age.into_iter().take(many) {
                self.forget(&key, bounds, now, out);
                happened.evicted += 1;
            }
        }
    }

    /// Judges and tells everything: the end.
    pub fn drain(&mut self, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        for watched in self.by_key.values_mut() {
            watched.release(true, bounds, now, out);
            watched.tell(bounds, now, out);
        }
        self.by_key.clear();
        self.bytes = 0;
    }

    /// Whether a step waits, or a finding has grown since it was told.
    pub fn is_open(&self) -> bool {
        self.by_key.values().any(|watched| watched.session.is_waiting() || watched.session.has_untold())
    }

    /// Number of sessions, and bytes of memory.
    pub fn sizes(&self) -> (usize, usize) {
        (self.by_key.len(), self.bytes)
    }

    fn forget(&mut self, key: &SessionKey, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        let Some(mut watched) = self.by_key.remove(key) else { return };
        watched.release(true, bounds, now, out);
        watched.tell(bounds, now, out);
        self.bytes = self.bytes.saturating_sub(watched.bytes);
    }
}

impl Watched {
    fn release(&mut self, everything: bool, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        let mut findings = Vec::new();
        self.session.release(everything, &bounds.loops, &mut findings);
        self.give(findings, now, out);
    }

    fn tell(&mut self, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        let mut findings = Vec::new();
        self.session.tell(&bounds.loops, &mut findings);
        self.give(findings, now, out);
    }

    fn give(&mut self, findings: Vec<Finding>, now: Duration, out: &mut Vec<Found>) {
        if !findings.is_empty() {
            self.told = now;
        }
        out.extend(findings.into_iter().map(|finding| Found { service: self.session.service().to_owned(), finding }));
    }

    /// By how much its memory has grown (what shrank is noticed when it is forgotten).
    fn recount(&mut self) -> usize {
        let bytes = size_of::<Watched>() + self.session.bytes();
        let grown = bytes.saturating_sub(self.bytes);
        self.bytes = self.bytes.max(bytes);
        grown
    }
}
