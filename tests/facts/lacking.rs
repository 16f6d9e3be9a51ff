//! The facts against the ground truth: usage and calls differ only where `LACKING.tsv` says so, and everything in it differs.
//!
//! So what the graph is held to is the truth, less what no wire carries.

use crate::wire::{self, Facts, Usage};
use chaperone_testkit::corpus;
use std::collections::BTreeMap;

/// (capture, what) to (on the wire, in truth).
type Lacking = BTreeMap<(String, String), (u64, u64)>;

fn table() -> Lacking {
    let mut table = Lacking::new();
    for row in corpus::table("LACKING.tsv").iter().skip(1) {
        // `input 0 of 1011; output 0 of 103; calls 0 of 1`
        for lacking in row[2].split("; ") {
            let words: Vec<&str> = lacking.split(' ').collect();
            let [what, wire, "of", truth] = words[..] else { panic!("{}: {lacking}", row[0]) };
            let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{}: {lacking}", row[0]));
            table.insert((row[0].clone(), what.to_owned()), (number(wire), number(truth)));
        }
    }
    table
}

/// What both tell of a capture: name, on the wire, field of the truth.
fn pairs(facts: &Facts) -> [(&'static str, u64, &'static str); 6] {
    let part = |of: fn(&Usage) -> u64| facts.models.values().map(of).sum::<u64>();
    [
        ("input", part(|usage| usage.input), "prompt_tokens_incl_cache"),
        ("output", part(|usage| usage.output), "output_tokens_incl_reasoning"),
        ("cache_read", part(|usage| usage.cache_read), "cached_tokens"),
        ("cache_write", part(|usage| usage.cache_write), "cache_creation_tokens"),
        ("reasoning", part(|usage| usage.reasoning), "reasoning_tokens"),
        ("calls", facts.calls_ok, "llm_ok"),
    ]
}

#[test]
fn wires_lack_what_the_table_says_and_nothing_else() {
    let mut table = table();
    let mut wrong = Vec::new();
    for facts in wire::facts() {
        let capture = corpus::load(&facts.capture).expect("a readable capture");
        for (what, on_wire, field) in pairs(&facts) {
            let truth = capture.totals()[field].as_u64().unwrap_or_else(|| panic!("{}: no {field}", facts.capture));
            let said = table.remove(&(facts.capture.clone(), what.to_owned()));
            if said.unwrap_or((truth, truth)) != (on_wire, truth) {
                wrong.push(format!("{} {what}: {on_wire} of {truth}, the table says {said:?}", facts.capture));
            }
        }
    }
    wrong.extend(table.keys().map(|(capture, what)| format!("{capture} {what}: the table has it, no capture does")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
