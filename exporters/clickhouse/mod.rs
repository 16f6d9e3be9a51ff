//! `exporters.clickhouse`: spans in the Collector's own table, and agent data in typed tables beside it.
//!
//! A delivery becomes blocks, each of one table and one partition, and each block one INSERT with a token made from the
//! sealed batch: a repeated delivery is stored once, in the tables and in what their views write.
//! The surprise: the HTTP interface is used with ready-made `Native` blocks, not the native protocol.

mod blocks;
mod config;
mod errors;
mod native;
mod spans;
mod tables;
#[cfg(test)]
mod tests;

pub use config::Config;

use blocks::{Limits, Prepared, prepare};
use chaperone_net::tls::HTTP1;
use chaperone_net::{Connector, Proxy, Route, TlsClient};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Host,
    Meta, Signals, Stability, StartError,
};
use chaperone_store::clickhouse::{Names, quoted};
use clickhouse::{Client, Compression};
use config::Compress;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tables::Tables;

/// Idle connections are closed before the server does it, which by default is after three seconds.
const IDLE: Duration = Duration::from_secs(2);
/// A block is handed to the connection in pieces of this size, each compressed by itself.
const PIECE: usize = 1 << 20;

/// The factory.
pub struct ClickHouse;

impl ExporterFactory for ClickHouse {
    type Config = Config;
    const META: Meta = Meta::exporter(
        "clickhouse",
        "Stores spans and agent data in ClickHouse, each batch exactly once.",
        Signals::RECORDS,
        Front { queue: true, retry: true, timeout_ms: 30_000, flush_ms: 1_000 },
    )
    .stability(Stability::Alpha)
    .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        let compression = match config.compress {
            Compress::Lz4 => Compression::Lz4,
            Compress::None => Compression::None,
        };
        let connector = Connector::new(TlsClient::new(config.tls.clone(), HTTP1), Route::Proxy(Proxy::of_environment()));
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        let mut client = Client::with_http_client(http)
            .with_url(&config.endpoint)
            .with_compression(compression)
            .with_product_info("chaperone", env!("CARGO_PKG_VERSION"));
        if !config.username.is_empty() {
            client = client.with_user(&config.username).with_password(config.password.expose());
        }
        Ok(Arc::new(Instance {
            config,
            client,
            connector,
            host: OnceLock::new(),
            tables: Mutex::default(),
            limits: Limits::default(),
        }))
    }
}

struct Instance {
    config: Config,
    client: Client,
    connector: Connector,
    host: OnceLock<Host>,
    /// Read at start, or at the first delivery when the server was not there then; forgotten when the server says they changed.
    // Shared with the thread that fills blocks.
    tables: Mutex<Option<Arc<Tables>>>,
    limits: Limits,
}

impl Instance {
    fn names(&self) -> Names<'_> {
        Names { database: &self.config.database, traces_table: &self.config.traces_table_name, ttl: self.config.ttl.get() }
    }

    async fn tables(&self) -> clickhouse::error::Result<Arc<Tables>> {
        let known = self.known().clone();
        if let Some(tables) = known {
            return Ok(tables);
        }
        // Two deliveries may read at the same time; they read the same.
        let tables = Arc::new(Tables::read(&self.client, &self.names()).await?);
        *self.known() = Some(Arc::clone(&tables));
        Ok(tables)
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Tables>>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn prepare_server(&self) -> clickhouse::error::Result<()> {
        if self.config.create_schema {
            Tables::create(&self.client, &self.names()).await?;
        }
        self.tables().await?;
        let reasons = tables::not_exactly_once(&self.client, &self.names()).await?;
        if reasons.is_empty() {
            tracing::info!("exactly once: yes");
        } else {
            tracing::warn!(reasons = reasons.join("; "), "exactly once: no");
        }
        Ok(())
    }

    async fn insert(&self, block: Prepared, tables: &Tables, batch_id: u128) -> Result<(), ExportError> {
        let table = block.table.name(&self.names());
        let columns: Vec<String> = block.columns.iter().map(|name| quoted(name)).collect();
        let into = format!("{}.{}", quoted(&self.config.database), quoted(&table));
        let mut insert = self
            .client
            .insert_formatted_with(format!("INSERT INTO {into} ({}) FORMAT Native", columns.join(", ")))
            .with_setting("insert_deduplication_token", token(batch_id, &table, &block));
        for (name, value) in &tables.settings {
            insert = insert.with_setting(*name, *value);
        }
        tracing::debug!(table, rows = block.rows, bytes = block.bytes.len(), "inserting a block");
        let bytes = block.bytes;
        let sent = async {
            for start in (0..bytes.len()).step_by(PIECE) {
                insert.send(bytes.slice(start..bytes.len().min(start + PIECE))).await?;
            }
            insert.end().await
        };
        sent.await.map_err(|error| {
            if errors::tables_changed(&error) {
                *self.known() = None;
            }
            errors::export_error(&table, error)
        })
    }
}

/// Equal for every attempt to deliver this block, different for any other block.
fn token(batch_id: u128, table: &str, block: &Prepared) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&batch_id.to_le_bytes());
    hasher.update(&block.day.to_le_bytes());
    hasher.update(&block.number.to_le_bytes());
    hasher.update(table.as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

impl Exporter for Instance {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            if self.host.set(host.clone()).is_err() {
                return Err(StartError::new("started twice"));
            }
            let prepared = self.connector.prepare(self.config.endpoint.starts_with("https://")).await;
            prepared.map_err(|error| StartError::caused_by("failed to load TLS config", error))?;
            let at = format!("{}, database {}", self.config.endpoint, self.config.database);
            match self.prepare_server().await {
                Ok(()) => host.announce(&format!("storing in ClickHouse at {at}")),
                Err(error) if self.config.create_schema => {
                    return Err(StartError::caused_by(format!("cannot make the tables in ClickHouse at {at}"), error));
                }
                Err(error) => tracing::warn!(%error, "ClickHouse at {at} is not ready, will look again with the first delivery"),
            }
            Ok(())
        })
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let host = self.host.get().ok_or_else(|| ExportError::retryable("not started"))?;
            let tables = self.tables().await.map_err(|error| errors::export_error("system.columns", error))?;
            // Filling blocks is work for a processor core, not for the thread that waits for sockets. Clones share the bytes.
            let (owned, limits, read) = (chunks.to_vec(), self.limits, Arc::clone(&tables));
            let delivery = host.blocking(move || prepare(&owned, &read, limits)).await;
            for block in delivery.blocks {
                self.insert(block, &tables, cx.batch_id).await?;
            }
            Ok(Exported { rejected: delivery.rejected, message: delivery.message })
        })
    }
}
