//! The acknowledgement of requests that pass components of every kind.

use super::*;
use script::Answer;

/// One pipeline with one processor that acts as told, and a queue.
fn acting(what: &str) -> String {
    format!(
        "
receivers: {{taps: }}
processors: {{act: {{what: {what}}}}}
exporters: {{net: {{sending_queue: {{batch: {{enabled: false}}}}}}}}
service: {{pipelines: {{logs: {{receivers: [taps], processors: [act], exporters: [net]}}}}}}
"
    )
}

async fn check(what: &str, items: usize, expected: Outcome, delivered: usize) {
    let house = House::of(&acting(what)).await;
    assert_eq!(house.send(items).await, expected, "{what}");
    let script = house.script("net");
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.items(), delivered, "{what}");
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_is_acknowledged_when_it_is_queued() {
    check("pass", 3, Outcome::Ok, 3).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_with_a_reason_is_acknowledged() {
    check("first", 3, Outcome::Ok, 1).await;
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_split_request_share_its_acknowledgement() {
    check("split", 3, Outcome::Ok, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_gives_nothing_on() {
    check("fail_retryable", 3, Outcome::retryable("later"), 0).await;
    check("fail_permanent", 3, Outcome::permanent("never"), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_request_for_good_and_is_counted() {
    let house = House::of(&acting("panic")).await;
    assert_eq!(house.send(2).await, Outcome::permanent("processor `act` panicked"));
    assert_eq!(house.send(1).await, Outcome::permanent("processor `act` panicked"), "the process lives");
    assert_eq!(house.figure("chaperone_component_panics", &[]), 2.0);
    assert_eq!(house.figure("chaperone_component_dropped_items", &["panicked"]), 3.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn giving_nothing_out_is_success_and_shows_in_the_equations() {
    let house = House::of(&acting("swallow")).await;
    assert_eq!(house.send(2).await, Outcome::Ok);
    let wrong = chaperone_testkit::conservation::check(&house.scrape()).unwrap_err();
    assert_eq!(wrong, ["act processor logs logs: in 2 is not passed 0 + consumed 0 + dropped 0 + held 0"]);
}

#[tokio::test(start_paused = true)]
async fn held_requests_are_acknowledged_together_when_what_they_became_is_queued() {
    let house = House::of(&acting("merge")).await;
    let (first, second) = tokio::join!(house.send(2), async {
        tokio::task::yield_now().await;
        assert_eq!(house.figure("chaperone_component_held_items", &["act"]), 2.0);
        house.check_conservation();
        house.send(3).await
    });
    assert_eq!((first, second), (Outcome::Ok, Outcome::Ok));
    let script = house.script("net");
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(script.seen()[0].chunks, [5]);
}

#[tokio::test(start_paused = true)]
async fn held_requests_are_given_out_at_shutdown() {
    let house = House::of(&acting("merge")).await;
    let entrance = house.entrance.clone();
    let client = spawn(async move { entrance.submit_batch(Batch::new(logs(4))).await });
    tokio::task::yield_now().await;
    let script = house.script("net");
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(client.await.unwrap(), Outcome::Ok);
    assert_eq!(script.items(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_lost_share_is_retryable_and_counted() {
    let house = House::of(&acting("lose")).await;
    assert!(matches!(house.send(2).await, Outcome::Retryable { .. }));
    assert_eq!(house.figure("chaperone_acknowledgement_lost_shares", &[]), 1.0);
}

/// Two branches: a queue, and an exporter that is waited for.
const TWO: &str = "
receivers: {taps: }
exporters: {net: , local: , local/2: }
service: {pipelines: {logs: {receivers: [taps], exporters: [net, local]}, logs/2: {receivers: [taps], exporters: [local/2]}}}
";

#[tokio::test(start_paused = true)]
async fn the_worst_branch_decides_and_the_others_run() {
    let house = House::of(TWO).await;
    house.script("local").say([Answer::Later(None)]);
    assert_eq!(house.send(1).await, Outcome::retryable("busy"));
    house.script("local").say([Answer::Later(None)]);
    house.script("local/2").say([Answer::Never]);
    assert_eq!(house.send(1).await, Outcome::permanent("not retryable error: Permanent error: bad data"));
    assert_eq!(house.send(1).await, Outcome::Ok);
    let (net, second) = (house.script("net"), house.script("local/2"));
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!((net.items(), second.items()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_slow_is_answered_for_after_four_seconds() {
    let house = House::of(TWO).await;
    house.script("local").say([Answer::Gate]);
    let began = tokio::time::Instant::now();
    assert!(matches!(house.send(1).await, Outcome::Retryable { .. }));
    assert_eq!(began.elapsed().as_secs(), 4);
    house.script("local").gate.add_permits(1);
    tokio::time::sleep(Duration::from_millis(1)).await;
    house.check_conservation();
    assert_eq!(house.figure("chaperone_receiver_items", &["accepted"]), 1.0, "what was admitted runs to its end");
    house.shutdown(Duration::from_secs(5)).await;
}

/// What a connector derives reaches an exporter that fails and a processor that panics.
const DERIVED: &str = "
receivers: {taps: }
processors: {act: {what: panic}}
connectors: {copy: }
exporters: {net: , local: }
service:
  pipelines:
    logs: {receivers: [taps], exporters: [copy, net]}
    logs/derived: {receivers: [copy], exporters: [local]}
    logs/panic: {receivers: [copy], processors: [act], exporters: [local]}
";

#[tokio::test(start_paused = true)]
async fn what_is_derived_never_fails_the_request() {
    let house = House::of(DERIVED).await;
    house.script("local").say([Answer::Never]);
    assert_eq!(house.send(2).await, Outcome::Ok);
    let settings = house.shutdown(Duration::from_secs(5)).await;
    let mut text = String::new();
    crate::exposition::write(&settings.telemetry.families(), &mut text);
    assert!(
        text.contains("chaperone_queue_dropped_items{exporter=\"local\",reason=\"permanent_error\",signal=\"logs\"} 2"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn derived_data_that_admission_refuses_are_dropped_there() {
    let house = House::of(&DERIVED.replace("what: panic", "what: refuse")).await;
    assert_eq!(house.send(2).await, Outcome::Ok);
    assert_eq!(house.figure("chaperone_component_dropped_items", &["told_so", "logs/panic"]), 2.0);
    house.shutdown(Duration::from_secs(5)).await;
}
