//! 2.1 time-out and 2.2 retry.

use super::*;
use crate::Outcome;

/// Without a queue the client hears how it ended.
const DIRECT: &str = "sending_queue: {enabled: false}";
/// Pauses that are not changed by chance.
const EVEN: &str = "retry_on_failure: {randomization_factor: 0}";

#[tokio::test(start_paused = true)]
async fn r2_1_01_an_attempt_has_five_seconds_and_one_that_takes_longer_is_repeated() {
    let house = with(&format!("{SINGLE}, {EVEN}")).await;
    let script = house.script("net");
    script.say([Answer::Hang, Answer::Hang]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(3).await;
    // Time-out and pause, each attempt by itself.
    assert_eq!(gaps(&script.seen()), [5.0 + 5.0, 5.0 + 7.5]);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_1_02_a_timeout_of_zero_waits_without_end() {
    let house = with(&format!("{SINGLE}, timeout: 0s")).await;
    let script = house.script("net");
    script.say([Answer::Gate]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    script.gate.add_permits(1);
    until(&house, "otelcol_exporter_sent_log_records", &["net"], 1.0).await;
    assert_eq!(script.seen().len(), 1, "it was not given up meanwhile");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_2_01_pauses_are_five_seconds_and_half_as_long_again_each_time_up_to_thirty() {
    let house = with(&format!("{SINGLE}, {EVEN}")).await;
    let script = house.script("net");
    script.say(later(7));
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(8).await;
    assert_eq!(gaps(&script.seen()), [5.0, 7.5, 11.25, 16.875, 25.313, 30.0, 30.0]);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_2_02_chance_moves_a_pause_by_half_at_most() {
    let mut seen = Vec::new();
    for _ in 0..20 {
        let house = with(SINGLE).await;
        let script = house.script("net");
        script.say(later(1));
        assert_eq!(house.send(1).await, Outcome::Ok);
        script.tried(2).await;
        seen.extend(gaps(&script.seen()));
        house.shutdown(Duration::from_secs(1)).await;
    }
    assert!(seen.iter().all(|pause| (2.5..=7.501).contains(pause)), "{seen:?}");
    assert!(seen.iter().any(|pause| (pause - seen[0]).abs() > 0.01), "chance moves them: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn r2_2_03_a_permanent_error_is_not_repeated_and_counts_as_failed() {
    let house = with(SINGLE).await;
    let script = house.script("net");
    script.say([Answer::Never]);
    assert_eq!(house.send(3).await, Outcome::Ok, "the queue has taken it");
    until(&house, "otelcol_exporter_send_failed_log_records", &["net"], 3.0).await;
    assert_eq!(script.seen().len(), 1);
    assert_eq!(house.figure("chaperone_queue_dropped_items", &["permanent_error"]), 3.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_2_04_a_pause_the_destination_asks_for_is_kept_when_it_is_longer_than_ours() {
    let house = with(&format!("{SINGLE}, {EVEN}")).await;
    let script = house.script("net");
    let asks = |seconds| Answer::Later(Some(Duration::from_secs(seconds)));
    script.say([asks(20), asks(1)]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(3).await;
    assert_eq!(gaps(&script.seen()), [20.0, 7.5]);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_2_05_no_attempt_comes_later_than_max_elapsed_time() {
    let retry = "retry_on_failure: {initial_interval: 1s, max_interval: 1s, randomization_factor: 0, max_elapsed_time: 3500ms}";
    let house = with(&format!("{SINGLE}, {retry}")).await;
    let script = house.script("net");
    script.say(later(9));
    assert_eq!(house.send(1).await, Outcome::Ok);
    until(&house, "chaperone_queue_dropped_items", &["retries_exhausted"], 1.0).await;
    assert_eq!(gaps(&script.seen()), [1.0, 1.0, 1.0]);
    house.shutdown(Duration::from_secs(1)).await;

    let house = with(SINGLE).await;
    let began = tokio::time::Instant::now();
    house.script("net").say([Answer::Later(Some(Duration::from_secs(301)))]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    until(&house, "chaperone_queue_dropped_items", &["retries_exhausted"], 1.0).await;
    assert!(began.elapsed() < Duration::from_secs(1), "at once when the destination's pause alone is too long");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_2_06_a_max_elapsed_time_of_zero_tries_for_ever() {
    let house = with(&format!("{SINGLE}, retry_on_failure: {{max_elapsed_time: 0s}}")).await;
    let script = house.script("net");
    script.say(later(500));
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(501).await;
    settle().await;
    assert_eq!(house.figure("otelcol_exporter_sent_log_records", &["net"]), 1.0);
    house.shutdown(Duration::from_secs(1)).await;
}

/// Departure: the Collector drops what waits for a retry at once; we try it once more.
#[tokio::test(start_paused = true)]
async fn r2_2_07_departure_a_shutdown_ends_the_pause_with_one_more_attempt() {
    let house = with(&format!("{SINGLE}, {EVEN}")).await;
    let script = house.script("net");
    script.say(later(2));
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(1).await;
    let book = LogBook::open();
    let began = tokio::time::Instant::now();
    let settings = house.shutdown(Duration::from_secs(60)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for the pause");
    assert_eq!(script.seen().len(), 2);
    assert_eq!(book.with("interrupted due to shutdown: busy").len(), 1);
    let families = settings.telemetry.families();
    let dropped = families.iter().find(|family| family.name == "chaperone_queue_dropped_items").expect("it was dropped");
    assert!(dropped.samples[0].labels.contains(&("reason".to_owned(), "shutdown".to_owned())), "{dropped:?}");
}

#[tokio::test(start_paused = true)]
async fn r2_2_08_who_waits_hears_the_cause_in_the_collectors_words() {
    let limit = "max_elapsed_time: 1s, initial_interval: 1s, max_interval: 1s";
    let three = Some(Duration::from_secs(3));
    for (retry, answer, outcome) in [
        ("", Answer::Never, Outcome::permanent("not retryable error: Permanent error: bad data")),
        (
            limit,
            Answer::Later(three),
            Outcome::Retryable { message: "no more retries left: Throttle (3s), error: busy".to_owned(), after: three },
        ),
        ("enabled: false", Answer::Later(None), Outcome::retryable("busy")),
    ] {
        let house = with(&format!("{DIRECT}, retry_on_failure: {{{retry}}}")).await;
        house.script("net").say([answer]);
        assert_eq!(house.send(1).await, outcome, "{retry}");
        house.shutdown(Duration::from_secs(1)).await;
    }
    let house = with(&format!(
        "{DIRECT}, retry_on_failure: {{max_elapsed_time: 3s, initial_interval: 2s, max_interval: 2s, randomization_factor: 0}}"
    ))
    .await;
    house.script("net").say(later(9));
    assert_eq!(house.send(1).await, Outcome::retryable("no more retries left: busy"));
    house.shutdown(Duration::from_secs(1)).await;
}

/// Departure: the Collector's caller waits as long as its own deadline allows.
#[tokio::test(start_paused = true)]
async fn r2_2_09_departure_who_waits_for_retries_is_told_to_try_again_after_four_seconds() {
    let house = with(&format!("{DIRECT}, {EVEN}")).await;
    let script = house.script("net");
    script.say(later(3));
    let began = tokio::time::Instant::now();
    assert_eq!(house.send(1).await, Outcome::retryable("the destination did not take the data in time"));
    assert_eq!(began.elapsed().as_secs(), 4);
    script.tried(4).await;
    settle().await;
    assert_eq!(house.figure("otelcol_exporter_sent_log_records", &["net"]), 1.0, "the delivery goes on");
    house.shutdown(Duration::from_secs(1)).await;
}
