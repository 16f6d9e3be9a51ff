//! Settings of the `prometheus` exporter.

use chaperone_config::{Duration, Endpoint, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the `prometheus` exporter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where scrapers ask: `host:port`, path `/metrics`.
    pub endpoint: Endpoint,
    /// Put before every metric name, with an underscore between.
    pub namespace: String,
    /// Labels on every series but `target_info`.
    pub const_labels: BTreeMap<String, String>,
    /// Writes the time of each sample.
    pub send_timestamps: bool,
    /// Series that got no point for this long are not served any more.
    pub metric_expiration: Duration,
    /// Copies every resource attribute to a label.
    pub resource_to_telemetry_conversion: ResourceToTelemetry,
    /// Leaves the `otel_scope_*` labels out.
    pub without_scope_info: bool,
    /// Puts unit and type into names: `_seconds`, `_total`. `translation_strategy` overrules it.
    pub add_metric_suffixes: bool,
    /// How names are written, in the Collector's words; only the strategies that escape with underscores.
    pub translation_strategy: TranslationStrategy,
    /// Accepted for compatibility: scrapers get the text format, which all of them read.
    pub enable_open_metrics: bool,
    /// Most series kept; points of further ones are dropped and counted.
    pub max_series: usize,
}

/// How names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum TranslationStrategy {
    /// As `add_metric_suffixes` says.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// With unit and type.
    UnderscoreEscapingWithSuffixes,
    /// As the metric is called.
    UnderscoreEscapingWithoutSuffixes,
}

/// Whether resource attributes become labels.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceToTelemetry {
    /// On or off.
    pub enabled: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::new("localhost:8889"),
            namespace: String::new(),
            const_labels: BTreeMap::new(),
            send_timestamps: false,
            metric_expiration: Duration::from_secs(300),
            resource_to_telemetry_conversion: ResourceToTelemetry::default(),
            without_scope_info: false,
            add_metric_suffixes: true,
            translation_strategy: TranslationStrategy::Unset,
            enable_open_metrics: false,
            max_series: 200_000,
        }
    }
}

impl Config {
    /// Whether unit and type go into names.
    pub fn suffixes(&self) -> bool {
        match self.translation_strategy {
            TranslationStrategy::Unset => self.add_metric_suffixes,
            TranslationStrategy::UnderscoreEscapingWithSuffixes => true,
            TranslationStrategy::UnderscoreEscapingWithoutSuffixes => false,
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.endpoint.as_str().is_empty() {
            problems.error_hint("endpoint", "must not be empty", "for example `localhost:8889`");
        }
        if self.metric_expiration.get().is_zero() {
            problems.error("metric_expiration", "must be greater than 0");
        }
    }
}
