//! `timeout`, `retry_on_failure` and `circuit_breaker`: how often, how long and whether a delivery is tried.
//!
//! The first two are the Collector's keys, defaults and rules. The third is ours: off unless written, since with it on
//! deliveries are tried at other times than `retry_on_failure` says, and `max_elapsed_time` stands still meanwhile.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `timeout` is read into, so that it gets the same checks as everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutConfig {
    /// Time for one attempt; 0 waits without end. An attempt that takes longer counts as failed and is retried.
    pub timeout: Duration,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        TimeoutConfig { timeout: Duration::from_secs(5) }
    }
}

impl UserConfig for TimeoutConfig {}

/// `retry_on_failure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Whether deliveries that may succeed later are tried again.
    pub enabled: bool,
    /// Pause after the first failure.
    pub initial_interval: Duration,
    /// Each pause is changed by up to this part, at random, so that many senders do not come at once.
    pub randomization_factor: f64,
    /// Each pause is this many times the one before.
    pub multiplier: f64,
    /// No pause is longer.
    pub max_interval: Duration,
    /// When the next attempt would come later than this after the first, the data are dropped; 0 tries for ever.
    pub max_elapsed_time: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        RetryConfig {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

impl UserConfig for RetryConfig {
    /// Checked whether or not retries are on, as in the Collector.
    fn check(&self, problems: &mut Problems) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            let message = format!("`randomization_factor` must be within [0, 1], found {}", self.randomization_factor);
            problems.error("randomization_factor", message);
        }
        if self.multiplier.is_nan() || self.multiplier < 0.0 {
            problems.error("multiplier", format!("`multiplier` must be non-negative, found {}", self.multiplier));
        }
        let limit = self.max_elapsed_time.get();
        for (name, interval) in [("initial_interval", self.initial_interval), ("max_interval", self.max_interval)] {
            if !limit.is_zero() && limit < interval.get() {
                let message = format!("`max_elapsed_time` must not be less than `{name}` ({interval})");
                return problems.error("max_elapsed_time", message);
            }
        }
    }
}

/// `circuit_breaker`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitBreakerConfig {
    /// Whether deliveries stop after repeated failures until a single one has shown that the destination is back.
    pub enabled: bool,
    /// Failures in a row, of all deliveries of one signal, that open it. Only failures that may be retried count.
    pub failures: u32,
    /// How long nothing is tried after it opened.
    pub open_for: Duration,
    /// Deliveries tried at a time afterwards; the first that succeeds closes it, one that fails opens it again.
    pub half_open_requests: u32,
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        CircuitBreakerConfig { enabled: false, failures: 5, open_for: Duration::from_secs(30), half_open_requests: 1 }
    }
}

impl UserConfig for CircuitBreakerConfig {
    fn check(&self, problems: &mut Problems) {
        if !self.enabled {
            return;
        }
        for (name, zero) in [
            ("failures", self.failures == 0),
            ("open_for", self.open_for.is_zero()),
            ("half_open_requests", self.half_open_requests == 0),
        ] {
            if zero {
                problems.error(name, format!("`{name}` must be positive"));
            }
        }
    }
}
