//! OTLP/gRPC over loopback, with tonic's client.

use super::{Bench, body, request};
use bytes::Bytes;
use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

async fn channel(bench: &Bench) -> Channel {
    Channel::from_shared(bench.url("grpc")).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn a_message_is_taken_byte_by_byte() {
    let bench = Bench::both("grpc plain").await;
    let mut client = TraceServiceClient::new(channel(&bench).await);
    let response = client.export(request(3)).await.unwrap().into_inner();
    assert_eq!(response.partial_success, None);
    let chunks = bench.collected();
    assert_eq!((chunks[0].items, chunks[0].contiguous()), (3, body(3)));
    bench.stop().await;
}

#[tokio::test]
async fn gzip_zstd_and_large_messages_are_taken() {
    let bench = Bench::both("grpc compressed").await;
    let channel = channel(&bench).await;
    // Different sizes: a byte-identical request would join the first one.
    let sent = [(Some(CompressionEncoding::Gzip), 50_000), (Some(CompressionEncoding::Zstd), 50_001), (None, 50_002)];
    for (encoding, spans) in sent {
        let client = TraceServiceClient::new(channel.clone());
        let mut client = encoding.into_iter().fold(client, TraceServiceClient::send_compressed);
        client.export(request(spans)).await.unwrap();
    }
    let chunks = bench.collected();
    assert_eq!(chunks.len(), 3);
    for (chunk, (_, spans)) in chunks.iter().zip(sent) {
        assert!(chunk.contiguous() == body(spans), "{spans} spans came through changed");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_message_over_the_limit_must_not_be_repeated() {
    let otlp = "{protocols: {grpc: {endpoint: 'localhost:0', max_recv_msg_size_mib: 1}}}";
    let bench = Bench::start("grpc large", otlp, "", &["traces"]).await;
    let channel = channel(&bench).await;
    let large = request(40_000);
    let status = TraceServiceClient::new(channel.clone()).export(large.clone()).await.unwrap_err();
    assert_eq!((status.code(), status.details().is_empty()), (Code::ResourceExhausted, true));
    assert!(status.message().starts_with("grpc: received message larger than max ("), "{status}");
    let mut client = TraceServiceClient::new(channel).send_compressed(CompressionEncoding::Zstd);
    let status = client.export(large).await.unwrap_err();
    assert_eq!((status.code(), status.details().is_empty()), (Code::ResourceExhausted, true));
    assert_eq!(status.message(), "grpc: received message after decompression larger than max 1048576");
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", ("reason", "too_large")), 2);
    assert!(bench.collected().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn what_the_pipeline_says_reaches_the_client() {
    let otlp = "{protocols: {grpc: {endpoint: 'localhost:0'}}}";
    for (key, answer, code) in [("grpc away", "retryable", Code::Unavailable), ("grpc no", "permanent", Code::Internal)] {
        let bench = Bench::start(key, otlp, &format!(", answer: {answer}"), &["traces"]).await;
        let status = TraceServiceClient::new(channel(&bench).await).export(request(1)).await.unwrap_err();
        assert_eq!(status.code(), code);
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_signal_without_a_pipeline_is_unimplemented() {
    let bench = Bench::both("grpc logs").await;
    let status = LogsServiceClient::new(channel(&bench).await).export(ExportLogsServiceRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "unknown service opentelemetry.proto.collector.logs.v1.LogsService");
    bench.stop().await;
}

async fn raw(bench: &Bench, path: &'static str, message: Bytes) -> Result<Bytes, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel(bench).await);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    client.unary(tonic::Request::new(message), path, chaperone_net::grpc::RawCodec).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn malformed_messages_and_unknown_methods_have_their_codes() {
    let bench = Bench::both("grpc malformed").await;
    let export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(raw(&bench, export, body(1)).await.unwrap(), Bytes::new());
    let status = raw(&bench, export, Bytes::from_static(b"\x0a\xff")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = raw(&bench, "/opentelemetry.proto.collector.trace.v1.TraceService/Import", body(1)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().starts_with("unknown method Import for service"), "{status}");
    assert_eq!(bench.collected().len(), 1);
    bench.stop().await;
}
