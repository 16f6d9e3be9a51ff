//! The registry of processors, in the order of the docs. One folder a component, named as in `collector.yaml`.

use chaperone_pipeline::ProcessorEntry;

/// All processors.
pub const ALL: &[ProcessorEntry] = &[];
