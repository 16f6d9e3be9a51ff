//! Components that only tests have: an exporter that keeps what it gets, and a processor that turns away.

use chaperone::config::UserConfig;
use chaperone::pipeline::{
    Batch, BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterEntry,
    ExporterFactory, Front, Meta, Outbox, ProcessError, Processor, ProcessorEntry, ProcessorFactory, Refusal, RequestSize,
    Signals,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const EXPORTERS: &[ExporterEntry] = &[ExporterEntry::of::<Collected>()];
pub const PROCESSORS: &[ProcessorEntry] = &[ProcessorEntry::of::<TurnsAway>()];

static KEPT: Mutex<Option<HashMap<String, Vec<Chunk>>>> = Mutex::new(None);

/// What came under `key` since it was last asked.
pub fn take(key: &str) -> Vec<Chunk> {
    KEPT.lock().unwrap().as_mut().and_then(|kept| kept.remove(key)).unwrap_or_default()
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CollectedConfig {
    key: String,
    /// `retryable`, `permanent`, or nothing.
    answer: String,
    after_ms: u64,
}
impl UserConfig for CollectedConfig {}

struct Collected {
    config: CollectedConfig,
}

impl ExporterFactory for Collected {
    type Config = CollectedConfig;
    const META: Meta = Meta::exporter("collected", "Keeps what it gets.", Signals::ALL, Front::DIRECT);
    fn build(config: CollectedConfig, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(Collected { config }))
    }
}

impl Exporter for Collected {
    fn export<'a>(&'a self, chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let after = Some(Duration::from_millis(self.config.after_ms)).filter(|after| !after.is_zero());
            match self.config.answer.as_str() {
                "retryable" => {
                    return Err(ExportError::Retryable { message: "the backend is away".into(), after, source: None });
                }
                "permanent" => return Err(ExportError::permanent("the backend says no")),
                _ => {}
            }
            let mut kept = KEPT.lock().unwrap();
            kept.get_or_insert_default().entry(self.config.key.clone()).or_default().extend(chunks.iter().cloned());
            Ok(Exported::default())
        })
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TurnsAwayConfig {
    /// Milliseconds after which to come again; 0 says nothing of it.
    after_ms: u64,
}
impl UserConfig for TurnsAwayConfig {}

struct TurnsAway {
    after: Option<Duration>,
}

impl ProcessorFactory for TurnsAway {
    type Config = TurnsAwayConfig;
    const META: Meta = Meta::processor("turns_away", "Admits nothing.", Signals::ALL);
    fn build(config: TurnsAwayConfig, _ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        let after = Some(Duration::from_millis(config.after_ms)).filter(|after| !after.is_zero());
        Ok(Arc::new(TurnsAway { after }))
    }
}

impl Processor for TurnsAway {
    fn admit(&self, _size: &RequestSize) -> Result<(), Refusal> {
        Err(Refusal { reason: "told_so", message: "no room here".into(), after: self.after })
    }
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        out.pass(batch);
        Ok(())
    }
}
