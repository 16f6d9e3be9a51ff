//! Sockets: HTTP and gRPC servers and clients, compression with caps, and what outcomes look like on the wire.
//!
//! Knows HTTP/1.1, HTTP/2 and the framing of gRPC, and no route, no signal and no attribute.
//! Whatever is read from a stranger has a limit, is charged to a budget while it arrives, and must keep arriving.
//! TLS is rustls; no system library has a part in it.

#![deny(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)]

mod accepted_unix;
pub mod body;
mod buffers;
pub mod client;
pub mod collect;
pub mod compression;
pub mod connect;
pub mod discard;
pub mod figures;
pub mod grpc;
pub mod grpc_client;
#[cfg(test)]
mod grpc_client_tests;
#[cfg(test)]
mod grpc_tests;
mod handed_over;
pub mod listen;
pub mod meter;
pub mod outcome;
pub mod retry_after;
pub mod rpc_status;
#[cfg(test)]
mod secure_tests;
pub mod server;
mod stream;
pub mod tls;

pub use body::{Body, BoxError};
pub use client::{HttpClient, HttpClientSettings, HttpRequest, HttpResponse, RequestError};
pub use collect::{Pace, collect};
pub use compression::{BodyEncoding, Compression, CompressionParams, compress, decompress};
pub use connect::{Connector, Proxy, Route};
pub use discard::discard;
pub use grpc_client::{GrpcClient, GrpcClientSettings};
pub use listen::{BindError, ListenAddress, Listener, Peer};
pub use meter::{Meter, ReceiveError};
pub use outcome::WireOutcome;
pub use rpc_status::RpcStatus;
pub use server::{ConnectionCounters, Handler, Server, ServerSettings};
pub use tls::{TlsClient, TlsError, TlsServer};
