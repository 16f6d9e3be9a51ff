//! AutoGen's own event log: lines of JSON whose `type` says what happened (`LLMCall`, `ToolCall`).
//!
//! The body holds everything: messages, the provider's answer, counts, a tool's name, arguments and result.
//! Other types (messages between agents) say nothing of a call and stay as they are.

use super::json_messages;
use super::json_parts::content_text;
use super::messages::write_messages;
use super::plan::Plan;
use super::{Dialect, python_text};
use crate::keys;
use chaperone_proto::{KeyId, LogRef, RecordRef, Value, ValueRef};
use serde_json::{Map, Value as Json};

pub(crate) fn add(record: RecordRef<'_>, dialect: Dialect, plan: &mut Plan) {
    let RecordRef::Log(log) = record else { return };
    if dialect.id() != "autogen" {
        return;
    }
    let body = match log.body() {
        ValueRef::Str(text) if text.trim_start().starts_with('{') => python_text::structured(text),
        ValueRef::Map(pairs) => Some(crate::record::plain(ValueRef::Map(pairs))),
        _ => None,
    };
    let Some(Json::Object(mut body)) = body else { return };
    match body.get("type").and_then(Json::as_str) {
        Some("LLMCall" | "LLMStreamEnd") => add_call(log, &mut body, plan),
        Some("ToolCall") => add_tool(log, &mut body, plan),
        _ => return,
    }
    if let Some(agent) = body.get("agent_id").and_then(Json::as_str) {
        put(log, plan, keys::GEN_AI_AGENT_ID, Some(agent.to_owned()));
    }
}

fn put(log: LogRef<'_>, plan: &mut Plan, key: KeyId, text: Option<String>) {
    if let Some(text) = text.filter(|text| !text.is_empty() && !log.attrs().has(key)) {
        plan.counts.mapped += 1;
        plan.add(key, Value::Str(text));
    }
}

fn add_call(log: LogRef<'_>, body: &mut Map<String, Json>, plan: &mut Plan) {
    put(log, plan, keys::GEN_AI_OPERATION_NAME, Some("chat".to_owned()));
    for (name, key) in
        [("prompt_tokens", keys::GEN_AI_USAGE_INPUT_TOKENS), ("completion_tokens", keys::GEN_AI_USAGE_OUTPUT_TOKENS)]
    {
        if let Some(count) = body.get(name).and_then(Json::as_i64).filter(|_| !log.attrs().has(key)) {
            plan.add(key, Value::Int(count));
        }
    }
    let response = body.remove("response").unwrap_or_default();
    let text = |name: &str| response.get(name).and_then(Json::as_str).map(str::to_owned);
    put(log, plan, keys::GEN_AI_RESPONSE_MODEL, text("model"));
    put(log, plan, keys::GEN_AI_RESPONSE_ID, text("id"));
    if let Some(messages) = body.remove("messages") {
        put(log, plan, keys::GEN_AI_INPUT_MESSAGES, Some(write_messages(&json_messages::input_of(messages))));
    }
    let answer = json_messages::output_of(response);
    if answer.is_empty() {
        return;
    }
    let reasons: Vec<Value> = answer
        .iter()
        .filter_map(|message| message.finish_reason.as_deref())
        .map(|word| Value::Str(super::words::finish_reason(word).to_owned()))
        .collect();
    if !reasons.is_empty() && !log.attrs().has(keys::GEN_AI_RESPONSE_FINISH_REASONS) {
        plan.add(keys::GEN_AI_RESPONSE_FINISH_REASONS, Value::Array(reasons));
    }
    put(log, plan, keys::GEN_AI_OUTPUT_MESSAGES, Some(write_messages(&answer)));
}

fn add_tool(log: LogRef<'_>, body: &mut Map<String, Json>, plan: &mut Plan) {
    put(log, plan, keys::GEN_AI_OPERATION_NAME, Some("execute_tool".to_owned()));
    for (name, key) in [
        ("tool_name", keys::GEN_AI_TOOL_NAME),
        ("arguments", keys::GEN_AI_TOOL_CALL_ARGUMENTS),
        ("result", keys::GEN_AI_TOOL_CALL_RESULT),
    ] {
        put(log, plan, key, body.remove(name).filter(|value| !value.is_null()).map(content_text));
    }
}
