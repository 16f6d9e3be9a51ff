//! The `nop` exporter: takes everything and sends it nowhere.
//!
//! For measuring what comes before, and for pipelines that exist for their connectors' sake.

#[cfg(test)]
mod tests;

mod config;

pub use config::Config;

use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Meta,
    Signals, Stability,
};
use std::sync::Arc;

/// Factory of the exporter.
pub struct Nop;

impl ExporterFactory for Nop {
    type Config = Config;
    const META: Meta = Meta::exporter("nop", "Takes everything and sends it nowhere.", Signals::ALL, Front::DIRECT)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(_config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(Nop))
    }
}

impl Exporter for Nop {
    fn export<'a>(&'a self, _chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async { Ok(Exported::default()) })
    }

    fn discards(&self) -> bool {
        true
    }
}
