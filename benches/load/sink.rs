//! The other end: takes OTLP over HTTP and gRPC on one port, on a thread of its own, and counts spans.

use crate::{count, payload};
use anyhow::{Context, Result};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// A running sink; it ends with the program.
pub struct Sink {
    pub address: SocketAddr,
    // Shared with the tasks of its connections.
    spans: Arc<AtomicU64>,
}

impl Sink {
    pub fn start() -> Result<Sink> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a port for the sink")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let spans = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&spans);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || runtime.block_on(accept(listener, counted)));
        Ok(Sink { address, spans })
    }

    /// Spans so far.
    pub fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }
}

#[expect(clippy::disallowed_methods, reason = "one task a connection of a collector under test")]
async fn accept(listener: std::net::TcpListener, spans: Arc<AtomicU64>) {
    let listener = TcpListener::from_std(listener).expect("invariant: the runtime has its driver");
    while let Ok((stream, _)) = listener.accept().await {
        let spans = Arc::clone(&spans);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&spans)));
            let mut server = auto::Builder::new(TokioExecutor::new());
            server.http2().initial_stream_window_size(4 << 20).initial_connection_window_size(16 << 20).max_frame_size(1 << 20);
            // A collector that is killed between two rounds leaves its connections broken.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, spans: Arc<AtomicU64>) -> Result<Response<Body>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let is_grpc = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let whole = body.collect().await?.to_bytes();
    let found = message(&parts.headers, is_grpc, &whole).and_then(|message| count::spans(&message));
    let Some(found) = found else {
        let mut response = Response::new(Full::new(Bytes::from_static(b"not a request that this sink reads")).boxed_unsync());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    };
    spans.fetch_add(found.spans, Ordering::Relaxed);
    let (kind, body) = if is_grpc {
        let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        let empty = Full::new(Bytes::from_static(&[0; payload::PREFIX]));
        ("application/grpc", empty.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed_unsync())
    } else {
        ("application/x-protobuf", Full::new(Bytes::new()).boxed_unsync())
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// The message as it was before it was packed.
fn message(headers: &HeaderMap, is_grpc: bool, whole: &Bytes) -> Option<Bytes> {
    let (name, packed) = if is_grpc {
        (headers.get("grpc-encoding").filter(|_| whole.first() == Some(&1)), whole.get(payload::PREFIX..)?)
    } else {
        (headers.get(CONTENT_ENCODING), &whole[..])
    };
    match name.map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Some(whole.slice_ref(packed)),
        Some(b"zstd") => zstd::decode_all(packed).ok().map(Bytes::from),
        Some(b"gzip") => {
            let mut message = Vec::new();
            MultiGzDecoder::new(packed).read_to_end(&mut message).ok()?;
            Some(message.into())
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Compression, Payload, Protocol};
    use crate::sender::{Load, send};
    use std::time::Duration;

    #[test]
    fn what_the_senders_send_arrives_whatever_the_way() {
        for protocol in [Protocol::Http, Protocol::Grpc] {
            for (compression, frame) in
                [(Compression::None, None), (Compression::Gzip, Some(16 << 10)), (Compression::Zstd, None)]
            {
                let sink = Sink::start().unwrap();
                let time = Duration::from_secs(60);
                let (address, payload) = (sink.address, Payload::Small);
                let load = Load {
                    address,
                    protocol,
                    compression,
                    payload,
                    connections: 2,
                    requests: 9,
                    time,
                    rate: Some(1000.0),
                    frame,
                    first: None,
                };
                let sent = send(&load).unwrap();
                assert_eq!((sent.spans, sent.refused), (900, 0));
                assert_eq!(sink.spans(), 900);
            }
        }
    }
}
