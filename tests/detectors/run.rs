//! One capture through the graph.

use chaperone_config::{ComponentId, Source, load};
use chaperone_genai::detect::Finding;
use chaperone_genai::rules::{Alert, State};
use chaperone_pipeline::engine::{EngineSettings, Replay, SharedState};
use chaperone_pipeline::{Clock, MemoryStorage, Telemetry};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::corpus;
use std::sync::{Arc, Mutex};

const CONFIG: &str = r"
receivers: {otlp: {protocols: {http: {}}}}
processors: {gen_ai_normalizer: {}, gen_ai_steps: {}, gen_ai_cost: {}}
connectors:
  agent_detectors: {lateness: 2s}
  agent_rules: {files: ['builtin:presets']}
  alerts: {}
exporters: {nop/findings: {}, nop/alerts: {}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [gen_ai_normalizer, gen_ai_steps, gen_ai_cost], exporters: [agent_detectors, agent_rules]}
    logs: {receivers: [otlp], processors: [gen_ai_normalizer, gen_ai_steps, gen_ai_cost], exporters: [agent_detectors, agent_rules]}
    metrics: {receivers: [otlp], exporters: [agent_rules]}
    logs/findings: {receivers: [agent_detectors], exporters: [agent_rules, nop/findings]}
    logs/alerts: {receivers: [agent_rules], exporters: [alerts]}
    logs/notify: {receivers: [alerts], exporters: [nop/alerts]}
";

/// What came out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Every telling of every finding.
    pub findings: Vec<Finding>,
    /// What somebody would be told.
    pub alerts: Vec<Alert>,
}

impl Outcome {
    /// Alerts that began to fire.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|alert| alert.state == State::Firing)
    }
}

/// Runs the requests of a capture in order.
pub fn replay(name: &str) -> Outcome {
    let capture = corpus::load(name).unwrap();
    let requests = capture.requests.iter().map(|request| {
        let signal = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal).unwrap();
        if request.json {
            Data::decode_json(signal, &request.body, &Limits::default()).unwrap()
        } else {
            Data::decode(signal, request.body.clone(), &Limits::default()).unwrap()
        }
    });
    feed(requests)
}

/// Runs requests in order through a graph of their own, to the end.
pub fn feed(requests: impl Iterator<Item = Data>) -> Outcome {
    let mut watch = Watch::new(Arc::default());
    watch.feed(requests);
    watch.finished()
}

/// A graph, and what came out of it.
pub struct Watch {
    replay: Replay,
    // Shared with the graph's sink.
    seen: Arc<Mutex<Outcome>>,
}

impl Watch {
    /// A graph over a store.
    pub fn new(storage: Arc<MemoryStorage>) -> Watch {
        chaperone_genai::keys::install();
        let source = Source::Text { name: "test.yaml".to_owned(), text: CONFIG.to_owned() };
        let (document, _) = load(&[source], &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
        let settings = EngineSettings {
            clock: Clock::manual(0),
            telemetry: Telemetry::default(),
            hash_key: [7; 32],
            storage,
            shared: SharedState::default(),
        };
        let seen: Arc<Mutex<Outcome>> = Arc::default();
        let sink = Arc::clone(&seen);
        let replay = Replay::build(&document, &chaperone::built_in(), settings, move |_, id, data| note(id, data, &sink));
        Watch { replay: replay.unwrap_or_else(|problems| panic!("{problems}")), seen }
    }

    /// Runs requests in order.
    pub fn feed(&mut self, requests: impl IntoIterator<Item = Data>) {
        for data in requests {
            self.replay.feed(data);
        }
    }

    /// What came out until everything was over.
    pub fn finished(mut self) -> Outcome {
        self.replay.finish();
        self.killed()
    }

    /// What came out until now; what is held is lost.
    pub fn killed(self) -> Outcome {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn note(id: &ComponentId, data: &Data, seen: &Mutex<Outcome>) {
    let Data::Logs(logs) = data else { return };
    let mut seen = seen.lock().unwrap();
    match id.to_string().as_str() {
        "nop/findings" => seen.findings.extend(logs.logs().filter_map(Finding::read)),
        _ => seen.alerts.extend(logs.logs().filter_map(Alert::read)),
    }
}
