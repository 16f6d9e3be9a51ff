//! Exporters that answer as a test's script says, and remember what they were given.

use super::components::Nothing;
use crate::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Host,
    Meta, Signals, StartError,
};
use chaperone_config::UserConfig;
use chaperone_proto::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// How a scripted exporter answers once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Reject(usize),
    Later(Option<Duration>),
    Never,
    Hang,
    Panic,
    /// Waits for a permit of the script's gate, then succeeds.
    Gate,
}

/// One delivery as the exporter saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub batch_id: u128,
    pub attempt: u32,
    pub chunks: Vec<usize>,
    /// All chunks together.
    pub bytes: usize,
    pub at: tokio::time::Instant,
}

/// What a scripted exporter is to answer, in order (then `Ok` for ever), and what it was given.
#[derive(Debug)]
pub(crate) struct Script {
    pub answers: Mutex<VecDeque<Answer>>,
    pub seen: Mutex<Vec<Seen>>,
    pub gate: Semaphore,
    pub came: Notify,
    pub stopped: Mutex<bool>,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            answers: Mutex::default(),
            seen: Mutex::default(),
            gate: Semaphore::new(0),
            came: Notify::new(),
            stopped: Mutex::default(),
        }
    }
}

impl Script {
    pub(crate) fn say(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().extend(answers);
    }
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
    pub(crate) fn items(&self) -> usize {
        self.seen().iter().flat_map(|seen| &seen.chunks).sum()
    }
    /// Waits until so many deliveries were tried.
    pub(crate) async fn tried(&self, count: usize) {
        loop {
            let came = self.came.notified();
            if self.seen.lock().unwrap().len() >= count {
                return;
            }
            came.await;
        }
    }
}

struct Scripted {
    script: Arc<Script>,
    host: Mutex<Option<Host>>,
    reports: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScriptedConfig {
    /// Whether a report is made of every delivery.
    pub reports: bool,
}
impl UserConfig for ScriptedConfig {}

pub(crate) struct NetFactory;
impl ExporterFactory for NetFactory {
    type Config = ScriptedConfig;
    const META: Meta = Meta::exporter("net", "Over a network.", Signals::ALL, Front::NETWORK);
    fn build(config: ScriptedConfig, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        let reports = config.reports;
        Ok(Arc::new(Scripted { script: ctx.shared(Script::default), host: Mutex::default(), reports }))
    }
}
pub(crate) struct LocalFactory;
impl ExporterFactory for LocalFactory {
    type Config = Nothing;
    const META: Meta = Meta::exporter("local", "In the process.", Signals::RECORDS, Front::DIRECT);
    fn build(_: Nothing, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(Scripted { script: ctx.shared(Script::default), host: Mutex::default(), reports: false }))
    }
}
/// Throws away, and must never be given anything.
pub(crate) struct VoidFactory;
impl ExporterFactory for VoidFactory {
    type Config = Nothing;
    const META: Meta = Meta::exporter("void", "Throws away.", Signals::ALL, Front::NETWORK);
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(VoidFactory))
    }
}
impl Exporter for VoidFactory {
    fn export<'a>(&'a self, _: &'a [Chunk], _: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        panic!("nothing is encoded for an exporter that discards")
    }
    fn discards(&self) -> bool {
        true
    }
}
impl Exporter for Scripted {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        *self.host.lock().unwrap() = Some(host.clone());
        Box::pin(async { Ok(()) })
    }
    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let counts: Vec<usize> = chunks.iter().map(|chunk| chunk.decode().expect("a queued chunk is OTLP").items()).collect();
            assert_eq!(counts, chunks.iter().map(|chunk| chunk.items).collect::<Vec<_>>());
            let at = tokio::time::Instant::now();
            let bytes = chunks.iter().map(Chunk::bytes).sum();
            let seen = Seen { batch_id: cx.batch_id, attempt: cx.attempt, chunks: counts, bytes, at };
            self.script.seen.lock().unwrap().push(seen);
            self.script.came.notify_waiters();
            if self.reports && chunks.iter().all(|chunk| chunk.signal == Signal::Traces || chunk.signal == Signal::Logs) {
                let host = self.host.lock().unwrap().clone().expect("started");
                host.report(super::records(1, 5));
            }
            let answer = self.script.answers.lock().unwrap().pop_front();
            match answer {
                None => Ok(Exported::default()),
                Some(Answer::Reject(rejected)) => Ok(Exported { rejected, message: Some("too old".into()) }),
                Some(Answer::Later(after)) => Err(ExportError::Retryable { message: "busy".into(), after, source: None }),
                Some(Answer::Never) => Err(ExportError::permanent("bad data")),
                Some(Answer::Hang) => std::future::pending().await,
                Some(Answer::Panic) => panic!("told to"),
                Some(Answer::Gate) => {
                    self.script.gate.acquire().await.expect("open").forget();
                    Ok(Exported::default())
                }
            }
        })
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        *self.script.stopped.lock().unwrap() = true;
        Box::pin(async {})
    }
}
