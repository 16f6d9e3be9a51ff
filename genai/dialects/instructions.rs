//! System instructions into the conventions' list of parts: from plain text, lists of texts or blocks, or whole messages.

use super::json_messages;
use super::messages::{Part, write_parts};
use serde_json::Value;
use std::borrow::Cow;

/// JSON text of the parts.
pub(crate) fn parts(text: &str) -> String {
    let parsed: Option<Value> =
        if text.trim_start().starts_with(['[', '{', '"']) { serde_json::from_str(text).ok() } else { None };
    // What is in the schema keeps its spelling to the letter.
    if parsed.as_ref().and_then(Value::as_array).is_some_and(|items| !items.is_empty() && items.iter().all(is_part)) {
        return text.to_owned();
    }
    let mut parts = Vec::new();
    match parsed {
        Some(Value::Array(items)) => items.into_iter().for_each(|item| add(item, &mut parts)),
        Some(value) => add(value, &mut parts),
        None => {}
    }
    if parts.is_empty() {
        parts.push(Part::Text(Cow::Borrowed(text)));
    }
    write_parts(&parts)
}

fn is_part(item: &Value) -> bool {
    item.as_object()
        .is_some_and(|part| part.get("type").is_some_and(Value::is_string) && (part.contains_key("content") || part.len() == 1))
}

fn add(value: Value, parts: &mut Vec<Part<'_>>) {
    match value {
        Value::String(text) => parts.push(Part::Text(Cow::Owned(text))),
        // In the schema already.
        Value::Object(part)
            if part.contains_key("type") && !["text", "role", "parts"].iter().any(|key| part.contains_key(*key)) =>
        {
            parts.push(Part::Json(Cow::Owned(Value::Object(part).to_string())));
        }
        Value::Object(mut block) if !block.contains_key("role") && !block.contains_key("parts") => {
            if let Some(Value::String(text)) = block.remove("text").or_else(|| block.remove("content")) {
                parts.push(Part::Text(Cow::Owned(text)));
            }
        }
        Value::Object(message) => {
            parts.extend(json_messages::of_object(message, "system").into_iter().flat_map(|message| message.parts));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_in_any_shape_become_parts() {
        let one = r#"[{"type":"text","content":"be kind"}]"#;
        for text in [
            "be kind",
            "\"be kind\"",
            one,
            r#"["be kind"]"#,
            r#"[{"type":"text","text":"be kind"}]"#,
            r#"{"text":"be kind"}"#,
            r#"[{"role":"system","content":"be kind"}]"#,
            r#"{"role":"system","parts":[{"type":"text","content":"be kind"}]}"#,
        ] {
            let parsed: Value = serde_json::from_str(&parts(text)).unwrap();
            assert_eq!(parsed, serde_json::from_str::<Value>(one).unwrap(), "{text}");
        }
    }

    #[test]
    fn text_cut_in_the_middle_of_its_json_is_text() {
        assert_eq!(parts("[{\"type\":"), r#"[{"type":"text","content":"[{\"type\":"}]"#);
    }
}
