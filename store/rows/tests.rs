//! What a record's row holds where a test of a database would not look: identities, hashes, fallbacks.

use super::*;
use crate::cell::Row;
use chaperone_genai::keys;
use chaperone_proto::{Limits, LogsBuilder, Signal};

/// A span of this kind with further attributes in OTLP/JSON.
fn span(kind: &str, more: &str) -> Data {
    keys::install();
    let body = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeSpans":[{{"spans":[{{
        "traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a1","name":"s","startTimeUnixNano":"9","endTimeUnixNano":"4",
        "attributes":[{{"key":"chaperone.step.kind","value":{{"stringValue":"{kind}"}}}}{more}]}}]}}]}}]}}"#
    );
    Data::decode_json(Signal::Traces, body.as_bytes(), &Limits::default()).unwrap()
}

fn text(key: &str, value: &str) -> String {
    format!(r#",{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
}

fn rows(data: &Data) -> Rows<'_> {
    let mut rows = Rows::default();
    rows.add(data);
    rows
}

#[test]
fn a_record_without_kind_gives_no_row() {
    assert!(rows(&span("other", "")).is_empty());
    assert_eq!(rows(&span("llm", "")).llm_calls.len(), 1);
    assert_eq!(rows(&span("embedding", "")).llm_calls.len(), 1);
    assert_eq!(rows(&span("tool", "")).tool_calls.len(), 1);
}

#[test]
fn an_agent_counted_instead_of_its_calls_gives_a_call() {
    assert_eq!(rows(&span("agent", &text("chaperone.usage.scope", "self"))).llm_calls.len(), 1);
    assert!(rows(&span("agent", &text("chaperone.usage.scope", "aggregate"))).is_empty());
}

#[test]
fn a_raw_user_id_never_reaches_the_column_of_hashes() {
    let hash = "0123456789abcdef0123456789abcdef";
    assert_eq!(rows(&span("llm", &text("user.id", hash))).llm_calls[0].user_hash, hash);
    assert_eq!(rows(&span("llm", &text("user.id", "jane@example.com"))).llm_calls[0].user_hash, "");
}

#[test]
fn cache_writes_without_a_lifetime_are_short_lived_and_input_is_the_sum() {
    let tokens = r#",{"key":"gen_ai.usage.input_tokens","value":{"intValue":"1000"}},
        {"key":"gen_ai.usage.cache_creation.input_tokens","value":{"intValue":"300"}},
        {"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":"200"}}"#;
    let data = span("llm", tokens);
    let rows = rows(&data);
    let row = &rows.llm_calls[0];
    assert_eq!((row.cache_write_5m_tokens, row.cache_write_1h_tokens, row.cache_read_tokens), (300, 0, 200));
    assert_eq!((row.uncached_tokens, row.input_tokens), (500, 1000));
}

#[test]
fn a_span_that_ends_before_it_starts_has_no_duration() {
    assert_eq!(rows(&span("llm", "")).llm_calls[0].duration_ns, 0);
}

#[test]
fn records_of_ours_without_an_id_are_told_apart_by_what_they_say() {
    keys::install();
    let mut logs = LogsBuilder::new(&[], "test");
    for channel in ["webhook", "console", "webhook"] {
        logs.record(1).event_name(event_names::NOTIFICATION).attr(keys::CHAPERONE_NOTIFICATION_CHANNEL, channel);
    }
    let data = Data::Logs(logs.finish());
    let rows = rows(&data);
    let ids: Vec<[u8; 16]> = rows.notifications.iter().map(|row| row.record_id).collect();
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
}

#[test]
fn columns_and_cells_are_as_many() {
    let data = span("llm", "");
    let rows = rows(&data);
    assert_eq!(rows.llm_calls[0].cells().len(), LlmCallRow::COLUMNS.len());
}
