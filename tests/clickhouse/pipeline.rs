//! A collector with one pipeline into ClickHouse, and a receiver through which the test hands requests in.

use bytes::Bytes;
use chaperone::pipeline::engine::{EngineSettings, Graph, Running, SharedState};
use chaperone::pipeline::{
    Batch, BoxFuture, BuildContext, Clock, ConfigError, Encoding, Entrance, Host, MemoryStorage, Meta, Outcome, Payload,
    Receiver, ReceiverEntry, ReceiverFactory, Registry, Signals, StartError, Telemetry,
};
use chaperone_config::{Problems, Source, UserConfig, load};
use chaperone_proto::{Data, Signal};
use chaperone_testkit::clickhouse::ClickHouse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Doors into running pipelines, by the name in the receiver's settings.
static DOORS: Mutex<Option<HashMap<String, Entrance>>> = Mutex::new(None);

/// A receiver that lends its entrance to the test.
struct Direct;

#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DirectConfig {
    name: String,
}

impl UserConfig for DirectConfig {
    fn check(&self, _problems: &mut Problems) {}
}

impl ReceiverFactory for Direct {
    type Config = DirectConfig;
    const META: Meta = Meta::receiver("direct", "Lends its entrance to a test.", Signals::RECORDS);
    fn build(config: DirectConfig, _ctx: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError> {
        Ok(Arc::new(Door(config.name)))
    }
}

struct Door(String);

impl Receiver for Door {
    fn start<'a>(&'a self, _host: &'a Host, entrance: Entrance) -> BoxFuture<'a, Result<(), StartError>> {
        DOORS.lock().unwrap().get_or_insert_default().insert(self.0.clone(), entrance);
        Box::pin(async { Ok(()) })
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        DOORS.lock().unwrap().get_or_insert_default().remove(&self.0);
        Box::pin(async {})
    }
}

const RECEIVERS: &[ReceiverEntry] = &[ReceiverEntry::of::<Direct>()];

/// A running collector that stores in a database of its own.
pub struct Pipeline {
    pub database: String,
    running: Running,
}

impl Pipeline {
    /// `processors`: their ids, as in a list of YAML.
    pub async fn start(processors: &[&str]) -> Pipeline {
        chaperone_genai::keys::install();
        let database = ClickHouse::shared().fresh_database();
        let defined: String = processors.iter().map(|id| format!("  {id}: {{}}\n")).collect();
        let chain = processors.join(", ");
        let yaml = format!(
            "receivers:\n  direct: {{name: {database}}}\n{section}{defined}exporters:\n  clickhouse:\n    endpoint: {url}\n    \
             database: {database}\n    sending_queue: {{enabled: false}}\n    retry_on_failure: {{enabled: false}}\nservice:\n  pipelines:\n    \
             traces: {{receivers: [direct], processors: [{chain}], exporters: [clickhouse]}}\n    \
             logs: {{receivers: [direct], processors: [{chain}], exporters: [clickhouse]}}\n",
            section = if processors.is_empty() { "" } else { "processors:\n" },
            url = ClickHouse::shared().url(),
        );
        let source = Source::Text { name: "test.yaml".to_owned(), text: yaml };
        let (document, _) = load(&[source], &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
        let registry = chaperone::extended(
            chaperone::built_in(),
            Registry { receivers: RECEIVERS, processors: &[], connectors: &[], exporters: &[], extensions: &[] },
        );
        let settings = EngineSettings {
            clock: Clock::system(),
            telemetry: Telemetry::default(),
            hash_key: [7; 32],
            storage: Arc::new(MemoryStorage::default()),
            shared: SharedState::default(),
        };
        let graph = Graph::build(&document, &registry, settings).unwrap_or_else(|problems| panic!("{problems}"));
        Pipeline { database, running: graph.start().await.expect("the collector starts") }
    }

    /// Hands a request in; returns when it is stored.
    pub async fn submit(&self, signal: &str, body: Bytes, json: bool) {
        let signal = Signal::ALL.into_iter().find(|known| known.name() == signal).expect("a signal");
        let encoding = if json { Encoding::Json } else { Encoding::Protobuf };
        let payload = Payload { signal, encoding, body, transport: "http", client: None };
        self.entrance().submit(payload).await.expect("the request is stored");
    }

    /// Hands data in behind the door that would recognise an equal body and not let it in again.
    pub async fn submit_data(&self, data: Data) {
        assert_eq!(self.entrance().submit_batch(Batch::new(data)).await, Outcome::Ok);
    }

    fn entrance(&self) -> Entrance {
        DOORS.lock().unwrap().as_ref().and_then(|doors| doors.get(&self.database)).cloned().expect("a door")
    }

    /// Stops the collector.
    pub async fn stop(self) {
        self.running.shutdown(Duration::from_secs(10)).await;
    }
}
