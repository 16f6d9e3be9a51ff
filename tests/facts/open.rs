//! `OPEN.tsv`: captures that are not equal to their facts, and why.

use crate::compare::Difference;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const HEAD: &str = "capture\tkinds\treason\n";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/facts/OPEN.tsv")
}

/// (kinds, reason) by capture.
fn rows() -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(path()).expect("the list of open captures is there");
    let cells = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut next = || cells.next().unwrap_or_default();
        (next(), (next(), next()))
    };
    text.lines().skip(1).map(cells).collect()
}

fn kinds(differences: &[Difference]) -> String {
    differences.iter().map(|difference| difference.kind).collect::<Vec<_>>().join(", ")
}

/// Writes the list anew for the captures that were run; reasons of rows that stay the same stay.
pub fn write(differing: &BTreeMap<String, Vec<Difference>>, was_run: impl Fn(&str) -> bool) {
    let before = rows();
    let mut rows: BTreeMap<String, (String, String)> = before.clone();
    rows.retain(|capture, _| !was_run(capture));
    for (capture, differences) in differing {
        let kinds = kinds(differences);
        let reason = before.get(capture).filter(|(same, _)| *same == kinds).map(|(_, reason)| reason.clone());
        rows.insert(capture.clone(), (kinds, reason.unwrap_or_default()));
    }
    let lines = rows.iter().map(|(capture, (kinds, reason))| format!("{capture}\t{kinds}\t{reason}\n"));
    let text: String = std::iter::once(HEAD.to_owned()).chain(lines).collect();
    fs::write(path(), text).expect("the list can be written");
}

/// What the list says wrongly.
pub fn problems(differing: &BTreeMap<String, Vec<Difference>>, was_run: impl Fn(&str) -> bool) -> Vec<String> {
    let open = rows();
    let mut problems = Vec::new();
    for (capture, differences) in differing {
        let kinds = kinds(differences);
        match open.get(capture) {
            None => problems.push(format!("{capture} differs: {kinds}")),
            Some((listed, _)) if *listed != kinds => {
                problems.push(format!("{capture} differs in {kinds}, OPEN.tsv says {listed}"))
            }
            Some(_) => {}
        }
    }
    for capture in open.keys().filter(|capture| was_run(capture) && !differing.contains_key(*capture)) {
        problems.push(format!("{capture} is equal now: its row of OPEN.tsv can go"));
    }
    problems
}
