//! Settings of the `otlp_file` receiver.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Files, folders and patterns (`*`, `?`, `**`), read in this order. Required.
    pub include: Vec<String>,
    /// What happens when the pipelines refuse a request for now.
    pub retry_on_failure: Retry,
}

/// What happens when the pipelines refuse a request for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Whether it is handed in again.
    pub enabled: bool,
    /// The first pause, unless the pipelines ask for another one. Pauses grow by half.
    pub initial_interval: Duration,
    /// The longest pause.
    pub max_interval: Duration,
    /// Time after which one request is given up and the next is read. 0 = never.
    pub max_elapsed_time: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            enabled: true,
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.include.is_empty() {
            let hint = "name files, folders or patterns, for example `./recordings/*.jsonl`";
            problems.error_hint("include", "`include` must name something to read", hint);
        }
        for (index, entry) in self.include.iter().enumerate() {
            if entry.is_empty() {
                problems.error(&format!("include[{index}]"), "a path must not be empty");
            }
        }
        let retry = &self.retry_on_failure;
        if retry.enabled && retry.initial_interval.get().is_zero() {
            problems.error("retry_on_failure.initial_interval", "must be positive");
        }
        if retry.enabled && retry.max_interval.get() < retry.initial_interval.get() {
            problems.error("retry_on_failure.max_interval", "must not be less than `initial_interval`");
        }
    }
}
