//! What the limiter let in and what it refused, under the Collector's names.

use chaperone_config::ComponentId;
use chaperone_pipeline::{Counter, Telemetry};
use chaperone_proto::Signal;
use std::sync::OnceLock;

/// Counters of one id; those of a signal appear with its first request.
pub(super) struct Counters {
    telemetry: Telemetry,
    processor: String,
    by_signal: [OnceLock<[Counter; 2]>; 3],
}

const ACCEPTED: &str = "Number of items that were let in. [Alpha]";
const REFUSED: &str = "Number of items that were refused for want of memory. [Alpha]";

fn names(signal: Signal) -> [&'static str; 2] {
    match signal {
        Signal::Traces => ["otelcol_processor_memory_limiter_accepted_spans", "otelcol_processor_memory_limiter_refused_spans"],
        Signal::Metrics => {
            ["otelcol_processor_memory_limiter_accepted_metric_points", "otelcol_processor_memory_limiter_refused_metric_points"]
        }
        Signal::Logs => {
            ["otelcol_processor_memory_limiter_accepted_log_records", "otelcol_processor_memory_limiter_refused_log_records"]
        }
    }
}

impl Counters {
    pub(super) fn new(telemetry: &Telemetry, id: &ComponentId) -> Counters {
        Counters { telemetry: telemetry.clone(), processor: id.to_string(), by_signal: Default::default() }
    }
    pub(super) fn accepted(&self, signal: Signal, items: usize) {
        self.of(signal)[0].add(items as u64);
    }
    pub(super) fn refused(&self, signal: Signal, items: usize) {
        self.of(signal)[1].add(items as u64);
    }
    fn of(&self, signal: Signal) -> &[Counter; 2] {
        self.by_signal[signal as usize].get_or_init(|| {
            let [accepted, refused] = names(signal);
            let labels = [("processor", self.processor.as_str())];
            [self.telemetry.counter(accepted, ACCEPTED, &labels), self.telemetry.counter(refused, REFUSED, &labels)]
        })
    }
}
