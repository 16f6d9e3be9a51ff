//! The registry of processors, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod gen_ai_normalizer;
mod memory_limiter;

use chaperone_pipeline::ProcessorEntry;

/// All processors.
pub const ALL: &[ProcessorEntry] =
    &[ProcessorEntry::of::<memory_limiter::MemoryLimiter>(), ProcessorEntry::of::<gen_ai_normalizer::GenAiNormalizer>()];
