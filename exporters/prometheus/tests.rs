//! What is served for what came in.

use super::config::Config;
use super::convert::take;
use super::series::Store;
use chaperone_pipeline::exposition;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::time::Duration;

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn point(start: u64, time: u64, value: i64, attributes: Vec<KeyValue>) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(number_data_point::Value::AsInt(value)),
        attributes,
        ..Default::default()
    }
}

fn counter(name: &str, temporality: i32, points: Vec<NumberDataPoint>) -> Metric {
    let sum = Sum { data_points: points, aggregation_temporality: temporality, is_monotonic: true };
    Metric { name: name.to_owned(), data: Some(Data::Sum(sum)), ..Default::default() }
}

fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let attributes = vec![attribute("service.name", "shop"), attribute("service.namespace", "ns"), attribute("host.name", "h1")];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes, ..Default::default() }),
            scope_metrics: vec![ScopeMetrics { metrics, ..Default::default() }],
            ..Default::default()
        }],
    }
}

fn served(store: &Store) -> String {
    let mut out = String::new();
    exposition::write(&store.families("", false), &mut out);
    out
}

fn config() -> Config {
    Config { without_scope_info: true, ..Config::default() }
}

const CUMULATIVE: i32 = 2;
const DELTA: i32 = 1;

#[test]
fn a_counter_is_served_with_its_labels_and_its_target() {
    let mut store = Store::default();
    let labels = vec![attribute("gen_ai.request.model", "gpt-4o")];
    let metrics = vec![counter("requests", CUMULATIVE, vec![point(1, 2, 7, labels)])];
    let rejected = take(&config(), &mut store, &request(metrics), Duration::ZERO);
    assert_eq!(rejected.points, 0);
    let expected = "# TYPE requests_total counter\n\
        requests_total{gen_ai_request_model=\"gpt-4o\",job=\"ns/shop\"} 7\n\
        # HELP target_info Target metadata\n\
        # TYPE target_info gauge\n\
        target_info{host_name=\"h1\",job=\"ns/shop\"} 1\n";
    assert_eq!(served(&store), expected);
}

#[test]
fn deltas_that_continue_each_other_add_up_and_others_replace() {
    let mut store = Store::default();
    for (start, time, value) in [(1, 2, 5), (2, 3, 6)] {
        take(&config(), &mut store, &request(vec![counter("d", DELTA, vec![point(start, time, value, vec![])])]), Duration::ZERO);
    }
    assert!(served(&store).contains("d_total{job=\"ns/shop\"} 11\n"));
    take(&config(), &mut store, &request(vec![counter("d", DELTA, vec![point(9, 10, 6, vec![])])]), Duration::ZERO);
    assert!(served(&store).contains("d_total{job=\"ns/shop\"} 6\n"));
}

#[test]
fn an_older_cumulative_point_is_ignored() {
    let mut store = Store::default();
    for (time, value) in [(5, 50), (4, 40)] {
        take(
            &config(),
            &mut store,
            &request(vec![counter("c", CUMULATIVE, vec![point(1, time, value, vec![])])]),
            Duration::ZERO,
        );
    }
    assert!(served(&store).contains("c_total{job=\"ns/shop\"} 50\n"));
}

#[test]
fn of_two_types_under_one_name_the_first_stays_and_the_other_is_counted() {
    let mut store = Store::default();
    let gauge = Gauge { data_points: vec![point(1, 2, 1, vec![])] };
    let gauge = Metric { name: "x_total".to_owned(), data: Some(Data::Gauge(gauge)), ..Default::default() };
    let metrics = vec![counter("x", CUMULATIVE, vec![point(1, 2, 7, vec![])]), gauge];
    let rejected = take(&config(), &mut store, &request(metrics), Duration::ZERO);
    assert_eq!(rejected.points, 1);
    assert!(rejected.message.is_some_and(|message| message.contains("another type")));
    assert!(served(&store).contains("x_total{job=\"ns/shop\"} 7\n"));
}

#[test]
fn two_attributes_on_one_label_name_are_counted_and_left_out() {
    let mut store = Store::default();
    let labels = vec![attribute("a.b", "1"), attribute("a_b", "2")];
    let rejected =
        take(&config(), &mut store, &request(vec![counter("x", CUMULATIVE, vec![point(1, 2, 7, labels)])]), Duration::ZERO);
    assert_eq!(rejected.points, 1);
}

#[test]
fn series_without_points_for_long_are_not_served() {
    let mut store = Store::default();
    take(&config(), &mut store, &request(vec![counter("x", CUMULATIVE, vec![point(1, 2, 7, vec![])])]), Duration::from_secs(10));
    store.expire(Duration::from_secs(11));
    assert_eq!(served(&store), "");
}

#[test]
fn unit_and_type_are_left_out_of_names_when_asked() {
    for (yaml, expected) in [
        ("{}", "time_seconds_total"),
        ("add_metric_suffixes: false", "time"),
        ("translation_strategy: UnderscoreEscapingWithoutSuffixes", "time"),
        ("{add_metric_suffixes: false, translation_strategy: UnderscoreEscapingWithSuffixes}", "time_seconds_total"),
    ] {
        let node = chaperone_config::Node::parse(yaml, "t.yaml").unwrap();
        let config: Config = chaperone_config::parse_settings(&node, "exporters.prometheus").unwrap();
        let mut store = Store::default();
        let metric = Metric { unit: "s".to_owned(), ..counter("time", CUMULATIVE, vec![point(1, 2, 7, vec![])]) };
        take(&config, &mut store, &request(vec![metric]), Duration::ZERO);
        assert!(served(&store).contains(&format!("# TYPE {expected} counter\n")), "{yaml}:\n{}", served(&store));
    }
}

#[test]
fn a_strategy_that_keeps_dots_in_names_is_refused() {
    let node = chaperone_config::Node::parse("translation_strategy: NoTranslation", "t.yaml").unwrap();
    let problems = chaperone_config::parse_settings::<Config>(&node, "x").unwrap_err().to_string();
    assert!(problems.contains("UnderscoreEscapingWithSuffixes"), "{problems}");
}
