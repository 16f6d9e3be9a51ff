//! The `attributes` processor: changes attributes of spans, log records and data points.
//!
//! What an action does is in `attribute_actions`, which the `resource` processor uses too.

mod config;
mod matching;
mod points;
mod subject;
#[cfg(test)]
mod tests;

pub use config::Config;

use crate::attribute_actions::Actions;
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Signals, Stability,
};
use chaperone_proto::{Data, Metrics};
use matching::Matcher;
use std::sync::Arc;
use subject::Subject;

/// Factory of the processor.
pub struct AttributesOfRecords;

impl ProcessorFactory for AttributesOfRecords {
    type Config = Config;
    const META: Meta = Meta::processor("attributes", "Changes attributes of spans, log records and data points.", Signals::ALL)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        let matcher =
            |config: &Option<_>, field| config.as_ref().map(|config| Matcher::new(config, field, ctx.signals())).transpose();
        Ok(Arc::new(Attributes {
            actions: Actions::new(&config.actions, "actions")?,
            include: matcher(&config.include, "include")?,
            exclude: matcher(&config.exclude, "exclude")?,
        }))
    }
}

struct Attributes {
    actions: Actions,
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

impl Attributes {
    fn wants(&self, subject: &impl Subject) -> bool {
        self.include.as_ref().is_none_or(|include| include.matches(subject))
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(subject))
    }
}

impl Processor for Attributes {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let client = self.actions.of_client(batch.client.as_deref());
        if let Data::Metrics(metrics) = &batch.data {
            let mut request = metrics.to_request();
            let edit = |attributes: &mut Vec<_>| self.actions.apply(attributes, &client);
            if points::edit_points(&mut request, |point| self.wants(point), edit) {
                batch.data = Data::Metrics(Metrics::from_request(&request));
            }
        } else {
            let picky = self.include.is_some() || self.exclude.is_some();
            for at in 0..batch.data.records() {
                if !picky || self.wants(&batch.data.record(at)) {
                    self.actions.apply(&mut batch.data.edit(at).attrs_mut(), &client);
                }
            }
        }
        out.pass(batch);
        Ok(())
    }

    fn tick(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::Done
    }
}
