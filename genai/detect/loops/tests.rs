//! Loops that must be found, told in moderation, with their evidence.

use super::*;
use crate::detect::{Digest, Severity};

/// A session under test: one call a second unless said otherwise.
pub(super) struct Session {
    detector: LoopDetector,
    pub settings: LoopSettings,
    pub who: Who,
    pub now_ns: u64,
    next_span: u64,
    pub told: Vec<Finding>,
}

pub(super) const SECOND: u64 = 1_000_000_000;

impl Session {
    pub fn new() -> Session {
        let key = SessionKey { tenant: String::new(), session: "s-1".to_owned() };
        Session {
            detector: LoopDetector::default(),
            settings: LoopSettings::default(),
            who: Who { key, agent: "planner".to_owned(), ..Who::default() },
            now_ns: 1_000 * SECOND,
            next_span: 0,
            told: Vec::new(),
        }
    }

    pub fn step(&mut self, body: Body) {
        self.step_of("planner", body);
    }

    pub fn step_of(&mut self, agent: &str, body: Body) {
        self.next_span += 1;
        let step = Step {
            start_ns: self.now_ns,
            end_ns: self.now_ns + 1,
            index: 0,
            trace: Some([1; 16]),
            span: Some(self.next_span.to_be_bytes()),
            run: "run-1".to_owned(),
            agent: Some(agent.to_owned()),
            body,
        };
        self.now_ns += SECOND;
        self.detector.step(&step, &self.who, &self.settings, &mut self.told);
    }

    pub fn tools(&mut self, names: &str) {
        for name in names.chars() {
            self.step(Body::Tool(call(&name.to_string(), 1, 1)));
        }
    }

    pub fn flush(&mut self) {
        self.detector.flush(&self.who, &self.settings, &mut self.told);
    }

    /// The last finding told of a detector.
    pub fn last(&self, detector: &str) -> Option<&Finding> {
        self.told.iter().rev().find(|finding| finding.detector == detector)
    }

    /// Findings above a warning.
    pub fn fired(&self) -> Vec<&str> {
        self.told.iter().filter(|finding| finding.severity > Severity::Low).map(|finding| finding.detector.as_str()).collect()
    }
}

pub(super) fn call(name: &str, arguments: u64, result: u64) -> ToolCall {
    ToolCall {
        name: name.to_owned(),
        source: Source::Executed,
        arguments: Digest::Shape(arguments),
        result: Digest::Shape(result),
        error: None,
        shown: format!("{name}(q)"),
        emitter: 0,
        repeats_another: false,
    }
}

fn failing(error: u64) -> ToolCall {
    ToolCall { error: Some(error), ..call("fetch", 1, 0) }
}

#[test]
fn one_call_repeated_is_a_warning_at_three_and_a_loop_at_four() {
    let mut session = Session::new();
    session.tools("aaa");
    assert_eq!(session.last("loop").map(|finding| finding.severity), Some(Severity::Low));
    session.tools("a");
    let finding = session.last("loop").unwrap();
    assert_eq!((finding.severity, finding.value("repeats"), finding.value("period")), (Severity::Medium, Some(4.0), Some(1.0)));
    assert_eq!(finding.span_ids, (1..=4u64).map(u64::to_be_bytes).collect::<Vec<_>>());
    assert_eq!(finding.snippet, "a(q)");
    assert_eq!(finding.key_part("agent"), Some("planner"));
    assert!((finding.score - 0.4866).abs() < 0.001);
}

#[test]
fn a_cycle_is_a_loop_when_it_was_seen_three_times() {
    let mut session = Session::new();
    session.tools("xabcabcab");
    assert_eq!(session.fired(), Vec::<&str>::new());
    session.tools("c");
    let finding = session.last("loop").unwrap();
    assert_eq!((finding.value("period"), finding.value("repeats")), (Some(3.0), Some(3.0)));
    assert_eq!(finding.snippet, "a(q) -> b(q) -> c(q)");
}

#[test]
fn a_cycle_of_eight_is_found_and_one_of_nine_is_not() {
    let mut session = Session::new();
    session.tools(&"abcdefgh".repeat(3));
    assert_eq!(session.last("loop").and_then(|finding| finding.value("period")), Some(8.0));
    let mut session = Session::new();
    session.tools(&"abcdefghi".repeat(6));
    assert!(session.last("loop").is_none());
}

#[test]
fn going_back_and_forth_is_a_loop_and_an_oscillation() {
    let mut session = Session::new();
    session.tools("ababab");
    assert_eq!(session.fired(), ["loop", "oscillation"]);
    assert_eq!(session.last("oscillation").and_then(|finding| finding.value("repeats")), Some(3.0));
}

#[test]
fn one_call_repeated_is_not_told_as_a_longer_cycle() {
    let mut session = Session::new();
    session.tools(&"a".repeat(40));
    session.flush();
    assert!(session.told.iter().all(|finding| finding.value("period") == Some(1.0)), "{:#?}", session.told);
}

#[test]
fn a_growing_loop_is_one_finding_told_in_moderation() {
    let mut session = Session::new();
    session.tools(&"a".repeat(1000));
    session.flush();
    let ids: std::collections::BTreeSet<&str> = session.told.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids.len(), 1);
    assert!(session.told.len() <= 12, "told {} times", session.told.len());
    let last = session.told.last().unwrap();
    assert_eq!((last.value("repeats"), last.count), (Some(1000.0), 998));
    assert!(last.last_seen_ns > session.told[0].last_seen_ns);
    assert_eq!(last.span_ids.len(), 64);
}

#[test]
fn what_grew_is_told_when_the_loop_ends() {
    let mut session = Session::new();
    session.tools("aaaaaaa");
    let before = session.told.len();
    session.tools("b");
    assert_eq!(session.told.len(), before + 1);
    assert_eq!(session.told.last().and_then(|finding| finding.value("repeats")), Some(7.0));
    session.flush();
    assert_eq!(session.told.len(), before + 1, "nothing is left to tell");
}

#[test]
fn a_second_loop_after_the_first_is_another_finding() {
    let mut session = Session::new();
    session.tools("aaaabaaaa");
    let ids: std::collections::BTreeSet<&str> = session.told.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn the_id_is_the_same_in_another_process() {
    let run = || {
        let mut session = Session::new();
        session.tools("aaaa");
        session.told.last().unwrap().id.clone()
    };
    assert_eq!(run(), run());
}

#[test]
fn model_calls_between_repeats_are_waste_and_raise_the_score() {
    let with = |cost_nanos: Option<u64>| {
        let mut session = Session::new();
        for _ in 0..4 {
            session.step(Body::Model { tokens: Some(1_000), cost_nanos });
            session.tools("a");
        }
        session.last("loop").unwrap().clone()
    };
    let cheap = with(Some(500_000));
    assert_eq!((cheap.value("wasted_tokens"), cheap.value("wasted_cost")), (Some(3_000.0), Some(0.0015)));
    let dear = with(Some(1_000_000_000));
    assert!(dear.score > 0.95 && dear.severity == Severity::Critical, "{dear:?}");
    let unknown = with(None);
    assert_eq!(unknown.value("wasted_cost"), None);
    assert!(unknown.why_not_higher.contains("not known"));
}

#[test]
fn one_call_that_fails_alike_five_times_is_an_infinite_retry() {
    let mut session = Session::new();
    // Pauses grow, as they should: one more try is granted.
    for pause in [1, 2, 4, 8, 16] {
        assert!(session.fired().is_empty());
        session.step(Body::Tool(failing(7)));
        session.now_ns += pause * SECOND;
    }
    let finding = session.last("infinite_retry").unwrap();
    assert_eq!((finding.value("same_error"), finding.severity), (Some(5.0), Severity::High));
    assert_eq!(finding.key_part("tool"), Some("fetch"));
}

#[test]
fn retries_without_growing_pauses_are_told_one_earlier() {
    let mut session = Session::new();
    for _ in 0..4 {
        session.step(Body::Tool(failing(7)));
    }
    assert_eq!(session.fired(), ["loop", "infinite_retry"]);
}

#[test]
fn eleven_failures_are_critical() {
    let mut session = Session::new();
    for _ in 0..11 {
        session.step(Body::Tool(failing(7)));
    }
    assert_eq!(session.last("infinite_retry").map(|finding| finding.severity), Some(Severity::Critical));
}

#[test]
fn twelve_calls_with_hardly_any_new_result_are_no_progress() {
    let mut session = Session::new();
    // Not periodic, and nothing new after the first two.
    session.tools("abbabaabbaababba");
    let finding = session.last("no_progress").unwrap();
    assert!(finding.value("novelty").unwrap() < 0.2);
    assert!(finding.value("steps").unwrap() >= 12.0);
}

#[test]
fn without_digests_a_repeat_counts_half() {
    let mut session = Session::new();
    let by_size = || Body::Tool(ToolCall { arguments: Digest::Bytes(10), result: Digest::Bytes(20), ..call("a", 0, 0) });
    for _ in 0..7 {
        session.step(by_size());
    }
    assert_eq!(session.fired(), Vec::<&str>::new());
    session.step(by_size());
    let finding = session.last("loop").unwrap();
    assert_eq!((finding.value("repeats"), finding.severity), (Some(4.0), Severity::Medium));
    assert_eq!(finding.degraded, ["content"]);
}

#[test]
fn requests_without_results_count_half() {
    let requested = || Body::Tool(ToolCall { source: Source::Requested, result: Digest::Unknown, ..call("a", 1, 0) });
    let mut session = Session::new();
    for _ in 0..7 {
        session.step(requested());
    }
    assert_eq!(session.fired(), Vec::<&str>::new());
    session.step(requested());
    assert_eq!(session.fired(), ["loop"]);
}

#[test]
fn a_cycle_split_over_agents_is_found_over_all_agents() {
    let mut session = Session::new();
    session.who.scope = Scope::AllAgents;
    for _ in 0..3 {
        session.step_of("planner", Body::Tool(call("a", 1, 1)));
        session.step_of("writer", Body::Tool(call("b", 1, 1)));
    }
    assert_eq!(session.fired(), ["loop", "oscillation"]);
    let mut session = Session::new();
    session.who.scope = Scope::AllAgents;
    session.tools(&"a".repeat(20));
    assert_eq!(session.fired(), Vec::<&str>::new(), "one agent's loop is told under its own key");
}

#[test]
fn memory_of_a_session_is_bounded() {
    let mut session = Session::new();
    for n in 0..10_000 {
        session.step(Body::Tool(call(&format!("tool-{n}"), n, n)));
    }
    assert!(session.detector.bytes() < 40_000, "{} bytes", session.detector.bytes());
}

#[test]
fn a_loop_that_ended_is_not_told_again_as_a_lack_of_progress() {
    let mut session = Session::new();
    session.tools("aaaaaaaaaaaab");
    session.flush();
    assert!(session.last("no_progress").is_none());
}

#[test]
fn a_second_instrumentation_that_knows_only_names_does_not_hide_a_loop() {
    let mut session = Session::new();
    for _ in 0..4 {
        session.step(Body::Tool(call("mcp__shop__search", 1, 1)));
        session.now_ns -= SECOND;
        session.step(Body::Tool(ToolCall { arguments: Digest::Unknown, result: Digest::Unknown, ..call("search", 0, 0) }));
    }
    assert_eq!(session.fired(), ["loop"]);
}

#[test]
fn a_tool_that_fails_alike_is_told_also_without_content() {
    let mut session = Session::new();
    for _ in 0..9 {
        session.step(Body::Tool(ToolCall { arguments: Digest::Unknown, result: Digest::Unknown, ..failing(7) }));
    }
    assert_eq!(session.fired(), ["infinite_retry"]);
    assert_eq!(session.last("infinite_retry").unwrap().degraded, ["content"]);
}
