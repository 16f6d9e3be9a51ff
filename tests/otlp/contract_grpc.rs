//! 3.3: gRPC. The texts were recorded from a Collector.

use crate::bench::{Bench, Plan};
use crate::bodies::{logs, points, spans};
use crate::grpc::{LOGS, METRICS, TRACES, call, export, framed, http2_post, told};
use chaperone_net::{BodyEncoding, RpcStatus, compress};
use std::time::Duration;
use tonic::Code;

// 3.3.01
#[tokio::test]
async fn r3_3_01_the_three_services_take_their_signals() {
    let bench = Bench::grpc("").await;
    let address = bench.address("grpc");
    for (path, message) in [(TRACES, spans(2)), (METRICS, points(3)), (LOGS, logs(4))] {
        assert!(export(&address, path, &message).await.is_ok(), "{path}");
    }
    let items: Vec<_> = bench.taken().iter().map(|chunk| (chunk.signal.name(), chunk.items)).collect();
    assert_eq!(items, [("traces", 2), ("metrics", 3), ("logs", 4)]);
    assert_eq!(bench.sample("otelcol_receiver_accepted_spans", &[("transport", "grpc")]), 2);
    bench.stop().await;
}

// 3.3.02: Snappy over gRPC is the framing format.
#[tokio::test]
async fn r3_3_02_gzip_snappy_and_zstd_are_accepted() {
    let bench = Bench::grpc("").await;
    for (name, encoding) in [("gzip", BodyEncoding::Gzip), ("zstd", BodyEncoding::Zstd), ("snappy", BodyEncoding::SnappyFramed)] {
        let message = spans(500);
        let packed = compress(&[message.clone().into()], encoding).unwrap();
        let answer = call(&bench.address("grpc"), TRACES, &[("grpc-encoding", name)], framed(1, &packed)).await;
        assert!(answer.is_ok(), "{name}: {answer:?}");
        assert_eq!(bench.taken()[0].contiguous(), message, "{name}");
        // A message that is not compressed, of a call that could be.
        let plain = call(&bench.address("grpc"), TRACES, &[("grpc-encoding", name)], framed(0, &spans(1))).await;
        assert!(plain.is_ok(), "{name}: {plain:?}");
        bench.taken();
    }
    bench.stop().await;
}

// 3.3.03, 3.1.04: 4 MiB unless set; the length is checked before anything is read.
#[tokio::test]
async fn r3_3_03_a_message_over_the_limit_is_resource_exhausted_and_not_to_be_sent_again() {
    for (settings, mib) in [("", 4), ("max_recv_msg_size_mib: 1", 1)] {
        let bench = Bench::grpc(settings).await;
        let limit = mib << 20;
        let zeros = vec![0; limit + 1];
        let status = export(&bench.address("grpc"), TRACES, &zeros).await.unwrap_err();
        let text = format!("grpc: received message larger than max ({} vs. {limit})", limit + 1);
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, text.as_str()));
        assert!(status.details().is_empty(), "no retry information");
        // The largest that passes: spans, filled up with an unknown field.
        let mut whole = spans(1);
        let rest = limit - whole.len() - 6;
        let seven = |shift: usize| (rest >> shift & 0x7f) as u8;
        whole.extend_from_slice(&[0xfa, 0x7f, seven(0) | 0x80, seven(7) | 0x80, seven(14) | 0x80, seven(21)]);
        whole.resize(limit, 0);
        assert_eq!(told(export(&bench.address("grpc"), TRACES, &whole).await), (Code::Ok, String::new()));
        bench.stop().await;
    }
}

// 3.3.04
#[tokio::test]
async fn r3_3_04_a_message_over_the_limit_after_decompression_is_too() {
    let bench = Bench::grpc("").await;
    for (name, encoding) in [("gzip", BodyEncoding::Gzip), ("zstd", BodyEncoding::Zstd), ("snappy", BodyEncoding::SnappyFramed)] {
        let packed = compress(&[vec![0; (4 << 20) + 1].into()], encoding).unwrap();
        let status = call(&bench.address("grpc"), TRACES, &[("grpc-encoding", name)], framed(1, &packed)).await.unwrap_err();
        let text = "grpc: received message after decompression larger than max 4194304";
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, text), "{name}");
    }
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", &[("reason", "too_large")]), 3);
    bench.stop().await;
}

// 3.3.05, 3.3.09
#[tokio::test]
async fn r3_3_05_what_is_not_served_is_unimplemented() {
    let bench = Plan { http: None, grpc: Some(""), signals: &["traces"], ..Plan::default() }.start().await;
    for (path, text) in [
        (LOGS, "unknown service opentelemetry.proto.collector.logs.v1.LogsService"),
        (METRICS, "unknown service opentelemetry.proto.collector.metrics.v1.MetricsService"),
        ("/foo.Bar/Baz", "unknown service foo.Bar"),
        (
            "/opentelemetry.proto.collector.trace.v1.TraceService/Foo",
            "unknown method Foo for service opentelemetry.proto.collector.trace.v1.TraceService",
        ),
        (
            "/opentelemetry.proto.collector.logs.v1.LogsService/Foo",
            "unknown service opentelemetry.proto.collector.logs.v1.LogsService",
        ),
        ("/foo", "malformed method name: \"/foo\""),
    ] {
        let answer = export(&bench.address("grpc"), path, &spans(1)).await;
        assert_eq!(told(answer), (Code::Unimplemented, text.to_owned()));
    }
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.3.06, 3.3.07
#[tokio::test]
async fn r3_3_06_metadata_and_the_address_of_the_client_are_kept() {
    for (settings, kept) in [("include_metadata: true", true), ("", false)] {
        let bench = Bench::grpc(settings).await;
        call(&bench.address("grpc"), TRACES, &[("x-tenant", "blue")], framed(0, &spans(1))).await.unwrap();
        let client = bench.taken()[0].client.clone().unwrap();
        assert_eq!(client.metadata.contains(&("x-tenant".to_owned(), "blue".to_owned())), kept, "{client:?}");
        assert_eq!(client.metadata.contains(&("host".to_owned(), "h".to_owned())), kept, "{client:?}");
        assert!(client.address.as_ref().unwrap().starts_with("127.0.0.1:"), "{client:?}");
        bench.stop().await;
    }
}

// 3.3.08, a departure: INVALID_ARGUMENT where the Collector says INTERNAL, so that it reads the same as over HTTP.
#[tokio::test]
async fn r3_3_08_a_malformed_message_is_the_senders_fault() {
    let bench = Bench::grpc("").await;
    for malformed in [&b"\x0a\xff"[..], b"\xff\xff", b"\x0b"] {
        let (code, text) = told(export(&bench.address("grpc"), TRACES, malformed).await);
        assert_eq!(code, Code::InvalidArgument, "{malformed:?}");
        assert!(!text.is_empty());
    }
    bench.stop().await;
}

// 3.3.10
#[tokio::test]
async fn r3_3_10_an_unknown_compression_is_unimplemented() {
    let bench = Bench::grpc("").await;
    for name in ["deflate", "zlib", "lz4", "br", "x-snappy-framed"] {
        let answer = call(&bench.address("grpc"), TRACES, &[("grpc-encoding", name)], framed(1, b"x")).await;
        let text = format!("grpc: Decompressor is not installed for grpc-encoding \"{name}\"");
        assert_eq!(told(answer), (Code::Unimplemented, text));
    }
    bench.stop().await;
}

// 3.3.11, a departure as over HTTP: no empty `partial_success`.
#[tokio::test]
async fn r3_3_11_success_is_a_message_that_rejects_nothing() {
    let bench = Bench::grpc("").await;
    for message in [spans(1), Vec::new()] {
        assert_eq!(export(&bench.address("grpc"), TRACES, &message).await.unwrap(), "");
    }
    assert_eq!(bench.taken().len(), 1, "a request of nothing goes nowhere");
    bench.stop().await;
}

const PERMANENT: &str = "not retryable error: Permanent error: the backend says no";
const THROTTLED: &str = "Throttle (1.5s), error: the backend is away";

// 3.3.12: the same codes and texts as over HTTP; retry information is passed on.
#[tokio::test]
async fn r3_3_12_what_the_pipeline_says_reaches_the_client() {
    for (processor, exporter, code, text, after) in [
        ("", "answer: retryable", Code::Unavailable, "the backend is away", None),
        ("", "answer: retryable, after_ms: 1500", Code::Unavailable, THROTTLED, Some(1500)),
        ("", "answer: permanent", Code::Internal, PERMANENT, None),
        ("turns_away: {}", "", Code::Unavailable, "no room here", None),
        ("turns_away: {after_ms: 2500}", "", Code::ResourceExhausted, "no room here", Some(2500)),
    ] {
        let bench = Plan { http: None, grpc: Some(""), processor, exporter, ..Plan::default() }.start().await;
        let status = export(&bench.address("grpc"), TRACES, &spans(1)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, text));
        let told = RpcStatus::from_protobuf(status.details()).and_then(|status| status.retry_after);
        assert_eq!(told, after.map(Duration::from_millis));
        bench.stop().await;
    }
}

// What is no gRPC is told so before anything else.
#[tokio::test]
async fn another_content_type_is_not_supported() {
    let bench = Bench::grpc("").await;
    let headers = [("content-type", "application/x-protobuf")];
    let answer = http2_post(&bench.address("grpc"), TRACES, &headers, spans(1)).await;
    assert_eq!(answer.0, 415);
    bench.stop().await;
}
