//! Tool calls in the messages of one record: asked for in the answer, answered in the request.
//!
//! Reads the canonical parts schema, as JSON text or structured. Only text that can hold a tool call is parsed.
//! The history inside a request also names the tools whose results it holds.

use crate::keys;
use crate::record::{json_scan, plain, to_json};
use chaperone_proto::{KeyId, RecordRef, ValueRef};
use serde::Deserialize;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::cell::Cell;

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
    /// A flag beside the result says that the tool failed.
    pub failed: bool,
}

/// Tool calls that the messages of one record tell about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// In the answer, in order; each call id once.
    pub requested: Vec<RequestedCall>,
    /// In the request: calls of the history and their results, in order. Most were told of before, so they are looked at late.
    history: Vec<Past>,
}

impl Conversation {
    /// Reads the messages of a record.
    pub fn read(record: RecordRef<'_>) -> Conversation {
        let mut requested: Vec<RequestedCall> = Vec::new();
        let mut history = Vec::new();
        parts(record, keys::GEN_AI_OUTPUT_MESSAGES, |past| {
            let Some(part) = past.read().filter(|part| part.is(CALL)) else { return };
            let call = part.requested();
            if call.id.is_none() || !requested.iter().any(|known| known.id == call.id) {
                requested.push(call);
            }
        });
        parts(record, keys::GEN_AI_INPUT_MESSAGES, |past| history.push(past));
        Conversation { requested, history }
    }

    /// Without calls that nothing but their place tells apart: of records that may repeat what others say.
    pub fn with_ids(mut self) -> Conversation {
        self.requested.retain(|call| call.id.is_some());
        self
    }

    /// Whether the request holds results.
    pub fn has_outcomes(&self) -> bool {
        self.history.iter().any(|past| past.is_result)
    }

    /// The results in the request for which `wanted` holds, by call id; each id is asked for once.
    pub fn outcomes(&self, mut wanted: impl FnMut(&str) -> bool) -> Vec<ToolOutcome> {
        let mut seen: Vec<&Json> = Vec::new();
        let mut outcomes = Vec::new();
        for past in self.history.iter().filter(|past| past.is_result) {
            let (Some(id), Some(text)) = (&past.id, text(past.id.as_ref())) else { continue };
            if seen.contains(&id) {
                continue;
            }
            if wanted(&text) {
                // What turns out to be no JSON hides nothing that comes after it.
                let Some(outcome) = self.outcome(past, text) else { continue };
                outcomes.push(outcome);
            }
            seen.push(id);
        }
        outcomes
    }

    fn outcome(&self, past: &Past, id: String) -> Option<ToolOutcome> {
        let part = past.read()?;
        let mut asked = self.history.iter().filter(|asked| !asked.is_result && asked.id == past.id);
        let call = asked.find_map(Past::read).map(|part| part.requested());
        let result = part.response.as_ref().or(part.result.as_ref()).filter(|result| !result.is_null());
        let asked_name = call.as_ref().map(|call| call.name.clone()).filter(|name| !name.is_empty());
        Some(ToolOutcome {
            name: text(part.name.as_ref()).or(asked_name),
            arguments: call.and_then(|call| call.arguments),
            result: result.map(|result| unfolded(result).0),
            failed: part.is_error == Some(Json::Bool(true)),
            id,
        })
    }
}

const CALL: &str = "tool_call";
const RESULT: &str = "tool_call_response";

/// A part as it was found, with no more read of it than its id.
#[derive(Debug, Clone, PartialEq)]
struct Past {
    /// Else it is a call.
    is_result: bool,
    id: Option<Json>,
    part: Unread,
}

#[derive(Debug, Clone, PartialEq)]
enum Unread {
    Text(Box<str>),
    Structured(Box<Part>),
}

impl Past {
    fn of_text(text: &str, is_result: bool) -> Past {
        let id = json_scan::member(text, "id").and_then(|id| serde_json::from_str(id).ok()).filter(|id: &Json| !id.is_null());
        Past { is_result, id, part: Unread::Text(text.into()) }
    }

    /// All of it; `None` when it is no JSON.
    fn read(&self) -> Option<Cow<'_, Part>> {
        match &self.part {
            Unread::Text(text) => serde_json::from_str(text).ok().map(Cow::Owned),
            Unread::Structured(part) => Some(Cow::Borrowed(part)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
struct Part {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    id: Option<Json>,
    name: Option<Json>,
    arguments: Option<Json>,
    response: Option<Json>,
    result: Option<Json>,
    is_error: Option<Json>,
}

#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    ToolCall,
    ToolCallResponse,
    #[serde(other)]
    Other,
}

impl Part {
    fn is(&self, kind: &str) -> bool {
        match self.kind {
            Some(Kind::ToolCall) => kind == CALL,
            Some(Kind::ToolCallResponse) => kind == RESULT,
            Some(Kind::Other) | None => false,
        }
    }

    fn requested(&self) -> RequestedCall {
        let unfolded = self.arguments.as_ref().filter(|arguments| !arguments.is_null()).map(unfolded);
        let is_text = |value: &Json| value.as_str().is_some_and(|text| !text.trim().is_empty());
        RequestedCall {
            id: text(self.id.as_ref()),
            name: text(self.name.as_ref()).unwrap_or_default(),
            unparseable: unfolded.as_ref().is_some_and(|(value, parsed)| !parsed && is_text(value)),
            arguments: unfolded.map(|(value, _)| value),
        }
    }
}

/// Text that holds JSON as that JSON, and whether the value is structured or was parsed.
pub(super) fn unfolded(value: &Json) -> (Json, bool) {
    match value.as_str() {
        Some(text) if !may_be_json(text) => (value.clone(), false),
        Some(text) => match serde_json::from_str::<Json>(text) {
            Ok(inner) => (inner, true),
            Err(_) => (value.clone(), false),
        },
        None => (value.clone(), true),
    }
}

/// Whether a text begins as JSON does: an error of the parser costs more than a look.
fn may_be_json(text: &str) -> bool {
    let begin = text.trim_ascii_start().bytes().next();
    begin.is_some_and(|byte| matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
}

/// The value of an attribute as JSON; text that holds JSON is unfolded, other text stays text.
pub(crate) fn attribute(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Str(text) if !may_be_json(text) => Json::from(text),
        ValueRef::Str(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)),
        other => plain(other),
    }
}

/// The calls of tools and their results in the messages under `key`.
fn parts(record: RecordRef<'_>, key: KeyId, mut found: impl FnMut(Past)) {
    let Some(entry) = record.attrs().entry(key) else { return };
    if let Some(bytes) = entry.text_bytes() {
        if json_scan::may_call_tools(bytes) {
            // What kind a part is, is asked just before it is shown.
            let is_result = Cell::new(false);
            let is_wanted = |kind: &str| {
                is_result.set(kind == RESULT);
                kind == CALL || kind == RESULT
            };
            let text = entry.value().as_str().unwrap_or("");
            json_scan::parts(text, is_wanted, |part| found(Past::of_text(part, is_result.get())));
        }
        return;
    }
    let Some(Json::Array(messages)) = to_json(entry.value()) else { return };
    let of_message = |mut message: Json| message.get_mut("parts").map(Json::take);
    let parts = messages.into_iter().filter_map(of_message).filter_map(|parts| serde_json::from_value::<Vec<Json>>(parts).ok());
    let parts = parts.flatten().filter_map(|part| serde_json::from_value::<Part>(part).ok());
    for part in parts.filter(|part| part.is(CALL) || part.is(RESULT)) {
        found(Past { is_result: part.is(RESULT), id: part.id.clone(), part: Unread::Structured(Box::new(part)) });
    }
}

fn text(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
