//! Recorded OTLP in files: `.pb`, `.json`, `.jsonl`, plain or `.zst`, folders of them, and what the `file` exporter writes.
//!
//! JSON names its signal by its members; protobuf by the name of its file (`001-traces.pb`), because the messages of all
//! signals look alike on the wire.
//! In a folder other files are passed over; a file that is named itself must be OTLP.
//! Read by the `otlp_file` receiver and by `chaperone replay`.

mod error;
mod requests;
#[cfg(test)]
mod tests;

pub use error::RecordingError;
pub use requests::{Recorded, Requests};

use chaperone_proto::Signal;
use std::path::{Path, PathBuf};

/// A file that may hold OTLP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Where it is.
    pub path: PathBuf,
    format: Format,
    /// Whether the user named it, instead of a folder above it or a pattern.
    named: bool,
}

/// What its name says. A file of records behind lengths tells so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Protobuf,
    Json,
    Lines,
}

/// The recordings that paths name; a folder's own in the order of their names.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Recording>, RecordingError> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        if path.is_dir() {
            walk(path, &mut found)?;
            if found.len() == before {
                return Err(RecordingError::EmptyFolder { folder: path.clone() });
            }
        } else {
            let format = format(path).ok_or_else(|| RecordingError::NotARecording { path: path.clone() })?;
            found.push(Recording { path: path.clone(), format, named: true });
        }
    }
    Ok(found)
}

/// The recordings among paths that nobody named one by one; what is none is passed over.
pub fn among(paths: &[PathBuf]) -> Result<Vec<Recording>, RecordingError> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, &mut found)?;
        } else if let Some(format) = format(path) {
            found.push(Recording { path: path.clone(), format, named: false });
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<Recording>) -> Result<(), RecordingError> {
    let unreadable = |source| RecordingError::Folder { folder: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    found.extend(among(&paths)?);
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

/// The signal that a file's name tells.
fn signal_of_name(path: &Path) -> Option<Signal> {
    let name = path.file_name()?.to_str()?;
    Signal::ALL.into_iter().find(|signal| name.contains(signal.name())).or(name.contains("spans").then_some(Signal::Traces))
}

impl Recording {
    /// Opens it, to be read request by request.
    pub fn open(&self) -> Result<Requests, RecordingError> {
        Requests::open(self)
    }
}
