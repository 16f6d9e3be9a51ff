//! What a receiver's door counts: `received = accepted + refused + joined + under way`, and the Collector's names for it.

use crate::{Counter, Gauge, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;
use std::sync::OnceLock;

/// How a request that was received ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Accepted,
    Refused,
    /// The same bytes were here before.
    Joined,
}

/// Counters of one receiver, transport and signal; looked up once, then kept by the door.
pub(crate) struct DoorCounters {
    telemetry: Telemetry,
    receiver: String,
    pub transport: &'static str,
    pub signal: Signal,
    received: Counter,
    under_way: Gauge,
    /// By [`Ended`]: items and requests.
    items: [Counter; 3],
    requests: [Counter; 3],
    malformed: Counter,
    /// The Collector's series, accepted, refused and failed: they appear together with the first request that has items.
    collector: OnceLock<[Counter; 3]>,
}

const ITEMS: &str = "chaperone_receiver_items";
const ITEMS_HELP: &str = "Items at a receiver's entrance; received = accepted + refused + joined + under way.";
const UNDER_WAY: &str = "chaperone_receiver_under_way_items";
const UNDER_WAY_HELP: &str = "Items that were received and are not acknowledged yet.";
const REQUESTS: &str = "chaperone_receiver_requests";
const REQUESTS_HELP: &str = "Requests at a receiver's entrance by how they ended; malformed ones have no items.";

fn accepted(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Traces => ("otelcol_receiver_accepted_spans", "Number of spans successfully pushed into the pipeline. [Alpha]"),
        Signal::Metrics => {
            ("otelcol_receiver_accepted_metric_points", "Number of metric points successfully pushed into the pipeline. [Alpha]")
        }
        Signal::Logs => {
            ("otelcol_receiver_accepted_log_records", "Number of log records successfully pushed into the pipeline. [Alpha]")
        }
    }
}

fn refused(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Traces => {
            ("otelcol_receiver_refused_spans", "Number of spans that could not be pushed into the pipeline. [Alpha]")
        }
        Signal::Metrics => (
            "otelcol_receiver_refused_metric_points",
            "Number of metric points that could not be pushed into the pipeline. [Alpha]",
        ),
        Signal::Logs => {
            ("otelcol_receiver_refused_log_records", "Number of log records that could not be pushed into the pipeline. [Alpha]")
        }
    }
}

/// A receiver's own failures. Without a feature gate the Collector shows them and counts nothing there; we have no such
/// failures: what a receiver cannot hand in is refused or malformed.
fn failed(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Traces => (
            "otelcol_receiver_failed_spans",
            "The number of spans that failed to be processed by the receiver due to internal errors. [Alpha]",
        ),
        Signal::Metrics => (
            "otelcol_receiver_failed_metric_points",
            "The number of metric points that failed to be processed by the receiver due to internal errors. [Alpha]",
        ),
        Signal::Logs => (
            "otelcol_receiver_failed_log_records",
            "The number of log records that failed to be processed by the receiver due to internal errors. [Alpha]",
        ),
    }
}

impl DoorCounters {
    pub(crate) fn new(telemetry: &Telemetry, receiver: &ComponentId, transport: &'static str, signal: Signal) -> DoorCounters {
        let receiver = receiver.to_string();
        let labels = |outcome| labels("outcome", outcome, &receiver, signal, transport);
        let items = |outcome| telemetry.counter(ITEMS, ITEMS_HELP, &labels(outcome));
        let requests = |outcome| telemetry.counter(REQUESTS, REQUESTS_HELP, &labels(outcome));
        let place = [("receiver", receiver.as_str()), ("signal", signal.name()), ("transport", transport)];
        DoorCounters {
            received: items("received"),
            under_way: telemetry.gauge(UNDER_WAY, UNDER_WAY_HELP, &place),
            items: ["accepted", "refused", "joined"].map(items),
            requests: ["accepted", "refused", "joined"].map(requests),
            malformed: requests("malformed"),
            collector: OnceLock::new(),
            telemetry: telemetry.clone(),
            transport,
            signal,
            receiver,
        }
    }
    pub(crate) fn received(&self, items: usize) {
        self.received.add(items as u64);
        self.under_way.add(items as u64);
    }
    /// Ends what was received.
    pub(crate) fn ended(&self, how: Ended, items: usize) {
        self.under_way.sub(items as u64);
        self.items[how as usize].add(items as u64);
        self.requests[how as usize].add(1);
        if items > 0 {
            // A joined request is accepted to its client.
            let [accepted, refused, _] = self.collector.get_or_init(|| self.collector());
            let counter = if how == Ended::Refused { refused } else { accepted };
            counter.add(items as u64);
        }
    }
    pub(crate) fn refused(&self, items: usize, reason: &str) {
        self.ended(Ended::Refused, items);
        let help = "Items refused at a receiver's entrance, by reason.";
        let labels = labels("reason", reason, &self.receiver, self.signal, self.transport);
        self.telemetry.counter("chaperone_receiver_refused_items", help, &labels).add(items as u64);
    }
    pub(crate) fn malformed(&self) {
        self.malformed.add(1);
    }
    fn collector(&self) -> [Counter; 3] {
        let labels = [("receiver", self.receiver.as_str()), ("transport", self.transport)];
        [accepted(self.signal), refused(self.signal), failed(self.signal)]
            .map(|(name, help)| self.telemetry.counter(name, help, &labels))
    }
}

fn labels<'a>(
    key: &'static str,
    value: &'a str,
    receiver: &'a str,
    signal: Signal,
    transport: &'a str,
) -> [(&'static str, &'a str); 4] {
    [(key, value), ("receiver", receiver), ("signal", signal.name()), ("transport", transport)]
}
