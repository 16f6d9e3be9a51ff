//! The `tally` exporter: says on standard output how much it got.

use chaperone::config::UserConfig;
use chaperone::pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Meta,
    Signals,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::Arc;

/// What a user writes under `exporters.tally`, beside the keys that all exporters have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Text before each line.
    pub prefix: String,
}

impl UserConfig for Config {}

/// Declares the exporter.
pub struct Tally;

impl ExporterFactory for Tally {
    type Config = Config;
    const META: Meta = Meta::exporter("tally", "Says how much it got.", Signals::ALL, Front::DIRECT);

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(Tallying(config)))
    }
}

struct Tallying(Config);

impl Exporter for Tallying {
    fn export<'a>(&'a self, chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            for chunk in chunks {
                let bytes: usize = chunk.body.iter().map(|part| part.len()).sum();
                let line = format!("{}{} {} in {bytes} bytes", self.0.prefix, chunk.items, chunk.signal.items());
                // A closed standard output may be open again later: the front retries if it is told to.
                writeln!(std::io::stdout(), "{line}").map_err(|error| ExportError::retryable(error.to_string()))?;
            }
            Ok(Exported::default())
        })
    }
}
