//! The exporter as the collector builds it, with a database of its own.

use crate::json::Json;
use bytes::Bytes;
use chaperone_config::Node;
use chaperone_pipeline::{
    Batch, BuildContext, Chunk, Clock, ExportContext, ExportError, Exported, Exporter, ExporterEntry, Host, MemoryStorage, Now,
    StartError,
};
use chaperone_proto::{Data, Limits, Signal};
use chaperone_testkit::clickhouse::ClickHouse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An exporter and its database.
pub struct Store {
    pub database: String,
    pub exporter: Arc<dyn Exporter>,
    host: Host,
    batches: AtomicU64,
}

impl Store {
    /// Started, with tables that it made.
    pub async fn start() -> Store {
        let store = Store::build("");
        store.exporter.start(&store.host).await.expect("the exporter starts");
        store
    }

    /// Not started; `settings` are lines of YAML.
    pub fn build(settings: &str) -> Store {
        Store::at(&ClickHouse::shared().url(), settings)
    }

    /// The same at another server.
    pub fn at(url: &str, settings: &str) -> Store {
        chaperone_genai::keys::install();
        let database = ClickHouse::shared().fresh_database();
        let yaml = format!("endpoint: {url}\ndatabase: {database}\n{settings}");
        let clock = Clock::manual(1_767_225_600_000_000_000);
        let entry: &ExporterEntry =
            chaperone_exporters::ALL.iter().find(|entry| entry.meta.name == "clickhouse").expect("the exporter is in the list");
        let node = Node::parse(&yaml, "test.yaml").unwrap();
        let config = (entry.parse)(&node, "exporters.clickhouse").unwrap_or_else(|problems| panic!("{problems}"));
        let exporter = (entry.build)(config, &BuildContext::for_tests("clickhouse", clock.clone())).unwrap();
        let host = Host::for_tests(clock, Arc::new(MemoryStorage::default()));
        Store { database, exporter, host, batches: AtomicU64::new(0) }
    }

    pub async fn try_start(&self) -> Result<(), StartError> {
        self.exporter.start(&self.host).await
    }

    /// Delivers requests as one batch of its own.
    pub async fn deliver(&self, requests: &[Data]) -> Exported {
        let batch = self.batches.fetch_add(1, Ordering::Relaxed);
        self.try_deliver(requests, u128::from(batch)).await.expect("the delivery succeeds")
    }

    /// Delivers requests as the batch of this id.
    pub async fn try_deliver(&self, requests: &[Data], batch_id: u128) -> Result<Exported, ExportError> {
        let chunks: Vec<Chunk> = requests.iter().map(|data| Chunk::encode(&Batch::new(data.clone()))).collect();
        let cx = ExportContext { batch_id, attempt: 1, timeout: Duration::from_secs(30), now: Now::default() };
        self.exporter.export(&chunks, cx).await
    }

    /// Rows of a `SELECT`, sorted; `{db}` is the database.
    pub async fn rows(&self, select: &str) -> Vec<Json> {
        rows(&self.database, select).await
    }

    /// One number.
    pub async fn number(&self, select: &str) -> u64 {
        self.query(select).await.trim().parse().unwrap()
    }

    /// One statement.
    pub async fn query(&self, sql: &str) -> String {
        query(&self.database, sql).await
    }
}

/// One statement; `{db}` is the database.
pub async fn query(database: &str, sql: &str) -> String {
    ClickHouse::shared().query(&sql.replace("{db}", database)).await.unwrap()
}

/// Rows of a `SELECT`, sorted; `{db}` is the database.
pub async fn rows(database: &str, select: &str) -> Vec<Json> {
    let select = format!(
        "{select} SETTINGS output_format_json_escape_forward_slashes = 0, output_format_json_quote_denormals = 1, \
         output_format_json_quote_64bit_integers = 0 FORMAT JSONEachRow"
    );
    let mut rows = Json::lines(&query(database, &select).await);
    rows.sort();
    rows
}

/// The columns of `otel_traces` that the Collector's exporter has.
pub async fn contrib_rows(database: &str) -> Vec<Json> {
    rows(database, "SELECT * EXCEPT RunId FROM {db}.otel_traces").await
}

/// An OTLP/JSON or protobuf request of traces.
pub fn traces(body: &[u8], json: bool) -> Data {
    if json {
        Data::decode_json(Signal::Traces, body, &Limits::default()).unwrap()
    } else {
        Data::decode(Signal::Traces, Bytes::copy_from_slice(body), &Limits::default()).unwrap()
    }
}

/// Compares two sorted lists of rows and shows the first that differ.
#[track_caller]
pub fn assert_rows(found: Vec<Json>, mut expected: Vec<Json>, of: &str) {
    expected.sort();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "a row of {of}");
    }
    assert_eq!(found.len(), expected.len(), "rows of {of}");
}
