//! Wires registry, configuration and engine together: from `--config` and `--set` to a graph.

use crate::cli::ConfigArgs;
use crate::commands::print_config;
use crate::inputs::Inputs;
use crate::telemetry::TelemetryConfig;
use crate::{gates, sources};
use anyhow::Result;
use chaperone_config::{Document, Gates, Problems, Source, Surroundings, read_settings};
use chaperone_pipeline::engine::{EngineSettings, Graph, SharedState};
use chaperone_pipeline::status::{About, Feature};
use chaperone_pipeline::{Clock, MemoryStorage, Registry, Telemetry};
use std::sync::Arc;

/// The configuration that is used when no other is named and none is in the working directory.
pub fn default_config() -> &'static str {
    include_str!("../collector.yaml")
}

/// A configuration that was read, before its components are built.
pub(crate) struct Loaded {
    pub document: Document,
    pub telemetry: TelemetryConfig,
    pub gates: Gates,
    /// Warnings.
    pub problems: Problems,
}

/// Reads what the command line names.
pub(crate) fn load(args: &ConfigArgs, registry: &Registry) -> Result<Loaded> {
    load_from(args, registry, &Inputs::default())
}

/// The same, with the files remembered from which it was read, also when it is wrong.
pub(crate) fn load_from(args: &ConfigArgs, registry: &Registry, inputs: &Inputs) -> Result<Loaded> {
    let file = |path: &str| inputs.read(path);
    let around = Surroundings { file: &file, ..surroundings(gates::parse(&args.feature_gates)?) };
    Ok(read(&sources::read_by(args, &file)?, registry, &around)?)
}

/// The environment and the files of this process.
pub(crate) fn surroundings(gates: Gates) -> Surroundings<'static> {
    Surroundings { env: &sources::variable, file: &sources::file, gates }
}

/// From sources to a document, with the settings that are the binary's own.
///
/// An error in one place does not hide those in others: components are asked about their settings even so.
fn read(sources: &[Source], registry: &Registry, around: &Surroundings) -> Result<Loaded, Problems> {
    let (document, mut problems) = chaperone_config::load_what_is_there(sources, around);
    let Some(document) = document else {
        return Err(problems);
    };
    let sections_are_good = !problems.has_errors();
    let telemetry = read_settings::<TelemetryConfig>(&document.service.telemetry, "service.telemetry", &mut problems);
    match telemetry {
        Some(telemetry) if sections_are_good => return Ok(Loaded { document, telemetry, gates: around.gates, problems }),
        // Wiring can be checked.
        _ if sections_are_good => problems.extend(Graph::build(&document, registry, to_check()).err().unwrap_or_default()),
        _ => extend_with_new(&mut problems, &Graph::check_settings(&document, registry)),
    }
    problems.sort_by_place();
    Err(problems)
}

/// Adds problems of places that have none yet: a value that could not be expanded has no type to complain about.
fn extend_with_new(problems: &mut Problems, found: &Problems) {
    for problem in found.iter() {
        if !problems.iter().any(|known| known.path == problem.path && known.location == problem.location) {
            problems.push(problem.clone());
        }
    }
}

/// Checks a configuration as `validate` does: everything but starting. Gives the warnings.
///
/// `env` looks variables up; files are those of this process.
pub fn check(sources: &[Source], registry: &Registry, env: &dyn Fn(&str) -> Option<String>) -> Result<Problems, Problems> {
    check_within(sources, registry, &Surroundings { env, ..surroundings(Gates::default()) })
}

/// As [`check`], with files and feature gates passed in too.
pub fn check_within(sources: &[Source], registry: &Registry, around: &Surroundings) -> Result<Problems, Problems> {
    let Loaded { document, mut problems, .. } = read(sources, registry, around)?;
    let built = Graph::build(&document, registry, to_check());
    let good = built.is_ok();
    match built {
        Ok(graph) => graph.warnings().iter().for_each(|warning| problems.push(warning.clone())),
        Err(found) => problems.extend(found),
    }
    problems.sort_by_place();
    if good { Ok(problems) } else { Err(problems) }
}

/// For a graph that is built to be thrown away.
fn to_check() -> EngineSettings {
    settings(Clock::system(), Telemetry::default(), [0; 32])
}

/// What pages about the process tell: version, feature gates, the configuration in force without secrets.
pub(crate) fn about(loaded: &Loaded, registry: &Registry) -> About {
    let feature = |gate: &gates::Gate| Feature {
        id: gate.id.to_owned(),
        enabled: (gate.is_on)(&loaded.gates),
        stage: gate.stage.to_owned(),
        description: gate.description.to_owned(),
    };
    About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        features: gates::ALL.iter().map(feature).collect(),
        config: print_config::effective(&loaded.document, registry, false).unwrap_or_default(),
    }
}

/// The engine's settings that every command shares.
pub(crate) fn settings(clock: Clock, telemetry: Telemetry, hash_key: [u8; 32]) -> EngineSettings {
    EngineSettings { clock, telemetry, hash_key, storage: Arc::new(MemoryStorage::default()), shared: SharedState::default() }
}
