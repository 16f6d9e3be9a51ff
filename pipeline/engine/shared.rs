//! State that all instances of one component id share and that outlives reloads.

use crate::StatusBoard;
use chaperone_config::ComponentId;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Kept = HashMap<(ComponentId, TypeId), Arc<dyn Any + Send + Sync>>;

/// State keyed by (component id, type) that outlives reloads.
#[derive(Clone, Default)]
pub struct SharedState {
    // Shared by the graphs before and after a reload.
    kept: Arc<Mutex<Kept>>,
    status: StatusBoard,
    /// Numbers of queues, never given twice: rooms reserved in a queue go by its number.
    queues: Arc<AtomicU32>,
}

impl SharedState {
    /// The number of a new queue.
    pub(crate) fn next_queue(&self) -> u32 {
        self.queues.fetch_add(1, Ordering::Relaxed)
    }
    /// Forgets the state of a component that is gone.
    pub(crate) fn forget(&self, id: &ComponentId) {
        self.lock().retain(|(of, _), _| of != id);
    }
    /// How every component is.
    pub fn status(&self) -> &StatusBoard {
        &self.status
    }
    /// The state of this id and type; made by `init` for whoever asks first.
    pub(crate) fn get_or_init<T: Any + Send + Sync>(&self, id: &ComponentId, init: impl FnOnce() -> T) -> Arc<T> {
        let key = (id.clone(), TypeId::of::<T>());
        let found = self.lock().get(&key).cloned();
        // `init` runs without the lock: it may ask for shared state of another type.
        let state = found.unwrap_or_else(|| {
            let made: Arc<dyn Any + Send + Sync> = Arc::new(init());
            Arc::clone(self.lock().entry(key).or_insert(made))
        });
        state.downcast::<T>().expect("invariant: the key holds the type")
    }
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
