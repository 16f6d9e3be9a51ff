//! Settings of the `probabilistic_sampler` processor, with the Collector's keys, defaults and messages.

use chaperone_config::{Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Share that is kept, in per cent. 100 and more keep everything.
    pub sampling_percentage: f32,
    /// `hash_seed`, `proportional` or `equalizing`. Unset is `hash_seed`.
    pub mode: String,
    /// Seed of the hash. Collectors that shall decide alike need the same.
    pub hash_seed: u32,
    /// Whether records are dropped whose randomness is missing or not to be used.
    pub fail_closed: bool,
    /// Hex digits of thresholds that are written, 1 to 14.
    pub sampling_precision: i64,
    /// Where the randomness of log records comes from: `traceID` or `record`.
    pub attribute_source: String,
    /// Attribute of log records whose value is hashed: of all with `record`, else of those without a trace id.
    pub from_attribute: String,
    /// Attribute of log records that has a percentage of its own.
    pub sampling_priority: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            sampling_percentage: 0.0,
            mode: String::new(),
            hash_seed: 0,
            fail_closed: true,
            sampling_precision: 4,
            attribute_source: "traceID".to_owned(),
            from_attribute: String::new(),
            sampling_priority: String::new(),
        }
    }
}

/// The least share that a threshold of 14 hex digits can say.
const LEAST: f64 = 1.0 / (1u64 << 56) as f64;

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        let percentage = self.sampling_percentage;
        if percentage < 0.0 {
            problems.error("sampling_percentage", format!("sampling rate is negative: {percentage:.6}%"));
        } else if !percentage.is_finite() {
            let shown = if percentage.is_nan() { "NaN" } else { "+Inf" };
            problems.error("sampling_percentage", format!("sampling rate is invalid: {shown}%"));
        } else if percentage > 0.0 && f64::from(percentage) / 100.0 < LEAST {
            problems.error("sampling_percentage", format!("sampling rate is too small: {percentage:e}%"));
        }
        if !matches!(self.mode.as_str(), "" | "hash_seed" | "proportional" | "equalizing") {
            let hint = "`hash_seed`, `proportional` or `equalizing`";
            problems.error_hint("mode", format!("unsupported sampler mode \"{}\"", self.mode), hint);
        }
        match self.sampling_precision {
            1..=14 => {}
            15.. => {
                let message = format!("sampling precision is too great, should be <= 14: {}", self.sampling_precision);
                problems.error("sampling_precision", message);
            }
            other => problems.error("sampling_precision", format!("invalid sampling precision: {other}")),
        }
        if !matches!(self.attribute_source.as_str(), "traceID" | "record") {
            let message = format!("invalid attribute source: {}. Expected: traceID or record", self.attribute_source);
            problems.error("attribute_source", message);
        }
    }
}
