//! The queue as clients of the real binary see it.

use crate::sink::Sink;
use crate::{client, start};
use anyhow::{Result, ensure};
use chaperone_testkit::collector::until;
use chaperone_testkit::scrape;
use std::io::{ErrorKind, Read};
use std::time::Duration;

fn config(sink: &Sink, receiver: &str, queue: &str) -> String {
    format!(
        "
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'{receiver}}}}}}}}}
exporters: {{otlp_http: {{endpoint: 'http://{}', compression: none, timeout: 0s, sending_queue: {{{queue}}}}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http]}}}}}}
",
        sink.address
    )
}

/// 2.3.08 over a real connection.
#[test]
fn a_blocking_queue_holds_the_client_until_it_goes_away() -> Result<()> {
    let sink = Sink::start(None)?;
    let blocks = "queue_size: 1, num_consumers: 1, block_on_overflow: true, batch: {enabled: false}";
    let mut collector = start(&config(&sink, "", blocks), &[])?;
    let address = collector.otlp_http()?;
    assert_eq!(client::post(&address, "traces", "", &client::body("traces", 1, "a"))?, 200);
    let mut waiting = client::begin(&address, "/v1/traces", "", &client::body("traces", 3, "b"))?;
    waiting.set_read_timeout(Some(Duration::from_millis(500)))?;
    let heard = waiting.read(&mut [0; 1]).expect_err("nobody answers while the queue is full");
    assert!(matches!(heard.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{heard}");
    drop(waiting);
    until(|| {
        let samples = scrape::parse(&collector.own_metrics()?)?;
        let failed = scrape::sum(&samples, "otelcol_exporter_enqueue_failed_spans");
        ensure!(failed == 3.0, "{failed} are known not to have been enqueued");
        Ok(())
    })?;
    assert_eq!(sink.bodies().len(), 1, "nothing of it was sent");
    Ok(())
}

/// 2.4.08: what a client sends as a header travels with its request to the exporter's queue.
#[test]
fn batches_are_kept_apart_by_the_headers_of_requests() -> Result<()> {
    let spans_of = |keeps: bool| -> Result<Vec<usize>> {
        let sink = Sink::start(Some(200))?;
        let receiver = if keeps { ", include_metadata: true" } else { "" };
        let queue = "num_consumers: 1, batch: {min_size: 6, flush_timeout: 60s, partition: {metadata_keys: [X-Tenant]}}";
        let mut collector = start(&config(&sink, receiver, queue), &[])?;
        let address = collector.otlp_http()?;
        for (tenant, spans, text) in [("a", 1, "one"), ("b", 2, "two"), ("a", 5, "three"), ("b", 4, "four")] {
            let headers = format!("x-tenant: {tenant}\r\n");
            assert_eq!(client::post(&address, "traces", &headers, &client::body("traces", spans, text))?, 200);
        }
        assert!(collector.stop()?.success());
        let spans = |body: Vec<u8>| {
            let limits = chaperone::proto::Limits::default();
            chaperone::proto::Traces::decode(body.into(), &limits).map(|traces| traces.len())
        };
        Ok(sink.bodies().into_iter().map(spans).collect::<Result<_, _>>()?)
    };
    assert_eq!(spans_of(true)?, [6, 6]);
    assert_eq!(spans_of(false)?, [8, 4], "without `include_metadata` there is nothing to tell them apart by");
    Ok(())
}

#[test]
fn a_circuit_breaker_loses_nothing_and_says_when_to_come_back() -> Result<()> {
    let sink = Sink::start(Some(503))?;
    let queue = "queue_size: 1, num_consumers: 1, batch: {enabled: false}}, \
                 retry_on_failure: {initial_interval: 10ms, max_interval: 10ms, max_elapsed_time: 500ms}, \
                 circuit_breaker: {failures: 3, open_for: 2s";
    let mut collector = start(&config(&sink, "", queue), &[])?;
    let address = collector.otlp_http()?;
    assert_eq!(client::post(&address, "traces", "", &client::body("traces", 1, "a"))?, 200);
    until(|| {
        let samples = scrape::parse(&collector.own_metrics()?)?;
        ensure!(scrape::sum(&samples, "chaperone_exporter_circuit_breaker_opened") >= 1.0, "it has not opened");
        Ok(())
    })?;
    // A probe may be under way just now; while it is open the answer is this one.
    until(|| {
        let refused = client::head(&address, "traces", &client::body("traces", 1, "b"))?;
        let fits = refused.starts_with("http/1.1 429") && refused.contains("\r\nretry-after: ");
        ensure!(fits, "{refused}");
        Ok(())
    })?;
    sink.answer(200);
    until(|| {
        let samples = scrape::parse(&collector.own_metrics()?)?;
        ensure!(scrape::sum(&samples, "otelcol_exporter_sent_spans") == 1.0, "it has not arrived");
        assert_eq!(scrape::sum(&samples, "chaperone_queue_dropped_items"), 0.0, "two seconds are more than `max_elapsed_time`");
        Ok(())
    })?;
    assert_eq!(client::post(&address, "traces", "", &client::body("traces", 1, "b"))?, 200);
    collector.check_conservation()?;
    assert!(collector.stop()?.success());
    Ok(())
}
