//! The JSON schema of a component's settings, and the questions asked of it.
//!
//! Struct settings are closed: a key that the schema does not name is unknown, whether or not the struct says so to serde.

use crate::settings::{OFF_WHEN_NULL, OPTIONAL_MARK};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The schema of a type, with definitions inlined where they do not recur.
pub(crate) fn of<C: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<C>().to_value()
}

/// A schema within its root, which `$ref` points into.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'s> {
    value: &'s Value,
    root: &'s Value,
}

impl<'s> Schema<'s> {
    pub fn root(root: &'s Value) -> Schema<'s> {
        Schema { value: root, root }.resolved()
    }

    fn within(self, value: &'s Value) -> Schema<'s> {
        Schema { value, root: self.root }.resolved()
    }

    /// Follows `$ref` and unwraps a single `allOf`; a chain is cut after 16 steps.
    fn resolved(self) -> Schema<'s> {
        let mut schema = self;
        for _ in 0..16 {
            let pointer = schema.value.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
            let target = match pointer {
                Some(pointer) => self.root.pointer(pointer),
                None => match schema.value.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
                    Some([single]) => Some(single),
                    _ => None,
                },
            };
            match target {
                Some(value) => schema = Schema { value, root: self.root },
                None => break,
            }
        }
        schema
    }

    /// Type names, `null` left out; empty where the schema does not say.
    pub fn types(self) -> Vec<&'s str> {
        let names: Vec<&str> = match self.value.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        names.into_iter().filter(|name| *name != "null").collect()
    }
    pub fn is(self, name: &str) -> bool {
        self.types().contains(&name)
    }
    /// Whether null is a value of its own here (an `Option`), not the zero of its type.
    pub fn allows_null(self) -> bool {
        let null_type = match self.value.get("type") {
            Some(Value::String(name)) => name == "null",
            Some(Value::Array(names)) => names.iter().any(|name| name == "null"),
            _ => false,
        };
        let null_variant = self.variants().iter().any(|variant| variant.allows_null());
        let anything = self.value.as_object().is_some_and(|object| object.get("type").is_none() && self.is_open(object));
        null_type || null_variant || anything || self.value == &Value::Bool(true)
    }
    /// Whether this schema restricts nothing.
    fn is_open(self, object: &Map<String, Value>) -> bool {
        !["properties", "enum", "const", "oneOf", "anyOf", "allOf", "items"].iter().any(|key| object.contains_key(*key))
    }
    pub fn is_optional_block(self) -> bool {
        self.value.get(OPTIONAL_MARK).is_some()
    }
    /// Whether null turns this optional block off, where others are turned on by it.
    pub fn is_off_when_null(self) -> bool {
        self.is_optional_block() && self.value.get(OFF_WHEN_NULL).is_some()
    }
    /// `format`, by which shared setting types are known.
    pub fn format(self) -> Option<&'s str> {
        self.value.get("format").and_then(Value::as_str)
    }
    pub fn number(self, keyword: &str) -> Option<f64> {
        self.value.get(keyword).and_then(Value::as_f64)
    }
    /// `oneOf` or `anyOf`, `null` left out; a single remaining variant is what an `Option` wraps.
    pub fn variants(self) -> Vec<Schema<'s>> {
        let list = self.value.get("oneOf").or_else(|| self.value.get("anyOf")).and_then(Value::as_array);
        list.into_iter().flatten().map(|value| self.within(value)).collect()
    }
    /// Whether this stands for null alone.
    pub fn is_null(self) -> bool {
        self.value.get("type").and_then(Value::as_str) == Some("null")
    }
    /// What an `Option` wraps, else the schema itself.
    pub fn without_null(self) -> Schema<'s> {
        let variants = self.variants();
        let others: Vec<Schema<'s>> = variants.iter().copied().filter(|variant| !variant.is_null()).collect();
        match others.as_slice() {
            [single] if variants.len() > 1 => *single,
            _ => self,
        }
    }
    /// The literal values of `enum` or `const`.
    pub fn literals(self) -> Vec<&'s Value> {
        match (self.value.get("enum").and_then(Value::as_array), self.value.get("const")) {
            (Some(list), _) => list.iter().filter(|value| !value.is_null()).collect(),
            (None, Some(value)) => vec![value],
            (None, None) => Vec::new(),
        }
    }
    pub fn properties(self) -> Option<&'s Map<String, Value>> {
        self.value.get("properties").and_then(Value::as_object)
    }
    /// The name of the property that a key means: itself, or the property whose `x-aliases` name it.
    pub fn canonical<'k>(self, key: &'k str) -> &'k str
    where
        's: 'k,
    {
        let Some(properties) = self.properties().filter(|properties| !properties.contains_key(key)) else {
            return key;
        };
        let has_alias = |value: &Value| {
            value.get("x-aliases").and_then(Value::as_array).is_some_and(|names| names.iter().any(|name| name == key))
        };
        properties.iter().find(|(_, value)| has_alias(value)).map_or(key, |(name, _)| name)
    }
    /// The schema of a key of a map: that of its property, else that of additional ones, else `None`: the key is unknown.
    pub fn key(self, key: &str) -> Option<Schema<'s>> {
        if let Some(value) = self.properties().and_then(|properties| properties.get(self.canonical(key))) {
            return Some(self.within(value));
        }
        match self.value.get("additionalProperties") {
            Some(Value::Bool(false)) => None,
            Some(value) => Some(self.within(value)),
            None if self.properties().is_some() => None,
            None => Some(Schema { value: &Value::Bool(true), root: self.root }),
        }
    }
    /// The schema of list elements.
    pub fn item(self) -> Option<Schema<'s>> {
        self.value.get("items").map(|value| self.within(value))
    }
    pub fn required(self) -> impl Iterator<Item = &'s str> {
        self.value.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
    /// Whether this is a map whose keys the schema names.
    pub fn is_struct(self) -> bool {
        self.properties().is_some()
    }
}
