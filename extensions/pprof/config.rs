//! Settings of the `pprof` extension: the Collector's keys.

use chaperone_config::{Endpoint, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on. Empty serves nothing.
    pub endpoint: Endpoint,
    /// Accepted without effect: nothing here samples what waits.
    pub block_profile_fraction: i64,
    /// Accepted without effect: nothing here samples locks.
    pub mutex_profile_fraction: i64,
    /// Profiles from the start to the end and writes this file then. No other profile is taken meanwhile.
    pub save_to_file: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: Endpoint::new("localhost:1777"),
            block_profile_fraction: 0,
            mutex_profile_fraction: 0,
            save_to_file: String::new(),
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        for (key, value) in
            [("block_profile_fraction", self.block_profile_fraction), ("mutex_profile_fraction", self.mutex_profile_fraction)]
        {
            if value != 0 {
                problems.warning(key, "has no effect: only CPU time is sampled");
            }
        }
        if self.endpoint.as_str().is_empty() && self.save_to_file.is_empty() {
            problems.warning("endpoint", "without `endpoint` and `save_to_file` no profile is ever taken");
        }
    }
}
