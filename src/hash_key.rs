//! The key of digests and pseudonyms: from the environment, else kept in a file beside the embedded store.
//!
//! The file is made at the first start, readable by its owner alone; whoever loses it loses the link between old and new
//! digests, never data.
//! Without an embedded store there is no place for it: then a key is made for this run, and that is said.

use crate::entropy::{hex, random};
use anyhow::{Context, Result, bail};
use chaperone_config::Document;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use tracing::info;

/// 64 hexadecimal digits.
const VARIABLE: &str = "CHAPERONE_HASH_KEY";
const FILE: &str = "hash_key";
/// The exporter that is the embedded store.
const STORE: &str = "sqlite";

/// The key of a run.
pub(crate) fn of_run(document: &Document) -> Result<[u8; 32]> {
    if let Some(key) = from_environment()? {
        return Ok(key);
    }
    match store_folder(document) {
        Some(folder) => kept(&folder.join(FILE)),
        None => {
            info!(
                "digests and pseudonyms use a key of this run alone; set {VARIABLE} to 64 hexadecimal digits to keep them comparable"
            );
            random()
        }
    }
}

/// The key of a replay: the same everywhere, unless one is set, so that two replays of one capture are equal.
pub(crate) fn of_replay() -> Result<[u8; 32]> {
    Ok(from_environment()?.unwrap_or(*b"chaperone replay: a constant key"))
}

fn from_environment() -> Result<Option<[u8; 32]>> {
    match std::env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => {
            let key = parse(&text).with_context(|| format!("{VARIABLE} must be 64 hexadecimal digits"))?;
            Ok(Some(key))
        }
        _ => Ok(None),
    }
}

/// The folder of the first embedded store that a pipeline uses.
fn store_folder(document: &Document) -> Option<PathBuf> {
    let used = |id| document.service.pipelines.iter().flat_map(|pipeline| &pipeline.exporters).any(|used| used.id == id);
    let (_, node) = document.exporters.iter().find(|(id, _)| id.kind == STORE && used(id.clone()))?;
    let path = node.get("path").and_then(|path| path.text()).unwrap_or("./data/chaperone.db");
    Some(Path::new(path).parent().map(Path::to_owned).unwrap_or_default())
}

fn kept(path: &Path) -> Result<[u8; 32]> {
    let at = || format!("cannot use the key of digests in `{}`", path.display());
    match fs::read_to_string(path) {
        Ok(text) => parse(text.trim()).with_context(at),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = random()?;
            write(path, &key).with_context(at)?;
            info!(path = %path.display(), "made a key for digests and pseudonyms");
            Ok(key)
        }
        Err(error) => Err(error).with_context(at),
    }
}

/// Writes beside and renames, so that a crash leaves no half key.
fn write(path: &Path, key: &[u8; 32]) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    writeln!(file, "{}", hex(key))?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(())
}

fn parse(text: &str) -> Result<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        bail!("expected 64 hexadecimal digits, found {} bytes", text.len());
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits)?;
        *byte = u8::from_str_radix(digits, 16).context("not a hexadecimal digit")?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper").join(FILE);
        let first = kept(&path).unwrap();
        assert_eq!(kept(&path).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_key_file_is_an_error_not_a_new_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, "short").unwrap();
        assert!(format!("{:#}", kept(&path).unwrap_err()).ends_with("expected 64 hexadecimal digits, found 5 bytes"));
    }
}
