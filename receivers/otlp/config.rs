//! Settings of the `otlp` receiver: what both protocols share, and the checks that no block can make alone.
//!
//! The keys and defaults are the Collector's. What it only finds out at the start (an address that is none, two signals
//! on one path, a compression nobody knows) is said when the configuration is checked.

mod grpc;
mod http;

pub use grpc::Grpc;
pub use http::{Cors, Http};

use chaperone_config::{Duration, Endpoint, Optional, Problems, Transport, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Concurrent requests of one HTTP/2 connection, unless set.
pub(super) const DEFAULT_STREAMS: u32 = 1000;

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

/// How a server would dial, which it never does: accepted because the Collector's block of addresses has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dialer {
    /// Without effect.
    pub timeout: Duration,
}

/// Who may send. Not to be had yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Id of the extension that checks.
    pub authenticator: String,
    /// Query parameters that it sees as headers. Only over HTTP.
    pub request_params: Vec<String>,
}

/// One extension that sees every request. Not to be had yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Middleware {
    /// Id of the extension.
    pub id: String,
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        let Protocols { grpc, http } = &self.protocols;
        if grpc.get().is_none() && http.get().is_none() {
            let hint = "add `grpc:` or `http:` below `protocols:`";
            problems.error_hint("protocols", "must specify at least one protocol when using the OTLP receiver", hint);
        }
        problems.within("protocols", |problems| {
            if let Some(grpc) = grpc.get() {
                problems.within("grpc", |problems| grpc.check(problems));
            }
            if let Some(http) = http.get() {
                problems.within("http", |problems| http.check(problems));
            }
            if let (Some(grpc), Some(http)) = (grpc.get(), http.get())
                && is_one_address((&grpc.endpoint, grpc.transport), (&http.endpoint, http.transport))
            {
                problems.error("http.endpoint", format!("`{}` is the address of `grpc` too", http.endpoint.as_str()));
            }
        });
    }
}

/// Whether two servers would listen at one place. Port 0 is another one each time.
fn is_one_address(one: (&Endpoint, Transport), other: (&Endpoint, Transport)) -> bool {
    one == other && !one.0.as_str().ends_with(":0")
}

fn check_endpoint(problems: &mut Problems, endpoint: &Endpoint, transport: Transport) {
    let text = endpoint.as_str();
    if transport == Transport::Unix {
        if text.is_empty() {
            problems.error_hint("endpoint", "the path of the socket is missing", "write it as `endpoint`");
        }
        return;
    }
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) || text.contains('/') {
        let message = format!("`{text}` is not an address to listen on");
        problems.error_hint("endpoint", message, "write `host:port`, for example `localhost:4318`");
    }
}

/// Says of settings that need extensions of a kind we do not have that they would have no effect: refused, because a
/// receiver that ought to authenticate its senders must not take anything from anybody.
fn check_extensions(problems: &mut Problems, auth: &Optional<Auth>, middlewares: &[Middleware]) {
    if let Some(auth) = auth.get() {
        let message =
            format!("the authenticator `{}` cannot be used: there are no authenticating extensions yet", auth.authenticator);
        let hint = "until they come, use `tls` with `client_ca_file`, or listen on localhost behind a proxy that authenticates";
        problems.error_hint("auth", message, hint);
    }
    if let Some(first) = middlewares.first() {
        let message = format!("the middleware `{}` cannot be used: there are no such extensions yet", first.id);
        problems.error("middlewares", message);
    }
}
