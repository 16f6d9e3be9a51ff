//! What every component's settings can do, and how they are read from a tree.

use crate::{Node, Problems};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Settings of a component, as a user writes them.
///
/// Derive `Serialize, Deserialize, JsonSchema, PartialEq, Clone, Debug`, put `#[serde(default, deny_unknown_fields)]`
/// on the struct, and implement `Default` with the component's defaults.
pub trait UserConfig: Default + Serialize + DeserializeOwned + JsonSchema + PartialEq + Send + Sync + 'static {
    /// Adds what serde cannot see: ranges, combinations. Paths are relative to the settings.
    fn check(&self, _problems: &mut Problems) {}
}

/// Reads settings: the serialized default lies under the user's tree; unknown keys and scalar types are found by
/// walking the tree beside the schema, all of them; serde runs on a clean tree; then `check`.
///
/// `path` is the place of the node in the document (`processors.gen_ai_cost`).
pub fn parse_settings<C: UserConfig>(_node: &Node, _path: &str) -> Result<C, Problems> {
    todo!()
}
