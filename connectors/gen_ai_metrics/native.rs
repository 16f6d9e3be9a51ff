//! Metrics that agents export themselves.
//!
//! `gen_ai.*` metrics of a service whose calls arrive as spans or logs would count the same tokens again: they are dropped
//! and counted. Those of a service that sends no spans pass, as does everything that is not GenAI.
//! What was seen of a service is kept, in a bounded set; a service's metrics that come before its first span pass.

use chaperone_genai::{keys, metric_names};
use chaperone_pipeline::{Batch, Outbox};
use chaperone_proto::{Attrs, Data, Metrics, Signal};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
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

    /// Passes a request without the metrics that would count calls twice.
    pub fn process(&self, metrics: &Metrics, batch: &Batch, out: &mut Outbox) {
        let mut request = metrics.to_request();
        let mut removed = false;
        for resource in &mut request.resource_metrics {
            if !self.has_seen(resource.resource.as_ref()) {
                continue;
            }
            for scope in &mut resource.scope_metrics {
                let before = scope.metrics.len();
                scope.metrics.retain(|metric| !metric.name.starts_with(metric_names::NATIVE_PREFIX));
                removed |= scope.metrics.len() != before;
            }
        }
        if !removed {
            out.pass(batch.clone());
            return;
        }
        let kept = Metrics::from_request(&request);
        out.drop_items(Signal::Metrics, metrics.points() - kept.points(), "native_of_counted_service");
        if kept.points() > 0 {
            out.pass(Batch { data: Data::Metrics(kept), client: batch.client.clone() });
        }
    }
}

fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()) {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        _ => "",
    }
}
