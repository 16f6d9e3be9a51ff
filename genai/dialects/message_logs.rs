//! Log events that carry one message each, as the conventions had them up to 1.36: the body becomes a canonical message.

use super::json_messages;
use super::messages::{write_messages, write_parts};
use super::plan::Plan;
use super::table;
use super::words::finish_reason;
use crate::keys;
use chaperone_proto::{LogRef, Value, ValueRef};
use std::sync::LazyLock;

struct Row {
    event: &'static str,
    place: &'static str,
    role: &'static str,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = table::rows(include_str!("../data/message_logs.tsv"), 3);
    rows.filter_map(|row| Some(Row { event: row.first()?, place: row.get(1)?, role: row.get(2)? })).collect()
});

/// Whether a log event of this name carries a message in its body.
pub fn is_message_event(name: &str) -> bool {
    TABLE.iter().any(|row| row.event == name)
}

/// Where the message of an event of this name goes, and whose it is.
pub(crate) fn place(name: &str) -> Option<(&'static str, &'static str)> {
    TABLE.iter().find(|row| row.event == name).map(|row| (row.place, row.role))
}

pub(crate) fn add(log: LogRef<'_>, plan: &mut Plan) {
    let name = match log.event_name() {
        "" => log.attrs().str(keys::EVENT_NAME).unwrap_or(""),
        name => name,
    };
    let Some(row) = TABLE.iter().find(|row| row.event == name) else { return add_conversation(log, plan) };
    // Semantic Kernel sends the body as JSON text.
    let body = match log.body() {
        ValueRef::Str(text) => super::python_text::structured(text),
        other => Some(crate::record::plain(other)),
    };
    let Some(serde_json::Value::Object(mut body)) = body else { return };
    // The body of a choice holds its message one level down, beside the reason.
    body.entry("role").or_insert_with(|| row.role.into());
    if body.contains_key("message") {
        body.remove("role");
    }
    let Some(message) = json_messages::of_object(body, row.role) else { return };
    let key = match row.place {
        "instructions" => keys::GEN_AI_SYSTEM_INSTRUCTIONS,
        "input" => keys::GEN_AI_INPUT_MESSAGES,
        _ => keys::GEN_AI_OUTPUT_MESSAGES,
    };
    if log.attrs().has(key) {
        return;
    }
    if let Some(reason) = &message.finish_reason
        && !log.attrs().has(keys::GEN_AI_RESPONSE_FINISH_REASONS)
    {
        let word = Value::Str(finish_reason(reason).to_owned());
        plan.add(keys::GEN_AI_RESPONSE_FINISH_REASONS, Value::Array(vec![word]));
    }
    let json = match row.place {
        "instructions" => write_parts(&message.parts),
        _ => write_messages(&[message]),
    };
    plan.counts.mapped += 1;
    plan.add(key, Value::Str(json));
}

/// AWS's distribution moves content off spans into logs: `{"input": {"messages": [...]}, "output": {"messages": [...]}}`.
fn add_conversation(log: LogRef<'_>, plan: &mut Plan) {
    let ValueRef::Map(body) = log.body() else { return };
    let sides = [("input", keys::GEN_AI_INPUT_MESSAGES), ("output", keys::GEN_AI_OUTPUT_MESSAGES)];
    for (side, key) in sides {
        let Some(ValueRef::Map(held)) = body.get(side) else { continue };
        let Some(messages) = held.get("messages") else { continue };
        let read = if side == "input" { json_messages::input_of } else { json_messages::output_of };
        let messages = read(crate::record::plain(messages));
        if !messages.is_empty() && !log.attrs().has(key) {
            plan.counts.mapped += 1;
            plan.add(key, Value::Str(write_messages(&messages)));
        }
    }
}
