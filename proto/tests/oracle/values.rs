//! Values of the index beside values of the oracle.

use chaperone_proto::{Attrs, Value, ValueRef};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

/// An oracle value as ours.
pub fn ours(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(Any::StringValueStrindex(_)) => Value::Empty,
        Some(Any::StringValue(text)) => Value::Str(text.clone()),
        Some(Any::IntValue(number)) => Value::Int(*number),
        Some(Any::DoubleValue(number)) => Value::Double(*number),
        Some(Any::BoolValue(yes)) => Value::Bool(*yes),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes.clone()),
        Some(Any::ArrayValue(array)) => Value::Array(array.values.iter().map(|value| ours(Some(value))).collect()),
        Some(Any::KvlistValue(list)) => {
            Value::Map(list.values.iter().map(|pair| (pair.key.clone(), ours(pair.value.as_ref()))).collect())
        }
    }
}

/// One of our values as the oracle's.
pub fn theirs(value: &Value) -> AnyValue {
    let value = match value {
        Value::Empty => None,
        Value::Str(text) => Some(Any::StringValue(text.clone())),
        Value::Int(number) => Some(Any::IntValue(*number)),
        Value::Double(number) => Some(Any::DoubleValue(*number)),
        Value::Bool(yes) => Some(Any::BoolValue(*yes)),
        Value::Bytes(bytes) => Some(Any::BytesValue(bytes.clone())),
        Value::Array(values) => Some(Any::ArrayValue(ArrayValue { values: values.iter().map(theirs).collect() })),
        Value::Map(pairs) => {
            let values = pairs.iter().map(|(key, value)| pair(key, value)).collect();
            Some(Any::KvlistValue(KeyValueList { values }))
        }
    };
    AnyValue { value }
}

/// An oracle attribute.
pub fn pair(key: &str, value: &Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(theirs(value)), key_strindex: 0 }
}

/// Attributes read the same: order, duplicates, look-ups of each key.
pub fn check_attributes(attrs: Attrs<'_>, expected: &[KeyValue]) {
    let read: Vec<(String, Value)> = attrs.iter().map(|(key, value)| (key.name.to_owned(), value.to_value())).collect();
    let wanted: Vec<(String, Value)> = expected.iter().map(|pair| (pair.key.clone(), ours(pair.value.as_ref()))).collect();
    assert_eq!(read, wanted);
    assert_eq!(attrs.len(), expected.len());
    assert_eq!(attrs.is_empty(), expected.is_empty());
    for pair in expected {
        let first = expected.iter().find(|other| other.key == pair.key).and_then(|pair| pair.value.as_ref());
        assert_eq!(attrs.get_named(&pair.key).map(ValueRef::to_value), Some(ours(first)));
        if let Some(id) = chaperone_proto::keys::lookup(&pair.key) {
            assert_eq!(attrs.get(id).map(ValueRef::to_value), Some(ours(first)));
        }
    }
    assert!(attrs.get_named("absent").is_none());
}
