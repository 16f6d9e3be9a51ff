//! Random requests as oracle structs.

use crate::ops::KEYS;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ -~]{0,12}", 2 => "\\PC{0,9}", 1 => "[a-z\u{e9}\u{4e16}\u{1f600}\"\\\\\n\u{1}]{60,200}", 1 => Just("x".repeat(5000))]
}

pub fn key() -> impl Strategy<Value = String> {
    prop_oneof![6 => (0..KEYS.len()).prop_map(|i| KEYS[i].to_owned()), 2 => "[a-c]{0,2}", 1 => "unknown\\.[a-e\u{e9}]{1,30}"]
}

pub fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        1 => Just(None),
        5 => text().prop_map(|text| Some(Value::StringValue(text))),
        3 => any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        2 => prop::num::f64::NORMAL.prop_map(|number| Some(Value::DoubleValue(number))),
        1 => Just(Some(Value::DoubleValue(f64::NEG_INFINITY))),
        2 => any::<bool>().prop_map(|yes| Some(Value::BoolValue(yes))),
        1 => vec(any::<u8>(), 0..9).prop_map(|bytes| Some(Value::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 4, |inner| {
        let pair =
            (key(), option::weighted(0.9, inner.clone())).prop_map(|(key, value)| KeyValue { key, value, key_strindex: 0 });
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Some(Value::ArrayValue(ArrayValue { values }))),
            vec(pair, 0..4).prop_map(|values| Some(Value::KvlistValue(KeyValueList { values }))),
        ]
        .prop_map(|value| AnyValue { value })
    })
}

pub fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    // One in twenty carries a field that the index does not know.
    let strindex = prop_oneof![19 => Just(0), 1 => 1..300i32];
    vec(
        (key(), option::weighted(0.95, value()), strindex).prop_map(|(key, value, key_strindex)| KeyValue {
            key,
            value,
            key_strindex,
        }),
        0..7,
    )
}

pub fn id(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => Just(Vec::new()), 1 => Just(vec![0; len]), 8 => vec(0..3u8, len)]
}

pub fn count() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => any::<u32>()]
}

prop_compose! {
    fn event()(time_unix_nano in any::<u64>(), name in text(), attributes in attributes(), dropped_attributes_count in count()) -> Event {
        Event { time_unix_nano, name, attributes, dropped_attributes_count }
    }
}

prop_compose! {
    fn link()(trace_id in id(16), span_id in id(8), trace_state in text(), attributes in attributes(), counts in (count(), count())) -> Link {
        Link { trace_id, span_id, trace_state, attributes, dropped_attributes_count: counts.0, flags: counts.1 }
    }
}

prop_compose! {
    fn status()(message in text(), code in 0..4i32) -> Status {
        Status { message, code }
    }
}

prop_compose! {
    pub fn span()(
        ids in (id(16), id(8), id(8)),
        texts in (text(), text()),
        times in any::<(u64, u64)>(),
        kind in prop_oneof![0..6i32, any::<i32>()],
        attributes in attributes(),
        events in vec(event(), 0..3),
        links in vec(link(), 0..3),
        status in option::of(status()),
        counts in (count(), count(), count(), count()),
    ) -> Span {
        Span {
            trace_id: ids.0, span_id: ids.1, parent_span_id: ids.2, trace_state: texts.0, name: texts.1, kind,
            start_time_unix_nano: times.0, end_time_unix_nano: times.1, attributes, events, links, status,
            dropped_attributes_count: counts.0, dropped_events_count: counts.1, dropped_links_count: counts.2, flags: counts.3,
        }
    }
}

prop_compose! {
    fn log()(
        times in any::<(u64, u64)>(),
        severity_number in 0..25i32,
        texts in (text(), text()),
        body in option::of(value()),
        attributes in attributes(),
        ids in (id(16), id(8)),
        counts in (count(), count()),
    ) -> LogRecord {
        LogRecord {
            time_unix_nano: times.0, observed_time_unix_nano: times.1, severity_number, severity_text: texts.0,
            event_name: texts.1, body, attributes, trace_id: ids.0, span_id: ids.1,
            dropped_attributes_count: counts.0, flags: counts.1,
        }
    }
}

prop_compose! {
    pub fn scope()(texts in (text(), text()), attributes in attributes(), dropped_attributes_count in count()) -> InstrumentationScope {
        InstrumentationScope { name: texts.0, version: texts.1, attributes, dropped_attributes_count }
    }
}

prop_compose! {
    pub fn resource()(attributes in attributes(), dropped_attributes_count in count(), texts in vec(text(), 0..3)) -> Resource {
        let entity = EntityRef { schema_url: String::new(), r#type: "service".into(), id_keys: texts, description_keys: vec![] };
        Resource { attributes, dropped_attributes_count, entity_refs: vec![entity] }
    }
}

pub fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope_spans = (option::of(scope()), vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope,
        spans,
        schema_url,
    });
    let resource_spans = (option::of(resource()), vec(scope_spans, 0..3), text())
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url });
    vec(resource_spans, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

pub fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scope_logs = (option::of(scope()), vec(log(), 0..4), text()).prop_map(|(scope, log_records, schema_url)| ScopeLogs {
        scope,
        log_records,
        schema_url,
    });
    let resource_logs = (option::of(resource()), vec(scope_logs, 0..3), text())
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url });
    vec(resource_logs, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}
