//! The `own_events` receiver: where the collector's own records (deliveries to channels, audit) enter the graph.
//!
//! Components report through `Host::report`; the engine keeps the bounded queue and brings what waits there to the
//! pipelines that name this receiver. So there is nothing to open here, and without this receiver reports are counted as
//! dropped.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_pipeline::{
    BoxFuture, BuildContext, ConfigError, Entrance, Host, Meta, Receiver, ReceiverFactory, Signals, Stability, StartError,
};
use chaperone_proto::Signal;
use std::sync::Arc;

/// Factory of the receiver.
pub struct OwnEvents;

impl ReceiverFactory for OwnEvents {
    type Config = Config;
    const META: Meta = Meta::receiver("own_events", "Brings the collector's own records into a pipeline.", Signals::LOGS)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(_config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError> {
        Ok(Arc::new(OwnEvents))
    }
}

impl Receiver for OwnEvents {
    fn start<'a>(&'a self, _host: &'a Host, entrance: Entrance) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            if entrance.serves(Signal::Logs) {
                return Ok(());
            }
            Err(StartError::new("`own_events` gives log records and stands in no logs pipeline"))
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
