//! An exporter that keeps the names of spans and refuses some of them; each key has a sink of its own.

use chaperone_config::UserConfig;
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Meta,
    Signals,
};
use chaperone_proto::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use tokio::sync::watch;

/// How a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuse {
    ForNow,
    ForGood,
}

#[derive(Debug, Default)]
struct State {
    names: Vec<String>,
    refusals: usize,
    /// By name of span: how, and how often still.
    script: BTreeMap<String, (Refuse, usize)>,
}

// Shared by a test and the exporter that its graph built.
#[derive(Clone)]
pub struct Sink(Arc<watch::Sender<State>>);

static SINKS: LazyLock<Mutex<BTreeMap<String, Sink>>> = LazyLock::new(Mutex::default);

/// The sink of a key, which is made by whoever asks first.
pub fn of(key: &str) -> Sink {
    let mut sinks = SINKS.lock().unwrap();
    sinks.entry(key.to_owned()).or_insert_with(|| Sink(Arc::new(watch::Sender::new(State::default())))).clone()
}

impl Sink {
    pub fn refuse(&self, name: &str, how: Refuse, times: usize) {
        self.0.send_modify(|state| {
            state.script.insert(name.to_owned(), (how, times));
        });
    }

    /// Names of what was taken, once there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        self.0.subscribe().wait_for(|state| state.names.len() >= count).await.unwrap().names.clone()
    }

    pub async fn wait_for_refusals(&self, count: usize) {
        self.0.subscribe().wait_for(|state| state.refusals >= count).await.unwrap();
    }

    pub fn refused(&self) -> usize {
        self.0.borrow().refusals
    }

    fn take(&self, name: String) -> Result<Exported, ExportError> {
        let mut result = Ok(Exported::default());
        self.0.send_modify(|state| match state.script.get_mut(&name) {
            Some((how, left)) if *left > 0 => {
                *left -= 1;
                state.refusals += 1;
                result = Err(match how {
                    Refuse::ForNow => ExportError::retryable("not now"),
                    Refuse::ForGood => ExportError::permanent("never"),
                });
            }
            _ => state.names.push(name),
        });
        result
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    key: String,
}

impl UserConfig for Config {}

pub struct Factory;

impl ExporterFactory for Factory {
    type Config = Config;
    const META: Meta = Meta::exporter("sink", "Keeps what it gets.", Signals::ALL, Front::DIRECT);

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(of(&config.key)))
    }
}

impl Exporter for Sink {
    fn export<'a>(&'a self, chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let Data::Traces(traces) = chunks[0].decode().unwrap() else { panic!("not traces") };
            let name = traces.spans().next().map(|span| span.name().to_owned());
            self.take(name.unwrap_or_default())
        })
    }
}
