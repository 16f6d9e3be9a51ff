//! One part of a message's content, in the shape of any provider or framework.
//!
//! OpenAI, Anthropic, Gemini, Bedrock Converse, LlamaIndex, Haystack, AutoGen and the AI SDK each spell calls, results and media
//! in their own way; what is none of these is left out.

use super::messages::{Part, media};
use serde_json::{Map, Value};
use std::borrow::Cow;

type Object = Map<String, Value>;

pub(crate) fn block(mut object: Object) -> Option<Part<'static>> {
    let kind = take(&mut object, "type").or_else(|| take(&mut object, "block_type")).unwrap_or_default();
    match kind.as_ref() {
        "text" | "input_text" | "output_text" => {
            take(&mut object, "text").or_else(|| take(&mut object, "content")).map(Part::Text)
        }
        "thinking" => take(&mut object, "thinking").or_else(|| take(&mut object, "content")).map(Part::Reasoning),
        "reasoning" => {
            let text = ["summary", "text", "reasoning", "content"].iter().find_map(|key| object.remove(*key));
            text.map(|text| Part::Reasoning(Cow::Owned(content_text(text))))
        }
        "tool_use" | "function_call" | "tool_call" | "tool-call" => tool_call(object),
        "tool_result" | "function_call_output" | "tool-result" => Some(tool_result(object)),
        "image_url" => {
            let address = match object.remove("image_url") {
                Some(Value::Object(mut inner)) => take(&mut inner, "url"),
                Some(Value::String(url)) => Some(Cow::Owned(url)),
                _ => None,
            };
            address.map(|address| media(Cow::Borrowed("image"), address))
        }
        "image" | "document" => source(object, kind),
        "" => untyped(object),
        _ => None,
    }
}

/// Anthropic's images and documents.
fn source(mut object: Object, modality: Cow<'static, str>) -> Option<Part<'static>> {
    let Some(Value::Object(mut source)) = object.remove("source") else { return None };
    if let Some(uri) = take(&mut source, "url") {
        return Some(Part::Uri { modality, uri });
    }
    let mime_type = take(&mut source, "media_type").unwrap_or_default();
    take(&mut source, "data").map(|content| Part::Blob { modality, mime_type, content })
}

/// Parts that their member names: Gemini, Bedrock Converse, Haystack, AutoGen.
fn untyped(mut object: Object) -> Option<Part<'static>> {
    let is_thought = object.get("thought").and_then(Value::as_bool) == Some(true);
    if let Some(text) = take(&mut object, "text") {
        return Some(if is_thought { Part::Reasoning(text) } else { Part::Text(text) });
    }
    let mut inner = |names: [&str; 2]| -> Option<Object> {
        for name in names {
            if let Some(Value::Object(found)) = object.get_mut(name) {
                return Some(std::mem::take(found));
            }
        }
        None
    };
    if let Some(call) = inner(["toolUse", "functionCall"])
        .or_else(|| inner(["function_call", "tool_call"]))
        .or_else(|| inner(["toolRequest", "tool_request"]))
    {
        return tool_call(call);
    }
    if let Some(result) = inner(["toolResult", "functionResponse"])
        .or_else(|| inner(["function_response", "tool_call_result"]))
        .or_else(|| inner(["toolResponse", "tool_response"]))
    {
        return Some(tool_result(result));
    }
    if let Some(mut reasoning) = inner(["reasoningContent", "reasoning_content"]) {
        let text = reasoning.remove("reasoningText").or_else(|| reasoning.remove("reasoning_text"))?;
        return text.get("text").and_then(Value::as_str).map(|text| Part::Reasoning(Cow::Owned(text.to_owned())));
    }
    if let Some(mut data) = inner(["inlineData", "inline_data"]) {
        let mime_type = take(&mut data, "mimeType").or_else(|| take(&mut data, "mime_type")).unwrap_or_default();
        return take(&mut data, "data").map(|content| Part::Blob { modality: modality_of(&mime_type), mime_type, content });
    }
    if let Some(mut file) = inner(["fileData", "file_data"]) {
        let mime_type = take(&mut file, "mimeType").or_else(|| take(&mut file, "mime_type")).unwrap_or_default();
        let uri = take(&mut file, "fileUri").or_else(|| take(&mut file, "file_uri"))?;
        return Some(Part::Uri { modality: modality_of(&mime_type), uri });
    }
    if is_call(&object) {
        return tool_call(object);
    }
    if object.contains_key("call_id") && object.contains_key("content") {
        return Some(tool_result(object));
    }
    None
}

/// The modality a media type tells.
fn modality_of(mime_type: &str) -> Cow<'static, str> {
    Cow::Borrowed(match mime_type.split('/').next() {
        Some("audio") => "audio",
        Some("video") => "video",
        Some("image") => "image",
        _ => "document",
    })
}

/// Whether an object without a type is a call: AutoGen's `FunctionCall`.
pub(crate) fn is_call(object: &Object) -> bool {
    object.get("name").is_some_and(Value::is_string) && object.contains_key("arguments") && !object.contains_key("role")
}

/// What Mastra writes for what lies too deep.
const CUT: &str = "[MaxDepth]";

pub(crate) fn tool_call(mut call: Object) -> Option<Part<'static>> {
    let ids = ["call_id", "id", "toolCallId", "tool_call_id", "toolUseId", "tool_id", "ref"];
    let id = ids.iter().find_map(|key| take(&mut call, key));
    let mut function = match call.remove("function") {
        Some(Value::Object(function)) => function,
        _ => call,
    };
    let id = id.filter(|id| id != CUT);
    let name = ["name", "toolName", "tool_name"].iter().find_map(|key| take(&mut function, key)).filter(|name| name != CUT);
    let arguments = ["arguments", "input", "args", "tool_kwargs"].iter().find_map(|key| function.remove(*key));
    let arguments = arguments
        .filter(|arguments| !arguments.is_null() && arguments != CUT)
        .map(|arguments| Cow::Owned(content_text(arguments)));
    (id.is_some() || name.is_some()).then(|| Part::ToolCall { id, name: name.unwrap_or_default(), arguments })
}

fn tool_result(mut result: Object) -> Part<'static> {
    let is_error = ["is_error", "isError", "error"].iter().any(|key| result.get(*key).and_then(Value::as_bool) == Some(true))
        || result.get("status").and_then(Value::as_str) == Some("error")
        // The AI SDK: {"type": "error-text", "value": ...}.
        || result.get("output").and_then(|output| output.get("type")?.as_str()).is_some_and(|kind| kind.starts_with("error-"));
    let origin = match result.remove("origin") {
        Some(Value::Object(origin)) => origin,
        _ => Object::new(),
    };
    let mut named = |keys: &[&str]| {
        let own = keys.iter().find_map(|key| take(&mut result, key));
        own.or_else(|| keys.iter().find_map(|key| origin.get(*key)?.as_str().map(|text| Cow::Owned(text.to_owned()))))
    };
    let id = named(&["tool_use_id", "call_id", "toolCallId", "toolUseId", "tool_call_id", "id", "ref"]);
    let name = named(&["name", "toolName", "tool_name"]);
    let response = ["content", "output", "result", "response"].iter().find_map(|key| result.remove(*key));
    // The AI SDK says what kind of value it is: {"type": "text", "value": ...}.
    let response = response.map(|response| match response {
        Value::Object(mut typed) if typed.len() == 2 && typed.contains_key("type") && typed.contains_key("value") => {
            typed.remove("value").unwrap_or_default()
        }
        plain => plain,
    });
    Part::ToolResponse { id, name, response: response.map(|content| Cow::Owned(content_text(content))), is_error }
}

/// The text of a value: of a list of text blocks their texts, of anything else its JSON.
pub(crate) fn content_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| item.get("text").is_some_and(Value::is_string)) => {
            items.iter().filter_map(|item| item.get("text").and_then(Value::as_str)).collect()
        }
        other => other.to_string(),
    }
}

/// Takes a text out of an object; a member of another type stays.
pub(crate) fn take(object: &mut Object, key: &str) -> Option<Cow<'static, str>> {
    match object.remove(key)? {
        Value::String(text) => Some(Cow::Owned(text)),
        other => {
            object.insert(key.to_owned(), other);
            None
        }
    }
}
