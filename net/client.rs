//! An HTTP client for exporters: pooled connections, a time-out, a capped answer, headers from settings.
//!
//! It does not retry and does not follow redirects: the exporter front decides about the first, and a telemetry
//! endpoint that moves is a setting to correct. HTTPS comes with TLS; until then such an address is refused.

use crate::collect::{Pace, collect};
use crate::{Body, BoxError, ReceiveError, body};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

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

/// An address that cannot be used, in the words of a configuration problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL with a host.
    #[error("`{0}` is not a valid URL, expected `http://host:port/path`")]
    Invalid(String),
    /// No TLS yet.
    #[error("`{0}` needs TLS, which this version does not have yet: use `http://`")]
    Https(String),
}

/// Checks an address from settings.
pub fn parse_url(text: &str) -> Result<Uri, UrlError> {
    let invalid = || UrlError::Invalid(text.to_owned());
    let url: Uri = text.parse().map_err(|_| invalid())?;
    match (url.scheme_str(), url.host()) {
        (Some("http"), Some(host)) if !host.is_empty() => Ok(url),
        (Some("https"), Some(_)) => Err(UrlError::Https(text.to_owned())),
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

/// How connections are opened.
pub(crate) fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

/// Keeps connections; clones share them.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpConnector, Body>,
}

impl Default for HttpClient {
    fn default() -> Self {
        HttpClient::new()
    }
}

impl HttpClient {
    /// Opens nothing yet.
    pub fn new() -> HttpClient {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(connector());
        HttpClient { client }
    }

    /// Sends one request and reads its answer.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, RequestError> {
        let HttpRequest { method, url, headers, body, timeout } = request;
        // The query may hold a token: it is not shown.
        let shown = format!("{}://{}{}", url.scheme_str().unwrap_or("http"), url.host().unwrap_or_default(), url.path());
        let mut sent = http::Request::new(body::slices(body));
        *sent.method_mut() = method;
        *sent.uri_mut() = url;
        *sent.headers_mut() = headers;
        let exchange = self.exchange(sent, &shown);
        if timeout.is_zero() {
            return exchange.await;
        }
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_elapsed) => Err(RequestError::Timeout { url: shown, timeout }),
        }
    }

    async fn exchange(&self, request: http::Request<Body>, shown: &str) -> Result<HttpResponse, RequestError> {
        let transport = |source: BoxError| RequestError::Transport { url: shown.to_owned(), source };
        let response = self.client.request(request).await.map_err(|error| transport(error.into()))?;
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
    fn urls_are_checked_and_https_says_what_is_missing() {
        assert_eq!(parse_url("http://localhost:4318/v1").unwrap().path(), "/v1");
        assert_eq!(parse_url("https://h:1"), Err(UrlError::Https("https://h:1".into())));
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
