//! Answers and requests as a client got and sent them, where the flattened keys leave something out.
//!
//! LiteLLM's OpenInference spans lack the ids of results, Anthropic's the mark of a tool that failed; both stand in the blob beside
//! them. Haystack, smolagents and AutoGen say only in the answer's text why it ended.

use super::json_messages;
use super::messages::{Message, Part};
use super::python_text;
use serde_json::Value;

/// Type of a tool's error where a flag says that it failed, and nothing how.
pub(crate) const TOOL_ERROR: &str = "tool_error";

/// Results without call id get that of the same result in the blob; what the blob says of failures is taken over.
pub(crate) fn complete(messages: &mut [Message<'_>], blob: &str) {
    let mut results = messages.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::ToolResponse { id, .. } => Some(id.is_some()),
        _ => None,
    });
    // Blobs are long: they are looked at only where a result stands in the messages.
    let Some(first) = results.next() else { return };
    let lacks_id = !first || results.any(|has_id| !has_id);
    if !lacks_id && !blob.contains("\"is_error\": true") && !blob.contains("\"is_error\":true") {
        return;
    }
    let told = json_messages::input(blob);
    let mut told = told.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::ToolResponse { id: Some(id), is_error, .. } => Some((id, *is_error)),
        _ => None,
    });
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        let Part::ToolResponse { id, is_error, .. } = part else { continue };
        let Some((said, failed)) = told.next() else { return };
        match id {
            Some(id) if id != said => return,
            _ => *id = Some(said.to_string().into()),
        }
        *is_error |= failed;
    }
}

/// Whether a step's output is an answer: an object whose `response` is a message.
pub(crate) fn is_response(blob: &str) -> bool {
    blob.trim_start().starts_with("{\"response\"") && blob.contains("\"role\"")
}

/// The text of a query that stands inside an object: LlamaIndex's query bundles.
pub(crate) fn query(blob: &str) -> Option<String> {
    let mut value = python_text::structured(blob)?;
    for _ in 0..3 {
        let names = ["query_bundle", "str_or_query_bundle", "query_str", "query"];
        value = names.iter().find_map(|name| value.get_mut(*name).map(Value::take))?;
        if let Value::String(text) = value {
            return Some(text);
        }
    }
    None
}

/// The name in a tool's metadata, or in the text of a tool's name alone.
pub(crate) fn tool_name(tool: &str) -> Option<String> {
    match python_text::structured(tool) {
        Some(value) => value.get("name").and_then(Value::as_str).map(str::to_owned),
        None => Some(tool.to_owned()).filter(|name| name.len() <= 64 && !name.contains([' ', '\n'])),
    }
}

/// Why an answer ended, as its text says: a member of the provider's object, as JSON or as Python prints it.
pub(crate) fn ending(answer: &str) -> Option<&str> {
    let begins = answer.trim_start();
    if !begins.starts_with(['{', '[']) && !begins.starts_with(|first: char| first.is_ascii_uppercase()) {
        return None;
    }
    let mut rest = answer;
    while let Some((_, after)) = rest.split_once("finish_reason") {
        rest = after;
        let word = after.trim_start_matches(['\\', '"', '\'', ':', '=', ' ']);
        let between = after.len() - word.len();
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(0);
        let word = word.get(..end).unwrap_or("");
        if (1..=6).contains(&between) && !matches!(word, "" | "null" | "None" | "s") {
            return Some(word);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_any_print_say_why_they_ended() {
        for (answer, word) in [
            (r#"{"finish_reason": "stop", "content": "Paris"}"#, Some("stop")),
            (r#"{"raw": "ChatCompletion(choices=[Choice(finish_reason='tool_calls', index=0)])"}"#, Some("tool_calls")),
            (r#"{"replies": ["ChatMessage(_meta={'index': 0, 'finish_reason': 'stop'})"]}"#, Some("stop")),
            (r#"{"choices": [{"finish_reason": null, "message": {}}]}"#, None),
            ("the finish_reason: stop is what I say", None),
        ] {
            assert_eq!(ending(answer), word, "{answer}");
        }
    }

    #[test]
    fn results_get_their_ids_and_failures_from_the_request() {
        let result = || Part::ToolResponse { id: None, name: None, response: Some("late".into()), is_error: false };
        let mut messages = [Message { parts: vec![result()], ..Message::default() }];
        complete(
            &mut messages,
            r#"{"messages": [{"role": "user", "content": "q"}, {"role": "tool", "tool_call_id": "c1", "content": "late"}]}"#,
        );
        assert!(matches!(&messages[0].parts[..], [Part::ToolResponse { id: Some(id), is_error: false, .. }] if id == "c1"));
        let failed = r#"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"late","is_error": true}]}]}"#;
        complete(&mut messages, failed);
        assert!(matches!(&messages[0].parts[..], [Part::ToolResponse { is_error: true, .. }]));
        let other = failed.replace("c1", "c2");
        let mut messages = [Message {
            parts: vec![Part::ToolResponse { id: Some("c1".into()), name: None, response: None, is_error: false }],
            ..Message::default()
        }];
        complete(&mut messages, &other);
        assert!(matches!(&messages[0].parts[..], [Part::ToolResponse { is_error: false, .. }]), "another call's failure");
    }

    #[test]
    fn a_query_is_found_inside_its_bundle() {
        let bundle = r#"{"query_bundle": {"query_str": "refunds?", "image_path": null}}"#;
        assert_eq!(query(bundle).as_deref(), Some("refunds?"));
        assert_eq!(query(r#"{"str_or_query_bundle": "refunds?"}"#).as_deref(), Some("refunds?"));
        assert_eq!(query("refunds?"), None);
    }
}
