//! Records as the tables of cases write them (`testdata/dialect_rows/README.md`), and the events that come of them.

use super::{any, attributes, decode, plain};
use chaperone_proto::{Attrs, Data, Logs, RecordRef, Signal};
use serde_json::{Map, Value as Json, json};

/// Name and attributes of an event.
pub type Event = (String, Map<String, Json>);

fn text<'a>(given: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    given.get(key).map(|value| value.as_str().unwrap_or_else(|| panic!("{key} is text: {given:?}")))
}

/// The record. `scope`: its scope where it names none.
pub fn record(given: &Map<String, Json>, scope: &str) -> Data {
    let attrs: Json =
        given.iter().filter(|(key, _)| !key.starts_with('@')).map(|(key, value)| (key.clone(), value.clone())).collect();
    let scope = json!({"name": text(given, "@scope").unwrap_or(scope), "version": text(given, "@version").unwrap_or("1.0")});
    let resource = json!({"attributes": attributes(given.get("@resource").unwrap_or(&json!({})))});
    let ids = [("traceId", "0102030405060708090a0b0c0d0e0f10"), ("spanId", "0102030405060708")];
    let mut record: Map<String, Json> = ids.into_iter().map(|(key, id)| (key.to_owned(), json!(id))).collect();
    record.insert("attributes".to_owned(), attributes(&attrs));
    if let Some(event) = text(given, "@log") {
        record.insert("eventName".to_owned(), json!(event));
        record.insert("timeUnixNano".to_owned(), given.get("@time").cloned().unwrap_or(json!("1700000000000000000")));
        if let Some(body) = given.get("@body") {
            record.insert("body".to_owned(), any(body));
        }
        let logs = json!([{"scope": scope, "logRecords": [record]}]);
        return decode(Signal::Logs, &json!({"resourceLogs": [{"resource": resource, "scopeLogs": logs}]}));
    }
    record.insert("name".to_owned(), json!(text(given, "@name").unwrap_or("s")));
    for (field, key) in [("startTimeUnixNano", "@start"), ("endTimeUnixNano", "@end"), ("status", "@status")] {
        record.extend(given.get(key).map(|value| (field.to_owned(), value.clone())));
    }
    if given.contains_key("@parent") {
        record.insert("parentSpanId".to_owned(), json!("1112131415161718"));
    }
    let events = given.get("@events").and_then(Json::as_array).into_iter().flatten();
    let event = |event: &Json| json!({"name": event[0], "attributes": attributes(&event[1]), "timeUnixNano": event.get(2).unwrap_or(&json!("0"))});
    record.insert("events".to_owned(), events.map(event).collect());
    let spans = json!([{"scope": scope, "spans": [record]}]);
    decode(Signal::Traces, &json!({"resourceSpans": [{"resource": resource, "scopeSpans": spans}]}))
}

/// The same for a metric: one point of a counter.
pub fn metric(given: &Map<String, Json>) -> Data {
    let attrs: Json =
        given.iter().filter(|(key, _)| !key.starts_with('@')).map(|(key, value)| (key.clone(), value.clone())).collect();
    let point = json!({"asInt": "1", "timeUnixNano": "1700000000000000000", "attributes": attributes(&attrs)});
    let sum = json!({"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [point]});
    let metrics = json!([{"scope": {"name": text(given, "@scope").unwrap_or("app")}, "metrics": [{"name": text(given, "@metric"), "sum": sum}]}]);
    decode(Signal::Metrics, &json!({"resourceMetrics": [{"resource": {}, "scopeMetrics": metrics}]}))
}

/// The events of a normalised span, or the log records made beside a log.
pub fn events_of(data: &Data, made: Option<&Logs>) -> Vec<Event> {
    let read = |attrs: Attrs<'_>| attrs.iter().map(|(key, value)| (key.name.to_owned(), plain(value))).collect();
    match data.record(0) {
        RecordRef::Span(span) => span.events().map(|event| (event.name().to_owned(), read(event.attrs()))).collect(),
        RecordRef::Log(_) => {
            let logs = made.into_iter().flat_map(|logs| (0..logs.len()).map(|at| logs.log(at)));
            logs.map(|log| (log.event_name().to_owned(), read(log.attrs()))).collect()
        }
    }
}

/// Whether one of the events has this name and these attributes: `["name", {attributes}]`; `null` = absent.
pub fn has_event(all: &[Event], wanted: &Json) -> bool {
    let attrs = wanted[1].as_object().expect("an event has attributes");
    all.iter().any(|(name, held)| {
        wanted[0] == json!(name) && attrs.iter().all(|(key, value)| same(value, held.get(key).unwrap_or(&Json::Null)))
    })
}

/// Text that holds JSON equals what it holds.
pub fn same(expected: &Json, found: &Json) -> bool {
    if expected == found {
        return true;
    }
    let is_structured = expected.is_array() || expected.is_object();
    let parsed = || found.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    is_structured && parsed().is_some_and(|parsed| parsed == *expected)
}
