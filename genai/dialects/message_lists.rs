//! Conversations in one attribute: lists of message events, a run's whole history, requests as a client sent them.
//!
//! `event-list`: Pydantic AI and Logfire, objects with `event.name`. `conversation`: all messages of a run, the answer last.
//! `raw-request`: LiteLLM's `llm.<provider>.messages`, `.choices`, `.content`, as Python prints them.
//! `function-call`: the one call of OpenAI's API of functions. `answer-blocks`: the blocks of one answer. What stands under a canonical key already stays.

use super::gather::Gathered;
use super::json_messages::{self, of_object};
use super::mapping::Transform;
use super::messages::{Message, write_messages, write_parts};
use super::normalize::is_said;
use super::plan::Plan;
use super::{json_parts, json_paths, message_logs, words};
use crate::keys;
use chaperone_proto::{KeyId, RecordRef, Value, ValueRef};
use serde_json::Value as Json;
use std::borrow::Cow;

pub(crate) fn add(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    for (transform, name, value) in &gathered.specials {
        if !is_said(*value) {
            continue;
        }
        let told = match transform {
            Transform::EventList => events(*value),
            Transform::Conversation => conversation(*value),
            Transform::RawRequest => raw(name, *value),
            Transform::FunctionCall => call(*value),
            Transform::AnswerBlocks => blocks(*value),
            _ => continue,
        };
        match told {
            Some(told) => told.plan(record, plan),
            None => plan.counts.kept += 1,
        }
    }
}

#[derive(Default)]
struct Told {
    instructions: Vec<Message<'static>>,
    input: Vec<Message<'static>>,
    output: Vec<Message<'static>>,
}

impl Told {
    fn plan(self, record: RecordRef<'_>, plan: &mut Plan) {
        let parts: Vec<_> = self.instructions.into_iter().flat_map(|message| message.parts).collect();
        if !parts.is_empty() {
            absent(record, plan, keys::GEN_AI_SYSTEM_INSTRUCTIONS, || Value::Str(write_parts(&parts)));
        }
        if !self.input.is_empty() {
            absent(record, plan, keys::GEN_AI_INPUT_MESSAGES, || Value::Str(write_messages(&self.input)));
        }
        let reasons: Vec<&str> = self.output.iter().filter_map(|message| message.finish_reason.as_deref()).collect();
        if !reasons.is_empty() {
            let words = reasons.iter().map(|word| Value::Str(words::finish_reason(word).to_owned())).collect();
            absent(record, plan, keys::GEN_AI_RESPONSE_FINISH_REASONS, || Value::Array(words));
        }
        if !self.output.is_empty() {
            absent(record, plan, keys::GEN_AI_OUTPUT_MESSAGES, || Value::Str(write_messages(&self.output)));
        }
    }
}

fn absent(record: RecordRef<'_>, plan: &mut Plan, key: KeyId, value: impl FnOnce() -> Value) {
    if !record.attrs().has(key) && plan.planned(key).is_none() {
        plan.add(key, value());
    }
}

fn json(value: ValueRef<'_>) -> Option<Json> {
    match value {
        ValueRef::Str(text) => json_paths::parse(text),
        other => Some(crate::record::plain(other)),
    }
}

/// Objects that each name their event; an answer is a `choice`, or what the model said last where there is none.
fn events(value: ValueRef<'_>) -> Option<Told> {
    let Json::Array(items) = json(value)? else { return None };
    let mut told = Told::default();
    for item in items {
        let Json::Object(mut object) = item else { continue };
        let Some((place, role)) = object.get("event.name").and_then(Json::as_str).and_then(message_logs::place) else { continue };
        object.remove("event.name");
        let Some(message) = of_object(object, role) else { continue };
        match place {
            "instructions" => told.instructions.push(message),
            "input" => told.input.push(message),
            _ => told.output.push(message),
        }
    }
    if told.output.is_empty() {
        told.output.extend(last_answer(&mut told.input));
    }
    Some(told)
}

/// The last message, if it is the model's.
fn last_answer(messages: &mut Vec<Message<'static>>) -> Option<Message<'static>> {
    messages.pop_if(|last| last.role.as_deref() == Some("assistant"))
}

fn conversation(value: ValueRef<'_>) -> Option<Told> {
    let mut input = json_messages::output_of(json(value)?);
    let output = last_answer(&mut input).into_iter().collect();
    Some(Told { input, output, ..Told::default() })
}

/// `name`: provider and parameter.
fn raw(name: &str, value: ValueRef<'_>) -> Option<Told> {
    let (_, parameter) = name.split_once('.')?;
    let messages = |value| json(value).map(json_messages::output_of).filter(|messages| !messages.is_empty());
    match parameter {
        "messages" | "contents" => Some(Told { input: messages(value)?, ..Told::default() }),
        "choices" | "candidates" => Some(Told { output: messages(value)?, ..Told::default() }),
        // Blocks of one message, or items of the Responses API.
        "content" | "output" => blocks(value),
        _ => None,
    }
}

/// The blocks of one answer.
fn blocks(value: ValueRef<'_>) -> Option<Told> {
    let Json::Array(blocks) = json(value)? else { return None };
    let mut message = Message { role: Some(Cow::Borrowed("assistant")), ..Message::default() };
    for block in blocks {
        match block {
            Json::Object(object) if object.contains_key("role") => {
                message.parts.extend(of_object(object, "assistant").into_iter().flat_map(|inner| inner.parts));
            }
            block => json_messages::add_blocks(vec![block], &mut message),
        }
    }
    (!message.parts.is_empty()).then(|| Told { output: vec![message], ..Told::default() })
}

fn call(value: ValueRef<'_>) -> Option<Told> {
    let Json::Object(call) = json(value)? else { return None };
    let part = json_parts::tool_call(call)?;
    let message = Message { role: Some(Cow::Borrowed("assistant")), parts: vec![part], ..Message::default() };
    Some(Told { output: vec![message], ..Told::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_events_is_instructions_questions_and_an_answer() {
        let list = r#"[{"event.name":"gen_ai.system.message","content":"Help.","role":"system"},
            {"event.name":"gen_ai.user.message","content":"Hi","role":"user"},
            {"event.name":"gen_ai.tool.message","role":"tool","id":"c1","content":"ok","name":"f"},
            {"event.name":"gen_ai.assistant.message","content":"Hello","role":"assistant"}]"#;
        let told = events(ValueRef::Str(list)).unwrap();
        assert_eq!(
            write_messages(&told.input),
            r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","name":"f","response":"ok"}]}]"#
        );
        assert_eq!(write_messages(&told.output), r#"[{"role":"assistant","parts":[{"type":"text","content":"Hello"}]}]"#);
        assert_eq!(told.instructions.len(), 1);
    }

    #[test]
    fn requests_as_python_prints_them_are_read() {
        let choices = "[{'finish_reason': 'tool_calls', 'message': {'content': None, 'role': 'assistant', 'tool_calls': [{'id': 'c1', 'function': {'arguments': '{}', 'name': 'f'}}]}}]";
        let told = raw("openai.choices", ValueRef::Str(choices)).unwrap();
        let answer = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"f","arguments":{}}],"finish_reason":"tool_call"}]"#;
        assert_eq!(write_messages(&told.output), answer);
        let blocks = "[{'type': 'tool_use', 'id': 'c1', 'name': 'f', 'input': {}}]";
        let told = raw("anthropic.content", ValueRef::Str(blocks)).unwrap();
        assert_eq!(write_messages(&told.output), answer.replace(",\"finish_reason\":\"tool_call\"", ""));
        assert!(raw("openai.usage", ValueRef::Str("{'prompt_tokens': 1}")).is_none());
    }
}
