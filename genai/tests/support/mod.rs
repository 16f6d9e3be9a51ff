//! Records made for tests: one span or log of a scope with given attributes, through the normaliser.
#![allow(dead_code, reason = "every test file uses a part")]

pub mod given;
pub mod tables;

use chaperone_genai::dialects::{self, Normalizer, Options};
use chaperone_proto::{Data, Limits, RecordRef, Signal, Value, ValueRef};
use serde_json::{Value as Json, json};

pub const OPENINFERENCE: &str = "openinference.instrumentation.openai";
pub const OPENLLMETRY: &str = "traceloop.tracer";
pub const OTEL: &str = "opentelemetry.util.genai.handler";

/// An OTLP/JSON value of a plain one.
pub fn any(value: &Json) -> Json {
    match value {
        Json::String(text) => json!({"stringValue": text}),
        Json::Bool(yes) => json!({"boolValue": yes}),
        Json::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Json::Number(number) => json!({"doubleValue": number}),
        Json::Array(items) => json!({"arrayValue": {"values": items.iter().map(any).collect::<Vec<_>>()}}),
        Json::Object(_) => json!({"kvlistValue": {"values": attributes(value)}}),
        Json::Null => json!({}),
    }
}

/// OTLP/JSON attributes of a plain object.
pub fn attributes(object: &Json) -> Json {
    let pairs = object.as_object().expect("attributes are an object");
    pairs.iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
}

pub fn decode(signal: Signal, request: &Json) -> Data {
    dialects::install();
    Data::decode_json(signal, request.to_string().as_bytes(), &Limits::default()).expect("a valid request")
}

/// A span with whatever else is in `span` (OTLP/JSON).
pub fn span_of(scope: (&str, &str), mut span: Json, attrs: &Json) -> Data {
    let fields = span.as_object_mut().expect("a span is an object");
    fields.entry("traceId").or_insert(json!("0102030405060708090a0b0c0d0e0f10"));
    fields.entry("spanId").or_insert(json!("0102030405060708"));
    fields.entry("name").or_insert(json!("s"));
    fields.insert("attributes".to_owned(), attributes(attrs));
    let scope = json!({"name": scope.0, "version": scope.1});
    decode(Signal::Traces, &json!({"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": [span]}]}]}))
}

pub fn span(scope: &str, attrs: &Json) -> Data {
    span_of((scope, "1"), json!({}), attrs)
}

/// A log record with these fields (OTLP/JSON) and attributes.
pub fn log_of(scope: &str, mut log: Json, attrs: &Json) -> Data {
    let fields = log.as_object_mut().expect("a log is an object");
    fields.insert("attributes".to_owned(), attributes(attrs));
    let scope = json!({"name": scope});
    decode(Signal::Logs, &json!({"resourceLogs": [{"scopeLogs": [{"scope": scope, "logRecords": [log]}]}]}))
}

pub fn normalized(mut data: Data) -> Data {
    Normalizer::all(Options::default()).normalize(&mut data);
    data
}

/// A normalised span's attribute as plain JSON; text that is JSON stays text.
pub fn value(data: &Data, key: &str) -> Option<Json> {
    data.record(0).attrs().get_named(key).map(plain)
}

/// The same for text that holds JSON.
pub fn parsed(data: &Data, key: &str) -> Json {
    let text = value(data, key).unwrap_or_else(|| panic!("`{key}` is there"));
    serde_json::from_str(text.as_str().expect("text")).expect("JSON")
}

pub fn plain(value: ValueRef<'_>) -> Json {
    let mut text = String::new();
    value.write_json(&mut text);
    serde_json::from_str(&text).expect("JSON")
}

pub fn shown(record: RecordRef<'_>) -> Vec<(String, Value)> {
    record.attrs().iter().map(|(key, value)| (key.name.to_owned(), value.to_value())).collect()
}
