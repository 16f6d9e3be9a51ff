//! The corpus as the oracle reads it, and the comparison.

use crate::shown;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;

/// One request of a capture.
pub struct Request {
    pub signal: &'static str,
    pub json: bool,
    pub body: Bytes,
}

/// All captures. Byte-identical requests are there once: the receiver takes a second one for a retransmission.
pub struct Corpus {
    pub requests: Vec<Request>,
}

impl Corpus {
    pub fn load() -> Corpus {
        let mut seen = HashSet::new();
        let mut requests = Vec::new();
        for name in chaperone_testkit::corpus::names() {
            for request in chaperone_testkit::corpus::load(&name).unwrap().requests {
                if seen.insert(request.body.clone()) {
                    requests.push(Request { signal: request.signal, json: request.json, body: request.body });
                }
            }
        }
        Corpus { requests }
    }

    /// Everything in it, decoded.
    pub fn resources(&self) -> Resources {
        let mut resources = Resources::default();
        for request in &self.requests {
            if request.json {
                resources.add_json(request.signal, &request.body);
            } else {
                resources.add(request.signal, &request.body);
            }
        }
        resources
    }
}

/// Resources with all that is below them, in the order in which they came.
#[derive(Default, Clone)]
pub struct Resources {
    traces: Vec<ResourceSpans>,
    metrics: Vec<ResourceMetrics>,
    logs: Vec<ResourceLogs>,
}

impl Resources {
    /// Adds a protobuf request.
    pub fn add(&mut self, signal: &str, body: &[u8]) {
        match signal {
            "traces" => self.traces.extend(ExportTraceServiceRequest::decode(body).unwrap().resource_spans),
            "metrics" => self.metrics.extend(ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics),
            "logs" => self.logs.extend(ExportLogsServiceRequest::decode(body).unwrap().resource_logs),
            other => panic!("unknown signal `{other}`"),
        }
    }

    /// Adds an OTLP/JSON request, as the oracle's own serde reads it.
    pub fn add_json(&mut self, signal: &str, body: &[u8]) {
        let mut json: Value = serde_json::from_slice(body).unwrap();
        spell_out_lists(&mut json);
        match signal {
            "traces" => self.traces.extend(serde_json::from_value::<ExportTraceServiceRequest>(json).unwrap().resource_spans),
            "metrics" => {
                self.metrics.extend(serde_json::from_value::<ExportMetricsServiceRequest>(json).unwrap().resource_metrics);
            }
            "logs" => self.logs.extend(serde_json::from_value::<ExportLogsServiceRequest>(json).unwrap().resource_logs),
            other => panic!("unknown signal `{other}`"),
        }
    }

    /// The same without metrics.
    pub fn without_metrics(&self) -> Resources {
        Resources { metrics: Vec::new(), ..self.clone() }
    }

    /// The same as JSON shows it: resource, scope, status, body and value are always there, if only as empty messages.
    pub fn as_json_shows(&self) -> Resources {
        let Resources { traces, metrics, logs } = self.clone();
        Resources {
            traces: shown::traces(ExportTraceServiceRequest { resource_spans: traces }).resource_spans,
            metrics: shown::metrics(ExportMetricsServiceRequest { resource_metrics: metrics }).resource_metrics,
            logs: shown::logs(ExportLogsServiceRequest { resource_logs: logs }).resource_logs,
        }
    }

    pub fn spans(&self) -> usize {
        self.traces.iter().flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len()).sum()
    }

    pub fn log_records(&self) -> usize {
        self.logs.iter().flat_map(|resource| &resource.scope_logs).map(|scope| scope.log_records.len()).sum()
    }

    /// What is here and not in `expected`, or the other way round; `None` when they are equal.
    pub fn difference(&self, expected: &Resources) -> Option<String> {
        difference("traces", &self.traces, &expected.traces)
            .or_else(|| difference("metrics", &self.metrics, &expected.metrics))
            .or_else(|| difference("logs", &self.logs, &expected.logs))
    }
}

/// OTLP/JSON leaves empty lists out everywhere; the oracle's serde insists on those of arrays and maps.
fn spell_out_lists(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(spell_out_lists),
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if let ("arrayValue" | "kvlistValue", Value::Object(list)) = (name.as_str(), &mut *value) {
                    list.entry("values").or_insert_with(|| Value::Array(Vec::new()));
                }
                spell_out_lists(value);
            }
        }
        _ => {}
    }
}

/// Order does not count: consumers of a queue work beside each other.
fn difference<T: Message + Debug>(signal: &str, found: &[T], expected: &[T]) -> Option<String> {
    let mut balance: BTreeMap<Vec<u8>, (i64, &T)> = BTreeMap::new();
    for item in found {
        balance.entry(item.encode_to_vec()).or_insert((0, item)).0 += 1;
    }
    for item in expected {
        balance.entry(item.encode_to_vec()).or_insert((0, item)).0 -= 1;
    }
    let mut uneven = balance.values().filter(|(count, _)| *count != 0);
    let extra = uneven.clone().find(|(count, _)| *count > 0);
    let missing = uneven.clone().find(|(count, _)| *count < 0);
    uneven.next()?;
    let (found, expected) = (found.len(), expected.len());
    let first_difference = match (extra, missing) {
        (Some((_, extra)), Some((_, missing))) => apart(&format!("{extra:#?}"), &format!("{missing:#?}")),
        _ => format!("extra: {extra:?}\nmissing: {missing:?}"),
    };
    Some(format!("{signal}: {found} resources came out, {expected} were expected; {first_difference}"))
}

/// The place where two texts part.
fn apart(found: &str, expected: &str) -> String {
    let line = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected).unwrap_or(0);
    let around = |text: &str| text.lines().skip(line.saturating_sub(8)).take(16).collect::<Vec<_>>().join("\n");
    format!("found\n{}\nexpected\n{}", around(found), around(expected))
}
