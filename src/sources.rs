//! The texts that `--config` and `--set` name, and what `${...}` in them may read.
//!
//! Everything that comes from the file system or the environment comes through here.

use crate::app::default_config;
use crate::cli::ConfigArgs;
use anyhow::{Result, anyhow, bail};
use chaperone_config::{ReadFile, Source};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A configuration, or a file that one names, may be this large: more is a mistake, such as a device.
const MAX_FILE: u64 = 16 << 20;

/// What the command line names, or the default.
pub(crate) fn of(args: &ConfigArgs) -> Result<Vec<Source>> {
    read_by(args, &file)
}

/// The same with files read by somebody who remembers them.
pub(crate) fn read_by(args: &ConfigArgs, file: ReadFile<'_>) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for location in &args.config {
        sources.push(source(location, file)?);
    }
    if sources.is_empty() {
        let here = Path::new("collector.yaml");
        sources.push(match here.exists() {
            true => source("collector.yaml", file)?,
            false => Source::Text { name: "built-in collector.yaml".to_owned(), text: default_config().to_owned() },
        });
    }
    sources.extend(args.set.iter().cloned().map(Source::Set));
    Ok(sources)
}

/// One `--config`: a path, or `file:`, `env:` or `yaml:` with what follows.
fn source(location: &str, file: ReadFile<'_>) -> Result<Source> {
    let scheme = location.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
    let (name, text) = match scheme {
        None => (location, file(location)),
        Some(("file", path)) => (path, file(path)),
        // One that is not set says nothing.
        Some(("env", name)) => (location, Ok(variable(name).unwrap_or_default())),
        Some(("yaml", text)) => ("--config yaml:", Ok(text.to_owned())),
        Some(("http" | "https", _)) => {
            bail!(
                "`--config {location}`: configuration is not read over the network, fetch it before the start and name the file"
            )
        }
        Some((scheme, _)) => {
            bail!("the scheme `{scheme}` of `--config {location}` is not supported, use a path, `file:`, `env:` or `yaml:`")
        }
    };
    let text = text.map_err(|reason| anyhow!("cannot read the configuration `{location}`: {reason}"))?;
    Ok(Source::Text { name: name.to_owned(), text })
}

/// Two or more letters: one letter is a drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// What `${env:NAME}` becomes.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What `${file:PATH}` becomes; the error is the reason alone.
pub(crate) fn file(path: &str) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("it is larger than {} MiB", MAX_FILE >> 20));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(args: &ConfigArgs) -> Result<Vec<String>, String> {
        let sources = of(args).map_err(|error| format!("{error:#}"))?;
        let text = |source| match source {
            Source::Text { text, .. } => text,
            Source::Set(set) => set,
        };
        Ok(sources.into_iter().map(text).collect())
    }

    fn args(config: &[&str], set: &[&str]) -> ConfigArgs {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        ConfigArgs { config: owned(config), set: owned(set), ..ConfigArgs::default() }
    }

    #[test]
    fn configurations_come_from_files_variables_and_the_command_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "a: 1").unwrap();
        let path = path.to_str().unwrap();
        let home = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let found =
            text(&args(&[path, &format!("file:{path}"), "yaml:b: 2", "env:CARGO_PKG_NAME", "env:NO_SUCH_NAME"], &["c=3"]));
        assert_eq!(found.unwrap(), ["a: 1", "a: 1", "b: 2", &home, "", "c=3"]);
    }

    #[test]
    fn an_absent_file_and_an_unknown_scheme_are_errors() {
        for (location, expected) in [
            ("nowhere.yaml", "cannot read the configuration `nowhere.yaml`: "),
            ("file:nowhere.yaml", "cannot read the configuration `file:nowhere.yaml`: "),
            ("s3://bucket", "the scheme `s3` of `--config s3://bucket` is not supported, use a path, `file:`, `env:` or `yaml:`"),
            ("https://h/c.yaml", "`--config https://h/c.yaml`: configuration is not read over the network"),
        ] {
            let message = text(&args(&[location], &[])).unwrap_err();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.yaml");
        File::create(&path).unwrap().set_len(MAX_FILE + 1).unwrap();
        assert_eq!(file(path.to_str().unwrap()), Err("it is larger than 16 MiB".to_owned()));
    }
}
