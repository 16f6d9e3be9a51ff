//! Settings of `agent_runs`.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the `agent_runs` connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A run whose outermost span ended is closed when nothing of it arrived for this long.
    pub close_after: Duration,
    /// A run whose outermost span did not arrive is closed when nothing of it arrived for this long.
    pub idle_timeout: Duration,
    /// A closed run is kept this long, so that late spans give a new version of it instead of a second run.
    pub keep_closed: Duration,
    /// Most runs kept at once; beyond it the one that was idle longest is closed early.
    pub max_runs: usize,
    /// Most steps of one run that are kept for order, repeats and delegation.
    pub max_steps_per_run: usize,
    /// Most steps of all runs together.
    pub max_steps: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            close_after: Duration::from_secs(3),
            idle_timeout: Duration::from_secs(60),
            keep_closed: Duration::from_secs(300),
            max_runs: 20_000,
            max_steps_per_run: 2_000,
            max_steps: 400_000,
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        for (name, value) in [("close_after", self.close_after), ("idle_timeout", self.idle_timeout)] {
            if value.get().is_zero() {
                problems.error(name, "must be greater than 0");
            }
        }
        for (name, value) in
            [("max_runs", self.max_runs), ("max_steps_per_run", self.max_steps_per_run), ("max_steps", self.max_steps)]
        {
            if value == 0 {
                problems.error(name, "must be at least 1");
            }
        }
    }
}
