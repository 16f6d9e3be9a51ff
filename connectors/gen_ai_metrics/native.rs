//! Metrics that agents export themselves.
//!
//! Metrics that say the same of a service whose calls arrive as spans or logs would count the same tokens again: they are dropped
//! and counted. Those of a service that sends no spans pass under the conventions' newest names; what is not GenAI passes as it is.
//! What was seen of a service is kept, in a bounded set; a service's metrics that come before its first span pass.

use super::canonical::make_canonical;
use chaperone_genai::{keys, metric_names, native_metrics};
use chaperone_pipeline::{Batch, Outbox};
use chaperone_proto::{Attrs, Data, Metrics, Signal};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data as Points;
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

/// Most instances remembered; further ones are treated as unseen.
const MOST_INSTANCES: usize = 100_000;

/// Service instances whose calls were seen as spans or logs.
#[derive(Debug, Default)]
pub struct Instances {
    seed: RandomState,
    seen: Mutex<HashSet<u64>>,
}

impl Instances {
    /// Remembers that spans or logs of a service carry its calls.
    pub fn saw_calls_of(&self, resource: Attrs<'_>) {
        let name = resource.str(keys::SERVICE_NAME).unwrap_or_default();
        let instance = resource.str(keys::SERVICE_INSTANCE_ID).unwrap_or_default();
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.len() < MOST_INSTANCES {
            seen.insert(self.seed.hash_one((name, instance)));
        }
    }

    fn has_seen(&self, resource: Option<&Resource>) -> bool {
        let attributes = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
        let name = attribute(attributes, "service.name");
        let instance = attribute(attributes, "service.instance.id");
        let seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.contains(&self.seed.hash_one((name, instance)))
    }

    /// Passes a request without the metrics that would count calls twice, and the others in the conventions' words.
    pub fn process(&self, metrics: &Metrics, batch: &Batch, out: &mut Outbox) {
        let mut request = metrics.to_request();
        let mut changed = false;
        let mut removed = 0;
        for resource in &mut request.resource_metrics {
            if self.has_seen(resource.resource.as_ref()) {
                for scope in &mut resource.scope_metrics {
                    scope.metrics.retain(|metric| {
                        removed += if is_native(metric) { points(metric) } else { 0 };
                        !is_native(metric)
                    });
                }
            } else {
                changed |= make_canonical(resource);
            }
        }
        if !changed && removed == 0 {
            out.pass(batch.clone());
            return;
        }
        let kept = Metrics::from_request(&request);
        out.drop_items(Signal::Metrics, removed, "native_of_counted_service");
        if kept.points() > 0 {
            out.pass(Batch { data: Data::Metrics(kept), client: batch.client.clone() });
        }
    }
}

/// Whether a metric says what we make of spans and logs: it has a name of the conventions, or a meaning in them.
fn is_native(metric: &Metric) -> bool {
    metric.name.starts_with(metric_names::NATIVE_PREFIX) || !native_metrics::rows_of(&metric.name).is_empty()
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Points::Gauge(gauge)) => gauge.data_points.len(),
        Some(Points::Sum(sum)) => sum.data_points.len(),
        Some(Points::Histogram(histogram)) => histogram.data_points.len(),
        Some(Points::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Points::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()) {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        _ => "",
    }
}
