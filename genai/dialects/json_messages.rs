//! Messages inside JSON text: requests and answers of provider APIs, lists of messages, or plain text.
//!
//! Read: OpenAI chat completions and Responses, Anthropic messages, LangChain's nested lists, the parts schema itself.
//! A text that is none of these is one message with that text; text cut in the middle of its JSON too.

use super::messages::{Message, Part, media};
use super::words::is_redacted;
use serde_json::{Map, Value};
use std::borrow::Cow;

type Object = Map<String, Value>;

/// Messages of a request, in whatever shape the text has.
pub(crate) fn input(text: &str) -> Vec<Message<'_>> {
    read(text, "user", &["messages", "input", "prompt"])
}

/// Messages of an answer.
pub(crate) fn output(text: &str) -> Vec<Message<'_>> {
    read(text, "assistant", &["choices", "output", "messages"])
}

fn read<'a>(text: &'a str, role: &'static str, lists: &[&str]) -> Vec<Message<'a>> {
    if is_redacted(text.trim()) {
        return Vec::new();
    }
    let parsed: Option<Value> =
        if text.trim_start().starts_with(['{', '[', '"']) { serde_json::from_str(text).ok() } else { None };
    let messages = match parsed {
        Some(Value::Array(items)) => of_list(items, role),
        Some(Value::String(inner)) => vec![Message::text(role, inner)],
        Some(Value::Object(mut object)) => match lists.iter().find_map(|list| object.remove(*list)) {
            Some(Value::Array(items)) => of_list(items, role),
            Some(Value::String(inner)) => vec![Message::text(role, inner)],
            _ => of_object(object, role).into_iter().collect(),
        },
        _ => Vec::new(),
    };
    if messages.is_empty() { vec![Message::text(role, text)] } else { messages }
}

fn of_list(items: Vec<Value>, role: &'static str) -> Vec<Message<'static>> {
    let mut messages = Vec::new();
    for item in items {
        match item {
            Value::Object(object) => messages.extend(of_object(object, role)),
            Value::Array(inner) => messages.extend(of_list(inner, role)),
            Value::String(text) => messages.push(Message::text(role, text)),
            _ => {}
        }
    }
    messages
}

/// One message, or nothing if the object is not a message.
pub(crate) fn of_object(mut object: Object, role: &'static str) -> Option<Message<'static>> {
    if let Some(Value::Object(mut inner)) = object.remove("message") {
        // A choice of an answer.
        if let Some(reason) = object.remove("finish_reason") {
            inner.insert("finish_reason".to_owned(), reason);
        }
        return of_object(inner, role);
    }
    let mut message = Message { finish_reason: take(&mut object, "finish_reason"), ..Message::default() };
    message.name = take(&mut object, "name").filter(|_| !is_item(&object));
    message.role = take(&mut object, "role");
    if let Some(Value::Array(parts)) = object.remove("parts") {
        message.parts = parts.into_iter().map(|part| Part::Json(Cow::Owned(part.to_string()))).collect();
        return Some(with_role(message, role));
    }
    if is_item(&object) {
        message.role = Some(Cow::Borrowed(if object.contains_key("output") { "tool" } else { "assistant" }));
        message.push(block(object)?);
        return Some(message);
    }
    let response_to = take(&mut object, "tool_call_id")
        .or_else(|| if message.role.as_deref() == Some("tool") { take(&mut object, "id") } else { None });
    let is_tool = message.role.as_deref() == Some("tool") || response_to.is_some();
    match object.remove("content") {
        Some(content) if is_tool => {
            message.push(Part::ToolResponse { id: response_to, response: Some(Cow::Owned(plain_text(content))) });
        }
        _ if is_tool => message.push(Part::ToolResponse { id: response_to, response: None }),
        Some(Value::String(text)) if !text.is_empty() => message.push(Part::Text(Cow::Owned(text))),
        Some(Value::Array(blocks)) => {
            for item in blocks {
                match item {
                    Value::Object(item) => block(item).into_iter().for_each(|part| message.push(part)),
                    Value::String(text) => message.push(Part::Text(Cow::Owned(text))),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    if let Some(Value::Array(calls)) = object.remove("tool_calls") {
        for call in calls {
            if let Value::Object(call) = call {
                tool_call(call).into_iter().for_each(|part| message.push(part));
            }
        }
    }
    let is_message = message.role.is_some() || !message.parts.is_empty();
    is_message.then(|| with_role(message, role))
}

fn with_role(mut message: Message<'static>, role: &'static str) -> Message<'static> {
    let only_responses = !message.parts.is_empty() && message.parts.iter().all(|part| matches!(part, Part::ToolResponse { .. }));
    message.role.get_or_insert(Cow::Borrowed(if only_responses { "tool" } else { role }));
    message
}

/// An item of OpenAI's Responses API that is not a message.
fn is_item(object: &Object) -> bool {
    matches!(object.get("type").and_then(Value::as_str), Some("function_call" | "function_call_output" | "reasoning"))
}

fn block(mut object: Object) -> Option<Part<'static>> {
    let kind = take(&mut object, "type").unwrap_or_default();
    match kind.as_ref() {
        "text" | "input_text" | "output_text" | "" => take(&mut object, "text").map(Part::Text),
        "thinking" => take(&mut object, "thinking").map(Part::Reasoning),
        "reasoning" => {
            let text = object.remove("summary").or_else(|| object.remove("text")).or_else(|| object.remove("reasoning"));
            text.map(|text| Part::Reasoning(Cow::Owned(plain_text(text))))
        }
        "tool_use" | "function_call" | "tool_call" => tool_call(object),
        "tool_result" | "function_call_output" => {
            let id = take(&mut object, "tool_use_id").or_else(|| take(&mut object, "call_id"));
            let response = object.remove("content").or_else(|| object.remove("output"));
            Some(Part::ToolResponse { id, response: response.map(|content| Cow::Owned(plain_text(content))) })
        }
        "image_url" => {
            let address = match object.remove("image_url") {
                Some(Value::Object(mut inner)) => take(&mut inner, "url"),
                Some(Value::String(url)) => Some(Cow::Owned(url)),
                _ => None,
            };
            address.map(|address| media(Cow::Borrowed("image"), address))
        }
        _ => None,
    }
}

fn tool_call(mut call: Object) -> Option<Part<'static>> {
    let id = take(&mut call, "call_id").or_else(|| take(&mut call, "id"));
    let mut function = match call.remove("function") {
        Some(Value::Object(function)) => function,
        _ => call,
    };
    let name = take(&mut function, "name");
    let arguments = ["arguments", "input", "args"].iter().find_map(|key| function.remove(*key));
    let arguments = arguments.filter(|arguments| !arguments.is_null()).map(|arguments| Cow::Owned(plain_text(arguments)));
    (id.is_some() || name.is_some()).then(|| Part::ToolCall { id, name: name.unwrap_or_default(), arguments })
}

/// The text of a value: of a list of text blocks their texts, of anything else its JSON.
fn plain_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| item.get("text").is_some_and(Value::is_string)) => {
            items.iter().filter_map(|item| item.get("text").and_then(Value::as_str)).collect()
        }
        other => other.to_string(),
    }
}

fn take(object: &mut Object, key: &str) -> Option<Cow<'static, str>> {
    match object.remove(key)? {
        Value::String(text) => Some(Cow::Owned(text)),
        other => {
            object.insert(key.to_owned(), other);
            None
        }
    }
}
