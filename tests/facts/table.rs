//! What was compared, for the table of `cargo xtask corpus`: a line a capture, a cell a kind.

use crate::compare::Check;
use crate::found::Found;
use crate::wire::Facts;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;

/// A capture's line. Cells: 0 nothing of the kind, 1 equal, -1 different.
pub fn row(facts: &Facts, found: &Found, checks: &[Check]) -> Value {
    let cell = |check: &Check| match (&check.difference, check.is_there) {
        (Some(_), _) => -1,
        (None, true) => 1,
        (None, false) => 0,
    };
    let cells: serde_json::Map<String, Value> = checks.iter().map(|check| (check.kind.to_owned(), json!(cell(check)))).collect();
    let (failed, ok) = found.totals.calls();
    json!({
        "capture": facts.capture,
        "cells": cells,
        "calls": ok,
        "failed": failed,
        "input": found.totals.input_tokens,
        "output": found.totals.output_tokens,
        "requested": found.totals.requested.values().sum::<u64>(),
        "executed": found.totals.executed.values().sum::<u64>(),
        "cost_nanos": found.cost_nanos,
    })
}

pub fn write(file: &OsStr, rows: &[Value]) {
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    fs::write(file, text).expect("the table can be written");
}
