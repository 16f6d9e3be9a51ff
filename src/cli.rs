//! The command line: what may be written, and which command does it.
//!
//! Errors go to standard error, each problem of a configuration with its place; the exit code is 1 for all of them.

use crate::commands;
use anyhow::Result;
use chaperone_config::Problems;
use chaperone_pipeline::Registry;
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::io::Write;
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
Exit codes: 0 done, also after SIGTERM or SIGINT; 1 the command line or the configuration was refused, something failed, or a second signal ended it at once.
Log level: service::telemetry::logs::level in the configuration; RUST_LOG overrides it.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the collector (the default)
    Run(RunArgs),
    /// Check the configuration and say everything that is wrong with it
    Validate(commands::validate::ValidateArgs),
    /// Print the configuration in force: sources merged, variables put in, defaults filled in, secrets left out
    #[command(visible_alias = "print-initial-config")]
    PrintConfig(commands::print_config::PrintConfigArgs),
    /// List every component with its stability, signals and other spellings
    Components,
    /// List the feature gates, or one of them
    Featuregate(commands::featuregate::FeaturegateArgs),
    /// Print the schema of something
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Print the documentation of a component, or the names of all
    Docs(commands::docs::DocsArgs),
    /// Print what makes a shell complete this command line
    Completion(CompletionArgs),
    /// Send recorded OTLP through the pipelines, with what they would export on standard output
    Replay(commands::replay::ReplayArgs),
    /// Say of each record of recorded OTLP what it was taken for, how it was counted and priced, and why
    Explain(commands::explain::ExplainArgs),
    /// Make the telemetry of an agent and send it over OTLP
    Generate(commands::generate::GenerateArgs),
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// JSON schema of collector.yaml with every component of this binary, for editors
    Config,
}

/// For which shell.
#[derive(Debug, Args)]
struct CompletionArgs {
    /// bash: source it, or put it where bash-completion looks; zsh: a file `_chaperone` in $fpath; fish: in its completions folder
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// A configuration file, `file:PATH`, `env:NAME` or `yaml:TEXT`; may be repeated, later ones win.
    /// Without any: ./collector.yaml if it exists, else the built-in one
    #[arg(long = "config", value_name = "FILE")]
    pub config: Vec<String>,
    /// One setting, such as exporters.otlp_http.endpoint=http://localhost:4318; may be repeated, wins over files
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Gates to turn on (`a`, `+a`) or off (`-a`), separated by commas; `featuregate` lists them
    #[arg(long = "feature-gates", value_name = "GATES", allow_hyphen_values = true)]
    pub feature_gates: Vec<String>,
}

/// How to run.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Threads that work on requests; one for each core unless set
    #[arg(long, value_name = "N")]
    pub workers: Option<std::num::NonZeroUsize>,
    /// Do not watch the configuration files: read them again only on SIGHUP
    #[arg(long)]
    pub no_watch: bool,
}

/// What the process is called, for `--help`, `--version` and completion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub name: &'static str,
    pub version: &'static str,
}

impl Program {
    fn command(self) -> clap::Command {
        Cli::command().name(self.name).version(self.version)
    }
}

pub(crate) fn main(program: Program, registry: Registry) -> ExitCode {
    let parsed = program.command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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
        Some(Command::Validate(mut args)) => {
            args.config = joined_config(cli.run.config, args.config);
            commands::validate::validate(&args, &registry)
        }
        Some(Command::PrintConfig(mut args)) => {
            args.config = joined_config(cli.run.config, args.config);
            commands::print_config::print_config(&args, &registry)
        }
        Some(Command::Components) => commands::components::components(&registry, program),
        Some(Command::Featuregate(args)) => commands::featuregate::featuregate(&args, &cli.run.config.feature_gates),
        Some(Command::Schema(SchemaCommand::Config)) => commands::schema::config(&registry),
        Some(Command::Docs(args)) => commands::docs::docs(&args, &registry),
        Some(Command::Completion(args)) => completion(args.shell, program),
        Some(Command::Replay(mut args)) => {
            args.config = joined_config(cli.run.config, args.config);
            commands::replay::replay(&args, &registry)
        }
        Some(Command::Explain(mut args)) => {
            args.config = joined_config(cli.run.config, args.config);
            commands::explain::explain(&args, &registry)
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
    RunArgs {
        config: joined_config(before.config, after.config),
        workers: after.workers.or(before.workers),
        no_watch: before.no_watch || after.no_watch,
    }
}

fn joined_config(mut before: ConfigArgs, after: ConfigArgs) -> ConfigArgs {
    before.config.extend(after.config);
    before.set.extend(after.set);
    before.feature_gates.extend(after.feature_gates);
    before
}

fn completion(shell: Shell, program: Program) -> Done {
    let mut script = Vec::new();
    let mut command = program.command();
    let name = program.name;
    match shell {
        Shell::Bash => clap_complete::generate(clap_complete::Shell::Bash, &mut command, name, &mut script),
        Shell::Zsh => clap_complete::generate(clap_complete::Shell::Zsh, &mut command, name, &mut script),
        Shell::Fish => clap_complete::generate(clap_complete::Shell::Fish, &mut command, name, &mut script),
    }
    print(&String::from_utf8_lossy(&script))
}

/// Writes to standard output. Whoever reads may stop reading (`| head`): that is no error.
pub(crate) fn print(text: &str) -> Done {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
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

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_readme_tells_every_command_and_every_exit_code() {
        let readme = include_str!("../README.md");
        for command in Cli::command().get_subcommands().map(clap::Command::get_name) {
            let told = ["", "["].iter().any(|before| readme.contains(&format!("`chaperone {before}{command}")));
            assert!(told, "README.md does not tell of `{command}`");
        }
        for code in EXIT_CODES.lines().take(1).flat_map(|line| line.split(|c: char| !c.is_ascii_digit())) {
            assert!(code.is_empty() || readme.contains(&format!("\n| {code} | ")), "README.md does not tell exit code {code}");
        }
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
            "chaperone validate --strict --feature-gates=+service.AllowNoPipelines,-confmap.enableMergeAppendOption",
            "chaperone --feature-gates -service.AllowNoPipelines",
            "chaperone print-config --mode unredacted --format json --validate=false",
            "chaperone print-initial-config",
            "chaperone components",
            "chaperone featuregate service.AllowNoPipelines",
            "chaperone schema config",
            "chaperone docs otlp_http",
            "chaperone completion fish",
            "chaperone replay --format summary --exporter sqlite captures",
            "chaperone explain --format json --only 0af7 --all captures -",
            "chaperone generate --scenario loop --endpoint http://localhost:1",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in
            ["chaperone --foo", "chaperone foo", "chaperone validate x", "chaperone --workers 0", "chaperone completion sh"]
        {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
