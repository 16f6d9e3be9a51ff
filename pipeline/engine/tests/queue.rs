//! The front of exporters: batching, retry, time-out, reasons of drops.

use super::*;
use script::{Answer, Seen};

async fn with(front: &str) -> House {
    House::of(&format!(
        "
receivers: {{taps: }}
exporters: {{net: {{{front}}}}}
service: {{pipelines: {{logs: {{receivers: [taps], exporters: [net]}}}}}}
"
    ))
    .await
}

const SINGLE: &str = "sending_queue: {num_consumers: 1, batch: {enabled: false}}";

fn chunks(seen: &[Seen]) -> Vec<Vec<usize>> {
    seen.iter().map(|seen| seen.chunks.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_together_go_out_together() {
    let house = with("").await;
    let began = tokio::time::Instant::now();
    for items in [1, 2, 3] {
        assert_eq!(house.send(items).await, Outcome::Ok);
    }
    house.script("net").tried(1).await;
    let seen = house.script("net").seen();
    assert_eq!(chunks(&seen), [[1, 2, 3]]);
    assert_eq!((seen[0].at - began).as_millis(), 200);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait_and_large_requests_are_split() {
    let house = with("sending_queue: {num_consumers: 1, batch: {min_size: 10, max_size: 12, flush_timeout: 5s}}").await;
    for items in [4, 4, 4, 30] {
        assert_eq!(house.send(items).await, Outcome::Ok);
    }
    let (script, began) = (house.script("net"), tokio::time::Instant::now());
    script.tried(3).await;
    assert_eq!(chunks(&script.seen()), [vec![4, 4, 4], vec![12], vec![12]]);
    script.tried(4).await;
    assert_eq!(chunks(&script.seen())[3], [6]);
    assert_eq!((script.seen()[3].at - began).as_secs(), 5, "the rest waits for its time");
    tokio::task::yield_now().await;
    assert_eq!(house.figure("otelcol_exporter_queue_size", &["net"]), 0.0);
    assert_eq!(house.running.accounted_bytes(), 0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_is_tried_again_with_the_same_batch() {
    let house = with(SINGLE).await;
    let script = house.script("net");
    script.say([Answer::Later(None), Answer::Later(Some(Duration::from_secs(20)))]);
    assert_eq!(house.send(2).await, Outcome::Ok);
    script.tried(3).await;
    let seen = script.seen();
    assert_eq!(seen.iter().map(|seen| seen.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(seen.iter().all(|other| other.batch_id == seen[0].batch_id));
    let first = (seen[1].at - seen[0].at).as_secs_f64();
    assert!((2.5..7.6).contains(&first), "{first}");
    assert!((seen[2].at - seen[1].at).as_secs_f64() >= 20.0, "as long as the destination asked for");
    assert_eq!(house.send(2).await, Outcome::Ok);
    script.tried(4).await;
    assert_ne!(script.seen()[3].batch_id, seen[0].batch_id);
    house.shutdown(Duration::from_secs(1)).await;
}

async fn check_dropped(front: &str, answers: Vec<Answer>, reason: &str, tried: usize) {
    let house = with(front).await;
    let script = house.script("net");
    script.say(answers);
    assert_eq!(house.send(3).await, Outcome::Ok, "the queue has taken it");
    for _ in 0..1000 {
        if house.figure("chaperone_queue_dropped_items", &[]) > 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(house.figure("chaperone_queue_dropped_items", &[reason]), 3.0, "{reason}\n{}", house.scrape());
    assert_eq!(house.figure("otelcol_exporter_send_failed_log_records", &["net"]), 3.0);
    assert_eq!(house.figure("otelcol_exporter_sent_log_records", &["net"]), 0.0);
    assert_eq!(script.seen().len(), tried, "{reason}");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn every_drop_has_its_reason() {
    let later = |count| vec![Answer::Later(None); count];
    check_dropped(SINGLE, vec![Answer::Never], "permanent_error", 1).await;
    check_dropped(SINGLE, vec![Answer::Panic], "permanent_error", 1).await;
    check_dropped(&format!("{SINGLE}, retry_on_failure: {{enabled: false}}"), later(9), "retry_disabled", 1).await;
    let retry = "retry_on_failure: {initial_interval: 1s, max_interval: 1s, randomization_factor: 0, max_elapsed_time: 3500ms}";
    check_dropped(&format!("{SINGLE}, {retry}"), later(9), "retries_exhausted", 4).await;
    let long = vec![Answer::Later(Some(Duration::from_secs(400)))];
    check_dropped(SINGLE, long, "retries_exhausted", 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_tried_again() {
    let house = with(&format!("{SINGLE}, timeout: 2s")).await;
    let script = house.script("net");
    script.say([Answer::Hang]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(2).await;
    let gap = (script.seen()[1].at - script.seen()[0].at).as_secs_f64();
    assert!((4.5..9.6).contains(&gap), "time-out and pause: {gap}");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn items_that_the_destination_rejects_are_counted() {
    let house = with(SINGLE).await;
    house.script("net").say([Answer::Reject(2)]);
    assert_eq!(house.send(5).await, Outcome::Ok);
    house.script("net").tried(1).await;
    tokio::task::yield_now().await;
    assert_eq!(house.figure("otelcol_exporter_sent_log_records", &["net"]), 5.0, "the Collector counts them as sent");
    assert_eq!(house.figure("chaperone_queue_sent_items", &["net"]), 3.0);
    assert_eq!(house.figure("chaperone_queue_dropped_items", &["rejected"]), 2.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_client_hears_how_the_delivery_ended() {
    let house = with("sending_queue: {enabled: false}, retry_on_failure: {initial_interval: 1s, randomization_factor: 0}").await;
    let script = house.script("net");
    script.say([Answer::Later(None), Answer::Later(None)]);
    assert_eq!(house.send(1).await, Outcome::Ok, "retried while the client waits");
    assert_eq!(script.seen().len(), 3);
    script.say([Answer::Never]);
    assert_eq!(house.send(1).await, Outcome::permanent("not retryable error: Permanent error: bad data"));
    assert!(!house.scrape().contains("otelcol_exporter_queue_size"), "there is no queue to show");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn local_destinations_get_one_delivery_at_a_time_with_all_that_waits() {
    let text = "
receivers: {taps: }
exporters: {local: }
service: {pipelines: {logs: {receivers: [taps], exporters: [local]}}}
";
    let house = House::of(text).await;
    let script = house.script("local");
    script.say([Answer::Gate]);
    let (outcomes, ()) = tokio::join!(async { tokio::join!(house.send(1), house.send(2), house.send(3)) }, async {
        script.tried(1).await;
        tokio::task::yield_now().await;
        script.gate.add_permits(1);
    });
    assert_eq!(outcomes, (Outcome::Ok, Outcome::Ok, Outcome::Ok));
    let seen = chunks(&script.seen());
    assert_eq!(seen.concat(), [1, 2, 3], "in order");
    assert!(seen.len() <= 2, "{seen:?}");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_pause_before_a_retry_with_one_more_attempt() {
    let house = with(&format!("{SINGLE}, retry_on_failure: {{initial_interval: 100s, max_interval: 100s}}")).await;
    let script = house.script("net");
    script.say([Answer::Later(None)]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(1).await;
    assert_eq!(house.stages(), [Stage::Open]);
    let began = tokio::time::Instant::now();
    house.shutdown(Duration::from_secs(10)).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(script.items(), 2, "one record, tried twice");
}

#[tokio::test(start_paused = true)]
async fn wait_for_result_waits_for_the_delivery_of_the_whole_batch() {
    let house = with("sending_queue: {wait_for_result: true, num_consumers: 1}, retry_on_failure: {enabled: false}").await;
    let script = house.script("net");
    script.say([Answer::Never]);
    let (first, second) = tokio::join!(house.send(1), house.send(2));
    assert_eq!(
        (first, second),
        (
            Outcome::permanent("not retryable error: Permanent error: bad data"),
            Outcome::permanent("not retryable error: Permanent error: bad data")
        )
    );
    assert_eq!(chunks(&script.seen()), [[1, 2]], "one delivery for both");
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_thrown_away_counts_as_sent_and_is_never_delivered() {
    let text = "
receivers: {taps: }
exporters: {void: }
service: {pipelines: {logs: {receivers: [taps], exporters: [void]}}}
";
    let house = House::of(text).await;
    for items in [2, 3] {
        assert_eq!(house.send(items).await, Outcome::Ok);
    }
    assert_eq!(house.figure("chaperone_queue_sent_items", &["void"]), 5.0);
    assert_eq!(house.figure("chaperone_queue_bytes", &["void"]), 0.0, "its room is given back");
    house.check_conservation();
    house.shutdown(Duration::from_secs(1)).await;
}
