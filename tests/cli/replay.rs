//! `replay` over a real capture.

use crate::{config, outcome};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn capture() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/otel-openai-tools").display().to_string()
}

#[test]
fn every_request_is_a_line_with_its_exporter_and_two_replays_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    let run = || outcome(folder.path(), &["replay", "--config", "c.yaml", &capture()]);
    let (code, out, err) = run();
    assert_eq!(code, 0, "{err}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["exporter"] == "traces/nop" && line["resourceSpans"].is_array()), "{out}");
    let spans: usize = lines.iter().map(|line| line.to_string().matches("\"spanId\"").count()).sum();
    assert!(spans > 0 && err.contains(&format!("sent to traces/nop: {spans} spans in {} requests", lines.len())), "{err}");
    assert!(!err.contains(['\r', '\x1b']), "nothing is drawn where there is no terminal: {err:?}");
    assert_eq!(run(), (code, out, err));
}

#[test]
fn what_is_printed_can_be_replayed_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    let (_, first, _) = outcome(folder.path(), &["replay", "--config", "c.yaml", &capture()]);
    fs::write(folder.path().join("again.jsonl"), &first).unwrap();
    let (code, second, err) = outcome(folder.path(), &["replay", "--config", "c.yaml", "again.jsonl"]);
    assert_eq!((code, second.as_str()), (0, first.as_str()), "{err}");
    assert!(!first.is_empty());
}

#[test]
fn a_summary_counts_what_each_exporter_would_get() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    let (code, out, _) =
        outcome(folder.path(), &["replay", "--config", "c.yaml", "--format", "summary", "--exporter", "nop", &capture()]);
    assert_eq!(code, 0);
    assert!(out.starts_with("traces/nop: ") && out.lines().count() == 1, "{out}");
}

#[test]
fn an_exporter_that_is_not_there_and_a_file_that_is_no_recording_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), config("nop: {}")).unwrap();
    let (code, out, err) = outcome(folder.path(), &["replay", "--config", "c.yaml", "--exporter", "x", &capture()]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err, "error: no pipeline exports to `x`; known: nop, traces/nop\n");
    fs::write(folder.path().join("traces.pb"), b"\xff\xff").unwrap();
    let (code, _, err) = outcome(folder.path(), &["replay", "--config", "c.yaml", "traces.pb"]);
    assert_eq!(code, 1);
    assert!(err.contains("error: cannot read `traces.pb`: ") && err.contains("1 recording could not be read"), "{err}");
}
