//! The `gen_ai_normalizer` processor: recognises the dialect of each GenAI span and log record and adds canonical attributes.
//!
//! What it knows is in `genai::dialects`. Records of other telemetry pass untouched.

mod config;
mod sources;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_config::{Node, Problems, parse_settings};
use chaperone_genai::dialects::{Counts, Dialect, Normalizer};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Meta, Outbox, ProcessError, Processor, ProcessorFactory, Signals, Stability,
    Telemetry,
};
use chaperone_proto::Data;
use std::sync::Arc;

/// Factory of the processor.
pub struct GenAiNormalizer;

impl ProcessorFactory for GenAiNormalizer {
    type Config = Config;
    const META: Meta = Meta::processor(
        "gen_ai_normalizer",
        "Recognises the dialects of agents and adds canonical GenAI attributes.",
        Signals::RECORDS,
    )
    .aliases(&["genainormalizer"])
    .stability(Stability::Alpha)
    .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Processing {
            normalizer: config.normalizer(),
            metrics: Metrics::new(ctx.telemetry(), &ctx.id().to_string()),
        }))
    }
}

/// What the processor does with these settings; null = defaults.
pub fn normalizer(settings: &Node) -> Result<Normalizer, Problems> {
    Ok(parse_settings::<Config>(settings, GenAiNormalizer::META.name)?.normalizer())
}

struct Processing {
    normalizer: Normalizer,
    metrics: Metrics,
}

impl Processor for Processing {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let report = self.normalizer.normalize(&mut batch.data);
        for (dialect, counts) in &report.by_dialect {
            self.metrics.add(*dialect, counts);
        }
        if report.logs_without_time > 0 {
            self.metrics.logs_without_time.add(report.logs_without_time);
        }
        let client = batch.client.clone();
        out.pass(batch);
        // Decisions and approvals that logs report stand beside them.
        if let Some(made) = report.made {
            out.derive(Batch { data: Data::Logs(made), client });
        }
        Ok(())
    }
}

/// One counter a dialect and result: a closed set, made at the start.
struct Metrics {
    by_dialect: Vec<(Dialect, [Counter; 4])>,
    logs_without_time: Counter,
}

impl Metrics {
    fn new(telemetry: &Telemetry, id: &str) -> Metrics {
        let counter = |dialect: Dialect, result: &'static str| {
            let labels = [("processor", id), ("dialect", dialect.id()), ("result", result)];
            telemetry.counter(
                "chaperone_normalize_attributes",
                "Attributes of GenAI records by what was done with them.",
                &labels,
            )
        };
        let results = |dialect| ["mapped", "kept", "dropped", "failed"].map(|result| counter(dialect, result));
        let help = "GenAI log records with neither a time nor an observed time.";
        Metrics {
            by_dialect: Dialect::all().map(|dialect| (dialect, results(dialect))).collect(),
            logs_without_time: telemetry.counter("chaperone_normalize_logs_without_time", help, &[("processor", id)]),
        }
    }
    fn add(&self, dialect: Dialect, counts: &Counts) {
        let Some((_, counters)) = self.by_dialect.iter().find(|(known, _)| *known == dialect) else { return };
        for (counter, count) in counters.iter().zip([counts.mapped, counts.kept, counts.dropped, counts.failed]) {
            if count > 0 {
                counter.add(count);
            }
        }
    }
}
