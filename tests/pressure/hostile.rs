//! Clients that mean harm, or are broken: memory stays bounded, the answer says why, and others are served meanwhile.

use crate::client::{Client, request};
use crate::memory::Memory;
use crate::{MIB, finish, start};
use anyhow::Result;
use chaperone_testkit::collector::Collector;
use std::io::Write;

const CONFIG: &str = "
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}, grpc: {endpoint: 127.0.0.1:0}}}}
exporters: {nop: {}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    logs: {receivers: [otlp], exporters: [nop]}
";

const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The collector, its address, and its memory from when it has worked a little on.
fn at_work() -> Result<(Collector, String, Memory)> {
    let mut collector = start(CONFIG, &[])?;
    let address = collector.otlp_http()?;
    serves(&address, 50)?;
    let memory = Memory::watch(collector.process())?;
    Ok((collector, address, memory))
}

/// Well-behaved requests are answered as always.
fn serves(address: &str, requests: u64) -> Result<()> {
    let mut client = Client::connect(address)?;
    for number in 0..requests {
        assert_eq!(client.spans(&request(1 + number * 100))?.status, 200);
    }
    Ok(())
}

#[test]
fn a_thousand_idle_connections_cost_little_and_keep_nobody_out() -> Result<()> {
    let (mut collector, address, memory) = at_work()?;
    let grpc = collector.otlp_grpc()?;
    let mut idle = Vec::new();
    for number in 0..1000 {
        let mut client = Client::connect(if number % 2 == 0 { &address } else { &grpc })?;
        match number % 4 {
            // Never a byte.
            0 | 1 => {}
            // A served request, then silence.
            2 => assert_eq!(client.spans(&request(100_000 + number * 100))?.status, 200),
            // The preface of HTTP/2 and nothing else.
            _ => client.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")?,
        }
        idle.push(client);
    }
    serves(&address, 20)?;
    memory.grew_less_than(64 * MIB);
    finish(collector)
}

#[test]
fn requests_that_never_end_keep_nobody_out_and_do_not_delay_the_end() -> Result<()> {
    let (collector, address, memory) = at_work()?;
    let mut slow = Vec::new();
    for number in 0..400 {
        let mut client = Client::connect(&address)?;
        match number % 4 {
            0 => client.write(b"P")?,
            1 => client.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nX-Slow: ")?,
            // Claims to send as much as it may; that alone must not reserve memory for good.
            2 => client.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nContent-Type: application/x-protobuf\r\n\r\n\x0a")?,
            _ => client.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n1\r\n{\r\n")?,
        }
        slow.push(client);
    }
    serves(&address, 20)?;
    memory.grew_less_than(64 * MIB);
    finish(collector)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).expect("invariant: writing to memory");
    encoder.finish().expect("invariant: writing to memory")
}

#[test]
fn bombs_are_refused_and_take_no_more_than_a_request_may() -> Result<()> {
    let (collector, address, memory) = at_work()?;
    let zeros = vec![0; 512 << 20];
    let bombs = [("gzip", gzip(&zeros)), ("zstd", zstd::bulk::compress(&zeros, 3)?)];
    let twice = gzip(&bombs[0].1);
    drop(zeros);
    for (encoding, bomb) in &bombs {
        for content_type in [PROTOBUF, JSON] {
            let mut client = Client::connect(&address)?;
            let answer = client.post("/v1/traces", &[content_type, ("Content-Encoding", encoding)], bomb)?;
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 400, "{encoding}: {body}");
            assert!(body.contains("too large"), "{encoding}: {body}");
        }
    }
    let answer = Client::connect(&address)?.post("/v1/traces", &[PROTOBUF, ("Content-Encoding", "gzip")], &twice)?;
    assert_eq!(answer.status, 400, "compressed twice is not a request");
    serves(&address, 20)?;
    // The buffer grows up to the limit of 20 MiB by halves that are copied, on whichever thread a bomb arrives.
    memory.grew_less_than(96 * MIB);
    finish(collector)
}

/// A list in a list, `depth` times, as the value of an attribute: every length is right.
fn nested(depth: usize) -> Vec<u8> {
    // AnyValue.array_value and ArrayValue.values in turns.
    let value = (0..depth).fold(Vec::new(), |inside, _| prefixed(0x2a, &prefixed(0x0a, &inside)));
    // KeyValue.value, Resource.attributes, ResourceSpans.resource, the request's resource_spans.
    [0x12, 0x0a, 0x0a, 0x0a].into_iter().fold(value, |inside, tag| prefixed(tag, &inside))
}

#[test]
fn requests_made_to_blow_up_stay_small_and_are_refused_in_words() -> Result<()> {
    let (collector, address, memory) = at_work()?;
    let empty_resources = [0x0a, 0x00].repeat(9 << 20);
    let spans = |one: &[u8]| prefixed(0x0a, &prefixed(0x12, &one.repeat(4 << 20)));
    let empty_spans = spans(&[0x12, 0x00]);
    // Each with an empty trace id: twice the bytes, so that their number is too large before their memory is.
    let spans_of_nothing = spans(&[0x12, 0x02, 0x0a, 0x00]);
    let open_lists = format!("{{\"resourceSpans\":{}", "[".repeat(1 << 20)).into_bytes();
    let open_objects = "{\"a\":".repeat(1 << 20).into_bytes();
    let many_objects = format!("{{\"resourceSpans\":[{}{{}}]}}", "{},".repeat(5 << 20)).into_bytes();
    let hostile = [
        ("10 million empty resources", PROTOBUF, empty_resources, "bytes of memory"),
        ("4 million empty spans", PROTOBUF, empty_spans, "bytes of memory"),
        ("4 million spans of nothing", PROTOBUF, spans_of_nothing, "more than 1000000 records"),
        ("a list in a list", PROTOBUF, nested(5_000), "nested deeper than 64"),
        ("a length beyond the end", PROTOBUF, vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], "truncated message"),
        ("a number without end", PROTOBUF, vec![0xff; 1 << 20], "invalid tag or varint at byte 0"),
        ("open lists", JSON, open_lists, "line 1 column 19: expected `{`"),
        ("open objects", JSON, open_objects, "nested deeper than 64"),
        ("5 million empty resources", JSON, many_objects, "bytes of memory"),
    ];
    for (what, content_type, body, reason) in hostile {
        let answer = Client::connect(&address)?.post("/v1/traces", &[content_type], &body)?;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 400 && said.contains(reason), "{what}: {} {said}", answer.status);
        assert!(said.len() < 200, "{what}: {said}");
        // A request may take twelve times its bytes in memory (`Limits::max_growth`), beside the bytes themselves.
        memory.grew_less_than(13 * 20 * MIB);
    }
    serves(&address, 20)?;
    finish(collector)
}

fn prefixed(tag: u8, inside: &[u8]) -> Vec<u8> {
    let mut length = Vec::new();
    prost::encoding::encode_varint(inside.len() as u64, &mut length);
    [&[tag][..], &length, inside].concat()
}

#[test]
fn heads_and_bodies_without_end_are_cut() -> Result<()> {
    let (collector, address, memory) = at_work()?;
    let mut endless_head = Client::connect(&address)?;
    endless_head.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n")?;
    let filler = [b"X-More: ", "y".repeat(1000).as_bytes(), b"\r\n"].concat();
    let mut written = 0;
    while written < 8 << 20 && endless_head.write(&filler).is_ok() {
        written += filler.len();
    }
    assert!(written < 8 << 20, "a head of 8 MiB was read");

    let mut endless_body = Client::connect(&address)?;
    endless_body.write(
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-protobuf\r\n\r\n",
    )?;
    let chunk = [b"10000\r\n", "z".repeat(0x10000).as_bytes(), b"\r\n"].concat();
    let mut written = 0;
    // What is left of a refused body is read for a while, so that its sender sees the answer: twice the limit of 20 MiB.
    while written < 256 << 20 && endless_body.write(&chunk).is_ok() {
        written += chunk.len();
    }
    assert!(written < 256 << 20, "a body of 256 MiB was read");
    serves(&address, 20)?;
    memory.grew_less_than(64 * MIB);
    finish(collector)
}
