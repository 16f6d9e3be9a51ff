//! One answer whose parts stand under keys of their own: text, reasoning, tool calls, an object.
//!
//! A table names them with `answer-text`, `answer-reasoning`, `answer-calls` (a JSON list of calls in any shape) and `answer-json`;
//! of several keys for one part the first said wins. Together they are one message of `gen_ai.output.messages`.

use super::gather::Gathered;
use super::json_parts::tool_call;
use super::mapping::Transform;
use super::messages::{Message, Part, write_messages};
use super::normalize::is_said;
use super::plan::Plan;
use crate::keys;
use chaperone_proto::{RecordRef, Value, ValueRef};
use serde_json::Value as Json;
use std::borrow::Cow;

pub(crate) fn add(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    let is_told = record.attrs().has(keys::GEN_AI_OUTPUT_MESSAGES) || plan.planned(keys::GEN_AI_OUTPUT_MESSAGES).is_some();
    if is_told {
        return;
    }
    let said = |transform| gathered.special(transform).filter(|value| is_said(*value));
    let text = |transform| said(transform).and_then(ValueRef::as_str);
    let mut message = Message { role: Some(Cow::Borrowed("assistant")), ..Message::default() };
    if let Some(reasoning) = text(Transform::AnswerReasoning) {
        message.push(Part::Reasoning(Cow::Borrowed(reasoning)));
    }
    if let Some(text) = text(Transform::AnswerText).or_else(|| text(Transform::AnswerJson)) {
        message.push(Part::Text(Cow::Borrowed(text)));
    }
    if let Some(calls) = said(Transform::AnswerCalls) {
        calls_of(calls).into_iter().for_each(|part| message.push(part));
    }
    if message.parts.is_empty() {
        return;
    }
    message.finish_reason = match plan.planned(keys::GEN_AI_RESPONSE_FINISH_REASONS) {
        Some(Value::Array(reasons)) => reasons.first().and_then(word),
        _ => None,
    };
    plan.add(keys::GEN_AI_OUTPUT_MESSAGES, Value::Str(write_messages(&[message])));
}

fn word(value: &Value) -> Option<Cow<'static, str>> {
    if let Value::Str(word) = value { Some(Cow::Owned(word.clone())) } else { None }
}

/// Calls in any provider's shape; each item may be JSON text.
fn calls_of(value: ValueRef<'_>) -> Vec<Part<'static>> {
    let list = match value {
        ValueRef::Str(text) => super::json_paths::parse(text),
        other => Some(crate::record::plain(other)),
    };
    let items = match list {
        Some(Json::Array(items)) => items,
        Some(object @ Json::Object(_)) => vec![object],
        _ => Vec::new(),
    };
    let call = |item: Json| match item {
        Json::Object(call) => tool_call(call),
        Json::String(text) => match super::json_paths::parse(&text) {
            Some(Json::Object(call)) => tool_call(call),
            _ => None,
        },
        _ => None,
    };
    items.into_iter().filter_map(call).collect()
}
