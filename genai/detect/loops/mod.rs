//! Loops: an agent repeats a cycle of tool calls with the same arguments and the same results.
//!
//! Four patterns share one state a session: `loop` (a cycle of 1 to 8 calls), `oscillation` (a cycle of two),
//! `infinite_retry` (one call with one error) and `no_progress` (many calls, hardly any new result).
//! Same tool with other arguments, or with new results, is work and no loop.
//! The surprise: without digests of arguments and results sizes are compared, and a repeat counts half.
//! State: 64 steps a session and eight counters, O(8) work a step.

mod limits;
mod report;
mod track;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_false_alarms;

use crate::detect::{Body, Finding, SessionKey, Source, Step, ToolCall};
use std::time::Duration;
use track::{Spent, Track};

/// Version of the rules, in findings.
pub const VERSION: &str = "1";

/// Limits of the loop detector.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopSettings {
    /// Repeats of one call that make a loop; one less is a warning.
    pub repeats: u32,
    /// Repeats of a cycle of two to eight calls that make a loop.
    pub cycle_repeats: u32,
    /// Failures of one call with one error that make an infinite retry.
    pub same_error: u32,
    /// Tool calls with hardly any new result that make a lack of progress.
    pub no_progress_steps: usize,
    /// Share of new results below which there is no progress.
    pub no_progress_novelty: f64,
    /// Tools that may be called again and again: exact names, or with `*` at either end.
    pub poll_tools: Vec<String>,
    /// Repeats that unchanged polling at a regular interval needs.
    pub poll_repeats: u32,
    /// Interval from which regular repeats are taken for polling.
    pub poll_interval: Duration,
}

impl Default for LoopSettings {
    fn default() -> LoopSettings {
        let waiting = ["heartbeat", "keepalive", "keep_alive", "ping", "sleep", "wait"];
        LoopSettings {
            repeats: 4,
            cycle_repeats: 3,
            same_error: 5,
            no_progress_steps: 12,
            no_progress_novelty: 0.2,
            poll_tools: waiting.map(str::to_owned).to_vec(),
            poll_repeats: 10,
            poll_interval: Duration::from_secs(5),
        }
    }
}

impl LoopSettings {
    fn may_poll(&self, tool: &str) -> bool {
        self.poll_tools.iter().any(|pattern| matches(pattern, tool))
    }
}

/// Whether one sequence holds one agent's calls or those of all agents of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// One agent in one session.
    #[default]
    Agent,
    /// All agents: only cycles in which two of them take part are told.
    AllAgents,
}

/// Who a sequence belongs to: goes into the key of findings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Who {
    /// Tenant and session.
    pub key: SessionKey,
    /// Agent's name, else the service's; empty for all agents of a session.
    pub agent: String,
    /// Conversation, if the sender named one.
    pub conversation: Option<String>,
    /// One agent or all of a trace.
    pub scope: Scope,
}

/// State of one agent in a session. Steps go in sorted by their start.
///
/// Calls known in different ways are sequences of their own; the caller leaves out what a run knows in a better way.
#[derive(Debug, Default)]
pub struct LoopDetector {
    executed: Track,
    answered: Track,
    requested: Track,
    spent: Spent,
}

impl LoopDetector {
    /// Takes the next step; appends findings that are new or have grown enough to be told again.
    pub fn step(&mut self, step: &Step, who: &Who, settings: &LoopSettings, out: &mut Vec<Finding>) {
        match &step.body {
            Body::Model { tokens, cost_nanos } => self.spent.add(*tokens, *cost_nanos),
            Body::Tool(call) => self.tool(step, call, who, settings, out),
        }
    }

    /// Appends what has grown since it was told: for a quiet session, an eviction, the end.
    pub fn flush(&mut self, who: &Who, settings: &LoopSettings, out: &mut Vec<Finding>) {
        for track in [&mut self.executed, &mut self.answered, &mut self.requested] {
            track.flush(who, settings, out);
        }
    }

    /// Whether a finding has grown since it was told.
    pub fn has_untold(&self) -> bool {
        self.tracks().into_iter().any(Track::has_untold)
    }

    /// Bytes of memory this state takes.
    pub fn bytes(&self) -> usize {
        size_of::<LoopDetector>() + self.tracks().into_iter().map(Track::bytes).sum::<usize>()
    }

    fn tracks(&self) -> [&Track; 3] {
        [&self.executed, &self.answered, &self.requested]
    }

    fn tool(&mut self, step: &Step, call: &ToolCall, who: &Who, settings: &LoopSettings, out: &mut Vec<Finding>) {
        if settings.may_poll(&call.name) {
            return;
        }
        let track = match call.source {
            Source::Executed => &mut self.executed,
            Source::Answered => &mut self.answered,
            Source::Requested => &mut self.requested,
        };
        track.push(step, call, self.spent, who, settings, out);
    }
}

/// Whether a name fits a pattern with `*` at either end; letter case does not matter.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}
