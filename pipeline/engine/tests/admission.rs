//! Admission: everybody is asked, room is reserved, refusal happens only there; retransmissions join.

use super::*;
use crate::Refused;
use script::Answer;

fn queue(settings: &str) -> String {
    format!(
        "
receivers: {{taps: }}
processors: {{act: , act/2: }}
exporters: {{net: {{sending_queue: {{{settings}}}}}}}
service: {{pipelines: {{logs: {{receivers: [taps], processors: [act, act/2], exporters: [net]}}}}}}
"
    )
}

fn refused(result: Result<(), Refused>) -> String {
    match result {
        Err(Refused::Overloaded { message, after }) => format!("{message} {after:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_that_refuses_is_asked_before_anything_runs() {
    let house = House::of(&queue("").replace("act/2: }", "act/2: {what: refuse}}")).await;
    assert_eq!(refused(house.entrance.submit(payload(3, "")).await), "not now Some(2s)");
    assert_eq!(house.figure("chaperone_component_items", &["\"act\"", "\"in\""]), 0.0);
    assert_eq!(house.figure("otelcol_receiver_refused_log_records", &["http"]), 3.0, "counted without being indexed");
    assert_eq!(house.figure("chaperone_receiver_refused_items", &["told_so"]), 3.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_by_requests_refuses_with_later() {
    let house = House::of(&queue("queue_size: 2, num_consumers: 1, batch: {enabled: false}")).await;
    let script = house.script("net");
    script.say([Answer::Gate, Answer::Gate]);
    for salt in ["a", "b"] {
        assert_eq!(house.entrance.submit(payload(1, salt)).await, Ok(()));
    }
    script.tried(1).await;
    assert_eq!(house.figure("otelcol_exporter_queue_size", &["logs"]), 2.0, "what is in flight counts");
    assert_eq!(refused(house.entrance.submit(payload(1, "c")).await), "sending queue is full None");
    assert_eq!(house.figure("otelcol_exporter_enqueue_failed_log_records", &["net"]), 1.0);
    script.gate.add_permits(1);
    script.tried(2).await;
    assert_eq!(house.entrance.submit(payload(1, "c")).await, Ok(()));
    script.gate.add_permits(9);
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.items(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_bounded_by_bytes_whatever_its_length() {
    let house = House::of(&queue("max_bytes: 64KiB, queue_size: 1000000")).await;
    let script = house.script("net");
    script.say([Answer::Hang, Answer::Hang]);
    let mut accepted = 0;
    while house.entrance.submit(payload(100, &accepted.to_string())).await.is_ok() {
        accepted += 1;
    }
    let bytes = payload(100, "").body.len();
    let bound = (64 << 10) * 9 / 10;
    assert!(accepted * bytes <= bound && (accepted + 1) * (bytes + 8) > bound - bytes, "{accepted} requests of {bytes} bytes");
    assert_eq!(house.figure("chaperone_queue_bytes", &["net"]) as usize, house.running.accounted_bytes());
    let large = payload(10_000, "");
    assert!(refused(house.entrance.submit(large).await).contains("element size too large"));
    house.shutdown(Duration::from_millis(10)).await;
}

/// Both branches of a fan-out reach the same queue: room is reserved for both copies.
#[tokio::test(start_paused = true)]
async fn room_is_reserved_for_every_way_that_leads_to_a_queue() {
    let text = "
receivers: {taps: }
connectors: {forward: }
exporters: {net: {sending_queue: {max_bytes: 64KiB}}}
service: {pipelines: {logs: {receivers: [taps], exporters: [forward, net]}, logs/2: {receivers: [forward], exporters: [net]}}}
";
    let house = House::of(text).await;
    let flow = &house.running.current.flow;
    let route = &flow.routes[flow.route(&id("taps"), Signal::Logs).expect("served")].1;
    assert_eq!(route.queues.len(), 2);
    let size = |bytes| crate::RequestSize { signal: Signal::Logs, bytes };
    assert!(flow.admit(route, size(40 << 10), || 1).is_err(), "one copy fits, two do not");
    assert_eq!(house.running.accounted_bytes(), 0, "a refusal leaves nothing reserved");
    let room = flow.admit(route, size(20 << 10), || 1).ok().expect("two copies fit");
    assert_eq!(house.running.accounted_bytes(), 40 << 10);
    drop(room);
    assert_eq!(house.send(2).await, Outcome::Ok);
    let script = house.script("net");
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(script.items(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_a_queue_is_open_to_derived_data_only() {
    let text = "
receivers: {taps: }
connectors: {copy: }
exporters: {net: {sending_queue: {max_bytes: 64KiB, queue_size: 1000000}}, local: }
service: {pipelines: {logs: {receivers: [taps], exporters: [net, copy]}, logs/2: {receivers: [copy], exporters: [net]}}}
";
    let house = House::of(
        &text.replace("logs: {receivers: [taps], exporters: [net, copy]}", "logs: {receivers: [taps], exporters: [local, copy]}"),
    )
    .await;
    house.script("net").say(std::iter::repeat_n(Answer::Hang, 20));
    let bytes = payload(100, "").body.len();
    for salt in 0..30 {
        assert_eq!(house.entrance.submit(payload(100, &salt.to_string())).await, Ok(()), "derived data refuse nobody");
    }
    let taken = house.figure("chaperone_queue_bytes", &["net"]) as usize;
    assert!(taken > (64 << 10) * 9 / 10 && taken <= 64 << 10, "{taken} bytes of requests of {bytes}");
    let dropped = house.figure("chaperone_component_dropped_items", &["queue_full", "net"]);
    assert_eq!(dropped, house.figure("otelcol_exporter_enqueue_failed_log_records", &["net"]));
    assert!(dropped > 0.0);
    house.shutdown(Duration::from_millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_bodies_is_shared_and_given_back() {
    let house = House::of(&queue("")).await;
    let entrance = house.entrance_with(100);
    let mut first = entrance.charge(60).expect("room");
    assert!(entrance.charge(41).is_none());
    assert!(first.grow(40) && !first.grow(1));
    assert_eq!(house.running.accounted_bytes(), 100);
    drop(first);
    assert_eq!(house.running.accounted_bytes(), 0);
    assert!(entrance.charge(100).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_again_are_answered_without_being_processed() {
    let house = House::of(&queue("")).await;
    for _ in 0..3 {
        assert_eq!(house.entrance.submit(payload(2, "a")).await, Ok(()));
    }
    assert_eq!(house.entrance.submit(payload(2, "b")).await, Ok(()));
    assert_eq!(house.figure("chaperone_receiver_items", &["joined"]), 4.0);
    house.settings.clock.advance_to(120_000_000_000);
    assert_eq!(house.entrance.submit(payload(2, "a")).await, Ok(()), "the window is a minute");
    assert_eq!(house.figure("chaperone_receiver_items", &["accepted"]), 6.0);
    let script = house.script("net");
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(script.items(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_retransmission_waits_for_the_first_copy_and_gets_its_outcome() {
    let house =
        House::of(&queue("enabled: false").replace("{sending_queue", "{retry_on_failure: {enabled: false}, sending_queue")).await;
    let script = house.script("net");
    script.say([Answer::Gate, Answer::Never]);
    let entrance = house.entrance.clone();
    let (first, second) = tokio::join!(entrance.submit(payload(2, "a")), async {
        script.tried(1).await;
        let second = entrance.submit(payload(2, "a"));
        script.gate.add_permits(1);
        second.await
    });
    assert_eq!((first, second, script.seen().len()), (Ok(()), Ok(()), 1));

    let failed = house.entrance.submit(payload(2, "b")).await;
    assert_eq!(failed, Err(Refused::Permanent { message: "not retryable error: Permanent error: bad data".into() }));
    assert_eq!(house.entrance.submit(payload(2, "b")).await, Ok(()), "what failed is processed again");
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_cancels_nothing() {
    let house = House::of(&queue("enabled: false")).await;
    let script = house.script("net");
    script.say([Answer::Gate]);
    let given_up = tokio::time::timeout(Duration::from_millis(1), house.entrance.submit(payload(2, "a"))).await;
    assert!(given_up.is_err());
    script.gate.add_permits(1);
    assert_eq!(house.entrance.submit(payload(2, "a")).await, Ok(()), "its retry joins");
    house.shutdown(Duration::from_secs(1)).await;
    assert_eq!(script.seen().len(), 1);
}

#[tokio::test]
async fn large_bodies_go_over_the_compute_lane_whether_or_not_the_client_stays() {
    let house = House::of(&queue("")).await;
    let large = payload(100_000, "");
    assert!(large.body.len() > 1 << 20);
    assert_eq!(house.entrance.submit(large).await, Ok(()));
    let mut malformed = payload(100_000, "");
    malformed.body = malformed.body.slice(..malformed.body.len() - 1);
    assert!(matches!(house.entrance.submit(malformed).await, Err(Refused::Malformed { .. })));
    let script = house.script("net");
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.items(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn malformed_and_unserved_requests_are_told_apart() {
    let house = House::of(&queue("")).await;
    let mut broken = payload(1, "");
    broken.body = broken.body.slice(..broken.body.len() - 1);
    for _ in 0..2 {
        assert!(matches!(house.entrance.submit(broken.clone()).await, Err(Refused::Malformed { .. })), "and is not remembered");
    }
    let traces = Payload { signal: Signal::Traces, ..payload(0, "") };
    assert_eq!(house.entrance.submit(traces).await, Err(Refused::NotServed { signal: "traces" }));
    assert!(house.entrance.serves(Signal::Logs) && !house.entrance.serves(Signal::Metrics));
    assert_eq!(house.figure("chaperone_receiver_requests", &["malformed"]), 2.0);
    let empty = Payload { body: Default::default(), ..payload(0, "") };
    assert_eq!(house.entrance.submit(empty).await, Ok(()));
    house.shutdown(Duration::from_secs(1)).await;
}
