//! Settings of the `resource` processor: actions.

use crate::attribute_actions::ActionConfig;
use chaperone_config::{Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is done to the attributes of resources, one after the other.
    pub attributes: Vec<ActionConfig>,
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.attributes.is_empty() {
            problems.error("attributes", "missing required field \"attributes\"");
        }
    }
}
