//! Settings of the `zpages` extension.

use chaperone_config::{Endpoint, Optional, Problems, ServerTls, Transport, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on: `host:port`, or the path of a Unix socket. The pages tell names of components and addresses:
    /// keep it on localhost, or set `tls` with `client_ca_file`.
    pub endpoint: Endpoint,
    /// Kind of socket: `tcp`, `tcp4`, `tcp6` or `unix`.
    pub transport: Transport,
    /// TLS; clear text when it is left out.
    pub tls: Optional<ServerTls>,
    /// Own metrics as JSON at `/debug/expvarz`.
    pub expvar: Expvar,
}

/// Own metrics as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expvar {
    /// Whether the page is there.
    pub enabled: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: Endpoint::new("localhost:55679"),
            transport: Transport::Tcp,
            tls: Optional::Absent,
            expvar: Expvar::default(),
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.endpoint.as_str().is_empty() {
            problems.error("endpoint", "`endpoint` is required when using the `zpages` extension");
        }
        if let Some(tls) = self.tls.get() {
            problems.within("tls", |problems| tls.check(problems));
        }
    }
}
