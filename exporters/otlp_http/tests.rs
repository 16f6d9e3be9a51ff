//! Settings, requests as they are sent, and what answers mean.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_net::{BodyEncoding, RpcStatus, decompress};
use chaperone_pipeline::{Clock, Now};
use chaperone_testkit::fake_http::{Answer, FakeHttp};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::time::Duration;

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.otlp_http").map_err(|problems| problems.to_string())
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
    Chunk { signal: Signal::Traces, body: vec![body.slice(..5), body.slice(5..)], items: 1, client: None }
}

fn exporter(yaml: &str) -> OtlpHttpExporter {
    OtlpHttpExporter::new(&parse(yaml).unwrap()).unwrap()
}

async fn export(exporter: &OtlpHttpExporter, chunks: &[Chunk]) -> Result<Exported, ExportError> {
    let timeout = Duration::from_secs(20);
    let now = Now { mono: Duration::ZERO, unix_ns: 1_000_000_000_000_000_000 };
    exporter.export(chunks, ExportContext { batch_id: 1, attempt: 1, timeout, now }).await
}

#[test]
fn the_example_has_the_defaults() {
    let config = parse(include_str!("testdata/default.yaml")).unwrap();
    assert_eq!(config, Config { endpoint: "http://localhost:4318".into(), ..Config::default() });
    assert_eq!(config.url(Signal::Metrics).unwrap(), "http://localhost:4318/v1/metrics");
}

#[test]
fn a_signals_own_address_is_used_as_it_is() {
    let config = parse("{endpoint: 'http://h:1/base/', traces_endpoint: 'http://t:2/x/'}").unwrap();
    assert_eq!(config.url(Signal::Traces).unwrap(), "http://t:2/x/");
    assert_eq!(config.url(Signal::Logs).unwrap(), "http://h:1/base/v1/logs");
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_no_endpoint.yaml"), "at least one endpoint must be specified"),
        (include_str!("testdata/invalid_tls.yaml"), "TLS configuration must include both certificate and key"),
        (include_str!("testdata/invalid_proxy.yaml"), "proxies are spoken to by `http://`, not by `socks5://`"),
        (include_str!("testdata/invalid_level.yaml"), "unsupported parameters {Level:10} for compression type \"gzip\""),
        (include_str!("testdata/invalid_cookies.yaml"), "cookies are not kept"),
        (include_str!("testdata/invalid_auth.yaml"), "the authenticator `oauth2client` cannot be used"),
        (include_str!("testdata/invalid_middleware.yaml"), "the middleware `one` cannot be used"),
        (include_str!("testdata/invalid_url.yaml"), "`localhost:4318` is not a valid URL"),
        (include_str!("testdata/invalid_compression.yaml"), "`brotli`"),
        (include_str!("testdata/invalid_encoding.yaml"), "`xml`"),
        (include_str!("testdata/invalid_header.yaml"), "not a header name"),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test]
async fn merged_chunks_are_one_request_whatever_the_compression() {
    for compression in ["gzip", "zstd", "none", "snappy", "x-snappy-framed", "zlib", "deflate", "lz4", "''"] {
        let fake = FakeHttp::start().await;
        let settings = format!("{{endpoint: '{}', compression: {compression}, headers: {{x-api-key: k}}}}", fake.url());
        export(&exporter(&settings), &[chunk("one"), chunk("two")]).await.unwrap();
        let [sent] = fake.requests().try_into().unwrap();
        assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/traces"));
        assert_eq!(sent.header("content-type"), "application/x-protobuf");
        let encoding = if matches!(compression, "none" | "''") { "" } else { compression };
        assert_eq!(sent.header("content-encoding"), encoding);
        assert_eq!(sent.header("x-api-key"), "k");
        assert!(sent.header("user-agent").starts_with("Chaperone/"));
        let packed = BodyEncoding::from_name(encoding.as_bytes()).unwrap_or_default();
        let plain = decompress(&sent.body, packed, 1 << 20, &mut ()).unwrap();
        assert_eq!(ExportTraceServiceRequest::decode(plain).unwrap(), request(&["one", "two"]));
    }
}

#[tokio::test]
async fn json_is_sent_as_json() {
    let fake = FakeHttp::start().await;
    export(&exporter(&format!("{{endpoint: '{}', encoding: json}}", fake.url())), &[chunk("one")]).await.unwrap();
    let sent = &fake.requests()[0];
    assert_eq!((sent.header("content-type"), sent.header("content-encoding")), ("application/json", "gzip"));
    let json: serde_json::Value = serde_json::from_slice(&sent.decompressed().unwrap()).unwrap();
    assert_eq!(json["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"], "one");
}

/// What one answer makes of an export.
async fn judged(answer: Answer) -> Result<Exported, ExportError> {
    let fake = FakeHttp::start().await;
    fake.answer(answer);
    export(&exporter(&format!("{{endpoint: '{}'}}", fake.url())), &[chunk("one")]).await
}

#[tokio::test]
async fn only_four_statuses_are_worth_another_try() {
    for status in [429, 502, 503, 504] {
        let error = judged(Answer::status(status)).await.unwrap_err();
        assert!(matches!(error, ExportError::Retryable { after: None, .. }), "{status}: {error}");
    }
    for status in [301, 400, 401, 404, 408, 413, 500, 501] {
        let error = judged(Answer::status(status)).await.unwrap_err();
        assert!(matches!(error, ExportError::Permanent { .. }), "{status}: {error}");
        assert!(error.to_string().ends_with(&format!("/v1/traces responded with HTTP Status Code {status}")), "{error}");
    }
}

#[tokio::test]
async fn a_pause_is_obeyed_where_it_is_defined() {
    // 1,000,000,000 s is 2001-09-09 01:46:40.
    for (status, value, expected) in
        [(429, "7", Some(7)), (503, "Sun, 09 Sep 2001 01:47:10 GMT", Some(30)), (503, "soon", None), (502, "7", None)]
    {
        match judged(Answer::status(status).header("retry-after", value)).await.unwrap_err() {
            ExportError::Retryable { after, .. } => assert_eq!(after, expected.map(Duration::from_secs), "{status} {value}"),
            error => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn the_servers_words_are_in_the_error() {
    let status = RpcStatus { code: 3, message: "no such tenant".into(), retry_after: None };
    for (content_type, body) in [("application/x-protobuf", status.to_protobuf()), ("application/json", status.to_json())] {
        let error = judged(Answer::status(400).header("content-type", content_type).body(body)).await.unwrap_err();
        assert!(error.to_string().ends_with("HTTP Status Code 400, Message=no such tenant"), "{error}");
    }
}

#[tokio::test]
async fn a_partial_success_is_counted_and_not_repeated() {
    let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".into() };
    let protobuf = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let json = r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#.as_bytes().to_vec();
    for (content_type, body) in [("application/x-protobuf", protobuf), ("application/json; charset=utf-8", json)] {
        let exported = judged(Answer::status(200).header("content-type", content_type).body(body)).await.unwrap();
        assert_eq!(exported, Exported { rejected: 3, message: Some("too old".into()) });
    }
}

#[tokio::test]
async fn any_2xx_is_a_success_but_protobuf_must_be_protobuf() {
    assert_eq!(judged(Answer::status(204)).await.unwrap(), Exported::default());
    let page = Answer::status(200).header("content-type", "text/html").body("<html>");
    assert_eq!(judged(page).await.unwrap(), Exported::default());
    let broken = Answer::status(200).header("content-type", "application/x-protobuf").body("<html>");
    let error = judged(broken).await.unwrap_err();
    assert!(matches!(error, ExportError::Permanent { .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_and_no_answer_in_time_are_worth_another_try() {
    let error = export(&exporter("{endpoint: 'http://127.0.0.1:1'}"), &[chunk("one")]).await.unwrap_err();
    assert!(matches!(error, ExportError::Retryable { .. }), "{error}");
    let fake = FakeHttp::start().await;
    fake.answer(Answer::never());
    let exporter = exporter(&format!("{{endpoint: '{}'}}", fake.url()));
    let cx = ExportContext { batch_id: 1, attempt: 1, timeout: Duration::from_millis(50), now: Now::default() };
    let error = exporter.export(&[chunk("one")], cx).await.unwrap_err();
    assert!(error.to_string().contains("within 50ms"), "{error}");
}

#[tokio::test]
async fn a_signal_without_an_address_is_refused() {
    let exporter = exporter("{logs_endpoint: 'http://127.0.0.1:1/logs'}");
    let error = export(&exporter, &[chunk("one")]).await.unwrap_err();
    assert_eq!(error.to_string(), "either `endpoint` or `traces_endpoint` must be specified");
}

#[test]
fn secrets_do_not_show() {
    let config = parse("{endpoint: 'http://h:1', headers: {x-api-key: hidden}}").unwrap();
    let exporter = OtlpHttp::build(config.clone(), &BuildContext::for_tests("otlp_http", Clock::manual(0)));
    assert!(exporter.is_ok());
    assert!(!format!("{config:?}").contains("hidden"));
}
