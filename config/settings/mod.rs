//! Types of settings that many components share.
//!
//! Each knows its YAML form, its schema, and how it prints.
//! The schema carries a `format` by which the walk over a user's tree checks the text itself and reports it with its place.

mod byte_size;
mod duration;
mod endpoint;
mod extensions;
mod headers;
mod keepalive;
mod optional;
mod secret;
mod tls;
mod transport;

pub use byte_size::ByteSize;
pub use duration::Duration;
pub use endpoint::Endpoint;
pub use extensions::{ClientAuth, ClientMiddleware};
pub use headers::Headers;
pub use keepalive::{ClientKeepalive, EnforcementPolicy, ServerKeepalive, ServerParameters};
pub(crate) use optional::MARK as OPTIONAL_MARK;
pub use optional::Optional;
pub use secret::Secret;
pub(crate) use secret::exposed;
pub use tls::{ClientTls, ServerTls, Tpm};
pub use transport::Transport;

/// `format` of [`Duration`] in schemas.
pub(crate) const DURATION_FORMAT: &str = "go-duration";
/// `format` of [`ByteSize`] in schemas.
pub(crate) const BYTE_SIZE_FORMAT: &str = "byte-size";
/// `format` of [`Secret`] in schemas: its values are never shown.
pub(crate) const SECRET_FORMAT: &str = "password";
/// Marks the schema of an optional block that null turns off.
pub(crate) const OFF_WHEN_NULL: &str = "x-off-when-null";
