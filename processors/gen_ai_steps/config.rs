//! Settings of the `gen_ai_steps` processor.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Spans remembered, for agent names and attempts. The oldest traces go first; about 100 bytes a span.
    pub max_spans: usize,
    /// Spans remembered of one trace.
    pub max_spans_per_trace: usize,
    /// Tool calls remembered by call id, so that each is told once. The oldest go first; about 600 bytes a call.
    pub max_calls: usize,
    /// A model call, tool or retrieval that takes longer gets the quality signal `latency_threshold`. `0s`: none does.
    pub latency_threshold: Duration,
    /// A model call with more tokens, input and output together, gets the quality signal `token_usage`. `0`: none does.
    pub token_threshold: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_spans: 131_072,
            max_spans_per_trace: 512,
            max_calls: 65_536,
            latency_threshold: Duration::from_secs(0),
            token_threshold: 0,
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        for (field, value) in
            [("max_spans", self.max_spans), ("max_spans_per_trace", self.max_spans_per_trace), ("max_calls", self.max_calls)]
        {
            if value == 0 {
                problems.error(field, "must be at least 1");
            }
        }
    }
}
