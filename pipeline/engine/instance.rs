//! A built component with what the engine holds of it while it lives.
//!
//! A reload builds only what has changed: the graphs before and after it share the other instances, with their state,
//! their sockets and their queues. What decides is the recipe: type, and settings with defaults filled in.

use crate::engine::bond::Bond;
use crate::engine::counters::Place;
use crate::front::FrontSettings;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// A component at its place.
pub(crate) struct Instance<C: ?Sized> {
    pub place: Place,
    pub recipe: Recipe,
    // Shared with the lanes of an exporter and with tasks that start and stop the component.
    pub component: Arc<C>,
    pub bond: Bond,
    /// Of processors and connectors.
    pub pulse: Pulse,
}

/// What a component was built from: equal recipes build equal components.
///
/// Holds secrets as they are, and is never written anywhere.
#[derive(Clone, PartialEq)]
pub(crate) struct Recipe {
    /// Its type, whatever alias the user wrote.
    pub kind: &'static str,
    /// Defaults filled in. None when they cannot be written down: then nothing is known to be equal.
    pub settings: Option<Value>,
    /// Of exporters: what stands before them.
    pub front: Option<FrontSettings>,
}

impl Recipe {
    /// Whether both make the same component.
    pub(crate) fn is_same(&self, other: &Recipe) -> bool {
        self.settings.is_some() && self == other
    }
    /// Whether a setting is this text: that is how components name extensions.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        fn within(value: &Value, text: &str) -> bool {
            match value {
                Value::String(found) => found == text,
                Value::Array(items) => items.iter().any(|item| within(item, text)),
                Value::Object(fields) => fields.values().any(|field| within(field, text)),
                _ => false,
            }
        }
        self.settings.as_ref().is_some_and(|settings| within(settings, text))
    }
}

/// When a component is called again. Goes with the instance from graph to graph.
#[derive(Default)]
pub(crate) struct Pulse {
    due: Mutex<Due>,
    /// Whether the next batch shall wake the ticker.
    asleep: AtomicBool,
    pub woken: Notify,
}

/// The next call of `tick`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Due {
    /// It was never called.
    #[default]
    New,
    At(Instant),
    /// Nothing is open: after the next batch.
    AfterABatch,
}

impl Pulse {
    pub(crate) fn due(&self) -> Due {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn set_due(&self, due: Due) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }
    /// Batches that come from now on wake the ticker, or do not.
    pub(crate) fn listen(&self, listen: bool) {
        self.asleep.store(listen, Ordering::Release);
    }
    /// A batch came.
    pub(crate) fn wake(&self) {
        if self.asleep.swap(false, Ordering::AcqRel) {
            self.woken.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recipe(settings: Option<Value>) -> Recipe {
        Recipe { kind: "otlp", settings, front: None }
    }

    #[test]
    fn equal_settings_make_the_same_and_unknown_ones_never_do() {
        let one = recipe(Some(json!({"a": 1, "b": [true]})));
        assert!(one.is_same(&recipe(Some(json!({"b": [true], "a": 1})))));
        assert!(!one.is_same(&recipe(Some(json!({"a": 1, "b": [false]})))));
        assert!(!one.is_same(&Recipe { kind: "file", ..one.clone() }));
        assert!(!recipe(None).is_same(&recipe(None)));
    }

    #[test]
    fn an_extension_is_mentioned_wherever_its_id_is_a_setting() {
        let one = recipe(Some(json!({"storage": null, "deep": [{"auth": "file_storage/a"}], "file_storage/b": 1})));
        assert!(one.mentions("file_storage/a"));
        assert!(!one.mentions("file_storage"));
        assert!(!one.mentions("file_storage/b"), "a key is no reference");
    }
}
