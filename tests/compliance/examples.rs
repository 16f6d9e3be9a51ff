//! Examples: every `collector.yaml` of the repository is accepted, and every YAML block in a README has settings that parse.

use crate::{Component, components};
use chaperone_config::{Node, Source};
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The environment of the examples: credentials are set, and whatever has a default is not.
fn environment(name: &str) -> Option<String> {
    let is_credential = ["USER", "PASSWORD", "SECRET", "TOKEN"].iter().any(|word| name.ends_with(word));
    is_credential.then(|| "from-the-environment".to_owned())
}

#[test]
fn every_example_is_accepted_without_a_warning() {
    let mut files = vec![root().join("collector.yaml")];
    for entry in fs::read_dir(root().join("examples")).expect("there are examples") {
        let file = entry.expect("a readable folder").path().join("collector.yaml");
        if file.exists() {
            files.push(file);
        }
    }
    assert!(files.len() > 2, "there are no examples");
    for file in files {
        let source = Source::Text { name: file.display().to_string(), text: fs::read_to_string(&file).expect("a readable file") };
        chaperone_genai::keys::install();
        match chaperone::check(&[source], &chaperone::built_in(), &environment) {
            Ok(warnings) => assert!(warnings.is_empty(), "{}:\n{warnings}", file.display()),
            Err(problems) => panic!("{}:\n{problems}", file.display()),
        }
    }
}

#[test]
fn every_yaml_block_of_a_readme_has_settings_that_parse() {
    chaperone_genai::keys::install();
    let all = components();
    let mut settings = 0;
    for component in &all {
        let readme = component.folder().join("README.md");
        let text = fs::read_to_string(&readme).expect("every component has one");
        for block in yaml_blocks(&text) {
            settings += check(&readme, block, &all);
        }
    }
    assert!(settings > all.len() / 2, "hardly any README shows its settings");
}

/// Texts between ```` ```yaml ```` and the closing fence.
fn yaml_blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

/// Parses every component of a block; gives how many there were.
fn check(readme: &Path, block: &str, all: &[Component]) -> usize {
    let block = block.replace("${env:", "$${env:");
    let node = Node::parse(&block, "README.md").unwrap_or_else(|error| panic!("{}:\n{error}", readme.display()));
    let mut found = 0;
    for section in ["receivers", "processors", "connectors", "exporters", "extensions"] {
        let Some(components) = node.get(section) else { continue };
        for (id, _, settings) in components.entries() {
            let kind = id.split('/').next().unwrap_or_default();
            let known = all.iter().find(|known| {
                let folder = known.folder();
                let section_matches = folder.parent().is_some_and(|parent| parent.ends_with(section));
                section_matches && (known.meta.name == kind || known.meta.aliases.contains(&kind))
            });
            let known = known.unwrap_or_else(|| panic!("{}: there is no `{kind}` in {section}", readme.display()));
            // The shared front of exporters takes its own keys out before the component sees the rest.
            let mut settings = settings.clone();
            for front in ["timeout", "retry_on_failure", "sending_queue"] {
                settings.take(front);
            }
            if let Err(error) = (known.parse)(&settings, id) {
                panic!("{}, `{id}`:\n{error}", readme.display());
            }
            found += 1;
        }
    }
    found
}
