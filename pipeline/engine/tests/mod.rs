//! Tests of the engine with components of their own, through whole graphs.

mod acknowledgement;
mod admission;
mod beside;
pub(crate) mod components;
mod conservation;
mod extensions;
mod holding;
mod queue;
mod reload;
mod replay;
mod running;
pub(crate) mod script;
mod wiring;

use crate::engine::door::{Door, Hall};
use crate::engine::{EngineSettings, Graph, Running, SharedState};
use crate::front::{Lane, Stage};
use crate::{Batch, Clock, Entrance, MemoryStorage, Outcome, Payload, Telemetry};
use chaperone_config::{ComponentId, Document, Problems, Source, load};
use chaperone_proto::{Data, Logs, LogsBuilder, Signal};
use components::REGISTRY;
use script::Script;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A document from YAML.
pub(crate) fn document(text: &str) -> Document {
    let source = Source::Text { name: "collector.yaml".into(), text: text.into() };
    let loaded = load(&[source], &|_| None);
    loaded.unwrap_or_else(|problems| panic!("{problems}")).0
}

/// The problems of building a graph from YAML.
pub(crate) fn problems(text: &str) -> Problems {
    match Graph::build(&document(text), &REGISTRY, settings()) {
        Ok(_) => panic!("the graph was built"),
        Err(problems) => problems,
    }
}

pub(crate) fn settings() -> EngineSettings {
    EngineSettings {
        clock: Clock::manual(1_000_000_000),
        telemetry: Telemetry::default(),
        hash_key: [7; 32],
        storage: Arc::new(MemoryStorage::default()),
        shared: SharedState::default(),
    }
}

/// A running graph with what tests want of it.
pub(crate) struct House {
    pub settings: EngineSettings,
    pub entrance: Entrance,
    pub running: Running,
}

pub(crate) fn id(text: &str) -> ComponentId {
    ComponentId::parse(text).expect("a test's id")
}

impl House {
    /// Builds and starts; requests enter through the receiver `taps`.
    pub(crate) async fn of(text: &str) -> House {
        let settings = settings();
        let graph = Graph::build(&document(text), &REGISTRY, settings.clone());
        let graph = graph.unwrap_or_else(|problems| panic!("{problems}"));
        let running = graph.start().await.unwrap_or_else(|error| panic!("{error}"));
        let shared = settings.shared.get_or_init(&id("taps"), components::Taps::default);
        let entrance = shared.lock().unwrap().clone().expect("the receiver was started");
        House { settings, entrance, running }
    }
    /// A second entrance with few places and a small budget.
    pub(crate) fn entrance_with(&self, receive_limit: usize) -> Entrance {
        let hall = Hall {
            telemetry: self.settings.telemetry.clone(),
            clock: self.settings.clock.clone(),
            accounted: Arc::clone(&self.entrance.door.accounted),
            compute: Arc::new(Semaphore::new(1)),
            receive_limit,
            chance: Default::default(),
        };
        Entrance { door: Arc::new(Door::new(id("taps"), &hall, &self.running.current.flow)) }
    }
    /// What the exporter with this id was given, and what it is to answer.
    pub(crate) fn script(&self, exporter: &str) -> Arc<Script> {
        self.settings.shared.get_or_init(&id(exporter), Script::default)
    }
    pub(crate) async fn send(&self, items: usize) -> Outcome {
        self.entrance.submit_batch(Batch::new(logs(items))).await
    }
    pub(crate) fn scrape(&self) -> String {
        let mut text = String::new();
        crate::exposition::write(&self.settings.telemetry.families(), &mut text);
        text
    }
    /// The sum of the samples of a name whose line holds all these texts.
    pub(crate) fn figure(&self, name: &str, parts: &[&str]) -> f64 {
        let scrape = self.scrape();
        let of_name = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let fits = scrape.lines().filter(of_name).filter(|line| parts.iter().all(|part| line.contains(part)));
        fits.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
    pub(crate) fn check_conservation(&self) {
        if let Err(wrong) = chaperone_testkit::conservation::check(&self.scrape()) {
            panic!("{}\n{}", wrong.join("\n"), self.scrape());
        }
    }
    /// The queues in front of its exporters.
    pub(crate) fn lanes(&self) -> &[Arc<Lane>] {
        &self.running.current.lanes
    }
    pub(crate) fn stages(&self) -> Vec<Stage> {
        self.running.current.lanes.iter().map(|lane| *lane.stage.borrow()).collect()
    }
    /// Stops within a deadline and checks that nothing got lost uncounted.
    pub(crate) async fn shutdown(self, deadline: Duration) -> EngineSettings {
        let House { settings, entrance, running } = self;
        running.shutdown(deadline).await;
        drop(entrance);
        let mut text = String::new();
        crate::exposition::write(&settings.telemetry.families(), &mut text);
        if let Err(wrong) = chaperone_testkit::conservation::check(&text) {
            panic!("{}\n{text}", wrong.join("\n"));
        }
        settings
    }
}

/// So many log records, numbered in their bodies.
pub(crate) fn logs(items: usize) -> Data {
    Data::Logs(records(items, 1_000_000_000))
}

pub(crate) fn records(items: usize, time_ns: u64) -> Logs {
    let mut builder = LogsBuilder::new(&[], "tests");
    for number in 0..items {
        builder.record(time_ns).body(&format!("record {number}"));
    }
    builder.finish()
}

/// A serialized request; `salt` makes it differ from others.
pub(crate) fn payload(items: usize, salt: &str) -> Payload {
    let mut builder = LogsBuilder::new(&[("salt", salt.into())], "tests");
    for number in 0..items {
        builder.record(1_000_000_000).body(&format!("record {number}"));
    }
    Payload {
        signal: Signal::Logs,
        encoding: crate::Encoding::Protobuf,
        body: builder.finish().encode().concat().into(),
        transport: "http",
        client: None,
    }
}

/// A task of a test: the engine's own tasks belong to the engine.
#[expect(clippy::disallowed_methods, reason = "a client that goes its own way")]
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}
