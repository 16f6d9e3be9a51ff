//! Settings of the `debug` exporter.

use chaperone_config::UserConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much is written.
    pub verbosity: Verbosity,
    /// Requests written in full each second.
    pub sampling_initial: u32,
    /// After those, one request in so many is written until the second ends. 0 writes none of them.
    pub sampling_thereafter: u32,
    /// Writes to the log on standard error; otherwise plainly to standard output.
    pub use_internal_logger: bool,
}

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// One line a request, with counts.
    #[default]
    Basic,
    /// And one line an item.
    Normal,
    /// And everything an item holds.
    Detailed,
}

impl Default for Config {
    fn default() -> Self {
        Config { verbosity: Verbosity::Basic, sampling_initial: 2, sampling_thereafter: 1, use_internal_logger: true }
    }
}

impl UserConfig for Config {}
