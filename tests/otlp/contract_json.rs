//! 3.4: OTLP/JSON, by the table of what a Collector answered to 184 bodies and what it passed on.
//!
//! What is passed on is compared as messages: whether an empty resource is written or left out makes no difference.

use crate::bench::Bench;
use crate::wire::{JSON, post};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{exemplar, metric::Data, number_data_point};
use prost::Message;
use std::collections::BTreeSet;

const TABLE: &str = include_str!("json_cases.tsv");

/// Where we answer otherwise on purpose, and what.
const DEPARTURES: &[(&str, u16)] = &[
    // The Collector fails to encode its own error (500); 3.2.29 asks for 400.
    ("unsigned 64 negative", 400),
    ("unsigned 32 negative", 400),
    ("bucket counts negative", 400),
    // The same, for a mark that some writers put first: it is stepped over.
    ("byte order mark", 200),
    // What follows the value would be lost without a word (3.2.16).
    ("trailing text", 400),
    ("trailing object", 400),
];

struct Case {
    name: &'static str,
    signal: &'static str,
    status: u16,
    passed_on: Vec<u8>,
    body: String,
}

fn cases() -> Vec<Case> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    let case = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        Case {
            name: cells[0],
            signal: cells[1],
            status: cells[2].parse().unwrap(),
            passed_on: cells[3].as_bytes().chunks(2).map(hex).collect(),
            body: serde_json::from_str(cells[4]).unwrap(),
        }
    };
    rows.map(case).collect()
}

fn fill_value(value: &mut Option<AnyValue>) {
    match value.get_or_insert_default().value.as_mut() {
        Some(Value::ArrayValue(array)) => {
            for element in &mut array.values {
                let mut filled = Some(std::mem::take(element));
                fill_value(&mut filled);
                *element = filled.unwrap();
            }
        }
        Some(Value::KvlistValue(list)) => fill(&mut list.values),
        _ => {}
    }
}

/// Writes what may be left out: an attribute without a value has an empty one.
fn fill(attributes: &mut [KeyValue]) {
    attributes.iter_mut().for_each(|attribute| fill_value(&mut attribute.value));
}

/// A message as text, in which nothing is left out, so that NaN equals NaN.
fn readable(signal: &str, body: &[u8]) -> String {
    match signal {
        "traces" => {
            let mut request = ExportTraceServiceRequest::decode(body).unwrap();
            for resource in &mut request.resource_spans {
                fill(&mut resource.resource.get_or_insert_default().attributes);
                for scope in &mut resource.scope_spans {
                    fill(&mut scope.scope.get_or_insert_default().attributes);
                    for span in &mut scope.spans {
                        span.status.get_or_insert_default();
                        fill(&mut span.attributes);
                        span.events.iter_mut().for_each(|event| fill(&mut event.attributes));
                        span.links.iter_mut().for_each(|link| fill(&mut link.attributes));
                    }
                }
            }
            format!("{request:#?}")
        }
        "logs" => {
            let mut request = ExportLogsServiceRequest::decode(body).unwrap();
            for resource in &mut request.resource_logs {
                fill(&mut resource.resource.get_or_insert_default().attributes);
                for scope in &mut resource.scope_logs {
                    fill(&mut scope.scope.get_or_insert_default().attributes);
                    for record in &mut scope.log_records {
                        fill_value(&mut record.body);
                        fill(&mut record.attributes);
                    }
                }
            }
            format!("{request:#?}")
        }
        _ => {
            let mut request = ExportMetricsServiceRequest::decode(body).unwrap();
            for resource in &mut request.resource_metrics {
                fill(&mut resource.resource.get_or_insert_default().attributes);
                for scope in &mut resource.scope_metrics {
                    fill(&mut scope.scope.get_or_insert_default().attributes);
                    scope.metrics.iter_mut().filter_map(|metric| metric.data.as_mut()).for_each(fill_points);
                }
            }
            format!("{request:#?}")
        }
    }
}

fn fill_points(data: &mut Data) {
    match data {
        Data::Gauge(gauge) => {
            for point in &mut gauge.data_points {
                point.value.get_or_insert(number_data_point::Value::AsInt(0));
            }
        }
        Data::Sum(sum) => {
            for exemplar in sum.data_points.iter_mut().flat_map(|point| &mut point.exemplars) {
                exemplar.value.get_or_insert(exemplar::Value::AsInt(0));
                fill(&mut exemplar.filtered_attributes);
            }
        }
        Data::ExponentialHistogram(histogram) => {
            for point in &mut histogram.data_points {
                point.positive.get_or_insert_default();
                point.negative.get_or_insert_default();
            }
        }
        Data::Histogram(_) | Data::Summary(_) => {}
    }
}

// 3.4.01 to 3.4.09
#[tokio::test]
async fn r3_4_01_every_recorded_body_is_answered_and_passed_on_as_the_collector_does() {
    let bench = Bench::http("").await;
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() > 150, "{} cases", cases.len());
    for case in cases {
        let answer = bench.ask(post(&format!("/v1/{}", case.signal), &[JSON], case.body.clone())).await;
        let taken = bench.taken();
        let departure = DEPARTURES.iter().find(|(name, _)| *name == case.name).map(|(_, status)| *status);
        let expected = departure.unwrap_or(case.status);
        let name = case.name;
        if answer.status != expected {
            wrong.push(format!("{name}: {} instead of {expected}: {}", answer.status, answer.text()));
            continue;
        }
        if answer.status != 200 {
            assert_eq!(answer.status_body().0, 3, "{name}");
            assert!(taken.is_empty(), "{name}");
        } else if departure.is_none() && case.passed_on.is_empty() {
            assert!(taken.is_empty(), "{name}");
        } else if departure.is_none() {
            let got = taken.first().map(|chunk| readable(case.signal, &chunk.contiguous())).unwrap_or_default();
            let expected = readable(case.signal, &case.passed_on);
            if got != expected {
                wrong.push(format!("{name}: passed on\n{got}\ninstead of\n{expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    bench.stop().await;
}

// The table is only worth something if it covers each rule, both ways.
#[test]
fn the_table_has_good_and_bad_bodies_for_each_rule() {
    let cases = cases();
    for words in [
        "trace id",
        "span id",
        "unsigned 64",
        "signed 64",
        "unsigned 32",
        "kind",
        "status code",
        "bytes",
        "double",
        "text",
        "bool",
        "null",
        "value",
        "trailing",
    ] {
        let of_rule = cases.iter().filter(|case| case.name.contains(words));
        let statuses: BTreeSet<u16> = of_rule.map(|case| case.status).collect();
        assert!(statuses.contains(&200) || words.ends_with("id"), "{words}: {statuses:?}");
        assert!(statuses.contains(&400), "{words}: {statuses:?}");
    }
}
