//! Settings of `agent_detectors`.

use chaperone_config::{ByteSize, Duration, Problems, UserConfig};
use chaperone_genai::detect::LoopSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the `agent_detectors` connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How late spans may arrive and still be put in order. Longer than the senders' batching interval.
    pub lateness: Duration,
    /// A session of which nothing was seen for this long is forgotten.
    pub session_ttl: Duration,
    /// Most sessions watched at once; beyond it the ones that were quiet longest are forgotten and counted.
    pub max_sessions: usize,
    /// Most memory for all sessions together.
    pub max_memory: ByteSize,
    /// Longest time a growing finding stays untold.
    pub update_interval: Duration,
    /// Limits of the loop detector.
    pub r#loop: LoopConfig,
}

/// Limits of the loop detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoopConfig {
    /// Repeats of one tool call, with the same arguments and result, that make a loop; one less is a warning.
    pub repeats: u32,
    /// Repeats of a cycle of two to eight tool calls that make a loop.
    pub cycle_repeats: u32,
    /// Failures of one tool call with one error that make an infinite retry.
    pub same_error: u32,
    /// Tool calls with hardly any new result that make a lack of progress; 0 turns it off.
    pub no_progress_steps: usize,
    /// Tools that may be called again and again with the same result; `*` at either end stands for anything.
    pub poll_tools: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lateness: Duration::from_secs(30),
            session_ttl: Duration::from_secs(3600),
            max_sessions: 20_000,
            max_memory: ByteSize::mib(64),
            update_interval: Duration::from_secs(10),
            r#loop: LoopConfig::default(),
        }
    }
}

impl Default for LoopConfig {
    fn default() -> Self {
        let LoopSettings { repeats, cycle_repeats, same_error, no_progress_steps, poll_tools, .. } = LoopSettings::default();
        Self { repeats, cycle_repeats, same_error, no_progress_steps, poll_tools }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.max_sessions == 0 {
            problems.error("max_sessions", "must be at least 1");
        }
        if self.max_memory < ByteSize::mib(1) {
            problems.error("max_memory", "must be at least `1MiB`");
        }
        if self.session_ttl <= self.lateness {
            problems.error("session_ttl", "must be longer than `lateness`");
        }
        problems.within("loop", |problems| self.r#loop.check(problems));
    }
}

impl LoopConfig {
    fn check(&self, problems: &mut Problems) {
        for (name, value) in [("repeats", self.repeats), ("cycle_repeats", self.cycle_repeats), ("same_error", self.same_error)] {
            if value < 2 {
                problems.error(name, "must be at least 2");
            }
        }
        if self.no_progress_steps > 64 {
            problems.error("no_progress_steps", "must be at most 64: no more steps of a session are remembered");
        }
    }

    /// As the detector takes them.
    pub(super) fn settings(&self) -> LoopSettings {
        LoopSettings {
            repeats: self.repeats,
            cycle_repeats: self.cycle_repeats,
            same_error: self.same_error,
            no_progress_steps: self.no_progress_steps,
            poll_tools: self.poll_tools.clone(),
            ..LoopSettings::default()
        }
    }
}
