//! How clients open connections: TCP, Unix sockets or a proxy, and TLS over any of them.
//!
//! What a URL's scheme says decides about TLS; whoever builds a client sees to it that the scheme is what the settings
//! mean. A proxy is named by the settings or, as in Go, by the environment, which never stands between a process and its
//! own machine.

use crate::BoxError;
use crate::stream::{Socket, Stream};
use crate::tls::TlsClient;
use futures_util::future::BoxFuture;
use http::uri::Authority;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io::{IoSlice, Result};
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::codegen::Service;

/// The system asks a silent peer whether it is there after this time, as Go's clients do.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// A proxy's answer to a request for a tunnel is no longer than this.
const MAX_TUNNEL_ANSWER: usize = 8 << 10;

/// Where connections go.
#[derive(Debug, Clone, Default)]
pub enum Route {
    /// To the host and port of the URL.
    #[default]
    Direct,
    /// To this host and port, whatever the URL says.
    Fixed(Authority),
    /// To a Unix socket.
    Unix(PathBuf),
    /// Through a proxy, where the rules want one.
    Proxy(Proxy),
}

/// Which requests go through which proxy.
#[derive(Clone)]
pub struct Proxy {
    // Clones of a client share it.
    rules: Arc<Matcher>,
    from_environment: bool,
    /// Asks for a tunnel even where a proxy could pass requests on: gRPC does.
    always_tunnel: bool,
}

impl fmt::Debug for Proxy {
    /// Without the rules: their addresses may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("from_environment", &self.from_environment).finish_non_exhaustive()
    }
}

impl Proxy {
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in small letters too.
    pub fn of_environment() -> Proxy {
        Proxy { rules: Arc::new(Matcher::from_env()), from_environment: true, always_tunnel: false }
    }

    /// One proxy for everything; the error says what is wrong with its address, without it.
    pub fn at(url: &str) -> std::result::Result<Proxy, String> {
        let parsed: Uri = url.parse().map_err(|_| "not a valid URL".to_owned())?;
        match parsed.scheme_str() {
            Some("http") if parsed.host().is_some_and(|host| !host.is_empty()) => {}
            Some(other @ ("https" | "socks5" | "socks5h")) => {
                return Err(format!("proxies are spoken to by `http://`, not by `{other}://`"));
            }
            _ => return Err("not a valid URL, expected `http://host:port`".to_owned()),
        }
        let rules = Arc::new(Matcher::builder().all(url.to_owned()).build());
        Ok(Proxy { rules, from_environment: false, always_tunnel: false })
    }

    /// The same, with a tunnel for every connection.
    pub fn tunnelling(self) -> Proxy {
        Proxy { always_tunnel: true, ..self }
    }

    fn of(&self, url: &Uri) -> Option<Via> {
        if self.from_environment && url.host().is_some_and(is_this_machine) {
            return None;
        }
        let found = self.rules.intercept(url)?;
        let tunnel = self.always_tunnel || url.scheme_str() == Some("https");
        Some(Via { proxy: found.uri().clone(), authorization: found.basic_auth().cloned(), tunnel })
    }

    /// What the proxy must be told with a request that it passes on.
    pub(crate) fn authorization(&self, url: &Uri) -> Option<HeaderValue> {
        self.of(url).filter(|via| !via.tunnel)?.authorization
    }
}

struct Via {
    proxy: Uri,
    authorization: Option<HeaderValue>,
    tunnel: bool,
}

fn is_this_machine(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Opens connections; clones share what they need.
#[derive(Debug, Clone)]
pub struct Connector {
    tcp: HttpConnector,
    tls: TlsClient,
    route: Route,
    // Shared with the connections: why the last one of them was ended by TLS. A server that refuses our certificate says
    // so only after our side has shaken hands, and the HTTP library passes on no more than that the connection is gone.
    refusal: Arc<Mutex<Option<rustls::Error>>>,
}

/// TLS ended a connection while a request was under way or about to be.
#[derive(Debug, thiserror::Error)]
#[error("TLS ended the connection: {why}")]
struct Refused {
    why: rustls::Error,
    #[source]
    source: BoxError,
}

impl Connector {
    /// Opens nothing yet.
    pub fn new(tls: TlsClient, route: Route) -> Connector {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        tcp.enforce_http(false);
        Connector { tcp, tls, route, refusal: Arc::default() }
    }

    /// Reads the files that TLS needs, so that a mistake is told at start; nothing when clear text is sent and none is named.
    pub async fn prepare(&self, is_secure: bool) -> std::result::Result<(), crate::TlsError> {
        if is_secure || self.tls.names_files() { self.tls.prepare().await } else { Ok(()) }
    }

    pub(crate) fn proxy_authorization(&self, url: &Uri) -> Option<HeaderValue> {
        if let Route::Proxy(proxy) = &self.route { proxy.authorization(url) } else { None }
    }

    /// A request's error, with what TLS said before it.
    pub(crate) fn explain(&self, error: BoxError) -> BoxError {
        let why = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        match why {
            Some(why) => Refused { why, source: error }.into(),
            None => error,
        }
    }

    async fn open(mut self, url: Uri) -> std::result::Result<Opened, BoxError> {
        let is_secure = url.scheme_str() == Some("https");
        let (socket, proxied) = match &self.route {
            Route::Direct => (Socket::Tcp(self.tcp.call(url.clone()).await?.into_inner()), false),
            Route::Fixed(server) => {
                let there = Uri::builder().scheme("http").authority(server.clone()).path_and_query("/").build()?;
                (Socket::Tcp(self.tcp.call(there).await?.into_inner()), false)
            }
            Route::Unix(path) => (Socket::Unix(UnixStream::connect(path).await?), false),
            Route::Proxy(proxy) => match proxy.of(&url) {
                None => (Socket::Tcp(self.tcp.call(url.clone()).await?.into_inner()), false),
                Some(via) => {
                    let mut stream = Socket::Tcp(self.tcp.call(via.proxy.clone()).await?.into_inner());
                    if via.tunnel {
                        tunnel(&mut stream, &url, via.authorization.as_ref()).await?;
                    }
                    (stream, !via.tunnel)
                }
            },
        };
        let stream =
            if is_secure { self.tls.connect(socket, url.host().unwrap_or_default()).await? } else { Stream::Plain(socket) };
        Ok(Opened { stream: TokioIo::new(stream), proxied, refusal: self.refusal })
    }
}

/// Asks a proxy for a tunnel to the URL's host.
async fn tunnel(stream: &mut Socket, url: &Uri, authorization: Option<&HeaderValue>) -> std::result::Result<(), BoxError> {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 });
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the header belongs to the tunnel.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > MAX_TUNNEL_ANSWER {
            return Err("the proxy's answer is too long".into());
        }
        answer.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(answer.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    if line.starts_with("HTTP/1.") && line.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(format!("the proxy refused a tunnel: {line}").into())
}

impl Service<Uri> for Connector {
    type Response = Opened;
    type Error = BoxError;
    type Future = BoxFuture<'static, std::result::Result<Opened, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        Box::pin(self.clone().open(url))
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Opened {
    stream: TokioIo<Stream>,
    proxied: bool,
    refusal: Arc<Mutex<Option<rustls::Error>>>,
}

impl Connection for Opened {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied);
        if self.stream.inner().negotiated_h2() { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Opened {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &read
            && let Some(why) = error.get_ref().and_then(|why| why.downcast_ref::<rustls::Error>())
        {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        }
        read
    }
}

impl Write for Opened {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies_are_checked_without_being_shown() {
        assert!(Proxy::at("http://user:hidden@proxy:3128").is_ok());
        for bad in ["", "proxy:3128", "http://", "https://u:hidden@proxy:1", "socks5://u:hidden@proxy:1"] {
            let error = Proxy::at(bad).unwrap_err();
            assert!(!error.contains("hidden"), "{error}");
        }
        assert!(!format!("{:?}", Proxy::at("http://user:hidden@proxy:3128")).contains("hidden"));
    }

    #[test]
    fn only_a_proxy_of_the_settings_stands_before_this_machine() {
        let named = Proxy::at("http://proxy:3128").unwrap();
        let local: Uri = "http://127.0.0.1:4318/".parse().unwrap();
        assert!(named.of(&local).is_some_and(|via| !via.tunnel && via.proxy.port_u16() == Some(3128)));
        let of_environment = Proxy { from_environment: true, ..named.clone() };
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert!(of_environment.of(&format!("http://{host}:4318/").parse().unwrap()).is_none(), "{host}");
        }
        assert!(of_environment.of(&"http://backend:4318/".parse().unwrap()).is_some());
        assert!(named.of(&"https://backend/".parse().unwrap()).is_some_and(|via| via.tunnel));
        assert!(named.tunnelling().of(&local).is_some_and(|via| via.tunnel));
    }
}
