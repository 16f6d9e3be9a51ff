//! What every component's settings can do, and how they are read from a tree.
//!
//! Defaults are laid under the user's tree, the walk beside the schema reports all that does not fit, serde reads the clean
//! tree, and the component checks what a schema cannot say.

use crate::de::ENABLED;
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

/// The settings in force: what the user wrote with every default filled in, as [`written`] gives them.
///
/// `None` if there are errors, which are added to `problems`.
pub fn effective_settings<C: UserConfig>(
    node: &Node,
    path: &str,
    show_secrets: bool,
    problems: &mut Problems,
) -> Option<serde_json::Value> {
    let config = read_settings::<C>(node, path, problems)?;
    let written = written(&config, show_secrets);
    written.map_err(|error| problems.error(path, format!("these settings cannot be written down: {error}"))).ok()
}

/// Settings as JSON that reads back as the same settings; keys are sorted.
///
/// Secrets are `[REDACTED]` unless they shall be shown. An optional block that is off says `enabled: false`, because null
/// would turn it on.
pub fn written<C: UserConfig>(config: &C, show_secrets: bool) -> Result<serde_json::Value, serde_json::Error> {
    let mut json = if show_secrets { exposed(|| serde_json::to_value(config)) } else { serde_json::to_value(config) }?;
    let schema = schema::of::<C>();
    turn_off_absent_blocks(&mut json, Schema::root(&schema));
    Ok(json)
}

fn turn_off_absent_blocks(json: &mut serde_json::Value, schema: Schema<'_>) {
    match json {
        serde_json::Value::Null if schema.is_optional_block() => *json = serde_json::json!({ENABLED: false}),
        serde_json::Value::Object(members) => {
            let schema = schema.without_null();
            for (key, value) in members {
                if let Some(below) = schema.key(key) {
                    turn_off_absent_blocks(value, below);
                }
            }
        }
        serde_json::Value::Array(items) => {
            if let Some(below) = schema.without_null().item() {
                items.iter_mut().for_each(|item| turn_off_absent_blocks(item, below));
            }
        }
        _ => {}
    }
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
