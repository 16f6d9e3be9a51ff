//! 3.2.23 to 3.2.28: what the pipelines say, as status, code, text and `Retry-After`.

use crate::bench::{Bench, Plan};
use crate::bodies::{spans, spans_json};
use crate::wire::{Answer, JSON, PROTOBUF, post};
use chaperone_net::WireOutcome;
use std::time::Duration;
use tonic::Code;

#[track_caller]
fn is(answer: &Answer, status: u16, code: i32, text: &str, retry_after: &str) {
    assert_eq!((answer.status, answer.status_body()), (status, (code, text.to_owned())));
    assert_eq!(answer.header("retry-after"), retry_after);
}

// 3.2.23: nothing is refused to who sends nothing, since nothing is asked of anybody.
#[tokio::test]
async fn r3_2_23_a_request_of_nothing_succeeds_even_when_everything_is_turned_away() {
    let bench = Plan { processor: "turns_away: {}", ..Plan::default() }.start().await;
    for (path, headers, body) in [
        ("/v1/traces", PROTOBUF, &b""[..]),
        ("/v1/traces", PROTOBUF, b"\x0a\x00"),
        ("/v1/logs", PROTOBUF, b"\x0a\x02\x12\x00"),
        ("/v1/metrics", JSON, br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{}}]}]}]}"#),
        ("/v1/traces", JSON, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}"#),
        ("/v1/traces", JSON, b"null"),
    ] {
        assert_eq!(bench.ask(post(path, &[headers], body)).await.status, 200, "{path} {body:?}");
    }
    // Malformed ones are still told so, and whoever sends something is turned away.
    assert_eq!(bench.ask(post("/v1/traces", &[JSON], "[")).await.status, 400);
    is(&bench.ask(post("/v1/traces", &[PROTOBUF], spans(1))).await, 503, 14, "no room here", "");
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.2.24, 3.2.26: permanent is INTERNAL, everything else UNAVAILABLE, with the error's text. `Retry-After` has whole
// seconds; the Collector rounds down (500 ms are 0), we round up, so that nobody comes early.
#[tokio::test]
async fn r3_2_24_errors_of_the_pipeline_keep_their_kind_and_text() {
    for (exporter, status, code, text, retry_after) in [
        ("answer: permanent", 500, 13, "not retryable error: Permanent error: the backend says no", ""),
        ("answer: retryable", 503, 14, "the backend is away", ""),
        ("answer: retryable, after_ms: 500", 503, 14, "Throttle (500ms), error: the backend is away", "1"),
        ("answer: retryable, after_ms: 2000", 503, 14, "Throttle (2s), error: the backend is away", "2"),
    ] {
        let bench = Plan { exporter, ..Plan::default() }.start().await;
        is(&bench.ask(post("/v1/traces", &[PROTOBUF], spans(3))).await, status, code, text, retry_after);
        is(&bench.ask(post("/v1/traces", &[JSON], spans_json(2))).await, status, code, text, retry_after);
        assert_eq!(bench.sample("otelcol_receiver_refused_spans", &[("transport", "http")]), 5);
        bench.stop().await;
    }
}

// 3.2.26: who says when to come again says so as 429; refused JSON is counted as what it held.
#[tokio::test]
async fn r3_2_26_a_pause_that_is_asked_for_is_told() {
    let bench = Plan { processor: "turns_away: {after_ms: 1200}", ..Plan::default() }.start().await;
    is(&bench.ask(post("/v1/traces", &[PROTOBUF], spans(3))).await, 429, 8, "no room here", "2");
    is(&bench.ask(post("/v1/traces", &[JSON], spans_json(4))).await, 429, 8, "no room here", "2");
    assert_eq!(bench.sample("otelcol_receiver_refused_spans", &[]), 7);
    assert_eq!(bench.sample("otelcol_receiver_failed_spans", &[]), 0);
    bench.stop().await;
}

// 3.2.25: every gRPC code has its HTTP status.
#[test]
fn r3_2_25_codes_of_grpc_have_their_status_over_http() {
    let soon = Some(Duration::from_secs(1));
    for (code, status, retries) in [
        (Code::Cancelled, 503, true),
        (Code::DeadlineExceeded, 503, true),
        (Code::Aborted, 503, true),
        (Code::OutOfRange, 503, true),
        (Code::Unavailable, 503, true),
        (Code::DataLoss, 503, true),
        (Code::ResourceExhausted, 429, true),
        (Code::InvalidArgument, 400, false),
        (Code::Unauthenticated, 401, false),
        (Code::PermissionDenied, 403, false),
        (Code::Unimplemented, 404, false),
        (Code::Internal, 500, false),
        (Code::Unknown, 500, false),
        (Code::NotFound, 500, false),
        (Code::AlreadyExists, 500, false),
        (Code::FailedPrecondition, 500, false),
    ] {
        let outcome = WireOutcome { retry_after: soon, ..WireOutcome::new(code, "") };
        assert_eq!((outcome.http_status().as_u16(), outcome.http_retry_after().is_some()), (status, retries), "{code:?}");
    }
}

// 3.2.27
#[tokio::test]
async fn r3_2_27_the_memory_limiter_refuses_in_the_collectors_words() {
    let processor = "memory_limiter: {check_interval: 1s, limit_mib: 1, spike_limit_mib: 0}";
    let bench = Plan { processor, ..Plan::default() }.start().await;
    let large = spans(40_000);
    assert!(large.len() > 1 << 20);
    is(&bench.ask(post("/v1/traces", &[PROTOBUF], large)).await, 503, 14, "data refused due to high memory usage", "");
    // What was refused is not held any more.
    assert_eq!(bench.ask(post("/v1/traces", &[PROTOBUF], spans(1))).await.status, 200);
    assert_eq!(bench.sample("otelcol_receiver_refused_spans", &[]), 40_000);
    bench.stop().await;
}

// 3.2.28: with the real exporter, to an address where nobody listens.
#[tokio::test]
async fn r3_2_28_a_full_queue_refuses_in_the_collectors_words() {
    let bench = Bench::with_queue("{queue_size: 1, sizer: requests, batch: {enabled: false}}").await;
    assert_eq!(bench.ask(post("/v1/traces", &[PROTOBUF], spans(1))).await.status, 200);
    is(&bench.ask(post("/v1/traces", &[PROTOBUF], spans(1))).await, 503, 14, "sending queue is full", "");
    is(&bench.ask(post("/v1/traces", &[JSON], spans_json(1))).await, 503, 14, "sending queue is full", "");
    bench.shutdown().await;
}
