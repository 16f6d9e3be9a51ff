//! Settings of the `otlp` receiver.

use chaperone_config::{ByteSize, Endpoint, Optional, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Concurrent requests of one HTTP/2 connection, unless set.
pub(super) const DEFAULT_STREAMS: u32 = 1000;
const DEFAULT_MESSAGE_MIB: i64 = 4;
const DEFAULT_BODY: ByteSize = ByteSize::mib(20);
/// The largest number of mebibytes that is a number of bytes in an `i64`.
const MAX_MIB: i64 = i64::MAX >> 20;

/// Settings of the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is listened for. A protocol runs only if its key is there, be it empty.
    pub protocols: Protocols,
}

/// The two ways in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Protocols {
    /// OTLP/gRPC.
    pub grpc: Optional<Grpc>,
    /// OTLP/HTTP, with protobuf and JSON.
    pub http: Optional<Http>,
}

/// OTLP/gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grpc {
    /// Address to listen on. Port 0 lets the system choose one.
    pub endpoint: Endpoint,
    /// Largest message in MiB, before and after decompression. 0 means 4.
    pub max_recv_msg_size_mib: i64,
    /// Concurrent requests of one connection. 0 means 1000.
    pub max_concurrent_streams: u32,
    /// Keeps the request's headers for components that read client metadata.
    pub include_metadata: bool,
}

impl Default for Grpc {
    fn default() -> Self {
        Grpc {
            endpoint: Endpoint::new("localhost:4317"),
            max_recv_msg_size_mib: 0,
            max_concurrent_streams: 0,
            include_metadata: false,
        }
    }
}

impl Grpc {
    pub(super) fn max_bytes(&self) -> usize {
        let mib = if self.max_recv_msg_size_mib == 0 { DEFAULT_MESSAGE_MIB } else { self.max_recv_msg_size_mib };
        usize::try_from(mib).unwrap_or(usize::MAX >> 20) << 20
    }

    pub(super) fn max_streams(&self) -> u32 {
        if self.max_concurrent_streams == 0 { DEFAULT_STREAMS } else { self.max_concurrent_streams }
    }
}

/// OTLP/HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address to listen on. Port 0 lets the system choose one.
    pub endpoint: Endpoint,
    /// Largest request body, before and after decompression. 0 means 20 MiB.
    pub max_request_body_size: ByteSize,
    /// Keeps the request's headers for components that read client metadata.
    pub include_metadata: bool,
    /// Path of traces.
    pub traces_url_path: String,
    /// Path of metrics.
    pub metrics_url_path: String,
    /// Path of logs.
    pub logs_url_path: String,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            endpoint: Endpoint::new("localhost:4318"),
            max_request_body_size: DEFAULT_BODY,
            include_metadata: false,
            traces_url_path: "/v1/traces".to_owned(),
            metrics_url_path: "/v1/metrics".to_owned(),
            logs_url_path: "/v1/logs".to_owned(),
        }
    }
}

impl Http {
    pub(super) fn max_bytes(&self) -> usize {
        if self.max_request_body_size.get() == 0 { DEFAULT_BODY.get() } else { self.max_request_body_size.get() }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.protocols.grpc.get().is_none() && self.protocols.http.get().is_none() {
            let hint = "add `grpc:` or `http:` below `protocols:`";
            problems.error_hint("protocols", "must specify at least one protocol when using the OTLP receiver", hint);
        }
        if let Some(grpc) = self.protocols.grpc.get() {
            let mib = grpc.max_recv_msg_size_mib;
            if !(0..=MAX_MIB).contains(&mib) {
                let message = format!("invalid max_recv_msg_size_mib value, must be between 1 and {MAX_MIB}: {mib}");
                problems.error("protocols.grpc.max_recv_msg_size_mib", message);
            }
            check_endpoint(problems, "protocols.grpc.endpoint", &grpc.endpoint);
        }
        if let Some(http) = self.protocols.http.get() {
            check_endpoint(problems, "protocols.http.endpoint", &http.endpoint);
            let paths = [
                ("traces_url_path", &http.traces_url_path),
                ("metrics_url_path", &http.metrics_url_path),
                ("logs_url_path", &http.logs_url_path),
            ];
            for (i, (key, path)) in paths.iter().enumerate() {
                let parsed: Result<::http::uri::PathAndQuery, _> = slashed(path).parse();
                if parsed.is_err() {
                    problems.error(&format!("protocols.http.{key}"), "invalid HTTP URL path set for signal");
                }
                if paths.iter().take(i).any(|(_, other)| slashed(other) == slashed(path)) {
                    problems.error(&format!("protocols.http.{key}"), format!("`{path}` is the path of another signal"));
                }
            }
        }
    }
}

/// The path with its leading slash, which users may leave out.
pub(super) fn slashed(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn check_endpoint(problems: &mut Problems, path: &str, endpoint: &Endpoint) {
    let port = endpoint.as_str().rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) || endpoint.as_str().contains('/') {
        let message = format!("`{}` is not an address to listen on", endpoint.as_str());
        problems.error_hint(path, message, "write `host:port`, for example `localhost:4318`");
    }
}
