//! The registry of receivers, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod otlp;
pub mod otlp_file;
mod own_events;

use chaperone_pipeline::ReceiverEntry;

/// All receivers.
pub const ALL: &[ReceiverEntry] = &[
    ReceiverEntry::of::<otlp::Otlp>(),
    ReceiverEntry::of::<otlp_file::OtlpFile>(),
    ReceiverEntry::of::<own_events::OwnEvents>(),
];
