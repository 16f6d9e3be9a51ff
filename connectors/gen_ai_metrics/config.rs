//! Settings of `gen_ai_metrics`.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the `gen_ai_metrics` connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often changed series are given out.
    pub flush_interval: Duration,
    /// Most series kept at once; further ones are added up in one series with `otel.metric.overflow`.
    pub max_series: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { flush_interval: Duration::from_secs(2), max_series: 20_000 }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.flush_interval.get() < std::time::Duration::from_millis(100) {
            problems.error("flush_interval", "must be at least `100ms`");
        }
        if self.max_series == 0 {
            problems.error("max_series", "must be at least 1");
        }
    }
}
