//! Values, attributes, ids and times as text.

use chaperone_proto::push_base64;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// A value as one word: text bare, lists and maps as JSON, bytes in base64.
pub(super) fn plain(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BytesValue(bytes)) => base64(bytes),
        Some(_) => json(value).to_string(),
    }
}

/// A value with its type: `Str(x)`, `Int(1)`, `Map({...})`.
pub(super) fn typed(value: Option<&AnyValue>) -> String {
    let name = match value.and_then(|value| value.value.as_ref()) {
        None => return "Empty()".to_owned(),
        Some(Value::StringValue(_)) => "Str",
        Some(Value::BoolValue(_)) => "Bool",
        Some(Value::IntValue(_)) => "Int",
        Some(Value::DoubleValue(_)) => "Double",
        Some(Value::ArrayValue(_)) => "Slice",
        Some(Value::KvlistValue(_)) => "Map",
        Some(Value::BytesValue(_)) => "Bytes",
        Some(_) => "Other",
    };
    format!("{name}({})", plain(value))
}

fn json(value: Option<&AnyValue>) -> serde_json::Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BoolValue(yes)) => (*yes).into(),
        Some(Value::IntValue(number)) => (*number).into(),
        Some(Value::DoubleValue(number)) if number.is_finite() => (*number).into(),
        Some(Value::DoubleValue(number)) => number.to_string().into(),
        Some(Value::BytesValue(bytes)) => base64(bytes).into(),
        Some(Value::ArrayValue(array)) => array.values.iter().map(|value| json(Some(value))).collect(),
        Some(Value::KvlistValue(list)) => {
            let members = list.values.iter().map(|pair| (pair.key.clone(), json(pair.value.as_ref())));
            serde_json::Value::Object(members.collect())
        }
        _ => serde_json::Value::Null,
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    push_base64(&mut text, bytes);
    text
}

/// ` key=value` for each.
pub(super) fn pairs(attributes: &[KeyValue]) -> String {
    attributes.iter().map(|pair| format!(" {}={}", pair.key, plain(pair.value.as_ref()))).collect()
}

/// A line ` -> key: Type(value)` for each, after its heading; nothing when there are none.
pub(super) fn listed(out: &mut String, indent: &str, heading: &str, attributes: &[KeyValue]) {
    if attributes.is_empty() {
        return;
    }
    out.push_str(&format!("{indent}{heading}:\n"));
    for pair in attributes {
        out.push_str(&format!("{indent}     -> {}: {}\n", pair.key, typed(pair.value.as_ref())));
    }
}

/// ` [schema]`, or nothing.
pub(super) fn bracketed(schema_url: &str) -> String {
    if schema_url.is_empty() { String::new() } else { format!(" [{schema_url}]") }
}

/// Attributes of a resource that may be missing.
pub(super) fn of_resource(resource: Option<&Resource>) -> &[KeyValue] {
    resource.map_or(&[], |resource| &resource.attributes)
}

/// `name@version` and attributes of a scope that may be missing.
pub(super) fn of_scope(scope: Option<&InstrumentationScope>) -> (String, &[KeyValue]) {
    let Some(scope) = scope else { return (String::new(), &[]) };
    let version = if scope.version.is_empty() { String::new() } else { format!("@{}", scope.version) };
    (format!("{}{version}", scope.name), &scope.attributes)
}

/// Lower-case hexadecimal.
pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `2026-01-02 03:04:05.678 +0000 UTC`, trailing zeros of the fraction left out.
pub(super) fn time(unix_ns: u64) -> String {
    let (seconds, nanos) = (unix_ns / 1_000_000_000, unix_ns % 1_000_000_000);
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from March of year 0, so that leap days end a year (the proleptic Gregorian calendar).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}").trim_end_matches('0').to_owned() };
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} +0000 UTC")
}
