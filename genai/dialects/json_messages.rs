//! Messages inside JSON or Python text: requests and answers of provider APIs and SDKs, lists of messages, or plain text.
//!
//! Read: OpenAI chat completions and Responses, Anthropic messages, Gemini contents, Bedrock Converse, LangChain's nested lists,
//! LlamaIndex, Haystack, AutoGen and AG2 messages, the AI SDK's, the parts schema itself.
//! A text that is none of these is one message with that text; text cut in the middle of its JSON too.

use super::json_parts::{block, content_text, is_call, take, tool_call};
use super::messages::{Message, Part};
use super::python_text;
use super::words::is_redacted;
use serde_json::{Map, Value};
use std::borrow::Cow;

type Object = Map<String, Value>;

const IN_REQUESTS: &[&str] = &["messages", "input", "prompt", "contents", "task", "message"];
const IN_ANSWERS: &[&str] = &["choices", "candidates", "output", "replies", "generations", "messages"];

/// Messages of a request, in whatever shape the text has.
pub(crate) fn input(text: &str) -> Vec<Message<'_>> {
    read(text, "user", IN_REQUESTS)
}

/// Messages of an answer.
pub(crate) fn output(text: &str) -> Vec<Message<'_>> {
    read(text, "assistant", IN_ANSWERS)
}

/// Messages of a request that was parsed.
pub(crate) fn input_of(value: Value) -> Vec<Message<'static>> {
    of_value(value, "user", IN_REQUESTS)
}

/// Messages of an answer that was parsed.
pub(crate) fn output_of(value: Value) -> Vec<Message<'static>> {
    of_value(value, "assistant", IN_ANSWERS)
}

fn read<'a>(text: &'a str, role: &'static str, lists: &[&str]) -> Vec<Message<'a>> {
    if is_redacted(text.trim()) {
        return Vec::new();
    }
    let messages = python_text::structured(text).map_or_else(Vec::new, |value| of_value(value, role, lists));
    if messages.is_empty() { vec![Message::text(role, text)] } else { messages }
}

fn of_value(value: Value, role: &'static str, lists: &[&str]) -> Vec<Message<'static>> {
    match value {
        Value::Array(items) => of_list(items, role),
        Value::String(inner) => vec![Message::text(role, inner)],
        Value::Object(mut object) => {
            // A step's output holds the answer one level down: LlamaIndex.
            for wrapper in ["result", "response"] {
                if let Some(Value::Object(inner)) = object.get_mut(wrapper) {
                    return of_value(Value::Object(std::mem::take(inner)), role, lists);
                }
            }
            match lists.iter().find_map(|list| object.get(*list).is_some_and(is_list).then(|| object.remove(*list))).flatten() {
                Some(Value::Array(items)) => of_list(items, role),
                Some(Value::String(inner)) => vec![Message::text(role, inner)],
                _ => of_object(object, role).into_iter().collect(),
            }
        }
        _ => Vec::new(),
    }
}

fn is_list(value: &Value) -> bool {
    value.is_array() || value.is_string()
}

fn of_list(items: Vec<Value>, role: &'static str) -> Vec<Message<'static>> {
    let mut messages = Vec::new();
    for item in items {
        match item {
            Value::Object(object) => messages.extend(of_object(object, role)),
            Value::Array(inner) => messages.extend(of_list(inner, role)),
            // Messages that Python printed, one text each.
            Value::String(text) => match python_text::parse(&text) {
                Some(Value::Object(object)) if object.keys().any(|key| key.contains("role")) => {
                    messages.extend(of_object(object, role));
                }
                _ => messages.push(Message::text(role, text)),
            },
            _ => {}
        }
    }
    messages
}

/// One message, or nothing if the object is not a message.
pub(crate) fn of_object(object: Object, role: &'static str) -> Option<Message<'static>> {
    let mut object = unwrapped(object);
    if object.get("content").is_some_and(super::listings::is_function) {
        // A tool that LangChain's callbacks put among the messages.
        return None;
    }
    let reason = finish_reason(&mut object);
    if let Some(Value::Object(mut inner)) = object.remove("message") {
        // A choice of an answer.
        if let Some(reason) = reason {
            inner.insert("finish_reason".to_owned(), Value::String(reason.into_owned()));
        }
        return of_object(inner, role);
    }
    if let Some(Value::Object(content)) = object.get_mut("content").filter(|content| content.get("parts").is_some()) {
        // A candidate of Gemini.
        let message = of_object(std::mem::take(content), role)?;
        return Some(Message { finish_reason: reason.or(message.finish_reason), ..message });
    }
    let mut message = Message { finish_reason: reason, ..Message::default() };
    if !is_item(&object) && !is_call(&object) {
        message.name = take(&mut object, "name");
    }
    message.role = take_role(&mut object);
    if let Some(Value::Array(parts)) = object.remove("parts") {
        for part in parts {
            // Parts of the schema have a type; Gemini's have none.
            match part {
                Value::Object(part) if !part.contains_key("type") => block(part).into_iter().for_each(|part| message.push(part)),
                part => message.parts.push(Part::Json(Cow::Owned(part.to_string()))),
            }
        }
        add_calls(&mut object, &mut message);
        let response_to = take(&mut object, "tool_call_id");
        if let Some(id) = response_to {
            answer_of(&mut message, id);
        }
        return Some(with_role(message, role));
    }
    if is_item(&object) || is_call(&object) {
        message.role = Some(Cow::Borrowed(if object.contains_key("output") { "tool" } else { "assistant" }));
        message.push(block(object)?);
        return Some(message);
    }
    if let Some(Value::Array(responses)) = object.remove("tool_responses") {
        // AG2: the results of all calls of one answer.
        message.role = Some(Cow::Borrowed("tool"));
        for response in responses {
            if let Value::Object(response) = response {
                of_object(response, "tool").into_iter().flat_map(|response| response.parts).for_each(|part| message.push(part));
            }
        }
        return Some(message);
    }
    add_content(&mut object, &mut message);
    add_calls(&mut object, &mut message);
    // A role that is no word of anybody's was cut off with what it said.
    let is_role = |role: &str| matches!(role, "system" | "developer" | "user" | "assistant" | "tool");
    let is_message = !message.parts.is_empty() || message.role.as_deref().is_some_and(is_role) || message.finish_reason.is_some();
    is_message.then(|| with_role(message, role))
}

/// A message without what frameworks put around it; names of Python's private fields without their mark.
fn unwrapped(mut object: Object) -> Object {
    if object.contains_key("lc")
        && let Some(Value::Object(inner)) = object.remove("kwargs")
    {
        return unwrapped(inner);
    }
    if object.contains_key("type")
        && let Some(Value::Object(inner)) = object.get_mut("data").filter(|data| data.get("content").is_some())
    {
        let mut inner = std::mem::take(inner);
        inner.entry("type").or_insert_with(|| object.remove("type").unwrap_or_default());
        return inner;
    }
    if object.keys().any(|key| key == "_content" || key == "_role") {
        return object.into_iter().map(|(key, value)| (key.trim_start_matches('_').to_owned(), value)).collect();
    }
    object
}

fn finish_reason(object: &mut Object) -> Option<Cow<'static, str>> {
    let own = ["finish_reason", "stop_reason", "finishReason", "stopReason"].iter().find_map(|key| take(object, key));
    let inner = |key: &str, object: &mut Object| match object.get_mut(key) {
        Some(Value::Object(meta)) => take(meta, "finish_reason").or_else(|| take(meta, "stop_reason")),
        _ => None,
    };
    own.or_else(|| ["meta", "generation_info", "response_metadata"].iter().find_map(|key| inner(key, object)))
}

/// Roles of all frameworks, in the conventions' words.
fn take_role(object: &mut Object) -> Option<Cow<'static, str>> {
    if let Some(role) = take(object, "role") {
        let word = role.rsplit_once('.').map_or(&*role, |(_, word)| word);
        return Some(match word.to_ascii_lowercase().as_str() {
            "model" | "ai" => Cow::Borrowed("assistant"),
            "human" => Cow::Borrowed("user"),
            "function" => Cow::Borrowed("tool"),
            lower if lower == word => Cow::Owned(word.to_owned()),
            lower => Cow::Owned(lower.to_owned()),
        });
    }
    match object.get("type").and_then(Value::as_str)? {
        "human" | "HumanMessage" => Some(Cow::Borrowed("user")),
        "ai" | "AIMessage" | "AIMessageChunk" => Some(Cow::Borrowed("assistant")),
        "system" | "SystemMessage" => Some(Cow::Borrowed("system")),
        "tool" | "ToolMessage" => Some(Cow::Borrowed("tool")),
        _ => None,
    }
}

fn add_content(object: &mut Object, message: &mut Message<'static>) {
    let in_more = |object: &mut Object| match object.get_mut("additional_kwargs") {
        Some(Value::Object(more)) => take(more, "tool_call_id"),
        _ => None,
    };
    let response_to = take(object, "tool_call_id")
        .or_else(|| in_more(object))
        .or_else(|| if message.role.as_deref() == Some("tool") { take(object, "id") } else { None });
    let is_tool = response_to.is_some() || message.role.as_deref() == Some("tool");
    let is_error = object.get("is_error").and_then(Value::as_bool).unwrap_or(false)
        || object.get("status").and_then(Value::as_str) == Some("error");
    match object.remove("content").or_else(|| object.remove("blocks")).or_else(|| object.remove("text")) {
        Some(Value::Array(blocks)) if is_tool && blocks.iter().any(has_result) => add_blocks(blocks, message),
        Some(content) if is_tool => {
            let name = message.name.take();
            let response = Some(Cow::Owned(content_text(content)));
            message.push(Part::ToolResponse { id: response_to, name, response, is_error });
        }
        _ if is_tool => {
            let name = message.name.take();
            message.push(Part::ToolResponse { id: response_to, name, response: None, is_error });
        }
        Some(Value::String(text)) if !text.is_empty() => message.push(Part::Text(Cow::Owned(text))),
        Some(Value::Array(blocks)) => add_blocks(blocks, message),
        _ => {}
    }
}

/// Whether a block names the call it answers itself.
fn has_result(block: &Value) -> bool {
    ["toolResult", "toolResponse", "tool_call_result", "tool_use_id", "toolCallId", "call_id"]
        .iter()
        .any(|key| block.get(key).is_some())
}

/// The parts of one message's content.
pub(crate) fn add_blocks(blocks: Vec<Value>, message: &mut Message<'static>) {
    for item in blocks {
        match item {
            Value::Object(item) => block(item).into_iter().for_each(|part| message.push(part)),
            Value::String(text) => message.push(Part::Text(Cow::Owned(text))),
            _ => {}
        }
    }
}

fn add_calls(object: &mut Object, message: &mut Message<'static>) {
    if let Some(Value::Array(calls)) = object.remove("tool_calls") {
        for call in calls {
            if let Value::Object(call) = call {
                tool_call(call).into_iter().for_each(|part| message.push(part));
            }
        }
    }
    // The API of functions before tools.
    if let Some(Value::Object(call)) = object.remove("function_call") {
        tool_call(call).into_iter().for_each(|part| message.push(part));
    }
}

/// The texts of a message that answers a call become its result.
fn answer_of(message: &mut Message<'static>, id: Cow<'static, str>) {
    if message.parts.iter().any(|part| matches!(part, Part::Json(json) if json.contains("\"tool_call_response\""))) {
        return;
    }
    let texts: Vec<Value> = std::mem::take(&mut message.parts)
        .into_iter()
        .filter_map(|part| match part {
            Part::Json(json) => serde_json::from_str::<Value>(&json).ok()?.get_mut("content").map(Value::take),
            Part::Text(text) => Some(Value::String(text.into_owned())),
            _ => None,
        })
        .collect();
    let text: String = texts.into_iter().map(content_text).collect();
    message.parts.push(Part::ToolResponse { id: Some(id), name: None, response: Some(Cow::Owned(text)), is_error: false });
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

#[cfg(test)]
mod tests {
    use super::super::messages::write_messages;
    use super::*;

    fn answer(text: &str) -> String {
        write_messages(&output(text))
    }

    #[test]
    fn calls_of_all_apis_are_tool_calls() {
        let call = r#"{"type":"tool_call","id":"c1","name":"f","arguments":{"a":1}}"#;
        for text in [
            r#"{"choices":[{"message":{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}"#,
            r#"{"output":[{"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":"{\"a\":1}"}]}"#,
            r#"{"content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}}],"role":"assistant"}"#,
            r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"id":"c1","name":"f","args":{"a":1}}}]}}]}"#,
            r#"{"response":{"role":"assistant","blocks":[{"block_type":"tool_call","tool_call_id":"c1","tool_name":"f","tool_kwargs":"{\"a\":1}"}]}}"#,
            r#"{"replies":[{"role":"assistant","content":[{"tool_call":{"id":"c1","tool_name":"f","arguments":{"a":1}}}]}]}"#,
            r#"[{"role":"assistant","content":[{"type":"tool-call","toolCallId":"c1","toolName":"f","input":{"a":1}}]}]"#,
            "[{'message': {'role': 'assistant', 'content': None, 'tool_calls': [{'id': 'c1', 'function': {'arguments': '{\"a\":1}', 'name': 'f'}}]}}]",
        ] {
            assert_eq!(answer(text), format!(r#"[{{"role":"assistant","parts":[{call}]}}]"#), "{text}");
        }
    }

    #[test]
    fn results_of_all_apis_answer_their_call() {
        let result = r#"{"type":"tool_call_response","id":"c1","response":"ok"}"#;
        for text in [
            r#"[{"role":"tool","tool_call_id":"c1","content":"ok"}]"#,
            r#"[{"type":"function_call_output","call_id":"c1","output":"ok"}]"#,
            r#"[{"role":"tool","parts":[{"type":"text","content":"ok"}],"tool_call_id":"c1"}]"#,
            r#"[{"role":"tool","tool_responses":[{"tool_call_id":"c1","role":"tool","content":"ok"}],"content":"ok"}]"#,
            r#"[{"role":"tool","additional_kwargs":{"tool_call_id":"c1"},"blocks":[{"block_type":"text","text":"ok"}]}]"#,
        ] {
            assert_eq!(write_messages(&input(text)), format!(r#"[{{"role":"tool","parts":[{result}]}}]"#), "{text}");
        }
    }

    #[test]
    fn a_result_says_that_the_tool_failed() {
        for text in [
            r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"late","is_error":true}]}]"#,
            r#"[{"role":"user","content":[{"toolResult":{"toolUseId":"c1","status":"error","content":[{"text":"late"}]}}]}]"#,
        ] {
            let part = r#"{"type":"tool_call_response","id":"c1","response":"late","is_error":true}"#;
            assert_eq!(write_messages(&input(text)), format!(r#"[{{"role":"user","parts":[{part}]}}]"#), "{text}");
        }
    }

    #[test]
    fn answers_say_why_they_ended() {
        for (text, reason) in [
            (r#"{"finish_reason":"stop","content":"Paris","usage":{}}"#, "stop"),
            (r#"{"role":"assistant","content":[{"type":"text","text":"Paris"}],"stop_reason":"end_turn"}"#, "end_turn"),
            (r#"{"content":{"parts":[{"text":"Paris"}],"role":"model"},"finish_reason":"STOP"}"#, "STOP"),
            (
                "[ChatMessage(_role=<Role.ASSISTANT: 'assistant'>, _content=[TextContent(text='Paris')], _meta={'finish_reason': 'stop'})]",
                "stop",
            ),
        ] {
            let message = output(text).pop().unwrap();
            assert_eq!(message.finish_reason.as_deref(), Some(reason), "{text}");
            assert_eq!(message.parts, [Part::Text("Paris".into())], "{text}");
            assert_eq!(message.role.as_deref(), Some("assistant"));
        }
    }

    #[test]
    fn text_that_is_no_message_is_one_message_with_that_text() {
        for text in ["Paris", "{\"a\": 1}", "{\"messages\": [{\"role\": \"us", "call f(x) now", "[1, 2]"] {
            assert_eq!(output(text), [Message::text("assistant", text)], "{text}");
        }
        assert!(output("<REDACTED>").is_empty());
    }
}
