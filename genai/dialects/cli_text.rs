//! The labelled text in which coding agents log what went to and from the model: `[USER]`, `[TOOL RESULT: id]`, `[TOOL INPUT: name]`.
//!
//! A label stands alone on its line; what follows, to the next label, is its text.
//! `[USER]` and `[USER PROMPT]` begin a user's message, `[TOOL RESULT: ...]` a tool's, `[ASSISTANT]` the model's.
//! A text without labels is one user's message: other emitters of the same key may send it plain.

use super::messages::{Message, Part, write_messages};
use std::borrow::Cow;

struct Section<'a> {
    label: &'a str,
    /// What stands behind the colon.
    about: Option<&'a str>,
    text: &'a str,
}

/// The text as messages of the conventions' schema; `None` if it is such JSON already.
pub(crate) fn messages(text: &str) -> Option<String> {
    if super::messages::is_structured_json(text) {
        return None;
    }
    let messages: Vec<Message<'_>> = sections(text).into_iter().map(message).collect();
    Some(write_messages(&messages))
}

/// The text of the first section: tools' arguments and results are logged with their label in front.
pub(crate) fn first(text: &str) -> &str {
    sections(text).into_iter().next().map_or(text, |section| section.text)
}

fn message(section: Section<'_>) -> Message<'_> {
    match section.label {
        "TOOL RESULT" => Message {
            role: Some(Cow::Borrowed("tool")),
            parts: vec![Part::ToolResponse {
                id: section.about.map(Cow::Borrowed),
                name: None,
                is_error: false,
                response: Some(Cow::Borrowed(section.text)),
            }],
            ..Message::default()
        },
        "ASSISTANT" => Message::text("assistant", section.text),
        _ => Message::text("user", section.text),
    }
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut labels = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((label, about)) = label(line.trim_end()) {
            labels.push((at, at + line.len(), label, about));
        }
        at += line.len();
    }
    let before = labels.first().map_or(text.len(), |(start, ..)| *start);
    let plain = text.get(..before).unwrap_or("").trim_end();
    if !plain.is_empty() {
        found.push(Section { label: "USER", about: None, text: plain });
    }
    for (number, (_, begin, label, about)) in labels.iter().enumerate() {
        let end = labels.get(number + 1).map_or(text.len(), |(start, ..)| *start);
        let text = text.get(*begin..end).unwrap_or("").trim_end_matches('\n');
        found.push(Section { label, about: *about, text });
    }
    found
}

/// `[USER]`, `[TOOL RESULT: toolu_1]`: words in capitals, and what they are about.
fn label(line: &str) -> Option<(&str, Option<&str>)> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let (label, about) = match inner.split_once(": ") {
        Some((label, about)) => (label, Some(about)),
        None => (inner, None),
    };
    let known = ["USER", "USER PROMPT", "ASSISTANT", "TOOL RESULT", "TOOL INPUT"];
    known.contains(&label).then_some((label, about))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_divide_a_context_into_messages() {
        let context = "[USER]\nPrint it.\nTwice.\n[TOOL RESULT: toolu_1]\nhello\n[ASSISTANT]\nDone.";
        assert_eq!(
            messages(context).as_deref(),
            Some(concat!(
                r#"[{"role":"user","parts":[{"type":"text","content":"Print it.\nTwice."}]},"#,
                r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"toolu_1","response":"hello"}]},"#,
                r#"{"role":"assistant","parts":[{"type":"text","content":"Done."}]}]"#
            ))
        );
    }

    #[test]
    fn text_without_labels_is_the_users_and_brackets_in_prose_are_no_labels() {
        assert_eq!(
            messages("Hi [all]\n[NOTE]\nx").as_deref(),
            Some(r#"[{"role":"user","parts":[{"type":"text","content":"Hi [all]\n[NOTE]\nx"}]}]"#)
        );
        assert_eq!(messages(r#"[{"role":"user","parts":[]}]"#), None, "canonical messages stay");
    }

    #[test]
    fn the_first_section_loses_its_label() {
        assert_eq!(first("[TOOL INPUT: Bash]\n{\"command\":\"ls\"}"), "{\"command\":\"ls\"}");
        assert_eq!(first("{\"command\":\"ls\"}"), "{\"command\":\"ls\"}");
    }
}
