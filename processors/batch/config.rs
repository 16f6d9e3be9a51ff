//! Settings of the `batch` processor, with the Collector's keys, defaults and messages.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Longest time that data wait. 0 lets every request go on at once.
    pub timeout: Duration,
    /// Spans, data points or log records after which a batch goes on. 0 leaves it to the time-out.
    pub send_batch_size: u32,
    /// Most items of one batch; larger ones are split. 0 sets no limit.
    pub send_batch_max_size: u32,
    /// Metadata of clients by which batches are kept apart, any case. Other metadata does not go on.
    pub metadata_keys: Vec<String>,
    /// Most combinations of metadata values; requests with a further one fail. 0 sets no limit.
    pub metadata_cardinality_limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            timeout: Duration::from_millis(200),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: Vec::new(),
            metadata_cardinality_limit: 1000,
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.send_batch_max_size > 0 && self.send_batch_max_size < self.send_batch_size {
            problems.error("send_batch_max_size", "send_batch_max_size must be greater or equal to send_batch_size");
        }
        let mut seen: Vec<String> = Vec::new();
        for (at, key) in self.metadata_keys.iter().enumerate() {
            let lower = key.to_lowercase();
            if seen.contains(&lower) {
                let message = format!("duplicate entry in metadata_keys: \"{lower}\" (case-insensitive)");
                problems.error(&format!("metadata_keys[{at}]"), message);
            }
            seen.push(lower);
        }
    }
}
