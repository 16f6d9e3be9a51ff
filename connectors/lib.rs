//! The registry of connectors, in the order of the docs. One folder a component, named as in `collector.yaml`.

use chaperone_pipeline::ProcessorEntry;

/// All connectors.
pub const ALL: &[ProcessorEntry] = &[];
