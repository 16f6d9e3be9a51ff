//! Canonical tokens: the habits of emitters, and the mistakes others made with them.

use super::*;
use crate::dialects::Inclusive;

fn reported(input: u64, output: u64) -> Reported {
    Reported { input: Some(input), output: Some(output), ..Reported::default() }
}

fn check(reported: &Reported, inclusive: Inclusive, provider: &str, input: u64, basis: Basis) {
    let usage = canonical(reported, inclusive, provider);
    assert_eq!((usage.tokens.input, usage.basis), (input, basis), "{reported:?}");
    let parts = usage.uncached_input() + usage.tokens.cache_read + usage.cache_write();
    assert_eq!(parts, usage.tokens.input, "the buckets are disjoint and whole");
}

#[test]
fn exclusive_input_gets_its_cached_tokens_added() {
    let anthropic = Reported { cache_read: 768, cache_write: Some(100), ..reported(1011, 103) };
    check(&anthropic, Inclusive::No, "anthropic", 1879, Basis::ExclusiveFixed);
    check(&anthropic, Inclusive::ByProvider, "anthropic", 1879, Basis::ExclusiveFixed);
    check(&anthropic, Inclusive::ByProvider, "aws.bedrock", 1879, Basis::ExclusiveFixed);
}

#[test]
fn inclusive_input_stays_as_it_is() {
    let openai = Reported { cache_read: 768, ..reported(1011, 103) };
    check(&openai, Inclusive::Yes, "openai", 1011, Basis::Inclusive);
    check(&openai, Inclusive::ByProvider, "openai", 1011, Basis::Inclusive);
}

#[test]
fn numbers_decide_before_the_settings_do() {
    let more_cached_than_input = Reported { cache_read: 5000, ..reported(1011, 103) };
    check(&more_cached_than_input, Inclusive::Yes, "openai", 6011, Basis::ExclusiveFixed);
    let total_counts_them_apart = Reported { cache_read: 500, cache_write: Some(7), total: Some(1621), ..reported(1011, 103) };
    check(&total_counts_them_apart, Inclusive::Test, "anthropic", 1518, Basis::ExclusiveFixed);
}

#[test]
fn a_sender_that_says_what_was_not_cached_decides() {
    let parts = Reported { cache_read: 300, cache_write: Some(11), ..reported(1011, 103) };
    check(&Reported { uncached: Some(700), ..parts }, Inclusive::Test, "anthropic", 1011, Basis::Inclusive);
    check(&Reported { uncached: Some(1011), ..parts }, Inclusive::Test, "anthropic", 1322, Basis::ExclusiveFixed);
    check(&Reported { uncached: Some(1), ..parts }, Inclusive::Test, "anthropic", 1011, Basis::Assumed);
}

#[test]
fn what_nothing_decides_is_inclusive_and_says_so() {
    let open = Reported { cache_read: 500, total: Some(1114), ..reported(1011, 103) };
    check(&open, Inclusive::Test, "anthropic", 1011, Basis::Assumed);
    check(&reported(1011, 103), Inclusive::Test, "anthropic", 1011, Basis::Inclusive);
}

#[test]
fn reads_and_writes_are_both_parts_of_the_input() {
    let both = Reported { cache_read: 300, cache_write: Some(500), ..reported(1000, 1) };
    assert_eq!(canonical(&both, Inclusive::Yes, "").uncached_input(), 200);
}

#[test]
fn an_hours_cache_write_is_told_from_a_short_one() {
    let split = Reported { cache_write: Some(500), cache_write_5m: Some(400), cache_write_1h: Some(100), ..reported(600, 1) };
    let tokens = canonical(&split, Inclusive::Yes, "").tokens;
    assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (400, 100));
    let whole = Reported { cache_write: Some(500), ..reported(600, 1) };
    assert_eq!(canonical(&whole, Inclusive::Yes, "").tokens.cache_write_5m, 500);
}

#[test]
fn reasoning_is_inside_the_output_unless_the_numbers_say_otherwise() {
    let output = |reported: Reported| canonical(&reported, Inclusive::Yes, "").tokens.output;
    assert_eq!(output(Reported { reasoning: 64, ..reported(1011, 103) }), 103);
    assert_eq!(output(Reported { reasoning: 64, total: Some(1178), ..reported(1011, 103) }), 167);
    assert_eq!(output(Reported { reasoning: 200, ..reported(1011, 103) }), 303);
}

#[test]
fn zero_is_not_missing() {
    assert!(reported(0, 0).is_present());
    assert!(!Reported::default().is_present());
}
