//! When repetition is a loop: the firing rules, the score, and what is excused.
//!
//! Excused is polling: a tool of the allow-list never gets here, and unchanged repeats at a regular interval of five
//! seconds and more need ten of them. A failing call that waits longer each time gets one more try.

use super::track::{Entry, Known, PERIODS, Track};
use super::{LoopSettings, Scope};
use crate::detect::Severity;

/// Coefficient of variation below which intervals of one call are regular.
const REGULAR: f64 = 0.2;
/// The same for cycles: pauses of models even out over a cycle, so only a timer is regular.
const REGULAR_CYCLE: f64 = 0.05;
/// Each pause this much longer than the one before: the caller backs off.
const GROWTH: f64 = 1.1;

/// What the detector tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    Loop,
    Oscillation,
    InfiniteRetry,
    NoProgress,
}

impl Pattern {
    /// Detector id of the findings.
    pub fn id(self) -> &'static str {
        match self {
            Pattern::Loop => "loop",
            Pattern::Oscillation => "oscillation",
            Pattern::InfiniteRetry => "infinite_retry",
            Pattern::NoProgress => "no_progress",
        }
    }
}

/// A pattern that the end of the sequence meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measure {
    pub pattern: Pattern,
    /// Calls in a cycle.
    pub period: usize,
    /// Repeats (a repeat known by halves counts half), failures, or steps without progress.
    pub magnitude: u32,
    /// The limit that `magnitude` passed.
    pub limit: u32,
    /// Entries at the end of the ring that belong to it; the ring may have forgotten earlier ones.
    pub entries: usize,
    pub severity: Severity,
    /// Without what the loop cost.
    pub score: f64,
    /// Whether all calls were compared by digests.
    pub is_full: bool,
    /// Share of new results, for `NoProgress`.
    pub novelty: f64,
}

/// All patterns that the end of the sequence meets now.
pub(super) fn measure(track: &Track, scope: Scope, limits: &LoopSettings) -> Vec<Measure> {
    let mut found = Vec::new();
    if let Some(cycle) = cycle(track, scope, limits) {
        found.push(cycle);
        if cycle.period == 2 {
            found.push(Measure { pattern: Pattern::Oscillation, ..cycle });
        }
    }
    if scope == Scope::Agent {
        found.extend(retry(track, limits));
        // A loop explains the lack of progress, also for a while after it; telling both would tell the same twice.
        if found.is_empty() && track.since_loop >= limits.no_progress_steps {
            found.extend(no_progress(track, limits));
        }
    }
    found
}

/// The shortest cycle that repeats often enough, or the one that is going on.
fn cycle(track: &Track, scope: Scope, limits: &LoopSettings) -> Option<Measure> {
    if let Some(period) = track.looping() {
        return cycle_of(track, period, scope, limits);
    }
    (1..=PERIODS).filter(|period| is_primitive(track, *period)).find_map(|period| cycle_of(track, period, scope, limits))
}

fn cycle_of(track: &Track, period: usize, scope: Scope, limits: &LoopSettings) -> Option<Measure> {
    let kept = track.kept(period);
    if kept == 0 {
        return None;
    }
    let seen = 1 + kept / period as u32;
    let known = track.tail(period).map(|entry| entry.known).min()?;
    let repeats = match known {
        Known::Full => seen,
        Known::Half => seen / 2,
        Known::Name => return None,
    };
    let limit = limit(track, period, seen, limits);
    // Only a single call repeated is worth a warning before the limit.
    let warned = period == 1 && limit == limits.repeats && repeats + 1 == limit;
    if repeats < limit && !warned && track.looping() != Some(period) {
        return None;
    }
    if scope == Scope::AllAgents && agents(track, period) < 2 {
        return None;
    }
    let score = 1.0 - (-(f64::from(repeats) - 2.0) / 3.0).exp();
    Some(Measure {
        pattern: Pattern::Loop,
        period,
        magnitude: repeats,
        limit,
        entries: kept as usize + period,
        severity: if repeats < limit { Severity::Low } else { severity(score) },
        score: score.clamp(0.0, 1.0),
        is_full: known == Known::Full,
        novelty: 0.0,
    })
}

/// How many repeats this cycle needs.
fn limit(track: &Track, period: usize, seen: u32, limits: &LoopSettings) -> u32 {
    let usual = if period == 1 { limits.repeats } else { limits.cycle_repeats };
    let fails = track.tail(period).any(|entry| entry.error.is_some());
    if fails {
        let one_more = period == 1 && backs_off(track, seen as usize);
        return if one_more { usual.max(limits.same_error) } else { usual };
    }
    if is_regular(track, period, seen as usize, limits) { usual.max(limits.poll_repeats) } else { usual }
}

fn retry(track: &Track, limits: &LoopSettings) -> Option<Measure> {
    let last = track.backwards().next()?;
    let seen = track.same_error;
    // A tool that fails alike every time is worth telling also where nobody recorded what it was asked.
    let failures = if last.known == Known::Full { seen } else { seen / 2 };
    // One failure less is enough where the caller does not even wait longer each time.
    let without_pause = failures + 1 == limits.same_error && !backs_off(track, seen as usize);
    if failures < limits.same_error && !without_pause {
        return None;
    }
    let severity = match failures {
        more if more > 2 * limits.same_error => Severity::Critical,
        enough if enough >= limits.same_error => Severity::High,
        _ => Severity::Medium,
    };
    Some(Measure {
        pattern: Pattern::InfiniteRetry,
        period: 1,
        magnitude: failures,
        limit: limits.same_error,
        entries: seen as usize,
        severity,
        score: 1.0 - (-(f64::from(failures) - 2.0) / 3.0).exp(),
        is_full: last.known == Known::Full,
        novelty: 0.0,
    })
}

fn no_progress(track: &Track, limits: &LoopSettings) -> Option<Measure> {
    let wanted = limits.no_progress_steps;
    let last: Vec<&Entry> = track.tail(wanted).collect();
    if last.len() < wanted || wanted == 0 || last.iter().any(|entry| entry.known != Known::Full) {
        return None;
    }
    let novelty = last.iter().filter(|entry| entry.is_new).count() as f64 / wanted as f64;
    if novelty >= limits.no_progress_novelty {
        return None;
    }
    // From the last new result on, but at least the steps that were looked at.
    let stale = track.backwards().take_while(|entry| !entry.is_new).count().max(wanted);
    Some(Measure {
        pattern: Pattern::NoProgress,
        period: 1,
        magnitude: stale as u32,
        limit: wanted as u32,
        entries: stale,
        severity: Severity::Medium,
        score: 1.0 - 0.5 * novelty / limits.no_progress_novelty,
        is_full: true,
        novelty,
    })
}

/// Severity by score.
pub(super) fn severity(score: f64) -> Severity {
    if score >= 0.6 { Severity::High } else { Severity::Medium }
}

/// Whether the last cycle is not itself made of a shorter one.
fn is_primitive(track: &Track, period: usize) -> bool {
    (1..period).filter(|shorter| period.is_multiple_of(*shorter)).all(|shorter| (track.kept(shorter) as usize) < period - shorter)
}

fn agents(track: &Track, period: usize) -> usize {
    let mut agents: Vec<u64> = track.tail(period).map(|entry| entry.agent).collect();
    agents.sort_unstable();
    agents.dedup();
    agents.len()
}

/// Whether cycles begin at regular intervals that are long enough to be polling.
fn is_regular(track: &Track, period: usize, seen: usize, limits: &LoopSettings) -> bool {
    let pauses: Vec<f64> = pauses(track, period, seen);
    if pauses.len() < 2 {
        return false;
    }
    let n = pauses.len() as f64;
    let mean = pauses.iter().sum::<f64>() / n;
    let variance = pauses.iter().map(|pause| (pause - mean).powi(2)).sum::<f64>() / n;
    // A long cycle of quick calls is no polling: the interval counts for each call of it.
    let (least, spread) = (limits.poll_interval.as_nanos() as f64 * period as f64, variance.sqrt() / mean);
    mean >= least && spread < if period == 1 { REGULAR } else { REGULAR_CYCLE }
}

/// Whether each pause before the next try was longer than the one before.
fn backs_off(track: &Track, seen: usize) -> bool {
    let pauses = pauses(track, 1, seen);
    // Newest first: each must exceed the one after it in this list.
    pauses.len() >= 2 && pauses.iter().zip(pauses.iter().skip(1)).all(|(later, earlier)| *later > *earlier * GROWTH)
}

/// Nanoseconds between the starts of the last cycles, newest first.
fn pauses(track: &Track, period: usize, seen: usize) -> Vec<f64> {
    let starts: Vec<u64> = track.backwards().step_by(period).take(seen).map(|entry| entry.start_ns).collect();
    starts.iter().zip(starts.iter().skip(1)).map(|(later, earlier)| later.saturating_sub(*earlier) as f64).collect()
}
