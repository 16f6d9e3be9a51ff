//! `chaperone print-config`: the configuration as it is in force, on standard output.
//!
//! Sources merged, `${...}` put in, every default filled in, keys sorted, ids as the user wrote them. What is printed as YAML
//! can be used as a configuration again; secrets are left out unless asked for.

use crate::cli::{ConfigArgs, Done, print};
use crate::{app, gates, sources, telemetry, yaml};
use anyhow::Result;
use chaperone_config::{Document, Problems, Reference, effective_settings};
use chaperone_pipeline::Registry;
use chaperone_pipeline::engine::Graph;
use clap::{ArgAction, Args, ValueEnum};
use serde_json::{Map, Value, json};

/// What is printed, and how.
#[derive(Debug, Args)]
pub struct PrintConfigArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Whether secrets are shown
    #[arg(long, value_enum, default_value_t = Mode::Redacted)]
    mode: Mode,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
    /// Whether sections, references and pipelines must be good; settings that cannot be read are always refused
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    validate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// `[REDACTED]` in place of each
    Redacted,
    /// As they are: take care who reads it
    Unredacted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

pub(crate) fn print_config(args: &PrintConfigArgs, registry: &Registry) -> Done {
    telemetry::start_logs(&telemetry::LogsConfig::of_level("warn"));
    let sources = sources::of(&args.config)?;
    let around = app::surroundings(gates::parse(&args.config.feature_gates)?);
    if args.validate {
        let warnings = app::check_within(&sources, registry, &around)?;
        if !warnings.is_empty() {
            eprintln!("{warnings}");
        }
    }
    let (document, problems) = chaperone_config::load_what_is_there(&sources, &around);
    let Some(document) = document else {
        return Err(problems.into());
    };
    let value = effective(&document, registry, args.mode == Mode::Unredacted)?;
    match args.format {
        Format::Yaml => print(&yaml::write(&value)),
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&value)?)),
    }
}

pub(crate) fn effective(document: &Document, registry: &Registry, show_secrets: bool) -> Result<Value> {
    let mut problems = Problems::new();
    let mut whole = Graph::effective(document, registry, show_secrets, &mut problems);
    whole.retain(|_, section| section.as_object().is_some_and(|section| !section.is_empty()));
    let telemetry = effective_settings::<telemetry::TelemetryConfig>(
        &document.service.telemetry,
        "service.telemetry",
        show_secrets,
        &mut problems,
    );
    if problems.has_errors() {
        return Err(problems.into());
    }
    let ids = |list: &[Reference]| list.iter().map(|reference| reference.id.to_string()).collect::<Vec<_>>();
    let pipelines: Map<String, Value> = document
        .service
        .pipelines
        .iter()
        .map(|pipeline| {
            let (receivers, exporters) = (ids(&pipeline.receivers), ids(&pipeline.exporters));
            let lists = json!({"receivers": receivers, "processors": ids(&pipeline.processors), "exporters": exporters});
            (pipeline.id.to_string(), lists)
        })
        .collect();
    let service = json!({"extensions": ids(&document.service.extensions), "pipelines": pipelines, "telemetry": telemetry});
    whole.insert("service".to_owned(), service);
    Ok(Value::Object(whole))
}
