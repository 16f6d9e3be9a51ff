//! Settings of OTLP/HTTP.

use super::{Auth, Dialer, Middleware, check_endpoint, check_extensions};
use crate::otlp::http::Routes;
use chaperone_config::{ByteSize, Duration, Endpoint, Headers, Optional, Problems, ServerTls, Transport};
use chaperone_net::BodyEncoding;
use chaperone_net::client::parse_headers;
use chaperone_proto::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DEFAULT_BODY: ByteSize = ByteSize::mib(20);

/// OTLP/HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address to listen on. Port 0 lets the system choose one. With `transport: unix` the path of a socket.
    pub endpoint: Endpoint,
    /// `tcp`, `tcp4` and `tcp6` for one family only, or `unix`.
    pub transport: Transport,
    /// Encrypts. Off unless written.
    pub tls: Optional<ServerTls>,
    /// Lets pages of other origins send.
    pub cors: Optional<Cors>,
    /// Refused: there are no authenticating extensions yet.
    pub auth: Optional<Auth>,
    /// Largest request body, before and after decompression. 0 means 20 MiB.
    pub max_request_body_size: ByteSize,
    /// Keeps the request's headers for components that read client metadata.
    pub include_metadata: bool,
    /// Headers of every answer. Values are never shown.
    pub response_headers: Headers,
    /// Content encodings that are understood; `""` stands for none. All of them when not written. With an empty list
    /// bodies are taken as they are, whatever their headers say.
    pub compression_algorithms: Option<Vec<String>>,
    /// Longest time for a request to arrive. 0 sets no limit; a body that stops arriving is given up anyway.
    pub read_timeout: Duration,
    /// Longest time for the headers of a request to arrive. 0 means `read_timeout`.
    pub read_header_timeout: Duration,
    /// Longest time from a request's headers to the end of its answer. 0 sets no limit.
    pub write_timeout: Duration,
    /// Longest time between two requests of a connection. 0 means `read_timeout`.
    pub idle_timeout: Duration,
    /// Lets a connection carry several requests.
    pub keep_alives_enabled: bool,
    /// Refused: there are no such extensions yet.
    pub middlewares: Vec<Middleware>,
    /// Path of traces. With a slash at its end, of everything below it too.
    pub traces_url_path: String,
    /// Path of metrics.
    pub metrics_url_path: String,
    /// Path of logs.
    pub logs_url_path: String,
    /// Without effect on a server.
    pub dialer: Dialer,
}

/// Which pages of other origins may send, as browsers ask.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins of pages; one `*` in each stands for any text, and alone for all origins.
    pub allowed_origins: Vec<String>,
    /// Headers that pages may set; `*` stands for all. When empty: `Accept`, `Content-Type` and `X-Requested-With`.
    pub allowed_headers: Vec<String>,
    /// Headers of answers that pages may read.
    pub exposed_headers: Vec<String>,
    /// Seconds for which a browser may remember what it was told. 0 leaves it to the browser.
    pub max_age: i64,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            endpoint: Endpoint::new("localhost:4318"),
            transport: Transport::Tcp,
            tls: Optional::Absent,
            cors: Optional::Absent,
            auth: Optional::Absent,
            max_request_body_size: DEFAULT_BODY,
            include_metadata: false,
            response_headers: Headers::default(),
            compression_algorithms: None,
            read_timeout: Duration::default(),
            read_header_timeout: Duration::default(),
            write_timeout: Duration::default(),
            idle_timeout: Duration::default(),
            keep_alives_enabled: true,
            middlewares: Vec::new(),
            traces_url_path: "/v1/traces".to_owned(),
            metrics_url_path: "/v1/metrics".to_owned(),
            logs_url_path: "/v1/logs".to_owned(),
            dialer: Dialer::default(),
        }
    }
}

impl Http {
    pub(in super::super) fn max_bytes(&self) -> usize {
        if self.max_request_body_size.get() == 0 { DEFAULT_BODY.get() } else { self.max_request_body_size.get() }
    }

    pub(in super::super) fn paths(&self) -> [(Signal, &'static str, &str); 3] {
        [
            (Signal::Traces, "traces_url_path", &self.traces_url_path),
            (Signal::Metrics, "metrics_url_path", &self.metrics_url_path),
            (Signal::Logs, "logs_url_path", &self.logs_url_path),
        ]
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        check_endpoint(problems, &self.endpoint, self.transport);
        check_extensions(problems, &self.auth, &self.middlewares);
        if let Some(tls) = self.tls.get() {
            problems.within("tls", |problems| {
                tls.check(problems);
                chaperone_net::tls::presence::warn_of_server(tls, problems);
            });
        }
        if let Some(cors) = self.cors.get() {
            problems.within("cors", |problems| cors.check(problems));
        }
        for name in self.compression_algorithms.iter().flatten() {
            if !name.is_empty() && BodyEncoding::from_name(name.as_bytes()).is_none() {
                let known: Vec<_> = BodyEncoding::ALL.iter().map(|encoding| encoding.name()).collect();
                let hint = format!("known are \"\", {}", known.join(", "));
                problems.error_hint("compression_algorithms", format!("unsupported compression type \"{name}\""), hint);
            }
        }
        if let Err(name) = parse_headers(self.response_headers.iter()) {
            let message = "not a header name, or its value cannot stand in a header";
            problems.error(&format!("response_headers.{name}"), message);
        }
        let mut taken: Vec<String> = Vec::new();
        for (_, key, path) in self.paths() {
            match Routes::path(path) {
                None => problems.error(key, "invalid HTTP URL path set for signal"),
                Some(clean) if taken.contains(&clean) => {
                    problems.error(key, format!("`{path}` is the path of another signal"));
                }
                Some(clean) => taken.push(clean),
            }
        }
    }
}

impl Cors {
    /// What is to be said of a block that allows headers to nobody.
    pub(in super::super) fn ignored(&self) -> Option<&'static str> {
        let message = "The CORS configuration specifies allowed headers but no allowed origins, and is therefore ignored.";
        (self.allowed_origins.is_empty() && !self.allowed_headers.is_empty()).then_some(message)
    }

    fn check(&self, problems: &mut Problems) {
        if let Some(message) = self.ignored() {
            problems.warning("allowed_headers", message);
        }
    }
}
