//! Rows that the Collector's own exporter wrote for the same requests: `tests/clickhouse-rows`.

use crate::json::Json;
use crate::pipeline::Pipeline;
use crate::support::{assert_rows, contrib_rows};
use bytes::Bytes;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clickhouse-rows")
}

/// Captures with rows of spans, and how many.
fn captures() -> Vec<(String, usize)> {
    let index = fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let lines = index.lines().skip(1).map(|line| {
        let mut fields = line.split('\t');
        (fields.next().unwrap().to_owned(), fields.next().unwrap().parse().unwrap())
    });
    lines.filter(|(_, rows)| *rows > 0).collect()
}

/// Bodies of requests of traces, and whether they are OTLP/JSON.
fn requests(capture: &str) -> Vec<(Bytes, bool)> {
    if capture == "edge-dev" {
        return vec![(fs::read(folder().join("edge-dev/001-traces.json")).unwrap().into(), true)];
    }
    let capture = chaperone_testkit::corpus::load(capture).unwrap();
    capture
        .requests
        .into_iter()
        .filter(|request| request.signal == "traces")
        .map(|request| (request.body, request.json))
        .collect()
}

#[tokio::test]
async fn every_recorded_row_is_equal_in_every_column() {
    let captures = captures();
    assert_eq!(captures.len(), 16);
    for (capture, rows) in captures {
        let pipeline = Pipeline::start(&[]).await;
        for (body, json) in requests(&capture) {
            pipeline.submit("traces", body, json).await;
        }
        let recorded = fs::read(folder().join(format!("{capture}.traces.jsonl.zst"))).unwrap();
        let recorded = String::from_utf8(zstd::decode_all(recorded.as_slice()).unwrap()).unwrap();
        let expected = Json::lines(&recorded);
        assert_eq!(expected.len(), rows);
        assert_rows(contrib_rows(&pipeline.database).await, expected, &capture);
        pipeline.stop().await;
    }
}
