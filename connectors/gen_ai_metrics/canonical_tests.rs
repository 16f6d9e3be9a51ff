//! Agents' own metrics in canonical form: every case of `METRICS.tsv`, and captures against what their wire's calls add up to.

use super::canonical::make_canonical;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, number_data_point,
};
use prost::Message;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

const CASES: &str = include_str!("../../genai/testdata/dialect_rows/METRICS.tsv");
const DELTA: i32 = 1;

fn attributes(object: &Json) -> Vec<KeyValue> {
    let pair = |(key, value): (&String, &Json)| KeyValue {
        key: key.clone(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.as_str().unwrap().to_owned())) }),
        ..KeyValue::default()
    };
    object.as_object().unwrap().iter().map(pair).collect()
}

/// `{"NAME": [[{attributes}, number], ...]}`; a list in a list is a histogram of one bucket with that sum.
fn resource(metrics: &Map<String, Json>) -> ResourceMetrics {
    let metric = |(name, points): (&String, &Json)| {
        let points = points.as_array().unwrap();
        let is_histogram = points.iter().any(|point| point[1].is_array());
        let data = if is_histogram {
            let point = |point: &Json| HistogramDataPoint {
                attributes: attributes(&point[0]),
                sum: point[1][0].as_f64(),
                count: 1,
                bucket_counts: vec![0, 1],
                explicit_bounds: vec![point[1][0].as_f64().unwrap() / 2.0],
                ..HistogramDataPoint::default()
            };
            Data::Histogram(Histogram { data_points: points.iter().map(point).collect(), aggregation_temporality: DELTA })
        } else {
            let point = |point: &Json| NumberDataPoint {
                attributes: attributes(&point[0]),
                value: Some(number_data_point::Value::AsDouble(point[1].as_f64().unwrap())),
                ..NumberDataPoint::default()
            };
            let data_points = points.iter().map(point).collect();
            Data::Sum(Sum { data_points, aggregation_temporality: DELTA, is_monotonic: true })
        };
        Metric { name: name.clone(), unit: "1".to_owned(), data: Some(data), ..Metric::default() }
    };
    let metrics = metrics.iter().map(metric).collect();
    ResourceMetrics { scope_metrics: vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }], ..ResourceMetrics::default() }
}

/// The same form of what came out.
fn shown(resource: &ResourceMetrics) -> Json {
    let texts = |attributes: &[KeyValue]| -> Json {
        let text = |value: &Option<AnyValue>| match value {
            Some(AnyValue { value: Some(Value::StringValue(text)) }) => json!(text),
            other => json!(format!("{other:?}")),
        };
        attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
    };
    let mut all: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
        let points = all.entry(&metric.name).or_default();
        match metric.data.as_ref().unwrap() {
            Data::Sum(sum) => points.extend(sum.data_points.iter().map(|point| json!([texts(&point.attributes), number(point)]))),
            Data::Histogram(histogram) => {
                points.extend(histogram.data_points.iter().map(|point| json!([texts(&point.attributes), [point.sum]])));
            }
            other => panic!("{other:?}"),
        }
    }
    json!(all)
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsInt(number)) => number as f64,
        Some(number_data_point::Value::AsDouble(number)) => number,
        None => f64::NAN,
    }
}

/// Numbers as doubles, points in one order.
fn in_order(metrics: &Json) -> Json {
    let double = |value: &Json| if let Some(number) = value.as_f64() { json!(number) } else { json!([value[0].as_f64()]) };
    let points = |points: &Json| {
        let mut points: Vec<Json> = points.as_array().unwrap().iter().map(|point| json!([point[0], double(&point[1])])).collect();
        points.sort_by_key(Json::to_string);
        points
    };
    metrics.as_object().unwrap().iter().map(|(name, of)| (name.clone(), json!(points(of)))).collect()
}

#[test]
fn metrics_come_out_as_each_case_says() {
    let mut cases = 0;
    for line in CASES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, source, given, expected] = cells[..] else { panic!("four cells: {line}") };
        let given: Json = serde_json::from_str(given).unwrap();
        let mut made = resource(given.as_object().unwrap());
        let changed = make_canonical(&mut made);
        let expected = if expected == "-" { given.clone() } else { serde_json::from_str(expected).unwrap() };
        assert_eq!(in_order(&shown(&made)), in_order(&expected), "{source}");
        assert_eq!(changed, expected != given, "{source}");
        assert!(!make_canonical(&mut made), "{source}: twice is once");
        cases += 1;
    }
    assert!(cases >= 20, "cases are read");
}

#[test]
fn milliseconds_become_seconds_with_their_bounds() {
    let given = json!({"codex.turn.e2e_duration_ms": [[{}, [1500]]]});
    let mut made = resource(given.as_object().unwrap());
    assert!(make_canonical(&mut made));
    let metric = &made.scope_metrics[0].metrics[0];
    assert_eq!((metric.name.as_str(), metric.unit.as_str()), ("gen_ai.invoke_agent.duration", "s"));
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("a histogram") };
    assert_eq!((histogram.data_points[0].sum, histogram.data_points[0].explicit_bounds[0]), (Some(1.5), 0.75));
    assert_eq!(histogram.aggregation_temporality, DELTA);
}

/// Sum of a counter over a capture of delta metrics.
fn total(capture: &str, metric: &str) -> f64 {
    let mut sum = 0.0;
    let capture = chaperone_testkit::corpus::captures().into_iter().find(|known| known.name == capture).expect("the capture");
    for request in capture.requests.iter().filter(|request| request.signal == "metrics") {
        let mut request = ExportMetricsServiceRequest::decode(request.body.as_ref()).unwrap();
        for resource in &mut request.resource_metrics {
            make_canonical(resource);
            for made in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics).filter(|made| made.name == metric) {
                let Some(Data::Sum(points)) = &made.data else { panic!("{metric} is a counter") };
                assert_eq!((points.aggregation_temporality, made.unit.as_str()), (DELTA, "{token}"));
                sum += points.data_points.iter().map(number).sum::<f64>();
            }
        }
    }
    sum
}

#[test]
fn token_metrics_of_coding_agents_add_up_to_the_calls_of_their_captures() {
    let facts =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/FACTS.jsonl")).unwrap();
    let facts: Vec<Json> = facts.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for capture in ["claude-code-cached", "claude-code-tools", "codex-tools"] {
        let fact = facts.iter().find(|fact| fact["capture"] == *capture).unwrap_or_else(|| panic!("{capture} has facts"));
        let expected = |bucket: &str| -> f64 {
            let models = fact["models"].as_object().unwrap_or_else(|| panic!("{fact}"));
            models.values().map(|buckets| buckets[bucket].as_f64().unwrap_or(0.0)).sum()
        };
        for (bucket, metric) in
            [("input", "input_tokens"), ("output", "output_tokens"), ("cache_read", "cache_read.input_tokens")]
        {
            let metric = format!("gen_ai.client.inference.usage.{metric}");
            assert_eq!(total(capture, &metric), expected(bucket), "{capture}: {metric}");
        }
    }
}
