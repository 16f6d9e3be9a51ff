//! The equations hold for a graph with everything in it, whatever happens.

use super::*;
use script::Answer;

const ALL: &str = "
receivers: {taps: , own_events: }
processors: {act: {what: first}, act/split: {what: split}, act/merge: {what: merge}, act/fail: {what: fail_permanent}, traces_only: }
connectors: {forward: , copy: , count: }
exporters:
  net: {sending_queue: {queue_size: 30, num_consumers: 2}, retry_on_failure: {initial_interval: 1s, max_interval: 1s, max_elapsed_time: 3s}}
  net/small: {sending_queue: {max_bytes: 64KiB, batch: {min_size: 3, max_size: 4}}}
  local:
service:
  pipelines:
    logs: {receivers: [taps], processors: [act/split], exporters: [forward, copy, count, net]}
    logs/forwarded: {receivers: [forward], processors: [act], exporters: [net, net/small]}
    logs/derived: {receivers: [copy], processors: [act/merge], exporters: [net/small, local]}
    logs/failing: {receivers: [copy], processors: [act/fail], exporters: [local]}
    logs/counted: {receivers: [count, own_events], exporters: [local]}
";

#[tokio::test(start_paused = true)]
async fn the_equations_hold_whatever_becomes_of_the_items() {
    let house = House::of(ALL).await;
    let answers =
        [Answer::Later(None), Answer::Never, Answer::Reject(1), Answer::Panic, Answer::Later(Some(Duration::from_secs(9)))];
    for exporter in ["net", "net/small", "local"] {
        house.script(exporter).say(answers.iter().cloned().cycle().take(40));
    }
    let mut outcomes = std::collections::BTreeMap::new();
    for round in 0..60 {
        let result = house.entrance.submit(payload(1 + round % 7, &(round % 50).to_string())).await;
        let word = match result {
            Ok(()) => "accepted",
            Err(crate::Refused::Overloaded { .. }) => "overloaded",
            Err(_) => "failed",
        };
        *outcomes.entry(word).or_insert(0) += 1;
        if round % 10 == 9 {
            house.settings.clock.advance_to(1_000_000_000 + round as u64 * 1_000_000_000);
            tokio::time::sleep(Duration::from_secs(4)).await;
            house.check_conservation();
        }
    }
    assert!(outcomes["accepted"] > 20 && outcomes["overloaded"] > 5, "{outcomes:?}");
    house.shutdown(Duration::from_secs(30)).await;
}

#[tokio::test(start_paused = true)]
async fn two_exporters_with_one_queue_are_counted_by_pipeline() {
    let text = "
receivers: {taps: }
exporters: {net: }
service: {pipelines: {logs: {receivers: [taps], exporters: [net]}, logs/2: {receivers: [taps], exporters: [net]}}}
";
    let house = House::of(text).await;
    assert_eq!(house.send(2).await, Outcome::Ok);
    assert_eq!(house.figure("chaperone_queue_enqueued_items", &["net"]), 4.0);
    assert_eq!(house.figure("chaperone_component_items", &["net", "logs/2", "passed"]), 2.0);
    house.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_collectors_names_say_the_same() {
    let house = House::of(
        "
receivers: {taps: }
processors: {act: {what: first}}
exporters: {net: }
service: {pipelines: {logs: {receivers: [taps], processors: [act], exporters: [net]}}}
",
    )
    .await;
    assert_eq!(house.entrance.submit(payload(3, "")).await, Ok(()));
    house.script("net").tried(1).await;
    tokio::task::yield_now().await;
    for (name, parts, value) in [
        ("otelcol_receiver_accepted_log_records", &["receiver=\"taps\"", "transport=\"http\""][..], 3.0),
        ("otelcol_receiver_refused_log_records", &["receiver=\"taps\""], 0.0),
        ("otelcol_processor_incoming_items", &["otel_signal=\"logs\"", "processor=\"act\""], 3.0),
        ("otelcol_processor_outgoing_items", &["processor=\"act\""], 1.0),
        ("otelcol_exporter_sent_log_records", &["exporter=\"net\""], 1.0),
        ("otelcol_exporter_queue_capacity", &["data_type=\"logs\"", "exporter=\"net\""], 1000.0),
        ("otelcol_exporter_queue_size", &["exporter=\"net\""], 0.0),
        ("otelcol_exporter_in_flight_requests", &["exporter=\"net\""], 0.0),
    ] {
        assert_eq!(house.figure(name, parts), value, "{name}\n{}", house.scrape());
    }
    assert!(house.figure("otelcol_process_memory_rss", &[]) > 1e6);
    assert!(house.scrape().contains("# TYPE otelcol_process_cpu_seconds counter"));
}

/// Real threads instead of simulated time: eight clients at once, failures, splits, merges, and a shutdown in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_equations_hold_when_everything_happens_at_once() {
    let quick = "{initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 5ms}";
    let text = ALL.replace("{initial_interval: 1s, max_interval: 1s, max_elapsed_time: 3s}", quick);
    let house = House::of(&text.replace("queue_size: 30", "queue_size: 300")).await;
    let answers = [Answer::Later(None), Answer::Never, Answer::Reject(1)];
    for exporter in ["net", "net/small", "local"] {
        house.script(exporter).say(answers.iter().cloned().cycle().take(100));
    }
    let clients = (0..8).map(|client| {
        let entrance = house.entrance.clone();
        spawn(async move {
            let mut accepted = 0;
            for round in 0..100 {
                // Clients share some of their bodies, so that retransmissions meet the first copy while it runs.
                let salt = if round % 3 == 0 { format!("shared {round}") } else { format!("{client} {round}") };
                accepted += usize::from(entrance.submit(payload(1 + round % 5, &salt)).await.is_ok());
            }
            accepted
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut accepted = 0;
    for client in clients {
        accepted += client.await.expect("no client panics");
    }
    assert!(accepted > 100, "{accepted} of 800");
    house.shutdown(Duration::from_secs(20)).await;
}
