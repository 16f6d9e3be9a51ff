//! What must be found beyond tokens in every capture: `tests/corpus/BEYOND.jsonl`, written from the ground truth by `beyond.py`.
//!
//! Derived tool decisions, stops, hand-overs, approvals, retries, failures by type and code, times of first parts, signs of quality.
//! Each capture runs alone, with fresh state, through the processors and `agent_runs` as their default settings make them.
//! A line is printed for each difference: `capture: fact: expected -> found`. `CHAPERONE_CORPUS=<prefix>` limits the captures.

mod decided;
mod expected;
mod failures;

#[path = "../totals/agent_runs.rs"]
mod agent_runs;
#[path = "../facts/events.rs"]
#[allow(dead_code, reason = "shared with the tests of facts")]
mod events;
#[path = "../facts/found.rs"]
#[allow(dead_code, reason = "shared with the tests of facts")]
mod found;
#[path = "../totals/order.rs"]
#[allow(dead_code, reason = "shared with the tests of totals")]
mod order;
#[path = "../totals/run.rs"]
#[allow(dead_code, reason = "shared with the tests of totals")]
mod run;
#[path = "../facts/wire.rs"]
#[allow(dead_code, reason = "shared with the tests of facts")]
mod wire;

use chaperone_proto::Data;
use chaperone_testkit::corpus;
use decided::Decided;
use expected::Expected;
use found::Found;
use std::fmt::Debug;

/// The captures that the environment asks for.
fn asked_for() -> Vec<Expected> {
    let prefix = std::env::var("CHAPERONE_CORPUS").unwrap_or_default();
    let expected: Vec<_> = expected::all().into_iter().filter(|expected| expected.capture.starts_with(&prefix)).collect();
    assert!(!expected.is_empty(), "no capture begins with `{prefix}`");
    expected
}

/// Records of a capture after the processors.
fn enriched(requests: Vec<Data>) -> Vec<Data> {
    let chain = run::Chain::new();
    requests.into_iter().flat_map(|data| chain.enrich(data)).collect()
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + Debug>(&mut self, capture: &str, fact: &str, expected: &T, found: &T) {
        if expected != found {
            self.0.push(format!("{capture}: {fact}: {expected:?} -> {found:?}"));
        }
    }

    fn check(self) {
        let Differences(lines) = self;
        lines.iter().for_each(|line| println!("{line}"));
        assert!(lines.is_empty(), "{} differ:\n{}", lines.len(), lines.join("\n"));
    }
}

#[test]
fn what_the_truth_says_beyond_tokens_is_found_in_every_capture() {
    let mut differences = Differences::default();
    for expected in asked_for() {
        let name = expected.capture.as_str();
        let capture = corpus::load(name).expect("a readable capture");
        let enriched = enriched(order::recorded(&capture));
        let decided = Decided::of(&enriched);
        let failures = failures::by_type_and_code(&enriched);
        let found = Found::of(name);
        let mut compare = |fact: &str, expected: &dyn Debug, found: &dyn Debug| {
            differences.compare(name, fact, &format!("{expected:?}"), &format!("{found:?}"));
        };
        compare("tool selections", &expected.tool_selections, &decided.tool_selections);
        compare("tool calls requested", &expected.tool_selections, &found.totals.requested);
        compare("stops", &expected.stops, &decided.stops);
        compare("hand-overs", &expected.handoffs, &decided.handoffs);
        compare("approvals", &expected.approvals, &granted(&found));
        compare("retries", &expected.retries, &found.runs.retries);
        compare("failures", &expected.failures, &failures);
        compare("first response times", &expected.first_response_times, &found.first_response_times);
        compare("signals", &expected.signals, &found.events.signals);
    }
    differences.check();
}

#[test]
fn decisions_and_signs_of_tools_do_not_depend_on_requests_or_their_order() {
    let mut differences = Differences::default();
    for expected in asked_for() {
        let name = expected.capture.as_str();
        let capture = corpus::load(name).expect("a readable capture");
        let single = order::one_by_one(&order::recorded(&capture));
        let orders = [
            ("one by one", single.clone()),
            ("backwards", single.iter().rev().cloned().collect()),
            ("shuffled", order::shuffled(single.clone(), 5)),
            ("twice, shuffled", order::shuffled([single.clone(), single].concat(), 7)),
        ];
        for (how, requests) in orders {
            let decided = Decided::of(&enriched(requests));
            let mut compare = |fact: &str, expected: &dyn Debug, found: &dyn Debug| {
                differences.compare(name, &format!("{fact}, {how}"), &format!("{expected:?}"), &format!("{found:?}"));
            };
            compare("tool selections", &expected.tool_selections, &decided.tool_selections);
            compare("stops", &expected.stops, &decided.stops);
            compare("hand-overs", &expected.handoffs, &decided.handoffs);
            let runs = |kind: &str| expected.signals.get(kind).copied().unwrap_or_default();
            compare("tool runs", &(runs("tool_success") + runs("tool_failure")), &decided.tool_runs);
        }
    }
    differences.check();
}

/// Approvals that were granted, by tool.
fn granted(found: &Found) -> wire::Counts {
    let granted = |(what, count): (&String, &u64)| what.strip_suffix(" granted").map(|tool| (tool.to_owned(), *count));
    let all = found.events.approvals.len();
    let granted: wire::Counts = found.events.approvals.iter().filter_map(granted).collect();
    assert_eq!(granted.len(), all, "no capture denies anything: {:?}", found.events.approvals);
    granted
}
