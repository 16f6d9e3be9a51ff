//! Recorded OTLP in files: `.pb`, `.json`, `.jsonl`, plain or `.zst`, and folders of them.
//!
//! JSON names its signal by its members; a `.pb` file by its name (`001-traces.pb`), because the messages of all signals
//! look alike on the wire.
//! In a folder other files are passed over; a file that is named itself must be OTLP.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use chaperone_net::{BodyEncoding, decompress};
use chaperone_proto::{Data, Limits, Signal};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};

/// An uncompressed file may be this large.
const MAX_FILE: usize = 1 << 30;

/// A file that may hold OTLP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    pub path: PathBuf,
    format: Format,
    /// Whether the user named it, instead of a folder above it.
    named: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Protobuf,
    Json,
    Lines,
}

/// The recordings that paths name; a folder's own in the order of their names.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Recording>> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        if path.is_dir() {
            walk(path, &mut found).with_context(|| format!("cannot read the folder `{}`", path.display()))?;
            if found.len() == before {
                bail!("no recorded OTLP in the folder `{}`: expected `.pb`, `.json` or `.jsonl`", path.display());
            }
        } else {
            let format = format(path).with_context(|| {
                format!("`{}` is not a recording: expected `.pb`, `.json` or `.jsonl`, plain or `.zst`", path.display())
            })?;
            found.push(Recording { path: path.clone(), format, named: true });
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<Recording>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found)?;
        } else if let Some(format) = format(&path) {
            found.push(Recording { path, format, named: false });
        }
    }
    Ok(())
}

fn format(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".zst").unwrap_or(name);
    match name.rsplit_once('.')?.1 {
        "pb" => Some(Format::Protobuf),
        "json" => Some(Format::Json),
        "jsonl" => Some(Format::Lines),
        _ => None,
    }
}

impl Recording {
    /// Its requests in order; none if it stands in a folder and is no OTLP.
    pub fn read(&self) -> Result<Vec<Data>> {
        let bytes = self.bytes()?;
        let mut requests = Vec::new();
        match self.format {
            Format::Protobuf => match signal_of_name(&self.path) {
                Some(signal) => requests.push(Data::decode(signal, bytes, &Limits::default())?),
                None if self.named => bail!("its name must say the signal: `traces`, `metrics` or `logs`"),
                None => {}
            },
            Format::Json => requests.extend(self.json(&bytes)?),
            Format::Lines => {
                for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                    if !line.trim_ascii().is_empty() {
                        requests.extend(self.json(line).with_context(|| format!("line {}", index + 1))?);
                    }
                }
            }
        }
        Ok(requests)
    }

    fn bytes(&self) -> Result<Bytes> {
        let bytes = Bytes::from(std::fs::read(&self.path)?);
        if self.path.extension().is_none_or(|extension| extension != "zst") {
            return Ok(bytes);
        }
        Ok(decompress(&bytes, BodyEncoding::Zstd, MAX_FILE, &mut ())?)
    }

    fn json(&self, text: &[u8]) -> Result<Option<Data>> {
        match signal_of_json(text) {
            Ok(Some(signal)) => Ok(Some(Data::decode_json(signal, text, &Limits::default())?)),
            Ok(None) | Err(_) if !self.named => Ok(None),
            Ok(None) => bail!("not OTLP/JSON: expected `resourceSpans`, `resourceLogs` or `resourceMetrics`"),
            Err(error) => Err(error).context("not JSON"),
        }
    }
}

fn signal_of_name(path: &Path) -> Option<Signal> {
    let name = path.file_name()?.to_str()?;
    Signal::ALL.into_iter().find(|signal| name.contains(signal.name())).or(name.contains("spans").then_some(Signal::Traces))
}

/// The members that tell the signal of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    resource_spans: Option<IgnoredAny>,
    resource_logs: Option<IgnoredAny>,
    resource_metrics: Option<IgnoredAny>,
}

fn signal_of_json(text: &[u8]) -> Result<Option<Signal>, serde_json::Error> {
    let members: Members = serde_json::from_slice(text)?;
    let signals = [
        (members.resource_spans, Signal::Traces),
        (members.resource_logs, Signal::Logs),
        (members.resource_metrics, Signal::Metrics),
    ];
    Ok(signals.into_iter().find(|(member, _)| member.is_some()).map(|(_, signal)| signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANS: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"}]}]}]}"#;
    const LOGS: &str = r#"{"exporter":"x","resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;

    fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn items(paths: &[PathBuf]) -> Vec<(String, usize)> {
        let of = |recording: &Recording| {
            recording.read().unwrap().into_iter().map(|data| (data.signal().name().to_owned(), data.items()))
        };
        find(paths).unwrap().iter().flat_map(|recording| of(recording).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn a_folder_is_read_in_order_and_other_files_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let encoded = Data::decode_json(Signal::Traces, SPANS.as_bytes(), &Limits::default()).unwrap().encode().concat();
        write(folder.path(), "b/002-traces.pb", &encoded);
        write(folder.path(), "a.jsonl", format!("{LOGS}\n\n{SPANS}\n").as_bytes());
        write(folder.path(), "c.json", SPANS.as_bytes());
        write(folder.path(), "meta.json", b"{\"name\": 1}");
        write(folder.path(), "notes.txt", b"x");
        let found = items(&[folder.path().to_owned()]);
        let expected = [("logs", 1), ("traces", 2), ("traces", 2), ("traces", 2)];
        assert_eq!(found, expected.map(|(signal, items)| (signal.to_owned(), items)));
    }

    #[test]
    fn compressed_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let packed = chaperone_net::compress(&[Bytes::from_static(SPANS.as_bytes())], BodyEncoding::Zstd).unwrap();
        let path = write(folder.path(), "x.json.zst", &packed);
        assert_eq!(items(&[path]), [("traces".to_owned(), 2)]);
    }

    #[test]
    fn a_named_file_must_be_otlp() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, content: &[u8]| {
            let path = write(folder.path(), name, content);
            let found = find(&[path]).map_err(|error| format!("{error:#}"))?;
            found[0].read().map(|requests| requests.len()).map_err(|error| format!("{error:#}"))
        };
        assert!(read("a.txt", b"").unwrap_err().contains("is not a recording"));
        assert!(read("a.pb", b"").unwrap_err().contains("its name must say the signal"));
        assert!(read("a.json", b"{}").unwrap_err().contains("not OTLP/JSON"));
        assert!(read("a.json", b"{").unwrap_err().contains("not JSON"));
        assert!(read("traces.pb", b"\xff").is_err());
    }
}
