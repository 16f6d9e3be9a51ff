//! The Collector's rules of reading and writing OTLP/JSON, by number; each test fails when its rule is broken.
//!
//! What is accepted and what is refused was seen with a running Collector. `J1` to `J13` are ours to name.

use crate::install;
use chaperone_proto::{Data, DecodeError, Limits, Signal, Traces, Value};

fn read(signal: Signal, json: &str) -> Result<Data, DecodeError> {
    install();
    Data::decode_json(signal, json.as_bytes(), &Limits::default())
}

fn written(signal: Signal, json: &str) -> String {
    let mut out = Vec::new();
    read(signal, json).unwrap().write_json(&mut out);
    String::from_utf8(out).unwrap()
}

fn span(members: &str) -> Result<Traces, DecodeError> {
    match read(Signal::Traces, &format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#))? {
        Data::Traces(traces) => Ok(traces),
        _ => unreachable!("asked for traces"),
    }
}

fn accepted(members: &str) -> Traces {
    span(members).unwrap_or_else(|error| panic!("{members}: {error}"))
}

#[track_caller]
fn refused(members: &str) {
    let error = span(members).expect_err(members);
    assert!(matches!(error, DecodeError::Json { .. } | DecodeError::IdLength { .. }), "{error}");
}

/// The value of an attribute whose value has these members.
fn value(members: &str) -> Result<Value, DecodeError> {
    let traces = span(&format!(r#""attributes":[{{"key":"k","value":{{{members}}}}}]"#))?;
    Ok(traces.span(0).attrs().get_named("k").unwrap().to_value())
}

#[test]
fn j1_names_are_read_in_camel_case_and_snake_case_only() {
    for members in [r#""startTimeUnixNano":1,"endTimeUnixNano":2"#, r#""start_time_unix_nano":1,"end_time_unix_nano":2"#] {
        let traces = accepted(members);
        assert_eq!((traces.span(0).start_ns(), traces.span(0).end_ns()), (1, 2));
    }
    assert_eq!(accepted(r#""StartTimeUnixNano":1"#).span(0).start_ns(), 0, "unknown, so stepped over");
    assert_eq!(read(Signal::Logs, r#"{"resource_logs":[{"scope_logs":[{"log_records":[{}]}]}]}"#).unwrap().items(), 1);
    assert_eq!(read(Signal::Logs, r#"{"ResourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#).unwrap().items(), 0);
}

#[test]
fn j2_what_is_unknown_is_stepped_over_on_every_level() {
    let unknown = r#""new":{"a":[1,"x",{"b":null},true,-1.5e3]}"#;
    let json = format!(
        r#"{{{unknown},"resourceSpans":[{{{unknown},"resource":{{{unknown}}},"scopeSpans":[{{{unknown},"scope":{{{unknown}}},
        "spans":[{{{unknown},"name":"n","status":{{{unknown}}},"events":[{{{unknown}}}],"links":[{{{unknown}}}],
        "attributes":[{{{unknown},"key":"k","value":{{{unknown}}}}}]}}]}}]}}]}}"#
    );
    let Data::Traces(traces) = read(Signal::Traces, &json).unwrap() else { unreachable!() };
    assert_eq!(traces.span(0).name(), "n");
    assert_eq!(traces.span(0).attrs().get_named("k").unwrap().to_value(), Value::Empty, "an unknown kind of value");
    assert_eq!(
        read(Signal::Traces, r#"{"resourceSpans":[{"instrumentationLibrarySpans":[{"spans":[{}]}]}]}"#).unwrap().items(),
        0
    );
}

#[test]
fn j3_ids_are_hexadecimal_of_the_right_length() {
    let id = "0102030405060708090A0b0c0d0e0f10";
    let traces = accepted(&format!(r#""traceId":"{id}","spanId":"0102030405060708","parentSpanId":"ABCDEF0000000001""#));
    assert_eq!(traces.span(0).trace_id().unwrap()[9..11], [10, 11]);
    assert_eq!(traces.span(0).parent_span_id(), Some([0xab, 0xcd, 0xef, 0, 0, 0, 0, 1]));
    for none in [r#""""#, r#""00000000000000000000000000000000""#] {
        assert_eq!(accepted(&format!(r#""traceId":{none}"#)).span(0).trace_id(), None);
    }
    for wrong in [
        r#""0102""#,
        r#""AQIDBAUGBwgJCgsMDQ4PEA==""#,
        r#""g102030405060708090a0b0c0d0e0f10""#,
        r#""0000000000000000""#,
        "null",
        "5",
        r#""010""#,
    ] {
        refused(&format!(r#""traceId":{wrong}"#));
        refused(&format!(r#""links":[{{"traceId":{wrong}}}]"#));
    }
    refused(r#""spanId":"0102030405060708090a0b0c0d0e0f10""#);
    let exemplar =
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"exemplars":[{"spanId":"01"}]}]}}]}]}]}"#;
    assert!(matches!(read(Signal::Metrics, exemplar), Err(DecodeError::IdLength { field: "span_id", len: 1, expected: 8 })));
    let json =
        written(Signal::Traces, &format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id}"}}]}}]}}]}}"#));
    assert!(json.contains(&format!(r#""traceId":"{}""#, id.to_lowercase())), "{json}");
}

#[test]
fn j4_integers_of_64_bits_are_numbers_or_strings_of_digits() {
    for (text, number) in
        [("5", 5), ("-5", -5), (r#""-5""#, -5), (r#""+5""#, 5), (r#""007""#, 7), (r#""-9223372036854775808""#, i64::MIN)]
    {
        assert_eq!(value(&format!(r#""intValue":{text}"#)), Ok(Value::Int(number)), "{text}");
    }
    for text in [
        r#""""#,
        r#""1e3""#,
        "1e3",
        "5.0",
        r#""5.0""#,
        r#"" 5""#,
        r#""0x5""#,
        "9223372036854775808",
        "null",
        "true",
        "01",
        "-",
        "{}",
    ] {
        assert!(value(&format!(r#""intValue":{text}"#)).is_err(), "{text}");
    }
    assert_eq!(accepted(r#""startTimeUnixNano":"18446744073709551615""#).span(0).start_ns(), u64::MAX);
    for text in ["-1", r#""-1""#, r#""+1""#, "18446744073709551616", "null", r#""""#] {
        refused(&format!(r#""startTimeUnixNano":{text}"#));
    }
    let json = written(Signal::Traces, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":5}]}]}]}"#);
    assert!(json.contains(r#""startTimeUnixNano":"5""#), "{json}");
}

#[test]
fn j5_integers_of_32_bits_are_numbers_or_strings() {
    for text in ["7", r#""7""#] {
        let traces = accepted(&format!(r#""flags":{text},"droppedAttributesCount":{text}"#));
        assert_eq!((traces.span(0).flags(), traces.span(0).dropped_attributes_count()), (7, 7));
    }
    for text in ["4294967296", "-1", "1.5", r#""""#, "null", "[]"] {
        refused(&format!(r#""flags":{text}"#));
        refused(&format!(r#""droppedEventsCount":{text}"#));
    }
}

#[test]
fn j6_enums_are_numbers_or_exact_names() {
    for (text, kind) in [("3", 3), (r#""SPAN_KIND_CLIENT""#, 3), ("99", 99), ("-1", -1)] {
        assert_eq!(accepted(&format!(r#""kind":{text}"#)).span(0).kind(), kind);
    }
    for text in [r#""CLIENT""#, r#""span_kind_client""#, r#""3""#, r#""""#, "1.5", "null", "true"] {
        refused(&format!(r#""kind":{text}"#));
    }
    assert_eq!(accepted(r#""status":{"code":"STATUS_CODE_ERROR"}"#).span(0).status_code(), 2);
    refused(r#""status":{"code":"2"}"#);
    let json = written(
        Signal::Logs,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_INFO2"}]}]}]}"#,
    );
    assert!(json.contains(r#""severityNumber":10"#), "{json}");
}

#[test]
fn j7_bytes_are_base64_of_the_standard_alphabet_with_padding() {
    assert_eq!(value(r#""bytesValue":"AAH/""#), Ok(Value::Bytes(vec![0, 1, 255])));
    assert_eq!(value(r#""bytesValue":"AQ==""#), Ok(Value::Bytes(vec![1])));
    assert_eq!(value(r#""bytesValue":"""#), Ok(Value::Bytes(vec![])));
    for text in [r#""AAH_""#, r#""AQ""#, r#""AQ=""#, r#""A===""#, r#""AQ==AQ==""#, r#""A Q=""#, r#""AQ\n==""#, "null", "5"] {
        assert!(value(&format!(r#""bytesValue":{text}"#)).is_err(), "{text}");
    }
}

#[test]
fn j8_doubles_are_numbers_strings_of_numbers_or_the_names_of_what_is_none() {
    let infinity = f64::INFINITY;
    for (text, number) in [
        ("1.5", 1.5),
        ("-2", -2.0),
        ("1e3", 1000.0),
        (r#""1.5""#, 1.5),
        (r#""1e3""#, 1000.0),
        (r#""Infinity""#, infinity),
        (r#""-Infinity""#, -infinity),
        (r#""inf""#, infinity),
    ] {
        assert_eq!(value(&format!(r#""doubleValue":{text}"#)), Ok(Value::Double(number)), "{text}");
    }
    assert!(matches!(value(r#""doubleValue":"NaN""#), Ok(Value::Double(number)) if number.is_nan()));
    for text in ["NaN", "Infinity", "1e999", r#""1e999""#, r#""""#, r#""x""#, "null", "true", ".5", "5."] {
        assert!(value(&format!(r#""doubleValue":{text}"#)).is_err(), "{text}");
    }
}

#[test]
fn j9_texts_and_booleans_are_nothing_else() {
    refused(r#""name":5"#);
    refused(r#""name":true"#);
    assert!(value(r#""stringValue":5"#).is_err());
    for text in [r#""true""#, "1", "null", "TRUE"] {
        assert!(value(&format!(r#""boolValue":{text}"#)).is_err(), "{text}");
    }
    assert_eq!(value(r#""boolValue":true"#), Ok(Value::Bool(true)));
}

#[test]
fn j10_null_stands_for_an_absent_text_message_or_list() {
    let traces = accepted(r#""name":null,"traceState":null,"status":null,"attributes":null,"events":[null],"links":null"#);
    let span = traces.span(0);
    assert_eq!((span.name(), span.attrs().len(), span.events().count(), span.status_code()), ("", 0, 1, 0));
    assert_eq!(
        read(Signal::Traces, r#"{"resourceSpans":[null,{"resource":null,"scopeSpans":[{"scope":null,"spans":[null]}]}]}"#)
            .unwrap()
            .items(),
        1
    );
    assert_eq!(read(Signal::Traces, "null").unwrap().items(), 0);
}

#[test]
fn j11_of_several_kinds_of_one_value_the_last_counts() {
    assert_eq!(value(r#""stringValue":"a","intValue":"5""#), Ok(Value::Int(5)));
    let list = r#""arrayValue":{"values":[{"intValue":1}]}"#;
    assert_eq!(value(&format!(r#"{list},"stringValue":"a""#)), Ok(Value::Str("a".into())));
    assert_eq!(value(&format!("{list},{list}")), Ok(Value::Array(vec![Value::Int(1)])), "not merged");
    assert_eq!(value(r#""intValue":5,"newKind":7"#), Ok(Value::Int(5)));
    assert_eq!(value(""), Ok(Value::Empty));
    assert_eq!(value(r#""stringValue":null"#), Ok(Value::Str(String::new())));
    assert_eq!(value(r#""kvlistValue":null"#), Ok(Value::Map(vec![])));
    assert_eq!(
        accepted(r#""attributes":[{"key":"k","value":null}]"#).span(0).attrs().get_named("k").unwrap().to_value(),
        Value::Empty
    );
    refused(r#""attributes":[{"key":"k","value":"bare"}]"#);
    let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"bare"}]}]}]}"#;
    assert!(matches!(read(Signal::Logs, body), Err(DecodeError::Json { .. })));
    let point = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}]},"sum":{"dataPoints":[{"asInt":1,"asDouble":2},{}]}}]}]}]}"#;
    assert_eq!(read(Signal::Metrics, point).unwrap().items(), 2, "the gauge does not count");
    assert!(!written(Signal::Metrics, point).contains("asInt"));
}

#[test]
fn j12_keys_stay_twice_and_broken_letters_are_replaced() {
    let traces =
        accepted(r#""attributes":[{"key":"k","value":{"intValue":1}},{"key":"k","value":{"intValue":2}}],"name":"a\ud800b""#);
    assert_eq!(traces.span(0).attrs().len(), 2);
    assert_eq!(traces.span(0).name(), "a\u{fffd}b");
    assert_eq!(traces.repaired_texts(), 1);
}

#[test]
fn j13_what_is_empty_is_left_out_but_some_messages_are_always_written() {
    let traces = r#"{"resourceSpans":[{"schemaUrl":"","scopeSpans":[{"spans":[{"name":"","kind":0,"traceId":"","attributes":[{"key":"","value":null}],
        "events":[{"timeUnixNano":0}],"links":[],"flags":0,"droppedAttributesCount":0}]}]}]}"#;
    assert_eq!(
        written(Signal::Traces, traces),
        r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"attributes":[{"value":{}}],"events":[{}],"status":{}}]}]}]}"#
    );
    assert_eq!(
        written(Signal::Logs, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":""}]}]}]}"#),
        r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"body":{}}]}]}]}"#
    );
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":0},{"asDouble":0}]}},
        {"exponentialHistogram":{"dataPoints":[{"scale":0,"min":0,"zeroThreshold":0}]}},{"summary":{"dataPoints":[{"sum":0,"count":"0"}]}},
        {"histogram":{"dataPoints":[{"sum":0,"bucketCounts":[],"explicitBounds":[0]}]}},{"sum":{"isMonotonic":false}}]}]}]}"#;
    assert_eq!(
        written(Signal::Metrics, metrics),
        concat!(
            r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"scope":{},"metrics":[{"gauge":{"dataPoints":[{"asInt":"0"},{"asDouble":0}]}},"#,
            r#"{"exponentialHistogram":{"dataPoints":[{"positive":{},"negative":{},"min":0}]}},{"summary":{"dataPoints":[{}]}},"#,
            r#"{"histogram":{"dataPoints":[{"sum":0,"explicitBounds":[0]}]}},{"sum":{}}]}]}]}"#
        )
    );
    let doubles = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[1,2.5,1e21,1e-7,"NaN","-Infinity"]}]}}]}]}]}"#;
    assert!(written(Signal::Metrics, doubles).contains(r#""explicitBounds":[1,2.5,1e+21,1e-07,"NaN","-Infinity"]"#));
}
