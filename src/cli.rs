//! The command line: what may be written, and which command does it.
//!
//! Errors go to standard error, each problem of a configuration with its place; the exit code is 1 for all of them.

use crate::commands;
use anyhow::Result;
use chaperone_config::Problems;
use chaperone_pipeline::Registry;
use clap::{ArgAction, Args, Parser, Subcommand};
use std::process::ExitCode;

/// The OpenTelemetry Collector for AI agents.
#[derive(Debug, Parser)]
#[command(name = "chaperone", version, disable_version_flag = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    command: Option<Command>,
    /// Print the version
    #[arg(short = 'v', long, action = ArgAction::Version)]
    version: Option<bool>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, also after SIGTERM or SIGINT; 1 refused, failed, or ended at once by a second signal.
Log level: service::telemetry::logs::level in the configuration; RUST_LOG overrides it.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the collector (the default)
    Run(RunArgs),
    /// Check the configuration and say everything that is wrong with it
    Validate(ConfigArgs),
    /// List every component with its stability, signals and other spellings
    Components,
    /// Send recorded OTLP through the pipelines, with what they would export on standard output
    Replay(commands::replay::ReplayArgs),
    /// Make the telemetry of an agent and send it over OTLP
    Generate(commands::generate::GenerateArgs),
}

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// A configuration file, or `env:NAME` or `yaml:TEXT`; may be repeated, later ones win.
    /// Without any: ./collector.yaml if it exists, else the built-in one
    #[arg(long = "config", value_name = "FILE")]
    pub config: Vec<String>,
    /// One setting, such as exporters.otlp_http.endpoint=http://localhost:4318; may be repeated, wins over files
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// How to run.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Threads that work on requests; one for each core unless set
    #[arg(long, value_name = "N")]
    pub workers: Option<std::num::NonZeroUsize>,
}

pub(crate) fn main(registry: Registry) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let done = match cli.command {
        None => commands::run::run(&cli.run, &registry),
        // Options may stand before or after the word `run`.
        Some(Command::Run(args)) => commands::run::run(&joined(cli.run, args), &registry),
        Some(Command::Validate(args)) => commands::validate::validate(&joined_config(cli.run.config, args), &registry),
        Some(Command::Components) => commands::components::components(&registry),
        Some(Command::Replay(mut args)) => {
            args.config = joined_config(cli.run.config, args.config);
            commands::replay::replay(&args, &registry)
        }
        Some(Command::Generate(args)) => commands::generate::generate(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn joined(before: RunArgs, after: RunArgs) -> RunArgs {
    RunArgs { config: joined_config(before.config, after.config), workers: after.workers.or(before.workers) }
}

fn joined_config(mut before: ConfigArgs, after: ConfigArgs) -> ConfigArgs {
    before.config.extend(after.config);
    before.set.extend(after.set);
    before
}

/// Problems of a configuration are printed one by one, other errors with their causes.
fn report(error: &anyhow::Error) {
    match error.downcast_ref::<Problems>() {
        Some(problems) => eprintln!("{problems}"),
        None => eprintln!("error: {error:#}"),
    }
}

/// What a command gives back.
pub(crate) type Done = Result<()>;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        let cli =
            Cli::try_parse_from(["chaperone", "--config", "a", "run", "--config=b", "--set", "x=1", "--workers", "2"]).unwrap();
        let Some(Command::Run(args)) = cli.command else { panic!("expected `run`") };
        let args = joined(cli.run, args);
        assert_eq!(args.config.config, ["a", "b"]);
        assert_eq!(args.config.set, ["x=1"]);
        assert_eq!(args.workers.map(std::num::NonZeroUsize::get), Some(2));
    }

    #[test]
    fn the_documented_forms_are_understood() {
        for line in [
            "chaperone",
            "chaperone --set=a.b=c",
            "chaperone validate --config x.yaml",
            "chaperone components",
            "chaperone replay --format summary --exporter sqlite captures",
            "chaperone generate --scenario loop --endpoint http://localhost:1",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in ["chaperone --foo", "chaperone foo", "chaperone validate x", "chaperone --workers 0"] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
