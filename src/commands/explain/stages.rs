//! The three processors that understand a record, in the engine, with what comes out of each of them kept.
//!
//! Their settings are those of the configuration, of the first instance that a pipeline names; one that no pipeline names has its
//! defaults.

use crate::{app, hash_key};
use anyhow::Result;
use chaperone_config::{ComponentId, Document, Node, Source, load};
use chaperone_genai::dialects::Normalizer;
use chaperone_pipeline::engine::Replay;
use chaperone_pipeline::{Clock, Outcome, Registry, Telemetry};
use chaperone_processors::explain::{Pricing, normalizer};
use chaperone_proto::Data;
use std::sync::{Arc, Mutex, PoisonError};

/// Each stage hands on and shows what it gives.
const GRAPH: &str = "
receivers: {otlp: {protocols: {http: {}}}}
processors: {gen_ai_normalizer: {}, gen_ai_steps: {}, gen_ai_cost: {}}
connectors: {forward/1: {}, forward/2: {}}
exporters: {debug/0: {}, debug/1: {}, debug/2: {}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces/0: {receivers: [otlp], processors: [gen_ai_normalizer], exporters: [debug/0, forward/1]}
    traces/1: {receivers: [forward/1], processors: [gen_ai_steps], exporters: [debug/1, forward/2]}
    traces/2: {receivers: [forward/2], processors: [gen_ai_cost], exporters: [debug/2]}
    logs/0: {receivers: [otlp], processors: [gen_ai_normalizer], exporters: [debug/0, forward/1]}
    logs/1: {receivers: [forward/1], processors: [gen_ai_steps], exporters: [debug/1, forward/2]}
    logs/2: {receivers: [forward/2], processors: [gen_ai_cost], exporters: [debug/2]}
";

/// A request, and what became of it.
pub struct Staged {
    /// As it came.
    pub received: Data,
    /// After `gen_ai_normalizer`.
    pub normalized: Data,
    /// After `gen_ai_steps`.
    pub stepped: Data,
    /// After `gen_ai_cost`.
    pub costed: Data,
    /// Log records that processors made beside it, as they left the last of them.
    pub made: Vec<Data>,
}

/// The stages.
pub struct Stages {
    replay: Replay,
    /// Stage and batch, in order, of the request that is under way.
    seen: Arc<Mutex<Vec<(usize, Data)>>>,
    settings: Settings,
}

/// The settings by which the stages decide, for asking them again.
pub struct Settings {
    pub normalizer: Normalizer,
    pub pricing: Pricing,
}

impl Stages {
    /// Builds them with the settings of a configuration.
    pub fn build(user: &Document, registry: &Registry) -> Result<Stages> {
        let source = Source::Text { name: "explain".to_owned(), text: GRAPH.to_owned() };
        let (mut document, _) = load(&[source], &|_| None)?;
        for (id, node) in &mut document.processors {
            if let Some(settings) = settings(user, registry, &id.kind) {
                *node = settings.clone();
            }
        }
        // Processors may name storage.
        document.extensions = user.extensions.clone();
        document.service.extensions = user.service.extensions.clone();
        let seen: Arc<Mutex<Vec<(usize, Data)>>> = Arc::default();
        let sink = {
            let seen = Arc::clone(&seen);
            move |_: &_, exporter: &ComponentId, data: &Data| {
                let stage = exporter.name.as_deref().and_then(|name| name.parse().ok()).unwrap_or(0);
                seen.lock().unwrap_or_else(PoisonError::into_inner).push((stage, data.clone()));
            }
        };
        let engine = app::settings(Clock::manual(0), Telemetry::default(), hash_key::of_replay()?);
        let replay = Replay::build(&document, registry, engine, sink)?;
        let of = |name: &str| {
            let found = document.processors.iter().find(|(id, _)| id.kind == name);
            found.map_or_else(Node::null, |(_, node)| node.clone())
        };
        let normalizer = normalizer(&of("gen_ai_normalizer"))?;
        let settings = Settings { normalizer, pricing: Pricing::of(&of("gen_ai_cost"))? };
        Ok(Stages { replay, seen, settings })
    }

    /// The settings by which the stages decide.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs a request through; `None` when it was not taken.
    pub fn run(&mut self, received: Data) -> Option<Staged> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let outcome = self.replay.feed(received.clone());
        if !matches!(outcome, Outcome::Ok) || received.records() == 0 {
            return None;
        }
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let of = |stage: usize| seen.iter().filter(move |(at, _)| *at == stage).map(|(_, data)| data);
        // What is made beside a request stands in a scope of ours.
        let is_made = |data: &&Data| data.records() > 0 && data.record(0).scope().name() == OWN_SCOPE;
        let passed = |stage: usize| of(stage).find(|data| !is_made(data)).cloned();
        let (normalized, stepped, costed) = (passed(0)?, passed(1)?, passed(2)?);
        let made = of(2).filter(is_made).cloned().collect();
        Some(Staged { received, normalized, stepped, costed, made })
    }
}

const OWN_SCOPE: &str = "chaperone";

/// The settings of the first instance of a processor that a pipeline names.
fn settings<'a>(user: &'a Document, registry: &Registry, name: &str) -> Option<&'a Node> {
    let entry = registry.processors.iter().find(|entry| entry.meta.name == name)?;
    let named = user.service.pipelines.iter().flat_map(|pipeline| &pipeline.processors);
    let id = named.map(|reference| &reference.id).find(|id| entry.is_called(&id.kind))?;
    user.processors.iter().find(|(known, _)| known == id).map(|(_, node)| node)
}
