//! The registry of connectors, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod agent_detectors;
mod agent_rules;
mod agent_runs;
mod alerts;
mod forward;
mod gen_ai_metrics;

use chaperone_pipeline::ProcessorEntry;

/// All connectors.
pub const ALL: &[ProcessorEntry] = &[
    ProcessorEntry::of::<forward::Forward>(),
    ProcessorEntry::of::<gen_ai_metrics::GenAiMetrics>(),
    ProcessorEntry::of::<agent_runs::AgentRuns>(),
    ProcessorEntry::of::<agent_detectors::AgentDetectors>(),
    ProcessorEntry::of::<agent_rules::AgentRules>(),
    ProcessorEntry::of::<alerts::Alerts>(),
];
