//! The receiver in a real graph on free loopback ports, with an exporter that keeps what it gets.

mod collected;
mod config;
mod grpc;
mod http;

use crate::ALL;
use bytes::Bytes;
use chaperone_config::{Node, Source, load};
use chaperone_pipeline::engine::{EngineSettings, Graph, Running, SharedState};
use chaperone_pipeline::{Chunk, Clock, ExporterEntry, MemoryStorage, Registry, Telemetry};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;

const EXPORTERS: &[ExporterEntry] = &[ExporterEntry::of::<collected::Collected>()];

/// A running graph: `otlp` to an exporter that keeps everything under `key`.
struct Bench {
    running: Running,
    telemetry: Telemetry,
    key: &'static str,
}

impl Bench {
    /// `otlp` are the receiver's settings, `collected` more settings of the exporter, both in flow style.
    async fn start(key: &'static str, otlp: &str, collected: &str, signals: &[&str]) -> Bench {
        // Keys are process-wide; the receiver needs none of them.
        chaperone_proto::keys::install(&[]);
        let pipelines: String =
            signals.iter().map(|signal| format!("    {signal}: {{receivers: [otlp], exporters: [collected]}}\n")).collect();
        let text = format!(
            "receivers:\n  otlp: {otlp}\nexporters:\n  collected: {{key: {key}{collected}}}\nservice:\n  pipelines:\n{pipelines}"
        );
        let (document, _) = load(&[Source::Text { name: "test.yaml".into(), text }], &|_| None).unwrap();
        let registry = Registry { receivers: ALL, processors: &[], connectors: &[], exporters: EXPORTERS, extensions: &[] };
        let telemetry = Telemetry::default();
        let settings = EngineSettings {
            clock: Clock::system(),
            telemetry: telemetry.clone(),
            hash_key: [0; 32],
            storage: Arc::new(MemoryStorage::default()),
            shared: SharedState::default(),
        };
        let running = Graph::build(&document, &registry, settings).unwrap().start().await.unwrap();
        Bench { running, telemetry, key }
    }

    /// Both protocols on free ports, traces only.
    async fn both(key: &'static str) -> Bench {
        let otlp = "{protocols: {grpc: {endpoint: 'localhost:0'}, http: {endpoint: 'localhost:0'}}}";
        Bench::start(key, otlp, "", &["traces"]).await
    }

    /// `http://127.0.0.1:port` of a protocol.
    fn url(&self, protocol: &str) -> String {
        format!("http://127.0.0.1:{}", self.sample("chaperone_receiver_port", ("protocol", protocol)))
    }

    /// The value of an own metric.
    fn sample(&self, family: &str, label: (&str, &str)) -> u64 {
        let families = self.telemetry.families();
        let samples = families.iter().filter(|known| known.name == family).flat_map(|known| &known.samples);
        let labelled =
            samples.filter(|sample| sample.labels.iter().any(|(name, value)| (name.as_str(), value.as_str()) == label));
        labelled.map(|sample| sample.value as u64).sum()
    }

    fn collected(&self) -> Vec<Chunk> {
        collected::of(self.key)
    }

    async fn stop(self) {
        self.running.shutdown(Duration::from_secs(5)).await;
    }
}

fn request(spans: usize) -> ExportTraceServiceRequest {
    let span = |i: usize| Span {
        trace_id: vec![1; 16],
        span_id: (i as u64 + 1).to_be_bytes().to_vec(),
        name: format!("span {i}"),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (0..spans).map(span).collect(), ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

fn body(spans: usize) -> Bytes {
    request(spans).encode_to_vec().into()
}

fn node(yaml: &str) -> Node {
    Node::parse(yaml, "test.yaml").unwrap()
}
