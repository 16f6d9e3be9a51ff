//! Extensions for tests of the engine: one that writes down what it hears, one that stores.

use super::components::Nothing;
use crate::registry::Entry;
use crate::{
    BoxFuture, BuildContext, ConfigError, Extension, ExtensionFactory, Host, MemoryStorage, Meta, Owner, StartError, Storage,
};
use chaperone_config::UserConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

pub(crate) static EXTENSIONS: &[Entry<dyn Extension>] =
    &[Entry::<dyn Extension>::of::<Diary>(), Entry::<dyn Extension>::of::<Shelf>()];

/// What happened to all extensions and components of a graph, in order.
pub(crate) type Heard = Mutex<Vec<String>>;

/// Writes down what the engine tells it.
struct Diary {
    id: String,
    config: DiaryConfig,
    heard: Arc<Heard>,
}
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DiaryConfig {
    /// Whether its start fails.
    torn: bool,
}
impl UserConfig for DiaryConfig {}
impl ExtensionFactory for Diary {
    type Config = DiaryConfig;
    const META: Meta = Meta::extension("diary", "Writes down what it hears.").aliases(&["journal"]);
    fn build(config: DiaryConfig, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError> {
        // All of them write into one book.
        let heard = ctx.with_id(&super::id("diary")).shared(Heard::default);
        Ok(Arc::new(Diary { id: ctx.id().to_string(), config, heard }))
    }
}
impl Diary {
    fn write(&self, what: &str) {
        self.heard.lock().unwrap().push(format!("{} {what}", self.id));
    }
}
impl Extension for Diary {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        self.write("start");
        let torn = self.config.torn;
        Box::pin(async move { if torn { Err(StartError::new("it is torn")) } else { Ok(()) } })
    }
    fn ready(&self) {
        self.write("ready");
    }
    fn not_ready(&self) {
        self.write("not ready");
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        self.write("stop");
        Box::pin(async {})
    }
}

/// Keeps values in memory, a store an owner, and writes into the diary who asked.
struct Shelf {
    heard: Arc<Heard>,
}
impl ExtensionFactory for Shelf {
    type Config = Nothing;
    const META: Meta = Meta::extension("shelf", "Stores.").stores();
    fn build(_: Nothing, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError> {
        Ok(Arc::new(Shelf { heard: ctx.with_id(&super::id("diary")).shared(Heard::default) }))
    }
}
impl Extension for Shelf {
    fn start<'a>(&'a self, _: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        self.heard.lock().unwrap().push("shelf start".to_owned());
        Box::pin(async { Ok(()) })
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        self.heard.lock().unwrap().push("shelf stop".to_owned());
        Box::pin(async {})
    }
    fn store_of(&self, owner: &Owner) -> Option<Result<Arc<dyn Storage>, StartError>> {
        self.heard.lock().unwrap().push(format!("shelf for {} {}", owner.kind.word(), owner.id));
        Some(Ok(Arc::new(MemoryStorage::default())))
    }
}
