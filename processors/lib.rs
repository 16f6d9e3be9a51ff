//! The registry of processors, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod attribute_actions;
mod attribute_values;
mod attributes;
mod batch;
mod gen_ai_content;
mod gen_ai_cost;
mod gen_ai_normalizer;
mod gen_ai_steps;
mod memory_limiter;
mod probabilistic_sampler;
mod resource;

use chaperone_pipeline::ProcessorEntry;

/// What processors do with the settings of a configuration, for whoever explains a record.
pub mod explain {
    pub use crate::gen_ai_cost::{Entry, Pricing};
    pub use crate::gen_ai_normalizer::normalizer;
}

/// All processors.
pub const ALL: &[ProcessorEntry] = &[
    ProcessorEntry::of::<memory_limiter::MemoryLimiter>(),
    ProcessorEntry::of::<batch::BatchRequests>(),
    ProcessorEntry::of::<attributes::AttributesOfRecords>(),
    ProcessorEntry::of::<resource::AttributesOfResources>(),
    ProcessorEntry::of::<probabilistic_sampler::ProbabilisticSampler>(),
    ProcessorEntry::of::<gen_ai_normalizer::GenAiNormalizer>(),
    ProcessorEntry::of::<gen_ai_steps::GenAiSteps>(),
    ProcessorEntry::of::<gen_ai_cost::GenAiCost>(),
    ProcessorEntry::of::<gen_ai_content::GenAiContent>(),
];
