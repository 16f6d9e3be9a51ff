//! The lists: what the Collector has, what dashboards ask for, what `docs/own-metrics.md` says.

use anyhow::{Context, Result};
use chaperone::pipeline::own_names;
use chaperone_testkit::scrape;
use std::collections::BTreeMap;

pub const DOCUMENT: &str = include_str!("../../docs/own-metrics.md");
const COLLECTOR: &str = include_str!("collector_names.tsv");
const DASHBOARDS: &str = include_str!("dashboards.tsv");

/// Every name that the Collector has.
pub fn of_the_collector() -> Vec<&'static str> {
    COLLECTOR.lines().filter(|line| !line.starts_with('#')).collect()
}

/// What dashboards ask for: source, whether names carry suffixes, name.
pub fn of_dashboards() -> Vec<[&'static str; 3]> {
    let lines = DASHBOARDS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect::<Vec<_>>().try_into().expect("three columns")).collect()
}

fn section(heading: &str) -> &'static str {
    let rest = DOCUMENT.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_default();
    rest.split("\n## ").next().unwrap_or_default()
}

/// The rows of the first table: name, type, unit, level.
pub fn served() -> Vec<[&'static str; 4]> {
    let rows = section("Served").lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = |row: &'static str| {
        let mut cells = row.split(" | ");
        let name = cells.next()?.trim_end_matches('`');
        Some([name, cells.next()?, cells.next()?, cells.next()?])
    };
    rows.filter_map(cells).collect()
}

/// Whether a name is in the second table, which has a reason for it. Names may end in a star.
pub fn is_absent_with_a_reason(name: &str) -> bool {
    section("Absent").lines().filter_map(|line| line.strip_prefix("| `")).any(|row| {
        let (names, reason) = row.split_once("` | ").unwrap_or((row, ""));
        assert!(reason.trim_end_matches('|').trim().len() > 10, "`{names}` has no reason");
        names.split("`, `").any(|listed| match listed.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == listed,
        })
    })
}

/// Names of families with their types, as a scrape says; each has a HELP line before its TYPE line, and samples.
pub fn families(text: &str) -> Result<BTreeMap<String, String>> {
    let mut families = BTreeMap::new();
    let mut help = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(name, words)| if words.is_empty() { "" } else { name });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').context("a TYPE line has two words")?;
            anyhow::ensure!(help == name, "`{name}` has no HELP");
            anyhow::ensure!(families.insert(name.to_owned(), kind.to_owned()).is_none(), "`{name}` comes twice");
        }
    }
    for sample in scrape::parse(text)? {
        let known = families.keys().any(|name| sample.name.starts_with(name.as_str()));
        anyhow::ensure!(known, "`{}` has no TYPE", sample.name);
    }
    Ok(families)
}

#[test]
fn every_name_of_the_collector_is_served_or_absent_with_a_reason() {
    let served: Vec<&str> = served().iter().map(|[name, ..]| *name).collect();
    for name in of_the_collector() {
        let others = ["target_info", "promhttp_metric_handler_errors_total"];
        let (here, absent) = (served.contains(&name) || others.contains(&name), is_absent_with_a_reason(name));
        assert!(here != absent, "`{name}`: served {here}, absent {absent}");
    }
}

#[test]
fn the_page_lists_what_the_code_serves_with_units_and_levels() {
    let listed: Vec<String> = served().iter().map(|[name, _, unit, level]| format!("{name} {unit} {level}")).collect();
    let real = own_names::ALL.iter().map(|known| format!("{} {} {}", known.name, known.unit, known.level));
    assert_eq!(listed, real.collect::<Vec<_>>());
}
