//! The `forward` connector: the end of one pipeline is the beginning of others of the same signal.
//!
//! It passes everything with its acknowledgement: a sender hears of a refusal behind it.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Signals, Stability,
};
use std::sync::Arc;

/// Factory of the connector.
pub struct Forward;

impl ProcessorFactory for Forward {
    type Config = Config;
    const META: Meta =
        Meta::connector("forward", "Splits and merges pipelines of one signal.", Signals::ALL, Signals::ALL, Signals::NONE)
            .stability(Stability::Alpha)
            .readme(include_str!("README.md"));

    fn build(_config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Forward))
    }
}

impl Processor for Forward {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        out.pass(batch);
        Ok(())
    }

    fn tick(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::Done
    }
}
