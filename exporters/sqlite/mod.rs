//! `exporters.sqlite`: agent data in one file, for a person with a laptop and for small installations.
//!
//! Keeps what agents did (runs, calls of models and tools, findings, alerts, deliveries), not raw spans.
//! Rows are keyed by record, so data sent twice are stored once.
//! The surprise: records that are no agent data are accepted and give no row; they are not counted as rejected.

mod config;
mod database;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Host,
    Meta, Signals, Stability, StartError,
};
use database::{Database, DatabaseError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The factory.
pub struct Sqlite;

impl ExporterFactory for Sqlite {
    type Config = Config;
    const META: Meta = Meta::exporter(
        "sqlite",
        "Stores runs, calls, findings and alerts in one SQLite file.",
        Signals::RECORDS,
        Front { queue: true, retry: true, timeout_ms: 30_000, flush_ms: 100 },
    )
    .stability(Stability::Alpha)
    .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(Instance { config, open: OnceLock::new() }))
    }
}

struct Instance {
    config: Config,
    open: OnceLock<Open>,
}

struct Open {
    host: Host,
    // Shared by deliveries; the lock makes them one writer, which is all that SQLite has.
    database: Arc<Mutex<Database>>,
}

impl Exporter for Instance {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let Config { path, busy_timeout } = self.config.clone();
            let opened = host.blocking(move || Database::open(&path, busy_timeout.get())).await;
            let database = opened.map_err(|error| StartError::caused_by("the SQLite store cannot be opened", error))?;
            let open = Open { host: host.clone(), database: Arc::new(Mutex::new(database)) };
            if self.open.set(open).is_err() {
                return Err(StartError::new("started twice"));
            }
            host.announce(&format!("storing agent data in {}", self.config.path));
            Ok(())
        })
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let open = self.open.get().ok_or_else(|| ExportError::retryable("not started"))?;
            let database = Arc::clone(&open.database);
            // Clones share the bytes.
            let chunks = chunks.to_vec();
            open.host.blocking(move || store(&database, &chunks)).await
        })
    }
}

fn store(database: &Mutex<Database>, chunks: &[Chunk]) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    let mut batches = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        match chunk.decode() {
            Ok(data) => batches.push(data),
            Err(error) => {
                exported.rejected += chunk.items;
                exported.message = Some(error.to_string());
            }
        }
    }
    // A panic while the lock was held left a transaction that SQLite rolls back: the connection is sound.
    let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
    database.store(&batches).map(|_| exported).map_err(failed)
}

fn failed(error: DatabaseError) -> ExportError {
    let message = "the SQLite store refused the rows".to_owned();
    if error.is_passing() {
        ExportError::Retryable { message, after: None, source: Some(error.into()) }
    } else {
        ExportError::Permanent { message, source: Some(error.into()) }
    }
}
