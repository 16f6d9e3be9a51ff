//! Tool calls of an answer under a key of their own, beside the answer's text: both belong to one message.

use super::json_messages;
use super::messages::write_messages;
use super::normalize::text;
use super::plan::Plan;
use crate::keys;
use chaperone_proto::{RecordRef, Value, ValueRef};
use serde_json::Value as Json;

/// Adds the calls to the planned answer, or makes an answer of them. An answer that the record has stays as it is.
pub(crate) fn add(record: RecordRef<'_>, calls: ValueRef<'_>, plan: &mut Plan) {
    if record.attrs().has(keys::GEN_AI_OUTPUT_MESSAGES) {
        return;
    }
    let calls = calls.as_str().map_or_else(|| crate::record::plain_json(calls), str::to_owned);
    if !calls.trim_start().starts_with(['[', '{']) || calls.trim() == "[]" {
        return;
    }
    let of_calls = write_messages(&json_messages::output(&calls));
    let planned = text(record, plan, keys::GEN_AI_OUTPUT_MESSAGES).and_then(|text| serde_json::from_str::<Vec<Json>>(text).ok());
    let joined = match (planned, serde_json::from_str::<Vec<Json>>(&of_calls)) {
        (Some(mut answer), Ok(added)) => {
            let parts = added.into_iter().filter_map(|mut message| message.get_mut("parts").map(Json::take));
            let parts: Vec<Json> = parts.flat_map(|parts| parts.as_array().cloned().unwrap_or_default()).collect();
            if let Some(Json::Array(open)) = answer.last_mut().and_then(|message| message.get_mut("parts")) {
                open.extend(parts);
            }
            serde_json::to_string(&answer).unwrap_or(of_calls)
        }
        _ => of_calls,
    };
    plan.set(keys::GEN_AI_OUTPUT_MESSAGES, Value::Str(joined));
}
