//! A gRPC client for exporters: unary calls whose messages stay bytes.
//!
//! The message goes out as the slices it consists of, behind its prefix: nothing is decoded, and only what would make
//! small frames is copied. One HTTP/2 connection serves all calls; it is opened by the first and again after it broke.
//! It does not retry.

use crate::client::IDLE;
use crate::compression::{BodyEncoding, compress_off_thread, decompress};
use crate::connect::{Connector, Route};
use crate::tls::GRPC;
use crate::{Body, BoxError, RpcStatus, TlsClient, TlsError, body};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use chaperone_config::ClientTls;
use http::header::{CONTENT_TYPE, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

pub use tonic::Code;

/// A longer answer is an error: those of exporters are a few bytes.
const MAX_ANSWER: usize = 1 << 20;
/// One byte of flag, four of length.
const PREFIX: usize = 5;

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// One unary call.
#[derive(Debug, Clone)]
pub struct Call {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Metadata; those of gRPC itself are added.
    pub headers: HeaderMap,
    /// The serialized message, in slices.
    pub message: Vec<Bytes>,
    /// How it is compressed.
    pub compression: BodyEncoding,
    /// For the whole exchange; zero = none. The server is told.
    pub timeout: Duration,
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server's word, or what its answer stands for.
    #[error("rpc error: code = {code:?} desc = {message}")]
    Status {
        code: Code,
        message: String,
        /// From `RetryInfo`.
        retry_after: Option<Duration>,
    },
    /// Not connected, or the connection broke.
    #[error("no answer from {server}")]
    Transport {
        server: Authority,
        #[source]
        source: BoxError,
    },
    /// The time was up.
    #[error("no answer from {server} within {timeout:?}")]
    Timeout { server: Authority, timeout: Duration },
    /// The call itself cannot be made.
    #[error("cannot make the call: {0}")]
    Invalid(String),
}

impl CallError {
    /// The cause alone, for who tells the rest in words of its own.
    pub fn into_source(self) -> Option<BoxError> {
        if let CallError::Transport { source, .. } = self { Some(source) } else { None }
    }

    fn status(code: Code, message: impl Into<String>) -> CallError {
        CallError::Status { code, message: message.into(), retry_after: None }
    }
}

/// Pings on a connection, so that one that died silently is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pings {
    /// Time without anything received before a ping.
    pub every: Duration,
    /// How long its answer may take before the connection is closed.
    pub timeout: Duration,
    /// Also while no call is in flight.
    pub while_idle: bool,
}

/// Where calls go and how.
#[derive(Debug, Clone)]
pub struct GrpcClientSettings {
    /// What the server is called; without a route of another kind, also its address.
    pub server: Authority,
    /// Where connections go.
    pub route: Route,
    /// TLS; `None` = clear text.
    pub tls: Option<ClientTls>,
    /// Pings on the connection.
    pub pings: Option<Pings>,
}

impl GrpcClientSettings {
    /// Clear text straight to a server.
    pub fn to(server: Authority) -> GrpcClientSettings {
        GrpcClientSettings { server, route: Route::Direct, tls: None, pings: None }
    }
}

/// Keeps the connection to one server; clones share it.
#[derive(Debug, Clone)]
pub struct GrpcClient {
    client: Client<Connector, Body>,
    connector: Connector,
    server: Authority,
    scheme: Scheme,
}

impl GrpcClient {
    /// Opens nothing yet.
    pub fn new(settings: GrpcClientSettings) -> GrpcClient {
        let GrpcClientSettings { server, route, tls, pings } = settings;
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).timer(TokioTimer::new()).http2_only(true);
        // Until the server has said how many calls it takes at a time there is one: it would refuse those above its limit.
        builder.http2_initial_max_send_streams(1);
        if let Some(Pings { every, timeout, while_idle }) = pings {
            builder.http2_keep_alive_interval(every).http2_keep_alive_timeout(timeout).http2_keep_alive_while_idle(while_idle);
        }
        let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let connector = Connector::new(TlsClient::new(tls.unwrap_or_default(), GRPC), route);
        GrpcClient { client: builder.build(connector.clone()), connector, server, scheme }
    }

    /// Reads the files that TLS needs, so that a mistake is told at start.
    pub async fn prepare(&self) -> Result<(), TlsError> {
        self.connector.prepare(self.scheme == Scheme::HTTPS).await
    }

    /// Makes one call and gives the serialized answer.
    pub async fn unary(&self, call: Call) -> Result<Bytes, CallError> {
        let timeout = call.timeout;
        let exchange = self.exchange(call);
        if timeout.is_zero() {
            return exchange.await;
        }
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_elapsed) => Err(CallError::Timeout { server: self.server.clone(), timeout }),
        }
    }

    async fn exchange(&self, call: Call) -> Result<Bytes, CallError> {
        let request = self.request(call).await?;
        let response = self.client.request(request).await.map_err(|error| self.broken(error.into()))?;
        let (parts, body) = response.into_parts();
        // An answer that is only headers carries its status there; so does an error of a proxy that speaks gRPC.
        if let Some(failure) = failure(&parts.headers) {
            return Err(failure);
        }
        if parts.status != StatusCode::OK {
            return Err(of_http(parts.status));
        }
        let content_type = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if !content_type.starts_with(b"application/grpc") {
            let shown = String::from_utf8_lossy(content_type);
            return Err(CallError::status(Code::Unknown, format!("unexpected content-type \"{shown}\": this is no gRPC server")));
        }
        let (message, trailers) = self.read(body).await?;
        let status = trailers.as_ref().unwrap_or(&parts.headers);
        if let Some(failure) = failure(status) {
            return Err(failure);
        }
        if !status.contains_key("grpc-status") {
            return Err(CallError::status(Code::Internal, "the server closed the stream without a status"));
        }
        unpack(message, &parts.headers)
    }

    async fn request(&self, call: Call) -> Result<http::Request<Body>, CallError> {
        let Call { path, headers, mut message, compression, timeout } = call;
        if compression != BodyEncoding::Identity {
            let packed = compress_off_thread(message, compression, 0).await;
            message = vec![packed.map_err(|error| CallError::Invalid(format!("cannot compress: {error}")))?];
        }
        let length: usize = message.iter().map(Bytes::len).sum();
        let length = u32::try_from(length).map_err(|_| CallError::Invalid("a message of more than 4 GiB".to_owned()))?;
        let mut prefix = BytesMut::with_capacity(PREFIX);
        prefix.put_u8(u8::from(compression != BodyEncoding::Identity));
        prefix.put_u32(length);
        message.insert(0, prefix.freeze());
        let mut request = http::Request::new(body::frames(message));
        *request.method_mut() = Method::POST;
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.server.clone())
            .path_and_query(PathAndQuery::from_static(path))
            .build();
        *request.uri_mut() = uri.map_err(|error| CallError::Invalid(error.to_string()))?;
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip,zstd,snappy"));
        if compression != BodyEncoding::Identity {
            headers.insert(GRPC_ENCODING, HeaderValue::from_static(compression.grpc_name()));
        }
        if !timeout.is_zero()
            && let Ok(told) = HeaderValue::from_str(&spelled(timeout))
        {
            headers.insert(GRPC_TIMEOUT, told);
        }
        Ok(request)
    }

    async fn read(&self, mut body: Incoming) -> Result<(Bytes, Option<HeaderMap>), CallError> {
        let mut message = BytesMut::new();
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            match frame.map_err(|error| self.broken(error.into()))?.into_data() {
                Ok(data) if message.len() + data.len() > MAX_ANSWER => {
                    return Err(CallError::status(Code::ResourceExhausted, format!("an answer of more than {MAX_ANSWER} bytes")));
                }
                Ok(data) => message.extend_from_slice(&data),
                Err(other) => trailers = other.into_trailers().ok(),
            }
        }
        Ok((message.freeze(), trailers))
    }

    fn broken(&self, source: BoxError) -> CallError {
        CallError::Transport { server: self.server.clone(), source: self.connector.explain(source) }
    }
}

/// The failure that a block of headers or trailers tells of; `None` when it tells of none.
fn failure(headers: &HeaderMap) -> Option<CallError> {
    let status = tonic::Status::from_header_map(headers)?;
    if status.code() == Code::Ok {
        return None;
    }
    let retry_after = RpcStatus::from_protobuf(status.details()).and_then(|details| details.retry_after);
    Some(CallError::Status { code: status.code(), message: status.message().to_owned(), retry_after })
}

/// What gRPC has clients make of a status that no gRPC server sends.
fn of_http(status: StatusCode) -> CallError {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    CallError::status(code, format!("unexpected HTTP status code received from server: {status}"))
}

/// Takes the prefix off an answer, and its compression, with which servers may answer as they were asked.
fn unpack(mut answer: Bytes, headers: &HeaderMap) -> Result<Bytes, CallError> {
    let broken = |message: &str| CallError::status(Code::Internal, message);
    if answer.len() < PREFIX {
        return Err(broken("the server sent no message"));
    }
    let compressed = answer.get_u8() != 0;
    if answer.get_u32() as usize != answer.len() {
        return Err(broken("the server sent something else than one message"));
    }
    if !compressed {
        return Ok(answer);
    }
    let encoding = BodyEncoding::from_grpc_header(headers.get(GRPC_ENCODING));
    let encoding = encoding.filter(|encoding| *encoding != BodyEncoding::Identity);
    let encoding = encoding.ok_or_else(|| broken("the server compressed its answer in an unknown way"))?;
    decompress(&answer, encoding, MAX_ANSWER, &mut ()).map_err(|error| broken(&error.to_string()))
}

/// At most eight digits and a unit, rounded up: a server that gives up early would waste the rest.
fn spelled(timeout: Duration) -> String {
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    if millis < 100_000_000 { format!("{millis}m") } else { format!("{}S", timeout.as_secs().saturating_add(1).min(99_999_999)) }
}
