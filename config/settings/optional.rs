//! Optional blocks in their three states: absent, present with defaults, present with values.
//!
//! The tree's deserializer recognises the type by name, since only it can tell a key written with nothing from a missing
//! one.
//! Read from anything else (JSON in tests), null is absent, so that what was serialized reads back as it was.

use crate::de::{ENABLED, OPTIONAL};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Marks the schema of an optional block.
pub(crate) const MARK: &str = "x-optional-block";

/// A block that may be absent, present with defaults, or present with values.
///
/// `grpc:` with nothing and `grpc: {}` turn it on with defaults; `enabled: false` inside turns it off.
/// `T` is a struct without a field `enabled` of its own.
/// A struct with such a field must have `#[serde(default)]`, as every struct of settings has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Optional<T> {
    /// Not written, or `enabled: false`.
    #[default]
    Absent,
    /// Written, with or without values.
    Present(T),
}

impl<T> Optional<T> {
    /// The block, if it is on.
    pub fn get(&self) -> Option<&T> {
        if let Optional::Present(value) = self { Some(value) } else { None }
    }
    /// The block by value, if it is on.
    pub fn into_option(self) -> Option<T> {
        if let Optional::Present(value) = self { Some(value) } else { None }
    }
    /// Whether it is on.
    pub fn is_present(&self) -> bool {
        self.get().is_some()
    }
}

impl<T: Serialize> Serialize for Optional<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Optional::Absent => serializer.serialize_none(),
            Optional::Present(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Optional<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(OPTIONAL, OptionalVisitor(PhantomData))
    }
}

struct OptionalVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OptionalVisitor<T> {
    type Value = Optional<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an optional block of settings")
    }
    fn visit_none<E: de::Error>(self) -> Result<Optional<T>, E> {
        Ok(Optional::Absent)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Optional<T>, E> {
        Ok(Optional::Absent)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Optional<T>, D::Error> {
        T::deserialize(deserializer).map(Optional::Present)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Optional<T>, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(value.map_or(Optional::Absent, Optional::Present))
    }
}

impl<T: JsonSchema> JsonSchema for Optional<T> {
    /// Inline, because the block's own schema is changed: `enabled` is added.
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Optional_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert(MARK.to_owned(), true.into());
        schema.insert("type".to_owned(), serde_json::json!(["object", "null"]));
        let properties = schema.ensure_object().entry("properties").or_insert_with(|| serde_json::json!({}));
        if let Some(properties) = properties.as_object_mut() {
            let enabled = json_schema!({"type": "boolean", "description": "Turns the block off when `false`."});
            properties.insert(ENABLED.to_owned(), enabled.to_value());
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Node;

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Block {
        size: u32,
    }

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        block: Optional<Block>,
    }

    fn check(text: &str, expected: Optional<Block>) {
        let node = Node::parse(text, "t.yaml").unwrap();
        assert_eq!(node.deserialize::<Outer>().map(|outer| outer.block).map_err(|e| e.to_string()), Ok(expected), "{text}");
    }

    #[test]
    fn an_optional_block_has_three_states() {
        check("{}", Optional::Absent);
        check("block:", Optional::Present(Block { size: 0 }));
        check("block: {}", Optional::Present(Block { size: 0 }));
        check("block: {size: 5}", Optional::Present(Block { size: 5 }));
        check("block: {enabled: true, size: 5}", Optional::Present(Block { size: 5 }));
        check("block: {enabled: false, size: 5}", Optional::Absent);
    }

    #[test]
    fn what_is_serialized_reads_back() {
        for block in [Optional::Absent, Optional::Present(Block { size: 5 })] {
            let text = serde_json::to_string(&Outer { block: block.clone() }).unwrap();
            assert_eq!(serde_json::from_str::<Outer>(&text).unwrap().block, block);
        }
    }
}
