//! TLS from settings: what a server shows and asks for, what a client trusts and shows.
//!
//! One provider (`ring`), TLS 1.2 and 1.3, no system library.
//! Files are read when a component starts, and again at the interval that the settings name; what cannot be read then
//! leaves the old ones in force and is told in the log.

#[cfg(test)]
pub(crate) mod authority;
mod client;
mod material;
mod pinned;
pub mod presence;
mod server;
mod suites;
#[cfg(test)]
mod tests;

pub use client::TlsClient;
pub use server::TlsServer;

/// Protocols that a gRPC server or client agrees on.
pub const GRPC: &[&[u8]] = &[b"h2"];
/// Protocols that an HTTP server or client agrees on, the better one first.
pub const HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];
/// The older protocol alone.
pub const HTTP1: &[&[u8]] = &[b"http/1.1"];

/// TLS cannot be set up. Whoever tells of it says so first: `failed to load TLS config`.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the settings cannot be read.
    #[error("cannot read `{path}` of `{key}`")]
    File {
        key: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// There is no such thing in the text.
    #[error("`{key}` holds no {what} in PEM form")]
    Empty { key: &'static str, what: &'static str },
    /// The system's authorities were asked for, and none was found.
    #[error("the system has no certificates of authorities: {reason}")]
    NoSystemAuthorities { reason: String },
    /// A suite that nobody knows.
    #[error("invalid TLS cipher suite: \"{0}\"")]
    Suite(String),
    /// Suites were named, and none of them is to be had.
    #[error("none of `cipher_suites` is to be had in this version")]
    NoSuite,
    /// A key exchange group that is not to be had.
    #[error("invalid curve type: {0}. Expected values are X25519, P256, P384")]
    Curve(String),
    /// Certificate, key and the rest do not go together.
    #[error("`{key}` cannot be used")]
    Unusable {
        key: &'static str,
        #[source]
        source: rustls::Error,
    },
    /// Authorities of client certificates cannot be used.
    #[error("`client_ca_file` cannot be used")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

impl TlsError {
    fn unusable(key: &'static str) -> impl Fn(rustls::Error) -> TlsError {
        move |source| TlsError::Unusable { key, source }
    }
}
