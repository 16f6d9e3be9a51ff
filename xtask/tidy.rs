//! `cargo xtask tidy`: rules of this repository that neither rustc nor clippy knows.
//!
//! Import table, length of files, ASCII sources, semantic-convention keys in one place, paths named in documents,
//! every component with its README.

use crate::{imports, root};
use anyhow::{Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;
const ROOMS: &[&str] = &[
    "src",
    "proto",
    "config",
    "pipeline",
    "genai",
    "net",
    "store",
    "receivers",
    "processors",
    "connectors",
    "exporters",
    "extensions",
    "scenarios",
    "testkit",
    "benches",
    "xtask",
    "tests",
    "examples",
    "fuzz",
    "docs",
];

/// Runs every rule; fails with all findings.
pub fn run() -> Result<()> {
    let root = root();
    let mut found = Vec::new();
    imports::check(&root, &mut found)?;
    sources(&root, &mut found)?;
    documents(&root, &mut found)?;
    readmes(&root, &mut found)?;
    if found.is_empty() {
        println!("tidy: nothing found");
        return Ok(());
    }
    for finding in &found {
        eprintln!("{finding}");
    }
    bail!("tidy: {} finding(s)", found.len())
}

/// Files with an extension below a folder, sorted; build output and the corpus left out.
pub fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "corpus", "node_modules"].contains(&name.as_str()) && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn rooms(root: &Path) -> impl Iterator<Item = PathBuf> {
    let root = root.to_path_buf();
    ROOMS.iter().map(move |room| root.join(room)).filter(|path| path.is_dir())
}

fn sources(root: &Path, found: &mut Vec<String>) -> Result<()> {
    for room in rooms(root) {
        for file in files_below(&room, "rs")? {
            let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            let text = fs::read_to_string(&file)?;
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                found.push(format!("{shown}: {lines} lines, at most {LONGEST_FILE}"));
            }
            if let Some(line) = text.lines().position(|line| !line.is_ascii()) {
                found.push(format!("{shown}:{}: not ASCII, write `\\u{{...}}`", line + 1));
            }
            if !text.starts_with("//!") && !text.starts_with("#!") {
                found.push(format!("{shown}: does not start with `//!`"));
            }
            semconv(&shown, &text, found);
        }
    }
    Ok(())
}

/// Keys of the conventions stand in `genai/keys.rs` and the data tables only; tests and made telemetry may spell them out.
fn semconv(shown: &str, text: &str, found: &mut Vec<String>) {
    let spells_keys = [
        "genai/keys.rs",
        "genai/metric_names.rs",
        "genai/event_names.rs",
        "scenarios/",
        "tests/",
        "testkit/",
        "benches/",
        "xtask/",
        "fuzz/",
        "genai/dialects/",
    ];
    if spells_keys.iter().any(|start| shown.starts_with(start)) || shown.contains("tests") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        if line.contains("#[cfg(test)]") {
            break;
        }
        if line.contains("\"gen_ai.") && !line.trim_start().starts_with("//") {
            found.push(format!("{shown}:{}: a semantic-convention key outside `genai/keys.rs`", number + 1));
        }
    }
}

/// Every relative path that a document links to exists; no document names a path of somebody's machine.
fn documents(root: &Path, found: &mut Vec<String>) -> Result<()> {
    for file in files_below(root, "md")? {
        let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        let folder = file.parent().unwrap_or(root);
        let text = fs::read_to_string(&file)?;
        for (number, line) in text.lines().enumerate() {
            for target in links(line) {
                let path = target.split('#').next().unwrap_or_default();
                let outside = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
                if !outside && !folder.join(path).exists() {
                    found.push(format!("{shown}:{}: `{path}` does not exist", number + 1));
                }
            }
        }
    }
    Ok(())
}

/// Targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

fn readmes(root: &Path, found: &mut Vec<String>) -> Result<()> {
    for kind in ["receivers", "processors", "connectors", "exporters", "extensions"] {
        for entry in fs::read_dir(root.join(kind))? {
            let path = entry?.path();
            if path.join("mod.rs").is_file() && !path.join("README.md").is_file() {
                let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                found.push(format!("{shown}: has no README.md"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_a_line_of_markdown() {
        let line = "See [the plan](docs/ARCHITECTURE.md) and [this](#below).";
        assert_eq!(links(line).collect::<Vec<_>>(), ["docs/ARCHITECTURE.md", "#below"]);
    }

    #[test]
    fn a_key_spelled_out_in_a_component_is_found() {
        let mut found = Vec::new();
        semconv("processors/x/mod.rs", "let key = \"gen_ai.system\";", &mut found);
        assert_eq!(found.len(), 1);
    }
}
