//! What ties a started component to the engine: how it hears that it is to stop, its tasks, and what it leaves behind.
//!
//! A component that a reload replaces leaves things to its successor that cannot be had twice: a bound socket, a locked
//! file. They are asked for by type and name, and only those of components that are being replaced are given.

use std::any::Any;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The engine's end: one for each started component.
#[derive(Default)]
pub(crate) struct Bond {
    stopping: watch::Sender<bool>,
    // Shared with the component's host.
    own: Arc<Own>,
}

/// What belongs to one component, and is kept for it.
#[derive(Default)]
pub(crate) struct Own {
    tasks: Mutex<JoinSet<()>>,
    leaving: AtomicBool,
}

impl Bond {
    /// The component's end.
    pub(crate) fn tie(&self) -> (watch::Receiver<bool>, Arc<Own>) {
        (self.stopping.subscribe(), Arc::clone(&self.own))
    }
    /// Whether a successor is about to take over what this component holds.
    pub(crate) fn set_leaving(&self, leaving: bool) {
        self.own.leaving.store(leaving, Ordering::Release);
    }
    /// Tells the component that it is to stop.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }
    /// Ends the component's tasks.
    pub(crate) async fn end_tasks(&self) {
        let mut tasks = std::mem::take(&mut *self.own.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

impl Own {
    /// Runs a task of this component.
    pub(crate) fn spawn(&self, runtime: &Handle, future: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a task of a component panicked");
            }
        }
        tasks.spawn_on(future, runtime);
    }
}

/// Things that components hold and leave to their successors.
#[derive(Default)]
pub(crate) struct Estate {
    left: Mutex<Vec<Heirloom>>,
}

struct Heirloom {
    name: String,
    // The component keeps it alive; when that is gone, so is this.
    thing: Weak<dyn Any + Send + Sync>,
    owner: Weak<Own>,
}

impl Estate {
    /// Writes down what a component holds.
    pub(crate) fn add<T: Any + Send + Sync>(&self, owner: &Arc<Own>, name: &str, thing: &Arc<T>) {
        let thing: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(thing);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|one| one.thing.strong_count() > 0);
        left.push(Heirloom { name: name.to_owned(), thing: Arc::downgrade(&thing), owner: Arc::downgrade(owner) });
    }
    /// What a component that is being replaced holds under a name.
    pub(crate) fn find<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let is_leaving = |one: &&Heirloom| one.owner.upgrade().is_some_and(|owner| owner.leaving.load(Ordering::Acquire));
        let of_name = left.iter().filter(|one| one.name == name).filter(is_leaving);
        of_name.filter_map(|one| one.thing.upgrade()?.downcast::<T>().ok()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_leaving_component_holds_is_given_to_others() {
        let (estate, bond) = (Estate::default(), Bond::default());
        let (_, own) = bond.tie();
        let socket = Arc::new(7_u32);
        estate.add(&own, "socket", &socket);
        assert_eq!(estate.find::<u32>("socket"), None, "its owner stays");
        bond.set_leaving(true);
        assert!(Arc::ptr_eq(&estate.find::<u32>("socket").unwrap(), &socket));
        assert_eq!(estate.find::<u32>("other"), None);
        assert_eq!(estate.find::<u64>("socket"), None, "another type is another thing");
        bond.set_leaving(false);
        assert_eq!(estate.find::<u32>("socket"), None, "the reload was undone");
    }

    #[test]
    fn what_is_gone_is_not_given() {
        let (estate, bond) = (Estate::default(), Bond::default());
        let (_, own) = bond.tie();
        estate.add(&own, "socket", &Arc::new(7_u32));
        bond.set_leaving(true);
        assert_eq!(estate.find::<u32>("socket"), None);
        estate.add(&own, "other", &Arc::new(8_u32));
        assert_eq!(estate.left.lock().unwrap().len(), 1, "nothing heaps up");
    }
}
