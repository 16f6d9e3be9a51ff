//! Other people's files: what `tests/foreign-configs` says about each is what is said, to the letter.
//!
//! The folders hold files of our own wording that exercise what the originals exercise; `README.md` there tells where those
//! are, how the Collector judged them, and why the verdicts differ where they do.

use crate::said;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign-configs")
}

fn cases() -> Vec<PathBuf> {
    crate::cases_in(&folder())
}

fn name(case: &Path) -> String {
    case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the table says of each case: the Collector's verdict, ours, and why they differ.
fn table() -> BTreeMap<String, [String; 3]> {
    let text = fs::read_to_string(folder().join("README.md")).expect("a readable table");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [case, _source, _exercises, theirs, ours, why] = cells.as_slice() else { return None };
        let why = why.trim_end_matches('|').trim();
        Some((case.trim_matches('`').to_owned(), [*theirs, *ours, why].map(str::to_owned)))
    })
    .collect()
}

#[test]
fn every_foreign_configuration_gets_exactly_its_messages() {
    crate::compare(cases());
}

#[test]
fn the_table_tells_every_verdict_and_explains_every_difference() {
    let table = table();
    let cases = cases();
    assert!(cases.len() >= 30, "only {} files", cases.len());
    assert_eq!(table.keys().cloned().collect::<Vec<_>>(), cases.iter().map(|case| name(case)).collect::<Vec<_>>());
    for case in cases {
        let name = name(&case);
        let [theirs, ours, why] = &table[&name];
        let verdict = if said(&case).contains("error: ") { "refused" } else { "accepted" };
        assert_eq!(ours, verdict, "{name}: the table tells another verdict");
        assert!(["accepted", "refused"].contains(&theirs.as_str()), "{name}: `{theirs}` is no verdict");
        assert!(theirs == ours || !why.is_empty(), "{name}: a difference without a reason");
    }
}

#[test]
fn components_of_other_distributions_are_not_taken_for_mistakes_of_typing() {
    for case in cases() {
        let said = said(&case);
        for (at, line) in said.lines().enumerate() {
            if line.starts_with("error: unknown ") && line.contains(" type `") {
                let hint = said.lines().nth(at + 2).unwrap_or_default();
                assert!(!hint.contains("did you mean"), "{}: {line}\n{hint}", name(&case));
            }
        }
    }
}

#[test]
fn no_secret_of_a_foreign_configuration_shows() {
    for case in cases() {
        assert!(!said(&case).contains("hidden-word"), "{}", name(&case));
    }
}
