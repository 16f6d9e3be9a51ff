//! Durations and sizes of calls, as OpenTelemetry's libraries for HTTP and gRPC tell them; measured at `detailed` only.
//!
//! A server's handler is wrapped, so that every answer is seen, whoever gives it. At other levels the wrapper costs a load
//! of an atomic and nothing is kept.

use crate::listen::ListenAddress;
use crate::{Body, Handler, Peer};
use chaperone_pipeline::telemetry::SECOND_BOUNDS;
use chaperone_pipeline::{BoxFuture, Telemetry};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Upper bounds of sizes of bodies: OpenTelemetry's defaults.
const BODY_BOUNDS: &[f64] =
    &[0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

/// What a handler serves, which decides what is told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serves {
    /// HTTP; the paths that have a route of their own.
    Http(Vec<String>),
    /// Unary gRPC; the methods that exist, as paths.
    Grpc(Vec<String>),
}

/// The near end of a connection's address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Host, or path of a Unix socket.
    pub address: String,
    /// None for a Unix socket.
    pub port: Option<u16>,
    /// `http` or `https`.
    pub scheme: &'static str,
}

impl Place {
    /// Of a server.
    pub fn of(address: &ListenAddress, tls: bool) -> Place {
        let scheme = if tls { "https" } else { "http" };
        match address {
            ListenAddress::Tcp(address) => Place { address: address.ip().to_string(), port: Some(address.port()), scheme },
            ListenAddress::Unix(path) => Place { address: path.display().to_string(), port: None, scheme },
        }
    }
}

/// A handler whose calls are measured.
pub struct Measured<H> {
    // Shared with the calls under way.
    inner: Arc<H>,
    telemetry: Telemetry,
    place: Place,
    serves: Serves,
}

impl<H> Measured<H> {
    /// Wraps a handler.
    pub fn new(inner: H, telemetry: &Telemetry, place: Place, serves: Serves) -> Measured<H> {
        Measured { inner: Arc::new(inner), telemetry: telemetry.clone(), place, serves }
    }

    fn record(&self, call: &Call, response: &Response<Body>) {
        let seconds = call.since.elapsed().as_secs_f64();
        match &self.serves {
            Serves::Grpc(methods) if methods.contains(&call.path) => {
                let status = grpc_status(response);
                let method = call.path.trim_start_matches('/');
                let labels = [("rpc_method", method), ("rpc_response_status_code", status), ("rpc_system_name", "grpc")];
                let help = "Measures the duration of an incoming Remote Procedure Call (RPC).";
                let name = "rpc_server_call_duration";
                self.telemetry.detailed_histogram(name, help, &labels, SECOND_BOUNDS).observe(seconds);
            }
            // Methods that do not exist have names that strangers choose.
            Serves::Grpc(_) => {}
            Serves::Http(paths) => {
                let route = paths.iter().find(|path| **path == call.path).map(String::as_str);
                let http = HttpCall { method: &call.method, status: response.status(), version: call.version, route };
                let labels = http.labels(&self.place);
                let labels: Vec<(&'static str, &str)> = labels.iter().map(|(key, value)| (*key, value.as_str())).collect();
                let observe = |name, help, bounds, value| {
                    self.telemetry.detailed_histogram(name, help, &labels, bounds).observe(value);
                };
                observe("http_server_request_duration", "Duration of HTTP server requests.", SECOND_BOUNDS, seconds);
                if let Some(bytes) = call.request_bytes {
                    observe("http_server_request_body_size", "Size of HTTP server request bodies.", BODY_BOUNDS, bytes as f64);
                }
                if let Some(bytes) = response.body().size_hint().exact() {
                    observe("http_server_response_body_size", "Size of HTTP server response bodies.", BODY_BOUNDS, bytes as f64);
                }
            }
        }
    }
}

impl<H: Handler> Handler for Measured<H> {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        if !self.telemetry.is_detailed() {
            return Arc::clone(&self.inner).handle(request, peer);
        }
        let call = Call {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            version: request.version(),
            request_bytes: request.body().size_hint().exact(),
            since: Instant::now(),
        };
        Box::pin(async move {
            let response = Arc::clone(&self.inner).handle(request, peer).await;
            self.record(&call, &response);
            response
        })
    }
}

struct Call {
    method: Method,
    path: String,
    version: Version,
    request_bytes: Option<u64>,
    since: Instant,
}

/// One HTTP call, seen from either end.
struct HttpCall<'a> {
    method: &'a Method,
    status: StatusCode,
    version: Version,
    route: Option<&'a str>,
}

impl HttpCall<'_> {
    /// In the order of their names, as series are sorted.
    fn labels(&self, place: &Place) -> Vec<(&'static str, String)> {
        let mut labels = vec![
            ("http_request_method", method(self.method).to_owned()),
            ("http_response_status_code", self.status.as_u16().to_string()),
        ];
        labels.extend(self.route.map(|route| ("http_route", route.to_owned())));
        labels.push(("network_protocol_name", "http".to_owned()));
        labels.push(("network_protocol_version", version(self.version).to_owned()));
        labels.push(("server_address", place.address.clone()));
        labels.extend(place.port.map(|port| ("server_port", port.to_string())));
        labels.push(("url_scheme", place.scheme.to_owned()));
        labels
    }
}

/// Tells about a client's call.
pub fn client_call(telemetry: &Telemetry, place: &Place, call: &ClientCall<'_>) {
    if !telemetry.is_detailed() {
        return;
    }
    let http = HttpCall { method: call.method, status: call.status, version: Version::HTTP_11, route: None };
    let labels = http.labels(place);
    let labels: Vec<(&'static str, &str)> = labels.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let observe = |name, help, bounds, value| telemetry.detailed_histogram(name, help, &labels, bounds).observe(value);
    let seconds = call.took.as_secs_f64();
    observe("http_client_request_duration", "Duration of HTTP client requests.", SECOND_BOUNDS, seconds);
    observe("http_client_request_body_size", "Size of HTTP client request bodies.", BODY_BOUNDS, call.request_bytes as f64);
}

/// A client's call that was answered.
pub struct ClientCall<'a> {
    /// Its method.
    pub method: &'a Method,
    /// What came back.
    pub status: StatusCode,
    /// Bytes of the body as sent.
    pub request_bytes: usize,
    /// From the first byte sent to the answer.
    pub took: Duration,
}

/// Methods that strangers invent share a name.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// The name of the status in an answer's head; without one it is in the trailers, where only success puts it.
fn grpc_status(response: &Response<Body>) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let code = response.headers().get("grpc-status").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    NAMES.get(code.unwrap_or(0)).copied().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_pipeline::Level;

    #[test]
    fn labels_of_a_call_are_bounded_and_sorted() {
        let place = Place { address: "127.0.0.1".into(), port: Some(4318), scheme: "http" };
        let invented = Method::from_bytes(b"BREW").unwrap();
        let call =
            HttpCall { method: &invented, status: StatusCode::NOT_FOUND, version: Version::HTTP_2, route: Some("/v1/logs") };
        let labels = call.labels(&place);
        assert!(labels.is_sorted());
        let values: Vec<&str> = labels.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["_OTHER", "404", "/v1/logs", "http", "2", "127.0.0.1", "4318", "http"]);
    }

    #[test]
    fn a_status_in_the_trailers_is_success() {
        let mut response = Response::new(crate::body::empty());
        assert_eq!(grpc_status(&response), "OK");
        response.headers_mut().insert("grpc-status", "14".parse().unwrap());
        assert_eq!(grpc_status(&response), "UNAVAILABLE");
        response.headers_mut().insert("grpc-status", "99".parse().unwrap());
        assert_eq!(grpc_status(&response), "UNKNOWN");
    }

    #[test]
    fn calls_are_told_at_the_level_detailed_only() {
        let telemetry = Telemetry::default();
        let place = Place { address: "h".into(), port: Some(1), scheme: "https" };
        let took = Duration::from_millis(30);
        let call = ClientCall { method: &Method::POST, status: StatusCode::OK, request_bytes: 7, took };
        client_call(&telemetry, &place, &call);
        assert!(telemetry.families().is_empty());
        telemetry.set_level(Level::Detailed);
        client_call(&telemetry, &place, &call);
        let names: Vec<String> = telemetry.families().into_iter().map(|family| family.name).collect();
        assert_eq!(names, ["http_client_request_body_size", "http_client_request_duration"]);
    }
}
