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
    /// Most series kept; points of further ones are dropped and counted.
    pub max_series: usize,
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
            max_series: 200_000,
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
