//! HTTP/2 with prior knowledge, and unary gRPC calls on it whose frames are written here.

use crate::wire::PATIENCE;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::{Code, Status};

pub const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
pub const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Status, headers, body and trailers of one request on a connection of its own.
pub async fn http2_post(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, HeaderMap, Bytes, HeaderMap) {
    let stream = TcpStream::connect(address).await.unwrap();
    http2_post_on(stream, path, headers, body).await
}

#[expect(clippy::disallowed_methods, reason = "a connection of a test ends with its request")]
pub async fn http2_post_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, HeaderMap, Bytes, HeaderMap) {
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::post(format!("http://h{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let exchange = async {
        let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        (parts.status.as_u16(), parts.headers, body.to_bytes(), trailers)
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time");
    connection.abort();
    answer
}

/// A message with its prefix.
pub fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

/// The message of a call's answer, or its status.
pub async fn call(address: &str, path: &str, headers: &[(&str, &str)], frames: Vec<u8>) -> Result<Bytes, Status> {
    let stream = TcpStream::connect(address).await.unwrap();
    call_on(stream, path, headers, frames).await
}

pub async fn call_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
    headers: &[(&str, &str)],
    frames: Vec<u8>,
) -> Result<Bytes, Status> {
    let all = [&[("content-type", "application/grpc"), ("te", "trailers")], headers].concat();
    let (status, headers, body, trailers) = http2_post_on(stream, path, &all, frames).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/grpc"));
    let told = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&headers));
    match told.expect("every answer has a status") {
        status if status.code() == Code::Ok => Ok(body.slice(5..)),
        status => Err(status),
    }
}

/// Exports one message without compression.
pub async fn export(address: &str, path: &str, message: &[u8]) -> Result<Bytes, Status> {
    call(address, path, &[], framed(0, message)).await
}

/// Code and text of a failure.
pub fn told(answer: Result<Bytes, Status>) -> (Code, String) {
    answer.map_or_else(|status| (status.code(), status.message().to_owned()), |_| (Code::Ok, String::new()))
}
