//! Settings, sampling, and what a person reads.

use super::*;
use bytes::Bytes;
use chaperone_config::{Node, parse_settings};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use std::time::Duration;

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&Node::parse(yaml, "test.yaml").unwrap(), "exporters.debug").map_err(|problems| problems.to_string())
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn resource() -> Option<Resource> {
    Some(Resource { attributes: vec![pair("service.name", text("shop"))], ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: "my.scope".into(), version: "1.2".into(), ..InstrumentationScope::default() })
}

fn traces() -> Chunk {
    let list = ArrayValue { values: vec![any(text("stop"))] };
    let map = KeyValueList { values: vec![pair("k", Value::IntValue(1))] };
    let span = Span {
        trace_id: vec![0x5b; 16],
        span_id: vec![0, 0, 0, 0, 0, 0, 0, 2],
        name: "chat gpt-4o".into(),
        kind: 3,
        start_time_unix_nano: 1_767_225_600_123_456_789,
        end_time_unix_nano: 1_767_225_601_500_000_000,
        attributes: vec![
            pair("tokens", Value::IntValue(1011)),
            pair("reasons", Value::ArrayValue(list)),
            pair("m", Value::KvlistValue(map)),
            pair("raw", Value::BytesValue(vec![0, 255])),
        ],
        events: vec![span::Event { name: "first".into(), ..span::Event::default() }],
        status: Some(Status { code: 2, message: "boom".into() }),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { scope: scope(), spans: vec![span], schema_url: "https://s/1".into() }];
    let resource_spans = vec![ResourceSpans { resource: resource(), scope_spans, schema_url: "https://r/1".into() }];
    chunk(Signal::Traces, ExportTraceServiceRequest { resource_spans }.encode_to_vec(), 1)
}

fn chunk(signal: Signal, body: Vec<u8>, items: usize) -> Chunk {
    Chunk { signal, body: vec![Bytes::from(body)], items, client: None }
}

fn detail(chunk: &Chunk, verbosity: Verbosity) -> String {
    shown(chunk, verbosity).unwrap().detail
}

#[test]
fn settings_have_the_collectors_defaults_and_mistakes_are_told() {
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config::default());
    let problems = parse(include_str!("testdata/invalid_verbosity.yaml")).unwrap_err();
    assert!(problems.contains("`loud`"), "{problems}");
}

#[test]
fn basic_counts() {
    let shown = shown(&traces(), Verbosity::Basic).unwrap();
    assert_eq!(shown, Shown { title: "Traces", counts: vec![("resource spans", 1), ("spans", 1)], detail: String::new() });
}

#[test]
fn normal_is_a_line_a_span() {
    let expected = "ResourceTraces #0 [https://r/1] service.name=shop\n\
        ScopeTraces #0 my.scope@1.2 [https://s/1]\n\
        chat gpt-4o 5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b 0000000000000002 \
        tokens=1011 reasons=[\"stop\"] m={\"k\":1} raw=AP8=";
    assert_eq!(detail(&traces(), Verbosity::Normal), expected);
}

#[test]
fn detailed_shows_everything_of_a_span() {
    let shown = detail(&traces(), Verbosity::Detailed);
    for line in [
        "ResourceSpans #0",
        "Resource SchemaURL: https://r/1",
        "     -> service.name: Str(shop)",
        "InstrumentationScope my.scope 1.2",
        "    Trace ID       : 5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b",
        "    Kind           : Client",
        "    Start time     : 2026-01-01 00:00:00.123456789 +0000 UTC",
        "    End time       : 2026-01-01 00:00:01.5 +0000 UTC",
        "    Status code    : Error",
        "    Status message : boom",
        "     -> tokens: Int(1011)",
        "     -> reasons: Slice([\"stop\"])",
        "     -> m: Map({\"k\":1})",
        "     -> raw: Bytes(AP8=)",
        "SpanEvent #0",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
    }
}

#[test]
fn logs_are_shown_with_body_and_severity() {
    let record = LogRecord {
        severity_number: 10,
        severity_text: "INFO2".into(),
        event_name: "my.event".into(),
        body: Some(any(text("hello"))),
        attributes: vec![pair("a", Value::BoolValue(true))],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { scope: None, log_records: vec![record], schema_url: String::new() }];
    let resource_logs = vec![ResourceLogs { resource: None, scope_logs, schema_url: String::new() }];
    let chunk = chunk(Signal::Logs, ExportLogsServiceRequest { resource_logs }.encode_to_vec(), 1);
    assert_eq!(detail(&chunk, Verbosity::Normal), "ResourceLog #0\nScopeLog #0\nhello a=true");
    let shown = detail(&chunk, Verbosity::Detailed);
    for line in
        ["SeverityNumber: Info2(10)", "EventName: my.event", "Body: Str(hello)", "Timestamp: 1970-01-01 00:00:00 +0000 UTC"]
    {
        assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
    }
}

#[test]
fn metrics_are_shown_with_values_and_buckets() {
    let attributes = vec![pair("model", text("gpt-4o"))];
    let histogram = HistogramDataPoint {
        attributes: attributes.clone(),
        count: 3,
        sum: Some(12.5),
        min: Some(0.5),
        max: Some(3.0),
        explicit_bounds: vec![1.0, 4.0],
        bucket_counts: vec![1, 2, 0],
        ..HistogramDataPoint::default()
    };
    let number = NumberDataPoint { attributes, value: Some(number_data_point::Value::AsInt(7)), ..NumberDataPoint::default() };
    let metric = |name: &str, data| Metric { name: name.into(), data: Some(data), ..Metric::default() };
    let metrics = vec![
        metric("usage", metric::Data::Histogram(Histogram { data_points: vec![histogram], aggregation_temporality: 2 })),
        metric("reqs", metric::Data::Gauge(Gauge { data_points: vec![number] })),
    ];
    let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, schema_url: String::new() }];
    let resource_metrics = vec![ResourceMetrics { resource: resource(), scope_metrics, schema_url: String::new() }];
    let chunk = chunk(Signal::Metrics, ExportMetricsServiceRequest { resource_metrics }.encode_to_vec(), 2);
    let counts = shown(&chunk, Verbosity::Basic).unwrap().counts;
    assert_eq!(counts, [("resource metrics", 1), ("metrics", 2), ("data points", 2)]);
    let expected = "ResourceMetrics #0 service.name=shop\n\
        ScopeMetrics #0 my.scope@1.2\n\
        usage{model=gpt-4o} count=3 sum=12.5 min=0.5 max=3 le1=1 le4=2 0\n\
        reqs{model=gpt-4o} 7";
    assert_eq!(detail(&chunk, Verbosity::Normal), expected);
    let shown = detail(&chunk, Verbosity::Detailed);
    let lines =
        ["     -> DataType: Histogram", "     -> AggregationTemporality: Cumulative", "Sum: 12.500000", "Buckets #1, Count: 2"];
    for line in lines {
        assert!(shown.lines().any(|shown| shown == line), "no `{line}` in\n{shown}");
    }
}

#[test]
fn each_second_begins_anew() {
    let mut sampling = Sampling::new(2, 3);
    let mut taken = |second| sampling.take(Now { mono: Duration::from_secs(second), unix_ns: 0 });
    let first: Vec<bool> = (0..8).map(|_| taken(1)).collect();
    assert_eq!(first, [true, true, false, false, true, false, false, true]);
    assert!(taken(2));
    let mut none_after = Sampling::new(1, 0);
    let mut taken = || none_after.take(Now::default());
    assert_eq!((taken(), taken(), taken()), (true, false, false));
}
