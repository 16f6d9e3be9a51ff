//! The registry of processors, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod memory_limiter;

use chaperone_pipeline::ProcessorEntry;

/// All processors.
pub const ALL: &[ProcessorEntry] = &[ProcessorEntry::of::<memory_limiter::MemoryLimiter>()];
