//! Detectors on real captures: every capture through the graph of the default pipeline, up to the notification.
//!
//! A capture of the scenario `loop` must give one alert wherever its wire carries tool calls that can be compared; no
//! other capture may.
//! The lists of exceptions are exact: a capture that begins to fire, or ceases to lack something, fails the test.

#![expect(clippy::unwrap_used, reason = "a test may panic where a capture is not what it was")]

mod order;
mod restart;
mod run;

use chaperone_genai::rules::State;
use run::{Outcome, replay};
use std::sync::LazyLock;

/// Captures of the scenario `loop` in which no loop can be seen, and the missing fact.
const LACKING: &[(&str, &str)] = &[
    ("autogen-loop", "tool spans carry the tool's name, neither arguments nor results, and no model call"),
    ("crewai-openllmetry-loop", "no tool span and no model call with messages"),
    ("google-adk-loop", "tool spans carry the tool's name, neither arguments nor results"),
    ("litellm-loop", "each call is a trace of its own, and none names a conversation"),
];

/// Captures of other scenarios that loop in truth, and what their ground truth says.
const LOOPING: &[(&str, &str)] =
    &[("smolagents-openinference-timeout", "the same call ran six times, at once, and gave the same TimeoutError each time")];

/// All captures, replayed once for all tests.
static OUTCOMES: LazyLock<Vec<(String, Outcome)>> =
    LazyLock::new(|| chaperone_testkit::corpus::names().into_iter().map(|name| (name.clone(), replay(&name))).collect());

fn is_listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

/// Whether a loop should be found in a capture.
fn should_fire(name: &str) -> bool {
    (name.ends_with("-loop") && !is_listed(LACKING, name)) || is_listed(LOOPING, name)
}

#[test]
fn captures_of_loops_give_one_alert_each_and_no_other_capture_gives_any() {
    let wrong: Vec<String> = OUTCOMES
        .iter()
        .filter(|(name, outcome)| outcome.firing().count() != usize::from(should_fire(name)))
        .map(|(name, outcome)| format!("{name}: {:?}", outcome.alerts.iter().map(|alert| &alert.summary).collect::<Vec<_>>()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(OUTCOMES.iter().filter(|(name, _)| should_fire(name)).count() >= 22);
}

#[test]
fn other_captures_do_not_even_give_a_warning() {
    for (name, outcome) in OUTCOMES.iter().filter(|(name, _)| !should_fire(name)) {
        assert!(outcome.findings.is_empty(), "{name}: {:#?}", outcome.findings);
    }
}

#[test]
fn a_loop_is_counted_as_often_as_its_tool_ran() {
    for (name, outcome) in OUTCOMES.iter().filter(|(name, _)| should_fire(name)) {
        let truth = chaperone_testkit::corpus::load(name).unwrap();
        let ran: u64 =
            truth.totals()["tool_executions"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        let told = outcome.findings.iter().filter(|finding| finding.detector == "loop");
        let repeats = told.filter_map(|finding| finding.value("repeats")).fold(0.0, f64::max);
        assert_eq!(repeats, ran as f64, "{name}");
    }
}

#[test]
fn a_growing_loop_is_one_finding_told_in_moderation() {
    for (name, outcome) in OUTCOMES.iter().filter(|(name, _)| should_fire(name)) {
        let of_loop: Vec<_> = outcome.findings.iter().filter(|finding| finding.detector == "loop").collect();
        assert!(of_loop.len() <= 6, "{name} told {} times", of_loop.len());
        assert!(of_loop.iter().all(|finding| finding.id == of_loop[0].id), "{name}");
        assert!(of_loop.windows(2).all(|pair| pair[0].count < pair[1].count && pair[0].last_seen_ns <= pair[1].last_seen_ns));
    }
}

#[test]
fn every_alert_is_over_in_the_end() {
    for (name, outcome) in OUTCOMES.iter() {
        let over = outcome.alerts.iter().filter(|alert| alert.state == State::Resolved);
        assert_eq!(over.count(), outcome.firing().count(), "{name}");
    }
}
