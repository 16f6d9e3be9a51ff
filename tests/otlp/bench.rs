//! A running graph: the receiver `otlp`, and an exporter that keeps what it gets.

use crate::parts;
use crate::wire::{Answer, Ask};
use chaperone::config::{Source, load};
use chaperone::pipeline::engine::{EngineSettings, Graph, Running, SharedState};
use chaperone::pipeline::{Chunk, Clock, MemoryStorage, Registry, Telemetry, exposition};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

static BENCHES: AtomicUsize = AtomicUsize::new(0);

pub struct Bench {
    running: Running,
    telemetry: Telemetry,
    key: String,
}

/// How a bench is made.
pub struct Plan<'a> {
    /// Settings of `protocols.http` and `protocols.grpc`, in flow style without the braces; `None` leaves it out.
    pub http: Option<&'a str>,
    pub grpc: Option<&'a str>,
    pub signals: &'a [&'a str],
    /// Settings of a processor, as `name: {...}`.
    pub processor: &'a str,
    /// Settings of the exporter.
    pub exporter: &'a str,
    pub exporter_type: &'a str,
}

const COLLECTED: &str = "collected";

pub const ALL: &[&str] = &["traces", "metrics", "logs"];

impl Default for Plan<'_> {
    fn default() -> Self {
        Plan { http: Some(""), grpc: None, signals: ALL, processor: "", exporter: "", exporter_type: COLLECTED }
    }
}

impl Plan<'_> {
    fn yaml(&self, key: &str) -> String {
        let protocol = |name: &str, settings: Option<&str>| {
            let Some(settings) = settings else { return String::new() };
            let endpoint = if settings.contains("endpoint:") { "" } else { "endpoint: 'localhost:0', " };
            format!("      {name}: {{{endpoint}{settings}}}\n")
        };
        let (http, grpc) = (protocol("http", self.http), protocol("grpc", self.grpc));
        let (processors, named) = match self.processor.split_once(':') {
            Some((name, _)) => (format!("processors: {{{}}}\n", self.processor), name.to_owned()),
            None => Default::default(),
        };
        let exporter = self.exporter_type;
        let pipeline =
            |signal: &&str| format!("    {signal}: {{receivers: [otlp], processors: [{named}], exporters: [{exporter}]}}\n");
        let key = if exporter == COLLECTED { format!("key: '{key}', ") } else { String::new() };
        let pipelines: String = self.signals.iter().map(pipeline).collect();
        format!(
            "receivers:\n  otlp:\n    protocols:\n{http}{grpc}{processors}exporters:\n  {exporter}: {{{key}{}}}\nservice:\n  pipelines:\n{pipelines}",
            self.exporter
        )
    }

    pub async fn start(self) -> Bench {
        self.try_start().await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn try_start(self) -> Result<Bench, String> {
        chaperone_genai::keys::install();
        let key = format!("bench {}", BENCHES.fetch_add(1, Ordering::SeqCst));
        let text = self.yaml(&key);
        let sources = [Source::Text { name: "test.yaml".into(), text }];
        let (document, _) = load(&sources, &|_| None).map_err(|problems| problems.to_string())?;
        let more = Registry {
            receivers: &[],
            processors: parts::PROCESSORS,
            connectors: &[],
            exporters: parts::EXPORTERS,
            extensions: &[],
        };
        let registry = chaperone::extended(chaperone::built_in(), more);
        let telemetry = Telemetry::default();
        let settings = EngineSettings {
            clock: Clock::system(),
            telemetry: telemetry.clone(),
            hash_key: [0; 32],
            storage: Arc::new(MemoryStorage::default()),
            shared: SharedState::default(),
        };
        let graph = Graph::build(&document, &registry, settings).map_err(|problems| problems.to_string())?;
        let running = graph.start().await.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        Ok(Bench { running, telemetry, key })
    }
}

impl Bench {
    /// HTTP with these settings, all signals.
    pub async fn http(settings: &str) -> Bench {
        Plan { http: Some(settings), ..Plan::default() }.start().await
    }

    /// gRPC with these settings, all signals.
    pub async fn grpc(settings: &str) -> Bench {
        Plan { http: None, grpc: Some(settings), ..Plan::default() }.start().await
    }

    /// HTTP before the real exporter `otlp_http`, whose backend is never there.
    pub async fn with_queue(queue: &str) -> Bench {
        let retry = "retry_on_failure: {initial_interval: 60s, max_interval: 60s}";
        let exporter = format!("endpoint: 'http://127.0.0.1:1', sending_queue: {queue}, {retry}");
        Plan { exporter: &exporter, exporter_type: "otlp_http", ..Plan::default() }.start().await
    }

    pub fn address(&self, protocol: &str) -> String {
        format!("127.0.0.1:{}", self.sample("chaperone_receiver_port", &[("protocol", protocol)]))
    }

    /// Sends one request on a connection of its own.
    pub async fn ask(&self, ask: Ask<'_>) -> Answer {
        ask.send(&self.address("http")).await
    }

    /// The sum of an own metric's samples that have these labels.
    pub fn sample(&self, family: &str, labels: &[(&str, &str)]) -> u64 {
        let families = self.telemetry.families();
        let samples = families.iter().filter(|known| known.name == family).flat_map(|known| &known.samples);
        let has = |sample: &&chaperone::pipeline::exposition::Sample| {
            labels.iter().all(|label| sample.labels.iter().any(|(name, value)| (name.as_str(), value.as_str()) == *label))
        };
        samples.filter(has).map(|sample| sample.value as u64).sum()
    }

    /// Bytes that bodies being received, requests and queues hold now.
    pub fn accounted(&self) -> u64 {
        let part = |part| self.sample("chaperone_process_accounted_bytes", &[("part", part)]);
        part("receiving") + part("running") + part("queued")
    }

    /// What was exported since it was last asked.
    pub fn taken(&self) -> Vec<Chunk> {
        parts::take(&self.key)
    }

    /// Stops without looking back: what waits in queues is lost.
    pub async fn shutdown(self) {
        self.running.shutdown(Duration::ZERO).await;
    }

    /// Stops, and checks that no item got lost uncounted.
    pub async fn stop(self) {
        self.running.shutdown(Duration::from_secs(20)).await;
        let mut own_metrics = String::new();
        exposition::write(&self.telemetry.families(), &mut own_metrics);
        chaperone_testkit::conservation::check(&own_metrics).unwrap();
        parts::take(&self.key);
    }
}
