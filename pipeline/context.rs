//! What a factory is given.

use crate::{Clock, Telemetry};
use chaperone_config::ComponentId;
use std::any::Any;
use std::sync::Arc;

/// Settings that a factory cannot accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Lower case, no full stop.
    pub message: String,
    /// Path below the component's settings, may be empty.
    pub path: String,
}

impl ConfigError {
    /// An error of the component as a whole.
    pub fn new(message: impl Into<String>) -> ConfigError {
        ConfigError { message: message.into(), path: String::new() }
    }
    /// An error of one setting.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError { message: message.into(), path: path.into() }
    }
}

/// What a factory is given beside the settings.
#[derive(Clone)]
pub struct BuildContext {
    pub(crate) id: ComponentId,
    pub(crate) clock: Clock,
    pub(crate) telemetry: Telemetry,
    pub(crate) hash_key: [u8; 32],
    pub(crate) shared: crate::engine::SharedState,
}

impl BuildContext {
    /// A context of its own, for unit tests of components.
    pub fn for_tests(_id: &str, _clock: Clock) -> BuildContext {
        todo!()
    }
    /// Id of the component being built.
    pub fn id(&self) -> &ComponentId {
        &self.id
    }
    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
    /// Own metrics.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
    /// Key of digests and pseudonyms (contracts, section 1).
    pub fn hash_key(&self) -> &[u8; 32] {
        &self.hash_key
    }
    /// State shared by all instances with this id across pipelines and signals; outlives reloads.
    pub fn shared<T: Any + Send + Sync>(&self, _init: impl FnOnce() -> T) -> Arc<T> {
        todo!()
    }
}
