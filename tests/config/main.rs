//! Good and bad configurations, and exactly what is said about them.
//!
//! A case is a folder `NNN_name` with `collector.yaml` and `expected.txt`, which is empty where all is well.
//! Beside them may stand `more.yaml` (a second `--config`), `set.txt` (a `--set` a line), `env.txt` (`NAME=value` a line), and
//! whatever `${file:...}` names. The names of all components stand as `(all)`, or each new one would change the cases.
//! `UPDATE_EXPECTED=1` writes what is said now into `expected.txt`, for review.

mod contract;
mod contract_front;
mod contract_ids;
mod contract_phases;
mod contract_sources;
mod contract_telemetry;
mod contract_values;
mod foreign;

use chaperone::config::{Gates, Node, Source, Surroundings};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn cases() -> Vec<PathBuf> {
    cases_in(&folder())
}

/// The folders in a folder, in order.
fn cases_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("invariant: the cases are part of the repository");
    let mut cases: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

/// The lines of a file that may be missing.
fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}

fn sources(case: &Path) -> Vec<Source> {
    let texts = ["collector.yaml", "more.yaml"].into_iter().filter_map(|name| {
        let text = fs::read_to_string(case.join(name)).ok()?;
        Some(Source::Text { name: name.to_owned(), text })
    });
    texts.chain(lines(&case.join("set.txt")).into_iter().map(Source::Set)).collect()
}

/// What `validate` prints.
fn said(case: &Path) -> String {
    let environment: Vec<(String, String)> = lines(&case.join("env.txt"))
        .iter()
        .filter_map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let lookup = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let read = |path: &str| fs::read_to_string(case.join(path)).map_err(|error| error.to_string());
    let around = Surroundings { env: &lookup, file: &read, gates: Gates::default() };
    let said = match chaperone::check_within(&sources(case), &chaperone::built_in(), &around) {
        Ok(warnings) => warnings.to_string(),
        Err(problems) => {
            assert!(problems.has_errors(), "{}: refused without an error:\n{problems}", case.display());
            problems.to_string()
        }
    };
    let mut of_type = false;
    let mut lines: Vec<&str> = said.lines().collect();
    for line in &mut lines {
        if !line.starts_with(' ') {
            of_type = line.starts_with("error: unknown ") && line.contains(" type `");
        } else if of_type && line.starts_with("  hint: known here: ") {
            *line = "  hint: known here: (all)";
        }
    }
    lines.join("\n")
}

/// Compares what is said of each case with its `expected.txt`; `UPDATE_EXPECTED=1` writes that anew.
fn compare(cases: Vec<PathBuf>) {
    let update = std::env::var("UPDATE_EXPECTED").is_ok_and(|value| value == "1");
    let mut wrong = String::new();
    for case in cases {
        let path = case.join("expected.txt");
        let said = said(&case);
        if update {
            let end = if said.is_empty() { "" } else { "\n" };
            fs::write(&path, format!("{said}{end}")).expect("the case's folder can be written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if said.trim_end() != expected.trim_end() {
            wrong += &format!("--- {}\nexpected:\n{expected}\nsaid:\n{said}\n", case.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_configuration_gets_exactly_its_messages() {
    compare(cases());
}

#[test]
fn every_case_is_named_by_number_and_has_an_expectation() {
    let cases = cases();
    assert!(cases.len() >= 20, "only {} cases were found", cases.len());
    for case in cases {
        let name = case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let number = name.split('_').next().unwrap_or_default();
        assert!(number.len() == 3 && number.chars().all(|c| c.is_ascii_digit()), "{name}");
        assert!(case.join("collector.yaml").exists() && case.join("expected.txt").exists(), "{name}");
    }
}

#[test]
fn the_default_configuration_is_good() {
    let source = Source::Text { name: "collector.yaml".to_owned(), text: chaperone::default_config().to_owned() };
    let found = chaperone::check(&[source], &chaperone::built_in(), &|_| None);
    assert_eq!(found.map(|warnings| warnings.to_string()).map_err(|problems| problems.to_string()), Ok(String::new()));
}

#[test]
fn every_component_reports_all_unknown_keys_with_their_place() {
    let registry = chaperone::built_in();
    let node = Node::parse("no_such_key: 1\nnor_this: {a: 1}\n", "c.yaml").expect("the text is YAML");
    let parsed = [
        registry.receivers.iter().map(|entry| (entry.meta.name, (entry.parse)(&node, "x").err())).collect::<Vec<_>>(),
        registry.processors.iter().map(|entry| (entry.meta.name, (entry.parse)(&node, "x").err())).collect(),
        registry.connectors.iter().map(|entry| (entry.meta.name, (entry.parse)(&node, "x").err())).collect(),
        registry.exporters.iter().map(|entry| (entry.meta.name, (entry.parse)(&node, "x").err())).collect(),
    ];
    for (name, problems) in parsed.into_iter().flatten() {
        let text = problems.map(|problems| problems.to_string()).unwrap_or_default();
        assert!(text.contains("error: unknown key `no_such_key`\n  --> c.yaml:1:1  x.no_such_key"), "{name}: {text}");
        assert!(text.contains("error: unknown key `nor_this`\n  --> c.yaml:2:1  x.nor_this"), "{name}: {text}");
    }
}
