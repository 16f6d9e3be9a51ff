//! What is found, how it is read, and what is wrong with a file.

use super::*;
use bytes::Bytes;
use chaperone_net::{BodyEncoding, compress};
use chaperone_pipeline::Encoding;
use chaperone_proto::{Data, Limits};

const SPANS: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"}]}]}]}"#;
const LOGS: &str = r#"{"exporter":"x","resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;

fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

fn protobuf() -> Vec<u8> {
    Data::decode_json(Signal::Traces, SPANS.as_bytes(), &Limits::default()).unwrap().encode().concat()
}

fn packed(content: &[u8]) -> Vec<u8> {
    compress(&[Bytes::copy_from_slice(content)], BodyEncoding::Zstd).unwrap().to_vec()
}

fn records(contents: &[&[u8]]) -> Vec<u8> {
    let record = |content: &&[u8]| [&(content.len() as u32).to_be_bytes(), *content].concat();
    contents.iter().flat_map(record).collect()
}

/// Signals and items of every request.
fn items(paths: &[PathBuf]) -> Vec<(&'static str, usize)> {
    let requests = find(paths).unwrap().into_iter().flat_map(|recording| recording.open().unwrap());
    requests.map(|request| request.unwrap().decode().unwrap()).map(|data| (data.signal().name(), data.items())).collect()
}

#[test]
fn a_folder_is_read_in_order_and_other_files_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "b/002-traces.pb", &protobuf());
    write(folder.path(), "a.jsonl", format!("{LOGS}\n\n{SPANS}\n").as_bytes());
    write(folder.path(), "c.json", SPANS.as_bytes());
    write(folder.path(), "meta.json", b"{\"name\": 1}");
    write(folder.path(), "unnamed.pb", &protobuf());
    write(folder.path(), "notes.txt", b"x");
    assert_eq!(items(&[folder.path().to_owned()]), [("logs", 1), ("traces", 2), ("traces", 2), ("traces", 2)]);
}

#[test]
fn compressed_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("{SPANS}\n{LOGS}\n");
    for (name, content, expected) in [
        ("x.json.zst", packed(SPANS.as_bytes()), vec![("traces", 2)]),
        ("x.jsonl.zst", packed(lines.as_bytes()), vec![("traces", 2), ("logs", 1)]),
        ("x-traces.pb.zst", packed(&protobuf()), vec![("traces", 2)]),
        ("not-called-so.json", packed(SPANS.as_bytes()), vec![("traces", 2)]),
    ] {
        assert_eq!(items(&[write(folder.path(), name, &content)]), expected, "{name}");
    }
}

#[test]
fn records_behind_lengths_are_read_whatever_the_file_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let (spans, logs) = (SPANS.as_bytes(), LOGS.as_bytes());
    for (name, content, expected) in [
        ("traces.pb", records(&[&protobuf(), &protobuf()]), vec![("traces", 2), ("traces", 2)]),
        ("out.jsonl", records(&[&packed(spans), &packed(logs)]), vec![("traces", 2), ("logs", 1)]),
        ("out.json.zst", records(&[&packed(logs)]), vec![("logs", 1)]),
        ("traces.pb.zst", records(&[&packed(&protobuf())]), vec![("traces", 2)]),
        ("all-traces.pb.zst", packed(&records(&[&protobuf()])), vec![("traces", 2)]),
    ] {
        assert_eq!(items(&[write(folder.path(), name, &content)]), expected, "{name}");
    }
}

#[test]
fn nothing_in_a_file_is_no_request() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(items(&[write(folder.path(), "x.jsonl", b"\n \n")]), []);
    assert_eq!(items(&[write(folder.path(), "traces.pb", b"")]), [("traces", 0)]);
}

/// Requests that can be read, and what is said of the others.
fn read(path: &Path) -> (usize, Vec<(String, &'static str)>) {
    let mut requests = 0;
    let mut errors = Vec::new();
    let tell = |error: RecordingError| {
        let inner = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        (format!("{error}{inner}"), error.reason())
    };
    let found = find(&[path.to_owned()]).and_then(|found| found[0].open());
    match found {
        Err(error) => errors.push(tell(error)),
        Ok(all) => all.for_each(|request| match request {
            Ok(_) => requests += 1,
            Err(error) => errors.push(tell(error)),
        }),
    }
    (requests, errors)
}

#[test]
fn a_named_file_must_be_otlp() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, message, reason) in [
        ("a.txt", &b""[..], "is not a recording", "not_otlp"),
        ("a.pb", b"\x0a\x00", "its name must say the signal", "no_signal"),
        ("a.json", b"{}", "not OTLP/JSON", "not_otlp"),
        ("b.json", b"{", "not JSON", "not_json"),
        ("b.json.zst", b"{}", "cannot read it", "unreadable"),
    ] {
        let (requests, errors) = read(&write(folder.path(), name, content));
        let [(told, told_reason)] = errors.as_slice() else { panic!("{name}: {errors:?}") };
        assert!(told.contains(message), "{name}: {told}");
        assert_eq!((requests, *told_reason), (0, reason), "{name}");
    }
    assert_eq!(read(&folder.path().join("nowhere.json")).1[0].1, "unreadable");
}

#[test]
fn a_broken_line_does_not_hide_the_next_and_tells_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "x.jsonl", format!("{SPANS}\n\n{{\n{LOGS}\n{{}}\n").as_bytes());
    let (requests, errors) = read(&path);
    assert_eq!(requests, 2);
    let texts: Vec<&str> = errors.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts[0], "line 3: not JSON");
    assert!(texts[1].starts_with("line 5: not OTLP/JSON"), "{}", texts[1]);
}

#[test]
fn what_follows_otlp_in_a_file_of_a_folder_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "x.jsonl", format!("{SPANS}\n{{\"resourceSp").as_bytes());
    let found = find(&[folder.path().to_owned()]).unwrap();
    let results: Vec<bool> = found[0].open().unwrap().map(|request| request.is_ok()).collect();
    assert_eq!(results, [true, false]);
}

#[test]
fn a_file_cut_within_a_record_gives_what_is_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let whole = records(&[&protobuf(), &protobuf()]);
    for left in [whole.len() - 1, whole.len() / 2 + 2] {
        let path = write(folder.path(), "traces.pb", &whole[..left]);
        assert_eq!(read(&path), (1, vec![("record 2: it ends within a record".to_owned(), "truncated")]), "{left}");
    }
}

#[test]
fn an_impossible_length_and_a_broken_frame_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let huge = write(folder.path(), "traces.pb", b"\x00\x00\x00\x02\x0a\x00\x7f\xff\xff\xff");
    assert_eq!(read(&huge).1[0].1, "too_large");
    let mut frame = packed(&protobuf());
    frame.truncate(frame.len() - 3);
    let broken = write(folder.path(), "more-traces.pb", &records(&[&frame, &protobuf()]));
    let (requests, errors) = read(&broken);
    assert_eq!((requests, errors[0].1), (1, "corrupt"), "the next record is read");
}

#[test]
fn protobuf_and_json_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "traces.pb", &records(&[&protobuf(), LOGS.as_bytes()]));
    let requests: Vec<Recorded> = find(&[path]).unwrap()[0].open().unwrap().map(|request| request.unwrap()).collect();
    let kinds: Vec<_> = requests.iter().map(|request| (request.signal, request.encoding)).collect();
    assert_eq!(kinds, [(Signal::Traces, Encoding::Protobuf), (Signal::Logs, Encoding::Json)]);
}
