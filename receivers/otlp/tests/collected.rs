//! An exporter that keeps what it gets, by a key of its settings, and answers as told.

use chaperone_config::UserConfig;
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Meta,
    Signals,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

static KEPT: Mutex<Option<HashMap<String, Vec<Chunk>>>> = Mutex::new(None);

/// What came under `key`.
pub(super) fn of(key: &str) -> Vec<Chunk> {
    KEPT.lock().unwrap().as_ref().and_then(|kept| kept.get(key).cloned()).unwrap_or_default()
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    key: String,
    answer: String,
}
impl UserConfig for Config {}

pub(super) struct Collected {
    config: Config,
}

impl ExporterFactory for Collected {
    type Config = Config;
    const META: Meta = Meta::exporter("collected", "Keeps what it gets.", Signals::ALL, Front::DIRECT);
    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(Collected { config }))
    }
}

impl Exporter for Collected {
    fn export<'a>(&'a self, chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            match self.config.answer.as_str() {
                "retryable" => return Err(ExportError::retryable("the backend is away")),
                "permanent" => return Err(ExportError::permanent("the backend says no")),
                _ => {}
            }
            let mut kept = KEPT.lock().unwrap();
            kept.get_or_insert_default().entry(self.config.key.clone()).or_default().extend(chunks.iter().cloned());
            Ok(Exported::default())
        })
    }
}
