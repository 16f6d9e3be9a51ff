//! Series to OTLP metrics: one request with every series that changed, cumulative.

use super::series::{Histogram, Kind, Series};
use chaperone_genai::keys;
use chaperone_proto::{KeyId, Metrics, keys as registry};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::BTreeMap;

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
/// Scope of everything this connector makes.
const SCOPE: &str = "chaperone/gen_ai_metrics";

/// Collects points by service and metric.
pub struct Points {
    now_ns: u64,
    services: BTreeMap<[String; 4], BTreeMap<&'static str, Metric>>,
}

impl Points {
    pub fn new(now_ns: u64) -> Points {
        Points { now_ns, services: BTreeMap::new() }
    }

    /// Adds every metric of a series.
    pub fn add(&mut self, series: &Series) {
        let attributes = attributes(series);
        match series.kind {
            Kind::Call => self.call(series, &attributes),
            Kind::ToolSpan => self.histogram(series, TOOL_DURATION, &series.duration, &attributes),
            Kind::ToolCall => self.count(series, TOOL_CALLS, series.calls, &attributes),
            Kind::Agent => self.histogram(series, AGENT_DURATION, &series.duration, &attributes),
            Kind::Decision => {
                if series.calls > 0 {
                    self.count(series, DECISIONS, series.calls, &attributes);
                }
                self.histogram(series, CONFIDENCE, &series.share, &attributes);
                self.histogram(series, APPROVAL_WAIT, &series.duration, &attributes);
            }
            Kind::HandOver => self.count(series, HANDOFFS, series.calls, &attributes),
            Kind::Retry => self.count(series, RETRIES, series.calls, &attributes),
            Kind::Evaluation => self.histogram(series, EVALUATION, &series.share, &attributes),
        }
    }

    fn call(&mut self, series: &Series, attributes: &[KeyValue]) {
        let embeddings = series.slots[0] == "embeddings";
        let duration = if embeddings { OPERATION_DURATION } else { CALL_DURATION };
        self.histogram(series, duration, &series.duration, attributes);
        self.histogram(series, FIRST_CHUNK, &series.first_chunk, attributes);
        if series.tokens.reported > 0 {
            let mut with_modality = attributes.to_vec();
            with_modality.push(text(keys::GEN_AI_TOKEN_MODALITY, "unknown"));
            self.count(series, INPUT, series.tokens.input, &with_modality);
            self.count(series, OUTPUT, series.tokens.output, &with_modality);
            for (metric, tokens) in [
                (CACHE_READ, series.tokens.cache_read),
                (CACHE_WRITE, series.tokens.cache_write),
                (REASONING, series.tokens.reasoning),
            ] {
                if tokens > 0 {
                    self.count(series, metric, tokens, attributes);
                }
            }
            self.histogram(series, INPUT_SIZE, &series.input_size, attributes);
            self.histogram(series, OUTPUT_SIZE, &series.output_size, attributes);
        }
        for (source, nanos) in &series.cost {
            let mut with_source = attributes.to_vec();
            with_source.push(text(keys::CHAPERONE_COST_SOURCE, source));
            let dollars = number_data_point::Value::AsDouble(*nanos as f64 / 1e9);
            self.number(series, COST, dollars, with_source);
        }
    }

    fn count(&mut self, series: &Series, about: About, value: u64, attributes: &[KeyValue]) {
        self.number(series, about, number_data_point::Value::AsInt(value as i64), attributes.to_vec());
    }

    fn number(&mut self, series: &Series, about: About, value: number_data_point::Value, attributes: Vec<KeyValue>) {
        let point = NumberDataPoint {
            attributes,
            start_time_unix_nano: series.start_ns,
            time_unix_nano: self.now_ns,
            value: Some(value),
            ..Default::default()
        };
        let empty = || metric::Data::Sum(Sum { data_points: vec![], aggregation_temporality: CUMULATIVE, is_monotonic: true });
        if let Some(metric::Data::Sum(sum)) = &mut self.metric(series, about, empty).data {
            sum.data_points.push(point);
        }
    }

    fn histogram(&mut self, series: &Series, about: About, histogram: &Histogram, attributes: &[KeyValue]) {
        let count = histogram.count();
        if count == 0 {
            return;
        }
        let point = HistogramDataPoint {
            attributes: attributes.to_vec(),
            start_time_unix_nano: series.start_ns,
            time_unix_nano: self.now_ns,
            count,
            sum: Some(histogram.sum),
            bucket_counts: histogram.buckets.clone(),
            explicit_bounds: histogram.bounds.to_vec(),
            min: Some(histogram.min),
            max: Some(histogram.max),
            ..Default::default()
        };
        let empty = || {
            metric::Data::Histogram(opentelemetry_proto::tonic::metrics::v1::Histogram {
                data_points: vec![],
                aggregation_temporality: CUMULATIVE,
            })
        };
        if let Some(metric::Data::Histogram(histogram)) = &mut self.metric(series, about, empty).data {
            histogram.data_points.push(point);
        }
    }

    fn metric(&mut self, series: &Series, about: About, empty: impl FnOnce() -> metric::Data) -> &mut Metric {
        let (name, unit, description) = about;
        let service = self.services.entry(series.service.clone()).or_default();
        service.entry(name).or_insert_with(|| Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            description: description.to_owned(),
            data: Some(empty()),
            ..Default::default()
        })
    }

    /// The request, or `None` when nothing was added.
    pub fn finish(self) -> Option<Metrics> {
        if self.services.is_empty() {
            return None;
        }
        let sorted = self.services.into_iter().map(|(service, mut metrics)| {
            metrics.values_mut().for_each(sort_points);
            resource(service, metrics)
        });
        let resource_metrics = sorted.collect();
        Some(Metrics::from_request(&ExportMetricsServiceRequest { resource_metrics }))
    }
}

/// Series are found in no order; what is given out has one, so that two replays of the same data are the same.
fn sort_points(metric: &mut Metric) {
    let texts =
        |attributes: &[KeyValue]| -> Vec<String> { attributes.iter().map(|attribute| format!("{attribute:?}")).collect() };
    match &mut metric.data {
        Some(metric::Data::Sum(sum)) => sum.data_points.sort_by_cached_key(|point| texts(&point.attributes)),
        Some(metric::Data::Histogram(histogram)) => histogram.data_points.sort_by_cached_key(|point| texts(&point.attributes)),
        _ => {}
    }
}

fn resource(service: [String; 4], metrics: BTreeMap<&'static str, Metric>) -> ResourceMetrics {
    let names = [keys::SERVICE_NAME, keys::SERVICE_NAMESPACE, keys::SERVICE_INSTANCE_ID, keys::DEPLOYMENT_ENVIRONMENT_NAME];
    let attributes = names.into_iter().zip(&service).filter(|(_, value)| !value.is_empty()).map(|(key, value)| text(key, value));
    ResourceMetrics {
        resource: Some(Resource { attributes: attributes.collect(), ..Default::default() }),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(InstrumentationScope { name: SCOPE.to_owned(), ..Default::default() }),
            metrics: metrics.into_values().collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Which attribute each slot is, by kind.
pub fn slot_keys(kind: Kind) -> [Option<KeyId>; super::series::SLOTS] {
    match kind {
        Kind::Call => [
            Some(keys::GEN_AI_OPERATION_NAME),
            Some(keys::GEN_AI_PROVIDER_NAME),
            Some(keys::GEN_AI_REQUEST_MODEL),
            Some(keys::GEN_AI_RESPONSE_MODEL),
            Some(keys::GEN_AI_AGENT_NAME),
            Some(keys::ERROR_TYPE),
        ],
        Kind::ToolSpan => [Some(keys::GEN_AI_TOOL_NAME), Some(keys::GEN_AI_AGENT_NAME), Some(keys::ERROR_TYPE), None, None, None],
        Kind::ToolCall => [
            Some(keys::GEN_AI_TOOL_NAME),
            Some(keys::CHAPERONE_TOOL_SOURCE),
            Some(keys::GEN_AI_AGENT_NAME),
            Some(keys::ERROR_TYPE),
            None,
            None,
        ],
        Kind::Agent => [Some(keys::GEN_AI_AGENT_NAME), Some(keys::ERROR_TYPE), None, None, None, None],
        Kind::Decision => [
            Some(keys::CHAPERONE_DECISION_TYPE),
            Some(keys::CHAPERONE_DECISION_MAKER_TYPE),
            Some(keys::CHAPERONE_APPROVAL_OUTCOME),
            Some(keys::GEN_AI_AGENT_NAME),
            None,
            None,
        ],
        Kind::HandOver => [
            Some(keys::CHAPERONE_HANDOFF_SOURCE),
            Some(keys::CHAPERONE_HANDOFF_TARGET),
            Some(keys::CHAPERONE_HANDOFF_TYPE),
            None,
            None,
            None,
        ],
        Kind::Retry => [Some(keys::GEN_AI_AGENT_NAME), None, None, None, None, None],
        Kind::Evaluation => [
            Some(keys::GEN_AI_EVALUATION_NAME),
            Some(keys::CHAPERONE_EVALUATION_EVALUATOR_TYPE),
            Some(keys::GEN_AI_AGENT_NAME),
            None,
            None,
            None,
        ],
    }
}

fn attributes(series: &Series) -> Vec<KeyValue> {
    let slots = slot_keys(series.kind);
    let mut attributes: Vec<KeyValue> = slots
        .into_iter()
        .zip(&series.slots)
        .filter_map(|(key, value)| key.filter(|_| !value.is_empty()).map(|key| text(key, value)))
        .collect();
    if series.overflow {
        let value = Some(AnyValue { value: Some(Value::BoolValue(true)) });
        attributes.push(KeyValue { key: "otel.metric.overflow".to_owned(), value, ..Default::default() });
    }
    attributes
}

fn text(key: KeyId, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: registry::name(key).to_owned(), value, ..Default::default() }
}

/// Name, unit, description.
type About = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
mod about {
    //! Names of the semantic conventions, newest generation, and ours where they have none.
    use super::About;
    use chaperone_genai::metric_names as name;

    pub const CALL_DURATION: About = (name::INFERENCE_DURATION, "s", "Duration of model requests");
    pub const OPERATION_DURATION: About = (name::OPERATION_DURATION, "s", "Duration of other client operations, such as embeddings");
    pub const FIRST_CHUNK: About = (name::TIME_TO_FIRST_CHUNK, "s", "Time to the first chunk of streamed answers");
    pub const INPUT: About = (name::USAGE_INPUT_TOKENS, "{token}", "Input tokens, cached ones included, each call counted once");
    pub const OUTPUT: About = (name::USAGE_OUTPUT_TOKENS, "{token}", "Output tokens, reasoning included, each call counted once");
    pub const CACHE_READ: About = (name::USAGE_CACHE_READ, "{token}", "Input tokens read from a cache: part of the input tokens");
    pub const CACHE_WRITE: About = (name::USAGE_CACHE_WRITE, "{token}", "Input tokens written to a cache: part of the input tokens");
    pub const REASONING: About = (name::USAGE_REASONING, "{token}", "Reasoning tokens: part of the output tokens");
    pub const INPUT_SIZE: About = (name::OPERATION_INPUT_TOKENS, "{token}", "Input tokens of a call");
    pub const OUTPUT_SIZE: About = (name::OPERATION_OUTPUT_TOKENS, "{token}", "Output tokens of a call");
    pub const COST: About = (name::INFERENCE_COST, "USD", "Cost of model requests, each call counted once");
    pub const TOOL_DURATION: About = (name::EXECUTE_TOOL_DURATION, "s", "Duration of tool executions");
    pub const TOOL_CALLS: About = (name::TOOL_CALLS, "{call}", "Tool calls, requested by a model or executed");
    pub const DECISIONS: About = (name::DECISIONS, "{decision}", "Decisions that were reported or found");
    pub const CONFIDENCE: About = (name::DECISION_CONFIDENCE, "1", "Confidence of decisions that have one");
    pub const APPROVAL_WAIT: About = (name::APPROVAL_WAIT, "s", "How long approvals were waited for");
    pub const HANDOFFS: About = (name::HANDOFFS, "{handoff}", "Hand-overs from agent to agent");
    pub const RETRIES: About = (name::RETRIES, "{retry}", "Attempts after the first");
    pub const EVALUATION: About = (name::EVALUATION_VALUE, "1", "Scores of evaluations");
    pub const AGENT_DURATION: About = (name::INVOKE_AGENT_DURATION, "s", "Duration of agent invocations");
}
use about::*;
