//! How connections are served, from the settings of those who serve.
//!
//! Zero means "not set" in the Collector's time-outs; where nothing at all would let a stranger hold a connection for
//! ever, a generous bound of ours applies.

use crate::tls::TlsServer;
use chaperone_config::ServerKeepalive;
use chaperone_pipeline::{Counter, Telemetry};
use std::time::Duration;

/// How long a header may take, and a handshake, unless set.
const HEADER: Duration = Duration::from_secs(60);
/// How long a connection may be silent before its first byte, and over HTTP/1 between two requests, unless set. Exporters
/// of SDKs send once a minute and should find their connection again.
pub(super) const SILENCE: Duration = Duration::from_secs(300);
/// How often an HTTP/2 peer is asked whether it is still there, and how long it may take to say so, unless set.
const PING: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(20));
/// Connections of one listener, unless set.
const MAX_CONNECTIONS: usize = 10_000;

/// How connections are served.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Whether HTTP/1.1 is spoken beside HTTP/2.
    pub http1: bool,
    /// Requests of one HTTP/2 connection at a time.
    pub max_concurrent_streams: u32,
    /// TLS; `None` = clear text.
    pub tls: Option<TlsServer>,
    /// Whether an HTTP/1 connection takes a second request.
    pub keep_alives: bool,
    /// For a request's header, and for a TLS handshake; zero = a minute.
    pub header_timeout: Duration,
    /// Between two requests; zero = five minutes over HTTP/1, for ever over HTTP/2.
    pub idle_timeout: Duration,
    /// For a write that the client does not take; zero = for ever.
    pub write_timeout: Duration,
    /// Time without anything received over HTTP/2 before a ping; zero = two minutes.
    pub ping_after: Duration,
    /// How long its answer may take; zero = twenty seconds.
    pub ping_timeout: Duration,
    /// A connection of this age takes no further request; zero = never.
    pub max_age: Duration,
    /// How long its requests may take then; zero = as long as they need.
    pub max_age_grace: Duration,
    /// More are closed at once, and counted.
    pub max_connections: usize,
    /// Counts connections that were closed for a reason.
    pub counters: Option<ConnectionCounters>,
}

impl ServerSettings {
    /// HTTP/1.1 and HTTP/2 in clear text, with bounds of ours.
    pub fn http(max_concurrent_streams: u32) -> ServerSettings {
        ServerSettings {
            http1: true,
            max_concurrent_streams,
            tls: None,
            keep_alives: true,
            header_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
            ping_after: Duration::ZERO,
            ping_timeout: Duration::ZERO,
            max_age: Duration::ZERO,
            max_age_grace: Duration::ZERO,
            max_connections: MAX_CONNECTIONS,
            counters: None,
        }
    }

    /// HTTP/2 alone, as gRPC speaks it.
    pub fn grpc(max_concurrent_streams: u32) -> ServerSettings {
        ServerSettings { http1: false, ..ServerSettings::http(max_concurrent_streams) }
    }

    /// With what a `keepalive` block of a gRPC server asks for.
    pub fn keepalive(mut self, keepalive: &ServerKeepalive) -> ServerSettings {
        if let Some(parameters) = keepalive.server_parameters.get() {
            self.idle_timeout = parameters.max_connection_idle.get();
            self.max_age = parameters.max_connection_age.get();
            self.max_age_grace = parameters.max_connection_age_grace.get();
            self.ping_after = parameters.time.get();
            self.ping_timeout = parameters.timeout.get();
        }
        self
    }

    pub(super) fn patience(&self) -> super::pulse::Patience {
        super::pulse::Patience {
            header: or(self.header_timeout, HEADER),
            idle_http1: or(self.idle_timeout, SILENCE),
            idle_http2: Some(self.idle_timeout).filter(|idle| !idle.is_zero()),
            write: self.write_timeout,
        }
    }

    pub(super) fn ping(&self) -> (Duration, Duration) {
        (or(self.ping_after, PING.0), or(self.ping_timeout, PING.1))
    }
}

fn or(set: Duration, otherwise: Duration) -> Duration {
    if set.is_zero() { otherwise } else { set }
}

/// Connections that were closed for a reason, by reason.
#[derive(Debug, Clone)]
pub struct ConnectionCounters {
    pub(super) too_many: Counter,
    pub(super) handshake: Counter,
    pub(super) slow_header: Counter,
}

impl ConnectionCounters {
    /// Counters of one server; `labels` tell whose.
    pub fn new(telemetry: &Telemetry, labels: &[(&'static str, &str)]) -> ConnectionCounters {
        let counter = |reason| {
            let labels: Vec<(&'static str, &str)> = labels.iter().copied().chain([("reason", reason)]).collect();
            let help = "Connections closed without a request because of what they did.";
            telemetry.counter("chaperone_server_closed_connections", help, &labels)
        };
        ConnectionCounters { too_many: counter("too_many"), handshake: counter("handshake"), slow_header: counter("slow_header") }
    }
}
