//! An HTTP client for exporters: pooled connections, a time-out, a capped answer, headers from settings.
//!
//! It does not retry and does not follow redirects: the exporter front decides about the first, and a telemetry
//! endpoint that moves is a setting to correct.

use crate::body::Pieces;
use crate::collect::{Pace, collect};
use crate::connect::{Connector, Proxy, Route};
use crate::tls::{HTTP, HTTP1};
use crate::{BoxError, ReceiveError, TlsClient, TlsError, body};
use bytes::Bytes;
use chaperone_config::ClientTls;
use http::header::{CONNECTION, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Idle connections are closed after this time.
pub(crate) const IDLE: Duration = Duration::from_secs(90);
/// More of an answer is never read.
const MAX_ANSWER: usize = 64 << 10;

/// A request to send.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Method.
    pub method: Method,
    /// Checked by [`parse_url`].
    pub url: Uri,
    /// Headers; `host` and `content-length` are added.
    pub headers: HeaderMap,
    /// Body as slices; they are not copied together.
    pub body: Vec<Bytes>,
    /// For the whole exchange; zero = none.
    pub timeout: Duration,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// At most 64 KiB; a longer answer is left out.
    pub body: Bytes,
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not connected, or the connection broke.
    #[error("no answer from {url}")]
    Transport {
        url: String,
        #[source]
        source: BoxError,
    },
    /// The time was up.
    #[error("no answer from {url} within {timeout:?}")]
    Timeout { url: String, timeout: Duration },
    /// The request itself cannot be made.
    #[error("cannot make the request to {url}")]
    Invalid {
        url: String,
        #[source]
        source: BoxError,
    },
}

impl RequestError {
    /// The cause alone, for who tells the rest in words of its own.
    pub fn into_source(self) -> Option<BoxError> {
        match self {
            RequestError::Transport { source, .. } | RequestError::Invalid { source, .. } => Some(source),
            RequestError::Timeout { .. } => None,
        }
    }
}

/// An address that cannot be used, in the words of a configuration problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL with a host.
    #[error("`{0}` is not a valid URL, expected `http://host:port/path` or `https://host:port/path`")]
    Invalid(String),
}

/// Checks an address from settings.
pub fn parse_url(text: &str) -> Result<Uri, UrlError> {
    let invalid = || UrlError::Invalid(text.to_owned());
    let url: Uri = text.parse().map_err(|_| invalid())?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(url),
        _ => Err(invalid()),
    }
}

/// Reads headers from settings; the error is the first name that is not one, or whose value is not one.
pub fn parse_headers<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (key, mut value) = parsed.ok_or_else(|| name.to_owned())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// How a client opens and keeps connections.
#[derive(Debug, Clone)]
pub struct HttpClientSettings {
    /// TLS of `https://`.
    pub tls: ClientTls,
    /// Where connections go.
    pub route: Route,
    /// Whether HTTP/2 is spoken where TLS lets both sides agree on it.
    pub http2: bool,
    /// Idle connections are closed after this time; zero = never.
    pub idle_timeout: Duration,
    /// Idle connections that are kept for a server; zero = all.
    pub max_idle: usize,
    /// Requests under way at a time, which over HTTP/1 is connections; zero = any number.
    pub max_connections: usize,
    /// Whether a connection is used again.
    pub keep_alives: bool,
    /// Time without anything received over HTTP/2 before a ping; zero = no pings.
    pub ping_after: Duration,
    /// How long its answer may take; zero = fifteen seconds.
    pub ping_timeout: Duration,
}

impl Default for HttpClientSettings {
    fn default() -> Self {
        HttpClientSettings {
            tls: ClientTls::default(),
            route: Route::Proxy(Proxy::of_environment()),
            http2: true,
            idle_timeout: IDLE,
            max_idle: 0,
            max_connections: 0,
            keep_alives: true,
            ping_after: Duration::ZERO,
            ping_timeout: Duration::ZERO,
        }
    }
}

/// How long the answer to a ping may take, unless set.
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// Keeps connections; clones share them.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<Connector, Full<Pieces>>,
    connector: Connector,
    keep_alives: bool,
    // Shared by clones: each request under way holds a permit.
    permits: Option<Arc<Semaphore>>,
}

impl Default for HttpClient {
    fn default() -> Self {
        HttpClient::new()
    }
}

impl HttpClient {
    /// Opens nothing yet.
    pub fn new() -> HttpClient {
        HttpClient::with(HttpClientSettings::default())
    }

    /// The same with settings. Reads no file yet.
    pub fn with(settings: HttpClientSettings) -> HttpClient {
        let tls = TlsClient::new(settings.tls, if settings.http2 { HTTP } else { HTTP1 });
        let connector = Connector::new(tls, settings.route);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        builder.pool_idle_timeout(Some(settings.idle_timeout).filter(|timeout| !timeout.is_zero()));
        if !settings.keep_alives {
            builder.pool_max_idle_per_host(0);
        } else if settings.max_idle > 0 {
            builder.pool_max_idle_per_host(settings.max_idle);
        }
        if !settings.ping_after.is_zero() {
            let timeout = if settings.ping_timeout.is_zero() { PING_TIMEOUT } else { settings.ping_timeout };
            builder.http2_keep_alive_interval(settings.ping_after).http2_keep_alive_timeout(timeout);
            builder.http2_keep_alive_while_idle(true);
        }
        let permits = (settings.max_connections > 0)
            .then(|| Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS))));
        HttpClient { client: builder.build(connector.clone()), connector, keep_alives: settings.keep_alives, permits }
    }

    /// Reads the files that TLS needs, so that a mistake is told at start; `is_secure` if any address is `https://`.
    pub async fn prepare(&self, is_secure: bool) -> Result<(), TlsError> {
        self.connector.prepare(is_secure).await
    }

    /// Sends one request and reads its answer.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, RequestError> {
        let HttpRequest { method, url, headers, body, timeout } = request;
        // The query may hold a token, and what stands before the host a password: neither is shown.
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        let host = url.host().unwrap_or_default();
        let shown = format!("{}://{host}{port}{}", url.scheme_str().unwrap_or("http"), url.path());
        let mut sent = http::Request::new(body::slices(body));
        *sent.method_mut() = method;
        *sent.uri_mut() = url;
        *sent.headers_mut() = headers;
        if !self.keep_alives {
            sent.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(authorization) = self.connector.proxy_authorization(sent.uri()) {
            sent.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let exchange = self.exchange(sent, &shown);
        if timeout.is_zero() {
            return exchange.await;
        }
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_elapsed) => Err(RequestError::Timeout { url: shown, timeout }),
        }
    }

    async fn exchange(&self, request: http::Request<Full<Pieces>>, shown: &str) -> Result<HttpResponse, RequestError> {
        let transport = |source: BoxError| RequestError::Transport { url: shown.to_owned(), source };
        let _permit = match &self.permits {
            Some(permits) => Some(permits.acquire().await.expect("invariant: never closed")),
            None => None,
        };
        let response = self.client.request(request).await.map_err(|error| transport(self.connector.explain(error.into())))?;
        let (parts, body) = response.into_parts();
        let body = match collect(body, MAX_ANSWER, &mut (), Pace::SLOWEST).await {
            Ok(body) => body,
            Err(ReceiveError::TooLarge { .. }) => Bytes::new(),
            Err(error) => return Err(transport(error.into())),
        };
        Ok(HttpResponse { status: parts.status, headers: parts.headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        assert_eq!(parse_url("http://localhost:4318/v1").unwrap().path(), "/v1");
        assert_eq!(parse_url("https://h:1").unwrap().scheme_str(), Some("https"));
        for bad in ["", "localhost:4318", "ftp://h/", "http://", "/v1/traces"] {
            assert_eq!(parse_url(bad), Err(UrlError::Invalid(bad.into())), "{bad}");
        }
    }

    #[test]
    fn a_bad_header_is_named() {
        assert_eq!(parse_headers([("a", "1"), ("b c", "2")]).unwrap_err(), "b c");
        assert_eq!(parse_headers([("X-Token", "t")]).unwrap().get("x-token").unwrap(), "t");
    }

    #[tokio::test]
    async fn nobody_listening_is_a_transport_error_that_hides_the_query() {
        let url = parse_url("http://127.0.0.1:1/p?token=secret").unwrap();
        let request =
            HttpRequest { method: Method::POST, url, headers: HeaderMap::new(), body: vec![], timeout: Duration::from_secs(5) };
        let error = HttpClient::new().send(request).await.unwrap_err();
        assert!(matches!(error, RequestError::Transport { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
