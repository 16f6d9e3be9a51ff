//! 3.1: what may be written, and what each setting does that needs no socket of its own kind.

use crate::bench::{Bench, Plan};
use crate::bodies::{spans, spans_json};
use crate::wire::{JSON, PROTOBUF, post};
use chaperone::config::{Source, Surroundings, load_what_is_there};
use chaperone::pipeline::engine::Graph;
use serde_json::{Value, json};

fn sources(otlp: &str) -> Vec<Source> {
    let text = format!(
        "receivers: {{otlp: {otlp}}}\nexporters: {{nop: }}\nservice: {{pipelines: {{traces: {{receivers: [otlp], exporters: [nop]}}}}}}\n"
    );
    vec![Source::Text { name: "test.yaml".into(), text }]
}

fn around() -> Surroundings<'static> {
    Surroundings { env: &|_| None, file: &|_| Err("no such file".to_owned()), gates: Default::default() }
}

/// Errors and warnings of a receiver's settings.
pub fn said(otlp: &str) -> String {
    let problems = chaperone::check_within(&sources(otlp), &chaperone::built_in(), &around());
    problems.unwrap_or_else(|problems| problems).to_string()
}

#[track_caller]
fn accepted(otlp: &str) {
    assert_eq!(said(otlp), "", "{otlp}");
}

#[track_caller]
fn refused(otlp: &str, message: &str) {
    let said = said(otlp);
    assert!(said.contains(&format!("error: {message}")), "{otlp} should be refused with\n{message}\nbut:\n{said}");
}

/// The receiver's settings in force.
fn in_force(otlp: &str) -> Value {
    let (document, mut problems) = load_what_is_there(&sources(otlp), &around());
    let document = document.unwrap_or_else(|| panic!("{problems}"));
    let sections = Graph::effective(&document, &chaperone::built_in(), true, &mut problems);
    assert!(!problems.has_errors(), "{problems}");
    sections["receivers"]["otlp"]["protocols"].clone()
}

// 3.1.01, 3.1.04 to 3.1.06, 3.1.12, 3.1.14 to 3.1.17: the Collector's defaults.
#[test]
fn r3_1_01_the_defaults_are_the_collectors() {
    let both = in_force("{protocols: {grpc: , http: }}");
    let checked = [
        ("/grpc/endpoint", json!("localhost:4317")),
        ("/grpc/transport", json!("tcp")),
        ("/grpc/max_recv_msg_size_mib", json!(0)),
        ("/grpc/max_concurrent_streams", json!(0)),
        ("/grpc/read_buffer_size", json!(524288)),
        ("/grpc/write_buffer_size", json!(0)),
        ("/grpc/include_metadata", json!(false)),
        ("/http/endpoint", json!("localhost:4318")),
        ("/http/transport", json!("tcp")),
        ("/http/max_request_body_size", json!(20 << 20)),
        ("/http/include_metadata", json!(false)),
        ("/http/read_timeout", json!("0s")),
        ("/http/read_header_timeout", json!("0s")),
        ("/http/write_timeout", json!("0s")),
        ("/http/idle_timeout", json!("0s")),
        ("/http/keep_alives_enabled", json!(true)),
        ("/http/traces_url_path", json!("/v1/traces")),
        ("/http/metrics_url_path", json!("/v1/metrics")),
        ("/http/logs_url_path", json!("/v1/logs")),
    ];
    for (pointer, expected) in checked {
        assert_eq!(both.pointer(pointer), Some(&expected), "{pointer}");
    }
}

// 3.1.19
#[test]
fn r3_1_19_a_protocol_runs_only_if_its_key_is_there() {
    for none in ["", "{}", "{protocols: }", "{protocols: {}}", "{protocols: {grpc: {enabled: false}}}"] {
        refused(none, "must specify at least one protocol when using the OTLP receiver");
    }
    for one in ["{protocols: {grpc: }}", "{protocols: {http: {}}}", "{protocols: {grpc: {}, http: {enabled: false}}}"] {
        accepted(one);
    }
}

// 3.1.20
#[test]
fn r3_1_20_unknown_protocols_and_keys_are_refused_with_their_place() {
    let said = said("{protocols: {thrift: , http: {no_such_key: 1}}}");
    assert!(said.contains("`thrift`") && said.contains("`no_such_key`") && said.contains("test.yaml:1:"), "{said}");
}

// 3.1.21 and 3.1.06: the Collector tells the first one, we tell all.
#[test]
fn r3_1_21_negative_sizes_are_told_in_the_collectors_words() {
    let all = "{protocols: {grpc: {max_recv_msg_size_mib: -1, read_buffer_size: -1, write_buffer_size: -2}}}";
    refused(all, "invalid max_recv_msg_size_mib value, must be between 1 and 8796093022207: -1");
    refused(all, "invalid read_buffer_size value: -1");
    refused(all, "invalid write_buffer_size value: -2");
    accepted("{protocols: {grpc: {max_recv_msg_size_mib: 8796093022207, read_buffer_size: 0, write_buffer_size: 5}}}");
}

// 3.1.22, departures: what the Collector finds out when it starts, or when a request comes.
#[test]
fn r3_1_22_what_cannot_work_is_refused_when_it_is_checked() {
    for (http, message) in [
        ("endpoint: somewhere", "`somewhere` is not an address to listen on"),
        ("endpoint: ''", "`` is not an address to listen on"),
        ("transport: unix, endpoint: ''", "the path of the socket is missing"),
        ("transport: carrier_pigeon", ""),
        ("compression_algorithms: [gzip, brotli]", "unsupported compression type \"brotli\""),
        ("max_request_body_size: -1", ""),
        ("traces_url_path: same, logs_url_path: /same", "`/same` is the path of another signal"),
        ("response_headers: {'a b': c}", "not a header name, or its value cannot stand in a header"),
    ] {
        refused(&format!("{{protocols: {{http: {{{http}}}}}}}"), message);
    }
    refused("{protocols: {grpc: {endpoint: 'a:1'}, http: {endpoint: 'a:1'}}}", "`a:1` is the address of `grpc` too");
    accepted("{protocols: {grpc: {endpoint: 'a:0'}, http: {endpoint: 'a:0'}}}");
}

// 1.1: a text is a list of texts, and null for a scalar is its zero value; both are read as the Collector reads them.
#[test]
fn lists_may_be_written_as_texts() {
    let http = in_force("{protocols: {http: {compression_algorithms: 'gzip,zstd', cors: {allowed_origins: '*'}}}}");
    assert_eq!(http.pointer("/http/compression_algorithms"), Some(&json!(["gzip", "zstd"])));
    assert_eq!(http.pointer("/http/cors/allowed_origins"), Some(&json!(["*"])));
    let unset = in_force("{protocols: {http: {compression_algorithms: }}}");
    assert!(unset.pointer("/http/compression_algorithms").is_none_or(Value::is_null));
}

// 3.1.08 and 3.1.10, departures: a receiver that ought to authenticate must not take anything from anybody.
#[test]
fn r3_1_08_authenticators_and_middlewares_are_refused_and_named() {
    for protocol in ["grpc", "http"] {
        let auth = format!("{{protocols: {{{protocol}: {{auth: {{authenticator: bearertokenauth}}}}}}}}");
        refused(&auth, "the authenticator `bearertokenauth` cannot be used: there are no authenticating extensions yet");
        let middlewares = format!("{{protocols: {{{protocol}: {{middlewares: [{{id: limiter}}]}}}}}}");
        refused(&middlewares, "the middleware `limiter` cannot be used: there are no such extensions yet");
        accepted(&format!("{{protocols: {{{protocol}: {{middlewares: []}}}}}}"));
    }
}

// 3.1.17
#[test]
fn r3_1_17_paths_are_read_as_urls() {
    for bad in ["'/a b'", "'%zz'", "'/{x}'"] {
        refused(&format!("{{protocols: {{http: {{traces_url_path: {bad}}}}}}}"), "invalid HTTP URL path set for signal");
    }
}

// 3.1.17: the leading slash is added, a URL stands for its path, a slash at the end for everything below.
#[tokio::test]
async fn r3_1_17_configured_paths_are_served() {
    let bench = Bench::http("traces_url_path: in/, metrics_url_path: 'http://x/y%2Ez?q=1', logs_url_path: custom/logs").await;
    for (target, status) in [
        ("/in/", 200),
        ("/in/x/y", 200),
        ("/in", 307),
        ("/y.z", 200),
        ("/custom/logs", 200),
        ("/v1/traces", 404),
        ("/v1/logs", 404),
    ] {
        assert_eq!(bench.ask(post(target, &[JSON], "{}")).await.status, status, "{target}");
    }
    bench.stop().await;
}

// 3.1.12: 20 MiB unless set, of the decompressed body; 0 is the default.
#[tokio::test]
async fn r3_1_12_the_largest_body_is_twenty_mebibytes_unless_set() {
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    for settings in ["", "max_request_body_size: 0"] {
        let bench = Bench::http(settings).await;
        assert_eq!(bench.ask(post("/v1/traces", &[JSON], padded(20 << 20))).await.status, 200);
        let over = bench.ask(post("/v1/traces", &[JSON], padded((20 << 20) + 1))).await;
        over.is_bad("http: request body too large");
        bench.stop().await;
    }
}

// 3.1.13: on every answer; what an answer says itself wins.
#[tokio::test]
async fn r3_1_13_response_headers_are_on_every_answer() {
    let settings = "response_headers: {X-Mine: '1', Content-Type: text/mine}, cors: {allowed_origins: ['*']}";
    let bench = Bench::http(settings).await;
    for (ask, content_type) in [
        (post("/v1/traces", &[JSON], "{}"), "application/json"),
        (post("/v1/traces", &[JSON], "["), "application/json"),
        (post("/nowhere", &[JSON], ""), "text/plain; charset=utf-8"),
        (post("//v1/traces", &[JSON], ""), "text/mine"),
        (crate::wire::bare("OPTIONS", "/", &[("Origin", "a"), ("Access-Control-Request-Method", "POST")]), "text/mine"),
    ] {
        let answer = bench.ask(ask).await;
        assert_eq!((answer.header("x-mine"), answer.header("content-type")), ("1", content_type));
    }
    bench.stop().await;
    let listed = Bench::http("response_headers: [{name: X-Mine, value: '2'}]").await;
    assert_eq!(listed.ask(post("/v1/traces", &[JSON], "{}")).await.header("x-mine"), "2");
    listed.stop().await;
}

// 3.1.16: what a client may find out by asking twice.
#[tokio::test]
async fn r3_1_16_without_keep_alives_a_connection_ends_with_its_first_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (settings, answers) in [("keep_alives_enabled: false", 1), ("", 2)] {
        let bench = Bench::http(settings).await;
        let mut stream = tokio::net::TcpStream::connect(bench.address("http")).await.unwrap();
        let first = "POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        let second = first.replace("Host: h", "Host: h\r\nConnection: close");
        stream.write_all(format!("{first}{second}").as_bytes()).await.unwrap();
        let mut read = Vec::new();
        // Whoever closes with something unread resets the connection: that is an end too.
        let _ = stream.read_to_end(&mut read).await;
        let text = String::from_utf8_lossy(&read).into_owned();
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), answers, "{settings}: {text}");
        assert!(text.contains("connection: close"), "{text}");
        bench.stop().await;
    }
}

// 3.1.09: headers of the request, names in lower case, for `metadata_keys` and the like; only when asked for.
#[tokio::test]
async fn r3_1_09_metadata_are_kept_when_asked_for() {
    for (settings, kept) in [("include_metadata: true", true), ("", false)] {
        let bench = Bench::http(settings).await;
        assert_eq!(bench.ask(post("/v1/traces", &[PROTOBUF, ("X-Tenant", "blue")], spans(1))).await.status, 200);
        let client = bench.taken()[0].client.clone().unwrap();
        assert_eq!(client.metadata.contains(&("x-tenant".to_owned(), "blue".to_owned())), kept, "{client:?}");
        assert_eq!(client.metadata.contains(&("host".to_owned(), "h".to_owned())), kept, "{client:?}");
        assert!(client.address.as_ref().unwrap().starts_with("127.0.0.1:"), "{client:?}");
        bench.stop().await;
    }
}

// 3.1.18: profiles have no pipelines here, so their path is unknown.
#[tokio::test]
async fn r3_1_18_profiles_are_not_served() {
    let bench = Bench::http("").await;
    assert_eq!(bench.ask(post("/v1development/profiles", &[PROTOBUF], "")).await.status, 404);
    bench.stop().await;
}

// 3.1.02: one family alone.
#[tokio::test]
async fn r3_1_02_one_family_of_addresses_may_be_asked_for() {
    for transport in ["tcp", "tcp4"] {
        let bench = Bench::http(&format!("transport: {transport}")).await;
        assert_eq!(bench.ask(post("/v1/traces", &[JSON], spans_json(1))).await.status, 200, "{transport}");
        bench.stop().await;
    }
    let plan = Plan { http: Some("transport: tcp6, endpoint: '127.0.0.1:0'"), ..Plan::default() };
    let error = plan.try_start().await.err().unwrap();
    assert!(error.contains("tcp6"), "{error}");
}
