//! Start, ticks, reports and shutdown.

use super::*;
use script::Answer;

const PLAIN: &str = "
receivers: {taps: , own_events: }
connectors: {count: }
exporters: {net: , local: }
service:
  pipelines:
    logs: {receivers: [taps], exporters: [net, count]}
    logs/counted: {receivers: [count], exporters: [local]}
    logs/own: {receivers: [own_events], exporters: [local]}
";

#[tokio::test(start_paused = true)]
async fn components_tick_a_second_after_the_start_and_again_when_they_asked() {
    let house = House::of(PLAIN).await;
    assert_eq!(house.send(3).await, Outcome::Ok);
    let script = house.script("local");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(script.seen().is_empty(), "nothing is old enough");
    house.settings.clock.advance_to(70_000_000_000);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(script.seen().len(), 1);
    // It said that nothing is open, and is woken by the next batch.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(house.send(3).await, Outcome::Ok);
    house.settings.clock.advance_to(170_000_000_000);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(script.seen().len(), 2);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn reports_enter_through_own_events() {
    let house = House::of(&PLAIN.replace("net: ,", "net: {reports: true},")).await;
    assert_eq!(house.send(1).await, Outcome::Ok);
    let script = house.script("local");
    script.tried(1).await;
    assert_eq!(house.figure("chaperone_receiver_items", &["own_events", "received"]), 1.0);
    tokio::time::sleep(Duration::from_millis(1)).await;
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn reports_without_own_events_are_counted_as_dropped() {
    let text = "
receivers: {taps: }
exporters: {net: {reports: true}}
service: {pipelines: {logs: {receivers: [taps], exporters: [net]}}}
";
    let house = House::of(text).await;
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.script("net").tried(1).await;
    assert_eq!(house.figure("chaperone_reports_dropped_items", &["no_own_events"]), 1.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_component_that_does_not_start_stops_the_others() {
    let text = "
receivers: {taps: }
processors: {act: {what: refuse_to_start}}
exporters: {net: }
service: {pipelines: {logs: {receivers: [taps], processors: [act], exporters: [net]}}}
";
    let settings = settings();
    let graph = Graph::build(&document(text), &components::REGISTRY, settings.clone()).expect("good settings");
    let error = graph.start().await.err().expect("refused");
    assert_eq!(error.message, "processor `act` did not start: it was told so");
    assert!(*settings.shared.get_or_init(&id("net"), Script::default).stopped.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn queues_empty_before_the_exporters_stop() {
    let house = House::of(PLAIN).await;
    for salt in 0..5 {
        assert_eq!(house.entrance.submit(payload(2, &salt.to_string())).await, Ok(()));
    }
    let script = house.script("net");
    assert!(script.seen().is_empty(), "the batch waits for more");
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(script.items(), 10);
    assert!(*script.stopped.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_by_the_deadline_is_dropped_and_counted() {
    let house = House::of(PLAIN).await;
    let script = house.script("net");
    script.say([Answer::Hang, Answer::Hang]);
    assert_eq!(house.send(3).await, Outcome::Ok);
    script.tried(1).await;
    assert_eq!(house.send(4).await, Outcome::Ok);
    let began = tokio::time::Instant::now();
    let settings = house.shutdown(Duration::from_secs(3)).await;
    assert_eq!(began.elapsed().as_secs(), 3);
    let mut text = String::new();
    crate::exposition::write(&settings.telemetry.families(), &mut text);
    assert!(text.contains("chaperone_queue_dropped_items{exporter=\"net\",reason=\"shutdown\",signal=\"logs\"} 7"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn requests_after_the_stop_are_told_to_come_again() {
    let house = House::of(PLAIN).await;
    let entrance = house.entrance.clone();
    house.shutdown(Duration::from_secs(1)).await;
    assert!(matches!(entrance.submit_batch(Batch::new(logs(1))).await, Outcome::Retryable { .. }));
}

#[tokio::test(start_paused = true)]
async fn reports_of_the_last_deliveries_are_delivered_too() {
    let house = House::of(&PLAIN.replace("net: ,", "net: {reports: true},")).await;
    assert_eq!(house.send(3).await, Outcome::Ok);
    let (net, local) = (house.script("net"), house.script("local"));
    assert!(net.seen().is_empty());
    house.shutdown(Duration::from_secs(5)).await;
    // The report, and what `count` had not told yet.
    assert_eq!((net.items(), local.items()), (3, 1));
}

/// `trickle` gives out one record a piece when it is drained: a hundred, into a queue of ten.
#[tokio::test(start_paused = true)]
async fn draining_waits_for_room_in_the_queues() {
    let text = "
receivers: {taps: }
connectors: {trickle: }
exporters: {net: {sending_queue: {queue_size: 10, num_consumers: 1, batch: {enabled: false}}}}
service: {pipelines: {logs: {receivers: [taps], exporters: [trickle]}, logs/2: {receivers: [trickle], exporters: [net]}}}
";
    let house = House::of(text).await;
    assert_eq!(house.send(100).await, Outcome::Ok);
    let script = house.script("net");
    assert!(script.seen().is_empty());
    house.shutdown(Duration::from_secs(30)).await;
    assert_eq!(script.items(), 100);
}
