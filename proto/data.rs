//! One batch of any signal.

use crate::{
    DecodeError, Limits, Logs, Metrics, RecordMut, RecordRef, ResourceRef, ScopeRef, SplitLimits, Splitter, Traces, encode,
};
use bytes::Bytes;

/// The signals that flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metric data points.
    Metrics,
    /// Log records and events.
    Logs,
}

impl Signal {
    /// All signals, in the order of the Collector's documents.
    pub const ALL: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

    /// `traces`, `metrics` or `logs`: the name in `collector.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
        }
    }

    /// `spans`, `metric_points` or `log_records`: the name in the Collector's own metrics.
    pub fn items(self) -> &'static str {
        match self {
            Signal::Traces => "spans",
            Signal::Metrics => "metric_points",
            Signal::Logs => "log_records",
        }
    }
}

/// One request's worth of one signal. Cloning is cheap: edits copy on write.
#[derive(Debug, Clone)]
pub enum Data {
    /// Spans.
    Traces(Traces),
    /// Metrics, as bytes.
    Metrics(Metrics),
    /// Log records.
    Logs(Logs),
}

impl Data {
    /// Indexes one serialized export request.
    pub fn decode(signal: Signal, body: Bytes, limits: &Limits) -> Result<Data, DecodeError> {
        Ok(match signal {
            Signal::Traces => Data::Traces(Traces::decode(body, limits)?),
            Signal::Metrics => Data::Metrics(Metrics::decode(body, limits)?),
            Signal::Logs => Data::Logs(Logs::decode(body, limits)?),
        })
    }

    /// Indexes one OTLP/JSON export request.
    pub fn decode_json(signal: Signal, body: &[u8], limits: &Limits) -> Result<Data, DecodeError> {
        Ok(match signal {
            Signal::Traces => Data::Traces(Traces::decode_json(body, limits)?),
            Signal::Metrics => return Metrics::decode_json(body, limits).map(Data::Metrics),
            Signal::Logs => Data::Logs(Logs::decode_json(body, limits)?),
        })
    }

    /// The signal.
    pub fn signal(&self) -> Signal {
        match self {
            Data::Traces(_) => Signal::Traces,
            Data::Metrics(_) => Signal::Metrics,
            Data::Logs(_) => Signal::Logs,
        }
    }

    /// Items as the Collector counts them: spans, data points, log records.
    pub fn items(&self) -> usize {
        match self {
            Data::Traces(traces) => traces.len(),
            Data::Metrics(metrics) => metrics.points(),
            Data::Logs(logs) => logs.len(),
        }
    }

    /// Number of records that `record` and `edit` reach: 0 for metrics.
    pub fn records(&self) -> usize {
        match self {
            Data::Traces(traces) => traces.len(),
            Data::Metrics(_) => 0,
            Data::Logs(logs) => logs.len(),
        }
    }

    /// Record `i` in wire order. Panics when out of range, and for metrics.
    pub fn record(&self, i: usize) -> RecordRef<'_> {
        match self {
            Data::Traces(traces) => RecordRef::Span(traces.span(i)),
            Data::Logs(logs) => RecordRef::Log(logs.log(i)),
            Data::Metrics(_) => panic!("invariant: metrics have no records"),
        }
    }

    /// Record `i` for editing. Panics when out of range, and for metrics.
    pub fn edit(&mut self, i: usize) -> RecordMut<'_> {
        match self {
            Data::Traces(traces) => traces.edit(i),
            Data::Logs(logs) => logs.edit(i),
            Data::Metrics(_) => panic!("invariant: metrics have no records"),
        }
    }

    /// A self-contained request with the given items (sorted, by position in wire order).
    pub fn extract(&self, items: &[u32]) -> Data {
        match self {
            Data::Traces(traces) => Data::Traces(traces.extract(items)),
            Data::Metrics(metrics) => Data::Metrics(metrics.extract(items)),
            Data::Logs(logs) => Data::Logs(logs.extract(items)),
        }
    }

    /// One request of several of one signal: their concatenation, nothing is merged.
    ///
    /// An error when together they are larger than an index can name (4 GiB).
    pub fn concat(signal: Signal, parts: &[Data]) -> Result<Data, DecodeError> {
        let slices: Vec<Bytes> = parts.iter().flat_map(Data::encode).collect();
        Data::decode(signal, encode::join(slices), &Limits::NONE)
    }

    /// The serialized export request as a list of slices; runs of the received bytes are shared, not copied.
    pub fn encode(&self) -> Vec<Bytes> {
        match self {
            Data::Traces(traces) => traces.encode(),
            Data::Metrics(metrics) => vec![metrics.bytes().clone()],
            Data::Logs(logs) => logs.encode(),
        }
    }

    /// OTLP/JSON of this request, appended to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Data::Traces(traces) => traces.write_json(out),
            Data::Metrics(metrics) => metrics.write_json(out),
            Data::Logs(logs) => logs.write_json(out),
        }
    }

    /// Keeps the records for which `keep` is true (by index in wire order).
    pub fn retain(&mut self, keep: impl FnMut(RecordRef<'_>) -> bool) {
        match self {
            Data::Traces(traces) => traces.retain(keep),
            Data::Logs(logs) => logs.retain(keep),
            Data::Metrics(_) => {}
        }
    }

    /// The same in one piece.
    pub fn encode_contiguous(&self) -> Bytes {
        encode::join(self.encode())
    }

    /// Cuts this batch as it reads now: parts in order, every item in exactly one of them, each part a request that
    /// shares no memory with the others. A part exceeds a limit only when it is a single item.
    ///
    /// Parts are made one by one, as the iterator is asked. Without items there is no part.
    pub fn split(&self, limits: SplitLimits) -> impl Iterator<Item = Data> + use<> {
        let signal = self.signal();
        let splitter = Splitter::new(signal, self.encode_contiguous());
        let mut splitter = splitter.expect("invariant: what was indexed can be cut");
        std::iter::from_fn(move || {
            let part = splitter.next_part(&limits)?;
            Some(Data::decode(signal, part.body, &Limits::NONE).expect("invariant: parts of a request are requests"))
        })
    }

    /// Keeps the records of the resources for which `keep` is true; it is asked once a resource.
    pub fn retain_resources(&mut self, mut keep: impl FnMut(ResourceRef<'_>) -> bool) {
        let mut last = None;
        self.retain(|record| decided(&mut last, record.resource().index(), || keep(record.resource())));
    }

    /// Keeps the records of the instrumentation scopes for which `keep` is true; it is asked once a scope.
    pub fn retain_scopes(&mut self, mut keep: impl FnMut(ScopeRef<'_>) -> bool) {
        let mut last = None;
        self.retain(|record| decided(&mut last, record.scope().index(), || keep(record.scope())));
    }

    /// Bytes of memory this batch keeps alive: what budgets count.
    pub fn pinned_bytes(&self) -> usize {
        match self {
            Data::Traces(traces) => traces.pinned_bytes(),
            Data::Metrics(metrics) => metrics.bytes().len(),
            Data::Logs(logs) => logs.pinned_bytes(),
        }
    }
}

/// The decision of the last record's container, or a new one: records of one container follow each other.
fn decided(last: &mut Option<(usize, bool)>, at: usize, decide: impl FnOnce() -> bool) -> bool {
    match *last {
        Some((before, decision)) if before == at => decision,
        _ => {
            let decision = decide();
            *last = Some((at, decision));
            decision
        }
    }
}
