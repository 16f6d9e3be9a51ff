//! Settings of the `otlp_http` exporter. `timeout`, `retry_on_failure` and `sending_queue` are the front's.

use chaperone_config::{Problems, Secret, UserConfig};
use chaperone_net::Compression;
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_proto::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Base address; `/v1/traces`, `/v1/metrics` or `/v1/logs` is added.
    pub endpoint: String,
    /// Address of traces, used as it is.
    pub traces_endpoint: String,
    /// Address of metrics, used as it is.
    pub metrics_endpoint: String,
    /// Address of logs, used as it is.
    pub logs_endpoint: String,
    /// How requests are serialized.
    pub encoding: Encoding,
    /// How requests are compressed.
    pub compression: Compression,
    /// Headers sent with every request. Values are never shown.
    pub headers: BTreeMap<String, Secret>,
}

/// How requests are serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Protobuf.
    #[default]
    Proto,
    /// OTLP/JSON.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: String::new(),
            traces_endpoint: String::new(),
            metrics_endpoint: String::new(),
            logs_endpoint: String::new(),
            encoding: Encoding::Proto,
            compression: Compression::Gzip,
            headers: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Address of a signal; `None` when the settings name none.
    pub(super) fn url(&self, signal: Signal) -> Option<String> {
        let (own, path) = match signal {
            Signal::Traces => (&self.traces_endpoint, "/v1/traces"),
            Signal::Metrics => (&self.metrics_endpoint, "/v1/metrics"),
            Signal::Logs => (&self.logs_endpoint, "/v1/logs"),
        };
        if !own.is_empty() {
            return Some(own.clone());
        }
        (!self.endpoint.is_empty()).then(|| format!("{}{path}", self.endpoint.trim_end_matches('/')))
    }

    fn endpoints(&self) -> [(&'static str, &str); 4] {
        [
            ("endpoint", &self.endpoint),
            ("traces_endpoint", &self.traces_endpoint),
            ("metrics_endpoint", &self.metrics_endpoint),
            ("logs_endpoint", &self.logs_endpoint),
        ]
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.endpoints().iter().all(|(_, address)| address.is_empty()) {
            let hint = "set `endpoint`, for example to `http://localhost:4318`";
            problems.error_hint("endpoint", "at least one endpoint must be specified", hint);
        }
        for (key, address) in self.endpoints() {
            if !address.is_empty()
                && let Err(error) = parse_url(address)
            {
                problems.error(key, error.to_string());
            }
        }
        if let Err(name) = parse_headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.expose()))) {
            problems.error(&format!("headers.{name}"), "not a header name, or its value cannot stand in a header");
        }
    }
}
