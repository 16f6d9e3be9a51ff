//! Sends: over each connection a request at a time, until the number or the time is used up.
//! At most four threads share the connections.
//!
//! Closed loop: the next request follows the answer. Open loop: requests have their moments, and a sender that is late
//! sends at once. Only what was acknowledged counts as sent.

use crate::clock;
use crate::payload::{Compression, Payload, Protocol, Template};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Different requests of one connection; one of each where there are many connections.
const SEEDS: u64 = 4;
/// From so many connections on.
const MANY: u64 = 16;
/// Threads that send, at most.
const THREADS: usize = 4;
/// Pause after a refusal, so that refusals do not fill the wire.
const PAUSE: Duration = Duration::from_millis(2);

/// What is sent, and how.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub address: SocketAddr,
    pub protocol: Protocol,
    pub compression: Compression,
    pub payload: Payload,
    pub connections: u64,
    pub requests: u64,
    pub time: Duration,
    /// Requests a second of all connections together; `None` is the closed loop.
    pub rate: Option<f64>,
    /// Largest HTTP/2 data frame; `None` takes what the server allows.
    pub frame: Option<usize>,
    /// What the first connection sends instead.
    pub first: Option<Payload>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// Spans of acknowledged requests.
    pub spans: u64,
    /// Requests answered with something that asks to try again.
    pub refused: u64,
    pub elapsed: Duration,
}

impl Sent {
    fn add(&mut self, other: Sent) {
        self.spans += other.spans;
        self.refused += other.refused;
    }
}

/// Numbers of requests go up over the whole life of this program, so that no two are equal.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Sends and waits for the last answer.
pub fn send(load: &Load) -> Result<Sent> {
    let taken = AtomicU64::new(0);
    let mut threads: Vec<Vec<Vec<Template>>> = (0..THREADS).map(|_| Vec::new()).collect();
    for connection in 0..load.connections {
        threads[connection as usize % THREADS].push(templates(load, connection)?);
    }
    threads.retain(|connections| !connections.is_empty());
    let start = clock::now();
    let taken = &taken;
    let results: Vec<Result<Sent>> = std::thread::scope(|scope| {
        let spawn = |connections| scope.spawn(move || thread(load, connections, taken, start));
        let threads: Vec<_> = threads.into_iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("invariant: senders do not panic")).collect()
    });
    let mut sum = Sent { elapsed: start.elapsed(), ..Sent::default() };
    for result in results {
        sum.add(result?);
    }
    Ok(sum)
}

fn templates(load: &Load, connection: u64) -> Result<Vec<Template>> {
    let payload = load.first.filter(|_| connection == 0).unwrap_or(load.payload);
    let seeds = if load.connections >= MANY { 1 } else { SEEDS };
    (0..seeds).map(|seed| Template::new(payload, connection * SEEDS + seed + 1)).collect()
}

/// All connections of one thread, at the same time.
fn thread(load: &Load, connections: Vec<Vec<Template>>, taken: &AtomicU64, start: Instant) -> Result<Sent> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = connections.into_iter().map(|templates| connection(load, templates, taken, start));
    let results = runtime.block_on(futures_util::future::join_all(all));
    let mut sum = Sent::default();
    for result in results {
        sum.add(result?);
    }
    Ok(sum)
}

async fn connection(load: &Load, templates: Vec<Template>, taken: &AtomicU64, start: Instant) -> Result<Sent> {
    let stream = TcpStream::connect(load.address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let io = TokioIo::new(stream);
    match load.protocol {
        Protocol::Http => {
            let (sender, connection) = http1::handshake(io).await?;
            drive(connection, requests(load, Sender::Http1(sender), templates, taken, start)).await
        }
        Protocol::Grpc => {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new()).handshake(io).await?;
            drive(connection, requests(load, Sender::Http2(sender), templates, taken, start)).await
        }
    }
}

/// Runs a connection while requests are made over it.
async fn drive(
    connection: impl Future<Output = hyper::Result<()>>,
    requests: impl Future<Output = Result<Sent>>,
) -> Result<Sent> {
    tokio::pin!(requests);
    tokio::select! {
        sent = &mut requests => sent,
        closed = connection => match requests.await {
            Err(error) => Err(closed.err().map_or(error, anyhow::Error::from)),
            sent => sent,
        },
    }
}

async fn requests(
    load: &Load,
    mut sender: Sender,
    mut templates: Vec<Template>,
    taken: &AtomicU64,
    start: Instant,
) -> Result<Sent> {
    let mut sent = Sent::default();
    loop {
        let turn = taken.fetch_add(1, Ordering::Relaxed);
        if turn >= load.requests || start.elapsed() > load.time {
            return Ok(sent);
        }
        if let Some(rate) = load.rate {
            tokio::time::sleep_until((start + Duration::from_secs_f64(turn as f64 / rate)).into()).await;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let seed = number as usize % templates.len();
        let template = &mut templates[seed];
        let body = template.body(number, load.protocol, load.compression)?;
        let response = sender.send(request(load, body)).await?;
        match answer(load.protocol, response).await? {
            Answer::Accepted => sent.spans += template.spans,
            Answer::Refused => {
                sent.refused += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Sender {
    async fn send(&mut self, request: Request<Body>) -> Result<Response<Incoming>> {
        Ok(match self {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        })
    }
}

fn request(load: &Load, body: Bytes) -> Request<Body> {
    let (path, kind, packed) = match load.protocol {
        Protocol::Http => ("/v1/traces", "application/x-protobuf", CONTENT_ENCODING.as_str()),
        Protocol::Grpc => ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc", "grpc-encoding"),
    };
    let builder = Request::post(format!("http://{}{path}", load.address)).header("host", load.address.to_string());
    let mut builder = builder.header(CONTENT_TYPE, kind);
    if load.protocol == Protocol::Grpc {
        builder = builder.header("te", "trailers");
    }
    if let Some(name) = load.compression.name() {
        builder = builder.header(packed, name);
    }
    let body = match load.frame.filter(|_| load.protocol == Protocol::Grpc) {
        None => http_body_util::Full::new(body).boxed_unsync(),
        Some(frame) => pieces(body, frame),
    };
    builder.body(body).expect("invariant: constant headers and an address make a request")
}

/// Each piece is a frame of its own.
fn pieces(mut body: Bytes, frame: usize) -> Body {
    let cut = std::iter::from_fn(move || {
        let piece = body.split_to(frame.min(body.len()));
        (!piece.is_empty()).then_some(Ok(Frame::data(piece)))
    });
    StreamBody::new(futures_util::stream::iter(cut)).boxed_unsync()
}

enum Answer {
    Accepted,
    Refused,
}

async fn answer(protocol: Protocol, response: Response<Incoming>) -> Result<Answer> {
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.context("the answer broke off")?;
    if protocol == Protocol::Http {
        return match parts.status {
            StatusCode::OK => Ok(Answer::Accepted),
            status if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE => Ok(Answer::Refused),
            status => bail!("the answer was {status}: {}", String::from_utf8_lossy(&collected.to_bytes())),
        };
    }
    let headers = collected.trailers().cloned().unwrap_or_else(HeaderMap::new);
    let status = headers.get("grpc-status").or_else(|| parts.headers.get("grpc-status")).map(HeaderValue::as_bytes);
    match status {
        Some(b"0") => Ok(Answer::Accepted),
        // RESOURCE_EXHAUSTED and UNAVAILABLE.
        Some(b"8" | b"14") => Ok(Answer::Refused),
        status => bail!("the answer was {}, gRPC status {:?}", parts.status, status.map(String::from_utf8_lossy)),
    }
}
