//! The `stamp` processor: one attribute on every span and log record.

use chaperone::config::{Problems, UserConfig};
use chaperone::pipeline::{Batch, BuildContext, ConfigError, Meta, Outbox, ProcessError, Processor, ProcessorFactory, Signals};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a user writes under `processors.stamp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the attribute.
    pub key: String,
    /// Its text. Required.
    pub value: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { key: "stamped.by".to_owned(), value: String::new() }
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.value.is_empty() {
            problems.error("value", "must not be empty");
        }
    }
}

/// Declares the processor.
pub struct Stamp;

impl ProcessorFactory for Stamp {
    type Config = Config;
    const META: Meta = Meta::processor("stamp", "Sets one attribute on every span and log record.", Signals::RECORDS)
        .readme(include_str!("stamp.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Stamping(config)))
    }
}

struct Stamping(Config);

impl Processor for Stamping {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        for at in 0..batch.data.records() {
            batch.data.edit(at).set_named(&self.0.key, self.0.value.as_str());
        }
        out.pass(batch);
        Ok(())
    }
}
