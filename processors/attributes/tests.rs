//! Settings, and actions on spans, log records and data points that are meant.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::{Clock, ConfigError};
use chaperone_proto::{Limits, Signal, Value, ValueRef};

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.attributes").map_err(|problems| problems.to_string())
}

fn only(signal: Signal) -> Signals {
    Signals { traces: signal == Signal::Traces, metrics: signal == Signal::Metrics, logs: signal == Signal::Logs }
}

fn build(yaml: &str, signal: Signal) -> Result<Arc<dyn Processor>, ConfigError> {
    let context = BuildContext::for_tests("attributes", Clock::manual(0)).with_signals(only(signal));
    AttributesOfRecords::build(config(yaml).unwrap(), &context)
}

const TRACES: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
    "scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[
    {"name":"first","kind":3,"attributes":[{"key":"n","value":{"intValue":"1"}}]},
    {"name":"second","kind":2,"attributes":[{"key":"n","value":{"intValue":"2"}}]}]}]}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
    {"body":{"stringValue":"first"},"severityNumber":9,"severityText":"INFO"},
    {"body":{"stringValue":"second"},"severityNumber":17,"severityText":"ERROR"},{"body":{"intValue":"3"}}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
    {"name":"first","gauge":{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}},
    {"name":"second","histogram":{"dataPoints":[{"count":"1"}],"aggregationTemporality":1}}]}]}]}"#;

fn through(yaml: &str, signal: Signal, json: &str) -> Data {
    let processor = build(yaml, signal).unwrap();
    let data = Data::decode_json(signal, json.as_bytes(), &Limits::default()).unwrap();
    let items = data.items();
    let mut out = Outbox::for_tests(Now::default());
    processor.process(Batch::new(data), &mut out).unwrap();
    assert_eq!(out.passed()[0].items(), items, "nothing is lost");
    let body = out.passed()[0].data.encode().concat();
    Data::decode(signal, body.into(), &Limits::default()).unwrap()
}

/// Which records have the attribute `hit` when it is written to those that are meant.
fn hits(conditions: &str, signal: Signal, json: &str) -> Vec<bool> {
    let yaml = format!("{{actions: [{{key: hit, action: insert, value: true}}], {conditions}}}");
    match through(&yaml, signal, json) {
        Data::Metrics(metrics) => {
            let mut hits = Vec::new();
            points::edit_points(
                &mut metrics.to_request(),
                |_| true,
                |attributes| {
                    hits.push(attributes.iter().any(|pair| pair.key == "hit"));
                },
            );
            hits
        }
        data => (0..data.records()).map(|at| data.record(at).attrs().get_named("hit").is_some()).collect(),
    }
}

#[test]
fn the_example_is_valid() {
    build(include_str!("testdata/default.yaml"), Signal::Traces).unwrap();
}

#[test]
fn mistakes_are_told_in_the_collectors_words() {
    let empty = config(include_str!("testdata/invalid_no_actions.yaml")).unwrap_err();
    assert!(empty.contains("missing required field \"actions\""), "{empty}");
    let cases = [
        (
            include_str!("testdata/invalid_match_type.yaml"),
            "error creating service name filters: unrecognized match_type: 'foo', valid types are: [regexp strict]",
        ),
        (
            include_str!("testdata/invalid_empty_match.yaml"),
            "at least one of \"attributes\", \"libraries\",  or \"resources\" field must be specified",
        ),
        (include_str!("testdata/invalid_log_bodies.yaml"), "log_bodies should not be specified for trace spans"),
        (
            include_str!("testdata/invalid_action.yaml"),
            "error with key \"a\" (0-th action): error creating AttrProc due to unsupported action \"replace\"",
        ),
    ];
    for (yaml, message) in cases {
        assert_eq!(build(yaml, Signal::Traces).map(|_| ()).unwrap_err().message, message);
    }
}

#[test]
fn conditions_on_another_signal_are_refused_when_the_pipeline_is_built() {
    let refused = |conditions: &str, signal| {
        let yaml = format!("{{actions: [{{key: a, action: delete}}], exclude: {{match_type: strict, {conditions}}}}}");
        build(&yaml, signal).err().map(|error| format!("{}: {}", error.path, error.message))
    };
    for (field, value) in [("log_bodies", "[x]"), ("log_severity_texts", "[x]"), ("log_severity_number", "{min: 9}")] {
        let conditions = format!("{field}: {value}");
        let message = format!("exclude: {field} should not be specified for trace spans");
        assert_eq!(refused(&conditions, Signal::Traces), Some(message));
        assert_eq!((refused(&conditions, Signal::Logs), refused(&conditions, Signal::Metrics)), (None, None), "{field}");
    }
    for field in ["services", "span_names", "span_kinds"] {
        let conditions = format!("{field}: [x]");
        let message = "exclude: neither services nor span_names should be specified for log records".to_owned();
        assert_eq!(refused(&conditions, Signal::Logs), Some(message));
        assert_eq!((refused(&conditions, Signal::Traces), refused(&conditions, Signal::Metrics)), (None, None), "{field}");
    }
}

#[test]
fn spans_are_changed_and_read_back_so() {
    let data = through(
        "actions: [{key: n, action: convert, converted_type: string}, {key: new, action: upsert, value: [1]}, {key: n, action: hash}]",
        Signal::Traces,
        TRACES,
    );
    let attrs = data.record(1).attrs();
    assert_eq!(attrs.get_named("new").map(ValueRef::to_value), Some(Value::Array(vec![Value::Int(1)])));
    assert_eq!(attrs.get_named("n").and_then(ValueRef::as_str).map(str::len), Some(64));
    assert_eq!(attrs.len(), 2);
}

#[test]
fn attributes_of_records_are_deleted_by_pattern() {
    let data = through("actions: [{pattern: '^n$', action: delete}]", Signal::Traces, TRACES);
    assert!(data.record(0).attrs().is_empty() && data.record(1).attrs().is_empty());
}

#[test]
fn without_conditions_everything_is_meant() {
    assert_eq!(hits("", Signal::Traces, TRACES), [true, true]);
    assert_eq!(hits("", Signal::Logs, LOGS), [true, true, true]);
    assert_eq!(hits("", Signal::Metrics, METRICS), [true, true, true]);
}

#[test]
fn spans_are_matched_by_everything_that_is_given() {
    let cases = [
        ("match_type: strict, span_names: [first, x]", [true, false]),
        ("match_type: strict, span_names: [fir]", [false, false]),
        ("match_type: regexp, span_names: [fir]", [true, false]),
        ("match_type: strict, services: [shop]", [true, true]),
        ("match_type: regexp, services: ['^op']", [false, false]),
        ("match_type: strict, span_kinds: [SPAN_KIND_SERVER]", [false, true]),
        ("match_type: strict, attributes: [{key: n, value: 1}]", [true, false]),
        ("match_type: strict, attributes: [{key: n, value: '1'}]", [false, false]),
        ("match_type: regexp, attributes: [{key: n, value: '[2-9]'}]", [false, true]),
        ("match_type: strict, attributes: [{key: n}]", [true, true]),
        ("match_type: strict, attributes: [{key: none}]", [false, false]),
        ("match_type: strict, resources: [{key: service.name, value: shop}], span_names: [second]", [false, true]),
        ("match_type: strict, libraries: [{name: lib}]", [true, true]),
        ("match_type: strict, libraries: [{name: lib, version: '2'}]", [false, false]),
    ];
    for (conditions, expected) in cases {
        assert_eq!(hits(&format!("include: {{{conditions}}}"), Signal::Traces, TRACES), expected, "{conditions}");
    }
}

#[test]
fn exclude_wins_over_include() {
    let conditions = "include: {match_type: strict, services: [shop]}, exclude: {match_type: strict, span_names: [first]}";
    assert_eq!(hits(conditions, Signal::Traces, TRACES), [false, true]);
}

#[test]
fn log_records_are_matched_by_body_and_severity() {
    let cases = [
        ("match_type: strict, log_bodies: [first]", [true, false, false]),
        ("match_type: regexp, log_severity_texts: ['^E']", [false, true, false]),
        ("match_type: strict, log_severity_number: {min: 10}", [false, true, false]),
        ("match_type: strict, log_severity_number: {min: 10, match_undefined: true}", [false, true, true]),
    ];
    for (conditions, expected) in cases {
        assert_eq!(hits(&format!("include: {{{conditions}}}"), Signal::Logs, LOGS), expected, "{conditions}");
    }
}

#[test]
fn data_points_are_matched_by_the_name_of_their_metric() {
    let cases = [
        ("match_type: strict, metric_names: [first]", [true, true, false]),
        ("match_type: regexp, metric_names: ['^sec']", [false, false, true]),
        ("match_type: strict, span_names: [first]", [false, false, false]),
    ];
    for (conditions, expected) in cases {
        assert_eq!(hits(&format!("include: {{{conditions}}}"), Signal::Metrics, METRICS), expected, "{conditions}");
    }
}
