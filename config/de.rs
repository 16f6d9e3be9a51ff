//! serde over the tree: values are handed out as YAML means them, errors carry the place of the value they arose at.
//!
//! Runs on trees that the walk beside the schema found clean, so its own messages are seen only for what a schema
//! cannot say.
//! [`Optional`](crate::Optional) announces itself by [`OPTIONAL`], because only the tree can tell "written with nothing"
//! from "not written".

use crate::Location;
use crate::problems::join;
use crate::scalar::{Scalar, Value};
use crate::tree::{Kind, Node, Pair, item_path};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// The name under which `Optional` asks for itself.
pub(crate) const OPTIONAL: &str = "$chaperone::Optional";
/// The key that turns an optional block off.
pub(crate) const ENABLED: &str = "enabled";

/// An error of serde with the place it arose at.
#[derive(Debug)]
pub(crate) struct DeError {
    message: String,
    path: String,
    location: Option<Location>,
}

impl DeError {
    /// Message, path, place.
    pub fn into_parts(self) -> (String, String, Option<Location>) {
        (self.message, self.path, self.location)
    }
    /// Called on the way out, so the innermost place wins and the path grows from its end.
    fn at(mut self, segment: &str, location: Option<&Location>) -> DeError {
        self.path = join(segment, &self.path);
        self.location = self.location.or_else(|| location.cloned());
        self
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DeError { message: message.to_string(), path: String::new(), location: None }
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
pub(crate) struct NodeDeserializer<'n> {
    node: &'n Node,
    /// Leaves `enabled` out of a map: it belongs to the optional block around it.
    without_enabled: bool,
}

impl<'n> NodeDeserializer<'n> {
    pub fn new(node: &'n Node) -> NodeDeserializer<'n> {
        NodeDeserializer { node, without_enabled: false }
    }
    fn scalar(&self) -> Option<&'n Scalar> {
        if let Kind::Scalar(scalar) = &self.node.kind { Some(scalar) } else { None }
    }
    /// A number for a setting that wants a whole one: `1e3` is one.
    fn whole<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.scalar().map(Scalar::value) {
            Some(Value::Float(float)) if float.fract() == 0.0 && float.abs() < 9e15 => visitor.visit_i64(float as i64),
            _ => self.deserialize_any(visitor),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            self.whole(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.kind {
            Kind::Scalar(scalar) => match scalar.value() {
                Value::Null => visitor.visit_unit(),
                Value::Bool(value) => visitor.visit_bool(value),
                Value::Int(value) => visit_int(value, visitor),
                Value::Float(value) => visitor.visit_f64(value),
                Value::Text(text) => visitor.visit_str(text),
            },
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            Kind::Map(pairs) => {
                let pairs = pairs.iter();
                visitor.visit_map(Pairs { pairs, current: None, without_enabled: self.without_enabled })
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.scalar().and_then(Scalar::as_text).or(self.node.original.as_deref()) {
            Some(text) => visitor.visit_str(text),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, DeError> {
        if name != OPTIONAL {
            return visitor.visit_newtype_struct(self);
        }
        if self.node.is_null() {
            let empty = Node::map(Vec::new(), self.node.location.clone());
            return visitor.visit_some(NodeDeserializer::new(&empty));
        }
        match self.node.get(ENABLED).map(|node| node.deserialize::<bool>()) {
            Some(Ok(false)) => visitor.visit_none(),
            Some(Ok(true)) | None => visitor.visit_some(NodeDeserializer { node: self.node, without_enabled: true }),
            Some(Err(_)) => {
                let message = "`enabled` must be `true` or `false`";
                Err(<DeError as de::Error>::custom(message).at(ENABLED, self.node.locate(ENABLED)))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match &self.node.kind {
            Kind::Scalar(scalar) => match scalar.as_text() {
                Some(text) => visitor.visit_enum(IntoDeserializer::<DeError>::into_deserializer(text)),
                None => Err(de::Error::invalid_type(unexpected(scalar), &visitor)),
            },
            Kind::Map(pairs) => match pairs.as_slice() {
                [pair] => visitor.visit_enum(Variant { pair }),
                _ => Err(de::Error::custom(format!("expected a map with one key, found {}", pairs.len()))),
            },
            Kind::List(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    forward_to_deserialize_any! {
        bool f32 f64 bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

fn visit_int<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, DeError> {
    if let Ok(value) = u64::try_from(value) {
        return visitor.visit_u64(value);
    }
    match i64::try_from(value) {
        Ok(value) => visitor.visit_i64(value),
        Err(_) => visitor.visit_f64(value as f64),
    }
}

fn unexpected(scalar: &Scalar) -> Unexpected<'_> {
    match scalar.value() {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(value),
        Value::Int(value) => Unexpected::Float(value as f64),
        Value::Float(value) => Unexpected::Float(value),
        Value::Text(text) => Unexpected::Str(text),
    }
}

struct Items<'n> {
    items: std::slice::Iter<'n, Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DeError> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        let segment = item_path("", self.index);
        self.index += 1;
        seed.deserialize(NodeDeserializer::new(node)).map(Some).map_err(|error| error.at(&segment, node.location()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Pairs<'n> {
    pairs: std::slice::Iter<'n, Pair>,
    current: Option<&'n Pair>,
    without_enabled: bool,
}

impl<'de> de::MapAccess<'de> for Pairs<'_> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        let without_enabled = self.without_enabled;
        let Some(pair) = self.pairs.by_ref().find(|pair| !(without_enabled && pair.key == ENABLED)) else {
            return Ok(None);
        };
        self.current = Some(pair);
        seed.deserialize(IntoDeserializer::<DeError>::into_deserializer(pair.key.as_str()))
            .map(Some)
            .map_err(|error| error.at(&pair.key, pair.location.as_ref()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let pair = self.current.take().expect("invariant: serde asks for a value only after its key");
        let place = if pair.value.is_null() { pair.location.as_ref() } else { pair.value.location() };
        seed.deserialize(NodeDeserializer::new(&pair.value)).map_err(|error| error.at(&pair.key, place))
    }
}

/// `variant: content`.
struct Variant<'n> {
    pair: &'n Pair,
}

impl<'de, 'n> de::EnumAccess<'de> for Variant<'n> {
    type Error = DeError;
    type Variant = Variant<'n>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Variant<'n>), DeError> {
        let name = IntoDeserializer::<DeError>::into_deserializer(self.pair.key.as_str());
        let value = seed.deserialize(name).map_err(|error| error.at(&self.pair.key, self.pair.location.as_ref()))?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        if self.pair.value.is_null() {
            return Ok(());
        }
        let message = format!("`{}` takes no settings, found {}", self.pair.key, self.pair.value.describe());
        Err(<DeError as de::Error>::custom(message).at(&self.pair.key, self.pair.value.location()))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeError> {
        seed.deserialize(NodeDeserializer::new(&self.pair.value))
            .map_err(|error| error.at(&self.pair.key, self.pair.value.location()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DeError> {
        self.content(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DeError> {
        self.content(visitor)
    }
}

impl Variant<'_> {
    fn content<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        NodeDeserializer::new(&self.pair.value)
            .deserialize_any(visitor)
            .map_err(|error| error.at(&self.pair.key, self.pair.value.location()))
    }
}

#[cfg(test)]
mod tests {
    use crate::Node;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Off,
        Rate(f64),
        Window { size: u32 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        name: String,
        count: u16,
        limits: Vec<f64>,
        modes: BTreeMap<String, Mode>,
        note: Option<String>,
    }

    fn read(text: &str) -> Result<Sample, String> {
        let node = Node::parse(text, "t.yaml").map_err(|problems| problems.to_string())?;
        node.deserialize().map_err(|problems| problems.to_string())
    }

    const GOOD: &str = "name: x\ncount: 1e3\nlimits: [1, 2.5]\nnote: ~\nmodes: {a: off, b: {rate: 2}, c: {window: {size: 5}}}";

    #[test]
    fn every_shape_is_read() {
        let sample = read(GOOD).unwrap();
        assert_eq!(sample.count, 1000);
        assert_eq!(sample.limits, [1.0, 2.5]);
        assert_eq!(sample.note, None);
        assert_eq!(sample.modes["b"], Mode::Rate(2.0));
        assert_eq!(sample.modes["c"], Mode::Window { size: 5 });
    }

    #[test]
    fn errors_have_place_and_path() {
        let error = read(&GOOD.replace("size: 5", "size: five")).unwrap_err();
        assert!(error.contains("--> t.yaml:5:50  modes.c.window.size"), "{error}");
        let error = read(&GOOD.replace("2.5", "x")).unwrap_err();
        assert!(error.contains("--> t.yaml:3:13  limits[1]"), "{error}");
        let error = read(&GOOD.replace("off", "nope")).unwrap_err();
        assert!(error.starts_with("error: unknown variant `nope`"), "{error}");
        assert!(read(&GOOD.replace("count: 1e3", "count: 70000")).is_err());
        assert!(read(&GOOD.replace("name: x", "name: 5")).is_err());
    }
}
