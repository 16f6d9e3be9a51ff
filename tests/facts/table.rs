//! What was compared, for the table of `cargo xtask corpus`: a line a capture, with a heading.
//!
//! Sums come first, then a cell a kind: `-` nothing of the kind, `=` equal, `!` different.

use crate::compare::{Check, KINDS};
use crate::found::Found;
use chaperone_testkit::corpus;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;

const SUMS: [&str; 7] = ["calls", "failed", "input", "output", "requested", "executed", "nano-dollars"];

/// Lines of the table.
pub struct Table {
    frameworks: BTreeMap<String, String>,
    text: String,
}

impl Table {
    pub fn new() -> Table {
        let rows = corpus::table("INDEX.tsv").into_iter().skip(1);
        let frameworks = rows.map(|row| (row[0].clone(), row[1].clone())).collect();
        let text = format!("capture\tframework\t{}\t{}\n", SUMS.map(|name| format!("sum {name}")).join("\t"), KINDS.join("\t"));
        Table { frameworks, text }
    }

    pub fn add(&mut self, capture: &str, found: &Found, checks: &[Check]) {
        let (failed, ok) = found.totals.calls();
        let totals = &found.totals;
        let (requested, executed): (u64, u64) = (totals.requested.values().sum(), totals.executed.values().sum());
        let nanos = u64::try_from(found.cost_nanos).unwrap_or(0);
        let sums = [ok, failed, totals.input_tokens, totals.output_tokens, requested, executed, nanos];
        let cell = |check: &Check| match (&check.difference, check.is_there) {
            (Some(_), _) => "!",
            (None, true) => "=",
            (None, false) => "-",
        };
        let cells: Vec<&str> = checks.iter().map(cell).collect();
        let framework = self.frameworks.get(capture).map_or("?", String::as_str);
        self.text += &format!("{capture}\t{framework}\t{}\t{}\n", sums.map(|sum| sum.to_string()).join("\t"), cells.join("\t"));
    }

    pub fn write(&self, file: &OsStr) {
        fs::write(file, &self.text).expect("the table can be written");
    }
}
