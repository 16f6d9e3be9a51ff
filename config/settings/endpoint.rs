//! Addresses to listen on or to connect to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `host:port` to listen on or to connect to; `unix:/path` too. Empty = not configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Endpoint(pub String);

impl Endpoint {
    /// From text.
    pub fn new(text: impl Into<String>) -> Endpoint {
        Endpoint(text.into())
    }
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether nothing was configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Host and port of `host:port`, `[::1]:port`, or a URL with a port; the error is the message without position.
    ///
    /// A scheme is stripped, so that `http://localhost:4318` is an endpoint; what follows the port is ignored.
    /// An empty host means every address of the machine to who listens.
    pub fn host_and_port(&self) -> Result<(&str, u16), String> {
        let text = self.0.as_str();
        if text.is_empty() {
            return Err("the endpoint must not be empty".to_owned());
        }
        let address = text.split_once("://").map_or(text, |(_, rest)| rest);
        let address = address.split(['/', '?', '#']).next().unwrap_or(address);
        let (host, port) = address.rsplit_once(':').ok_or_else(|| format!("missing port in address `{text}`"))?;
        let port = port.parse().map_err(|_| format!("invalid port in address `{text}`"))?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(|| format!("missing `]` in address `{text}`"))?,
            None if host.contains(':') => return Err(format!("too many colons in address `{text}`")),
            None => host,
        };
        Ok((host, port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_found() {
        for (text, expected) in [
            ("localhost:4317", Ok(("localhost", 4317))),
            (":4317", Ok(("", 4317))),
            ("[::1]:0", Ok(("::1", 0))),
            ("http://localhost:4318/v1/traces", Ok(("localhost", 4318))),
            ("localhost", Err("missing port in address `localhost`")),
            ("localhost:x", Err("invalid port in address `localhost:x`")),
            ("localhost:99999", Err("invalid port in address `localhost:99999`")),
            ("::1:4317", Err("too many colons in address `::1:4317`")),
            ("", Err("the endpoint must not be empty")),
        ] {
            assert_eq!(Endpoint::new(text).host_and_port(), expected.map_err(str::to_owned), "{text}");
        }
    }
}
