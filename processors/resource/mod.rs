//! The `resource` processor: changes attributes of resources.
//!
//! What an action does is in `attribute_actions`, which the `attributes` processor uses too. Resources under which there
//! is no record, and no data point, are left as they are: nothing of them is looked at anywhere.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use crate::attribute_actions::Actions;
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Signals, Stability,
};
use chaperone_proto::{Data, Metrics};
use std::sync::Arc;

/// Factory of the processor.
pub struct AttributesOfResources;

impl ProcessorFactory for AttributesOfResources {
    type Config = Config;
    const META: Meta = Meta::processor("resource", "Changes attributes of resources.", Signals::ALL)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Resources { actions: Actions::new(&config.attributes, "attributes")? }))
    }
}

struct Resources {
    actions: Actions,
}

impl Processor for Resources {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let client = self.actions.of_client(batch.client.as_deref());
        if let Data::Metrics(metrics) = &batch.data {
            let mut request = metrics.to_request();
            for resource in &mut request.resource_metrics {
                self.actions.apply(&mut resource.resource.get_or_insert_default().attributes, &client);
            }
            batch.data = Data::Metrics(Metrics::from_request(&request));
        } else {
            let mut last = None;
            for at in 0..batch.data.records() {
                // Records of one resource follow each other.
                let resource = batch.data.record(at).resource().index();
                if last.replace(resource) != Some(resource) {
                    self.actions.apply(&mut batch.data.edit(at).resource_attrs(), &client);
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
