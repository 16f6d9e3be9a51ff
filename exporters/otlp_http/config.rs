//! Settings of the `otlp_http` exporter. `timeout`, `retry_on_failure` and `sending_queue` are the front's.

use chaperone_config::{ClientAuth, ClientMiddleware, ClientTls, Duration, Headers, Optional, Problems, Secret, UserConfig};
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::tls::presence;
use chaperone_net::{Compression, CompressionParams, HttpClientSettings, Proxy, Route};
use chaperone_proto::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Accepted for the Collector's sake: there are no profiles here.
    pub profiles_endpoint: String,
    /// How requests are serialized.
    pub encoding: Encoding,
    /// How requests are compressed.
    pub compression: Compression,
    /// How hard requests are compressed.
    pub compression_params: CompressionParams,
    /// Headers sent with every request: a map, or a list of `{name, value}`. Values are never shown.
    pub headers: Headers,
    /// TLS of `https://` addresses.
    pub tls: ClientTls,
    /// Proxy for every request, as `http://user:password@host:port`. Those of the environment when empty.
    pub proxy_url: Secret,
    /// Accepted without effect: idle connections are limited by server.
    pub max_idle_conns: u32,
    /// Idle connections that are kept for a server. All of them when 0.
    pub max_idle_conns_per_host: u32,
    /// Requests under way at a time. Any number when 0.
    pub max_conns_per_host: u32,
    /// Idle connections are closed after this time. Never when 0.
    pub idle_conn_timeout: Duration,
    /// Opens a connection for every request.
    pub disable_keep_alives: bool,
    /// Time without anything received over HTTP/2 before a ping. No pings when 0.
    pub http2_read_idle_timeout: Duration,
    /// How long the answer to a ping may take. 15 seconds when 0.
    pub http2_ping_timeout: Duration,
    /// Speaks HTTP/2 where TLS lets both sides agree on it.
    pub force_attempt_http2: bool,
    /// Accepted without effect.
    pub read_buffer_size: i64,
    /// Accepted without effect.
    pub write_buffer_size: i64,
    /// Keeps cookies. Not to be had.
    pub cookies: Optional<Cookies>,
    /// What proves who sends. Not to be had yet.
    pub auth: Optional<ClientAuth>,
    /// Extensions that see every request. Not to be had yet.
    pub middlewares: Vec<ClientMiddleware>,
}

/// Keeps cookies. Not to be had.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cookies {}

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
            profiles_endpoint: String::new(),
            encoding: Encoding::Proto,
            compression: Compression::Gzip,
            compression_params: CompressionParams::default(),
            headers: Headers::default(),
            tls: ClientTls::default(),
            proxy_url: Secret::default(),
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            max_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            http2_read_idle_timeout: Duration::default(),
            http2_ping_timeout: Duration::default(),
            force_attempt_http2: true,
            read_buffer_size: 0,
            write_buffer_size: 512 << 10,
            cookies: Optional::Absent,
            auth: Optional::Absent,
            middlewares: Vec::new(),
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

    /// How connections are opened and kept; `check` has seen the proxy's address.
    pub(super) fn client(&self) -> HttpClientSettings {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let route = if self.proxy_url.is_empty() { None } else { Proxy::at(self.proxy_url.expose()).ok() };
        HttpClientSettings {
            tls: self.tls.clone(),
            route: Route::Proxy(route.unwrap_or_else(Proxy::of_environment)),
            http2: self.force_attempt_http2,
            idle_timeout: self.idle_conn_timeout.get(),
            max_idle: number(self.max_idle_conns_per_host),
            max_connections: number(self.max_conns_per_host),
            keep_alives: !self.disable_keep_alives,
            ping_after: self.http2_read_idle_timeout.get(),
            ping_timeout: self.http2_ping_timeout.get(),
        }
    }

    fn endpoints(&self) -> [(&'static str, &str); 5] {
        [
            ("endpoint", &self.endpoint),
            ("traces_endpoint", &self.traces_endpoint),
            ("metrics_endpoint", &self.metrics_endpoint),
            ("logs_endpoint", &self.logs_endpoint),
            ("profiles_endpoint", &self.profiles_endpoint),
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
        if let Err(name) = parse_headers(self.headers.iter()) {
            problems.error(&format!("headers.{name}"), "not a header name, or its value cannot stand in a header");
        }
        if !self.proxy_url.is_empty()
            && let Err(message) = Proxy::at(self.proxy_url.expose())
        {
            problems.error("proxy_url", message);
        }
        self.compression.check_params(self.compression_params, problems);
        problems.within("tls", |problems| {
            self.tls.check(problems);
            presence::warn_of_client(&self.tls, problems);
        });
        if self.cookies.is_present() {
            problems.error("cookies", "cookies are not kept: leave this block out");
        }
        ClientAuth::check(&self.auth, problems);
        ClientMiddleware::check(&self.middlewares, problems);
    }
}
