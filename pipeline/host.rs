//! What a running component may ask of the engine.

use crate::{Clock, Storage, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Logs;
use std::future::Future;
use std::sync::Arc;

/// The engine, as a component's `start` sees it. Cheap to clone.
#[derive(Clone)]
pub struct Host {}

impl Host {
    /// A host of its own, for unit tests of components.
    pub fn for_tests(_clock: Clock, _storage: Arc<dyn Storage>) -> Host {
        todo!()
    }
    /// Id of the component that is being started.
    pub fn id(&self) -> &ComponentId {
        todo!()
    }
    /// Runs a future until the collector stops.
    pub fn spawn(&self, _future: impl Future<Output = ()> + Send + 'static) {
        todo!()
    }
    /// Runs blocking work on a thread of its own pool and waits for it.
    pub async fn blocking<T: Send + 'static>(&self, _work: impl FnOnce() -> T + Send + 'static) -> T {
        todo!()
    }
    /// Resolves when the collector is asked to stop.
    pub async fn stopping(&self) {
        todo!()
    }
    /// Puts records of our own (`chaperone.notification`, `chaperone.audit`) into the graph through `own_events`.
    pub fn report(&self, _logs: Logs) {
        todo!()
    }
    /// The clock.
    pub fn clock(&self) -> &Clock {
        todo!()
    }
    /// Own metrics.
    pub fn telemetry(&self) -> &Telemetry {
        todo!()
    }
    /// Where state is kept: the named extension's store, else the memory store of this process.
    pub fn storage(&self, _extension: Option<&str>) -> Arc<dyn Storage> {
        todo!()
    }
    /// Says on standard error, once, what this component does for its user: `listening on ...`, `storing in ...`.
    pub fn announce(&self, _what: &str) {
        todo!()
    }
    /// Accounted memory of the process in bytes: bodies, queues, component state.
    pub fn accounted_bytes(&self) -> usize {
        todo!()
    }
}
