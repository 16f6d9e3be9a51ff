//! The `gen_ai_content` processor: decides what of prompts, answers, arguments and results is passed on.
//!
//! What it knows is in `genai::content`. Put it before what stores or forwards, after what needs content.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_genai::content::recognise::Kind;
use chaperone_genai::content::{Policy, Removed, Report};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Meta, Outbox, ProcessError, Processor, ProcessorFactory, Signals, Stability,
};
use std::sync::Arc;

/// Factory of the processor.
pub struct GenAiContent;

impl ProcessorFactory for GenAiContent {
    type Config = Config;
    const META: Meta =
        Meta::processor("gen_ai_content", "Removes what agents were told and said, masks it, or keeps it.", Signals::RECORDS)
            .stability(Stability::Alpha)
            .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        chaperone_genai::dialects::install();
        Ok(Arc::new(Content { policy: config.policy(*ctx.hash_key()), counters: Counters::new(ctx) }))
    }
}

struct Content {
    policy: Policy,
    counters: Counters,
}

/// One series for each thing that can happen to a value, from the start, so that 0 is seen too.
struct Counters {
    removed: [Counter; Removed::ALL.len()],
    masked: Counter,
    hashed: Counter,
    cut: Counter,
    recognised: [Counter; Kind::ALL.len()],
}

impl Counters {
    fn new(ctx: &BuildContext) -> Counters {
        let id = ctx.id().to_string();
        let values = |result: &'static str, reason: &'static str| {
            let labels = [("processor", id.as_str()), ("result", result), ("reason", reason)];
            ctx.telemetry().counter("chaperone_content_values", "Values that the content policy changed.", &labels)
        };
        let recognised = |kind: Kind| {
            let labels = [("processor", id.as_str()), ("kind", kind.name())];
            ctx.telemetry().counter("chaperone_content_recognized", "Places in texts that were masked.", &labels)
        };
        Counters {
            removed: Removed::ALL.map(|reason| values("removed", reason.name())),
            masked: values("masked", "unknown"),
            hashed: values("hashed", "identity"),
            cut: values("cut", "length"),
            recognised: Kind::ALL.map(recognised),
        }
    }

    fn add(&self, report: &Report) {
        self.removed.iter().zip(report.removed).filter(|(_, n)| *n > 0).for_each(|(counter, n)| counter.add(n));
        self.masked.add(report.masked);
        self.hashed.add(report.hashed);
        self.cut.add(report.cut);
        self.recognised.iter().zip(report.recognised).filter(|(_, n)| *n > 0).for_each(|(counter, n)| counter.add(n));
    }
}

impl Processor for Content {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        self.counters.add(&self.policy.apply(&mut batch.data));
        out.pass(batch);
        Ok(())
    }
}
