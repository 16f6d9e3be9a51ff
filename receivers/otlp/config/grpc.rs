//! Settings of OTLP/gRPC.

use super::{Auth, DEFAULT_STREAMS, Dialer, Middleware, check_endpoint, check_extensions};
use chaperone_config::{Endpoint, Optional, Problems, ServerKeepalive, ServerTls, Transport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DEFAULT_MESSAGE_MIB: i64 = 4;
/// The largest number of mebibytes that is a number of bytes in an `i64`.
const MAX_MIB: i64 = i64::MAX >> 20;

/// OTLP/gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grpc {
    /// Address to listen on. Port 0 lets the system choose one. With `transport: unix` the path of a socket.
    pub endpoint: Endpoint,
    /// `tcp`, `tcp4` and `tcp6` for one family only, or `unix`.
    pub transport: Transport,
    /// Encrypts. Off unless written.
    pub tls: Optional<ServerTls>,
    /// When connections end, and how clients that went away are noticed.
    pub keepalive: Optional<ServerKeepalive>,
    /// Largest message in MiB, before and after decompression. 0 means 4.
    pub max_recv_msg_size_mib: i64,
    /// Concurrent requests of one connection. 0 means 1000.
    pub max_concurrent_streams: u32,
    /// Checked, and without effect: buffers grow with what arrives.
    pub read_buffer_size: i64,
    /// Checked, and without effect: answers are a few bytes.
    pub write_buffer_size: i64,
    /// Keeps the request's headers for components that read client metadata.
    pub include_metadata: bool,
    /// Refused: there are no authenticating extensions yet.
    pub auth: Optional<Auth>,
    /// Refused: there are no such extensions yet.
    pub middlewares: Vec<Middleware>,
    /// Without effect on a server.
    pub dialer: Dialer,
}

impl Default for Grpc {
    fn default() -> Self {
        Grpc {
            endpoint: Endpoint::new("localhost:4317"),
            transport: Transport::Tcp,
            tls: Optional::Absent,
            keepalive: Optional::Absent,
            max_recv_msg_size_mib: 0,
            max_concurrent_streams: 0,
            read_buffer_size: 512 << 10,
            write_buffer_size: 0,
            include_metadata: false,
            auth: Optional::Absent,
            middlewares: Vec::new(),
            dialer: Dialer::default(),
        }
    }
}

impl Grpc {
    pub(in super::super) fn max_bytes(&self) -> usize {
        let mib = if self.max_recv_msg_size_mib == 0 { DEFAULT_MESSAGE_MIB } else { self.max_recv_msg_size_mib };
        usize::try_from(mib).unwrap_or(usize::MAX >> 20) << 20
    }

    pub(in super::super) fn max_streams(&self) -> u32 {
        if self.max_concurrent_streams == 0 { DEFAULT_STREAMS } else { self.max_concurrent_streams }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let mib = self.max_recv_msg_size_mib;
        if !(0..=MAX_MIB).contains(&mib) {
            let message = format!("invalid max_recv_msg_size_mib value, must be between 1 and {MAX_MIB}: {mib}");
            problems.error("max_recv_msg_size_mib", message);
        }
        for (key, bytes) in [("read_buffer_size", self.read_buffer_size), ("write_buffer_size", self.write_buffer_size)] {
            if bytes < 0 {
                problems.error(key, format!("invalid {key} value: {bytes}"));
            }
        }
        check_endpoint(problems, &self.endpoint, self.transport);
        check_extensions(problems, &self.auth, &self.middlewares);
        if let Some(tls) = self.tls.get() {
            problems.within("tls", |problems| {
                tls.check(problems);
                chaperone_net::tls::presence::warn_of_server(tls, problems);
            });
        }
        if let Some(keepalive) = self.keepalive.get() {
            problems.within("keepalive", |problems| keepalive.check(problems));
        }
    }
}
