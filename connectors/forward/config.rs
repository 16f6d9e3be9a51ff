//! Settings of the `forward` connector: none.

use chaperone_config::UserConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the connector.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

impl UserConfig for Config {}
