//! The `gen_ai_content` processor: decides what of prompts, answers, arguments and results is passed on.
//!
//! What it knows is in `genai::content`. Put it before what stores or forwards, after what needs content.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_genai::content::Policy;
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Meta, Outbox, ProcessError, Processor, ProcessorFactory, Signals, Stability,
};
use std::sync::Arc;

/// Factory of the processor.
pub struct GenAiContent;

impl ProcessorFactory for GenAiContent {
    type Config = Config;
    const META: Meta =
        Meta::processor("gen_ai_content", "Removes what agents were told and said, or keeps it.", Signals::RECORDS)
            .stability(Stability::Alpha)
            .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        chaperone_genai::dialects::install();
        let id = ctx.id().to_string();
        let counter = |result: &'static str| {
            let labels = [("processor", id.as_str()), ("result", result)];
            ctx.telemetry().counter("chaperone_content_values", "Values that the content policy changed.", &labels)
        };
        let [removed, masked, hashed] = ["removed", "masked", "hashed"].map(counter);
        Ok(Arc::new(Content { policy: config.policy(*ctx.hash_key()), removed, masked, hashed }))
    }
}

struct Content {
    policy: Policy,
    removed: Counter,
    masked: Counter,
    hashed: Counter,
}

impl Processor for Content {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let report = self.policy.apply(&mut batch.data);
        self.removed.add(report.removed);
        self.masked.add(report.masked);
        self.hashed.add(report.hashed);
        out.pass(batch);
        Ok(())
    }
}
