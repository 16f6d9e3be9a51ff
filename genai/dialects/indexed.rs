//! Messages, tools and documents that stand in the attributes one leaf a key: `llm.input_messages.0.message.role`, ...
//!
//! Indexes may have gaps or begin at 1, and come in any order: entries are sorted by number, never as text.
//! OpenInference and OpenLLMetry spell the leaves differently; both spellings are read wherever they stand.

use super::messages::{Message, Part, media, write_text};
use super::words::is_redacted;
use crate::record;
use chaperone_proto::ValueRef;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Leaves of one list: number of the element, the rest of the key, the value.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'a> {
    entries: Vec<(u32, &'a str, ValueRef<'a>)>,
}

impl<'a> Leaves<'a> {
    /// Takes one key's rest after the prefix (`0.message.role`). False if it does not begin with a number.
    pub(crate) fn push(&mut self, rest: &'a str, value: ValueRef<'a>) -> bool {
        let Some((number, leaf)) = split_number(rest) else { return false };
        self.entries.push((number, leaf, value));
        true
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// The elements in order, each with its leaves in the order received.
    fn elements(&mut self) -> impl Iterator<Item = &[(u32, &'a str, ValueRef<'a>)]> {
        self.entries.sort_by_key(|(number, _, _)| *number);
        self.entries.chunk_by(|one, other| one.0 == other.0)
    }
    /// As messages. Elements without anything in them are left out.
    pub(crate) fn messages(&mut self, default_role: &'static str) -> Vec<Message<'a>> {
        let messages = self.elements().map(|element| message(element, default_role));
        messages.filter(|message| !message.parts.is_empty() || message.finish_reason.is_some()).collect()
    }
    /// JSON text of a list: of tools (a leaf that is JSON is the element), or of objects of their leaves.
    pub(crate) fn json_list(&mut self, whole_leaf: &str, strip: &str) -> String {
        let mut out = String::from("[");
        for element in self.elements() {
            if out.len() > 1 {
                out.push(',');
            }
            let whole = element.iter().find(|(_, leaf, _)| *leaf == whole_leaf).and_then(|(_, _, value)| value.as_str());
            if !whole.is_some_and(|text| push_tool(&mut out, text)) {
                write_object(&mut out, element, strip);
            }
        }
        out.push(']');
        out
    }
    /// All leaves by element, for readers of other shapes.
    pub(crate) fn objects(&mut self) -> Vec<Vec<(&'a str, ValueRef<'a>)>> {
        self.elements().map(|element| element.iter().map(|(_, leaf, value)| (*leaf, *value)).collect()).collect()
    }
}

fn split_number(text: &str) -> Option<(u32, &str)> {
    let (number, rest) = text.split_once('.').unwrap_or((text, ""));
    Some((number.parse().ok()?, rest))
}

#[derive(serde::Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    function: Option<&'a RawValue>,
}

/// `{"type":"function","function":{...}}` becomes the conventions' flat `{"type":"function", ...}`; other objects stay.
/// False for what is no JSON object. The text is checked, not parsed into a tree: definitions are long and on every call.
fn push_tool(out: &mut String, text: &str) -> bool {
    let Ok(tool) = serde_json::from_str::<Tool<'_>>(text) else { return false };
    let function = tool.function.and_then(|raw| raw.get().strip_prefix('{')).map(str::trim_start);
    match function {
        Some("}") => out.push_str("{\"type\":\"function\"}"),
        Some(rest) => {
            out.push_str("{\"type\":\"function\",");
            out.push_str(rest);
        }
        None => out.push_str(text),
    }
    true
}

fn write_object(out: &mut String, element: &[(u32, &str, ValueRef<'_>)], strip: &str) {
    out.push('{');
    for (at, (_, leaf, value)) in element.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(out, leaf.strip_prefix(strip).unwrap_or(leaf));
        out.push(':');
        match value.as_str() {
            Some(text) if super::messages::is_structured_json(text) => out.push_str(text),
            _ => out.push_str(&record::plain_json(*value)),
        }
    }
    out.push('}');
}

#[derive(Default)]
struct Call<'a> {
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
}

impl<'a> Call<'a> {
    fn set(&mut self, field: &str, value: Cow<'a, str>) {
        match field {
            "id" => self.id = Some(value),
            "name" | "function.name" => self.name = Some(value),
            "arguments" | "function.arguments" => self.arguments = Some(value),
            _ => {}
        }
    }
    fn part(self) -> Option<Part<'a>> {
        if self.id.is_none() && self.name.is_none() {
            return None;
        }
        Some(Part::ToolCall { id: self.id, name: self.name.unwrap_or_default(), arguments: self.arguments })
    }
}

#[derive(Default)]
struct Content<'a> {
    kind: &'a str,
    text: Option<Cow<'a, str>>,
    address: Option<Cow<'a, str>>,
    call: Call<'a>,
}

fn message<'a>(element: &[(u32, &'a str, ValueRef<'a>)], default_role: &'static str) -> Message<'a> {
    let mut message = Message::default();
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    let mut contents: Vec<(u32, Content<'a>)> = Vec::new();
    let mut calls: Vec<(u32, Call<'a>)> = Vec::new();
    let mut response_to: Option<Cow<'a, str>> = None;
    for (_, leaf, value) in element {
        let leaf = leaf.strip_prefix("message.").unwrap_or(leaf);
        let Some(text) = text_of(*value) else { continue };
        match leaf {
            "role" => message.role = Some(text),
            "name" => message.name = Some(text),
            "finish_reason" => message.finish_reason = Some(text),
            "tool_call_id" => response_to = Some(text),
            "content" | "prompt.text" | "completion.text" => texts.push(text),
            "function_call_name" | "function_call.name" => slot(&mut calls, 0).name = Some(text),
            "function_call_arguments_json" | "function_call.arguments" => slot(&mut calls, 0).arguments = Some(text),
            _ => {
                if let Some((number, field)) = leaf.strip_prefix("tool_calls.").and_then(split_number) {
                    slot(&mut calls, number).set(field.strip_prefix("tool_call.").unwrap_or(field), text);
                } else if let Some((number, field)) = leaf.strip_prefix("contents.").and_then(split_number) {
                    set_content(slot(&mut contents, number), field, text);
                } else if leaf.strip_prefix("content.").and_then(split_number).is_some() {
                    texts.push(text);
                }
            }
        }
    }
    contents.sort_by_key(|(number, _)| *number);
    calls.sort_by_key(|(number, _)| *number);
    let is_tool = message.role.as_deref() == Some("tool") || response_to.is_some();
    if is_tool {
        let mut all = texts;
        all.extend(contents.into_iter().filter_map(|(_, content)| content.text));
        let response = if all.len() > 1 { Some(Cow::Owned(all.concat())) } else { all.pop() };
        let name = message.name.take();
        message.push(Part::ToolResponse { id: response_to, name, response, is_error: false });
    } else {
        texts.into_iter().for_each(|text| message.push(Part::Text(text)));
        contents.into_iter().filter_map(|(_, content)| content_part(content)).for_each(|part| message.push(part));
    }
    calls.into_iter().filter_map(|(_, call)| call.part()).for_each(|part| message.push(part));
    message.role.get_or_insert(Cow::Borrowed(if is_tool { "tool" } else { default_role }));
    message
}

fn set_content<'a>(content: &mut Content<'a>, field: &'a str, text: Cow<'a, str>) {
    if let Some(call) = field.strip_prefix("tool_call.") {
        content.call.set(call, text);
        return;
    }
    match field.strip_prefix("message_content.").unwrap_or(field) {
        "type" => {
            if let Cow::Borrowed(kind) = text {
                content.kind = kind;
            }
        }
        "text" => content.text = Some(text),
        other if other.ends_with(".url") => content.address = Some(text),
        _ => {}
    }
}

fn content_part(content: Content<'_>) -> Option<Part<'_>> {
    if let Some(call) = content.call.part() {
        return Some(call);
    }
    if let Some(address) = content.address {
        let modality = if content.kind.is_empty() { "image" } else { content.kind };
        return Some(media(Cow::Borrowed(modality), address));
    }
    let text = content.text?;
    Some(if content.kind == "reasoning" { Part::Reasoning(text) } else { Part::Text(text) })
}

fn slot<T: Default>(slots: &mut Vec<(u32, T)>, number: u32) -> &mut T {
    let at = slots.iter().position(|(known, _)| *known == number).unwrap_or(slots.len());
    if at == slots.len() {
        slots.push((number, T::default()));
    }
    &mut slots.get_mut(at).expect("invariant: found or pushed").1
}

fn text_of(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        ValueRef::Str(text) => Some(Cow::Borrowed(text)).filter(|text| !is_redacted(text) || text == "{}"),
        ValueRef::Empty => None,
        other => Some(Cow::Owned(record::plain_json(other))),
    }
}
