//! Settings, calls as a server of the official types gets them, and what its answers mean.

use super::*;
use chaperone_config::{ClientTls, Node, parse_settings};
use chaperone_net::{BodyEncoding, Compression, RpcStatus};
use chaperone_pipeline::{Clock, Now};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;
use tonic::{Request, Response, Status};

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.otlp_grpc").map_err(|problems| problems.to_string())
}

/// What the server was asked, and what it answers next; OK when nothing is left.
#[derive(Default)]
struct Log {
    requests: Vec<(tonic::metadata::MetadataMap, ExportTraceServiceRequest)>,
    connections: usize,
    answers: VecDeque<Result<ExportTraceServiceResponse, Status>>,
}

// Shared by the server's calls and the test.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Log>>);

#[tonic::async_trait]
impl TraceService for Server {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut log = self.0.lock().unwrap();
        log.requests.push((request.metadata().clone(), request.into_inner()));
        log.answers.pop_front().unwrap_or_else(|| Ok(ExportTraceServiceResponse::default())).map(Response::new)
    }
}

impl Server {
    /// Starts it on a free port; it ends with the test's runtime.
    #[expect(clippy::disallowed_methods, reason = "a server of a test lives as long as the test's runtime")]
    async fn start() -> (Server, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::default();
        let mut service = TraceServiceServer::new(server.clone());
        for encoding in [CompressionEncoding::Gzip, CompressionEncoding::Zstd] {
            service = service.accept_compressed(encoding).send_compressed(encoding);
        }
        let log = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                log.log().connections += 1;
                let service = service.clone();
                let answer = service_fn(move |request| Service::call(&mut service.clone(), request));
                tokio::spawn(async move {
                    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        (server, address)
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.0.lock().unwrap()
    }
}

fn request(names: &[&str]) -> ExportTraceServiceRequest {
    let resource = |name: &&str| {
        let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], name: (*name).to_owned(), ..Span::default() };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        ResourceSpans { scope_spans, ..ResourceSpans::default() }
    };
    ExportTraceServiceRequest { resource_spans: names.iter().map(resource).collect() }
}

fn chunk(name: &str) -> Chunk {
    let body = Bytes::from(request(&[name]).encode_to_vec());
    // In two pieces, as an edited batch is.
    Chunk { signal: Signal::Traces, body: vec![body.slice(..5), body.slice(5..)], items: 1, client: None }
}

fn exporter(yaml: &str) -> OtlpGrpcExporter {
    OtlpGrpcExporter::new(&parse(yaml).unwrap()).unwrap()
}

fn cx() -> ExportContext {
    ExportContext { batch_id: 1, attempt: 1, timeout: Duration::from_secs(20), now: Now::default() }
}

#[test]
fn the_example_has_the_defaults() {
    let config = parse(include_str!("testdata/default.yaml")).unwrap();
    let tls = ClientTls { insecure: true, ..ClientTls::default() };
    assert_eq!(config, Config { endpoint: "localhost:4317".into(), tls, ..Config::default() });
    assert_eq!((config.compression, config.compression.encoding()), (Compression::Gzip, BodyEncoding::Gzip));
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_no_endpoint.yaml"), "requires a non-empty \"endpoint\""),
        (include_str!("testdata/invalid_tls.yaml"), "invalid TLS min_version: unsupported TLS version: \"1.4\""),
        (include_str!("testdata/invalid_socket.yaml"), "unix socket path cannot be empty"),
        (include_str!("testdata/invalid_balancer.yaml"), "invalid balancer_name: grpclb"),
        (include_str!("testdata/invalid_authority.yaml"), "`a b` is not `host` or `host:port`"),
        (include_str!("testdata/invalid_auth.yaml"), "the authenticator `oauth2client` cannot be used"),
        (include_str!("testdata/invalid_no_port.yaml"), "address backend: missing port in address"),
        (include_str!("testdata/invalid_port.yaml"), "invalid port \"grpc\""),
        (include_str!("testdata/invalid_compression.yaml"), "unsupported compression type \"lz4\""),
        (include_str!("testdata/invalid_header.yaml"), "not a header name"),
        (include_str!("testdata/invalid_reserved_header.yaml"), "this header is gRPC's own"),
        (include_str!("testdata/invalid_binary_header.yaml"), "headers of bytes (`-bin`) are not here yet"),
        (include_str!("testdata/invalid_keepalive.yaml"), "must be positive"),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test]
async fn merged_chunks_are_one_call_whatever_the_compression() {
    for compression in ["gzip", "zstd", "none"] {
        let (server, address) = Server::start().await;
        let settings = format!("{{endpoint: 'http://{address}', compression: {compression}, headers: {{x-api-key: k}}}}");
        exporter(&settings).export(&[chunk("one"), chunk("two")], cx()).await.unwrap();
        let log = server.log();
        let [(headers, sent)] = log.requests.as_slice() else { panic!("{} calls", log.requests.len()) };
        assert_eq!(*sent, request(&["one", "two"]));
        assert_eq!(headers.get("x-api-key").unwrap(), "k");
        assert!(headers.get("user-agent").unwrap().to_str().unwrap().starts_with("Chaperone/"));
        let encoding = headers.get("grpc-encoding").map_or("none", |encoding| encoding.to_str().unwrap());
        assert_eq!(encoding, compression);
        assert_eq!(headers.get("grpc-timeout").unwrap(), "20000m");
    }
}

#[tokio::test]
async fn one_connection_carries_calls_at_the_same_time_and_after_each_other() {
    let (server, address) = Server::start().await;
    let exporter = exporter(&format!("{{endpoint: '{address}', tls: {{insecure: true}}, keepalive: }}"));
    let chunks = [chunk("one")];
    let at_once = (0..20).map(|_| exporter.export(&chunks, cx()));
    assert!(futures_util::future::join_all(at_once).await.iter().all(Result::is_ok));
    exporter.export(&chunks, cx()).await.unwrap();
    let log = server.log();
    assert_eq!((log.requests.len(), log.connections), (21, 1));
}

/// What one answer makes of an export.
async fn judged(answer: Result<ExportTraceServiceResponse, Status>) -> Result<Exported, ExportError> {
    let (server, address) = Server::start().await;
    server.log().answers.push_back(answer);
    exporter(&format!("{{endpoint: 'http://{address}'}}")).export(&[chunk("one")], cx()).await
}

#[tokio::test]
async fn the_codes_that_may_pass_are_worth_another_try() {
    let may_pass = [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange, Code::Unavailable, Code::DataLoss];
    for code in (1..=16).map(Code::from_i32) {
        let error = judged(Err(Status::new(code, "why"))).await.unwrap_err();
        assert_eq!(matches!(error, ExportError::Retryable { after: None, .. }), may_pass.contains(&code), "{error}");
        assert_eq!(error.to_string(), format!("rpc error: code = {code:?} desc = why"));
    }
}

#[tokio::test]
async fn a_pause_is_obeyed_and_makes_an_exhausted_server_worth_another_try() {
    for (code, worth_it) in [(Code::ResourceExhausted, true), (Code::Unavailable, true), (Code::Internal, false)] {
        let pause = Duration::from_millis(1500);
        let details = RpcStatus { code: code as i32, message: "why".into(), retry_after: Some(pause) }.to_protobuf();
        match judged(Err(Status::with_details(code, "why", details))).await.unwrap_err() {
            ExportError::Retryable { after, .. } => assert_eq!((worth_it, after), (true, Some(pause)), "{code:?}"),
            ExportError::Permanent { .. } => assert!(!worth_it, "{code:?}"),
        }
    }
}

#[tokio::test]
async fn a_partial_success_is_counted_and_not_repeated() {
    let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".into() };
    let exported = judged(Ok(ExportTraceServiceResponse { partial_success: Some(partial) })).await.unwrap();
    assert_eq!(exported, Exported { rejected: 3, message: Some("too old".into()) });
    assert_eq!(judged(Ok(ExportTraceServiceResponse::default())).await.unwrap(), Exported::default());
}

#[tokio::test]
async fn a_signal_that_the_server_does_not_take_is_refused_for_good() {
    let (_server, address) = Server::start().await;
    let logs = Chunk { signal: Signal::Logs, body: vec![], items: 0, client: None };
    let error = exporter(&format!("{{endpoint: 'http://{address}'}}")).export(&[logs], cx()).await.unwrap_err();
    assert!(matches!(error, ExportError::Permanent { .. }), "{error}");
    assert!(error.to_string().starts_with("rpc error: code = Unimplemented"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_worth_another_try_and_the_cause_is_kept() {
    let error = exporter("{endpoint: 'http://127.0.0.1:1'}").export(&[chunk("one")], cx()).await.unwrap_err();
    match error {
        ExportError::Retryable { message, after: None, source: Some(_) } => assert_eq!(message, "no answer from 127.0.0.1:1"),
        error => panic!("{error}"),
    }
}

#[test]
fn secrets_do_not_show() {
    let config = parse("{endpoint: 'http://h:1', headers: {x-api-key: hidden}}").unwrap();
    assert!(OtlpGrpc::build(config.clone(), &BuildContext::for_tests("otlp_grpc", Clock::manual(0))).is_ok());
    assert!(!format!("{config:?}").contains("hidden"));
}
