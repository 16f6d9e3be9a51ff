//! Arguments and results of tools without the wrapping that frameworks put around them.
//!
//! `{"args":[],"kwargs":{...}}`, LangChain's `input_str` and tool messages, LlamaIndex's tool outputs, lists of text blocks:
//! without them the same call has the same arguments whether it was requested, executed, or seen through another emitter.
//! What is not recognised stays as it is. Unwrapping what was unwrapped changes nothing.

use super::python_text;
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// What a result's wrapping said beside the result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unwrapped {
    pub(crate) text: String,
    pub(crate) call_id: Option<String>,
    /// A flag says that the tool failed.
    pub(crate) is_error: bool,
}

/// A wrapper inside a wrapper is unwrapped too, but not without end.
const DEEPEST: usize = 8;

/// Arguments without wrapping; `None` if there was none.
pub(crate) fn arguments(text: &str) -> Option<String> {
    let mut unwrapped = once(text)?;
    for _ in 0..DEEPEST {
        let Some(inner) = once(&unwrapped) else { break };
        unwrapped = inner;
    }
    Some(unwrapped)
}

fn once(text: &str) -> Option<String> {
    // A dictionary as Python prints it is the same arguments.
    let is_python = text.starts_with("{'");
    if !is_python && !["\"kwargs\"", "\"input_str\""].iter().any(|mark| text.contains(mark)) {
        return None;
    }
    let mut value: Value = if is_python { python_text::parse(text)? } else { serde_json::from_str(text).ok()? };
    let mut changed = is_python;
    for _ in 0..DEEPEST {
        let Value::Object(object) = &mut value else { break };
        let Some(inner) = inner_arguments(object) else { break };
        value = inner;
        changed = true;
    }
    changed.then(|| plain(value))
}

fn inner_arguments(object: &mut Object) -> Option<Value> {
    if let Some(Value::String(text)) = object.get("input_str") {
        return Some(python_text::parse(text).unwrap_or_else(|| Value::String(text.clone())));
    }
    let only_wrapping = object.keys().all(|key| matches!(key.as_str(), "args" | "kwargs" | "sanitize_inputs_outputs"));
    let no_positional = object.get("args").is_none_or(|args| args.as_array().is_some_and(Vec::is_empty));
    let named = object.get("kwargs").is_some_and(Value::is_object);
    if only_wrapping && no_positional && named { object.remove("kwargs") } else { None }
}

/// A result without wrapping; `None` if there was none.
pub(crate) fn result(text: &str) -> Option<Unwrapped> {
    let mut unwrapped = result_once(text)?;
    for _ in 0..DEEPEST {
        // The text of a wrapped result may be wrapped itself.
        let Some(inner) = result_once(&unwrapped.text) else { break };
        let is_error = unwrapped.is_error || inner.is_error;
        unwrapped = Unwrapped { call_id: unwrapped.call_id.or(inner.call_id), is_error, ..inner };
    }
    Some(unwrapped)
}

fn result_once(text: &str) -> Option<Unwrapped> {
    // A message of LangChain as Python prints it: `content='...' name='...' tool_call_id='...'`.
    let is_python = text.starts_with("content=") && text.contains("tool_call_id=");
    let wrapped = is_python
        || text.starts_with('"')
        || ["\"tool_call_id\"", "\"blocks\"", "\"tool_output\"", "\"text\""].iter().any(|mark| text.contains(mark));
    if !wrapped {
        return None;
    }
    let mut value: Value = if is_python { python_text::parse(text)? } else { serde_json::from_str(text).ok()? };
    let mut unwrapped = Unwrapped::default();
    let mut changed = matches!(value, Value::String(_));
    for _ in 0..DEEPEST {
        let inner = match value {
            Value::Object(ref mut object) => {
                unwrapped.is_error |= object.get("is_error").and_then(Value::as_bool) == Some(true)
                    || (object.contains_key("tool_call_id") && object.get("status").and_then(Value::as_str) == Some("error"));
                inner_result(object, &mut unwrapped.call_id)
            }
            Value::Array(ref items) => texts(items),
            _ => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
        changed = true;
    }
    unwrapped.text = plain(value);
    changed.then_some(unwrapped)
}

fn inner_result(object: &mut Object, call_id: &mut Option<String>) -> Option<Value> {
    let mut note_id = |object: &Object| {
        let id = ["tool_call_id", "tool_id"].iter().find_map(|key| object.get(*key).and_then(Value::as_str));
        if call_id.is_none() {
            *call_id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        }
    };
    // LangChain: {"output": {message}, "kwargs": {...}}, {"lc": 1, "kwargs": {message}}, {"type": "tool", "data": {message}}.
    if object.contains_key("tool_call_id") && object.contains_key("content") {
        note_id(object);
        return object.remove("content");
    }
    if object.get("type").and_then(Value::as_str) == Some("tool") && object.contains_key("data") {
        return object.remove("data");
    }
    if object.contains_key("lc") {
        return object.remove("kwargs");
    }
    if object.get("output").is_some_and(|output| output.get("lc").is_some() || output.get("tool_call_id").is_some()) {
        return object.remove("output");
    }
    // LlamaIndex: {"tool_name", "tool_kwargs", "tool_id", "tool_output": {...}} and {"blocks": [...], "tool_name", "raw_output"}.
    if object.contains_key("tool_output") {
        note_id(object);
        return object.remove("tool_output");
    }
    if object.contains_key("tool_name") && object.contains_key("blocks") {
        let raw = object.remove("raw_output").filter(Value::is_string);
        return raw.or_else(|| object.get("blocks").and_then(Value::as_array).and_then(|blocks| texts(blocks)));
    }
    None
}

/// The texts of a list of text blocks, in one.
fn texts(blocks: &[Value]) -> Option<Value> {
    let of_block = |block: &Value| {
        let kind = block.get("type").or_else(|| block.get("block_type")).and_then(Value::as_str);
        let text = block.get("text").and_then(Value::as_str)?;
        kind.is_none_or(|kind| kind == "text").then(|| text.to_owned())
    };
    if blocks.is_empty() {
        return None;
    }
    let texts: Option<Vec<String>> = blocks.iter().map(of_block).collect();
    texts.map(|texts| Value::String(texts.concat()))
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_arguments_are_those_of_the_call() {
        for (wrapped, expected) in [
            (r#"{"args": [], "kwargs": {"city": "Paris"}}"#, r#"{"city":"Paris"}"#),
            (r#"{"args": [], "sanitize_inputs_outputs": true, "kwargs": {"a": 1}}"#, r#"{"a":1}"#),
            (r#"{"input_str": "{'id': 'C-1', 'n': None, 'ok': True}", "tags": []}"#, r#"{"id":"C-1","n":null,"ok":true}"#),
            (r#"{"input_str": "Paris", "tags": []}"#, "Paris"),
            ("{'city': 'Paris', 'days': None}", r#"{"city":"Paris","days":null}"#),
        ] {
            assert_eq!(arguments(wrapped).as_deref(), Some(expected));
            assert_eq!(arguments(expected), None, "unwrapping twice changes nothing");
        }
    }

    #[test]
    fn arguments_of_a_tool_of_its_own_shape_stay() {
        for text in [r#"{"kwargs": {"a": 1}, "other": 2}"#, r#"{"args": [1], "kwargs": {}}"#, "{\"kwargs\": ", "Paris"] {
            assert_eq!(arguments(text), None, "{text}");
        }
    }

    #[test]
    fn wrapped_results_give_the_result_and_the_call_id() {
        for (wrapped, text, id) in [
            (r#"{"type": "tool", "data": {"content": "[]", "tool_call_id": "c1"}}"#, "[]", Some("c1")),
            (r#"{"output": {"lc": 1, "kwargs": {"content": "x y", "tool_call_id": "c2"}}, "kwargs": {}}"#, "x y", Some("c2")),
            (r#"{"blocks":[{"text":"[]"}],"tool_name":"f","raw_output":"[]","is_error":false}"#, "[]", None),
            (
                r#"{"tool_name":"f","tool_id":"c3","tool_output":{"tool_name":"f","blocks":[{"block_type":"text","text":"hi"}]}}"#,
                "hi",
                Some("c3"),
            ),
            (r#"[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]"#, "ab", None),
            (r#""sent""#, "sent", None),
            ("content='Sunny, 21 C' name='get_weather' tool_call_id='c4'", "Sunny, 21 C", Some("c4")),
        ] {
            let unwrapped = result(wrapped).unwrap_or_else(|| panic!("{wrapped}"));
            assert_eq!((unwrapped.text.as_str(), unwrapped.call_id.as_deref()), (text, id));
        }
        for text in ["[]", r#"{"text": "a"}"#, "plain", r#"[{"order_id": "O-77"}]"#] {
            assert_eq!(result(text), None, "{text}");
        }
    }
}
