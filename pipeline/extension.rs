//! Extensions: what runs beside the flow, such as health answers, pages about the collector, and stores for state.
//!
//! They start before everything else and stop after it. In between they hear twice from the engine: when every receiver
//! listens, and when the collector begins to stop. Left out: data; no batch ever passes an extension.

use crate::engine::instance::Instance;
use crate::{BoxFuture, BuildContext, ConfigError, Host, Kind, Meta, StartError, Storage};
use chaperone_config::{ComponentId, UserConfig};
use std::sync::Arc;

/// Declares an extension.
pub trait ExtensionFactory: 'static {
    /// What the user writes.
    type Config: UserConfig;
    /// Name, summary, whether it stores.
    const META: Meta;
    /// Must not do I/O.
    fn build(config: Self::Config, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError>;
}

/// A running extension.
pub trait Extension: Send + Sync {
    /// Opens what it needs. Stores start first, then the others, then the pipelines.
    fn start<'a>(&'a self, _host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async { Ok(()) })
    }
    /// Every receiver listens. After a reload only new instances hear it again.
    fn ready(&self) {}
    /// The collector was asked to stop: it still works on what it has, and takes no more.
    fn not_ready(&self) {}
    /// Closes; everything else has stopped before.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// The store of one component, which nobody else writes to; `None` when this extension stores nothing.
    ///
    /// May read files: called from `start` of the component, once for each of its instances.
    fn store_of(&self, _owner: &Owner) -> Option<Result<Arc<dyn Storage>, StartError>> {
        None
    }
}

/// Whose state a store keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// Section of the component.
    pub kind: Kind,
    /// Its id.
    pub id: ComponentId,
}

/// A built extension.
#[derive(Clone)]
pub(crate) struct ExtensionInstance {
    // Shared with the services of all hosts, which ask it for stores, and with the graphs before and after a reload.
    pub instance: Arc<Instance<dyn Extension>>,
    /// Whether it stores: such extensions start first.
    pub stores: bool,
}

/// The extensions of `service::extensions`, as components that are being built see them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Id as the user wrote it, and whether it stores.
    pub extensions: Vec<(String, bool)>,
}

/// The Collector's words for a `storage` that names nothing.
pub(crate) const NO_STORE: &str = "no storage client extension found";
/// The Collector's words for a `storage` that names another kind of extension.
pub(crate) const NOT_A_STORE: &str = "requested extension is not a storage extension";

impl Known {
    /// Whether `storage: <id>` leads to a store.
    pub(crate) fn check_storage(&self, id: &str) -> Result<(), String> {
        match self.extensions.iter().find(|(known, _)| known == id) {
            Some((_, true)) => Ok(()),
            Some((_, false)) => Err(format!("{NOT_A_STORE}: `{id}`")),
            None => Err(format!("{NO_STORE}: `{id}` is not among `service::extensions`")),
        }
    }
}
