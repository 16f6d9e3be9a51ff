//! Settings of the `own_events` receiver: none.

use chaperone_config::UserConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

impl UserConfig for Config {}
