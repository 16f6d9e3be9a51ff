//! The registry of receivers, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod otlp;
mod own_events;

use chaperone_pipeline::ReceiverEntry;

/// All receivers.
pub const ALL: &[ReceiverEntry] = &[ReceiverEntry::of::<otlp::Otlp>(), ReceiverEntry::of::<own_events::OwnEvents>()];
