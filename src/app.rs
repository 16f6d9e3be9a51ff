//! Wires registry, configuration and engine together: from `--config` and `--set` to a graph.

use crate::cli::ConfigArgs;
use crate::telemetry::TelemetryConfig;
use anyhow::{Context, Result, bail};
use chaperone_config::{Document, Problems, Source, read_settings};
use chaperone_pipeline::engine::{EngineSettings, Graph, SharedState};
use chaperone_pipeline::{Clock, MemoryStorage, Registry, Telemetry};
use std::path::Path;
use std::sync::Arc;

/// The configuration that is used when no other is named and none is in the working directory.
pub fn default_config() -> &'static str {
    include_str!("../collector.yaml")
}

/// A configuration that was read, before its components are built.
pub(crate) struct Loaded {
    pub document: Document,
    pub telemetry: TelemetryConfig,
    /// Warnings.
    pub problems: Problems,
}

/// Reads what the command line names.
pub(crate) fn load(args: &ConfigArgs, registry: &Registry) -> Result<Loaded> {
    let sources = sources(args)?;
    Ok(read(&sources, registry, &environment)?)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// From sources to a document, with the settings that are the binary's own.
///
/// An error in one place does not hide those in others: components are asked about their settings even so.
fn read(sources: &[Source], registry: &Registry, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Problems> {
    let (document, mut problems) = chaperone_config::load_what_is_there(sources, env);
    let Some(document) = document else {
        return Err(problems);
    };
    let sections_are_good = !problems.has_errors();
    let telemetry = read_settings::<TelemetryConfig>(&document.service.telemetry, "service.telemetry", &mut problems);
    match telemetry {
        Some(telemetry) if sections_are_good => return Ok(Loaded { document, telemetry, problems }),
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
pub fn check(sources: &[Source], registry: &Registry, env: &dyn Fn(&str) -> Option<String>) -> Result<Problems, Problems> {
    let Loaded { document, mut problems, .. } = read(sources, registry, env)?;
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

/// The engine's settings that every command shares.
pub(crate) fn settings(clock: Clock, telemetry: Telemetry, hash_key: [u8; 32]) -> EngineSettings {
    EngineSettings { clock, telemetry, hash_key, storage: Arc::new(MemoryStorage::default()), shared: SharedState::default() }
}

/// The texts that `--config` and `--set` name, or the default.
pub(crate) fn sources(args: &ConfigArgs) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for location in &args.config {
        sources.push(source(location)?);
    }
    if sources.is_empty() {
        let here = Path::new("collector.yaml");
        sources.push(match here.exists() {
            true => source("collector.yaml")?,
            false => Source::Text { name: "built-in collector.yaml".to_owned(), text: default_config().to_owned() },
        });
    }
    sources.extend(args.set.iter().cloned().map(Source::Set));
    Ok(sources)
}

/// One `--config`: a path, or `file:`, `env:` or `yaml:` with what follows.
fn source(location: &str) -> Result<Source> {
    let scheme = location.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
    let (name, text) = match scheme {
        None => (location, std::fs::read_to_string(location)),
        Some(("file", path)) => (path, std::fs::read_to_string(path)),
        Some(("env", name)) => (location, Ok(environment(name).unwrap_or_default())),
        Some(("yaml", text)) => ("--config yaml:", Ok(text.to_owned())),
        Some((scheme, _)) => {
            bail!("the scheme `{scheme}` of `--config {location}` is not supported, use a path, `env:` or `yaml:`")
        }
    };
    let text = text.with_context(|| format!("cannot read the configuration `{location}`"))?;
    Ok(Source::Text { name: name.to_owned(), text })
}

/// Two or more letters: one letter is a drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(args: &ConfigArgs) -> Result<Vec<String>, String> {
        let sources = sources(args).map_err(|error| format!("{error:#}"))?;
        let text = |source| match source {
            Source::Text { text, .. } => text,
            Source::Set(set) => set,
        };
        Ok(sources.into_iter().map(text).collect())
    }

    fn args(config: &[&str], set: &[&str]) -> ConfigArgs {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        ConfigArgs { config: owned(config), set: owned(set) }
    }

    #[test]
    fn configurations_come_from_files_variables_and_the_command_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "a: 1").unwrap();
        let path = path.to_str().unwrap();
        let found = text(&args(&[path, &format!("file:{path}"), "yaml:b: 2"], &["c=3"]));
        assert_eq!(found.unwrap(), ["a: 1", "a: 1", "b: 2", "c=3"]);
    }

    #[test]
    fn an_absent_file_and_an_unknown_scheme_are_errors() {
        assert!(text(&args(&["nowhere.yaml"], &[])).unwrap_err().starts_with("cannot read the configuration `nowhere.yaml`: "));
        assert!(text(&args(&["s3://bucket"], &[])).unwrap_err().starts_with("the scheme `s3` of `--config s3://bucket` is not"));
    }
}
