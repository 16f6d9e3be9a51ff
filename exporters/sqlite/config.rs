//! Settings of the `sqlite` exporter.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the `sqlite` exporter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// File of the database. Its folder is made when it is missing; a relative path starts where the collector was started.
    pub path: String,
    /// How long to wait while another program writes to the file.
    pub busy_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { path: "./data/chaperone.db".to_owned(), busy_timeout: Duration::from_secs(5) }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.path.is_empty() {
            problems.error_hint("path", "must not be empty", "for example `./data/chaperone.db`");
        } else if self.path.starts_with(":memory:") {
            problems.error("path", "a database in memory would be lost with the process; name a file");
        }
    }
}
