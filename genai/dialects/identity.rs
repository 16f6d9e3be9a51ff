//! `chaperone.run.id` and, on logs, `chaperone.record.id` (contracts, section 1).

use super::normalize::text;
use super::plan::Plan;
use super::settings::Settings;
use crate::keys;
use crate::record::{self, event_name, hex, record_digest};
use chaperone_proto::{LogRef, RecordRef, Value, ValueRef};

pub(crate) fn add(record: RecordRef<'_>, settings: &Settings, plan: &mut Plan) {
    if !record.attrs().has(keys::CHAPERONE_RUN_ID)
        && let Some(id) = run_id(record, settings)
    {
        match id {
            RunId::Trace(trace) => plan.add_hex(keys::CHAPERONE_RUN_ID, trace),
            RunId::Said(id) => plan.add(keys::CHAPERONE_RUN_ID, Value::Str(id)),
        }
    }
    let RecordRef::Log(log) = record else { return };
    if log.attrs().has(keys::CHAPERONE_RECORD_ID) {
        return;
    }
    let name = event_name(record, settings.event_name);
    let identity = [keys::CHAPERONE_REQUEST_ID, keys::GEN_AI_TOOL_CALL_ID, keys::GEN_AI_RESPONSE_ID];
    let named = if is_always_whole(name) { None } else { identity.into_iter().find_map(|key| text(record, plan, key)) };
    let digest = match named {
        Some(id) => record_digest("logs", log.trace_id(), log.span_id(), name, id.as_bytes()),
        None => record_digest("logs", log.trace_id(), log.span_id(), name, &as_received(log)),
    };
    plan.add_str(keys::CHAPERONE_RECORD_ID, &hex(&digest));
}

enum RunId {
    Said(String),
    Trace([u8; 16]),
}

fn run_id(record: RecordRef<'_>, settings: &Settings) -> Option<RunId> {
    let value = |key: &str| record.attrs().get_named(key).map(spelled).filter(|id| !id.is_empty());
    if let Some(id) = settings.run_key.iter().find_map(|key| value(key)) {
        return Some(RunId::Said(id));
    }
    if let Some(trace) = record.trace_id() {
        return Some(RunId::Trace(trace));
    }
    settings.log_run_key.filter(|_| record.as_log().is_some()).and_then(value).map(RunId::Said)
}

fn spelled(value: ValueRef<'_>) -> String {
    value.as_str().map_or_else(|| record::plain_json(value), str::to_owned)
}

/// Several decisions, signals or evaluations may be about one call: the call's id does not tell them apart.
/// Neither do the messages of one call.
fn is_always_whole(event: &str) -> bool {
    let event = event.strip_prefix("chaperone.").unwrap_or(event);
    matches!(event, "decision" | "approval" | "quality_signal") || event.contains("evaluation") || super::is_message_event(event)
}

/// The record as received, in one form for equal records: what we added is left out.
fn as_received(log: LogRef<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend(log.time_ns().to_le_bytes());
    bytes.extend(log.observed_time_ns().to_le_bytes());
    bytes.extend(log.severity_number().to_le_bytes());
    let mut json = String::new();
    log.body().write_json(&mut json);
    for (key, value) in log.attrs().iter().filter(|(key, _)| !key.name.starts_with("chaperone.")) {
        json.push('\n');
        json.push_str(key.name);
        json.push('=');
        value.write_json(&mut json);
    }
    bytes.extend(json.as_bytes());
    bytes
}
