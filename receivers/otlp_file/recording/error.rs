//! Why a recording, or a part of one, cannot be read.

use std::path::PathBuf;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A folder that cannot be listed.
    #[error("cannot read the folder `{}`", folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A named folder without anything to read.
    #[error("no recorded OTLP in the folder `{}`: expected `.pb`, `.json` or `.jsonl`", folder.display())]
    EmptyFolder { folder: PathBuf },
    /// A named file of another kind.
    #[error("`{}` is not a recording: expected `.pb`, `.json` or `.jsonl`, plain or `.zst`", path.display())]
    NotARecording { path: PathBuf },
    /// A pattern without anything to read.
    #[error("no recorded OTLP matches `{pattern}`: expected `.pb`, `.json` or `.jsonl`, plain or `.zst`")]
    NoMatch { pattern: String },
    /// The file cannot be opened or read; a broken compression is told here as well.
    #[error("cannot read it")]
    Unreadable(#[source] std::io::Error),
    /// One request is larger than any that can be taken.
    #[error("a request of more than {limit} bytes")]
    TooLarge { limit: usize },
    /// The file ends in the middle of a record, as after a crash of its writer.
    #[error("it ends within a record")]
    Truncated,
    /// A compressed record that is none.
    #[error("a compressed record is broken: {message}")]
    Corrupt { message: String },
    /// Protobuf in a file whose name tells no signal.
    #[error("its name must say the signal: `traces`, `metrics` or `logs`")]
    NoSignal,
    /// JSON of something else.
    #[error("not OTLP/JSON: expected `resourceSpans`, `resourceLogs` or `resourceMetrics`")]
    NotOtlp,
    /// No JSON.
    #[error("not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The same, of one line or record of a file.
    #[error("{word} {number}")]
    At {
        /// `line` or `record`.
        word: &'static str,
        /// From 1.
        number: usize,
        #[source]
        source: Box<RecordingError>,
    },
}

impl RecordingError {
    /// One word of a closed set, for a metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            RecordingError::Folder { .. } | RecordingError::Unreadable(_) => "unreadable",
            RecordingError::EmptyFolder { .. }
            | RecordingError::NotARecording { .. }
            | RecordingError::NoMatch { .. }
            | RecordingError::NotOtlp => "not_otlp",
            RecordingError::TooLarge { .. } => "too_large",
            RecordingError::Truncated => "truncated",
            RecordingError::Corrupt { .. } => "corrupt",
            RecordingError::NoSignal => "no_signal",
            RecordingError::NotJson(_) => "not_json",
            RecordingError::At { source, .. } => source.reason(),
        }
    }
}
