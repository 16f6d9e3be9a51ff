//! The captures under `tests/corpus/`: what real agent frameworks sent, with the ground truth beside it.
//!
//! Files are zstd-compressed one by one; a capture is read when asked for.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// One OTLP export request as it was sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// `001-traces.pb`: order of arrival, signal, encoding.
    pub file: String,
    /// `traces`, `metrics` or `logs`.
    pub signal: &'static str,
    /// OTLP/JSON instead of protobuf.
    pub json: bool,
    /// The uncompressed body.
    pub body: Bytes,
}

/// One recorded run of a framework.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Name of its folder: `<framework>[-<variant>]-<scenario>`.
    pub name: String,
    /// Requests in order of arrival.
    pub requests: Vec<Request>,
    /// Lines of `truth.jsonl`.
    pub truth: Vec<Value>,
}

impl Capture {
    /// The `totals` line of the ground truth.
    pub fn totals(&self) -> &Value {
        self.truth.iter().rev().find(|line| line["type"] == "totals").expect("invariant: every capture has totals")
    }
}

/// Folder of the captures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus")
}

/// Names of all captures, sorted.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("invariant: tests/corpus is part of the repository");
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Reads one capture.
pub fn load(name: &str) -> Result<Capture> {
    let folder = folder().join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("no capture `{name}`"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    let mut requests = Vec::new();
    let mut truth = Vec::new();
    for path in files {
        let file = path.file_name().unwrap_or_default().to_string_lossy().trim_end_matches(".zst").to_owned();
        if file == "truth.jsonl" {
            let text = String::from_utf8(read(&path)?)?;
            truth = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        } else if let Some(signal) = signal_of(&file) {
            let body = Bytes::from(read(&path)?);
            requests.push(Request { json: file.ends_with(".json"), file, signal, body });
        }
    }
    Ok(Capture { name: name.to_owned(), requests, truth })
}

/// Reads all captures; about 8 MB of requests.
pub fn captures() -> Vec<Capture> {
    names().iter().map(|name| load(name).expect("invariant: captures of the repository are readable")).collect()
}

/// Rows of a table of the corpus (`DIALECTS.tsv`, `LACKING.tsv`, `INDEX.tsv`), the heading first.
pub fn table(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder().join(file)).expect("invariant: the corpus has its tables");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn signal_of(file: &str) -> Option<&'static str> {
    let (stem, extension) = file.rsplit_once('.')?;
    if extension != "pb" && extension != "json" {
        return None;
    }
    let (number, signal) = stem.split_once('-')?;
    number.parse::<u32>().ok()?;
    ["traces", "metrics", "logs"].into_iter().find(|known| *known == signal)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let raw = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if path.extension().is_some_and(|extension| extension == "zst") {
        return zstd::decode_all(raw.as_slice()).with_context(|| format!("cannot decompress `{}`", path.display()));
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capture_has_requests_and_totals() {
        let all = captures();
        assert_eq!(all.len(), 302);
        for capture in all {
            assert!(!capture.requests.is_empty(), "{}", capture.name);
            assert_eq!(capture.totals()["type"], "totals", "{}", capture.name);
        }
    }
}
