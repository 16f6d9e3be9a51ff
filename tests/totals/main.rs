//! Totals of real captures against their ground truth: tokens, calls that ended well, tool calls that models asked for.
//!
//! Each capture runs through `gen_ai_normalizer`, `gen_ai_steps` and `gen_ai_cost` as the graph would run it, and what was decided is
//! added up. Exceptions are those of the corpus's own table `LACKING.tsv`, and captures whose wire carries no tool calls.

mod agent_runs;
mod captures;
mod expected;
mod never_twice;
mod order;
mod run;
mod runs;

/// Captures of the dialects that are mapped whole.
const FAMILIES: [&str; 6] = [
    "otel-openai",
    "otel-anthropic",
    "openinference-openai",
    "openinference-anthropic",
    "openllmetry-openai",
    "openllmetry-anthropic",
];

fn of_families() -> Vec<String> {
    let names = chaperone_testkit::corpus::names();
    names.into_iter().filter(|name| FAMILIES.iter().any(|family| name.starts_with(family))).collect()
}
