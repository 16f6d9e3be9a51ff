//! The client against servers that answer oddly; those that answer well are tested where it is used.

use crate::grpc_client::{Call, CallError, Code, GrpcClient, GrpcClientSettings};
use crate::{Body, BodyEncoding, Handler, Listener, Peer, Server, ServerSettings, body, compress};
use bytes::{BufMut, Bytes};
use chaperone_config::Endpoint;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One answer, and what was asked.
#[derive(Default)]
struct Script {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    message: Bytes,
    trailers: Option<Vec<(&'static str, &'static str)>>,
    hang: bool,
    seen: Mutex<Vec<(HeaderMap, Bytes)>>,
    peers: Mutex<Vec<Peer>>,
}

fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

impl Handler for Script {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let (parts, asked) = request.into_parts();
            let asked = asked.collect().await.unwrap().to_bytes();
            self.seen.lock().unwrap().push((parts.headers, asked));
            self.peers.lock().unwrap().push(peer);
            if self.hang {
                std::future::pending::<()>().await;
            }
            let answer = body::full(self.message.clone());
            let trailers = self.trailers.as_deref().map(map);
            let answer = match trailers {
                None => answer,
                Some(trailers) => answer.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed_unsync(),
            };
            let mut response = Response::new(answer);
            *response.status_mut() = self.status.try_into().unwrap();
            *response.headers_mut() = map(&self.headers);
            response
        })
    }
}

async fn listen(address: &str, script: Arc<Script>) -> Server {
    let listener = Listener::bind(&Endpoint::new(address)).await.unwrap();
    Server::start(listener, ServerSettings::grpc(10), script)
}

async fn serve(script: Script) -> (Server, Arc<Script>, GrpcClient) {
    let script = Arc::new(script);
    let server = listen("localhost:0", Arc::clone(&script)).await;
    let client = GrpcClient::new(GrpcClientSettings::to(server.address().to_string().parse().unwrap()));
    (server, script, client)
}

fn call() -> Call {
    Call {
        path: "/service/Method",
        headers: map(&[("x-api-key", "k")]),
        message: vec![Bytes::from_static(b"one "), Bytes::from_static(b"two")],
        compression: BodyEncoding::Identity,
        timeout: Duration::from_secs(20),
    }
}

fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = vec![flag];
    framed.put_u32(message.len() as u32);
    framed.extend_from_slice(message);
    framed.into()
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn good(message: Bytes) -> Script {
    Script { status: 200, headers: vec![GRPC], message, trailers: Some(vec![("grpc-status", "0")]), ..Script::default() }
}

async fn judged(script: Script) -> Result<Bytes, (Code, String)> {
    let (server, _script, client) = serve(script).await;
    let result = client.unary(call()).await;
    server.stop(Duration::from_secs(5)).await;
    result.map_err(|error| match error {
        CallError::Status { code, message, .. } => (code, message),
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn a_message_goes_out_behind_its_prefix_with_the_headers_of_grpc() {
    let (server, script, client) = serve(good(framed(0, b"answer"))).await;
    assert_eq!(client.unary(call()).await.unwrap(), "answer");
    client.unary(Call { compression: BodyEncoding::Zstd, timeout: Duration::ZERO, ..call() }).await.unwrap();
    server.stop(Duration::from_secs(5)).await;
    let seen = script.seen.lock().unwrap();
    let (headers, body) = &seen[0];
    assert_eq!(*body, framed(0, b"one two"));
    for (name, value) in [("x-api-key", "k"), ("te", "trailers"), ("grpc-timeout", "20000m"), GRPC] {
        assert_eq!(headers[name], value);
    }
    assert!(!headers.contains_key("grpc-encoding"));
    let (headers, body) = &seen[1];
    assert_eq!(headers["grpc-encoding"], "zstd");
    assert!(!headers.contains_key("grpc-timeout"));
    assert_eq!(*body, framed(1, &compress(&[Bytes::from_static(b"one two")], BodyEncoding::Zstd).unwrap()));
    let peers = script.peers.lock().unwrap();
    assert_eq!(peers[0], peers[1], "one connection serves all calls");
}

#[tokio::test]
async fn an_answer_may_be_compressed() {
    let packed = compress(&[Bytes::from_static(b"answer")], BodyEncoding::Gzip).unwrap();
    let script = good(framed(1, &packed));
    let told = Script { headers: vec![GRPC, ("grpc-encoding", "gzip")], ..script };
    assert_eq!(judged(told).await.unwrap(), "answer");
    let (code, message) = judged(good(framed(1, &packed))).await.unwrap_err();
    assert_eq!((code, message.as_str()), (Code::Internal, "the server compressed its answer in an unknown way"));
}

#[tokio::test]
async fn answers_that_are_no_grpc_have_the_codes_that_grpc_gives_them() {
    for (status, expected) in [
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (429, Code::Unavailable),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
        (500, Code::Unknown),
    ] {
        let (code, _) = judged(Script { status, ..Script::default() }).await.unwrap_err();
        assert_eq!(code, expected, "{status}");
    }
    let page = Script { status: 200, headers: vec![("content-type", "text/html")], ..Script::default() };
    assert_eq!(judged(page).await.unwrap_err().0, Code::Unknown);
}

#[tokio::test]
async fn half_answers_are_errors() {
    for (script, expected) in [
        (Script { trailers: None, ..good(framed(0, b"")) }, "the server closed the stream without a status"),
        (good(Bytes::new()), "the server sent no message"),
        (good(Bytes::from_static(b"\0\0\0\0\x09half")), "the server sent something else than one message"),
        (good(Bytes::from(vec![0; 2 << 20])), "an answer of more than 1048576 bytes"),
    ] {
        assert_eq!(judged(script).await.unwrap_err().1, expected);
    }
}

#[tokio::test]
async fn a_status_may_stand_in_the_headers_or_in_the_trailers() {
    let busy = vec![("grpc-status", "14"), ("grpc-message", "try%20later")];
    let mut headers = busy.clone();
    headers.push(GRPC);
    for script in
        [Script { status: 200, headers, ..Script::default() }, Script { trailers: Some(busy.clone()), ..good(Bytes::new()) }]
    {
        assert_eq!(judged(script).await.unwrap_err(), (Code::Unavailable, "try later".to_owned()));
    }
}

#[tokio::test]
async fn no_answer_in_time_and_nobody_there_are_told_apart() {
    let (server, _script, client) = serve(Script { hang: true, ..good(Bytes::new()) }).await;
    let error = client.unary(Call { timeout: Duration::from_millis(50), ..call() }).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    server.stop(Duration::ZERO).await;
    let error = GrpcClient::new(GrpcClientSettings::to("127.0.0.1:1".parse().unwrap())).unary(call()).await.unwrap_err();
    assert!(matches!(error, CallError::Transport { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_comes_back_is_connected_to_again() {
    let (server, script, client) = serve(good(framed(0, b"answer"))).await;
    client.unary(call()).await.unwrap();
    let address = server.address().to_string();
    server.stop(Duration::from_secs(5)).await;
    let error = client.unary(call()).await.unwrap_err();
    assert!(matches!(error, CallError::Transport { .. }), "{error}");
    let server = listen(&address, Arc::clone(&script)).await;
    client.unary(call()).await.unwrap();
    server.stop(Duration::from_secs(5)).await;
    let peers = script.peers.lock().unwrap();
    assert_eq!(peers.len(), 2);
    assert_ne!(peers[0], peers[1]);
}

#[tokio::test]
async fn more_calls_than_the_server_takes_at_a_time_wait_for_their_turn() {
    let (server, script, client) = serve(good(framed(0, b"answer"))).await;
    let calls = (0..50).map(|_| client.unary(call()));
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    server.stop(Duration::from_secs(5)).await;
    let peers = script.peers.lock().unwrap();
    assert!(peers.len() == 50 && peers.iter().all(|peer| *peer == peers[0]));
}

#[tokio::test]
async fn large_messages_pass_through_the_windows() {
    let (server, script, client) = serve(good(framed(0, b"answer"))).await;
    let piece = Bytes::from(vec![b'x'; 3 << 20]);
    client.unary(Call { message: vec![piece.clone(), Bytes::new(), piece], ..call() }).await.unwrap();
    server.stop(Duration::from_secs(5)).await;
    assert_eq!(script.seen.lock().unwrap()[0].1, framed(0, &vec![b'x'; 6 << 20]));
}
