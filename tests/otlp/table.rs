//! The table of rules in `README.md` against the tests there are.

use std::collections::BTreeSet;

const README: &str = include_str!("README.md");
const SOURCES: [&str; 7] = [
    include_str!("contract_cors.rs"),
    include_str!("contract_encodings.rs"),
    include_str!("contract_grpc.rs"),
    include_str!("contract_http.rs"),
    include_str!("contract_json.rs"),
    include_str!("contract_outcomes.rs"),
    include_str!("contract_settings.rs"),
];
const SOCKETS: &str = include_str!("contract_sockets.rs");

fn names(text: &str, before: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |rest: &str| format!("r3_{}", rest.chars().take_while(|c| is_part(*c)).collect::<String>());
    text.split(&format!("{before}r3_")).skip(1).map(name).collect()
}

#[test]
fn every_rule_has_its_test_and_every_test_its_rule() {
    let told = names(README, "`");
    let there: BTreeSet<String> = SOURCES.iter().chain([&SOCKETS]).flat_map(|source| names(source, "fn ")).collect();
    assert!(told.len() > 50, "{}", told.len());
    let unknown: Vec<_> = told.difference(&there).collect();
    assert!(unknown.is_empty(), "the table names tests that are not there: {unknown:?}");
    let untold: Vec<_> = there.difference(&told).filter(|name| !name.starts_with("r3_4_")).collect();
    assert!(untold.is_empty(), "the table leaves out {untold:?}");
}

#[test]
fn the_rules_are_numbered_without_gaps() {
    let rows: Vec<&str> = README.lines().filter_map(|line| line.strip_prefix("| 3.")?.split(' ').next()).collect();
    for (section, count) in [("1", 22), ("2", 29), ("3", 12), ("4", 9)] {
        let expected: Vec<String> = (1..=count).map(|number| format!("{section}.{number:02}")).collect();
        let found: Vec<&&str> = rows.iter().filter(|row| row.starts_with(section)).collect();
        assert_eq!(found.iter().map(|row| row.to_string()).collect::<Vec<_>>(), expected);
    }
}
