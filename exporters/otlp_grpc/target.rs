//! What an `endpoint` of the Collector's gRPC clients means: `host:port`, perhaps behind a scheme.
//!
//! The Collector speaks TLS unless `tls.insecure` is set, whatever the scheme. Here `http://` says "no TLS" as well;
//! whoever wrote neither wanted TLS and is not served in clear text.

use http::uri::Authority;

/// An endpoint that cannot be used, in the words of a configuration problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TargetError {
    #[error("requires a non-empty \"endpoint\"")]
    Empty,
    #[error("address {0}: missing port in address")]
    NoPort(String),
    #[error("invalid port \"{0}\"")]
    BadPort(String),
    #[error("`{0}` is not an address, expected `host:port`")]
    BadHost(String),
    #[error("`{0}` needs TLS, which this version does not have yet")]
    Tls(String),
    #[error("`{0}` is a Unix socket, which this version cannot send to yet")]
    Unix(String),
}

impl TargetError {
    /// What to write instead.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            TargetError::Tls(_) => "for a server without TLS write `tls: {insecure: true}` beside `endpoint: host:port`",
            _ => "write the server's `host:port`, for example `localhost:4317`",
        }
    }
}

/// Schemes of grpc-go's name resolution that mean "this host".
const RESOLVERS: [&str; 2] = ["dns:///", "passthrough:///"];

/// The server that `endpoint` names.
pub(super) fn parse(endpoint: &str, insecure: bool) -> Result<Authority, TargetError> {
    if endpoint.is_empty() {
        return Err(TargetError::Empty);
    }
    if endpoint.starts_with("https://") {
        return Err(TargetError::Tls(endpoint.to_owned()));
    }
    if endpoint.starts_with("unix:") {
        return Err(TargetError::Unix(endpoint.to_owned()));
    }
    let (clear_text, rest) = match endpoint.strip_prefix("http://") {
        Some(rest) => (true, rest),
        None => (insecure, endpoint),
    };
    let rest = RESOLVERS.iter().find_map(|resolver| rest.strip_prefix(resolver)).unwrap_or(rest);
    let authority = authority(rest)?;
    if clear_text { Ok(authority) } else { Err(TargetError::Tls(endpoint.to_owned())) }
}

fn authority(address: &str) -> Result<Authority, TargetError> {
    let bad_host = || TargetError::BadHost(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(|| TargetError::NoPort(address.to_owned()))?;
    if host.starts_with('[') && !host.ends_with(']') {
        return Err(TargetError::NoPort(address.to_owned()));
    }
    if host.contains(['/', '@']) || (host.contains(':') && !host.starts_with('[')) {
        return Err(bad_host());
    }
    if port.parse::<u16>().is_err() {
        return Err(TargetError::BadPort(port.to_owned()));
    }
    // As in Go, nothing before the port is this machine.
    let host = if host.is_empty() { "localhost" } else { host };
    format!("{host}:{port}").parse().map_err(|_| bad_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, insecure: bool, expected: Result<&str, TargetError>) {
        assert_eq!(parse(endpoint, insecure), expected.map(|address| address.parse().unwrap()), "{endpoint}");
    }

    #[test]
    fn a_server_is_a_host_and_a_port_behind_any_scheme() {
        for (endpoint, server) in [
            ("backend:4317", "backend:4317"),
            ("http://backend:4317", "backend:4317"),
            ("dns:///backend:4317", "backend:4317"),
            ("passthrough:///10.0.0.1:4317", "10.0.0.1:4317"),
            ("[::1]:4317", "[::1]:4317"),
            (":4317", "localhost:4317"),
        ] {
            check(endpoint, true, Ok(server));
        }
    }

    #[test]
    fn nothing_is_sent_in_clear_text_unless_somebody_said_so() {
        check("backend:4317", false, Err(TargetError::Tls("backend:4317".into())));
        check("http://backend:4317", false, Ok("backend:4317"));
        check("https://backend:4317", true, Err(TargetError::Tls("https://backend:4317".into())));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        check("", true, Err(TargetError::Empty));
        check("backend", true, Err(TargetError::NoPort("backend".into())));
        check("[::1]", true, Err(TargetError::NoPort("[::1]".into())));
        check("backend:grpc", true, Err(TargetError::BadPort("grpc".into())));
        check("backend:99999", true, Err(TargetError::BadPort("99999".into())));
        check("::1:4317", true, Err(TargetError::BadHost("::1:4317".into())));
        check("back end:4317", true, Err(TargetError::BadHost("back end:4317".into())));
        check("dns://10.0.0.1/backend:4317", true, Err(TargetError::BadHost("dns://10.0.0.1/backend:4317".into())));
        check("unix:///run/otlp.sock", true, Err(TargetError::Unix("unix:///run/otlp.sock".into())));
    }
}
