//! 3.2: the order of checks over HTTP, and what each failing one is answered.

use crate::bench::{Bench, Plan};
use crate::bodies::{logs, points, spans, spans_json};
use crate::wire::{Ask, JSON, PROTOBUF, bare, post};
use chaperone_net::RpcStatus;

const BAD_ENCODING: (&str, &str) = ("Content-Encoding", "br");
const NOT_FOUND: &[u8] = b"404 page not found\n";
const METHOD: &[u8] = b"405 method not allowed, supported: [POST]";
const MEDIA: &[u8] = b"415 unsupported media type, supported: [application/json, application/x-protobuf]";

// 3.2.01: content encoding, path, method, content type, body: each request has everything wrong from one check on.
#[tokio::test]
async fn r3_2_01_checks_are_made_in_the_order_that_clients_know() {
    let bench = Bench::http("").await;
    let text = ("Content-Type", "text/plain");
    let encoding = bench.ask(bare("GET", "/nowhere", &[text, BAD_ENCODING])).await;
    assert_eq!(encoding.status_body(), (3, "unsupported Content-Encoding: br".into()), "before the path");
    bench.ask(bare("GET", "/nowhere", &[text])).await.is(404, "text/plain; charset=utf-8", NOT_FOUND);
    bench.ask(bare("GET", "/v1/traces", &[text])).await.is(405, "text/plain", METHOD);
    bench.ask(post("/v1/traces", &[text], "[")).await.is(415, "text/plain", MEDIA);
    assert_eq!(bench.ask(post("/v1/traces", &[JSON], "[")).await.status, 400, "the body comes last");
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.2.02: nothing but POST, whatever the method is called; no charset, no `Allow`.
#[tokio::test]
async fn r3_2_02_other_methods_are_refused_in_plain_text() {
    let bench = Bench::http("").await;
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let answer = bench.ask(bare(method, "/v1/logs", &[PROTOBUF])).await;
        answer.is(405, "text/plain", METHOD);
        assert!(!answer.has("allow"), "{method}");
    }
    let head = bench.ask(bare("HEAD", "/v1/logs", &[PROTOBUF])).await;
    assert_eq!((head.status, head.header("content-length"), head.text()), (405, "41", String::new()));
    bench.stop().await;
}

// 3.2.07: both types in any case, with well formed parameters.
#[tokio::test]
async fn r3_2_07_content_types_are_taken_in_any_case_and_with_parameters() {
    let bench = Bench::http("").await;
    for good in [
        "application/json",
        "APPLICATION/JSON; charset=utf-8",
        "application/json;",
        "application/json ;x=y",
        "application/json; charset=\"utf-8\"",
        "application/json; charset=utf-8; q=\"a;b\"",
        "application/json; x*=utf-8''a",
    ] {
        let answer = bench.ask(post("/v1/traces", &[("Content-Type", good)], spans_json(1))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{good}");
    }
    let answer = bench.ask(post("/v1/traces", &[("Content-Type", "Application/X-Protobuf; a=b")], spans(1))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-protobuf"));
    assert_eq!(bench.taken().len(), 8);
    bench.stop().await;
}

// 3.2.08: everything else is not supported, a malformed list of parameters and no type at all too.
#[tokio::test]
async fn r3_2_08_other_content_types_are_refused_in_plain_text() {
    let bench = Bench::http("").await;
    for bad in [
        "application/protobuf",
        "text/plain",
        ";",
        "application /json",
        "application/json/x",
        "application/json, application/json",
        "application/json; charset",
        "application/json; =x",
        "application/json;;x=1",
        "application/json; a=b c",
        "application/json; q=\"a",
        "application/json;charset=a;charset=b",
    ] {
        bench.ask(post("/v1/traces", &[("Content-Type", bad)], "{}")).await.is(415, "text/plain", MEDIA);
    }
    bench.ask(post("/v1/traces", &[], "{}")).await.is(415, "text/plain", MEDIA);
    bench.stop().await;
}

// 3.2.12: a status in the request's content type, in JSON where it has none. A Collector answers 500 "failed to marshal
// error message" to other types; 3.2.29 asks for 400 instead.
#[tokio::test]
async fn r3_2_12_errors_are_a_status_in_the_requests_content_type() {
    let bench = Bench::http("").await;
    let ask = |headers| bench.ask(post("/v1/traces", headers, ""));
    let expected = (3, "unsupported Content-Encoding: br".to_owned());
    // What a Collector sends, byte by byte.
    let protobuf = b"\x08\x03\x12\x20unsupported Content-Encoding: br";
    ask(&[PROTOBUF, BAD_ENCODING]).await.is(400, "application/x-protobuf", protobuf);
    for headers in [&[JSON, BAD_ENCODING][..], &[BAD_ENCODING], &[("Content-Type", "text/plain"), BAD_ENCODING]] {
        let answer = ask(headers).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/json"), "{headers:?}");
        assert_eq!(answer.status_body(), expected);
    }
    bench.stop().await;
}

// 3.2.13: malformed bodies are the client's fault: 400 with code 3.
#[tokio::test]
async fn r3_2_13_malformed_bodies_are_bad_requests() {
    let bench = Bench::http("").await;
    let bodies: [&[u8]; 4] = [b"\x0a\xff", b"\xff\xff", b"\x0b", b"\x0a\x05abc"];
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        for body in bodies {
            let answer = bench.ask(post(path, &[PROTOBUF], body)).await;
            assert_eq!((answer.status, answer.status_body().0), (400, 3), "{path} {body:?}");
        }
        for body in ["[", "{", "{\"a\"}", "{'a':1}", "\"x\"", "5"] {
            let answer = bench.ask(post(path, &[JSON], body)).await;
            assert_eq!((answer.status, answer.status_body().0), (400, 3), "{path} {body}");
        }
    }
    assert_eq!(bench.sample("chaperone_receiver_requests", &[("outcome", "malformed")]), 30);
    bench.stop().await;
}

// 3.2.14: too large is 400, not 413, before and after decompression; the limit itself passes.
#[tokio::test]
async fn r3_2_14_a_body_over_the_limit_is_a_bad_request() {
    let bench = Bench::http("max_request_body_size: 1000").await;
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    assert_eq!(bench.ask(post("/v1/traces", &[JSON], padded(1000))).await.status, 200);
    bench.ask(post("/v1/traces", &[JSON], padded(1001))).await.is_bad("http: request body too large");
    let packed = chaperone_net::compress(&[padded(1001).into()], chaperone_net::BodyEncoding::Gzip).unwrap();
    assert!(packed.len() < 100);
    let gzip = ("Content-Encoding", "gzip");
    bench.ask(post("/v1/traces", &[JSON, gzip], packed)).await.is_bad("http: request body too large");
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", &[("reason", "too_large")]), 2);
    bench.stop().await;
}

// 3.2.15: an empty protobuf message is a request of nothing; no JSON value is nothing.
#[tokio::test]
async fn r3_2_15_an_empty_body_is_a_request_in_protobuf_and_an_error_in_json() {
    let bench = Bench::http("").await;
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        assert_eq!(bench.ask(post(path, &[PROTOBUF], "")).await.status, 200);
        for blank in ["", " \n"] {
            let answer = bench.ask(post(path, &[JSON], blank)).await;
            assert_eq!((answer.status, answer.status_body().0), (400, 3));
        }
    }
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.2.16: text after the value is a departure: the Collector skips it with 200, and a second request in one body would be
// lost without a word.
#[tokio::test]
async fn r3_2_16_null_nothing_and_unknown_members_are_requests_of_nothing() {
    let bench = Bench::http("").await;
    for body in ["null", "{}", "{\"unknown\":[1]}", " {\"resourceSpans\":null} \n"] {
        assert_eq!(bench.ask(post("/v1/traces", &[JSON], body)).await.status, 200, "{body}");
    }
    for body in ["{} trailing", "{}{}", "null,"] {
        let answer = bench.ask(post("/v1/traces", &[JSON], body)).await;
        assert_eq!((answer.status, answer.status_body().0), (400, 3), "{body}");
    }
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.2.17, a departure: the Collector answers an empty `partial_success` (`0a 00`), we leave it out, as the OTLP
// specification asks of a server that took everything.
#[tokio::test]
async fn r3_2_17_success_has_the_content_type_of_the_request_and_rejects_nothing() {
    let bench = Bench::http("").await;
    for (path, body) in [("/v1/traces", spans(2)), ("/v1/metrics", points(2)), ("/v1/logs", logs(2))] {
        bench.ask(post(path, &[PROTOBUF], body)).await.is(200, "application/x-protobuf", b"");
    }
    bench.ask(post("/v1/traces", &[JSON], spans_json(2))).await.is(200, "application/json", b"{}");
    assert_eq!(bench.taken().iter().map(|chunk| chunk.items).sum::<usize>(), 8);
    bench.stop().await;
}

// 3.2.19: an unknown path, a trailing slash, and a signal that no pipeline takes.
#[tokio::test]
async fn r3_2_19_what_is_not_served_is_not_found() {
    let bench = Plan { signals: &["traces"], ..Plan::default() }.start().await;
    for path in
        ["/", "/nowhere", "/v1/traces/", "/v1/traces/x", "/V1/traces", "/v1%2Ftraces", "/v1/logs", "/v1development/profiles"]
    {
        let answer = bench.ask(post(path, &[PROTOBUF], spans(1))).await;
        answer.is(404, "text/plain; charset=utf-8", NOT_FOUND);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    // Departures: the Collector reads, and refuses, broken data even there, and answers `OPTIONS *` with nothing.
    let broken = bench.ask(post("/nowhere", &[PROTOBUF, ("Content-Encoding", "gzip")], "no gzip")).await;
    broken.is(404, "text/plain; charset=utf-8", NOT_FOUND);
    bench.ask(bare("OPTIONS", "*", &[])).await.is(404, "text/plain; charset=utf-8", NOT_FOUND);
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.2.20: the query is kept, and the content encoding is checked before.
#[tokio::test]
async fn r3_2_20_an_unclean_path_is_told_the_clean_one() {
    let bench = Bench::http("").await;
    for (target, location) in [
        ("//v1/traces", "/v1/traces"),
        ("//v1/traces?a=b", "/v1/traces?a=b"),
        ("/v1/./x/../traces", "/v1/traces"),
        ("//nowhere/", "/nowhere/"),
    ] {
        let answer = bench.ask(post(target, &[PROTOBUF], spans(1))).await;
        assert_eq!((answer.status, answer.header("location"), answer.text()), (307, location, String::new()), "{target}");
    }
    // A departure: the Collector adds a page for who asks with GET.
    let page = bench.ask(bare("GET", "//v1/traces", &[PROTOBUF])).await;
    assert_eq!((page.status, page.header("location"), page.text()), (307, "/v1/traces", String::new()));
    let answer = bench.ask(post("//v1/traces", &[PROTOBUF, BAD_ENCODING], "")).await;
    answer.is_bad("unsupported Content-Encoding: br");
    assert!(bench.taken().is_empty());
    bench.stop().await;
}

// 3.2.21
#[tokio::test]
async fn r3_2_21_query_strings_are_ignored_and_percent_signs_read() {
    let bench = Bench::http("").await;
    for target in ["/v1/traces?a=b", "/v1/traces?", "/v1/%74races", "http://somewhere/v1/traces"] {
        assert_eq!(bench.ask(post(target, &[PROTOBUF], spans(1))).await.status, 200, "{target}");
    }
    assert_eq!(bench.taken().len(), 4);
    bench.stop().await;
}

// 3.2.22, a departure: the Collector speaks no HTTP/2 in clear text on the HTTP port; we do, to clients that begin with it.
#[tokio::test]
async fn r3_2_22_http2_in_clear_text_is_spoken_to_who_begins_with_it() {
    let bench = Bench::http("").await;
    let answer = crate::grpc::http2_post(&bench.address("http"), "/v1/traces", &[PROTOBUF], spans(1)).await;
    assert_eq!(answer.0, 200);
    assert_eq!(bench.taken().len(), 1);
    bench.stop().await;
}

// 3.2.29: where the Collector fails to encode its own error, the answer is 400.
#[tokio::test]
async fn r3_2_29_negative_numbers_in_unsigned_members_are_bad_requests() {
    let bench = Bench::http("").await;
    for member in ["\"startTimeUnixNano\":-5", "\"droppedEventsCount\":-1"] {
        let body = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{{member}}}]}}]}}]}}");
        let answer = bench.ask(post("/v1/traces", &[JSON], body)).await;
        assert_eq!((answer.status, answer.status_body().0), (400, 3), "{member}");
    }
    bench.stop().await;
}

// Whoever is refused gets to read why, however much it had to say: a connection that is reset looks like one that broke,
// and the same would be sent again.
#[tokio::test]
async fn a_client_that_writes_everything_first_reads_why_it_was_refused() {
    let bench = Bench::http("").await;
    for (path, headers, length, status) in [
        ("/v1/traces", &[JSON][..], (20 << 20) + 1, 400),
        ("/v1/traces", &[JSON], 38 << 20, 400),
        ("/v1/traces", &[JSON, BAD_ENCODING], 18 << 20, 400),
        ("/v1/nothing", &[JSON], 18 << 20, 404),
        ("//v1/traces", &[JSON], 18 << 20, 307),
        ("/v1/traces", &[], 18 << 20, 415),
    ] {
        let mut stream = tokio::net::TcpStream::connect(bench.address("http")).await.unwrap();
        let request = post(path, headers, vec![b' '; length]).bytes();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &request).await.expect("everything is written before anything is read");
        assert_eq!(crate::wire::exchange_on(stream, b"").await.status, status, "{path} {headers:?}");
    }
    bench.stop().await;
}

// The answer ends the connection when the client asks for it, and keeps it otherwise: two requests on one.
#[tokio::test]
async fn errors_and_successes_take_turns_on_one_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bench = Bench::http("").await;
    let mut stream = tokio::net::TcpStream::connect(bench.address("http")).await.unwrap();
    let ask = |path: &str, end: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: h\r\n{end}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}")
    };
    let all = [ask("/nowhere", ""), ask("/v1/traces", ""), ask("//v1/traces", ""), ask("/v1/logs", "Connection: close\r\n")];
    stream.write_all(all.concat().as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let statuses: Vec<&str> =
        answers.matches("HTTP/1.1 ").zip(answers.split("HTTP/1.1 ").skip(1)).map(|(_, rest)| &rest[..3]).collect();
    assert_eq!(statuses, ["404", "200", "307", "200"]);
    bench.stop().await;
}

/// A status as JSON has its members in the order of the protobuf message.
#[tokio::test]
async fn a_status_in_json_has_number_and_text() {
    let bench = Bench::http("").await;
    let answer = bench.ask(Ask { headers: vec![JSON, BAD_ENCODING], ..post("/v1/traces", &[], "") }).await;
    answer.is(400, "application/json", br#"{"code":3,"message":"unsupported Content-Encoding: br"}"#);
    assert_eq!(RpcStatus::from_json(&answer.body).unwrap().retry_after, None);
    bench.stop().await;
}
