//! `sources` of the settings: a map of dialects, or the list of `{name, ...}` that newer Collectors take.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Settings of one source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// Removes source attributes whose values went to canonical ones.
    pub remove_originals: bool,
    /// Lets source attributes replace canonical ones that a record has already.
    pub overwrite: bool,
    /// Attributes of your own: source key to target key. Required for `custom`.
    pub custom_mappings: BTreeMap<String, String>,
}

/// Sources by id. Serialized as a map, whichever form was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// Ids and settings.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(id, source)| (id.as_str(), source))
    }
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Sources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourcesVisitor)
    }
}

/// An item of the list form. Flattening is not supported by the settings' reader, so the fields stand here again.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Named {
    name: String,
    remove_originals: bool,
    overwrite: bool,
    custom_mappings: BTreeMap<String, String>,
}

struct SourcesVisitor;

impl<'de> Visitor<'de> for SourcesVisitor {
    type Value = Sources;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of sources, or a list of `{name, ...}`")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Sources, E> {
        Ok(Sources::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sources, A::Error> {
        let mut sources = BTreeMap::new();
        while let Some((id, source)) = map.next_entry::<String, Option<Source>>()? {
            sources.insert(id, source.unwrap_or_default());
        }
        Ok(Sources(sources))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sources, A::Error> {
        let mut sources = BTreeMap::new();
        while let Some(Named { name, remove_originals, overwrite, custom_mappings }) = list.next_element()? {
            let twice = format!("source `{name}` is named twice");
            if sources.insert(name, Source { remove_originals, overwrite, custom_mappings }).is_some() {
                return Err(de::Error::custom(twice));
            }
        }
        Ok(Sources(sources))
    }
}

impl JsonSchema for Sources {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Sources".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let source = generator.subschema_for::<Option<Source>>();
        let flag = json_schema!({"type": "boolean"});
        json_schema!({"anyOf": [
            {"type": "object", "additionalProperties": source},
            {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "remove_originals": flag,
                    "overwrite": flag,
                    "custom_mappings": {"type": "object", "additionalProperties": {"type": "string"}},
                },
                "required": ["name"],
                "additionalProperties": false,
            }},
            {"type": "null"},
        ]})
    }
}
