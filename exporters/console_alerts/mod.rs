//! The `console_alerts` exporter: one readable line on standard output for each state of an alert it is given.
//!
//! What is worth telling is the `alerts` connector's business; records that are no alerts are skipped and counted.

mod config;
mod line;
#[cfg(test)]
mod tests;

pub use config::{Color, Config};

use chaperone_genai::rules::Alert;
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, Counter, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front,
    Meta, Signals, Stability,
};
use chaperone_proto::Data;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

/// Factory of the exporter.
pub struct ConsoleAlerts;

impl ExporterFactory for ConsoleAlerts {
    type Config = Config;
    const META: Meta = Meta::exporter("console_alerts", "Writes alerts to standard output.", Signals::LOGS, Front::DIRECT)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(ConsoleAlertsExporter::new(&config, ctx)))
    }
}

struct ConsoleAlertsExporter {
    is_coloured: bool,
    skipped: Counter,
}

impl ConsoleAlertsExporter {
    fn new(config: &Config, ctx: &BuildContext) -> ConsoleAlertsExporter {
        let is_coloured = match config.color {
            Color::Auto => std::io::stdout().is_terminal(),
            Color::Always => true,
            Color::Never => false,
        };
        let labels = [("exporter", &*ctx.id().to_string()), ("reason", "not_an_alert")];
        let skipped = ctx.telemetry().counter("chaperone_exporter_skipped_items", "Records an exporter has no use for.", &labels);
        ConsoleAlertsExporter { is_coloured, skipped }
    }

    /// The lines of a delivery.
    fn lines(&self, chunks: &[Chunk]) -> Result<String, ExportError> {
        let mut lines = String::new();
        for chunk in chunks {
            let data = chunk.decode().map_err(|error| ExportError::Permanent {
                message: "a request in the queue cannot be decoded".to_owned(),
                source: Some(error.into()),
            })?;
            let Data::Logs(logs) = data else { continue };
            for log in logs.logs() {
                match Alert::read(log) {
                    Some(alert) => lines.push_str(&line::line(&alert, self.is_coloured)),
                    None => self.skipped.add(1),
                }
            }
        }
        Ok(lines)
    }
}

impl Exporter for ConsoleAlertsExporter {
    fn export<'a>(&'a self, chunks: &'a [Chunk], _cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async {
            let lines = self.lines(chunks)?;
            // One write, so that lines of deliveries do not mix.
            let mut out = std::io::stdout().lock();
            out.write_all(lines.as_bytes()).and_then(|()| out.flush()).map_err(|error| ExportError::Permanent {
                message: "cannot write to standard output".to_owned(),
                source: Some(error.into()),
            })?;
            Ok(Exported::default())
        })
    }
}
