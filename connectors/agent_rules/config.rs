//! Settings of `agent_rules`.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rules that come with the program.
pub const PRESETS: &str = "builtin:presets";

/// Settings of the `agent_rules` connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rule files in order; `builtin:presets` stands for the rules that come with the program.
    pub files: Vec<String>,
    /// A finding that was not told again for this long is over, and its alert is resolved.
    pub finding_lasts: Duration,
    /// Most combinations of rule and key; beyond it the one that was quiet longest is forgotten and counted.
    pub max_instances: usize,
    /// How often changed state is stored.
    pub checkpoint_interval: Duration,
    /// Id of a storage extension; without one, state lives as long as the process.
    pub storage: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            files: vec![PRESETS.to_owned()],
            finding_lasts: Duration::from_secs(15 * 60),
            max_instances: 10_000,
            checkpoint_interval: Duration::from_secs(10),
            storage: None,
        }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        for (i, file) in self.files.iter().enumerate() {
            if file.is_empty() {
                problems.error(&format!("files[{i}]"), "must not be empty");
            } else if file.starts_with("builtin:") && file != PRESETS {
                problems.error_hint(&format!("files[{i}]"), format!("unknown rules `{file}`"), format!("`{PRESETS}` is known"));
            }
        }
        if self.max_instances == 0 {
            problems.error("max_instances", "must be at least 1");
        }
        if self.finding_lasts.is_zero() {
            problems.error("finding_lasts", "must be greater than 0");
        }
    }
}
