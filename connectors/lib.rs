//! The registry of connectors, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod forward;
mod gen_ai_metrics;

use chaperone_pipeline::ProcessorEntry;

/// All connectors.
pub const ALL: &[ProcessorEntry] =
    &[ProcessorEntry::of::<forward::Forward>(), ProcessorEntry::of::<gen_ai_metrics::GenAiMetrics>()];
