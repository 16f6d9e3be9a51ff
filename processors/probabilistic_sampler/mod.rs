//! The `probabilistic_sampler` processor: keeps a share of spans and log records, whole traces alike.
//!
//! `decide` says what becomes of a record; here records are read and written. Spans carry what was decided in their trace
//! state, log records in two attributes, so that later samplers and whoever counts know the share.

mod config;
mod decide;
mod probability;
mod state;
#[cfg(test)]
mod tests;

pub use config::Config;

use crate::attribute_values::text_of;
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Signals,
    Stability, Telemetry,
};
use chaperone_proto::{Data, KeyId, LogRef, RecordRef, Signal, SpanRef, ValueRef, keys};
use decide::{Origin, Policy, Priority, Sampler, Verdict};
use probability::Threshold;
use state::{Said, TraceState};
use std::sync::{Arc, OnceLock};

/// Factory of the processor.
pub struct ProbabilisticSampler;

impl ProcessorFactory for ProbabilisticSampler {
    type Config = Config;
    const META: Meta = Meta::processor("probabilistic_sampler", "Keeps a share of spans and log records.", Signals::RECORDS)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Sampling::new(&config, ctx)))
    }
}

struct Sampling {
    sampler: Sampler,
    precision: i64,
    /// `sampling.priority` of spans.
    span_priority: KeyId,
    log_priority: Option<KeyId>,
    from_attribute: Option<KeyId>,
    threshold: KeyId,
    randomness: KeyId,
    counts: Counts,
}

impl Sampling {
    fn new(config: &Config, ctx: &BuildContext) -> Sampling {
        // The constant keys come first, or they would not have the ids that code has for them.
        chaperone_genai::keys::install();
        let given = |name: &String| (!name.is_empty()).then(|| keys::intern(name));
        Sampling {
            sampler: Sampler::new(config),
            precision: config.sampling_precision,
            span_priority: keys::intern("sampling.priority"),
            log_priority: given(&config.sampling_priority),
            from_attribute: given(&config.from_attribute),
            threshold: keys::intern(state::THRESHOLD),
            randomness: keys::intern(state::RANDOMNESS),
            counts: Counts {
                telemetry: ctx.telemetry().clone(),
                attribute: config.from_attribute.clone(),
                counters: Default::default(),
            },
        }
    }

    fn span(&self, span: SpanRef<'_>) -> (Verdict, Policy, Option<String>) {
        let state = TraceState::parse(span.trace_state());
        let said = state.as_ref().map(|state| state.said).map_err(|error| *error);
        let origin = Origin { trace_id: known(span.trace_id()), attribute: None, is_log: false };
        let (verdict, policy) = self.sampler.decide(&origin, said, self.priority_of_span(span));
        let text = match (&verdict, state) {
            (Verdict::KeepAs(said), Ok(state)) => Some(state.saying(*said)),
            _ => None,
        };
        (verdict, policy, text)
    }

    fn log(&self, log: LogRef<'_>) -> (Verdict, Policy) {
        let value = self.from_attribute.and_then(|key| log.attrs().get(key));
        let text;
        let attribute = match value {
            None => None,
            Some(ValueRef::Bytes(bytes)) => Some(bytes),
            Some(ValueRef::Str(text)) => Some(text.as_bytes()),
            Some(other) => {
                text = text_of(&other.to_value());
                Some(text.as_bytes())
            }
        };
        let origin = Origin { trace_id: known(log.trace_id()), attribute, is_log: true };
        self.sampler.decide(&origin, Said::of_log(log.attrs()), self.priority_of_log(log))
    }

    /// More than 0 keeps a span, 0 drops it; anything else says nothing.
    fn priority_of_span(&self, span: SpanRef<'_>) -> Priority {
        let number = match span.attrs().get(self.span_priority) {
            Some(ValueRef::Str(text)) => text.parse().ok(),
            value => value.and_then(ValueRef::as_f64),
        };
        match number {
            Some(number) if number > 0.0 => Priority::Threshold(Threshold::ALWAYS),
            Some(0.0) => Priority::Threshold(Threshold::NEVER),
            _ => Priority::None,
        }
    }

    /// A percentage: the share of records like this one that is kept.
    fn priority_of_log(&self, log: LogRef<'_>) -> Priority {
        match self.log_priority.and_then(|key| log.attrs().get(key)).and_then(ValueRef::as_f64) {
            None => Priority::None,
            Some(0.0) => Priority::Threshold(Threshold::NEVER),
            Some(percentage) => match Threshold::of(percentage / 100.0, self.precision) {
                Some(threshold) => Priority::Threshold(threshold),
                None => Priority::None,
            },
        }
    }

    /// Writes into a log record what goes on with it.
    fn write_log(&self, data: &mut Data, at: usize, said: &Said) {
        let mut record = data.edit(at);
        let parts = [
            (self.threshold, said.threshold.map(Threshold::text)),
            (self.randomness, said.randomness.map(probability::Randomness::text)),
        ];
        for (key, text) in parts {
            match text {
                Some(text) => record.set(key, text.as_str()),
                None => drop(record.remove(key)),
            }
        }
    }

    /// Decides on record `at` and writes what goes on with it.
    fn sample(&self, data: &mut Data, at: usize) -> Verdict {
        let signal = data.signal();
        let (verdict, policy) = match data.record(at) {
            RecordRef::Span(span) => {
                let (verdict, policy, text) = self.span(span);
                if let Some(text) = text {
                    data.edit(at).set_trace_state(&text);
                }
                (verdict, policy)
            }
            RecordRef::Log(log) => {
                let (verdict, policy) = self.log(log);
                if let Verdict::KeepAs(said) = &verdict {
                    self.write_log(data, at, said);
                }
                (verdict, policy)
            }
        };
        let kept = matches!(verdict, Verdict::Keep | Verdict::KeepAs(_));
        self.counts.of(signal, policy, kept).add(1);
        verdict
    }
}

/// An id that is all zeros is none.
fn known(id: Option<[u8; 16]>) -> Option<[u8; 16]> {
    id.filter(|id| *id != [0; 16])
}

impl Processor for Sampling {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let signal = batch.signal();
        let verdicts: Vec<Verdict> = (0..batch.data.records()).map(|at| self.sample(&mut batch.data, at)).collect();
        let count = |wanted: &Verdict| verdicts.iter().filter(|verdict| *verdict == wanted).count();
        let (dropped, unusable) = (count(&Verdict::Drop), count(&Verdict::DropUnusable));
        out.drop_items(signal, dropped, "not_sampled");
        out.drop_items(signal, unusable, "unusable_randomness");
        if dropped + unusable == verdicts.len() {
            return Ok(());
        }
        if dropped + unusable > 0 {
            let mut verdicts = verdicts.iter();
            batch.data.retain(|_| !matches!(verdicts.next(), Some(Verdict::Drop | Verdict::DropUnusable)));
        }
        out.pass(batch);
        Ok(())
    }

    fn tick(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::Done
    }
}

/// Own metrics. As in the Collector a series is there after its first record.
struct Counts {
    telemetry: Telemetry,
    /// The policy's name when the randomness came from an attribute.
    attribute: String,
    counters: [OnceLock<Counter>; 24],
}

impl Counts {
    fn of(&self, signal: Signal, policy: Policy, kept: bool) -> &Counter {
        let at = policy as usize * 4 + usize::from(signal == Signal::Logs) * 2 + usize::from(kept);
        self.counters[at].get_or_init(|| {
            let (name, help) = match signal {
                Signal::Logs => ("otelcol_processor_probabilistic_sampler_count_logs_sampled", "Log records, kept or not."),
                _ => ("otelcol_processor_probabilistic_sampler_count_traces_sampled", "Spans, kept or not."),
            };
            let policy = match policy {
                Policy::TraceIdHash => "trace_id_hash",
                Policy::TraceIdW3c => "trace_id_w3c",
                Policy::SamplingPriority => "sampling_priority",
                Policy::SamplingRandomness => "sampling_randomness",
                Policy::MissingRandomness => "missing_randomness",
                Policy::Attribute => &self.attribute,
            };
            let sampled = if kept { "true" } else { "false" };
            self.telemetry.counter(name, help, &[("policy", policy), ("sampled", sampled)])
        })
    }
}
