//! `gen_ai_metrics`: tokens, cost, durations and tool calls of enriched spans and logs, as metrics.
//!
//! Every call is counted once: only records that own their usage (`chaperone.usage.scope = self`) add tokens and cost,
//! and records marked as resent add nothing. Durations come from the span even where a log owns the tokens.
//! Metrics that agents export themselves pass under canonical names, except those of a service whose calls were seen already.

mod canonical;
#[cfg(test)]
mod canonical_tests;
mod config;
mod native;
mod points;
mod reported;
mod series;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_genai::{event_names, keys, record};
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Meta, Next, Now, Outbox, ProcessError, Processor, ProcessorFactory, Shards, Signals,
    Stability,
};
use chaperone_proto::{Attrs, Data, RecordRef};
use series::{Dims, Kind, SLOTS, Seeds, Table};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The connector.
pub struct GenAiMetrics {
    config: Config,
    // Shared by all instances with this id, and with those of a reloaded graph.
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    tables: Shards<Table>,
    seeds: Seeds,
    series: AtomicUsize,
    native: native::Instances,
}

impl ProcessorFactory for GenAiMetrics {
    type Config = Config;
    const META: Meta = Meta::connector(
        "gen_ai_metrics",
        "Tokens, cost, durations and tool calls of agents as metrics, each call counted once",
        Signals::ALL,
        Signals::METRICS,
        Signals::METRICS,
    )
    .stability(Stability::Development)
    .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(GenAiMetrics { config, state: ctx.shared(State::default) }))
    }
}

impl Processor for GenAiMetrics {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        if let Data::Metrics(metrics) = &batch.data {
            self.state.native.process(metrics, &batch, out);
            return Ok(());
        }
        let now_ns = out.now().unix_ns;
        for i in 0..batch.data.records() {
            let record = batch.data.record(i);
            if record::is_gen_ai(record) && record.attrs().get(keys::CHAPERONE_USAGE_RESENT).is_none() {
                self.record(record, now_ns);
            }
        }
        Ok(())
    }

    fn tick(&self, now: Now, out: &mut Outbox) -> Next {
        // Without a change there is nothing to come back for until the next record.
        if self.flush(now, out) { Next::After(self.config.flush_interval.get()) } else { Next::Done }
    }

    fn drain(&self, now: Now, out: &mut Outbox) -> Next {
        self.flush(now, out);
        Next::Done
    }

    /// Sums go on in the successor, which shares them.
    fn hand_over(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::Done
    }
}

impl GenAiMetrics {
    fn record(&self, record: RecordRef<'_>, now_ns: u64) {
        let attrs = record.attrs();
        match attrs.str(keys::CHAPERONE_STEP_KIND).unwrap_or_default() {
            "llm" | "embedding" => {
                self.state.native.saw_calls_of(record.resource().attrs());
                self.call(record, now_ns);
            }
            "tool" if attrs.str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate") => self.tool(record, now_ns),
            "agent" => self.agent(record, now_ns),
            _ => {}
        }
        self.tool_call_events(record, now_ns);
        self.reported_events(record, now_ns);
    }

    fn call(&self, record: RecordRef<'_>, now_ns: u64) {
        let attrs = record.attrs();
        let owns = attrs.str(keys::CHAPERONE_USAGE_SCOPE) == Some("self");
        // Where a log owns the tokens (record ids have 32 digits, span ids 16), the span still tells how long it took.
        let log_owns = attrs.str(keys::CHAPERONE_USAGE_DUPLICATE_OF).is_some_and(|owner| owner.len() == 32);
        let seconds = if owns || log_owns { seconds(record) } else { None };
        if !owns && seconds.is_none() {
            return;
        }
        let slots = [
            text(attrs, keys::GEN_AI_OPERATION_NAME),
            text(attrs, keys::GEN_AI_PROVIDER_NAME),
            text(attrs, keys::GEN_AI_REQUEST_MODEL),
            text(attrs, keys::GEN_AI_RESPONSE_MODEL),
            text(attrs, keys::GEN_AI_AGENT_NAME),
            text(attrs, keys::ERROR_TYPE),
        ];
        self.with_series(record, Kind::Call, slots, now_ns, |series| {
            if let Some(seconds) = seconds {
                series.duration.observe(seconds);
            }
            // Of a span, or of the log that owns the call: no emitter says it on both.
            if let Some(first) = attrs.get(keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK).and_then(|value| value.as_f64()) {
                series.first_chunk.observe(first);
            }
            if !owns {
                return;
            }
            let (input, output) = (attrs.int(keys::GEN_AI_USAGE_INPUT_TOKENS), attrs.int(keys::GEN_AI_USAGE_OUTPUT_TOKENS));
            if input.is_some() || output.is_some() {
                let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
                series.tokens.reported += 1;
                series.tokens.input += number(input);
                series.tokens.output += number(output);
                series.tokens.cache_read += number(attrs.int(keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS));
                series.tokens.cache_write += number(attrs.int(keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS));
                series.tokens.reasoning += number(attrs.int(keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS));
                series.input_size.observe(number(input) as f64);
                series.output_size.observe(number(output) as f64);
            }
            if let Some(cost) = attrs.get(keys::CHAPERONE_COST_TOTAL).and_then(|value| value.as_f64()) {
                // Costs were computed in nano-dollars: rounding gives them back exactly.
                series.add_cost(text(attrs, keys::CHAPERONE_COST_SOURCE), (cost * 1e9).round() as i128);
            }
        });
    }

    fn tool(&self, record: RecordRef<'_>, now_ns: u64) {
        let attrs = record.attrs();
        let (name, agent) = (text(attrs, keys::GEN_AI_TOOL_NAME), text(attrs, keys::GEN_AI_AGENT_NAME));
        let error = text(attrs, keys::ERROR_TYPE);
        if let Some(seconds) = seconds(record) {
            let slots = [name, agent, error, "", "", ""];
            self.with_series(record, Kind::ToolSpan, slots, now_ns, |series| series.duration.observe(seconds));
        }
        self.with_series(record, Kind::ToolCall, [name, "executed", agent, error, "", ""], now_ns, |series| series.calls += 1);
    }

    fn agent(&self, record: RecordRef<'_>, now_ns: u64) {
        let attrs = record.attrs();
        if let Some(seconds) = seconds(record) {
            let slots = [text(attrs, keys::GEN_AI_AGENT_NAME), text(attrs, keys::ERROR_TYPE), "", "", "", ""];
            self.with_series(record, Kind::Agent, slots, now_ns, |series| series.duration.observe(seconds));
        }
    }

    /// Calls that were found in messages: span events on a span, a record of its own beside a log.
    fn tool_call_events(&self, record: RecordRef<'_>, now_ns: u64) {
        let agent = text(record.attrs(), keys::GEN_AI_AGENT_NAME);
        let count = |attrs: Attrs<'_>| {
            if attrs.str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate") && attrs.get(keys::CHAPERONE_USAGE_RESENT).is_none() {
                let name = text(attrs, keys::GEN_AI_TOOL_NAME);
                let slots = [name, text(attrs, keys::CHAPERONE_TOOL_SOURCE), agent, text(attrs, keys::ERROR_TYPE), "", ""];
                self.with_series(record, Kind::ToolCall, slots, now_ns, |series| series.calls += 1);
            }
        };
        match record {
            RecordRef::Span(span) => {
                span.events().filter(|event| event.name() == event_names::TOOL_CALL).for_each(|event| count(event.attrs()));
            }
            RecordRef::Log(log) if log.event_name() == event_names::TOOL_CALL => count(log.attrs()),
            RecordRef::Log(_) => {}
        }
    }

    fn with_series(
        &self,
        record: RecordRef<'_>,
        kind: Kind,
        slots: [&str; SLOTS],
        now_ns: u64,
        add: impl FnOnce(&mut series::Series),
    ) {
        let resource = record.resource().attrs();
        let service = [
            text(resource, keys::SERVICE_NAME),
            text(resource, keys::SERVICE_NAMESPACE),
            text(resource, keys::SERVICE_INSTANCE_ID),
            text(resource, keys::DEPLOYMENT_ENVIRONMENT_NAME),
        ];
        let mut dims = Dims { kind, service, slots, overflow: false };
        let state = &self.state;
        let mut key = state.seeds.key(&dims);
        let full = state.series.load(Ordering::Relaxed) >= self.config.max_series;
        if full && !state.tables.lock(state.tables.of(key as u64)).series.contains_key(&key) {
            dims = Dims { kind, service: [""; 4], slots: [""; SLOTS], overflow: true };
            key = state.seeds.key(&dims);
        }
        let mut table = state.tables.lock(state.tables.of(key as u64));
        let (series, made) = table.get(key, &dims, now_ns);
        if made {
            state.series.fetch_add(1, Ordering::Relaxed);
        }
        add(series);
    }

    /// Gives out what changed; tells whether anything did.
    fn flush(&self, now: Now, out: &mut Outbox) -> bool {
        let mut points = points::Points::new(now.unix_ns);
        for shard in 0..self.state.tables.count() {
            for series in self.state.tables.lock(shard).series.values_mut() {
                if std::mem::take(&mut series.changed) {
                    points.add(series);
                }
            }
        }
        let metrics = points.finish();
        let any = metrics.is_some();
        if let Some(metrics) = metrics {
            out.derive(Batch::new(Data::Metrics(metrics)));
        }
        any
    }
}

fn text(attrs: Attrs<'_>, key: chaperone_proto::KeyId) -> &str {
    attrs.str(key).unwrap_or_default()
}

/// How long a span took; nothing for logs and for spans that end before they start.
fn seconds(record: RecordRef<'_>) -> Option<f64> {
    let span = record.as_span()?;
    let nanos = span.end_ns().checked_sub(span.start_ns())?;
    (span.start_ns() != 0).then_some(nanos as f64 / 1e9)
}
