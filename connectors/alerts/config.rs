//! Settings of `alerts`.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the `alerts` connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether the end of an alert is notified too.
    pub send_resolved: bool,
    /// How long an alert that is over is remembered, so that late repetitions notify nobody.
    pub remember: Duration,
    /// Most alerts remembered; beyond it the oldest ones that are over are forgotten first.
    pub max_alerts: usize,
    /// How often changed state is stored.
    pub checkpoint_interval: Duration,
    /// Id of a storage extension; without one, state lives as long as the process.
    pub storage: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_resolved: true,
            remember: Duration::from_secs(4 * 3600),
            max_alerts: 20_000,
            checkpoint_interval: Duration::from_secs(1),
            storage: None,
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.max_alerts == 0 {
            problems.error("max_alerts", "must be at least 1");
        }
    }
}
