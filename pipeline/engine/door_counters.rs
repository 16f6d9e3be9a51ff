//! What a receiver's door counts: `received = accepted + refused + joined`, and the Collector's names for the same.

use crate::Telemetry;
use chaperone_config::ComponentId;
use chaperone_proto::Signal;

/// How a request that was received ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Accepted,
    Refused,
    /// The same bytes were here before.
    Joined,
}

/// Counters of one receiver, transport and signal. The registry finds them by name: their number is small and fixed.
pub(crate) struct DoorCounters {
    telemetry: Telemetry,
    receiver: String,
    transport: &'static str,
    signal: Signal,
}

const ITEMS: &str = "chaperone_receiver_items";
const ITEMS_HELP: &str = "Items at a receiver's entrance; received = accepted + refused + joined when nothing is under way.";
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

impl DoorCounters {
    pub(crate) fn new(telemetry: &Telemetry, receiver: &ComponentId, transport: &'static str, signal: Signal) -> DoorCounters {
        DoorCounters { telemetry: telemetry.clone(), receiver: receiver.to_string(), transport, signal }
    }
    pub(crate) fn received(&self, items: usize) {
        self.count(ITEMS, ITEMS_HELP, "received", items);
    }
    pub(crate) fn ended(&self, how: Ended, items: usize) {
        let word = match how {
            Ended::Accepted => "accepted",
            Ended::Refused => "refused",
            Ended::Joined => "joined",
        };
        self.count(ITEMS, ITEMS_HELP, word, items);
        self.count(REQUESTS, REQUESTS_HELP, word, 1);
        if items > 0 {
            // The Collector's two series appear together, zeros included; a joined request is accepted to its client.
            let labels = [("receiver", self.receiver.as_str()), ("transport", self.transport)];
            let (name, help) = accepted(self.signal);
            self.telemetry.counter(name, help, &labels).add(if how == Ended::Refused { 0 } else { items as u64 });
            let (name, help) = refused(self.signal);
            self.telemetry.counter(name, help, &labels).add(if how == Ended::Refused { items as u64 } else { 0 });
        }
    }
    pub(crate) fn refused(&self, items: usize, reason: &str) {
        self.ended(Ended::Refused, items);
        let help = "Items refused at a receiver's entrance, by reason.";
        let labels = self.labels("reason", reason);
        self.telemetry.counter("chaperone_receiver_refused_items", help, &labels).add(items as u64);
    }
    pub(crate) fn malformed(&self) {
        self.count(REQUESTS, REQUESTS_HELP, "malformed", 1);
    }
    fn count(&self, name: &'static str, help: &'static str, outcome: &str, n: usize) {
        self.telemetry.counter(name, help, &self.labels("outcome", outcome)).add(n as u64);
    }
    fn labels<'a>(&'a self, key: &'static str, value: &'a str) -> [(&'static str, &'a str); 4] {
        [(key, value), ("receiver", &self.receiver), ("signal", self.signal.name()), ("transport", self.transport)]
    }
}
