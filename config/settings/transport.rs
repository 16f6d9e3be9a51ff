//! What a server listens on: the Collector's names of networks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of socket behind an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP over both families; the endpoint is `host:port`.
    #[default]
    Tcp,
    /// TCP over IPv4 only.
    Tcp4,
    /// TCP over IPv6 only.
    Tcp6,
    /// A Unix socket; the endpoint is its path.
    Unix,
}
