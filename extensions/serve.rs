//! A small HTTP server for pages: what extensions that answer questions about the collector share.
//!
//! Bodies of requests are never read. Whoever writes a page sees method, path and query, and gives an answer.

use chaperone_config::{Endpoint, Optional, ServerTls, Transport};
use chaperone_net::listen::{ListenAddress, Peer};
use chaperone_net::tls::{self, TlsServer};
use chaperone_net::{Body, Handler, Listener, Server, ServerSettings, body};
use chaperone_pipeline::{BoxFuture, Host, StartError};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 16;
/// How long answers in flight may take when the collector stops.
const STOP_DEADLINE: Duration = Duration::from_secs(1);

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    pub method: Method,
    pub path: String,
    query: Vec<(String, String)>,
}

impl Ask {
    pub(crate) fn new(method: Method, path: &str, query: &str) -> Ask {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query =
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(key, value)| (decoded(key), decoded(value)));
        Ask { method, path: path.to_owned(), query: query.collect() }
    }
    /// The first value of a parameter; empty when it has none.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Percent signs and pluses of a query undone; what is broken stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Answers questions.
pub(crate) trait Pages: Send + Sync + 'static {
    fn answer(self: Arc<Self>, ask: Ask) -> BoxFuture<'static, Response<Body>>;
}

struct Adapter<P>(Arc<P>);

impl<P: Pages> Handler for Adapter<P> {
    fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
        let uri = request.uri();
        let ask = Ask::new(request.method().clone(), uri.path(), uri.query().unwrap_or_default());
        Arc::clone(&self.0).answer(ask)
    }
}

/// Where pages are served.
pub(crate) struct Place<'a> {
    pub endpoint: &'a Endpoint,
    pub transport: Transport,
    pub tls: &'a Optional<ServerTls>,
}

/// A server that starts and stops once.
#[derive(Default)]
pub(crate) struct PageServer(Mutex<Option<Server>>);

impl PageServer {
    /// Listens; gives the address.
    pub(crate) async fn start(&self, host: &Host, place: Place<'_>, pages: Arc<impl Pages>) -> Result<ListenAddress, StartError> {
        let endpoint = place.endpoint.as_str();
        let listener = Listener::bind_for(host, place.transport, place.endpoint);
        let listener = listener.await.map_err(|error| StartError::caused_by(format!("cannot serve on `{endpoint}`"), error))?;
        let mut settings = ServerSettings::http(STREAMS);
        if let Some(tls) = place.tls.get() {
            let loaded = TlsServer::load(tls.clone(), tls::HTTP);
            settings.tls = Some(loaded.map_err(|error| StartError::caused_by("cannot set up TLS", error))?);
        }
        let address = listener.address().clone();
        let server = Server::start(listener, settings, Arc::new(Adapter(pages)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(address)
    }
    pub(crate) async fn stop(&self) {
        let server = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.stop(STOP_DEADLINE).await;
        }
    }
}

/// An answer with a body of this type.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What is told is true now, and not for whoever asks next.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// JSON with this status.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    answer(status, "application/json", value.to_string())
}

/// Nothing is there, or not for this method.
pub(crate) fn refusal(status: StatusCode) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", format!("{status}\n"))
}

/// A time in the form of Go's JSON.
pub(crate) fn rfc3339(unix_ns: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(unix_ns));
    time.map(|time| time.to_string()).unwrap_or_else(|_| "0001-01-01T00:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_taken_apart_and_broken_ones_stay_as_they_are() {
        let ask = Ask::new(Method::GET, "/", "pipeline=traces%2Fa+b&verbose&x=%zz%4&&=1");
        assert_eq!(ask.parameter("pipeline"), Some("traces/a b"));
        assert_eq!((ask.parameter("verbose"), ask.parameter("absent")), (Some(""), None));
        assert_eq!(ask.parameter("x"), Some("%zz%4"));
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(rfc3339(1_767_323_045_678_901_234), "2026-01-02T03:04:05.678901234Z");
        assert_eq!(rfc3339(1_767_323_045_000_000_000), "2026-01-02T03:04:05Z");
    }
}
