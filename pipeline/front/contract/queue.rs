//! 2.3 queue.

use super::*;
use crate::engine::tests::components::Read;
use crate::engine::tests::{id, payload, records};
use crate::{Encoding, Outcome, Payload, Refused};
use chaperone_proto::Signal;

const FULL: &str = "sending queue is full";

fn overloaded(message: &str) -> Result<(), Refused> {
    Err(Refused::Overloaded { message: message.to_owned(), after: None })
}

#[tokio::test(start_paused = true)]
async fn r2_3_01_ten_deliveries_are_made_at_a_time() {
    let house = with("sending_queue: {batch: {enabled: false}}").await;
    let script = house.script("net");
    script.say(vec![Answer::Gate; 12]);
    for salt in 0..12 {
        assert_eq!(house.entrance.submit(payload(1, &salt.to_string())).await, Ok(()));
    }
    settle().await;
    assert_eq!(script.seen().len(), 10);
    assert_eq!(house.figure("otelcol_exporter_in_flight_requests", &["logs"]), 10.0);
    script.gate.add_permits(99);
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.seen().len(), 12);
}

/// Fills a queue whose one consumer is busy, and checks what is refused.
async fn check_full(queue: &str, fits: &[usize], too_much: usize) {
    let house = with(&format!("sending_queue: {{num_consumers: 1, batch: {{enabled: false}}, {queue}}}")).await;
    let script = house.script("net");
    script.say(vec![Answer::Gate; 9]);
    for (salt, items) in fits.iter().enumerate() {
        assert_eq!(house.entrance.submit(payload(*items, &salt.to_string())).await, Ok(()), "{queue} {salt}");
    }
    script.tried(1).await;
    assert_eq!(house.entrance.submit(payload(too_much, "more")).await, overloaded(FULL), "{queue}");
    assert_eq!(house.figure("otelcol_exporter_enqueue_failed_log_records", &["net"]), too_much as f64, "{queue}");
    assert_eq!(house.figure("otelcol_receiver_refused_log_records", &["http"]), too_much as f64, "{queue}");
    script.gate.add_permits(1);
    script.tried(2).await;
    assert_eq!(house.entrance.submit(payload(fits[0], "again")).await, Ok(()), "{queue}: room is free again");
    script.gate.add_permits(99);
    house.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_3_02_what_is_not_finished_counts_whether_it_waits_or_is_on_its_way() {
    check_full("queue_size: 3", &[1, 5, 9], 1).await;
}

#[tokio::test(start_paused = true)]
async fn r2_3_03_a_queue_measured_in_items_or_bytes_is_full_by_them() {
    check_full("sizer: items, queue_size: 20", &[4, 8, 8], 1).await;
    check_full("sizer: items, queue_size: 20", &[4, 4], 13).await;
    let size = payload(10, "0").body.len();
    check_full(&format!("sizer: bytes, queue_size: {}", 3 * size), &[10, 10], 12).await;
}

#[tokio::test(start_paused = true)]
async fn r2_3_04_a_full_queue_refuses_at_once_in_the_collectors_words_without_a_pause() {
    let house = with("sending_queue: {queue_size: 1, num_consumers: 1}").await;
    house.script("net").say([Answer::Gate]);
    let began = tokio::time::Instant::now();
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    assert_eq!(house.entrance.submit(payload(1, "b")).await, overloaded(FULL));
    assert_eq!(house.send(1).await, Outcome::retryable(FULL));
    assert_eq!(began.elapsed(), Duration::ZERO);
    house.script("net").gate.add_permits(1);
    house.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_3_05_a_request_larger_than_the_queue_is_never_accepted() {
    let bytes = payload(10, "").body.len();
    for queue in ["sizer: items, queue_size: 9".to_owned(), format!("sizer: bytes, queue_size: {}", bytes - 1)] {
        for blocks in [false, true] {
            let house =
                with(&format!("sending_queue: {{{queue}, block_on_overflow: {blocks}, batch: {{enabled: false}}}}")).await;
            assert_eq!(house.entrance.submit(payload(10, "")).await, overloaded("element size too large"), "{queue}");
            assert_eq!(house.figure("otelcol_exporter_enqueue_failed_log_records", &["net"]), 10.0);
            house.shutdown(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r2_3_06_bytes_are_those_of_the_protobuf_however_the_request_came() {
    let house = with("sending_queue: {sizer: bytes, queue_size: 100000, batch: {enabled: false}}").await;
    house.script("net").say([Answer::Gate]);
    let logs = records(20, 5);
    let mut json = Vec::new();
    logs.write_json(&mut json);
    let protobuf = logs.encode().concat().len();
    assert!(json.len() > protobuf + 100);
    let body = json.into();
    let request = Payload { signal: Signal::Logs, encoding: Encoding::Json, body, transport: "http", client: None };
    assert_eq!(house.entrance.submit(request).await, Ok(()));
    assert_eq!(house.figure("otelcol_exporter_queue_size", &["logs"]), protobuf as f64);
    house.script("net").gate.add_permits(1);
    house.shutdown(Duration::from_secs(1)).await;
}

const BLOCKS: &str = "sending_queue: {queue_size: 1, num_consumers: 1, block_on_overflow: true, batch: {enabled: false}}";

#[tokio::test(start_paused = true)]
async fn r2_3_07_a_blocking_queue_waits_for_room_as_long_as_it_takes() {
    let house = with(BLOCKS).await;
    let script = house.script("net");
    script.say([Answer::Gate, Answer::Gate]);
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    script.tried(1).await;
    let began = tokio::time::Instant::now();
    let ((), second) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert_eq!(house.figure("otelcol_receiver_refused_log_records", &[]), 0.0);
            script.gate.add_permits(1);
        },
        house.entrance.submit(payload(1, "b"))
    );
    assert_eq!((second, began.elapsed().as_secs()), (Ok(()), 3));
    script.gate.add_permits(9);
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn r2_3_08_a_client_that_goes_away_while_it_waits_for_room_was_not_enqueued() {
    let house = with(&format!("{BLOCKS}, timeout: 0s")).await;
    let script = house.script("net");
    script.say([Answer::Gate]);
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    script.tried(1).await;
    let patience = Duration::from_secs(3600);
    assert!(tokio::time::timeout(patience, house.entrance.submit(payload(7, "b"))).await.is_err(), "an hour is not too long");
    assert_eq!(house.figure("otelcol_exporter_enqueue_failed_log_records", &["net"]), 7.0);
    assert_eq!(house.figure("chaperone_receiver_refused_items", &["client_gone"]), 7.0);
    script.gate.add_permits(9);
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.items(), 1, "nothing of it was sent");
}

#[tokio::test(start_paused = true)]
async fn r2_3_09_who_waits_for_room_is_sent_away_when_the_collector_stops() {
    let house = with(BLOCKS).await;
    let script = house.script("net");
    script.say([Answer::Gate]);
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    script.tried(1).await;
    let entrance = house.entrance.clone();
    let (waiting, ()) = tokio::join!(entrance.submit(payload(1, "b")), async {
        settle().await;
        script.gate.add_permits(0);
        house.shutdown(Duration::from_millis(100)).await;
    });
    assert_eq!(waiting, overloaded(FULL));
}

#[tokio::test(start_paused = true)]
async fn r2_3_10_without_a_queue_the_call_ends_with_the_delivery() {
    let house = with("sending_queue: {enabled: false}").await;
    let script = house.script("net");
    script.say([Answer::Gate, Answer::Never]);
    let (outcome, ()) = tokio::join!(house.send(1), async {
        script.tried(1).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        script.gate.add_permits(1);
    });
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(house.send(1).await, Outcome::permanent("not retryable error: Permanent error: bad data"));
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_3_11_wait_for_result_waits_for_the_end_of_the_retries() {
    let retry = "retry_on_failure: {initial_interval: 1s, randomization_factor: 0}";
    let house =
        with(&format!("sending_queue: {{wait_for_result: true, num_consumers: 1, batch: {{enabled: false}}}}, {retry}")).await;
    let script = house.script("net");
    script.say([Answer::Later(None), Answer::Later(None), Answer::Never]);
    let began = tokio::time::Instant::now();
    assert_eq!(house.send(1).await, Outcome::permanent("not retryable error: Permanent error: bad data"));
    assert_eq!(began.elapsed().as_millis(), 2500, "both pauses");
    assert_eq!(house.send(1).await, Outcome::Ok);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn r2_3_12_a_shutdown_gives_every_item_its_try_and_drops_what_fails() {
    let house = with(SINGLE).await;
    let script = house.script("net");
    script.say([Answer::Gate, Answer::Later(None), Answer::Gate, Answer::Later(None)]);
    for salt in ["a", "b", "c", "d", "e"] {
        assert_eq!(house.entrance.submit(payload(1, salt)).await, Ok(()));
    }
    script.tried(1).await;
    let ((), settings) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            script.gate.add_permits(2);
        },
        house.shutdown(Duration::from_secs(60))
    );
    assert_eq!(script.seen().len(), 5, "each once, however slow: {:?}", script.seen());
    let families = settings.telemetry.families();
    let sum = |name: &str| {
        let samples = families.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
        samples.map(|sample| sample.value).sum::<f64>()
    };
    assert_eq!((sum("otelcol_exporter_sent_log_records"), sum("otelcol_exporter_send_failed_log_records")), (3.0, 2.0));
}

/// Departure: the Collector drains for as long as it takes.
#[tokio::test(start_paused = true)]
async fn r2_3_13_departure_a_shutdown_ends_at_its_deadline_and_counts_what_is_left() {
    let house = with(&format!("{SINGLE}, timeout: 0s")).await;
    let script = house.script("net");
    script.say([Answer::Hang]);
    for salt in ["a", "b"] {
        assert_eq!(house.entrance.submit(payload(1, salt)).await, Ok(()));
    }
    script.tried(1).await;
    let began = tokio::time::Instant::now();
    house.shutdown(Duration::from_secs(7)).await;
    assert!((7..9).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

/// Departure: the Collector has no bound of bytes beside the one that is configured.
#[tokio::test(start_paused = true)]
async fn r2_3_14_departure_bytes_bound_every_queue_and_a_queue_size_in_bytes_is_kept_whole() {
    let house = with("sending_queue: {max_bytes: 64KiB, queue_size: 1000000}").await;
    house.script("net").say(vec![Answer::Hang; 9]);
    let mut accepted = 0;
    while house.entrance.submit(payload(100, &accepted.to_string())).await.is_ok() {
        accepted += 1;
    }
    let bytes = house.figure("chaperone_queue_bytes", &["logs"]);
    assert!(bytes > 50_000.0 && bytes <= f64::from(64 << 10), "{bytes}");
    house.shutdown(Duration::from_millis(10)).await;

    let house = with("sending_queue: {sizer: bytes, queue_size: 100000000, batch: {enabled: false}}").await;
    assert_eq!(house.figure("otelcol_exporter_queue_capacity", &["logs"]), 100e6);
    assert!(house.lanes()[0].budget.ask(1, 100_000_000, || 1).is_ok());
    house.shutdown(Duration::from_millis(10)).await;
}

/// A request that reaches a queue over two ways needs room for both; who waits for it is not kept busy asking.
#[tokio::test(start_paused = true)]
async fn a_blocking_queue_that_is_reached_twice_waits_for_room_for_both_or_refuses_at_once() {
    let text = |size| {
        format!(
            "
receivers: {{taps: }}
connectors: {{forward: }}
exporters: {{net: {{sending_queue: {{num_consumers: 1, queue_size: {size}, block_on_overflow: true, batch: {{enabled: false}}}}}}}}
service: {{pipelines: {{logs: {{receivers: [taps], exporters: [forward, net]}}, logs/2: {{receivers: [forward], exporters: [net]}}}}}}
"
        )
    };
    let house = House::of(&text(1)).await;
    assert_eq!(house.entrance.submit(payload(1, "a")).await, overloaded("element size too large"));
    house.shutdown(Duration::from_secs(1)).await;

    let house = House::of(&text(3)).await;
    let script = house.script("net");
    script.say(vec![Answer::Gate; 4]);
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    let (second, ()) = tokio::join!(house.entrance.submit(payload(1, "b")), async {
        settle().await;
        assert_eq!(script.seen().len(), 1, "one of three places is free");
        script.gate.add_permits(1);
    });
    assert_eq!(second, Ok(()));
    script.gate.add_permits(9);
    house.shutdown(Duration::from_secs(5)).await;
    assert_eq!(script.items(), 4);
}

/// What a body was charged with while it was received becomes the room reserved for it: it is never counted twice.
#[tokio::test(start_paused = true)]
async fn a_body_is_counted_once_from_the_first_byte_to_the_delivery() {
    let house = with("sending_queue: {enabled: false}").await;
    let script = house.script("net");
    script.say([Answer::Gate]);
    let request = payload(500, "");
    let body = request.body.len();
    // Compressed and plain bytes are charged while both are there.
    let mut charge = house.entrance.charge(body).expect("room");
    assert!(charge.grow(body / 3));
    let counted = || house.running.accounted_bytes();
    assert_eq!(counted(), body + body / 3);
    let (outcome, ()) = tokio::join!(house.entrance.submit_charged(request, charge), async {
        script.tried(1).await;
        assert_eq!(counted(), body, "on its way, and its client waits");
        script.gate.add_permits(1);
    });
    assert_eq!((outcome, counted()), (Ok(()), 0));

    house.shutdown(Duration::from_secs(1)).await;

    // While it is worked on there is the body, and an index that is smaller than one large record.
    let house = House::of(
        "
receivers: {taps: }
processors: {scale: }
exporters: {net: }
service: {pipelines: {logs: {receivers: [taps], processors: [scale], exporters: [net]}}}
",
    )
    .await;
    let request = payload(1, &"x".repeat(100_000));
    let body = request.body.len();
    let charge = house.entrance.charge(body).expect("room");
    assert_eq!(house.entrance.submit_charged(request, charge).await, Ok(()));
    let read = house.settings.shared.get_or_init(&id("scale"), Read::default).lock().unwrap().clone();
    assert!(read.len() == 1 && (body..2 * body).contains(&read[0]), "{read:?} of {body} bytes");

    // Who waits for room has none: the charge stands for the body until then.
    house.shutdown(Duration::from_secs(1)).await;
    let house = with(BLOCKS).await;
    let script = house.script("net");
    script.say([Answer::Gate]);
    assert_eq!(house.entrance.submit(payload(1, "a")).await, Ok(()));
    let queued = house.running.accounted_bytes();
    let request = payload(500, "b");
    let charge = house.entrance.charge(request.body.len()).expect("room");
    let body = request.body.len();
    let (outcome, ()) = tokio::join!(house.entrance.submit_charged(request, charge), async {
        settle().await;
        assert_eq!(house.running.accounted_bytes(), queued + body);
        script.gate.add_permits(1);
    });
    assert_eq!(outcome, Ok(()));
    house.shutdown(Duration::from_secs(1)).await;
}
