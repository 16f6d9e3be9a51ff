//! The counters behind the conservation equations, and the Collector's own names for the same facts.
//!
//! Every component counts what came in and what became of it, every edge what went over it, every queue what it took and
//! gave. `README.md` of this crate lists names and equations; `testkit` checks them from one scrape.

use crate::telemetry::SECOND_BOUNDS;
use crate::{Clock, Counter, Gauge, Histogram, Kind, Now, Telemetry};
use chaperone_config::ComponentId;
use chaperone_proto::Signal;

const ITEMS: &str = "chaperone_component_items";
const ITEMS_HELP: &str = "Items by what became of them at a component; in = passed + consumed + held + dropped.";
const DROPPED: &str = "chaperone_component_dropped_items";
const DROPPED_HELP: &str = "Items that ended at a component, by reason.";
const DISCARDED: &str = "chaperone_component_discarded_items";
const DISCARDED_HELP: &str = "Items of its own that a component gave up before they entered the graph, by reason.";
const HELD: &str = "chaperone_component_held_items";
const HELD_HELP: &str = "Items that a component holds beyond the call that brought them.";
const EDGE: &str = "chaperone_edge_items";
const EDGE_HELP: &str = "Items that went from one component to the next.";

impl Kind {
    /// The word of own metrics and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Receiver => "receiver",
            Kind::Processor => "processor",
            Kind::Connector => "connector",
            Kind::Exporter => "exporter",
            Kind::Extension => "extension",
        }
    }
}

/// Where a component stands: the labels of its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub id: ComponentId,
    pub kind: Kind,
    /// Empty for receivers and connectors, which have one instance over all pipelines.
    pub pipeline: String,
}

/// Counters of one signal at one place.
pub(crate) struct SignalCounters {
    telemetry: Telemetry,
    labels: [(&'static str, String); 4],
    pub entered: Counter,
    pub passed: Counter,
    pub consumed: Counter,
    pub made: Counter,
    pub held: Gauge,
    /// `otelcol_processor_incoming_items` and `..._outgoing_items`, shared by the instances of an id.
    pub collector: Option<(Counter, Counter)>,
    /// `otelcol_processor_internal_duration`, likewise.
    duration: Option<Histogram>,
}

impl SignalCounters {
    pub(crate) fn new(telemetry: &Telemetry, place: &Place, signal: Signal) -> SignalCounters {
        let labels = [
            ("component", place.id.to_string()),
            ("kind", place.kind.word().to_owned()),
            ("pipeline", place.pipeline.clone()),
            ("signal", signal.name().to_owned()),
        ];
        let items = |direction| telemetry.counter(ITEMS, ITEMS_HELP, &with(&labels, "direction", direction));
        let collector = (place.kind == Kind::Processor).then(|| {
            let labels = [("otel_signal", signal.name()), ("processor", &labels[0].1)];
            let incoming = "Number of items passed to the processor. [Alpha]";
            let outgoing = "Number of items emitted from the processor. [Alpha]";
            (
                telemetry.counter("otelcol_processor_incoming_items", incoming, &labels),
                telemetry.counter("otelcol_processor_outgoing_items", outgoing, &labels),
            )
        });
        SignalCounters {
            entered: items("in"),
            passed: items("passed"),
            consumed: items("consumed"),
            made: items("made"),
            held: telemetry.gauge(HELD, HELD_HELP, &borrowed(&labels)),
            collector,
            duration: (place.kind == Kind::Processor).then(|| {
                let labels = [("otel_signal", signal.name()), ("processor", &labels[0].1)];
                let help = "Duration of time taken to process a batch of telemetry data through the processor. [Alpha]";
                telemetry.detailed_histogram("otelcol_processor_internal_duration", help, &labels, SECOND_BOUNDS)
            }),
            telemetry: telemetry.clone(),
            labels,
        }
    }
    /// Items came in.
    pub(crate) fn enter(&self, items: usize) {
        self.entered.add(items as u64);
        if let Some((incoming, _)) = &self.collector {
            incoming.add(items as u64);
        }
    }
    /// A batch was worked on since then. Nobody reads the clock unless somebody wants to know.
    pub(crate) fn took(&self, since: Now, clock: &Clock) {
        if let Some(duration) = &self.duration
            && self.telemetry.is_detailed()
        {
            duration.observe(clock.now().mono.saturating_sub(since.mono).as_secs_f64());
        }
    }
    /// Items went on.
    pub(crate) fn pass(&self, items: usize) {
        self.passed.add(items as u64);
        if let Some((_, outgoing)) = &self.collector {
            outgoing.add(items as u64);
        }
    }
    /// Items ended here: the one function through which every drop in the graph goes.
    pub(crate) fn drop_items(&self, items: usize, reason: &str) {
        if items > 0 {
            self.telemetry.counter(DROPPED, DROPPED_HELP, &with(&self.labels, "reason", reason)).add(items as u64);
        }
    }
    /// What the component gave up without it having come in: no part of the equation.
    pub(crate) fn discard(&self, items: usize, reason: &str) {
        self.telemetry.counter(DISCARDED, DISCARDED_HELP, &with(&self.labels, "reason", reason)).add(items as u64);
    }
}

fn borrowed<'a>(labels: &'a [(&'static str, String); 4]) -> Vec<(&'static str, &'a str)> {
    labels.iter().map(|(key, value)| (*key, value.as_str())).collect()
}

fn with<'a>(labels: &'a [(&'static str, String); 4], key: &'static str, value: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut all = borrowed(labels);
    all.push((key, value));
    all
}

/// The counter of one edge.
pub(crate) fn edge(telemetry: &Telemetry, from: &Place, to: &Place, signal: Signal) -> Counter {
    let (from_id, to_id) = (from.id.to_string(), to.id.to_string());
    let labels = [
        ("from", from_id.as_str()),
        ("from_kind", from.kind.word()),
        ("from_pipeline", &from.pipeline),
        ("signal", signal.name()),
        ("to", &to_id),
        ("to_kind", to.kind.word()),
        ("to_pipeline", &to.pipeline),
    ];
    telemetry.counter(EDGE, EDGE_HELP, &labels)
}
