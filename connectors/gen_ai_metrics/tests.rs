//! Counting: what adds, what does not, and what passes.

use super::*;
use chaperone_config::UserConfig;
use chaperone_pipeline::Clock;
use chaperone_proto::{Logs, LogsBuilder, Metrics, ValueIn};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};

fn connector(config: Config) -> Arc<dyn Processor> {
    keys::install();
    let ctx = BuildContext::for_tests("gen_ai_metrics", Clock::manual(1));
    GenAiMetrics::build(config, &ctx).expect("the settings are valid")
}

fn call(extra: &[(chaperone_proto::KeyId, ValueIn<'_>)]) -> Logs {
    let mut builder = LogsBuilder::new(&[("service.name", ValueIn::Str("shop"))], "test");
    let mut record = builder.record(5);
    record
        .attr(keys::CHAPERONE_DIALECT_NAME, "otel-genai")
        .attr(keys::CHAPERONE_STEP_KIND, "llm")
        .attr(keys::GEN_AI_REQUEST_MODEL, "gpt-4o-mini")
        .attr(keys::GEN_AI_USAGE_INPUT_TOKENS, 1011)
        .attr(keys::GEN_AI_USAGE_OUTPUT_TOKENS, 103)
        .attr(keys::CHAPERONE_COST_TOTAL, 0.000_213_45)
        .attr(keys::CHAPERONE_COST_SOURCE, "computed");
    for (key, value) in extra {
        record.attr(*key, *value);
    }
    drop(record);
    builder.finish()
}

fn run(connector: &dyn Processor, data: impl Into<Batch>) -> Outbox {
    let mut out = Outbox::for_tests(Now::default());
    connector.process(data.into(), &mut out).expect("it takes everything");
    out
}

fn flushed(connector: &dyn Processor) -> Vec<Metric> {
    let mut out = Outbox::for_tests(Now { unix_ns: 9, ..Now::default() });
    connector.tick(Now { unix_ns: 9, ..Now::default() }, &mut out);
    let requests = out.derived().iter().filter_map(|batch| match &batch.data {
        Data::Metrics(metrics) => Some(metrics.to_request()),
        _ => None,
    });
    requests
        .flat_map(|request| request.resource_metrics)
        .flat_map(|resource| resource.scope_metrics)
        .flat_map(|scope| scope.metrics)
        .collect()
}

/// The points of every metric of a name, over all services.
fn points(metrics: &[Metric], name: &str) -> Vec<f64> {
    let sums = metrics.iter().filter(|metric| metric.name == name).filter_map(|metric| match &metric.data {
        Some(metric::Data::Sum(sum)) => Some(&sum.data_points),
        _ => None,
    });
    let values = sums.flatten().filter_map(|point| match point.value {
        Some(number_data_point::Value::AsInt(value)) => Some(value as f64),
        Some(number_data_point::Value::AsDouble(value)) => Some(value),
        None => None,
    });
    values.collect()
}

fn total(metrics: &[Metric], name: &str) -> Option<f64> {
    let points = points(metrics, name);
    (!points.is_empty()).then(|| points.iter().sum())
}

#[test]
fn a_call_that_owns_its_usage_adds_tokens_and_cost() {
    let connector = connector(Config::default());
    run(&*connector, Data::Logs(call(&[(keys::CHAPERONE_USAGE_SCOPE, "self".into())])));
    let metrics = flushed(&*connector);
    assert_eq!(total(&metrics, "gen_ai.client.inference.usage.input_tokens"), Some(1011.0));
    assert_eq!(total(&metrics, "gen_ai.client.inference.usage.output_tokens"), Some(103.0));
    assert_eq!(total(&metrics, "chaperone.client.inference.cost"), Some(0.000_213_45));
}

#[test]
fn a_duplicate_and_a_resent_record_add_nothing() {
    let connector = connector(Config::default());
    run(&*connector, Data::Logs(call(&[(keys::CHAPERONE_USAGE_SCOPE, "duplicate".into())])));
    let resent = [(keys::CHAPERONE_USAGE_SCOPE, "self".into()), (keys::CHAPERONE_USAGE_RESENT, true.into())];
    run(&*connector, Data::Logs(call(&resent)));
    assert!(flushed(&*connector).is_empty());
}

#[test]
fn series_are_cumulative_and_given_out_only_when_they_changed() {
    let connector = connector(Config::default());
    let scope = [(keys::CHAPERONE_USAGE_SCOPE, "self".into())];
    run(&*connector, Data::Logs(call(&scope)));
    assert!(!flushed(&*connector).is_empty());
    assert!(flushed(&*connector).is_empty());
    run(&*connector, Data::Logs(call(&scope)));
    assert_eq!(total(&flushed(&*connector), "gen_ai.client.inference.usage.input_tokens"), Some(2022.0));
}

#[test]
fn series_over_the_limit_are_added_up_in_one() {
    let connector = connector(Config { max_series: 1, ..Config::default() });
    for model in ["a", "b", "c"] {
        let extra = [(keys::CHAPERONE_USAGE_SCOPE, "self".into()), (keys::GEN_AI_RESPONSE_MODEL, model.into())];
        run(&*connector, Data::Logs(call(&extra)));
    }
    let metrics = flushed(&*connector);
    assert_eq!(total(&metrics, "gen_ai.client.inference.usage.input_tokens"), Some(3033.0));
    let series = points(&metrics, "gen_ai.client.inference.usage.input_tokens").len();
    assert_eq!(series, 2, "one series, and the overflow");
}

fn native(service: &str) -> Metrics {
    let mut request = ExportMetricsServiceRequest::default();
    let key = |value: &str| opentelemetry_proto::tonic::common::v1::AnyValue {
        value: Some(opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(value.to_owned())),
    };
    let attribute = opentelemetry_proto::tonic::common::v1::KeyValue {
        key: "service.name".to_owned(),
        value: Some(key(service)),
        ..Default::default()
    };
    let gauge = |name: &str| Metric {
        name: name.to_owned(),
        data: Some(metric::Data::Gauge(opentelemetry_proto::tonic::metrics::v1::Gauge {
            data_points: vec![opentelemetry_proto::tonic::metrics::v1::NumberDataPoint::default()],
        })),
        ..Default::default()
    };
    request.resource_metrics.push(opentelemetry_proto::tonic::metrics::v1::ResourceMetrics {
        resource: Some(opentelemetry_proto::tonic::resource::v1::Resource { attributes: vec![attribute], ..Default::default() }),
        scope_metrics: vec![opentelemetry_proto::tonic::metrics::v1::ScopeMetrics {
            metrics: vec![gauge("gen_ai.client.token.usage"), gauge("process.cpu.time")],
            ..Default::default()
        }],
        ..Default::default()
    });
    Metrics::from_request(&request)
}

#[test]
fn native_metrics_of_a_service_whose_calls_were_seen_are_dropped() {
    let connector = connector(Config::default());
    run(&*connector, Data::Logs(call(&[(keys::CHAPERONE_USAGE_SCOPE, "self".into())])));
    let out = run(&*connector, Data::Metrics(native("shop")));
    assert_eq!(out.passed().iter().map(Batch::items).sum::<usize>(), 1, "what is not GenAI passes");
    assert_eq!(out.dropped().len(), 1);
    let out = run(&*connector, Data::Metrics(native("other")));
    assert_eq!(out.passed().iter().map(Batch::items).sum::<usize>(), 2, "nobody else counts these");
}

#[test]
fn the_default_is_valid_and_zero_series_are_not() {
    let mut problems = chaperone_config::Problems::new();
    Config::default().check(&mut problems);
    assert!(problems.is_empty());
    Config { max_series: 0, ..Config::default() }.check(&mut problems);
    assert!(problems.has_errors());
}

/// A log record of an event, as it stands beside the log that it was made from.
fn event(name: &str, extra: &[(chaperone_proto::KeyId, ValueIn<'_>)]) -> Logs {
    let mut builder = LogsBuilder::new(&[("service.name", ValueIn::Str("shop"))], "chaperone");
    let mut record = builder.record(5);
    record.event_name(name).attr(keys::CHAPERONE_DIALECT_NAME, "claude-code").attr(keys::CHAPERONE_STEP_KIND, "other");
    for (key, value) in extra {
        record.attr(*key, *value);
    }
    drop(record);
    builder.finish()
}

#[test]
fn decisions_approvals_hand_overs_attempts_and_evaluations_are_counted() {
    let connector = connector(Config::default());
    let text = ValueIn::Str;
    let route = [(keys::CHAPERONE_DECISION_TYPE, text("route")), (keys::CHAPERONE_DECISION_CONFIDENCE, ValueIn::Double(0.9))];
    let approval = [
        (keys::CHAPERONE_DECISION_TYPE, text("approval")),
        (keys::CHAPERONE_APPROVAL_OUTCOME, text("denied")),
        (keys::CHAPERONE_APPROVAL_WAIT_DURATION, ValueIn::Double(2.5)),
    ];
    let handoff = [(keys::CHAPERONE_DECISION_TYPE, text("handoff")), (keys::CHAPERONE_HANDOFF_TARGET, text("billing"))];
    let again = [(keys::CHAPERONE_QUALITY_SIGNAL_TYPE, text("retry_occurred"))];
    let other = [(keys::CHAPERONE_QUALITY_SIGNAL_TYPE, text("empty_output"))];
    let score = [(keys::GEN_AI_EVALUATION_NAME, text("tone")), (keys::GEN_AI_EVALUATION_SCORE_VALUE, ValueIn::Double(0.25))];
    for (name, attributes) in [
        (event_names::DECISION, &route[..]),
        (event_names::DECISION, &route[..]),
        (event_names::APPROVAL, &approval[..]),
        (event_names::DECISION, &handoff[..]),
        (event_names::QUALITY_SIGNAL, &again[..]),
        (event_names::QUALITY_SIGNAL, &other[..]),
        (event_names::EVALUATION_RESULT, &score[..]),
    ] {
        run(&*connector, Data::Logs(event(name, attributes)));
    }
    let metrics = flushed(&*connector);
    let mut decisions = points(&metrics, "chaperone.decision.count");
    decisions.sort_by(f64::total_cmp);
    assert_eq!(decisions, [1.0, 2.0], "an approval and two routes; a hand-over is counted as one");
    assert_eq!(points(&metrics, "chaperone.handoff.count"), [1.0]);
    assert_eq!(points(&metrics, "chaperone.retry.count"), [1.0]);
    let histogram = |name: &str| {
        let metric = metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
        let Some(metric::Data::Histogram(histogram)) = &metric.data else { panic!("{name} is a histogram") };
        histogram.data_points.iter().map(|point| (point.count, point.sum)).collect::<Vec<_>>()
    };
    assert_eq!(histogram("chaperone.decision.confidence"), [(2, Some(1.8))]);
    assert_eq!(histogram("chaperone.approval.wait_duration"), [(1, Some(2.5))]);
    assert_eq!(histogram("chaperone.evaluation.value"), [(1, Some(0.25))]);
}

#[test]
fn the_first_chunk_of_a_call_that_a_log_owns_counts() {
    let connector = connector(Config::default());
    let owned = [
        (keys::CHAPERONE_USAGE_SCOPE, ValueIn::Str("self")),
        (keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, ValueIn::Double(0.017)),
    ];
    run(&*connector, Data::Logs(call(&owned)));
    let metrics = flushed(&*connector);
    assert!(metrics.iter().any(|metric| metric.name == "gen_ai.client.inference.time_to_first_chunk"));
}
