//! Headers to send: a map of names to values, or the Collector's other form, a list of `{name, value}`.

use super::Secret;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Headers in the order written; their values never print.
///
/// Serialized as a map, whichever form was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, Secret)>);

impl Headers {
    /// Names and values, for the one place that sends them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }
    /// The names alone.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    name: String,
    #[serde(default)]
    value: Secret,
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of headers, or a list of `{name, value}`")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Headers, E> {
        Ok(Headers::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some(pair) = map.next_entry::<String, Secret>()? {
            headers.push(pair);
        }
        Ok(Headers(headers))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Headers, A::Error> {
        let mut headers: Vec<(String, Secret)> = Vec::new();
        let mut twice: Vec<String> = Vec::new();
        while let Some(Pair { name, value }) = list.next_element()? {
            if headers.iter().any(|(known, _)| *known == name) && !twice.contains(&name) {
                twice.push(name.clone());
            }
            headers.push((name, value));
        }
        if twice.is_empty() {
            Ok(Headers(headers))
        } else {
            Err(de::Error::custom(format!("duplicate keys in map-style list: [{}]", twice.join(" "))))
        }
    }
}

impl JsonSchema for Headers {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = Secret::json_schema(generator);
        json_schema!({"anyOf": [
            {"type": "object", "additionalProperties": value},
            {"type": "array", "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "value": value},
                "required": ["name"],
                "additionalProperties": false,
            }},
            {"type": "null"},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, UserConfig, parse_settings, written};

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        headers: Headers,
    }
    impl UserConfig for Outer {}

    fn parse(yaml: &str) -> Result<Vec<(String, String)>, String> {
        let outer = parse_settings::<Outer>(&Node::parse(yaml, "t.yaml").unwrap(), "x").map_err(|p| p.to_string())?;
        Ok(outer.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_map_and_a_list_are_the_same_headers() {
        let expected = Ok(vec![("B".to_owned(), "1".to_owned()), ("a".to_owned(), "two".to_owned())]);
        assert_eq!(parse("headers: {B: '1', a: two}"), expected);
        assert_eq!(parse("headers: [{name: B, value: '1'}, {name: a, value: two}]"), expected);
        for yaml in ["headers:", "headers: {}", "headers: []", "{}"] {
            assert_eq!(parse(yaml), Ok(vec![]), "{yaml}");
        }
    }

    #[test]
    fn a_name_twice_in_a_list_and_wrong_shapes_are_errors() {
        let twice = parse("headers: [{name: a, value: b}, {name: a, value: c}]").unwrap_err();
        assert!(twice.contains("duplicate keys in map-style list: [a]"), "{twice}");
        for yaml in ["headers: text", "headers: [text]", "headers: [{name: a, values: b}]", "headers: {a: [b]}"] {
            assert!(parse(yaml).is_err(), "{yaml}");
        }
    }

    #[test]
    fn values_do_not_show() {
        let outer: Outer = parse_settings(&Node::parse("headers: [{name: key, value: hidden}]", "t.yaml").unwrap(), "x").unwrap();
        let shown = format!("{outer:?} {}", written(&outer, false).unwrap());
        assert!(shown.contains("key") && !shown.contains("hidden"), "{shown}");
    }
}
