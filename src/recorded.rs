//! Recorded OTLP for `replay`: found and read as by the `otlp_file` receiver, but a file that cannot be read whole gives
//! nothing, so that nobody takes half a recording for all of it.

use anyhow::{Context, Result};
use chaperone_proto::Data;
use chaperone_receivers::otlp_file::recording;
use std::path::PathBuf;

/// A file that may hold OTLP.
pub(crate) struct Recording {
    pub path: PathBuf,
    recording: recording::Recording,
}

/// The recordings that paths name; a folder's own in the order of their names.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Recording>> {
    let found = recording::find(paths)?;
    Ok(found.into_iter().map(|recording| Recording { path: recording.path.clone(), recording }).collect())
}

impl Recording {
    /// Its requests in order; none if it stands in a folder and is no OTLP.
    pub fn read(&self) -> Result<Vec<Data>> {
        let mut requests = Vec::new();
        for (index, recorded) in self.recording.open()?.enumerate() {
            requests.push(recorded?.decode().with_context(|| format!("request {}", index + 1))?);
        }
        Ok(requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANS: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"}]}]}]}"#;

    fn check(second_line: &str) -> Result<Vec<Data>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, format!("{SPANS}\n{second_line}\n")).unwrap();
        find(&[path]).unwrap()[0].read()
    }

    #[test]
    fn a_recording_is_read_whole_or_not_at_all() {
        assert_eq!(check(SPANS).unwrap().iter().map(Data::items).collect::<Vec<_>>(), [2, 2]);
        assert!(format!("{:#}", check("{").unwrap_err()).starts_with("line 2: not JSON"));
        assert!(format!("{:#}", check(r#"{"resourceSpans":[1]}"#).unwrap_err()).starts_with("request 2: "));
    }
}
