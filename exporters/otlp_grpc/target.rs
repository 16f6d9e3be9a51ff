//! What an `endpoint` of the Collector's gRPC clients means: `host:port`, perhaps behind a scheme, or a Unix socket.
//!
//! The Collector speaks TLS unless `tls.insecure` is set, whatever the scheme. Here `http://` says "no TLS" as well, as
//! long as nothing in `tls` says otherwise: whoever wrote neither wanted TLS.

use chaperone_config::ClientTls;
use http::uri::Authority;
use std::path::PathBuf;

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
    #[error("unix socket path cannot be empty")]
    NoPath,
}

impl TargetError {
    /// What to write instead.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            TargetError::NoPath => "write the socket's path after it, for example `unix:///run/otlp.sock`",
            _ => "write the server's `host:port`, for example `localhost:4317`",
        }
    }
}

/// Where calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// What the server is called.
    pub server: Authority,
    /// Its Unix socket, if it has one.
    pub socket: Option<PathBuf>,
    /// Whether TLS is spoken.
    pub secure: bool,
}

/// Schemes of addresses that are resolved as any other; what stands between them and the host is who resolves.
const RESOLVERS: [&str; 2] = ["dns://", "passthrough://"];

/// The server that `endpoint` names, and whether `tls` wants TLS there.
pub(super) fn parse(endpoint: &str, tls: &ClientTls) -> Result<Target, TargetError> {
    // Authorities to trust are a wish for TLS, in the Collector too.
    let wanted = !tls.insecure || tls.has_ca();
    if endpoint.is_empty() {
        return Err(TargetError::Empty);
    }
    if let Some(path) = endpoint.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(TargetError::NoPath);
        }
        let server = Authority::from_static("localhost");
        return Ok(Target { server, socket: Some(PathBuf::from(path)), secure: wanted });
    }
    if let Some(rest) = endpoint.strip_prefix("https://") {
        return Ok(Target { server: authority(rest)?, socket: None, secure: true });
    }
    if let Some(rest) = endpoint.strip_prefix("http://") {
        let secure = wanted && *tls != ClientTls::default();
        return Ok(Target { server: authority(rest)?, socket: None, secure });
    }
    let resolved = RESOLVERS.iter().find_map(|resolver| endpoint.strip_prefix(resolver));
    let rest = match resolved {
        Some(rest) => rest.split_once('/').map_or(rest, |(_resolver, address)| address),
        None => endpoint,
    };
    Ok(Target { server: authority(rest)?, socket: None, secure: wanted })
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

    fn clear() -> ClientTls {
        ClientTls { insecure: true, ..ClientTls::default() }
    }

    fn check(endpoint: &str, tls: &ClientTls, expected: Result<(&str, bool), TargetError>) {
        let expected = expected.map(|(server, secure)| Target { server: server.parse().unwrap(), socket: None, secure });
        assert_eq!(parse(endpoint, tls), expected, "{endpoint}");
    }

    #[test]
    fn a_server_is_a_host_and_a_port_behind_any_scheme() {
        for (endpoint, server) in [
            ("backend:4317", "backend:4317"),
            ("http://backend:4317", "backend:4317"),
            ("dns:///backend:4317", "backend:4317"),
            ("dns://10.0.0.1:53/backend:4317", "backend:4317"),
            ("passthrough:///10.0.0.1:4317", "10.0.0.1:4317"),
            ("[::1]:4317", "[::1]:4317"),
            (":4317", "localhost:4317"),
        ] {
            check(endpoint, &clear(), Ok((server, false)));
        }
    }

    #[test]
    fn tls_is_spoken_unless_somebody_said_otherwise() {
        let secure = Ok(("backend:4317", true));
        let in_clear_text = Ok(("backend:4317", false));
        check("backend:4317", &ClientTls::default(), secure.clone());
        check("dns:///backend:4317", &ClientTls::default(), secure.clone());
        check("https://backend:4317", &clear(), secure.clone());
        check("http://backend:4317", &ClientTls::default(), in_clear_text.clone());
        check("http://backend:4317", &clear(), in_clear_text);
        // Who names authorities wants them asked.
        let trusting = ClientTls { ca_file: "ca.pem".to_owned(), ..clear() };
        check("backend:4317", &trusting, secure.clone());
        check("http://backend:4317", &ClientTls { insecure: false, ..trusting }, secure);
    }

    #[test]
    fn unix_sockets_are_told_by_their_scheme() {
        let socket = |secure| Target {
            server: Authority::from_static("localhost"),
            socket: Some(PathBuf::from("/run/otlp.sock")),
            secure,
        };
        assert_eq!(parse("unix:///run/otlp.sock", &clear()), Ok(socket(false)));
        assert_eq!(parse("unix:/run/otlp.sock", &ClientTls::default()), Ok(socket(true)));
        assert_eq!(parse("unix://", &clear()), Err(TargetError::NoPath));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        let tls = clear();
        check("", &tls, Err(TargetError::Empty));
        check("backend", &tls, Err(TargetError::NoPort("backend".into())));
        check("[::1]", &tls, Err(TargetError::NoPort("[::1]".into())));
        check("backend:grpc", &tls, Err(TargetError::BadPort("grpc".into())));
        check("backend:99999", &tls, Err(TargetError::BadPort("99999".into())));
        check("::1:4317", &tls, Err(TargetError::BadHost("::1:4317".into())));
        check("back end:4317", &tls, Err(TargetError::BadHost("back end:4317".into())));
        check("xds:///backend:4317", &tls, Err(TargetError::BadHost("xds:///backend:4317".into())));
    }
}
