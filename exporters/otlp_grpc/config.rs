//! Settings of the `otlp_grpc` exporter. `timeout`, `retry_on_failure` and `sending_queue` are the front's.

use super::target;
use chaperone_config::{Duration, Optional, Problems, Secret, UserConfig};
use chaperone_net::Compression;
use chaperone_net::client::parse_headers;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the exporter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server, as `host:port`. Required.
    pub endpoint: String,
    /// How the connection is secured.
    pub tls: Tls,
    /// How requests are compressed.
    pub compression: Compression,
    /// Headers sent with every request. Values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// Pings that find a dead connection. Off unless the key is there.
    pub keepalive: Optional<Keepalive>,
}

/// How the connection is secured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Sends in clear text. Without it a server needs TLS, which is not here yet.
    pub insecure: bool,
}

/// Pings that find a dead connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keepalive {
    /// Time without anything received before a ping.
    pub time: Duration,
    /// How long its answer may take before the connection is given up.
    pub timeout: Duration,
    /// Also pings while no request is in flight.
    pub permit_without_stream: bool,
}

impl Default for Keepalive {
    fn default() -> Self {
        Keepalive { time: Duration::from_secs(10), timeout: Duration::from_secs(10), permit_without_stream: false }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if let Err(error) = target::parse(&self.endpoint, self.tls.insecure) {
            problems.error_hint("endpoint", error.to_string(), error.hint());
        }
        if let Err(name) = parse_headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.expose()))) {
            problems.error(&format!("headers.{name}"), "not a header name, or its value cannot stand in a header");
        }
        for name in self.headers.keys() {
            let lower = name.to_ascii_lowercase();
            if lower.starts_with("grpc-") || lower == "content-type" || lower == "te" {
                problems.error(&format!("headers.{name}"), "this header is gRPC's own");
            } else if lower.ends_with("-bin") {
                problems.error(&format!("headers.{name}"), "headers of bytes (`-bin`) are not here yet");
            }
        }
        if let Some(keepalive) = self.keepalive.get()
            && keepalive.time.get().is_zero()
        {
            problems.error("keepalive.time", "must be positive");
        }
    }
}
