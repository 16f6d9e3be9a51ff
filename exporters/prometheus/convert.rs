//! OTLP metrics into series: names, labels, and which points count.

use super::config::Config;
use super::names;
use super::series::{About, Labels, NotTaken, Point, Store, Value};
use chaperone_pipeline::exposition::FamilyType;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ScopeMetrics, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::fmt::Write;
use std::time::Duration;

/// The data point says that nothing was recorded.
const NO_RECORDED_VALUE: u32 = 1;

/// How many points were not taken, and why the last one was not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    pub points: usize,
    pub message: Option<String>,
}

/// Takes every point of a request into the store.
pub fn take(config: &Config, store: &mut Store, request: &ExportMetricsServiceRequest, now: Duration) -> Rejected {
    let mut taker = Taker { config, store, now, rejected: Rejected::default() };
    for resource_metrics in &request.resource_metrics {
        let resource = taker.resource(resource_metrics.resource.as_ref());
        for scope_metrics in &resource_metrics.scope_metrics {
            let mut labels = resource.clone();
            if !config.without_scope_info {
                labels.extend(scope_labels(scope_metrics));
            }
            for metric in &scope_metrics.metrics {
                taker.metric(metric, &labels);
            }
        }
    }
    taker.rejected
}

struct Taker<'a> {
    config: &'a Config,
    store: &'a mut Store,
    now: Duration,
    rejected: Rejected,
}

impl Taker<'_> {
    /// `job`, `instance`, constant labels, and the resource for `target_info`.
    fn resource(&mut self, resource: Option<&Resource>) -> Labels {
        let attributes = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        let find =
            |key: &str| attributes.iter().find(|attribute| attribute.key == key).map(|attribute| text(attribute.value.as_ref()));
        let mut labels = Labels::new();
        if let Some(name) = find("service.name") {
            let job = find("service.namespace").map_or(name.clone(), |namespace| format!("{namespace}/{name}"));
            labels.push(("job".to_owned(), job));
        }
        if let Some(instance) = find("service.instance.id") {
            labels.push(("instance".to_owned(), instance));
        }
        let identity = ["service.name", "service.namespace", "service.instance.id"];
        let others = attributes.iter().filter(|attribute| !identity.contains(&attribute.key.as_str()));
        let others: Labels = others.map(label).collect();
        if !labels.is_empty() && !others.is_empty() {
            self.store.target(labels.iter().cloned().chain(others).collect(), self.now);
        }
        if self.config.resource_to_telemetry_conversion.enabled {
            labels.extend(attributes.iter().map(label));
        }
        labels.extend(self.config.const_labels.iter().map(|(name, value)| (names::label(name), value.clone())));
        labels
    }

    fn metric(&mut self, metric: &Metric, labels: &Labels) {
        match &metric.data {
            Some(Data::Gauge(gauge)) => self.numbers(metric, FamilyType::Gauge, false, &gauge.data_points, labels),
            Some(Data::Sum(sum)) => {
                let Some(delta) = is_delta(sum.aggregation_temporality).filter(|delta| sum.is_monotonic || !delta) else {
                    return self.reject(sum.data_points.len(), metric, "its temporality cannot be served");
                };
                let kind = if sum.is_monotonic { FamilyType::Counter } else { FamilyType::Gauge };
                self.numbers(metric, kind, delta, &sum.data_points, labels);
            }
            Some(Data::Histogram(histogram)) => {
                let Some(delta) = is_delta(histogram.aggregation_temporality) else {
                    return self.reject(histogram.data_points.len(), metric, "its temporality cannot be served");
                };
                for point in histogram.data_points.iter().filter(|point| point.flags & NO_RECORDED_VALUE == 0) {
                    let value = Value::Histogram {
                        bounds: point.explicit_bounds.clone(),
                        buckets: point.bucket_counts.clone(),
                        sum: point.sum.unwrap_or_default(),
                        count: point.count,
                    };
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    self.point(metric, FamilyType::Histogram, labels, &point.attributes, times, delta, value);
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let delta = is_delta(histogram.aggregation_temporality).unwrap_or_default();
                for point in histogram.data_points.iter().filter(|point| point.flags & NO_RECORDED_VALUE == 0) {
                    // The text format has no native histograms: sum and count are what can be told.
                    let value = Value::Histogram {
                        bounds: vec![],
                        buckets: vec![],
                        sum: point.sum.unwrap_or_default(),
                        count: point.count,
                    };
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    self.point(metric, FamilyType::Histogram, labels, &point.attributes, times, delta, value);
                }
            }
            Some(Data::Summary(summary)) => {
                for point in summary.data_points.iter().filter(|point| point.flags & NO_RECORDED_VALUE == 0) {
                    let quantiles = point.quantile_values.iter().map(|quantile| (quantile.quantile, quantile.value)).collect();
                    let value = Value::Summary { quantiles, sum: point.sum, count: point.count };
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    self.point(metric, FamilyType::Summary, labels, &point.attributes, times, false, value);
                }
            }
            None => {}
        }
    }

    fn numbers(&mut self, metric: &Metric, kind: FamilyType, delta: bool, points: &[NumberDataPoint], labels: &Labels) {
        for point in points.iter().filter(|point| point.flags & NO_RECORDED_VALUE == 0) {
            let value = match point.value {
                Some(number_data_point::Value::AsDouble(value)) => value,
                Some(number_data_point::Value::AsInt(value)) => value as f64,
                None => 0.0,
            };
            let times = (point.start_time_unix_nano, point.time_unix_nano);
            self.point(metric, kind, labels, &point.attributes, times, delta, Value::Number(value));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of five kinds of points, named at each call")]
    fn point(
        &mut self,
        metric: &Metric,
        kind: FamilyType,
        labels: &Labels,
        attributes: &[KeyValue],
        (start_ns, time_ns): (u64, u64),
        delta: bool,
        value: Value,
    ) {
        let (counter, gauge) = (kind == FamilyType::Counter, kind == FamilyType::Gauge);
        let (unit, counter_word, gauge_word) =
            if self.config.suffixes() { (metric.unit.as_str(), counter, gauge) } else { ("", false, false) };
        let name = names::metric(&self.config.namespace, &metric.name, unit, counter_word, gauge_word);
        let about = About { name: &name, help: &metric.description, kind };
        let labels = labels.iter().cloned().chain(attributes.iter().map(label)).collect();
        let point = Point { value, start_ns, time_ns, delta };
        if let Err(why) = self.store.take(about, labels, point, self.now, self.config.max_series) {
            self.reject(
                1,
                metric,
                match why {
                    NotTaken::TypeConflict => "another type has this name",
                    NotTaken::TooManySeries => "there are more series than `max_series`",
                    NotTaken::DuplicateLabel => "two of its attributes have the same label name",
                },
            );
        }
    }

    fn reject(&mut self, points: usize, metric: &Metric, why: &str) {
        self.rejected.points += points;
        self.rejected.message = Some(format!("`{}` is left out: {why}", metric.name));
    }
}

/// Whether points add up; `None` when unspecified.
fn is_delta(temporality: i32) -> Option<bool> {
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta) => Some(true),
        Ok(AggregationTemporality::Cumulative) => Some(false),
        _ => None,
    }
}

fn scope_labels(scope_metrics: &ScopeMetrics) -> Labels {
    let none = InstrumentationScope::default();
    let scope = scope_metrics.scope.as_ref().unwrap_or(&none);
    let mut labels = vec![
        ("otel_scope_name".to_owned(), scope.name.clone()),
        ("otel_scope_version".to_owned(), scope.version.clone()),
        ("otel_scope_schema_url".to_owned(), scope_metrics.schema_url.clone()),
    ];
    let named = |attribute| {
        let (name, value) = label(attribute);
        (format!("otel_scope_{name}"), value)
    };
    labels.extend(scope.attributes.iter().map(named));
    labels
}

fn label(attribute: &KeyValue) -> (String, String) {
    (names::label(&attribute.key), text(attribute.value.as_ref()))
}

/// A value as label text: texts as they are, arrays and maps as JSON.
fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::BoolValue(yes)) => yes.to_string(),
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::DoubleValue(number)) => number.to_string(),
        Some(Any::ArrayValue(array)) => {
            let parts: Vec<String> = array.values.iter().map(|value| json(Some(value))).collect();
            format!("[{}]", parts.join(","))
        }
        Some(Any::KvlistValue(map)) => {
            let parts: Vec<String> =
                map.values.iter().map(|pair| format!("{}:{}", quoted(&pair.key), json(pair.value.as_ref()))).collect();
            format!("{{{}}}", parts.join(","))
        }
        Some(Any::BytesValue(bytes)) => bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
        _ => String::new(),
    }
}

fn json(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => quoted(text),
        None => "null".to_owned(),
        Some(_) => text(value),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
