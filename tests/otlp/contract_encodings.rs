//! 3.1.14, 3.2.09 to 3.2.11: content encodings. What is said of broken data was recorded from a Collector.

use crate::bench::Bench;
use crate::bodies::{spans, spans_json};
use crate::wire::{JSON, PROTOBUF, post};
use bytes::Bytes;
use chaperone_net::{BodyEncoding, compress};

fn packed(body: impl Into<Bytes>, encoding: BodyEncoding) -> Vec<u8> {
    compress(&[body.into()], encoding).unwrap().to_vec()
}

// 3.2.09: exactly these names; `identity`, upper case and lists are none of them. Empty is no encoding.
#[tokio::test]
async fn r3_2_09_encodings_have_one_name_each() {
    let bench = Bench::http("").await;
    for name in ["GZIP", "identity", "none", "br", "gzip, gzip", "x-gzip", "compress", "Zstd"] {
        let answer = bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", name)], "{}")).await;
        answer.is_bad(&format!("unsupported Content-Encoding: {name}"));
    }
    assert_eq!(bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", "")], "{}")).await.status, 200);
    // Also where nothing is served.
    let answer = bench.ask(post("/nowhere", &[JSON, ("Content-Encoding", "br")], "{}")).await;
    answer.is_bad("unsupported Content-Encoding: br");
    bench.stop().await;
}

// 3.2.10: each of them, for protobuf and JSON: what comes out is what went in.
#[tokio::test]
async fn r3_2_10_every_encoding_is_understood() {
    let bench = Bench::http("").await;
    for encoding in BodyEncoding::ALL {
        let body = spans(300);
        let headers = [PROTOBUF, ("Content-Encoding", encoding.name())];
        assert_eq!(bench.ask(post("/v1/traces", &headers, packed(body.clone(), encoding))).await.status, 200, "{encoding:?}");
        assert_eq!(bench.taken()[0].contiguous(), body, "{encoding:?}");
        let headers = [JSON, ("Content-Encoding", encoding.name())];
        let answer = bench.ask(post("/v1/traces", &headers, packed(spans_json(7), encoding))).await;
        assert_eq!((answer.status, bench.taken()[0].items), (200, 7), "{encoding:?}");
    }
    bench.stop().await;
}

// 3.2.10: what `deflate` and `snappy` mean, where names and formats disagree.
#[tokio::test]
async fn r3_2_10_deflate_is_zlib_and_snappy_takes_both_formats() {
    let bench = Bench::http("").await;
    for (name, encoding) in [
        ("deflate", BodyEncoding::Zlib),
        ("zlib", BodyEncoding::Deflate),
        ("snappy", BodyEncoding::Snappy),
        ("snappy", BodyEncoding::SnappyFramed),
        ("x-snappy-framed", BodyEncoding::SnappyFramed),
    ] {
        let headers = [PROTOBUF, ("Content-Encoding", name)];
        assert_eq!(bench.ask(post("/v1/traces", &headers, packed(spans(3), encoding))).await.status, 200, "{name}");
    }
    let headers = [PROTOBUF, ("Content-Encoding", "x-snappy-framed")];
    bench.ask(post("/v1/traces", &headers, packed(spans(3), BodyEncoding::Snappy))).await.is_bad("snappy: corrupt input");
    // Two gzip members, two LZ4 frames, two zstd frames are one body.
    for encoding in [BodyEncoding::Gzip, BodyEncoding::Lz4, BodyEncoding::Zstd] {
        let (one, other) = spans_json(1).split_at(30).map_both(str::to_owned);
        let both = [packed(one, encoding), packed(other, encoding)].concat();
        let answer = bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", encoding.name())], both)).await;
        assert_eq!(answer.status, 200, "{encoding:?}");
    }
    bench.stop().await;
}

trait MapBoth<T> {
    fn map_both<U>(self, f: impl Fn(T) -> U) -> (U, U);
}

impl<T> MapBoth<T> for (T, T) {
    fn map_both<U>(self, f: impl Fn(T) -> U) -> (U, U) {
        (f(self.0), f(self.1))
    }
}

// 3.2.11
#[tokio::test]
async fn r3_2_11_broken_data_are_told_in_the_collectors_words() {
    let bench = Bench::http("").await;
    let junk = b"not compressed at all, just text";
    let raw_deflate = b"\xab\xae\x05\x00";
    let broken = |encoding, from_the_end: usize| {
        let mut body = packed("{}", encoding);
        let place = body.len() - from_the_end;
        body[place] ^= 1;
        body
    };
    let cut = |encoding, by: usize| {
        let body = packed("{}", encoding);
        body[..body.len() - by].to_vec()
    };
    for (name, body, message) in [
        ("gzip", Vec::new(), "EOF"),
        ("gzip", junk.to_vec(), "gzip: invalid header"),
        ("gzip", b"\x1f".to_vec(), "unexpected EOF"),
        ("gzip", cut(BodyEncoding::Gzip, 3), "unexpected EOF"),
        ("gzip", broken(BodyEncoding::Gzip, 5), "gzip: invalid checksum"),
        ("zlib", Vec::new(), "unexpected EOF"),
        ("zlib", junk.to_vec(), "zlib: invalid header"),
        ("zlib", broken(BodyEncoding::Zlib, 1), "zlib: invalid checksum"),
        ("deflate", raw_deflate.to_vec(), "zlib: invalid header"),
        ("deflate", cut(BodyEncoding::Deflate, 2), "unexpected EOF"),
        ("zstd", junk.to_vec(), "invalid input: magic number mismatch"),
        ("zstd", b"\x1f".to_vec(), "unexpected EOF"),
        ("zstd", cut(BodyEncoding::Zstd, 1), "unexpected EOF"),
        ("snappy", Vec::new(), "snappy: corrupt input"),
        ("snappy", junk.to_vec(), "snappy: corrupt input"),
        ("x-snappy-framed", junk.to_vec(), "snappy: corrupt input"),
        ("lz4", junk.to_vec(), "lz4: bad magic number"),
        ("lz4", b"\x1f".to_vec(), "unexpected EOF"),
    ] {
        bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", name)], body)).await.is_bad(message);
    }
    assert_eq!(bench.sample("chaperone_receiver_unread_requests", &[("reason", "corrupt")]), 18);
    // What follows a stream of zlib is nobody's, as in the Collector.
    let trailing = [packed("{}", BodyEncoding::Zlib), junk.to_vec()].concat();
    assert_eq!(bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", "zlib")], trailing)).await.status, 200);
    bench.stop().await;
}

// 3.1.14: only what is listed; without `""` bodies must be compressed.
#[tokio::test]
async fn r3_1_14_only_the_listed_encodings_are_understood() {
    let bench = Bench::http("compression_algorithms: [gzip]").await;
    let ask = |name, body: Vec<u8>| bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", name)], body));
    assert_eq!(ask("gzip", packed("{}", BodyEncoding::Gzip)).await.status, 200);
    ask("zstd", packed("{}", BodyEncoding::Zstd)).await.is_bad("unsupported Content-Encoding: zstd");
    bench.ask(post("/v1/traces", &[JSON], "{}")).await.is_bad("unsupported Content-Encoding: ");
    bench.stop().await;
    let bench = Bench::http("compression_algorithms: ['', gzip]").await;
    assert_eq!(bench.ask(post("/v1/traces", &[JSON], "{}")).await.status, 200);
    bench.stop().await;
    // Nothing written means all.
    let bench = Bench::http("compression_algorithms: ").await;
    let answer = bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", "lz4")], packed("{}", BodyEncoding::Lz4))).await;
    assert_eq!(answer.status, 200);
    bench.stop().await;
}

// 3.1.14: with an empty list nothing is decompressed, and the header is not looked at.
#[tokio::test]
async fn r3_1_14_an_empty_list_takes_bodies_as_they_are() {
    let bench = Bench::http("compression_algorithms: []").await;
    let ask = |name, body: Vec<u8>| bench.ask(post("/v1/traces", &[JSON, ("Content-Encoding", name)], body));
    assert_eq!(ask("br", b"{}".to_vec()).await.status, 200);
    let answer = ask("gzip", packed("{}", BodyEncoding::Gzip)).await;
    assert_eq!((answer.status, answer.status_body().0), (400, 3), "compressed bytes are no JSON");
    bench.stop().await;
}
