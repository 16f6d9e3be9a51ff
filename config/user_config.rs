//! What every component's settings can do, and how they are read from a tree.
//!
//! Defaults are laid under the user's tree, the walk beside the schema reports all that does not fit, serde reads the clean
//! tree, and the component checks what a schema cannot say.

use crate::lay::lay;
use crate::problems::join;
use crate::schema::{self, Schema};
use crate::settings::exposed;
use crate::walk::walk;
use crate::{Node, Problems};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Settings of a component, as a user writes them.
///
/// Derive `Serialize, Deserialize, JsonSchema, PartialEq, Clone, Debug`, put `#[serde(default, deny_unknown_fields)]`
/// on the struct and on every struct within, and implement `Default` with the component's defaults.
/// `#[serde(flatten)]` is not supported.
/// Another spelling of a key is declared by `#[schemars(extend("x-aliases" = ["x"]))]` on its field.
pub trait UserConfig: Default + Serialize + DeserializeOwned + JsonSchema + PartialEq + Send + Sync + 'static {
    /// Adds what serde cannot see: ranges, combinations. Paths are relative to the settings.
    fn check(&self, _problems: &mut Problems) {}
}

/// Reads settings: the serialized default lies under the user's tree; unknown keys and scalar types are found by
/// walking the tree beside the schema, all of them; serde runs on a clean tree; then `check`.
///
/// `path` is the place of the node in the document (`processors.gen_ai_cost`).
/// Warnings are lost when all is well; [`read_settings`] keeps them.
pub fn parse_settings<C: UserConfig>(node: &Node, path: &str) -> Result<C, Problems> {
    let mut problems = Problems::new();
    read_settings(node, path, &mut problems).ok_or(problems)
}

/// As [`parse_settings`], with problems and warnings added to a collection; `None` if there are errors.
pub fn read_settings<C: UserConfig>(node: &Node, path: &str, problems: &mut Problems) -> Option<C> {
    let mut found = Problems::new();
    let config = read(node, path, &mut found);
    let good = !found.has_errors();
    problems.extend(found);
    config.filter(|_| good)
}

fn read<C: UserConfig>(node: &Node, path: &str, problems: &mut Problems) -> Option<C> {
    let defaults = match exposed(|| serde_json::to_value(C::default())) {
        Ok(defaults) => defaults,
        Err(error) => {
            problems.error(path, format!("the default settings of this component cannot be written down: {error}"));
            return None;
        }
    };
    let schema = schema::of::<C>();
    let schema = Schema::root(&schema);
    let tree = lay(&defaults, node.clone(), schema);
    walk(&tree, schema, path, problems);
    if problems.has_errors() {
        return None;
    }
    let mut own = Problems::new();
    let config = match tree.deserialize::<C>() {
        Ok(config) => {
            config.check(&mut own);
            Some(config)
        }
        Err(error) => {
            own.extend(error);
            None
        }
    };
    for problem in own.iter_mut() {
        if problem.location.is_none() {
            problem.location = tree.locate(&problem.path).or(node.location()).cloned();
        }
        problem.path = join(path, &problem.path);
    }
    problems.extend(own);
    config
}

#[cfg(test)]
#[path = "user_config_tests.rs"]
mod tests;
