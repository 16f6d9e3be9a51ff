//! Who may import whom: the table of `docs/ARCHITECTURE.md`, checked against the manifests and the sources.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Crate folder, and the folders it may name under `[dependencies]`.
/// Tests may use `testkit` and what they prove, so `[dev-dependencies]` are not looked at.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("config", &[]),
    ("pipeline", &["proto", "config"]),
    ("genai", &["proto"]),
    ("net", &["config", "pipeline"]),
    ("store", &["proto", "genai"]),
    ("receivers", &["proto", "config", "pipeline", "net", "genai", "store"]),
    ("processors", &["proto", "config", "pipeline", "net", "genai", "store"]),
    ("connectors", &["proto", "config", "pipeline", "net", "genai", "store"]),
    ("exporters", &["proto", "config", "pipeline", "net", "genai", "store"]),
    ("extensions", &["proto", "config", "pipeline", "net", "genai", "store"]),
    ("scenarios", &["proto", "genai"]),
];

/// Folders whose modules are siblings that must not know each other.
const COMPONENTS: &[&str] = &["receivers", "processors", "connectors", "exporters", "extensions"];

/// Adds what breaks the table to `found`.
pub fn check(root: &Path, found: &mut Vec<String>) -> Result<()> {
    for (folder, allowed) in MAY_IMPORT {
        let manifest = root.join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
        for dependency in dependencies(&text) {
            if !allowed.contains(&dependency) {
                found.push(format!("{folder}/Cargo.toml: `{folder}` may not import `{dependency}`"));
            }
        }
    }
    for kind in COMPONENTS {
        siblings(&root.join(kind), kind, found)?;
    }
    Ok(())
}

/// Names of our own crates under `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut section = "";
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]"
            && let Some(rest) = line.strip_prefix("chaperone-")
        {
            names.push(rest.split(['=', ' ', '.']).next().unwrap_or_default());
        }
    }
    names
}

/// A component must not name a sibling, nor climb out of its folder.
fn siblings(folder: &Path, kind: &str, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in crate::tidy::files_below(&path, "rs")? {
            let text = fs::read_to_string(&file)?;
            // From `tests/config.rs` inside a component, two steps up are still inside it.
            let depth = file.strip_prefix(&path).map_or(1, |inside| inside.components().count());
            for (number, line) in text.lines().enumerate() {
                let place = format!("{kind}/{own} ({}:{})", file.display(), number + 1);
                if let Some(rest) = line.split("crate::").nth(1) {
                    let named: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    let is_sibling = folder.join(&named).is_dir() && named != own;
                    if is_sibling && !line.contains("chaperone_") {
                        found.push(format!("{place}: names its sibling `{named}`"));
                    }
                }
                if depth < 2 && line.contains("super::super") {
                    found.push(format!("{place}: climbs out with `super::super`"));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dependencies_section_counts() {
        let manifest = "[dependencies]\nchaperone-proto = {}\nserde = {}\n[dev-dependencies]\nchaperone-testkit = {}\n";
        assert_eq!(dependencies(manifest), ["proto"]);
    }
}
