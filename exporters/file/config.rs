//! Settings of the `file` exporter.

use super::rotation::Rotation;
use chaperone_config::{Duration, Optional, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// File to write. Required.
    pub path: String,
    /// How requests are written.
    pub format: Format,
    /// How each request is compressed. With compression each is prefixed by its length, JSON too.
    pub compression: Compression,
    /// Sets the file aside when it is full. Off unless the key is there.
    pub rotation: Optional<Rotation>,
    /// Keeps what the file held before; otherwise it is emptied at the start, unless it is rotated.
    pub append: bool,
    /// Makes the folder of the file when it does not exist.
    pub create_directory: bool,
    /// Accepted for compatibility: every request is handed to the operating system at once, so there is nothing to flush.
    pub flush_interval: Duration,
}

/// How requests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One OTLP/JSON request a line.
    #[default]
    Json,
    /// Protobuf requests, each after its length in four bytes, big endian.
    Proto,
}

/// How each request is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Compression {
    /// Not at all.
    #[default]
    #[serde(rename = "")]
    None,
    /// One zstd frame a request.
    #[serde(rename = "zstd")]
    Zstd,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: String::new(),
            format: Format::Json,
            compression: Compression::None,
            rotation: Optional::Absent,
            append: false,
            create_directory: false,
            flush_interval: Duration::from_secs(1),
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.path.is_empty() {
            problems.error_hint("path", "path must be non-empty", "name the file to write, for example `./data/telemetry.jsonl`");
        }
        if self.append && self.rotation.is_present() {
            let hint = "rotation keeps what the file held before, so `append` can go";
            problems.error_hint("append", "append and rotation enabled at the same time is not supported", hint);
        }
    }
}
