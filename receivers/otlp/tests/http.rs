//! OTLP/HTTP over loopback.

use super::{Bench, body, request};
use bytes::Bytes;
use chaperone_net::client::{parse_headers, parse_url};
use chaperone_net::{BodyEncoding, HttpClient, HttpRequest, HttpResponse, RpcStatus, compress};
use http::{Method, StatusCode};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> HttpResponse {
    let request = HttpRequest {
        method,
        url: parse_url(url).unwrap(),
        headers: parse_headers(headers.iter().copied()).unwrap(),
        body: vec![body.into()],
        timeout: Duration::from_secs(20),
    };
    HttpClient::new().send(request).await.unwrap()
}

async fn post(bench: &Bench, headers: &[(&str, &str)], body: impl Into<Bytes>) -> HttpResponse {
    send(Method::POST, &format!("{}/v1/traces", bench.url("http")), headers, body).await
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn protobuf_is_taken_and_answered_with_an_empty_message() {
    let bench = Bench::both("http protobuf").await;
    let response = post(&bench, &[PROTOBUF], body(3)).await;
    assert_eq!((response.status, header(&response, "content-type")), (StatusCode::OK, "application/x-protobuf"));
    assert_eq!(response.body, Bytes::new());
    let chunks = bench.collected();
    assert_eq!(chunks.len(), 1);
    assert_eq!((chunks[0].items, chunks[0].contiguous()), (3, body(3)));
    bench.stop().await;
}

#[tokio::test]
async fn json_is_taken_and_answered_in_json() {
    let bench = Bench::both("http json").await;
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01010101010101010101010101010101","spanId":"0000000000000001","name":"span 0"}]}]}]}"#;
    let response = post(&bench, &[("content-type", "application/JSON; charset=utf-8")], json).await;
    assert_eq!((response.status, header(&response, "content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(&response.body[..], b"{}");
    assert_eq!(bench.collected()[0].items, 1);
    bench.stop().await;
}

#[tokio::test]
async fn gzip_and_zstd_bodies_are_decompressed() {
    let bench = Bench::both("http compressed").await;
    for (encoding, spans) in [(BodyEncoding::Gzip, 200), (BodyEncoding::Zstd, 300)] {
        let packed = compress(&[body(spans)], encoding).unwrap();
        let response = post(&bench, &[PROTOBUF, ("content-encoding", encoding.name())], packed).await;
        assert_eq!(response.status, StatusCode::OK);
    }
    let chunks = bench.collected();
    assert_eq!(chunks.iter().map(|chunk| chunk.items).collect::<Vec<_>>(), [200, 300]);
    bench.stop().await;
}

#[tokio::test]
async fn malformed_bodies_are_answered_with_a_status_in_their_own_encoding() {
    let bench = Bench::both("http malformed").await;
    let response = post(&bench, &[PROTOBUF], &b"\x0a\xff"[..]).await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    assert_eq!(RpcStatus::from_protobuf(&response.body).unwrap().code, 3);
    let response = post(&bench, &[JSON], "[").await;
    assert_eq!((response.status, header(&response, "content-type")), (StatusCode::BAD_REQUEST, "application/json"));
    assert_eq!(RpcStatus::from_json(&response.body).unwrap().code, 3);
    let response = post(&bench, &[PROTOBUF, ("content-encoding", "gzip")], "no gzip").await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", ("reason", "corrupt")), 1);
    assert!(bench.collected().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn wrong_path_method_type_and_encoding_have_the_collectors_answers() {
    let bench = Bench::both("http wrong").await;
    let url = bench.url("http");
    let check = |response: HttpResponse, status: u16, content_type: &str, text: &str| {
        assert_eq!((response.status.as_u16(), header(&response, "content-type")), (status, content_type));
        assert!(String::from_utf8_lossy(&response.body).contains(text), "{:?}", response.body);
    };
    for path in ["/v1/nothing", "/v1/traces/", "/v1/logs"] {
        let response = send(Method::POST, &format!("{url}{path}"), &[PROTOBUF], body(1)).await;
        check(response, 404, "text/plain; charset=utf-8", "404 page not found\n");
    }
    let response = send(Method::GET, &format!("{url}/v1/traces?a=b"), &[PROTOBUF], "").await;
    check(response, 405, "text/plain", "405 method not allowed, supported: [POST]");
    for bad in ["application/protobuf", "application/json; charset", "text/plain"] {
        let response = post(&bench, &[("content-type", bad)], body(1)).await;
        check(response, 415, "text/plain", "415 unsupported media type, supported: [application/json, application/x-protobuf]");
    }
    let response = post(&bench, &[JSON, ("content-encoding", "br")], body(1)).await;
    check(response, 400, "application/json", "unsupported Content-Encoding: br");
    assert!(bench.collected().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_and_after_decompression() {
    let otlp = "{protocols: {http: {endpoint: 'localhost:0', max_request_body_size: 1000}}}";
    let bench = Bench::start("http large", otlp, "", &["traces"]).await;
    let response = post(&bench, &[PROTOBUF], body(100)).await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    let status = RpcStatus::from_protobuf(&response.body).unwrap();
    assert_eq!(status.message, "http: request body too large");
    let packed = compress(&[body(100)], BodyEncoding::Zstd).unwrap();
    assert!(packed.len() < 1000);
    let response = post(&bench, &[PROTOBUF, ("content-encoding", "zstd")], packed).await;
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", ("reason", "too_large")), 2);
    bench.stop().await;
}

#[tokio::test]
async fn over_the_budget_is_told_when_to_come_back_before_a_byte_is_read() {
    let otlp = "{protocols: {http: {endpoint: 'localhost:0', max_request_body_size: 8GiB}}}";
    let bench = Bench::start("http budget", otlp, "", &["traces"]).await;
    let address = bench.url("http").trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    // More than the budget of any machine: it is at most 1 GiB.
    let head = "POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 4294967296\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    assert!(answer.contains("{\"code\":8,"), "{answer}");
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", ("reason", "over_budget")), 1);
    bench.stop().await;
}

#[tokio::test]
async fn what_the_pipeline_says_reaches_the_client() {
    let otlp = "{protocols: {http: {endpoint: 'localhost:0'}}}";
    for (key, answer, status, code) in [("http away", "retryable", 503, 14), ("http no", "permanent", 500, 13)] {
        let bench = Bench::start(key, otlp, &format!(", answer: {answer}"), &["traces"]).await;
        let response = post(&bench, &[PROTOBUF], body(1)).await;
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(RpcStatus::from_protobuf(&response.body).unwrap().code, code);
        bench.stop().await;
    }
}

#[tokio::test]
async fn headers_are_kept_when_asked_for() {
    let otlp = "{protocols: {http: {endpoint: 'localhost:0', include_metadata: true, traces_url_path: in}}}";
    let bench = Bench::start("http metadata", otlp, "", &["traces"]).await;
    let url = format!("{}/in", bench.url("http"));
    let response = send(Method::POST, &url, &[PROTOBUF, ("X-Tenant", "blue")], body(1)).await;
    assert_eq!(response.status, StatusCode::OK);
    let client = bench.collected()[0].client.clone().unwrap();
    assert!(client.metadata.contains(&("x-tenant".to_owned(), "blue".to_owned())), "{client:?}");
    assert!(client.address.as_ref().unwrap().starts_with("127.0.0.1:"), "{client:?}");
    bench.stop().await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered_when_the_receiver_stops() {
    let bench = Bench::both("http stop").await;
    let address = bench.url("http").trim_start_matches("http://").to_owned();
    let body = prost::Message::encode_to_vec(&request(1));
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..10]).await.unwrap();
    stream.flush().await.unwrap();
    // Another connection's answer shows that the server has seen this one before: accepting is in order.
    post(&bench, &[PROTOBUF], super::body(1)).await;
    let rest = async {
        stream.write_all(&body[10..]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (answer, ()) = tokio::join!(rest, bench.stop());
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(tokio::net::TcpStream::connect(&address).await.is_err(), "nobody listens any more");
}
