//! Google's content lists (`{role, parts: [{text}, {functionCall}, {functionResponse}, {inlineData}]}`) into messages of the schema.
//!
//! Read: a list of contents, one content, requests with `contents`, and answers with `candidates` (a stream: a list of answers).
//! Parts of one streamed answer belong to one message; a part marked as thought is reasoning.
//! A list whose parts carry a `type` is in the schema already and stays as it is.

use super::json_parts::block;
use super::messages::{Message, Part, write_messages};
use super::words::finish_reason;
use serde_json::{Map, Value};
use std::borrow::Cow;

type Object = Map<String, Value>;

/// Messages of a request.
pub(crate) fn input(text: &str) -> Option<String> {
    rebuilt(text, "user")
}

/// Messages of an answer.
pub(crate) fn output(text: &str) -> Option<String> {
    rebuilt(text, "assistant")
}

/// `None` if nothing in the text needs to be, or can be, rebuilt.
fn rebuilt(text: &str, role: &'static str) -> Option<String> {
    let contents = match serde_json::from_str(text).ok()? {
        Value::Array(items) => items,
        Value::Object(mut object) => match object.remove("contents") {
            Some(Value::Array(items)) => items,
            _ => vec![Value::Object(object)],
        },
        _ => return None,
    };
    let mut messages: Vec<Message<'static>> = Vec::new();
    for item in contents {
        let Value::Object(mut object) = item else { return None };
        match object.remove("candidates") {
            Some(Value::Array(candidates)) => {
                for candidate in candidates {
                    let Value::Object(candidate) = candidate else { continue };
                    of_candidate(candidate, &mut messages);
                }
            }
            _ => messages.push(of_content(object, role)?),
        }
    }
    (!messages.is_empty()).then(|| write_messages(&messages))
}

/// Streamed pieces of one candidate become one message.
fn of_candidate(mut candidate: Object, messages: &mut Vec<Message<'static>>) {
    let reason = match candidate.remove("finishReason") {
        Some(Value::String(reason)) => Some(Cow::Owned(finish_reason(&reason).to_owned())),
        _ => None,
    };
    let content = match candidate.remove("content") {
        Some(Value::Object(content)) => of_content(content, "assistant"),
        _ => None,
    };
    let piece = content.unwrap_or_else(|| Message { role: Some(Cow::Borrowed("assistant")), ..Message::default() });
    match messages.last_mut() {
        Some(open) if open.finish_reason.is_none() => {
            for part in piece.parts {
                join(open, part);
            }
            open.finish_reason = reason;
        }
        _ => messages.push(Message { finish_reason: reason, ..piece }),
    }
}

/// Text that continues text is one part.
fn join(message: &mut Message<'static>, part: Part<'static>) {
    match (message.parts.last_mut(), part) {
        (Some(Part::Text(open)), Part::Text(more)) | (Some(Part::Reasoning(open)), Part::Reasoning(more)) => {
            open.to_mut().push_str(&more);
        }
        (_, part) => message.push(part),
    }
}

fn of_content(mut content: Object, role: &'static str) -> Option<Message<'static>> {
    let parts = match content.remove("parts") {
        Some(Value::Array(parts)) => parts,
        Some(Value::Object(part)) => vec![Value::Object(part)],
        _ => return None,
    };
    let mut message = Message::default();
    for part in parts {
        match part {
            Value::Object(part) if part.contains_key("type") => return None,
            Value::Object(part) => block(part).into_iter().for_each(|part| message.push(part)),
            Value::String(text) => message.push(Part::Text(Cow::Owned(text))),
            _ => {}
        }
    }
    let only_responses = !message.parts.is_empty() && message.parts.iter().all(|part| matches!(part, Part::ToolResponse { .. }));
    message.role = Some(match content.remove("role") {
        _ if only_responses => Cow::Borrowed("tool"),
        Some(Value::String(role)) if role == "model" => Cow::Borrowed("assistant"),
        Some(Value::String(role)) => Cow::Owned(role),
        _ => Cow::Borrowed(role),
    });
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_become_messages() {
        let request = r#"[{"role":"user","parts":[{"text":"Hi"}]},
            {"role":"model","parts":[{"text":"Hm","thought":true},{"functionCall":{"id":"c1","name":"ls","args":{"dir":"."}}}]},
            {"role":"user","parts":[{"functionResponse":{"id":"c1","name":"ls","response":{"output":"a.txt"}}}]}]"#;
        assert_eq!(
            input(request).as_deref(),
            Some(concat!(
                r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]},"#,
                r#"{"role":"assistant","parts":[{"type":"reasoning","content":"Hm"},{"type":"tool_call","id":"c1","name":"ls","arguments":{"dir":"."}}]},"#,
                r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","name":"ls","response":{"output":"a.txt"}}]}]"#
            ))
        );
    }

    #[test]
    fn a_streamed_answer_is_one_message_with_its_reason() {
        let stream = r#"[{"candidates":[{"content":{"role":"model","parts":[{"text":"It is "}]}}]},
            {"candidates":[{"content":{"role":"model","parts":[{"text":"sunny."}]},"finishReason":"STOP"}]}]"#;
        assert_eq!(
            output(stream).as_deref(),
            Some(r#"[{"role":"assistant","parts":[{"type":"text","content":"It is sunny."}],"finish_reason":"stop"}]"#)
        );
    }

    #[test]
    fn what_is_canonical_or_no_content_stays() {
        let canonical = output(r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}"#).unwrap();
        assert_eq!(output(&canonical), None);
        for other in ["", "{\"callId\":\"c\"}", "[1]", "[{\"role\":\"user\",\"parts\":[{\"te", "null"] {
            assert_eq!(input(other), None, "{other}");
        }
    }
}
