//! Tool calls and results in the canonical message attributes.
//!
//! `gen_ai.input.messages` and `gen_ai.output.messages` hold the parts schema, as JSON text or as structured values.
//! Both are read; text that is no JSON, cut short, or of another shape gives nothing and is no error.

use super::json_scan;
use crate::keys;
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use serde_json::Value as Json;

/// A tool call that a model asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCallRequest {
    /// Call id, when the wire carries one.
    pub id: Option<String>,
    /// Tool name as on the wire.
    pub name: String,
    /// Arguments as JSON text with sorted keys; `None` when absent (content capture off).
    pub arguments_json: Option<String>,
}

/// The result of a tool call that a request's messages carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// Call id, when the wire carries one.
    pub call_id: Option<String>,
    /// The result as JSON text with sorted keys; `None` when absent (content capture off).
    pub content_json: Option<String>,
}

/// Tool calls in the model's answer (`gen_ai.output.messages`), in order; each call id once.
pub fn tool_calls_in_output(record: RecordRef<'_>) -> Vec<ToolCallRequest> {
    let mut calls: Vec<ToolCallRequest> = Vec::new();
    for_each_part(record, keys::GEN_AI_OUTPUT_MESSAGES, "tool_call", |part| {
        let id = text(part.get("id"));
        if id.is_some() && calls.iter().any(|call| call.id == id) {
            return;
        }
        let name = text(part.get("name")).unwrap_or_default();
        calls.push(ToolCallRequest { id, name, arguments_json: json(part.get("arguments")) });
    });
    calls
}

/// Results of tool calls in the request (`gen_ai.input.messages`), in order, history included.
pub fn tool_results_in_input(record: RecordRef<'_>) -> Vec<ToolResult> {
    let mut results = Vec::new();
    for_each_part(record, keys::GEN_AI_INPUT_MESSAGES, "tool_call_response", |part| {
        let content = part.get("response").or_else(|| part.get("result"));
        results.push(ToolResult { call_id: text(part.get("id")), content_json: json(content) });
    });
    results
}

/// `gen_ai.response.finish_reasons`, one word a choice.
pub fn finish_reasons(record: RecordRef<'_>) -> Vec<&str> {
    match record.attrs().get(keys::GEN_AI_RESPONSE_FINISH_REASONS) {
        Some(ValueRef::Array(reasons)) => reasons.iter().filter_map(ValueRef::as_str).collect(),
        Some(ValueRef::Str(reason)) => vec![reason],
        _ => Vec::new(),
    }
}

fn for_each_part(record: RecordRef<'_>, key: KeyId, kind: &str, mut each: impl FnMut(&Json)) {
    let Some(entry) = record.attrs().entry(key) else { return };
    if let Some(bytes) = entry.text_bytes() {
        // Most answers hold no tool call: a search of the text is cheaper than a walk through it.
        if !json_scan::may_call_tools(bytes) {
            return;
        }
        let text = entry.value().as_str().unwrap_or("");
        return json_scan::parts(text, |found| found == kind, |part| serde_json::from_str(part).iter().for_each(&mut each));
    }
    let Some(messages) = to_json(entry.value()) else { return };
    for message in messages.as_array().into_iter().flatten() {
        for part in message.get("parts").and_then(Json::as_array).into_iter().flatten() {
            if part.get("type").and_then(Json::as_str) == Some(kind) {
                each(part);
            }
        }
    }
}

/// A value as JSON: text is parsed, anything else is converted. `None` for text that is no JSON.
pub(crate) fn to_json(value: ValueRef<'_>) -> Option<Json> {
    Some(match value {
        ValueRef::Str(text) => return serde_json::from_str(text).ok(),
        ValueRef::Array(items) => Json::Array(items.iter().map(plain).collect()),
        other => plain(other),
    })
}

/// JSON text of a value; text is quoted, not parsed.
pub(crate) fn plain_json(value: ValueRef<'_>) -> String {
    plain(value).to_string()
}

/// A value as JSON without parsing text.
pub(crate) fn plain(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Empty => Json::Null,
        ValueRef::Str(text) => Json::from(text),
        ValueRef::Int(number) => Json::from(number),
        ValueRef::Double(number) => Json::from(number),
        ValueRef::Bool(yes) => Json::from(yes),
        ValueRef::Bytes(bytes) => Json::from(super::ids::hex(bytes)),
        ValueRef::Array(items) => Json::Array(items.iter().map(plain).collect()),
        ValueRef::Map(pairs) => Json::Object(pairs.iter().map(|(key, value)| (key.to_owned(), plain(value))).collect()),
    }
}

fn text(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// JSON text with sorted keys; text that itself holds a JSON object or array is unfolded, so that both spellings are equal.
fn json(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::Null => None,
        Json::String(text) if text.starts_with(['{', '[']) => {
            let inner: Option<Json> = serde_json::from_str(text).ok();
            Some(inner.unwrap_or_else(|| Json::from(text.as_str())).to_string())
        }
        other => Some(other.to_string()),
    }
}
