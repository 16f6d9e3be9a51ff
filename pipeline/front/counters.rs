//! What a queue counts: the Collector's names, and the terms of `enqueued = sent + queued + in flight + dropped`.

use crate::front::budget::Budget;
use crate::telemetry::{BYTE_BOUNDS, ITEM_BOUNDS};
use crate::{Counter, Gauge, Histogram, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;
use std::sync::{Arc, OnceLock};

/// Counters of one exporter's queue of one signal.
pub(crate) struct LaneCounters {
    telemetry: Telemetry,
    exporter: String,
    signal: Signal,
    /// Labels of what is sent: the exporter, and where it sends.
    destination: Vec<(&'static str, String)>,
    /// `otelcol_exporter_sent_*`, looked up once, with the first delivery: every request of a local destination is one.
    sent_by_collector: OnceLock<Counter>,
    /// By the Collector's sizes at the entrance and of deliveries: items and bytes.
    enqueue_size: [Histogram; 2],
    send_size: [Histogram; 2],
    pub enqueued: Counter,
    pub sent: Counter,
    pub queued: Gauge,
    pub in_flight: Gauge,
    pub requests_in_flight: Gauge,
    pub attempts_failed: Counter,
}

fn names(signal: Signal) -> [(&'static str, &'static str); 3] {
    match signal {
        Signal::Traces => [
            ("otelcol_exporter_sent_spans", "Number of spans successfully sent to destination. [Alpha]"),
            ("otelcol_exporter_send_failed_spans", "Number of spans in failed attempts to send to destination. [Alpha]"),
            ("otelcol_exporter_enqueue_failed_spans", "Number of spans failed to be added to the sending queue. [Alpha]"),
        ],
        Signal::Metrics => [
            ("otelcol_exporter_sent_metric_points", "Number of metric points successfully sent to destination. [Alpha]"),
            (
                "otelcol_exporter_send_failed_metric_points",
                "Number of metric points in failed attempts to send to destination. [Alpha]",
            ),
            (
                "otelcol_exporter_enqueue_failed_metric_points",
                "Number of metric points failed to be added to the sending queue. [Alpha]",
            ),
        ],
        Signal::Logs => [
            ("otelcol_exporter_sent_log_records", "Number of log records successfully sent to destination. [Alpha]"),
            (
                "otelcol_exporter_send_failed_log_records",
                "Number of log records in failed attempts to send to destination. [Alpha]",
            ),
            (
                "otelcol_exporter_enqueue_failed_log_records",
                "Number of log records failed to be added to the sending queue. [Alpha]",
            ),
        ],
    }
}

impl LaneCounters {
    /// `destination`: what the exporter says about where it sends, in the order of its labels.
    pub(crate) fn new(
        telemetry: &Telemetry,
        id: &ComponentId,
        signal: Signal,
        destination: Vec<(&'static str, String)>,
    ) -> LaneCounters {
        let exporter = id.to_string();
        let sizes = |names: [(&'static str, &'static str); 2]| {
            let labels = [("exporter", exporter.as_str())];
            let bounds = [ITEM_BOUNDS, BYTE_BOUNDS];
            [0, 1].map(|which| telemetry.detailed_histogram(names[which].0, names[which].1, &labels, bounds[which]))
        };
        let enqueue_size = sizes([
            ("otelcol_exporter_enqueue_size", "Number of units in a request that was put into the queue. [Development]"),
            ("otelcol_exporter_enqueue_size_bytes", "Number of bytes in a request that was put into the queue. [Development]"),
        ]);
        let send_size = sizes([
            ("otelcol_exporter_queue_batch_send_size", "Number of units in the batch [Development]"),
            ("otelcol_exporter_queue_batch_send_size_bytes", "Number of bytes in batch that was sent. [Development]"),
        ]);
        let labels = [("exporter", exporter.as_str()), ("signal", signal.name())];
        let of_type = [("data_type", signal.name()), ("exporter", exporter.as_str())];
        let counter = |name, help| telemetry.counter(name, help, &labels);
        let gauge = |name, help| telemetry.gauge(name, help, &labels);
        LaneCounters {
            enqueued: counter("chaperone_queue_enqueued_items", "Items taken into an exporter's queue."),
            sent: counter(
                "chaperone_queue_sent_items",
                "Items that an exporter delivered, without those the destination rejected.",
            ),
            queued: gauge("chaperone_queue_waiting_items", "Items waiting in an exporter's queue."),
            in_flight: gauge("chaperone_queue_in_flight_items", "Items being delivered, pauses between attempts included."),
            attempts_failed: counter(
                "chaperone_queue_failed_attempts",
                "Attempts to deliver that failed and were or will be repeated or given up.",
            ),
            requests_in_flight: telemetry.gauge(
                "otelcol_exporter_in_flight_requests",
                "Number of export requests currently in-flight (including retry backoff). [Development]",
                &of_type,
            ),
            sent_by_collector: OnceLock::new(),
            enqueue_size,
            send_size,
            destination: [("exporter", exporter.clone())].into_iter().chain(destination).collect(),
            telemetry: telemetry.clone(),
            exporter,
            signal,
        }
    }
    /// A chunk was taken into the queue.
    pub(crate) fn enqueued(&self, items: usize, bytes: usize) {
        self.enqueued.add(items as u64);
        self.queued.add(items as u64);
        self.enqueue_size[0].observe(items as f64);
        self.enqueue_size[1].observe(bytes as f64);
    }
    /// A delivery begins. Without a queue there are no batches to measure.
    pub(crate) fn sending(&self, items: usize, bytes: impl FnOnce() -> usize) {
        self.requests_in_flight.add(1);
        if self.telemetry.is_detailed() {
            self.send_size[0].observe(items as f64);
            self.send_size[1].observe(bytes() as f64);
        }
    }
    /// The gauges that are read from the account of the queue.
    pub(crate) fn watch(&self, budget: &Arc<Budget>, capacity: u64) {
        let labels = [("data_type", self.signal.name()), ("exporter", self.exporter.as_str())];
        let of_size = Arc::clone(budget);
        let help = "Current size of the retry queue (in batches). [Alpha]";
        self.telemetry.gauge_fn("otelcol_exporter_queue_size", help, &labels, move || of_size.size() as f64);
        let help = "Fixed capacity of the retry queue (in batches). [Alpha]";
        self.telemetry.gauge("otelcol_exporter_queue_capacity", help, &labels).set(capacity);
        let of_bytes = Arc::clone(budget);
        let labels = [("exporter", self.exporter.as_str()), ("signal", self.signal.name())];
        let help = "Bytes in an exporter's queue and in flight.";
        self.telemetry.gauge_fn("chaperone_queue_bytes", help, &labels, move || of_bytes.bytes() as f64);
    }
    /// The queue is gone: what it could hold is no fact any more. What it counted stays.
    pub(crate) fn unwatch(&self) {
        let labels = [("data_type", self.signal.name()), ("exporter", self.exporter.as_str())];
        self.telemetry.forget("otelcol_exporter_queue_size", &labels);
        self.telemetry.forget("otelcol_exporter_queue_capacity", &labels);
        let labels = [("exporter", self.exporter.as_str()), ("signal", self.signal.name())];
        self.telemetry.forget("chaperone_queue_bytes", &labels);
    }
    /// Delivered; `rejected` of them the destination refused for good.
    pub(crate) fn delivered(&self, items: usize, rejected: usize) {
        let rejected = rejected.min(items);
        self.sent_by_collector().add(items as u64);
        self.sent.add((items - rejected) as u64);
        self.dropped(rejected, "rejected");
    }
    /// Given up; `cause` is told at the level `detailed`.
    pub(crate) fn failed(&self, items: usize, reason: &'static str, cause: &'static str) {
        let permanent = if reason == "permanent_error" { "true" } else { "false" };
        let why = [("error_permanent", permanent), ("error_type", cause)];
        let why: &[_] = if self.telemetry.is_detailed() { &why } else { &[] };
        self.collector(FAILED, why).add(items as u64);
        // The Collector shows `sent 0` beside the first failure, which dashboards divide by.
        self.sent_by_collector().add(0);
        self.dropped(items, reason);
    }
    /// Refused before they were in the queue.
    pub(crate) fn not_enqueued(&self, items: usize) {
        let (name, help) = names(self.signal)[NOT_ENQUEUED];
        self.telemetry.counter(name, help, &[("exporter", &self.exporter)]).add(items as u64);
    }
    fn dropped(&self, items: usize, reason: &'static str) {
        if items > 0 {
            let labels = [("exporter", self.exporter.as_str()), ("reason", reason), ("signal", self.signal.name())];
            let help = "Items that ended in an exporter's queue, by reason.";
            self.telemetry.counter("chaperone_queue_dropped_items", help, &labels).add(items as u64);
        }
    }
    fn sent_by_collector(&self) -> &Counter {
        self.sent_by_collector.get_or_init(|| self.collector(SENT, &[]))
    }
    /// These series appear with the first event, as the Collector's do.
    fn collector(&self, which: usize, more: &[(&'static str, &str)]) -> Counter {
        let (name, help) = names(self.signal)[which];
        let mut labels: Vec<(&'static str, &str)> = self.destination.iter().map(|(key, value)| (*key, value.as_str())).collect();
        labels.extend_from_slice(more);
        labels.sort_unstable();
        self.telemetry.counter(name, help, &labels)
    }
}

/// Places in what [`names`] gives.
const SENT: usize = 0;
const FAILED: usize = 1;
const NOT_ENQUEUED: usize = 2;
