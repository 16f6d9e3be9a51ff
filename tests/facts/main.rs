//! What the graph finds in every capture against what its wire carries (`tests/corpus/FACTS.jsonl`).
//!
//! Each capture runs alone, with fresh state, through the processors and `agent_runs` as their default settings make them.
//! A line is printed for each difference: `capture: kind: wire -> ours`.
//! `OPEN.tsv` lists the captures that are not equal yet: one that is not listed must be equal, and a listed one must not.
//!
//! `CHAPERONE_CORPUS=<prefix>` limits the captures, `CHAPERONE_CORPUS_WRITE_OPEN=1` rewrites the list,
//! `CHAPERONE_CORPUS_TABLE=<file>` writes what was compared for `cargo xtask corpus`.

mod compare;
mod events;
mod found;
mod lacking;
mod open;
mod price;
mod table;
mod wire;

#[path = "../totals/agent_runs.rs"]
mod agent_runs;
#[path = "../totals/order.rs"]
#[allow(dead_code, reason = "shared with the tests of totals, which shuffle")]
mod order;
#[path = "../totals/run.rs"]
#[allow(dead_code, reason = "shared with the tests of totals, which add up at once")]
mod run;

use std::collections::BTreeMap;

#[test]
fn every_capture_gives_what_its_wire_carries() {
    let prefix = std::env::var("CHAPERONE_CORPUS").unwrap_or_default();
    let facts: Vec<wire::Facts> = wire::facts().into_iter().filter(|facts| facts.capture.starts_with(&prefix)).collect();
    assert!(!facts.is_empty(), "no capture begins with `{prefix}`");
    let mut differing: BTreeMap<String, Vec<compare::Difference>> = BTreeMap::new();
    let mut table = table::Table::new();
    for facts in &facts {
        let found = found::Found::of(&facts.capture);
        let checks = compare::checks(facts, &found);
        table.add(&facts.capture, &found, &checks);
        let differences: Vec<_> = checks.into_iter().filter_map(|check| check.difference).collect();
        for difference in &differences {
            println!("{}: {difference}", facts.capture);
        }
        if !differences.is_empty() {
            differing.insert(facts.capture.clone(), differences);
        }
    }
    println!("{} of {} captures equal their facts", facts.len() - differing.len(), facts.len());
    if let Some(file) = std::env::var_os("CHAPERONE_CORPUS_TABLE") {
        table.write(&file);
    }
    if std::env::var_os("CHAPERONE_CORPUS_WRITE_OPEN").is_some() {
        open::write(&differing, |capture| capture.starts_with(&prefix));
        return;
    }
    let problems = open::problems(&differing, |capture| capture.starts_with(&prefix));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
