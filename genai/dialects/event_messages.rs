//! Span events that carry one message each, as the conventions had them up to 1.36 and some emitters still send them.
//!
//! Names and places are those of the log events (`message_logs.tsv`). The message stands in an attribute: text, JSON of a message,
//! or JSON of its blocks. On a tool's span the tool message holds the arguments and the choice the result.
//! Span events are the last source: what attributes say wins.

use super::json_messages::{add_blocks, of_object};
use super::message_logs;
use super::messages::{Message, Part, write_messages, write_parts};
use super::normalize::text;
use super::plan::Plan;
use super::{python_text, tool_values, words};
use crate::keys;
use chaperone_proto::{Attrs, KeyId, RecordRef, SpanRef, Value, ValueRef};
use serde_json::Value as Json;
use std::borrow::Cow;

/// Attributes that hold the message, beside the conventions' own.
const CONTENT: [&str; 2] = ["content", "message"];

pub(crate) fn add(record: RecordRef<'_>, plan: &mut Plan) {
    let Some(span) = record.as_span() else { return };
    if !span.events().any(|event| message_logs::place(event.name()).is_some()) {
        return;
    }
    let operation = text(record, plan, keys::GEN_AI_OPERATION_NAME).unwrap_or("");
    if operation == "execute_tool" {
        add_tool(record, span, plan);
    } else if crate::record::is_call_operation(operation) || matches!(operation, "invoke_agent" | "invoke_workflow") {
        add_conversation(record, span, plan);
    }
}

fn said<'a>(attrs: Attrs<'a>, names: &[&str]) -> Option<&'a str> {
    let texts = names.iter().filter_map(|name| attrs.get_named(name).and_then(ValueRef::as_str));
    texts.into_iter().find(|text| !words::is_redacted(text))
}

/// The text of the message.
fn content<'a>(attrs: Attrs<'a>) -> Option<&'a str> {
    said(attrs, &CONTENT).or_else(|| attrs.str(keys::GEN_AI_EVENT_CONTENT).filter(|text| !words::is_redacted(text)))
}

fn add_absent(record: RecordRef<'_>, plan: &mut Plan, key: KeyId, value: impl FnOnce() -> Value) {
    if !record.attrs().has(key) && plan.planned(key).is_none() {
        plan.counts.mapped += 1;
        plan.add(key, value());
    }
}

fn add_tool(record: RecordRef<'_>, span: SpanRef<'_>, plan: &mut Plan) {
    for event in span.events() {
        let Some(content) = content(event.attrs()) else { continue };
        match message_logs::place(event.name()) {
            Some(("input", "tool")) => add_absent(record, plan, keys::GEN_AI_TOOL_CALL_ARGUMENTS, || {
                Value::Str(tool_values::arguments(content).unwrap_or_else(|| content.to_owned()))
            }),
            Some(("output", _)) => add_absent(record, plan, keys::GEN_AI_TOOL_CALL_RESULT, || {
                Value::Str(tool_values::result(content).map_or_else(|| content.to_owned(), |unwrapped| unwrapped.text))
            }),
            _ => continue,
        }
        if let Some(id) = said(event.attrs(), &["id"]) {
            add_absent(record, plan, keys::GEN_AI_TOOL_CALL_ID, || Value::Str(id.to_owned()));
        }
    }
}

fn add_conversation(record: RecordRef<'_>, span: SpanRef<'_>, plan: &mut Plan) {
    let (mut instructions, mut input, mut output) = (Vec::new(), Vec::new(), Vec::new());
    for event in span.events() {
        let Some((place, role)) = message_logs::place(event.name()) else { continue };
        let Some(message) = message(event.attrs(), role) else { continue };
        match place {
            "instructions" => instructions.extend(message.parts),
            "input" => input.push(message),
            _ => output.push(message),
        }
    }
    if !instructions.is_empty() {
        add_absent(record, plan, keys::GEN_AI_SYSTEM_INSTRUCTIONS, || Value::Str(write_parts(&instructions)));
    }
    if !input.is_empty() {
        add_absent(record, plan, keys::GEN_AI_INPUT_MESSAGES, || Value::Str(write_messages(&input)));
    }
    let reasons: Vec<&str> = output.iter().filter_map(|message| message.finish_reason.as_deref()).collect();
    if !reasons.is_empty() {
        let words = || reasons.iter().map(|word| Value::Str(words::finish_reason(word).to_owned())).collect();
        add_absent(record, plan, keys::GEN_AI_RESPONSE_FINISH_REASONS, || Value::Array(words()));
    }
    if output.iter().any(|message| !message.parts.is_empty()) {
        add_absent(record, plan, keys::GEN_AI_OUTPUT_MESSAGES, || Value::Str(write_messages(&output)));
    }
}

fn message<'a>(attrs: Attrs<'a>, role: &'static str) -> Option<Message<'a>> {
    let reason = said(attrs, &["finish_reason"]).map(Cow::Borrowed);
    let content = content(attrs);
    let mut message = match content.and_then(python_text::structured) {
        Some(Json::Object(object)) => of_object(object, role)?,
        // Newer Azure SDKs: a list of one whole message.
        Some(Json::Array(mut one)) if one.len() == 1 && one.iter().any(|item| item.get("role").is_some()) => {
            let Some(Json::Object(object)) = one.pop() else { return None };
            of_object(object, role)?
        }
        Some(Json::Array(blocks)) => {
            let mut message = Message { role: Some(Cow::Borrowed(role)), ..Message::default() };
            add_blocks(blocks, &mut message);
            message
        }
        _ => {
            Message { role: Some(Cow::Borrowed(role)), parts: content.map(text_part).into_iter().collect(), ..Message::default() }
        }
    };
    if role == "tool"
        && let Some(id) = said(attrs, &["id", "tool_call_id"])
        && !message.parts.iter().any(|part| matches!(part, Part::ToolResponse { .. }))
    {
        let response =
            content.map(|text| Cow::Owned(tool_values::result(text).map_or_else(|| text.to_owned(), |inner| inner.text)));
        message.parts = vec![Part::ToolResponse { id: Some(Cow::Borrowed(id)), name: None, response, is_error: false }];
    }
    message.finish_reason = message.finish_reason.or(reason);
    (message.finish_reason.is_some() || !message.parts.is_empty()).then_some(message)
}

fn text_part(text: &str) -> Part<'_> {
    Part::Text(Cow::Borrowed(text))
}
