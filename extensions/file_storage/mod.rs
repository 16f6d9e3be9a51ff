//! `file_storage`: keeps the state of components in files, one a component, so that it survives the process.
//!
//! A file is a log of checked records that is compacted as it grows. No SQL store behind it: what components keep is read
//! once at the start and written in small batches, and a build without the `sqlite` feature has to keep it too.

mod config;
mod log;
mod names;
mod store;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_pipeline::{
    BoxFuture, BuildContext, ConfigError, Extension, ExtensionFactory, Host, Meta, Owner, Stability, StartError, Storage,
};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use store::{Store, StoreSettings};

/// How often a start looks whether a file is free.
const TURN: Duration = Duration::from_millis(10);

/// Open stores by file. Outlives a reload, so that a component's new instance writes to the store of the old one.
type OpenStores = Mutex<HashMap<PathBuf, Weak<Store>>>;

/// The extension.
pub struct FileStorage {
    config: Config,
    // Shared by the instances of this id before and after a reload.
    stores: Arc<OpenStores>,
    /// The stores that were asked for: open as long as the extension lives.
    kept: Mutex<Vec<Arc<Store>>>,
}

impl ExtensionFactory for FileStorage {
    type Config = Config;
    const META: Meta = Meta::extension("file_storage", "Keeps the state of components in files")
        .stability(Stability::Alpha)
        .stores()
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError> {
        let stores = ctx.shared(OpenStores::default);
        Ok(Arc::new(FileStorage { config, stores, kept: Mutex::default() }))
    }
}

impl Extension for FileStorage {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        let config = self.config.clone();
        Box::pin(async move { host.blocking(move || prepare(&config)).await })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        for store in self.kept.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Err(error) = store.sync() {
                tracing::warn!(%error, "a store could not be written to the disk at the stop");
            }
        }
        Box::pin(async {})
    }

    fn store_of(&self, owner: &Owner) -> Option<Result<Arc<dyn Storage>, StartError>> {
        Some(self.open(owner).map(|store| store as Arc<dyn Storage>))
    }
}

impl FileStorage {
    fn open(&self, owner: &Owner) -> Result<Arc<Store>, StartError> {
        let path = Path::new(&self.config.directory).join(names::file_name(owner));
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = stores.get(&path).and_then(Weak::upgrade) {
            self.keep(&open);
            return Ok(open);
        }
        let lock = lock(&path, self.config.timeout.get())?;
        let settings = StoreSettings {
            fsync: self.config.fsync,
            compact_on_start: self.config.compaction.on_start,
            recreate: self.config.recreate,
            max_size: self.config.max_size.get() as u64,
        };
        let store = Store::open(&path, lock, settings);
        let store = Arc::new(store.map_err(|error| StartError::caused_by("cannot open the store", error))?);
        stores.insert(path, Arc::downgrade(&store));
        self.keep(&store);
        Ok(store)
    }

    fn keep(&self, store: &Arc<Store>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.iter().any(|known| Arc::ptr_eq(known, store)) {
            kept.push(Arc::clone(store));
        }
    }
}

/// The folder is there, and files can be made in it.
fn prepare(config: &Config) -> Result<(), StartError> {
    let directory = Path::new(&config.directory);
    if config.create_directory && !directory.exists() {
        make(directory, config.mode().unwrap_or(0o750))
            .map_err(|error| StartError::caused_by(format!("cannot make the directory `{}`", config.directory), error))?;
    }
    if !directory.exists() {
        return Err(StartError::new(config::missing(&config.directory)));
    }
    let probe = directory.join(".writable");
    let written = File::create(&probe).and_then(|_| std::fs::remove_file(&probe));
    written.map_err(|error| StartError::caused_by(format!("cannot write into the directory `{}`", config.directory), error))
}

#[cfg(unix)]
fn make(directory: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(directory)
}

#[cfg(not(unix))]
fn make(directory: &Path, _mode: u32) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)
}

/// The lock file of a store, locked: it goes with the process, however that ends.
fn lock(path: &Path, patience: Duration) -> Result<File, StartError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = path.with_file_name(name);
    let failed = |error: std::io::Error| StartError::caused_by(format!("cannot lock `{}`", path.display()), error);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if waited < patience => {
                std::thread::sleep(TURN);
                waited += TURN;
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process keeps its state here: `{}` is locked", path.display());
                return Err(StartError::new(message));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}
