//! Messages in the conventions' parts schema, and their JSON text.
//!
//! Every dialect's messages are read into these types and written once.
//! Texts are borrowed from the record where they can be; JSON that a text holds is copied in, not parsed into a tree.
//! A `tool_call_response` has two members the conventions do not know: `name`, and `"is_error":true` where the wire says so.

use crate::record::json_scan;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// One message.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Message<'a> {
    pub(crate) role: Option<Cow<'a, str>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) finish_reason: Option<Cow<'a, str>>,
    pub(crate) parts: Vec<Part<'a>>,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part<'a> {
    Text(Cow<'a, str>),
    Reasoning(Cow<'a, str>),
    /// Arguments are JSON text, or any text.
    ToolCall {
        id: Option<Cow<'a, str>>,
        name: Cow<'a, str>,
        arguments: Option<Cow<'a, str>>,
    },
    /// The name where the wire says it beside the result; `is_error` where a flag says that the tool failed.
    ToolResponse {
        id: Option<Cow<'a, str>>,
        name: Option<Cow<'a, str>>,
        response: Option<Cow<'a, str>>,
        is_error: bool,
    },
    Uri {
        modality: Cow<'a, str>,
        uri: Cow<'a, str>,
    },
    Blob {
        modality: Cow<'a, str>,
        mime_type: Cow<'a, str>,
        content: Cow<'a, str>,
    },
    /// A part that is in the schema already, as JSON text.
    Json(Cow<'a, str>),
}

impl<'a> Message<'a> {
    pub(crate) fn text(role: &'static str, text: impl Into<Cow<'a, str>>) -> Message<'a> {
        Message { role: Some(Cow::Borrowed(role)), parts: vec![Part::Text(text.into())], ..Message::default() }
    }
    /// Adds a part unless a tool call with this id is there already (emitters repeat calls in two shapes).
    pub(crate) fn push(&mut self, part: Part<'a>) {
        if let Part::ToolCall { id: Some(new), .. } = &part {
            let known = |part: &Part<'_>| matches!(part, Part::ToolCall { id: Some(id), .. } if id == new);
            if self.parts.iter().any(known) {
                return;
            }
        }
        self.parts.push(part);
    }
}

/// A part made of an address: inline data become a blob.
pub(crate) fn media<'a>(modality: Cow<'a, str>, address: Cow<'a, str>) -> Part<'a> {
    let inline = address.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((mime_type, content)) => {
            Part::Blob { modality, mime_type: Cow::Owned(mime_type.to_owned()), content: Cow::Owned(content.to_owned()) }
        }
        None => Part::Uri { modality, uri: address },
    }
}

/// JSON text of a list of messages.
pub(crate) fn write_messages(messages: &[Message<'_>]) -> String {
    let mut out = String::with_capacity(256);
    out.push('[');
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_message(&mut out, message);
    }
    out.push(']');
    out
}

/// JSON text of a list of parts: system instructions.
pub(crate) fn write_parts(parts: &[Part<'_>]) -> String {
    let mut out = String::with_capacity(64);
    write_list(&mut out, parts);
    out
}

fn write_message(out: &mut String, message: &Message<'_>) {
    out.push_str("{\"role\":");
    write_text(out, message.role.as_deref().unwrap_or("user"));
    out.push_str(",\"parts\":");
    write_list(out, &message.parts);
    field(out, "name", message.name.as_deref());
    field(out, "finish_reason", message.finish_reason.as_deref().map(super::words::finish_reason));
    out.push('}');
}

fn write_list(out: &mut String, parts: &[Part<'_>]) {
    out.push('[');
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_part(out, part);
    }
    out.push(']');
}

fn write_part(out: &mut String, part: &Part<'_>) {
    match part {
        Part::Json(text) => {
            out.push_str(text);
            return;
        }
        Part::Text(text) => {
            out.push_str("{\"type\":\"text\"");
            field(out, "content", Some(text));
        }
        Part::Reasoning(text) => {
            out.push_str("{\"type\":\"reasoning\"");
            field(out, "content", Some(text));
        }
        Part::ToolCall { id, name, arguments } => {
            out.push_str("{\"type\":\"tool_call\"");
            field(out, "id", id.as_deref());
            field(out, "name", Some(name));
            json_field(out, "arguments", arguments.as_deref());
        }
        Part::ToolResponse { id, name, response, is_error } => {
            out.push_str("{\"type\":\"tool_call_response\"");
            field(out, "id", id.as_deref());
            field(out, "name", name.as_deref());
            json_field(out, "response", response.as_deref());
            if *is_error {
                out.push_str(",\"is_error\":true");
            }
        }
        Part::Uri { modality, uri } => {
            out.push_str("{\"type\":\"uri\"");
            field(out, "modality", Some(modality));
            field(out, "uri", Some(uri));
        }
        Part::Blob { modality, mime_type, content } => {
            out.push_str("{\"type\":\"blob\"");
            field(out, "modality", Some(modality));
            field(out, "mime_type", Some(mime_type));
            field(out, "content", Some(content));
        }
    }
    out.push('}');
}

fn field(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        write_text(out, value);
    }
}

/// A value that is JSON itself stays structured; anything else becomes text.
fn json_field(out: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    if is_structured_json(value) { out.push_str(value.trim()) } else { write_text(out, value) }
}

/// Whether a text is a JSON object or array.
pub(crate) fn is_structured_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

pub(crate) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, tail) = rest.split_at(json_scan::plain_len(rest.as_bytes()));
        out.push_str(plain);
        let Some(byte) = tail.bytes().next() else { break };
        rest = tail.get(1..).unwrap_or("");
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                out.push_str("\\u00");
                out.push(char::from_digit(u32::from(control >> 4), 16).unwrap_or('0'));
                out.push(char::from_digit(u32::from(control & 15), 16).unwrap_or('0'));
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_json() {
        let mut out = String::new();
        let text = "a\"b\\c\n\u{1}\u{e9}\u{1f600}";
        write_text(&mut out, text);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn arguments_that_are_json_stay_structured_and_others_become_text() {
        let call = |arguments: &'static str| {
            let part = Part::ToolCall { id: None, name: "f".into(), arguments: Some(arguments.into()) };
            write_parts(&[part])
        };
        assert_eq!(call("{\"a\": 1}"), r#"[{"type":"tool_call","name":"f","arguments":{"a": 1}}]"#);
        assert_eq!(call("{\"a\": "), r#"[{"type":"tool_call","name":"f","arguments":"{\"a\": "}]"#);
        assert_eq!(call("12"), r#"[{"type":"tool_call","name":"f","arguments":"12"}]"#);
    }

    #[test]
    fn a_call_in_two_shapes_is_written_once() {
        let call = || Part::ToolCall { id: Some("c1".into()), name: "f".into(), arguments: None };
        let mut message = Message::default();
        message.push(call());
        message.push(call());
        assert_eq!(message.parts.len(), 1);
    }
}
