//! An alert record as the JSON object that is posted: the record's fields without their prefix, and its sentence.

use chaperone_genai::{event_names, keys};
use chaperone_proto::{LogRef, ValueRef};

/// What attributes of an alert begin with.
const PREFIX: &str = "chaperone.alert.";

/// One alert, ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alert {
    pub(super) id: String,
    pub(super) idempotency_key: String,
    pub(super) body: String,
}

/// The alert of a record; `None` when it is none.
pub(super) fn alert_of(log: LogRef<'_>) -> Option<Alert> {
    if log.event_name() != event_names::ALERT {
        return None;
    }
    let mut body = String::from("{\"event\":");
    ValueRef::Str(event_names::ALERT).write_json(&mut body);
    body.push_str(",\"message\":");
    match log.body() {
        text @ ValueRef::Str(_) => text.write_json(&mut body),
        _ => body.push_str("\"\""),
    }
    // 64-bit times are text, as in OTLP/JSON: a JSON number would lose its last digits in many languages.
    body.push_str(&format!(",\"time_unix_nano\":\"{}\"", log.time_ns()));
    let mut seen = Vec::new();
    for (key, value) in log.attrs().iter() {
        let Some(field) = key.name.strip_prefix(PREFIX) else { continue };
        if seen.contains(&field) {
            continue;
        }
        seen.push(field);
        body.push(',');
        ValueRef::Str(field).write_json(&mut body);
        body.push(':');
        value.write_json(&mut body);
    }
    body.push('}');
    let text = |key| log.attrs().str(key).unwrap_or_default().to_owned();
    let id = text(keys::CHAPERONE_ALERT_ID);
    let mut idempotency_key = text(keys::CHAPERONE_ALERT_IDEMPOTENCY_KEY);
    if idempotency_key.is_empty() {
        // An alert made elsewhere may lack it; its content is then what makes it the same.
        idempotency_key = blake3::hash(body.as_bytes()).to_hex().to_string();
    }
    Some(Alert { id, idempotency_key, body })
}
