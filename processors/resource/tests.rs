//! Settings, and actions on resources of all signals.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_pipeline::Clock;
use chaperone_proto::{Limits, Signal};
use opentelemetry_proto::tonic::common::v1::KeyValue;

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.resource").map_err(|problems| problems.to_string())
}

fn build(yaml: &str) -> Result<Arc<dyn Processor>, String> {
    let ctx = BuildContext::for_tests("resource", Clock::manual(0));
    AttributesOfResources::build(config(yaml)?, &ctx).map_err(|error| error.message)
}

/// Two resources with two records each: one has attributes, the other none at all.
fn request(signal: Signal) -> Data {
    let (list, scopes, records, record) = match signal {
        Signal::Traces => ("resourceSpans", "scopeSpans", "spans", r#"{"name":"s"}"#),
        Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords", r#"{"severityNumber":1}"#),
        Signal::Metrics => {
            ("resourceMetrics", "scopeMetrics", "metrics", r#"{"name":"m","gauge":{"dataPoints":[{"asInt":"1"}]}}"#)
        }
    };
    let below = format!(r#""{scopes}":[{{"{records}":[{record},{record}]}}]"#);
    let resource = r#""resource":{"attributes":[{"key":"a","value":{"stringValue":"x"}},{"key":"b","value":{"intValue":"1"}}]}"#;
    let json = format!(r#"{{"{list}":[{{{resource},{below}}},{{{below}}}]}}"#);
    Data::decode_json(signal, json.as_bytes(), &Limits::default()).unwrap()
}

/// The attributes of the resources behind the processor, as `key=value`.
fn through(yaml: &str, signal: Signal) -> Vec<Vec<String>> {
    let mut out = Outbox::for_tests(Now::default());
    build(yaml).unwrap().process(Batch::new(request(signal)), &mut out).unwrap();
    let body = out.passed()[0].data.encode().concat();
    let data = Data::decode(signal, body.into(), &Limits::default()).unwrap();
    assert_eq!(data.items(), 4, "no record is lost");
    if let Data::Metrics(metrics) = &data {
        let shown = |pair: &KeyValue| {
            let value = crate::attribute_values::from_any(pair.value.as_ref());
            format!("{}={}", pair.key, crate::attribute_values::text_of(&value))
        };
        let resources = metrics.to_request().resource_metrics.into_iter().map(|one| one.resource.unwrap_or_default());
        return resources.map(|resource| resource.attributes.iter().map(shown).collect()).collect();
    }
    let shown = |at: usize| {
        let pairs = data.record(at).resource().attrs().iter();
        pairs.map(|(key, value)| format!("{}={}", key.name, crate::attribute_values::text_of(&value.to_value()))).collect()
    };
    // The first record of each resource.
    [0, 2].map(shown).to_vec()
}

#[test]
fn the_example_is_valid() {
    build(include_str!("testdata/default.yaml")).unwrap();
}

#[test]
fn mistakes_are_told_in_the_collectors_words() {
    let empty = build(include_str!("testdata/invalid_no_actions.yaml")).map(|_| ()).unwrap_err();
    assert!(empty.contains("missing required field \"attributes\""), "{empty}");
    let source = build(include_str!("testdata/invalid_no_source.yaml")).map(|_| ()).unwrap_err();
    assert!(source.starts_with("error with key \"a\" (0-th action): error creating AttrProc. Either field"), "{source}");
}

#[test]
fn every_resource_is_changed_once_whatever_its_records() {
    for signal in Signal::ALL {
        let check = |yaml: &str, first: &[&str], second: &[&str]| {
            assert_eq!(through(&format!("attributes: [{yaml}]"), signal), [first.to_vec(), second.to_vec()], "{signal:?} {yaml}");
        };
        check("{key: a, action: insert, value: y}", &["a=x", "b=1"], &["a=y"]);
        check("{key: a, action: update, value: y}", &["a=y", "b=1"], &[]);
        check("{key: a, action: upsert, value: y}", &["a=y", "b=1"], &["a=y"]);
        check("{key: a, action: delete}", &["b=1"], &[]);
        check("{action: delete, pattern: '.'}", &[], &[]);
        check("{key: c, action: insert, from_attribute: b}", &["a=x", "b=1", "c=1"], &[]);
        check("{key: a, action: extract, pattern: '(?P<b>.)'}", &["a=x", "b=x"], &[]);
        check("{key: b, action: convert, converted_type: string}", &["a=x", "b=1"], &[]);
        let twice = "{key: c, action: insert, value: 1}, {key: d, action: insert, value: 2}, {key: c, action: upsert, value: 3}";
        check(twice, &["a=x", "b=1", "c=3", "d=2"], &["c=3", "d=2"]);
    }
}
