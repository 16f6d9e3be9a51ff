//! What a factory is given.

use crate::{Clock, Signals, Telemetry};
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
    pub(crate) signals: Signals,
    pub(crate) clock: Clock,
    pub(crate) telemetry: Telemetry,
    pub(crate) hash_key: [u8; 32],
    pub(crate) shared: crate::engine::SharedState,
    pub(crate) known: Arc<crate::extension::Known>,
}

impl BuildContext {
    /// A context of its own, for unit tests of components.
    ///
    /// Panics when `id` is not one.
    pub fn for_tests(id: &str, clock: Clock) -> BuildContext {
        let (kind, name) = match id.split_once('/') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (id, None),
        };
        assert!(!kind.is_empty(), "invariant: a test names its component");
        BuildContext {
            id: ComponentId { kind: kind.to_owned(), name },
            signals: Signals::ALL,
            clock,
            telemetry: Telemetry::default(),
            hash_key: [7; 32],
            shared: crate::engine::SharedState::default(),
            known: Arc::default(),
        }
    }
    /// The same with everything but the id: a second instance in a test, which shares state if the id is equal.
    pub fn with_id(&self, id: &ComponentId) -> BuildContext {
        BuildContext { id: id.clone(), ..self.clone() }
    }
    /// The same for other signals, for tests: a processor stands in a pipeline of one.
    pub fn with_signals(&self, signals: Signals) -> BuildContext {
        BuildContext { signals, ..self.clone() }
    }
    /// Signals of the pipelines in which the component stands: of a processor the one of its pipeline, of others all that
    /// name it when it is built.
    pub fn signals(&self) -> Signals {
        self.signals
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
    /// Whether `storage: <id>` leads to an extension that stores: so that a wrong one is refused before anything starts.
    pub fn check_storage(&self, id: Option<&str>) -> Result<(), ConfigError> {
        let checked = id.map_or(Ok(()), |id| self.known.check_storage(id));
        checked.map_err(|message| ConfigError::at("storage", message))
    }
    /// State shared by all instances with this id across pipelines and signals; outlives reloads.
    pub fn shared<T: Any + Send + Sync>(&self, init: impl FnOnce() -> T) -> Arc<T> {
        self.shared.get_or_init(&self.id, init)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_one_id_share_state_of_a_type_and_others_do_not() {
        let first = BuildContext::for_tests("gen_ai_cost/a", Clock::manual(0));
        let same = first.clone();
        let other = first.with_id(&ComponentId { kind: "gen_ai_cost".into(), name: Some("b".into()) });
        assert!(Arc::ptr_eq(&first.shared(|| 1u32), &same.shared(|| 2u32)));
        assert_eq!(*other.shared(|| 3u32), 3);
        assert_eq!(*first.shared(|| 4u64), 4, "another type is other state");
    }

    #[test]
    fn state_survives_the_instances() {
        let first = BuildContext::for_tests("x", Clock::manual(0));
        first.shared(|| vec![1u8]);
        let later = BuildContext { telemetry: Telemetry::default(), ..first.clone() };
        drop(first);
        assert_eq!(*later.shared(Vec::<u8>::new), vec![1]);
    }
}
