//! OTLP/JSON both ways, against the oracle's own JSON where that follows the specification.

use crate::metric_strategies::metrics;
use crate::read::{check_logs, check_traces};
use crate::strategies::{logs, traces};
use crate::{install, shown};
use chaperone_proto::{DecodeError, Limits, Logs, Metrics, Traces, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;

fn traces_of(json: &str) -> Traces {
    install();
    Traces::decode_json(json.as_bytes(), &Limits::default()).unwrap()
}

fn one_span(members: &str) -> Traces {
    traces_of(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#))
}

fn refused(json: &str) -> DecodeError {
    Traces::decode_json(json.as_bytes(), &Limits::default()).unwrap_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn metrics_survive_json_and_back(request in metrics()) {
        install();
        let metrics = Metrics::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        prop_assert_eq!(&metrics.to_request(), &request);
        let mut json = Vec::new();
        metrics.write_json(&mut json);
        let again = Metrics::decode_json(&json, &Limits::default()).unwrap();
        prop_assert_eq!(again.points(), metrics.points());
        prop_assert_eq!(again.to_request(), shown::metrics(request));
    }

    #[test]
    fn spans_survive_json_and_back(request in traces()) {
        install();
        let traces = Traces::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let mut json = Vec::new();
        traces.write_json(&mut json);
        let again = Traces::decode_json(&json, &Limits::default()).unwrap();
        check_traces(&again, &request);
        prop_assert_eq!(ExportTraceServiceRequest::decode(&*again.encode().concat()).unwrap(), shown::traces(request));
        serde_json::from_slice::<serde_json::Value>(&json).unwrap();
    }

    #[test]
    fn logs_survive_json_and_back(request in logs()) {
        install();
        let logs = Logs::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
        let mut json = Vec::new();
        logs.write_json(&mut json);
        let again = Logs::decode_json(&json, &Limits::default()).unwrap();
        check_logs(&again, &request);
        prop_assert_eq!(ExportLogsServiceRequest::decode(&*again.encode().concat()).unwrap(), shown::logs(request));
    }
}

#[test]
fn an_id_of_zeros_is_none_after_json() {
    install();
    let span = Span { trace_id: vec![0; 16], span_id: vec![0; 8], parent_span_id: vec![0; 8], ..Span::default() };
    let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
    let traces = Traces::decode(request.encode_to_vec().into(), &Limits::default()).unwrap();
    let mut json = Vec::new();
    traces.write_json(&mut json);
    let again = Traces::decode_json(&json, &Limits::default()).unwrap();
    let span = again.span(0);
    assert_eq!((span.trace_id(), span.parent_span_id()), (None, None));
    assert_eq!(ExportTraceServiceRequest::decode(&*again.encode().concat()).unwrap(), shown::traces(request));
}

#[test]
fn both_cases_of_names_and_all_forms_of_numbers_are_read() {
    let traces = one_span(
        r#""trace_id":"0102030405060708090A0b0c0d0e0f10","spanId":"0102030405060708","start_time_unix_nano":"5","endTimeUnixNano":7,
           "kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":"no"},"flags":257,"unknownMember":[{"a":[1,"}"]}],
           "parentSpanId":"","attributes":[{"key":"i","value":{"intValue":"-9"}},{"key":"j","value":{"int_value":300}},
           {"key":"d","value":{"doubleValue":"-Infinity"}},{"key":"b","value":{"bytesValue":"AAH/"}},{"key":"e","value":{}}]"#,
    );
    let span = traces.span(0);
    assert_eq!(span.trace_id(), Some([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]));
    assert_eq!((span.start_ns(), span.end_ns(), span.kind(), span.status_code()), (5, 7, 3, 2));
    assert_eq!((span.parent_span_id(), span.flags(), span.status_message()), (None, 257, "no"));
    let values: Vec<Value> = span.attrs().iter().map(|(_, value)| value.to_value()).collect();
    let wanted = [Value::Int(-9), Value::Int(300), Value::Double(f64::NEG_INFINITY), Value::Bytes(vec![0, 1, 255]), Value::Empty];
    assert_eq!(values, wanted);
}

#[test]
fn escapes_and_halves_of_surrogate_pairs_become_texts() {
    let traces = one_span(r#""name":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx""#);
    assert_eq!(traces.span(0).name(), "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}\u{fffd}x");
    assert_eq!(traces.repaired_texts(), 1);
}

#[test]
fn what_goes_out_is_the_json_of_the_specification() {
    let traces = one_span(
        r#""traceId":"0102030405060708090a0b0c0d0e0f10","name":"n\u0001\"","kind":3,"startTimeUnixNano":"18446744073709551615",
        "attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":1},{"doubleValue":1.5},{"boolValue":true},{"bytesValue":"AQ=="}]}}}]"#,
    );
    let mut json = Vec::new();
    traces.write_json(&mut json);
    let expected = concat!(
        r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","#,
        r#""name":"n\u0001\"","kind":3,"#,
        r#""startTimeUnixNano":"18446744073709551615","attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"},"#,
        r#"{"doubleValue":1.5},{"boolValue":true},{"bytesValue":"AQ=="}]}}}],"status":{}}]}]}]}"#
    );
    assert_eq!(String::from_utf8(json).unwrap(), expected);
}

#[test]
fn an_appended_attribute_joins_the_list_in_json() {
    let mut traces = one_span(r#""attributes":[{"key":"a","value":{"intValue":1}}],"status":{"code":1}"#);
    traces.edit(0).set_named("b", 2);
    let mut json = Vec::new();
    traces.write_json(&mut json);
    let again = Traces::decode_json(&json, &Limits::default()).unwrap();
    let names: Vec<&str> = again.span(0).attrs().iter().map(|(key, _)| key.name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn what_is_not_otlp_json_is_refused_with_its_place() {
    let place = |json: &str| match refused(json) {
        DecodeError::Json { line, column, .. } => (line, column),
        other => panic!("{other}"),
    };
    assert_eq!(place(""), (1, 1));
    assert_eq!(place("{\n  \"resourceSpans\": 5}"), (2, 20));
    assert_eq!(place("{} x"), (1, 4));
    assert_eq!(place(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"NO"}]}]}]}"#), (1, 52));
    for json in [
        "[",
        "{\"a\":01}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\":\"\\q\"}",
        "{\"a\":\"",
        "{\"a\":tru}",
        "{\"a\":-}",
        "{\"a\":\"\n\"}",
        "nul",
    ] {
        assert!(matches!(refused(json), DecodeError::Json { .. }), "{json}");
    }
    let short = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01"}]}]}]}"#;
    assert_eq!(refused(short), DecodeError::IdLength { field: "trace_id", len: 1, expected: 16 });
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(refused(&deep), DecodeError::TooDeep { limit: 64 });
}

#[test]
fn bytes_that_are_not_utf8_in_json_are_repaired() {
    let json = b"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\xffb\"}]}]}]}";
    let traces = Traces::decode_json(json, &Limits::default()).unwrap();
    assert_eq!((traces.span(0).name(), traces.repaired_texts()), ("a\u{fffd}b", 1));
}

#[test]
fn doubles_that_are_no_numbers_are_written_as_strings() {
    let traces = one_span(r#""attributes":[{"key":"n","value":{"doubleValue":"NaN"}}]"#);
    let mut json = Vec::new();
    traces.write_json(&mut json);
    assert!(String::from_utf8(json).unwrap().contains(r#"{"doubleValue":"NaN"}"#));
    assert!(traces.span(0).attrs().get_named("n").unwrap().as_f64().unwrap().is_nan());
}

#[test]
fn metrics_survive_json_and_back_with_packed_numbers() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"h","histogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","dataPoints":[
            {"count":"3","sum":4.5,"bucketCounts":["1","2"],"explicitBounds":[0.5],"min":0}]}},
        {"name":"e","exponentialHistogram":{"dataPoints":[{"scale":-3,"positive":{"offset":-1,"bucketCounts":[7,"8"]}}]}},
        {"name":"g","gauge":{"dataPoints":[{"asInt":"-5"},{"asDouble":1}]}}]}]}]}"#;
    let metrics = Metrics::decode_json(json.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(metrics.points(), 4);
    let mut written = Vec::new();
    metrics.write_json(&mut written);
    let again = Metrics::decode_json(&written, &Limits::default()).unwrap();
    assert_eq!(again.to_request(), shown::metrics(metrics.to_request()));
    let text = String::from_utf8(written).unwrap();
    assert!(text.contains(r#""bucketCounts":["1","2"],"explicitBounds":[0.5]"#), "{text}");
    assert!(text.contains(r#""scale":-3,"positive":{"offset":-1,"bucketCounts":["7","8"]}"#), "{text}");
    assert!(text.contains(r#"{"asInt":"-5"}"#), "{text}");
}

#[test]
fn the_oracle_reads_our_json() {
    let traces = one_span(
        r#""traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"n","kind":2,
        "startTimeUnixNano":"1","endTimeUnixNano":"2","status":{"code":2,"message":"m"},
        "events":[{"timeUnixNano":"3","name":"e","attributes":[{"key":"k","value":{"kvlistValue":{"values":[{"key":"x","value":{"intValue":"4"}}]}}}]}]"#,
    );
    let mut json = Vec::new();
    traces.write_json(&mut json);
    let theirs: ExportTraceServiceRequest = serde_json::from_slice(&json).unwrap();
    let ours = ExportTraceServiceRequest::decode(&*traces.encode().concat()).unwrap();
    assert_eq!(theirs, shown::traces(ours));
    let span: &Span = &theirs.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.name, "n");
}
