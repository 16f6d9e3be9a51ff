//! Builds the graph of a document, starts it, runs requests through it, stops it.
//!
//! Start: exporters, connectors and processors, queues, tickers, receivers. Stop is the other way round: receivers, what
//! is under way, held data, queues, exporters. `replay` runs the same graph with sinks, without any task.

pub(crate) mod accounted;
pub(crate) mod admission;
pub(crate) mod bond;
pub(crate) mod chance;
mod count;
mod count_json;
pub(crate) mod counters;
mod deadline;
mod digest;
pub(crate) mod door;
mod door_counters;
pub(crate) mod flow;
pub(crate) mod in_flight;
pub(crate) mod instance;
mod leaving;
mod opening;
mod process_figures;
mod reload;
mod replay;
mod reports;
mod retransmission;
mod room;
mod running;
mod shared;
mod tick;

pub use deadline::Hurry;
pub use reload::{ReloadError, Reloaded};
pub use replay::Replay;
pub use running::Running;
pub use shared::SharedState;

use crate::graph::{self, Assembled, Purpose};
use crate::{Clock, Registry, StartError, Telemetry};
use chaperone_config::{Document, Problems};

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
pub struct Graph {
    assembled: Assembled,
    settings: EngineSettings,
    warnings: Problems,
}

impl Graph {
    /// Reads every component's settings, checks the wiring, builds instances. All problems at once.
    pub fn build(document: &Document, registry: &Registry, settings: EngineSettings) -> Result<Graph, Problems> {
        let mut problems = Problems::new();
        let assembled = build(document, registry, &settings, Purpose::Run(None), &mut problems);
        match assembled {
            Some(assembled) => Ok(Graph { assembled, settings, warnings: problems }),
            None => Err(problems),
        }
    }
    /// Reads every component's settings and nothing more: for a document that has errors of its own, so that all are reported.
    pub fn check_settings(document: &Document, registry: &Registry) -> Problems {
        let mut problems = Problems::new();
        graph::check_settings(document, registry, &mut problems);
        problems
    }
    /// The settings of all components as they are in force, by section and id. Problems are added.
    pub fn effective(
        document: &Document,
        registry: &Registry,
        show_secrets: bool,
        problems: &mut Problems,
    ) -> serde_json::Map<String, serde_json::Value> {
        graph::effective(document, registry, show_secrets, problems)
    }
    /// What is odd about a document that can be run: components that no pipeline uses, settings that warn.
    pub fn warnings(&self) -> &Problems {
        &self.warnings
    }
    /// Starts exporters, connectors, processors, then receivers. On an error what was started is stopped again.
    pub async fn start(self) -> Result<Running, StartError> {
        running::start(self.assembled, &self.settings).await
    }
}

fn build(
    document: &Document,
    registry: &Registry,
    settings: &EngineSettings,
    purpose: Purpose<'_>,
    problems: &mut Problems,
) -> Option<Assembled> {
    let parts = graph::check(document, registry, problems);
    if problems.has_errors() {
        return None;
    }
    graph::assemble(document, &parts, settings, purpose, problems)
}

#[cfg(test)]
pub(crate) mod tests;
