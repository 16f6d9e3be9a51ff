//! Compressed bodies of attackers, in every encoding and over both transports: bounded, answered, given back.

use crate::bench::Bench;
use crate::bodies::spans;
use crate::grpc::{TRACES, call, framed, told};
use crate::wire::{JSON, PROTOBUF, post};
use bytes::Bytes;
use chaperone_net::{BodyEncoding, compress};
use flate2::{Compress, Compression, FlushCompress};
use tonic::Code;

const STEP: usize = 16 << 20;

/// About a mebibyte that stands for a gibibyte of zeros.
fn bomb(encoding: BodyEncoding) -> Vec<u8> {
    let times = (1 << 30) / STEP;
    match encoding {
        // The checksum at the end would be wrong, but nobody gets there.
        BodyEncoding::Zlib | BodyEncoding::Deflate => {
            let mut block = Vec::with_capacity(STEP / 64);
            Compress::new(Compression::best(), false).compress_vec(&vec![0; STEP], &mut block, FlushCompress::Full).unwrap();
            [b"\x78\x9c".to_vec(), block.repeat(times)].concat()
        }
        // A block says its length: a gibibyte.
        BodyEncoding::Snappy => [b"\x80\x80\x80\x80\x04".to_vec(), vec![0xfe; 1 << 20]].concat(),
        other => compress(&[vec![0; STEP].into()], other).unwrap().repeat(times),
    }
}

#[tokio::test]
async fn bombs_over_http_are_refused_at_the_limit_whatever_their_encoding() {
    let bench = Bench::http("").await;
    for encoding in BodyEncoding::ALL {
        let body = bomb(encoding);
        assert!(body.len() < 50 << 20, "{encoding:?}: {} bytes", body.len());
        let too_large_as_it_is = body.len() > 20 << 20;
        let answer = bench.ask(post("/v1/traces", &[PROTOBUF, ("Content-Encoding", encoding.name())], body)).await;
        answer.is_bad("http: request body too large");
        assert!(!too_large_as_it_is || encoding == BodyEncoding::SnappyFramed, "{encoding:?} is no bomb");
        assert_eq!(bench.accounted(), 0, "{encoding:?}");
    }
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", &[("reason", "too_large")]), 7);
    assert_eq!(bench.ask(post("/v1/traces", &[PROTOBUF], spans(1))).await.status, 200);
    bench.stop().await;
}

// However many come at once, what is accounted for stays below what so many bodies may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bombs_at_once_are_accounted_for_up_to_their_limits_and_given_back() {
    const AT_ONCE: u64 = 4;
    let bench = Bench::http("max_request_body_size: 4MiB").await;
    for encoding in [BodyEncoding::Gzip, BodyEncoding::Zstd, BodyEncoding::Deflate, BodyEncoding::Lz4] {
        let body = bomb(encoding).into_iter().take(3 << 20).collect::<Vec<u8>>();
        let arrived = body.len() as u64;
        let ask = || bench.ask(post("/v1/traces", &[PROTOBUF, ("Content-Encoding", encoding.name())], body.clone()));
        let mut asks = std::pin::pin!(async { tokio::join!(ask(), ask(), ask(), ask()) });
        let mut most = 0;
        let (one, two, three, four) = std::future::poll_fn(|cx| {
            most = most.max(bench.accounted());
            // Looked at all the time, not only when something arrives.
            cx.waker().wake_by_ref();
            asks.as_mut().poll(cx)
        })
        .await;
        for answer in [one, two, three, four] {
            answer.is_bad("http: request body too large");
        }
        assert!(most > 0, "{encoding:?}: nothing was seen");
        assert!(most <= AT_ONCE * (arrived + (4 << 20)), "{encoding:?}: {most} bytes were accounted for");
        assert_eq!(bench.accounted(), 0, "{encoding:?}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn bombs_over_grpc_are_refused_at_the_limit_whatever_their_encoding() {
    let bench = Bench::grpc("max_recv_msg_size_mib: 64").await;
    for (name, encoding) in [("gzip", BodyEncoding::Gzip), ("zstd", BodyEncoding::Zstd), ("snappy", BodyEncoding::SnappyFramed)] {
        let answer = call(&bench.address("grpc"), TRACES, &[("grpc-encoding", name)], framed(1, &bomb(encoding))).await;
        let text = "grpc: received message after decompression larger than max 67108864";
        assert_eq!(told(answer), (Code::ResourceExhausted, text.to_owned()), "{name}");
        assert_eq!(bench.accounted(), 0, "{name}");
    }
    bench.stop().await;
}

/// Bodies with some of their bytes changed, or cut, the same on every run.
fn broken(body: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let body = body.to_vec();
    (0..60).map(move |round| {
        let mut body = body.clone();
        if round % 3 == 0 {
            body.truncate(random(body.len()));
        } else {
            for _ in 0..=round % 5 {
                let place = random(body.len());
                body[place] ^= 1 << random(8);
            }
        }
        body
    })
}

#[tokio::test]
async fn broken_bodies_over_http_are_bad_requests_and_leave_nothing_behind() {
    let bench = Bench::http("").await;
    for encoding in BodyEncoding::ALL {
        let whole = compress(&[spans(200).into()], encoding).unwrap();
        let mut refused = 0;
        for body in broken(&whole) {
            let answer = bench.ask(post("/v1/traces", &[PROTOBUF, ("Content-Encoding", encoding.name())], body)).await;
            match answer.status {
                400 => refused += 1,
                // A changed bit may be the text of a span, and a framing without an end may stop where a message does.
                status => assert_eq!(status, 200, "{encoding:?}: {}", answer.text()),
            }
        }
        assert!(refused > 20, "{encoding:?}: only {refused} of 60 were refused");
        assert_eq!(bench.accounted(), 0, "{encoding:?}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn broken_messages_over_grpc_are_refused_and_leave_nothing_behind() {
    let bench = Bench::grpc("").await;
    for (name, encoding) in [("gzip", BodyEncoding::Gzip), ("zstd", BodyEncoding::Zstd), ("snappy", BodyEncoding::SnappyFramed)] {
        let whole: Bytes = compress(&[spans(200).into()], encoding).unwrap();
        for body in broken(&whole) {
            let answer = call(&bench.address("grpc"), TRACES, &[("grpc-encoding", name)], framed(1, &body)).await;
            let (code, text) = told(answer);
            assert!(matches!(code, Code::Ok | Code::InvalidArgument), "{name}: {code:?} {text}");
        }
        assert_eq!(bench.accounted(), 0, "{name}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn deep_and_endless_json_is_refused() {
    let bench = Bench::http("").await;
    for body in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 18), format!("{{\"a\":{}", "[".repeat(1 << 20)), "\"".repeat(1 << 20)]
    {
        let answer = bench.ask(post("/v1/traces", &[JSON], body)).await;
        assert_eq!((answer.status, answer.status_body().0), (400, 3));
    }
    assert_eq!(bench.accounted(), 0);
    bench.stop().await;
}
