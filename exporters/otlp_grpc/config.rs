//! Settings of the `otlp_grpc` exporter. `timeout`, `retry_on_failure` and `sending_queue` are the front's.

use super::target;
use chaperone_config::{ClientAuth, ClientKeepalive, ClientMiddleware, ClientTls, Headers, Optional, Problems, UserConfig};
use chaperone_net::Compression;
use chaperone_net::client::parse_headers;
use chaperone_net::tls::presence;
use http::HeaderValue;
use http::uri::Authority;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server, as `host:port`, or `unix://` and the path of its socket. Required.
    pub endpoint: String,
    /// How the connection is secured.
    pub tls: ClientTls,
    /// How requests are compressed: `gzip`, `snappy`, `zstd` or `none`.
    pub compression: Compression,
    /// Headers sent with every request: a map, or a list of `{name, value}`. Values are never shown.
    pub headers: Headers,
    /// Pings that find a dead connection. Off unless the key is there.
    pub keepalive: Optional<ClientKeepalive>,
    /// What the server is called in requests and in its certificate. The endpoint when empty.
    pub authority: String,
    /// How the client calls itself. `Chaperone` and its version when empty.
    pub user_agent: String,
    /// Accepted; all requests go over one connection, to the first address that answers.
    pub balancer_name: String,
    /// Accepted without effect: a request that finds no connection is tried again by `retry_on_failure`.
    pub wait_for_ready: bool,
    /// Accepted without effect.
    pub read_buffer_size: i64,
    /// Accepted without effect.
    pub write_buffer_size: i64,
    /// What proves who sends. Not to be had yet.
    pub auth: Optional<ClientAuth>,
    /// Extensions that see every request. Not to be had yet.
    pub middlewares: Vec<ClientMiddleware>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: String::new(),
            tls: ClientTls::default(),
            compression: Compression::Gzip,
            headers: Headers::default(),
            keepalive: Optional::Absent,
            authority: String::new(),
            user_agent: String::new(),
            balancer_name: "round_robin".to_owned(),
            wait_for_ready: false,
            read_buffer_size: 0,
            write_buffer_size: 512 << 10,
            auth: Optional::Absent,
            middlewares: Vec::new(),
        }
    }
}

/// What the Collector's build of gRPC knows.
const BALANCERS: [&str; 3] = ["", "round_robin", "pick_first"];

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if let Err(error) = target::parse(&self.endpoint, &self.tls) {
            problems.error_hint("endpoint", error.to_string(), error.hint());
        }
        if let Err(name) = parse_headers(self.headers.iter()) {
            problems.error(&format!("headers.{name}"), "not a header name, or its value cannot stand in a header");
        }
        for name in self.headers.names() {
            let lower = name.to_ascii_lowercase();
            if lower.starts_with("grpc-") || lower == "content-type" || lower == "te" {
                problems.error(&format!("headers.{name}"), "this header is gRPC's own");
            } else if lower.ends_with("-bin") {
                problems.error(&format!("headers.{name}"), "headers of bytes (`-bin`) are not here yet");
            }
        }
        if let Some(keepalive) = self.keepalive.get() {
            problems.within("keepalive", |problems| keepalive.check(problems));
        }
        if !self.authority.is_empty() && self.authority.parse::<Authority>().is_err() {
            problems.error("authority", format!("`{}` is not `host` or `host:port`", self.authority));
        }
        if HeaderValue::from_str(&self.user_agent).is_err() {
            problems.error("user_agent", "this text cannot stand in a header");
        }
        if !BALANCERS.contains(&self.balancer_name.as_str()) {
            problems.error("balancer_name", format!("invalid balancer_name: {}", self.balancer_name));
        }
        self.compression.check_grpc(problems);
        problems.within("tls", |problems| {
            self.tls.check(problems);
            presence::warn_of_client(&self.tls, problems);
        });
        ClientAuth::check(&self.auth, problems);
        ClientMiddleware::check(&self.middlewares, problems);
    }
}
