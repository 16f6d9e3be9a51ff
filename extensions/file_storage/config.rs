//! Settings of the `file_storage` extension: the Collector's keys.
//!
//! The folder is looked at when the settings are checked, as the Collector does. That it is missing is a warning here and
//! an error at the start, since a configuration is often checked on another machine than it runs on.

use chaperone_config::{ByteSize, Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Settings of the extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the files, one a component.
    pub directory: String,
    /// How long a start waits for a file that another process has open.
    pub timeout: Duration,
    /// Makes the folder if it is missing.
    pub create_directory: bool,
    /// Access rights of a folder that is made, in octal.
    pub directory_permissions: String,
    /// Waits for the disk after every write: what was stored survives a power cut, not only the end of the process.
    pub fsync: bool,
    /// Puts a file that is not a store aside, as `<name>.backup`, and begins anew. Otherwise the start fails.
    pub recreate: bool,
    /// Largest file of one component. 0 is without limit; over it writes are refused, and what is stored stays.
    pub max_size: ByteSize,
    /// When files are written anew without what was replaced. It also happens by itself when half of a file is dead.
    pub compaction: Compaction,
}

/// The Collector's settings of compaction. Our files are logs that are compacted as they grow, which leaves little to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compaction {
    /// Compacts every file when it is opened.
    pub on_start: bool,
    /// Accepted without effect: a file is compacted whenever more than half of it is dead.
    pub on_rebound: bool,
    /// Accepted without effect: the new file is written beside the old one, so that it can take its place at once.
    pub directory: String,
    /// Accepted without effect.
    pub max_transaction_size: i64,
    /// Accepted without effect.
    pub rebound_needed_threshold_mib: i64,
    /// Accepted without effect.
    pub rebound_trigger_threshold_mib: i64,
    /// Accepted without effect.
    pub check_interval: Duration,
    /// Accepted without effect: what an interrupted compaction left is always removed at the start.
    pub cleanup_on_start: bool,
}

pub(super) const DEFAULT_DIRECTORY: &str = "/var/lib/otelcol/file_storage";

impl Default for Config {
    fn default() -> Self {
        Config {
            directory: DEFAULT_DIRECTORY.to_owned(),
            timeout: Duration::from_secs(1),
            create_directory: false,
            directory_permissions: "0750".to_owned(),
            fsync: false,
            recreate: false,
            max_size: ByteSize::default(),
            compaction: Compaction::default(),
        }
    }
}

impl Default for Compaction {
    fn default() -> Self {
        Compaction {
            on_start: false,
            on_rebound: false,
            directory: DEFAULT_DIRECTORY.to_owned(),
            max_transaction_size: 65_536,
            rebound_needed_threshold_mib: 100,
            rebound_trigger_threshold_mib: 10,
            check_interval: Duration::from_secs(5),
            cleanup_on_start: false,
        }
    }
}

impl Config {
    /// The access rights of a folder that is made.
    pub(super) fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.directory_permissions, 8).ok()
    }
}

/// What the Collector says of a folder that is not there.
pub(super) fn missing(directory: &str) -> String {
    format!(
        "directory must exist: stat {directory}: no such file or directory. \
         You can enable the create_directory option to automatically create it"
    )
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.directory.is_empty() {
            problems.error_hint("directory", "must not be empty", "for example `./data/state`");
        } else {
            check_directory("directory", &self.directory, self.create_directory, problems);
        }
        match self.mode() {
            None => problems.error("directory_permissions", "`directory_permissions` value must be a valid octal representation"),
            Some(mode) if mode & !0o777 != 0 => {
                problems.error("directory_permissions", "`directory_permissions` contain invalid bits for file access");
            }
            Some(_) => {}
        }
        let compaction = &self.compaction;
        if compaction.max_transaction_size < 0 {
            let message = "max transaction size for compaction cannot be less than 0";
            problems.error("compaction.max_transaction_size", message);
        }
        if compaction.on_rebound && compaction.check_interval.get().is_zero() {
            problems.error("compaction.check_interval", "must be positive when `on_rebound` is set");
        }
        if compaction.on_rebound {
            let message = "`on_rebound` has no effect: a file is compacted whenever more than half of it is dead";
            problems.warning("compaction.on_rebound", message);
        }
        let default = Compaction::default();
        if compaction.directory != default.directory && compaction.directory != self.directory {
            let message = "has no effect: a file is compacted beside itself, so that the new one takes its place at once";
            problems.warning("compaction.directory", message);
        }
        if compaction.max_transaction_size != default.max_transaction_size && compaction.max_transaction_size >= 0 {
            problems.warning("compaction.max_transaction_size", "has no effect: memory for a compaction is bounded to 1 MiB");
        }
    }
}

fn check_directory(key: &str, directory: &str, is_made: bool, problems: &mut Problems) {
    match std::fs::metadata(Path::new(directory)) {
        Ok(found) if !found.is_dir() => problems.error(key, format!("{directory} is not a directory")),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if !is_made {
                problems.warning(key, missing(directory));
            }
        }
        Err(error) => problems.warning(key, format!("cannot look at the directory: {error}")),
    }
}
