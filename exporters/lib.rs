//! The registry of exporters, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod prometheus;

use chaperone_pipeline::ExporterEntry;

/// All exporters.
pub const ALL: &[ExporterEntry] = &[
    ExporterEntry::of::<prometheus::Prometheus>(),
];
