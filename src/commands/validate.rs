//! `chaperone validate`: everything that is wrong with a configuration, without opening a socket or a file of data.
//!
//! Prints nothing when all is well; warnings and errors go to standard error. `--strict` refuses what only warns.

use crate::cli::{ConfigArgs, Done};
use crate::{app, gates, sources, telemetry};
use anyhow::bail;
use chaperone_pipeline::Registry;
use clap::Args;

/// What is checked, and how strictly.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Refuse what would only be warned of, such as unset variables and components that no pipeline uses
    #[arg(long)]
    strict: bool,
}

pub(crate) fn validate(args: &ValidateArgs, registry: &Registry) -> Done {
    telemetry::start_logs(&telemetry::LogsConfig::of_level("warn"));
    let around = app::surroundings(gates::parse(&args.config.feature_gates)?);
    let warnings = app::check_within(&sources::of(&args.config)?, registry, &around)?;
    if warnings.is_empty() {
        return Ok(());
    }
    eprintln!("{warnings}");
    match (args.strict, warnings.iter().count()) {
        (false, _) => Ok(()),
        (true, 1) => bail!("refused because of 1 warning (--strict)"),
        (true, count) => bail!("refused because of {count} warnings (--strict)"),
    }
}
