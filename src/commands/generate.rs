//! `chaperone generate`: makes the telemetry of an agent and sends it over OTLP/HTTP, as the agent's SDK would.

use crate::cli::Done;
use clap::{Args, ValueEnum};

/// What is made, and where it goes.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// How the agent behaves
    #[arg(long, value_enum, default_value_t = Scenario::Normal)]
    scenario: Scenario,
    /// The OTLP/HTTP endpoint of a collector
    #[arg(long, default_value = "http://localhost:4318", value_name = "URL")]
    endpoint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// A few calls of models and tools, then an answer
    Normal,
    /// The same tool with the same arguments, again and again
    Loop,
}

pub(crate) fn generate(_args: &GenerateArgs) -> Done {
    anyhow::bail!("not part of this build")
}
