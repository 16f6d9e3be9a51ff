//! Sessions being watched: a shard of them, bounded by number and memory.

use chaperone_genai::detect::loops::Who;
use chaperone_genai::detect::{Finding, LoopDetector, LoopSettings, Observed, Reorder, SessionKey, Step, Taken};
use std::collections::HashMap;
use std::time::Duration;

/// Sessions of one shard.
#[derive(Debug, Default)]
pub struct Sessions {
    by_key: HashMap<SessionKey, Session>,
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

/// A step with the sequence it belongs to.
#[derive(Debug)]
pub struct Placed {
    pub who: Who,
    pub service: String,
    pub step: Step,
    /// What the tenant's senders have passed, event time.
    pub watermark_ns: u64,
}

#[derive(Debug)]
struct Session {
    who: Who,
    service: String,
    waiting: Reorder,
    loops: LoopDetector,
    watermark_ns: u64,
    arrived: Duration,
    told: Duration,
    bytes: usize,
}

impl Placed {
    /// The sequence of the step's agent.
    pub fn of_agent(observed: Observed, watermark_ns: u64) -> Placed {
        let Observed { key, service, conversation, step } = observed;
        Placed { who: Who { key, conversation, scope: Default::default() }, service, step, watermark_ns }
    }
}

impl Sessions {
    /// Takes a step in; nothing is judged before `judge`.
    pub fn push(&mut self, placed: Placed, now: Duration, happened: &mut Happened) {
        let Placed { who, service, step, watermark_ns } = placed;
        let session = self.by_key.entry(who.key.clone()).or_insert_with(|| Session::new(who, service, now));
        session.arrived = now;
        session.watermark_ns = session.watermark_ns.max(watermark_ns);
        match session.waiting.push(step, session.watermark_ns) {
            Taken::Held => happened.steps += 1,
            Taken::Late => happened.late += 1,
        }
    }

    /// Judges what the watermark has passed in the session of `key`.
    pub fn judge(&mut self, key: &SessionKey, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        if let Some(session) = self.by_key.get_mut(key) {
            session.release(false, bounds, now, out);
            self.bytes += session.recount();
        }
    }

    /// Judges what waited long enough by the wall clock, tells what has grown, forgets old sessions.
    pub fn tick(&mut self, bounds: &Bounds, now: Duration, happened: &mut Happened, out: &mut Vec<Found>) {
        let mut gone = Vec::new();
        for (key, session) in &mut self.by_key {
            let quiet = now.saturating_sub(session.arrived);
            if !session.waiting.is_empty() {
                session.release(quiet >= bounds.lateness, bounds, now, out);
                self.bytes += session.recount();
            }
            let due = quiet >= bounds.lateness || now.saturating_sub(session.told) >= bounds.update_interval;
            if due && session.loops.has_untold() {
                session.tell(bounds, now, out);
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
                self.by_key.iter().map(|(key, session)| (session.arrived, key.clone())).collect();
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
        for session in self.by_key.values_mut() {
            session.release(true, bounds, now, out);
            session.tell(bounds, now, out);
        }
        self.by_key.clear();
        self.bytes = 0;
    }

    /// Number of sessions, and bytes of memory.
    pub fn sizes(&self) -> (usize, usize) {
        (self.by_key.len(), self.bytes)
    }

    fn forget(&mut self, key: &SessionKey, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        let Some(mut session) = self.by_key.remove(key) else { return };
        session.release(true, bounds, now, out);
        session.tell(bounds, now, out);
        self.bytes = self.bytes.saturating_sub(session.bytes);
    }
}

impl Session {
    fn new(who: Who, service: String, now: Duration) -> Session {
        Session {
            who,
            service,
            waiting: Reorder::default(),
            loops: LoopDetector::default(),
            watermark_ns: 0,
            arrived: now,
            told: now,
            bytes: 0,
        }
    }

    fn release(&mut self, everything: bool, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        let mut findings = Vec::new();
        loop {
            let next = if everything { self.waiting.pop() } else { self.waiting.next(self.watermark_ns) };
            let Some(step) = next else { break };
            self.loops.step(&step, &self.who, &bounds.loops, &mut findings);
        }
        self.give(findings, now, out);
    }

    fn tell(&mut self, bounds: &Bounds, now: Duration, out: &mut Vec<Found>) {
        let mut findings = Vec::new();
        self.loops.flush(&self.who, &bounds.loops, &mut findings);
        self.give(findings, now, out);
    }

    fn give(&mut self, findings: Vec<Finding>, now: Duration, out: &mut Vec<Found>) {
        if !findings.is_empty() {
            self.told = now;
        }
        out.extend(findings.into_iter().map(|finding| Found { service: self.service.clone(), finding }));
    }

    /// By how much its memory has grown (what shrank is noticed when it is forgotten).
    fn recount(&mut self) -> usize {
        let key = &self.who.key;
        let texts = 2 * (key.tenant.len() + key.agent.len() + key.session.len()) + self.service.len();
        let bytes = size_of::<Session>() + texts + self.loops.bytes() + self.waiting.len() * 2 * size_of::<Step>();
        let grown = bytes.saturating_sub(self.bytes);
        self.bytes = self.bytes.max(bytes);
        grown
    }
}
