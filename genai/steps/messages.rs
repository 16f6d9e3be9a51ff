//! Tool calls in the messages of one record: asked for in the answer, answered in the request.
//!
//! Reads the canonical parts schema, as JSON text or structured. Only text that can hold a tool call is parsed.
//! The history inside a request also names the tools whose results it holds.

use crate::keys;
use crate::record::{plain, to_json};
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use serde_json::Value as Json;

/// A tool call in a model's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedCall {
    /// Call id, when the wire carries one.
    pub id: Option<String>,
    /// Tool's name.
    pub name: String,
    /// Arguments; text that holds JSON is unfolded. `None` when content was not captured.
    pub arguments: Option<Json>,
    /// The arguments are text, not empty, and no JSON.
    pub unparseable: bool,
}

/// The result of a tool call in a request.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutcome {
    /// Call id.
    pub id: String,
    /// Tool's name, if the history in the same request names it.
    pub name: Option<String>,
    /// Arguments, if the history has them.
    pub arguments: Option<Json>,
    /// The result. `None` when content was not captured.
    pub result: Option<Json>,
}

/// Tool calls that the messages of one record tell about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// In the answer, in order; each call id once.
    pub requested: Vec<RequestedCall>,
    /// In the request, in order; each call id once.
    pub outcomes: Vec<ToolOutcome>,
}

impl Conversation {
    /// Reads the messages of a record.
    pub fn read(record: RecordRef<'_>) -> Conversation {
        let mut read = Conversation::default();
        for part in parts(record, keys::GEN_AI_OUTPUT_MESSAGES, "tool_call") {
            read.request(&part);
        }
        let history = parts(record, keys::GEN_AI_INPUT_MESSAGES, "tool_call_response");
        let asked: Vec<RequestedCall> = history.iter().filter(|part| is(part, "tool_call")).map(requested).collect();
        for part in history.iter().filter(|part| is(part, "tool_call_response")) {
            read.outcome(part, &asked);
        }
        read
    }

    fn request(&mut self, part: &Json) {
        if !is(part, "tool_call") {
            return;
        }
        let call = requested(part);
        if call.id.is_none() || !self.requested.iter().any(|known| known.id == call.id) {
            self.requested.push(call);
        }
    }

    fn outcome(&mut self, part: &Json, asked: &[RequestedCall]) {
        let Some(id) = text(part.get("id")) else { return };
        if self.outcomes.iter().any(|known| known.id == id) {
            return;
        }
        let call = asked.iter().find(|call| call.id.as_deref() == Some(&id));
        let own_name = text(part.get("name"));
        let result = part.get("response").or_else(|| part.get("result")).filter(|result| !result.is_null());
        self.outcomes.push(ToolOutcome {
            name: own_name.or_else(|| call.map(|call| call.name.clone()).filter(|name| !name.is_empty())),
            arguments: call.and_then(|call| call.arguments.clone()),
            result: result.map(|result| unfolded(result).0),
            id,
        });
    }
}

fn requested(part: &Json) -> RequestedCall {
    let arguments = part.get("arguments").filter(|arguments| !arguments.is_null());
    let unfolded = arguments.map(unfolded);
    let unparseable =
        unfolded.as_ref().is_some_and(|(value, parsed)| !parsed && value.as_str().is_some_and(|t| !t.trim().is_empty()));
    RequestedCall {
        id: text(part.get("id")),
        name: text(part.get("name")).unwrap_or_default(),
        arguments: unfolded.map(|(value, _)| value),
        unparseable,
    }
}

/// Text that holds JSON as that JSON, and whether the value is structured or was parsed.
pub(super) fn unfolded(value: &Json) -> (Json, bool) {
    match value.as_str() {
        Some(text) => match serde_json::from_str::<Json>(text) {
            Ok(inner) => (inner, true),
            Err(_) => (value.clone(), false),
        },
        None => (value.clone(), true),
    }
}

/// The value of an attribute as JSON; text that holds JSON is unfolded, other text stays text.
pub(crate) fn attribute(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Str(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)),
        other => plain(other),
    }
}

/// All parts of the messages under `key`, if the text may hold a part of type `wanted`.
fn parts(record: RecordRef<'_>, key: KeyId, wanted: &str) -> Vec<Json> {
    let Some(value) = record.attrs().get(key) else { return Vec::new() };
    if value.as_str().is_some_and(|text| !text.contains(wanted)) {
        return Vec::new();
    }
    let Some(Json::Array(messages)) = to_json(value) else { return Vec::new() };
    let mut all = Vec::new();
    for mut message in messages {
        if let Some(Json::Array(parts)) = message.get_mut("parts").map(Json::take) {
            all.extend(parts);
        }
    }
    all
}

fn is(part: &Json, kind: &str) -> bool {
    part.get("type").and_then(Json::as_str) == Some(kind)
}

fn text(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
