//! Unary calls over loopback: what is refused, with which code, and what was charged.

use crate::grpc::{Message, MessageLimits, RawCodec, unary};
use crate::{Body, BodyEncoding, Handler, Listener, Meter, Pace, Server, ServerSettings, compress};
use bytes::Bytes;
use chaperone_config::Endpoint;
use futures_util::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Request, Response};
use hyper::body::Incoming;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tonic::{Code, Status};

/// Counts what is held, up to a limit.
#[derive(Default)]
struct Budget {
    held: AtomicUsize,
    most: AtomicUsize,
    failures: AtomicUsize,
}

struct Held {
    // Shared with the test that looks at it.
    budget: Arc<Budget>,
    bytes: usize,
    limit: usize,
}

impl Meter for Held {
    fn grow(&mut self, bytes: usize) -> bool {
        if self.bytes + bytes > self.limit {
            return false;
        }
        self.bytes += bytes;
        let held = self.budget.held.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.budget.most.fetch_max(held, Ordering::SeqCst);
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

/// Answers with the length of the message.
struct Lengths {
    budget: Arc<Budget>,
    limit: usize,
}

const LIMITS: MessageLimits = MessageLimits { max_bytes: 1 << 20, pace: Pace::SLOWEST };

impl Handler for Lengths {
    fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: crate::Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let meter = Held { budget: Arc::clone(&self.budget), bytes: 0, limit: self.limit };
            let budget = Arc::clone(&self.budget);
            let failed = move |_: &crate::ReceiveError| {
                budget.failures.fetch_add(1, Ordering::SeqCst);
            };
            let answer = |message: Message<Held>| async move { Ok::<_, Status>(Bytes::from(message.body.len().to_string())) };
            unary(request, LIMITS, meter, failed, answer).await
        })
    }
}

struct Bench {
    server: Server,
    budget: Arc<Budget>,
    channel: tonic::transport::Channel,
}

impl Bench {
    async fn start(limit: usize) -> Bench {
        let listener = Listener::bind(&Endpoint::new("localhost:0")).await.unwrap();
        let budget = Arc::new(Budget::default());
        let handler = Arc::new(Lengths { budget: Arc::clone(&budget), limit });
        let server = Server::start(listener, ServerSettings::grpc(10), handler);
        let channel = tonic::transport::Channel::from_shared(format!("http://{}", server.address())).unwrap();
        Bench { server, budget, channel: channel.connect().await.unwrap() }
    }

    async fn call(&self, message: Bytes, encoding: Option<&'static str>) -> Result<Bytes, Status> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let mut request = tonic::Request::new(message);
        if let Some(encoding) = encoding {
            request.metadata_mut().insert("grpc-encoding", encoding.parse().unwrap());
        }
        let path = PathAndQuery::from_static("/service/Method");
        client.unary(request, path, RawCodec).await.map(tonic::Response::into_inner)
    }

    /// A call whose body is written here, prefix and all.
    async fn raw(&self, encoding: &str, body: Vec<u8>) -> (u16, String) {
        let client: hyper_util::client::legacy::Client<_, Body> =
            hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).http2_only(true).build_http();
        let request = Request::post(format!("http://{}/service/Method", self.server.address()))
            .header("content-type", "application/grpc")
            .header("grpc-encoding", encoding)
            .body(crate::body::full(body))
            .unwrap();
        let response = client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let in_headers = response.headers().get("grpc-status").cloned();
        let collected = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        let in_trailers = collected.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
        let code = in_headers.or(in_trailers).unwrap();
        (status, code.to_str().unwrap().to_owned())
    }
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut body = vec![flag];
    body.extend_from_slice(&(message.len() as u32).to_be_bytes());
    body.extend_from_slice(message);
    body
}

#[tokio::test]
async fn a_message_is_charged_while_it_is_held() {
    let bench = Bench::start(1 << 20).await;
    assert_eq!(bench.call(Bytes::from(vec![1; 500_000]), None).await.unwrap(), "500000");
    assert_eq!(bench.budget.most.load(Ordering::SeqCst), 500_000);
    assert_eq!(bench.budget.held.load(Ordering::SeqCst), 0);
    bench.server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn over_the_budget_tells_when_to_come_back() {
    let bench = Bench::start(1000).await;
    let status = bench.call(Bytes::from(vec![1; 1001]), None).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let told = crate::RpcStatus::from_protobuf(status.details()).unwrap();
    assert_eq!(told.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(bench.budget.failures.load(Ordering::SeqCst), 1);
    assert_eq!(bench.budget.held.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn compressed_messages_come_through_whatever_their_frames() {
    let bench = Bench::start(4 << 20).await;
    let known = [("gzip", BodyEncoding::Gzip), ("zstd", BodyEncoding::Zstd), ("snappy", BodyEncoding::SnappyFramed)];
    for (name, encoding) in known {
        let packed = compress(&[Bytes::from(vec![7; 900_000])], encoding).unwrap();
        assert_eq!(bench.raw(name, framed(1, &packed)).await, (200, "0".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn faults_of_framing_have_their_codes() {
    let bench = Bench::start(1 << 20).await;
    let code = |code: Code| (200, (code as i32).to_string());
    // Compressed, without saying how; an unknown flag; a message cut short; two messages; a bomb; no gzip at all.
    assert_eq!(bench.raw("identity", framed(1, b"abc")).await, code(Code::Internal));
    assert_eq!(bench.raw("identity", framed(9, b"abc")).await, code(Code::Internal));
    assert_eq!(bench.raw("identity", framed(0, b"abc")[..6].to_vec()).await, code(Code::Internal));
    let two = [framed(0, b"abc"), framed(0, b"def")].concat();
    assert_eq!(bench.raw("identity", two).await, code(Code::Unimplemented));
    let bomb = compress(&[Bytes::from(vec![0; 2 << 20])], BodyEncoding::Gzip).unwrap();
    assert_eq!(bench.raw("gzip", framed(1, &bomb)).await, code(Code::ResourceExhausted));
    assert_eq!(bench.raw("gzip", framed(1, b"abc")).await, code(Code::InvalidArgument));
    assert_eq!(bench.raw("deflate", framed(1, b"abc")).await, code(Code::Unimplemented));
    assert_eq!(bench.budget.held.load(Ordering::SeqCst), 0);
}
