//! Builds the graph of a document, starts it, runs requests through it, stops it.

pub(crate) mod accounted;
mod shared;

pub use shared::SharedState;

use crate::{Clock, Registry, StartError, Telemetry};
use chaperone_config::{ComponentId, Document, PipelineId, Problems};
use chaperone_proto::Data;
use std::time::Duration;

/// What the engine is given beside the document.
#[derive(Clone)]
pub struct EngineSettings {
    /// System or manual.
    pub clock: Clock,
    /// Registry of own metrics.
    pub telemetry: Telemetry,
    /// Key of digests and pseudonyms.
    pub hash_key: [u8; 32],
    /// Where components without a `storage` setting keep state: memory.
    pub storage: std::sync::Arc<dyn crate::Storage>,
    /// State that outlives reloads.
    pub shared: SharedState,
}

/// A built graph, not yet started.
pub struct Graph {}

impl Graph {
    /// Reads every component's settings, checks the wiring, builds instances. All problems at once.
    pub fn build(_document: &Document, _registry: &Registry, _settings: EngineSettings) -> Result<Graph, Problems> {
        todo!()
    }
    /// Starts exporters, connectors, processors, then receivers. On an error what was started is stopped again.
    pub async fn start(self) -> Result<Running, StartError> {
        todo!()
    }
}

/// A running collector.
pub struct Running {}

impl Running {
    /// Receivers stop accepting, batches in flight finish, held data drain, queues empty within `deadline`.
    pub async fn shutdown(self, _deadline: Duration) {
        todo!()
    }
}

/// Recorded OTLP through the same graph: exporters replaced by a sink, one worker, time from the data.
pub struct Replay {}

impl Replay {
    /// Builds the graph for replay. `settings.clock` must be manual.
    pub fn build(
        _document: &Document,
        _registry: &Registry,
        _settings: EngineSettings,
        _sink: impl FnMut(&PipelineId, &ComponentId, &Data) + Send + 'static,
    ) -> Result<Replay, Problems> {
        todo!()
    }
    /// One recorded request into every pipeline of its signal that has a receiver which is neither a connector nor
    /// `own_events`; then a tick.
    pub fn feed(&mut self, _data: Data) -> crate::Outcome {
        todo!()
    }
    /// Advances time until nothing is open, then drains.
    pub fn finish(&mut self) {
        todo!()
    }
}
