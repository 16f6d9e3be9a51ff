//! What looks like a loop and is none: each excuse of the rules, one test.

use super::tests::{SECOND, Session, call};
use super::*;
use crate::detect::Digest;

fn assert_quiet(session: &mut Session) {
    session.flush();
    assert_eq!(session.fired(), Vec::<&str>::new(), "{:#?}", session.told);
}

#[test]
fn pages_of_a_list_are_no_loop() {
    let mut session = Session::new();
    for page in 0..30 {
        session.step(Body::Tool(call("list_records", page, page)));
    }
    assert_quiet(&mut session);
}

#[test]
fn a_batch_of_different_calls_with_the_same_answer_is_no_loop() {
    let mut session = Session::new();
    for record in 0..30 {
        session.step(Body::Tool(call("update_record", record, 1)));
    }
    assert_quiet(&mut session);
}

#[test]
fn polling_with_progress_is_no_loop() {
    let mut session = Session::new();
    for percent in 0..30 {
        session.step(Body::Tool(call("job_status", 1, percent)));
    }
    assert_quiet(&mut session);
}

#[test]
fn tools_of_the_allow_list_may_poll_without_change() {
    let mut session = Session::new();
    session.settings.poll_tools.push("*_status".to_owned());
    for _ in 0..30 {
        session.step(Body::Tool(call("job_status", 1, 1)));
    }
    assert_quiet(&mut session);
}

#[test]
fn a_heartbeat_between_other_calls_is_no_loop_and_hides_none() {
    let mut session = Session::new();
    for n in 0..20 {
        session.step(Body::Tool(call("work", n, n)));
        session.step(Body::Tool(call("Heartbeat", 1, 1)));
    }
    assert_quiet(&mut session);
    for _ in 0..4 {
        session.step(Body::Tool(call("work", 1, 1)));
        session.step(Body::Tool(call("heartbeat", 1, 1)));
    }
    assert_eq!(session.fired(), ["loop"]);
}

#[test]
fn unchanged_polling_at_a_regular_interval_needs_ten_repeats() {
    let mut session = Session::new();
    for n in 0..9u64 {
        session.step(Body::Tool(call("job_status", 1, 1)));
        session.now_ns += 9 * SECOND + n % 2 * SECOND / 4;
    }
    assert_quiet(&mut session);
    session.step(Body::Tool(call("job_status", 1, 1)));
    assert_eq!(session.fired(), ["loop"]);
}

#[test]
fn irregular_or_quick_repeats_are_no_polling() {
    let quick = |session: &mut Session| session.tools("aaaa");
    let mut session = Session::new();
    quick(&mut session);
    assert_eq!(session.fired(), ["loop"]);
    let mut session = Session::new();
    for pause in [3, 40, 7, 25] {
        session.tools("a");
        session.now_ns += pause * SECOND;
    }
    assert_eq!(session.fired(), ["loop"]);
}

#[test]
fn editing_and_testing_is_no_loop() {
    let mut session = Session::new();
    for round in 0..20 {
        session.step(Body::Tool(call("edit_file", round, 1)));
        session.step(Body::Tool(call("run_tests", 1, round)));
    }
    assert_quiet(&mut session);
}

#[test]
fn a_retry_that_succeeds_is_no_loop() {
    let mut session = Session::new();
    for round in 0..10 {
        session.step(Body::Tool(ToolCall { error: Some(1), ..call("fetch", round, 0) }));
        session.step(Body::Tool(ToolCall { error: Some(1), ..call("fetch", round, 0) }));
        session.step(Body::Tool(call("fetch", round, round)));
    }
    assert_quiet(&mut session);
}

#[test]
fn three_retries_with_growing_pauses_are_no_loop() {
    let mut session = Session::new();
    for pause in [1, 2, 4, 8] {
        session.step(Body::Tool(ToolCall { error: Some(1), ..call("fetch", 1, 0) }));
        session.now_ns += pause * SECOND;
    }
    assert_quiet(&mut session);
}

#[test]
fn a_tool_of_which_only_the_name_is_known_proves_nothing() {
    let mut session = Session::new();
    for _ in 0..50 {
        session.step(Body::Tool(ToolCall { arguments: Digest::Unknown, result: Digest::Unknown, ..call("search", 0, 0) }));
    }
    assert_quiet(&mut session);
}
