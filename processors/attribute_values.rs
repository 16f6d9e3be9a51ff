//! Values of attributes: from settings, hashed, converted, and as the structs of metrics have them.

use crate::attribute_actions::AttributeList;
use chaperone_proto::record::Edit;
use chaperone_proto::{KeyId, Value, keys, push_base64};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What a value becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Int,
    Double,
    Text,
}

/// A value of the settings. A whole number is an integer, any other a double.
pub(crate) fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Empty,
        serde_json::Value::Bool(yes) => Value::Bool(*yes),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Double(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Value::Str(text.clone()),
        serde_json::Value::Array(values) => Value::Array(values.iter().map(from_json).collect()),
        serde_json::Value::Object(pairs) => {
            Value::Map(pairs.iter().map(|(key, value)| (key.clone(), from_json(value))).collect())
        }
    }
}

/// SHA-256 in hex: of a text its bytes, of a number its eight bytes, lowest first, of a boolean one byte. Other kinds
/// have no digest in the Collector and become an empty text; so do they here, since their content must not stay.
pub(crate) fn hashed(value: &Value) -> Value {
    let digest = match value {
        Value::Str(text) => Sha256::digest(text.as_bytes()),
        Value::Bool(yes) => Sha256::digest([u8::from(*yes)]),
        Value::Int(number) => Sha256::digest(number.to_le_bytes()),
        Value::Double(number) => Sha256::digest(number.to_le_bytes()),
        Value::Empty | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => return Value::Str(String::new()),
    };
    let mut hex = String::with_capacity(64);
    for byte in digest {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Value::Str(hex)
}

/// The value as another type; none when it is of that type already or has no such form.
pub(crate) fn convert(value: &Value, to: Conversion) -> Option<Value> {
    match (to, value) {
        (Conversion::Text, Value::Str(_)) | (Conversion::Int, Value::Int(_)) | (Conversion::Double, Value::Double(_)) => None,
        (Conversion::Text, value) => Some(Value::Str(text_of(value))),
        (Conversion::Int, Value::Double(number)) => Some(Value::Int(*number as i64)),
        (Conversion::Int, Value::Bool(yes)) => Some(Value::Int(i64::from(*yes))),
        (Conversion::Int, Value::Str(text)) => text.parse().ok().map(Value::Int),
        (Conversion::Double, Value::Int(number)) => Some(Value::Double(*number as f64)),
        (Conversion::Double, Value::Bool(yes)) => Some(Value::Double(f64::from(u8::from(*yes)))),
        (Conversion::Double, Value::Str(text)) => text.parse().ok().map(Value::Double),
        _ => None,
    }
}

/// A value as text: lists and maps as JSON, bytes as base64 without quotes, nothing as nothing.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Str(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => text_of_double(*number),
        other => json(other),
    }
}

/// The shortest text that reads back equal, as JSON of JavaScript has it: no decimals where there are none, an exponent
/// for what is very large or very small.
fn text_of_double(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) || !number.is_finite() {
        return number.to_string();
    }
    let text = format!("{number:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}

/// JSON of a list, a map or bytes.
fn json(value: &Value) -> String {
    let value = to_json(value);
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Empty => serde_json::Value::Null,
        Value::Str(text) => text.as_str().into(),
        Value::Bool(yes) => (*yes).into(),
        Value::Int(number) => (*number).into(),
        Value::Double(number) if number.fract() == 0.0 && number.abs() < 1e15 => (*number as i64).into(),
        Value::Double(number) => (*number).into(),
        Value::Bytes(bytes) => base64(bytes).into(),
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::Map(pairs) => pairs.iter().map(|(key, value)| (key.clone(), to_json(value))).collect(),
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_base64(&mut out, bytes);
    out
}

/// A value as metrics have it.
pub(crate) fn to_any(value: &Value) -> AnyValue {
    let value = match value {
        Value::Empty => None,
        Value::Str(text) => Some(Any::StringValue(text.clone())),
        Value::Int(number) => Some(Any::IntValue(*number)),
        Value::Double(number) => Some(Any::DoubleValue(*number)),
        Value::Bool(yes) => Some(Any::BoolValue(*yes)),
        Value::Bytes(bytes) => Some(Any::BytesValue(bytes.clone())),
        Value::Array(values) => Some(Any::ArrayValue(ArrayValue { values: values.iter().map(to_any).collect() })),
        Value::Map(pairs) => {
            let values = pairs.iter().map(|(key, value)| pair(key, value)).collect();
            Some(Any::KvlistValue(KeyValueList { values }))
        }
    };
    AnyValue { value }
}

fn pair(key: &str, value: &Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(to_any(value)), ..KeyValue::default() }
}

/// A value of metrics as records have it.
pub(crate) fn from_any(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => Value::Str(text.clone()),
        Some(Any::IntValue(number)) => Value::Int(*number),
        Some(Any::DoubleValue(number)) => Value::Double(*number),
        Some(Any::BoolValue(yes)) => Value::Bool(*yes),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes.clone()),
        Some(Any::ArrayValue(array)) => Value::Array(array.values.iter().map(|value| from_any(Some(value))).collect()),
        Some(Any::KvlistValue(list)) => {
            Value::Map(list.values.iter().map(|pair| (pair.key.clone(), from_any(pair.value.as_ref()))).collect())
        }
        _ => Value::Empty,
    }
}

/// Attributes of a data point, or of the resource of metrics.
impl AttributeList for Vec<KeyValue> {
    fn has(&self, key: KeyId) -> bool {
        self.iter().any(|pair| pair.key == keys::name(key))
    }
    fn get(&self, key: KeyId) -> Option<Value> {
        self.iter().find(|pair| pair.key == keys::name(key)).map(|pair| from_any(pair.value.as_ref()))
    }
    fn replace(&mut self, key: KeyId, value: &Value) {
        if let Some(pair) = self.iter_mut().find(|pair| pair.key == keys::name(key)) {
            pair.value = Some(to_any(value));
        }
    }
    fn append(&mut self, key: KeyId, value: &Value) {
        self.push(pair(keys::name(key), value));
    }
    fn remove(&mut self, key: KeyId) {
        self.retain(|pair| pair.key != keys::name(key));
    }
    fn edit(&mut self, wanted: &dyn Fn(&str) -> bool, edit: &dyn Fn(Value) -> Edit) {
        self.retain_mut(|pair| {
            if !wanted(&pair.key) {
                return true;
            }
            match edit(from_any(pair.value.as_ref())) {
                Edit::Keep => true,
                Edit::Remove => false,
                Edit::Replace(value) => {
                    pair.value = Some(to_any(&value));
                    true
                }
            }
        });
    }
}
