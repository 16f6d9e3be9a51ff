//! Settings, formats, and files that stay whole.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::{Clock, MemoryStorage, Now};
use chaperone_proto::Signal;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::fs::File as StdFile;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.file").map_err(|problems| problems.to_string())
}

fn body(name: &str) -> Bytes {
    let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], name: name.to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

fn chunk(name: &str) -> Chunk {
    let body = body(name);
    // In two pieces, as an edited batch is.
    Chunk { signal: Signal::Traces, body: vec![body.slice(..5), body.slice(5..)], items: 1, client: None }
}

fn cx() -> ExportContext {
    ExportContext { batch_id: 1, attempt: 1, timeout: Duration::from_secs(5), now: Now::default() }
}

/// Starts an exporter with these settings, writes what is named, and stops it.
async fn write(settings: &str, path: &Path, names: &[&str]) -> Result<(), StartError> {
    let config = parse(&format!("{{path: '{}'{settings}}}", path.display())).unwrap();
    let exporter = FileExporter { config, running: OnceLock::new() };
    exporter.start(&Host::for_tests(Clock::manual(0), Arc::new(MemoryStorage::default()))).await?;
    for name in names {
        assert_eq!(exporter.export(&[chunk(name)], cx()).await.unwrap(), Exported::default());
    }
    exporter.stop().await;
    Ok(())
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    (folder, path)
}

#[test]
fn the_example_has_the_defaults() {
    let config = parse(include_str!("testdata/default.yaml")).unwrap();
    assert_eq!(config, Config { path: "./data/telemetry.jsonl".into(), ..Config::default() });
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        (include_str!("testdata/invalid_no_path.yaml"), "path must be non-empty"),
        (include_str!("testdata/invalid_format.yaml"), "`text`"),
        (include_str!("testdata/invalid_compression.yaml"), "`gzip`"),
        (include_str!("testdata/invalid_rotation.yaml"), "append and rotation enabled at the same time is not supported"),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test]
async fn json_is_a_request_a_line() {
    let (_folder, path) = folder();
    write("", &path, &["one", "two\nlines"]).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let names: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|json| json["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["one", "two\nlines"]);
    assert!(text.ends_with('\n'));
}

/// Splits a file at its length prefixes.
fn records(bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = bytes;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().unwrap();
        let (record, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        records.push(record);
        rest = after;
    }
    records
}

#[tokio::test]
async fn protobuf_is_a_length_and_a_request() {
    let (_folder, path) = folder();
    write(", format: proto", &path, &["one", "two"]).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(records(&bytes), [body("one"), body("two")]);
}

#[tokio::test]
async fn compressed_requests_are_frames_after_their_length() {
    for (settings, json) in [(", compression: zstd", true), (", compression: zstd, format: proto", false)] {
        let (_folder, path) = folder();
        write(settings, &path, &["one", "two"]).await.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let frames: Vec<Vec<u8>> = records(&bytes).into_iter().map(zstd_decoded).collect();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[1] == body("two"), !json);
        assert_eq!(frames[1].starts_with(b"{\"resourceSpans\""), json);
    }
}

fn zstd_decoded(frame: &[u8]) -> Vec<u8> {
    let bytes = Bytes::copy_from_slice(frame);
    chaperone_net::decompress(&bytes, BodyEncoding::Zstd, 1 << 20, &mut ()).unwrap().to_vec()
}

#[tokio::test]
async fn a_start_empties_the_file_unless_told_to_append() {
    let (_folder, path) = folder();
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    write("", &path, &["one", "two"]).await.unwrap();
    write(", append: true", &path, &["three"]).await.unwrap();
    assert_eq!(lines(), 3);
    write("", &path, &["four"]).await.unwrap();
    assert_eq!(lines(), 1);
}

#[tokio::test]
async fn a_folder_is_made_only_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/out");
    let error = write("", &path, &[]).await.unwrap_err();
    assert!(error.message.ends_with("does not exist; `create_directory: true` makes it"), "{error}");
    write(", create_directory: true", &path, &["one"]).await.unwrap();
    assert!(path.is_file());
}

#[test]
fn a_failed_write_leaves_whole_records() {
    let (_folder, path) = folder();
    std::fs::write(&path, "whole\n").unwrap();
    // Opened for reading: every write fails, as on a full disk.
    let mut sink = Sink { file: StdFile::open(&path).unwrap(), path: "out".into(), length: 6, rotation: None };
    sink.append(b"half", 0).unwrap_err();
    assert_eq!((sink.length, std::fs::read_to_string(&path).unwrap()), (6, "whole\n".to_owned()));
}

/// A megabyte of spans' names, so that two do not fit into a file of one.
fn long(name: &str) -> String {
    name.repeat((600 << 10) / name.len())
}

#[tokio::test]
async fn a_full_file_is_set_aside_between_requests_and_only_so_many_are_kept() {
    let (folder, path) = folder();
    let names: Vec<String> = ["a", "b", "c", "d"].iter().map(|name| long(name)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    write(", format: proto, rotation: {max_megabytes: 1, max_backups: 2}", &path, &names).await.unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let contents: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    // Set aside: `b` and `c`, the live file comes first by its name.
    assert_eq!(files[0], path);
    for (content, name) in contents.iter().zip(["d", "b", "c"]) {
        assert_eq!(records(content), [body(&long(name))], "{name}");
    }
    assert_eq!(files.len(), 3);
}

#[tokio::test]
async fn a_rotated_file_is_kept_over_a_restart() {
    let (folder, path) = folder();
    let settings = ", format: proto, rotation:";
    write(settings, &path, &["one"]).await.unwrap();
    write(settings, &path, &["two"]).await.unwrap();
    assert_eq!(records(&std::fs::read(&path).unwrap()), [body("one"), body("two")]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_request_larger_than_a_file_may_be_is_written_whole() {
    let (_folder, path) = folder();
    let huge = "x".repeat(3 << 20);
    write(", format: proto, rotation: {max_megabytes: 1}", &path, &[&huge]).await.unwrap();
    assert_eq!(records(&std::fs::read(&path).unwrap()), [body(&huge)]);
}
