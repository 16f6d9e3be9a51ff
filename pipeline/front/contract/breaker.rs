//! The circuit breaker, which is ours: when it opens, what happens meanwhile, when it closes; it never drops.

use super::*;
use crate::engine::tests::payload;
use crate::{Outcome, Refused};

const STATE: &str = "chaperone_exporter_circuit_breaker_state";
const OPENED: &str = "chaperone_exporter_circuit_breaker_opened";
/// Pauses of retries that are short beside those of the breaker.
const RETRY: &str = "retry_on_failure: {initial_interval: 1s, max_interval: 1s, randomization_factor: 0, max_elapsed_time: 10s}";

fn front(queue: &str) -> String {
    format!("{RETRY}, sending_queue: {{batch: {{enabled: false}}, {queue}}}, circuit_breaker: {{failures: 3, open_for: 60s}}")
}

#[tokio::test(start_paused = true)]
async fn it_is_off_unless_written() {
    let house = with(SINGLE).await;
    assert!(!house.scrape().contains(STATE));
    house.shutdown(Duration::from_secs(1)).await;
    let house = with(&format!("{SINGLE}, circuit_breaker:")).await;
    assert_eq!(house.figure(STATE, &["logs"]), 0.0);
    assert!(house.scrape().contains(STATE));
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn after_failures_in_a_row_nothing_is_tried_until_a_probe_and_nothing_is_dropped() {
    let house = with(&front("num_consumers: 1")).await;
    let script = house.script("net");
    script.say(later(5));
    for salt in ["a", "b", "c"] {
        assert_eq!(house.entrance.submit(payload(1, salt)).await, Ok(()));
    }
    script.tried(3).await;
    settle().await;
    assert_eq!((house.figure(STATE, &["logs"]), house.figure(OPENED, &["logs"])), (2.0, 1.0));
    script.tried(6).await;
    // Three attempts a second apart, then one a minute: the fourth and fifth are probes that fail, the sixth succeeds.
    assert_eq!(gaps(&script.seen())[..5], [1.0, 1.0, 60.0, 60.0, 60.0]);
    settle().await;
    assert_eq!((house.figure(STATE, &["logs"]), house.figure(OPENED, &["logs"])), (0.0, 3.0));
    assert_eq!(house.figure("chaperone_queue_dropped_items", &[]), 0.0, "three minutes are more than `max_elapsed_time`");
    script.tried(8).await;
    house.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn only_as_many_probes_as_allowed_are_under_way_and_one_success_lets_all_go() {
    let house = with(&front("num_consumers: 4").replace("open_for: 60s", "open_for: 60s, half_open_requests: 2")).await;
    let script = house.script("net");
    script.say([later(4), vec![Answer::Gate; 4]].concat());
    for salt in ["a", "b", "c", "d"] {
        assert_eq!(house.entrance.submit(payload(1, salt)).await, Ok(()));
    }
    script.tried(6).await;
    settle().await;
    assert_eq!((script.seen().len(), house.figure(STATE, &["logs"])), (6, 1.0), "two probes");
    script.gate.add_permits(1);
    script.tried(8).await;
    assert_eq!(house.figure(STATE, &["logs"]), 0.0);
    script.gate.add_permits(9);
    house.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_success_or_data_refused_for_good_end_the_row_of_failures() {
    let house = with(&front("num_consumers: 1")).await;
    let script = house.script("net");
    let row = |end: Option<Answer>| [later(2), end.into_iter().collect()].concat();
    // The deliveries of one request: two failures, then a success; then of another: two failures, refused for good.
    script.say([row(None)].concat());
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    script.tried(3).await;
    script.say([row(Some(Answer::Never)), row(None)].concat());
    assert_eq!(house.entrance.submit(payload(1, "b")).await, Ok(()));
    assert_eq!(house.entrance.submit(payload(1, "c")).await, Ok(()));
    script.tried(9).await;
    settle().await;
    assert_eq!(house.figure(OPENED, &["logs"]), 0.0);
    house.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_behind_it_refuses_at_once_and_says_when_to_come_back() {
    for blocks in [false, true] {
        let house = with(&front(&format!("num_consumers: 1, queue_size: 1, block_on_overflow: {blocks}"))).await;
        let script = house.script("net");
        script.say(later(3));
        assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
        script.tried(3).await;
        settle().await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        let began = tokio::time::Instant::now();
        let refused = house.entrance.submit(payload(1, "b")).await;
        assert!(
            matches!(&refused, Err(Refused::Overloaded { message, after: Some(after) })
                if message == "sending queue is full" && after.as_secs_f64().round() == 40.0),
            "{refused:?}"
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
        script.tried(4).await;
        house.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_nobody_waits_for_a_destination_that_is_known_not_to_answer() {
    let direct = "sending_queue: {enabled: false}, retry_on_failure: {enabled: false}, circuit_breaker: {failures: 2}";
    let house = with(direct).await;
    let script = house.script("net");
    script.say(later(2));
    for _ in 0..2 {
        assert_eq!(house.send(1).await, Outcome::retryable("busy"));
    }
    let refused = house.send(1).await;
    let message = "the destination does not answer, its circuit breaker is open".to_owned();
    assert_eq!(refused, Outcome::Retryable { message, after: Some(Duration::from_secs(30)) });
    assert_eq!(script.seen().len(), 2);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(house.send(1).await, Outcome::Ok, "the probe");
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_tries_everything_once_whatever_it_says() {
    let house = with(&front("num_consumers: 1")).await;
    let script = house.script("net");
    script.say(later(3));
    for salt in ["a", "b", "c"] {
        assert_eq!(house.entrance.submit(payload(1, salt)).await, Ok(()));
    }
    script.tried(3).await;
    settle().await;
    let began = tokio::time::Instant::now();
    house.shutdown(Duration::from_secs(50)).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(script.seen().len(), 6, "three failed, then each of the three was taken");
}

#[tokio::test(start_paused = true)]
async fn opening_and_closing_is_told() {
    let book = LogBook::open();
    let house = with(&front("num_consumers: 1")).await;
    house.script("net").say(later(4));
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.script("net").tried(5).await;
    settle().await;
    assert_eq!(book.with("circuit breaker opened").len(), 1, "not again after a probe that failed");
    assert_eq!(book.with("circuit breaker closed").len(), 1);
    house.shutdown(Duration::from_secs(1)).await;
}
