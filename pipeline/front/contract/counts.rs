//! 2.5 own metrics of exporters: what counts when.

use super::*;
use crate::engine::tests::id;
use crate::status::Subject;
use crate::{Level, Outcome};
use chaperone_proto::Signal;

const SENT: &str = "otelcol_exporter_sent_log_records";
const FAILED: &str = "otelcol_exporter_send_failed_log_records";

#[tokio::test(start_paused = true)]
async fn r2_5_01_the_queue_is_shown_from_the_start_and_the_rest_with_its_first_event() {
    let house = with(SINGLE).await;
    let scrape = house.scrape();
    for series in [
        "otelcol_exporter_queue_size{data_type=\"logs\",exporter=\"net\"} 0",
        "otelcol_exporter_queue_capacity{data_type=\"logs\",exporter=\"net\"} 1000",
        "otelcol_exporter_in_flight_requests{data_type=\"logs\",exporter=\"net\"} 0",
    ] {
        assert!(scrape.contains(series), "{series} is not in\n{scrape}");
    }
    for name in [SENT, FAILED, "otelcol_exporter_enqueue_failed_log_records"] {
        assert!(!scrape.contains(name), "{name}");
    }
    house.script("net").say([Answer::Never]);
    assert_eq!(house.send(2).await, Outcome::Ok);
    until(&house, FAILED, &[], 2.0).await;
    assert!(house.scrape().contains(&format!("{SENT}{{exporter=\"net\"}} 0\n")), "beside the first failure");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_5_02_items_are_sent_after_the_success_and_failed_after_the_last_attempt() {
    let house = with(&format!("{SINGLE}, retry_on_failure: {{max_elapsed_time: 8s, max_interval: 5s}}")).await;
    let script = house.script("net");
    script.say([Answer::Later(None), Answer::Gate]);
    assert_eq!(house.send(3).await, Outcome::Ok);
    script.tried(2).await;
    assert_eq!((house.figure(SENT, &[]), house.figure(FAILED, &[])), (0.0, 0.0), "neither is decided");
    script.gate.add_permits(1);
    until(&house, SENT, &[], 3.0).await;
    assert_eq!(house.figure(FAILED, &[]), 0.0, "a failed attempt is no failed item");
    script.say(later(9));
    assert_eq!(house.send(4).await, Outcome::Ok);
    until(&house, FAILED, &[], 4.0).await;
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_5_03_a_partial_success_counts_in_full() {
    let house = with(SINGLE).await;
    house.script("net").say([Answer::Reject(2)]);
    assert_eq!(house.send(5).await, Outcome::Ok);
    until(&house, SENT, &[], 5.0).await;
    assert_eq!(house.figure("chaperone_queue_dropped_items", &["rejected"]), 2.0, "and ours tells them apart");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_5_04_sizes_and_causes_are_told_in_detail_only() {
    for (level, lines) in [(Level::Normal, 0.0), (Level::Detailed, 1.0)] {
        let house = with(&format!("{SINGLE}, timeout: 1s, retry_on_failure: {{enabled: false}}")).await;
        house.settings.telemetry.set_level(level);
        house.script("net").say([Answer::Hang]);
        assert_eq!(house.send(30).await, Outcome::Ok);
        until(&house, FAILED, &[], 30.0).await;
        for name in ["otelcol_exporter_enqueue_size", "otelcol_exporter_queue_batch_send_size"] {
            assert_eq!(house.figure(&format!("{name}_count"), &["net"]), lines, "{name} {level}");
            assert_eq!(house.figure(&format!("{name}_sum"), &["net"]), lines * 30.0, "{name} {level}");
            assert_eq!(house.figure(&format!("{name}_bytes_count"), &["net"]), lines, "{name} {level}");
        }
        let why = ["error_permanent=\"false\"", "error_type=\"Deadline_Exceeded\""];
        assert_eq!(house.figure(FAILED, &why), lines * 30.0, "{level}");
        house.shutdown(Duration::from_secs(1)).await;
    }
}

/// Ours: the status board tells what a failing exporter waits for.
#[tokio::test(start_paused = true)]
async fn an_open_circuit_breaker_is_a_recoverable_error_of_the_exporter() {
    let house = with(&format!("{SINGLE}, circuit_breaker: {{failures: 1}}")).await;
    let script = house.script("net");
    script.say(later(1));
    assert_eq!(house.send(1).await, Outcome::Ok);
    script.tried(1).await;
    settle().await;
    let board = house.settings.shared.status().clone();
    let status = || board.get(&Subject::of_signal(&id("net"), Signal::Logs)).and_then(|event| event.message);
    assert_eq!(status().as_deref(), Some("circuit breaker open: busy"));
    script.tried(2).await;
    settle().await;
    assert_eq!(status(), None, "it is well again");
    house.shutdown(Duration::from_secs(1)).await;
}
