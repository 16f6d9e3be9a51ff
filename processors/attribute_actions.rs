//! Actions on a list of attributes: what `attributes` does to records and `resource` to resources.
//!
//! Settings become [`Action`]s once, with the Collector's messages; applying them looks keys up by id. Sources that are
//! the same for a whole request (values, the client's metadata) are found once a request.

use crate::attribute_values::{Conversion, convert, from_json, hashed};
use chaperone_pipeline::{ClientInfo, ConfigError};
use chaperone_proto::record::Edit;
use chaperone_proto::{AttrsMut, KeyId, Value, keys};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One action, as a user writes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActionConfig {
    /// Attribute that is worked on.
    pub key: String,
    /// `insert`, `update`, `upsert`, `delete`, `hash`, `extract` or `convert`, any case.
    pub action: String,
    /// Value to write: text, number, boolean, list or map.
    pub value: Option<serde_json::Value>,
    /// Attribute whose value is written.
    pub from_attribute: String,
    /// What of the client is written: `metadata.<key>`, `auth.<attribute>` or `client.address`.
    pub from_context: String,
    /// Written when the source has no value.
    pub default_value: Option<serde_json::Value>,
    /// Regular expression: keys to delete or hash, or what to extract into named groups.
    pub pattern: String,
    /// `int`, `double` or `string`.
    pub converted_type: String,
}

/// A checked action.
#[derive(Debug)]
struct Action {
    key: Option<KeyId>,
    what: What,
}

#[derive(Debug)]
enum What {
    Write { when: When, source: Source, default: Option<Value> },
    Delete { pattern: Option<Regex> },
    Hash { pattern: Option<Regex> },
    Extract { pattern: Regex, groups: Vec<KeyId> },
    Convert { to: Conversion },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Absent,
    Present,
    Always,
}

#[derive(Debug)]
enum Source {
    Value(Value),
    Attribute(KeyId),
    Context(String),
    /// Only the default.
    None,
}

/// A list of attributes that actions work on.
pub(crate) trait AttributeList {
    /// Whether a key is there.
    fn has(&self, key: KeyId) -> bool;
    /// Its first value.
    fn get(&self, key: KeyId) -> Option<Value>;
    /// Replaces the value of a key that is there.
    fn replace(&mut self, key: KeyId, value: &Value);
    /// Adds a key that is not there.
    fn append(&mut self, key: KeyId, value: &Value);
    /// Removes a key.
    fn remove(&mut self, key: KeyId);
    /// Edits the values of keys that are wanted.
    fn edit(&mut self, wanted: &dyn Fn(&str) -> bool, edit: &dyn Fn(Value) -> Edit);
}

/// Checked actions, in order.
#[derive(Debug)]
pub(crate) struct Actions(Vec<Action>);

/// What actions write that is the same for the whole request; beside each action.
pub(crate) struct FromClient(Vec<Option<Value>>);

impl Actions {
    /// Checks settings; `field` is the list's key.
    pub(crate) fn new(configs: &[ActionConfig], field: &str) -> Result<Actions, ConfigError> {
        // The constant keys come first, or they would not have the ids that code has for them.
        chaperone_genai::keys::install();
        let action = |(at, config): (usize, &ActionConfig)| {
            Action::new(config, at).map_err(|message| ConfigError::at(format!("{field}[{at}]"), message))
        };
        configs.iter().enumerate().map(action).collect::<Result<_, _>>().map(Actions)
    }

    /// What of the client the actions write.
    pub(crate) fn of_client(&self, client: Option<&ClientInfo>) -> FromClient {
        let value = |action: &Action| match &action.what {
            What::Write { source: Source::Context(name), .. } => context(name, client?).map(Value::Str),
            _ => None,
        };
        FromClient(self.0.iter().map(value).collect())
    }

    /// Applies all actions, one after the other.
    pub(crate) fn apply(&self, list: &mut impl AttributeList, client: &FromClient) {
        for (action, from_client) in self.0.iter().zip(&client.0) {
            action.apply(list, from_client.as_ref());
        }
    }
}

impl Action {
    fn new(config: &ActionConfig, at: usize) -> Result<Action, String> {
        let name = config.action.to_lowercase();
        if config.key.is_empty() {
            if !matches!(name.as_str(), "delete" | "hash") {
                return Err(format!("error creating AttrProc due to missing required field \"key\" at the {at}-th action"));
            }
            if config.pattern.is_empty() {
                return Err(format!(
                    "error creating AttrProc due to missing required field (at least one of \"key\" and \"pattern\" have to be used) at the {at}-th action"
                ));
            }
        }
        let what = config.what(&name);
        let what =
            what.map_err(|why| format!("error with key \"{}\" ({at}-th action): error creating AttrProc{why}", config.key))?;
        Ok(Action { key: (!config.key.is_empty()).then(|| keys::intern(&config.key)), what })
    }

    fn apply(&self, list: &mut impl AttributeList, from_client: Option<&Value>) {
        match (&self.what, self.key) {
            (What::Write { when, source, default }, Some(key)) => {
                let there = list.has(key);
                if (*when == When::Absent && there) || (*when == When::Present && !there) {
                    return;
                }
                let copied;
                let value = match source {
                    Source::Value(value) => Some(value),
                    Source::Context(_) => from_client,
                    Source::Attribute(from) => {
                        copied = list.get(*from);
                        copied.as_ref()
                    }
                    Source::None => None,
                };
                match value.or(default.as_ref()) {
                    Some(value) if there => list.replace(key, value),
                    Some(value) => list.append(key, value),
                    None => {}
                }
            }
            (What::Delete { pattern }, key) => {
                if let Some(key) = key {
                    list.remove(key);
                }
                if let Some(pattern) = pattern {
                    list.edit(&|name| pattern.is_match(name), &|_| Edit::Remove);
                }
            }
            (What::Hash { pattern }, key) => {
                if let Some(value) = key.and_then(|key| list.get(key)) {
                    write(list, key, &hashed(&value));
                }
                if let Some(pattern) = pattern {
                    list.edit(&|name| pattern.is_match(name), &|value| Edit::Replace(hashed(&value)));
                }
            }
            (What::Extract { pattern, groups }, Some(key)) => {
                let Some(Value::Str(text)) = list.get(key) else { return };
                let Some(found) = pattern.captures(&text) else { return };
                for (group, key) in groups.iter().enumerate() {
                    let part = found.get(group + 1).map_or("", |part| part.as_str());
                    write(list, Some(*key), &Value::Str(part.to_owned()));
                }
            }
            (What::Convert { to }, Some(key)) => {
                if let Some(value) = list.get(key).and_then(|value| convert(&value, *to)) {
                    list.replace(key, &value);
                }
            }
            (_, None) => {}
        }
    }
}

/// Replaces or adds.
fn write(list: &mut impl AttributeList, key: Option<KeyId>, value: &Value) {
    match key {
        Some(key) if list.has(key) => list.replace(key, value),
        Some(key) => list.append(key, value),
        None => {}
    }
}

impl ActionConfig {
    /// What an action does, or why not, in the words that follow the Collector's `error creating AttrProc`.
    fn what(&self, name: &str) -> Result<What, String> {
        let unused = |field: &str| format!(". Action \"{name}\" does not use the \"{field}\" field. This must not be specified");
        let convert = name == "convert";
        if !self.converted_type.is_empty() && !convert {
            return Err(unused("converted_type"));
        }
        let sources = [self.value.is_some(), !self.from_attribute.is_empty(), !self.from_context.is_empty()];
        let sources = sources.into_iter().filter(|given| *given).count();
        match name {
            "insert" | "update" | "upsert" => {
                if sources == 0 && self.default_value.is_none() {
                    let fields = "\"value\", \"from_attribute\", \"from_context\", or \"default_value\"";
                    return Err(format!(". Either field {fields} must be specified"));
                }
                if sources > 1 {
                    return Err(" due to multiple value sources being set".to_owned());
                }
                if !self.pattern.is_empty() {
                    return Err(unused("pattern"));
                }
                let when = match name {
                    "insert" => When::Absent,
                    "update" => When::Present,
                    _ => When::Always,
                };
                Ok(What::Write { when, source: self.source(), default: self.default_value.as_ref().map(from_json) })
            }
            "delete" | "hash" => {
                if self.value.is_some() || !self.from_attribute.is_empty() {
                    return Err(format!(
                        ". Action \"{name}\" does not use \"value\" or \"from_attribute\" field. These must not be specified"
                    ));
                }
                let pattern = if self.pattern.is_empty() { None } else { Some(self.regex()?) };
                Ok(if name == "hash" { What::Hash { pattern } } else { What::Delete { pattern } })
            }
            "extract" => {
                if sources > 0 {
                    return Err(format!(". Action \"{name}\" does not use a value source field. These must not be specified"));
                }
                self.extract()
            }
            "convert" => {
                if sources > 0 || !self.pattern.is_empty() {
                    let fields = "value sources or \"pattern\" field";
                    return Err(format!(". Action \"{name}\" does not use {fields}. These must not be specified"));
                }
                let to = match self.converted_type.as_str() {
                    "int" => Conversion::Int,
                    "double" => Conversion::Double,
                    "string" => Conversion::Text,
                    "" => return Err(format!(" due to missing required field \"converted_type\" for action \"{name}\"")),
                    other => {
                        let place = "in field \"converted_type\" for action";
                        return Err(format!(" due to invalid value \"{other}\" {place} \"{name}\""));
                    }
                };
                Ok(What::Convert { to })
            }
            _ => Err(format!(" due to unsupported action \"{name}\"")),
        }
    }

    fn source(&self) -> Source {
        match &self.value {
            Some(value) => Source::Value(from_json(value)),
            None if !self.from_attribute.is_empty() => Source::Attribute(keys::intern(&self.from_attribute)),
            None if !self.from_context.is_empty() => Source::Context(self.from_context.clone()),
            None => Source::None,
        }
    }

    fn extract(&self) -> Result<What, String> {
        if self.pattern.is_empty() {
            return Err(" due to missing required field \"pattern\" for action \"extract\"".to_owned());
        }
        let pattern = self.regex()?;
        let mut groups = Vec::new();
        for name in pattern.capture_names().skip(1) {
            let Some(name) = name else {
                return Err(". Field \"pattern\" contains at least one unnamed matcher group".to_owned());
            };
            groups.push(keys::intern(name));
        }
        if groups.is_empty() {
            return Err(". Field \"pattern\" contains no named matcher groups".to_owned());
        }
        Ok(What::Extract { pattern, groups })
    }

    fn regex(&self) -> Result<Regex, String> {
        Regex::new(&self.pattern).map_err(|_| format!(". Field \"pattern\" has invalid pattern: \"{}\"", self.pattern))
    }
}

/// A fact about the client: its address without port, metadata joined by `;`, or what authentication found out.
fn context(name: &str, client: &ClientInfo) -> Option<String> {
    if name == "client.address" {
        let address = client.address.as_deref()?;
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        return Some(host.trim_start_matches('[').trim_end_matches(']').to_owned());
    }
    if let Some(attribute) = name.strip_prefix("auth.") {
        return client.tenant.clone().filter(|_| attribute == "tenant");
    }
    let key = name.strip_prefix("metadata.").unwrap_or(name);
    let values = client.metadata.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str());
    let values: Vec<&str> = values.collect();
    if values.is_empty() { None } else { Some(values.join(";")) }
}

impl AttributeList for AttrsMut<'_> {
    fn has(&self, key: KeyId) -> bool {
        self.as_ref().get(key).is_some()
    }
    fn get(&self, key: KeyId) -> Option<Value> {
        self.as_ref().get(key).map(|value| value.to_value())
    }
    fn replace(&mut self, key: KeyId, value: &Value) {
        self.set(key, value);
    }
    fn append(&mut self, key: KeyId, value: &Value) {
        AttrsMut::append(self, key, value);
    }
    fn remove(&mut self, key: KeyId) {
        AttrsMut::remove(self, key);
    }
    fn edit(&mut self, wanted: &dyn Fn(&str) -> bool, edit: &dyn Fn(Value) -> Edit) {
        self.map(|key, value| if wanted(key.name) { edit(value.to_value()) } else { Edit::Keep });
    }
}

#[cfg(test)]
#[path = "attribute_actions_tests.rs"]
mod tests;
