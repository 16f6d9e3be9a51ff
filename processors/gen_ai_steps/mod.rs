//! The `gen_ai_steps` processor: says of each GenAI record what kind of step it is, who did it, and how it went.
//!
//! What it knows is in `genai::steps`. Here are the order of the work and the locks: a batch is read once, what traces and
//! call ids remember is asked shard by shard, and then records are written.
//! Tool calls found in the messages of a span become events of that span; those found in a log become log records that are
//! made beside the batch.

mod config;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_genai::record::is_gen_ai;
use chaperone_genai::steps::{self, CallMemory, Digester, Facts, Lineage, Node, Thresholds};
use chaperone_genai::usage::Senders;
use chaperone_pipeline::{
    Batch, BuildContext, ConfigError, Counter, Meta, Outbox, ProcessError, Processor, ProcessorFactory, Shards, Signals,
    Stability,
};
use chaperone_proto::{Data, Logs, LogsBuilder, RecordRef, ValueIn};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Factory of the processor.
pub struct GenAiSteps;

impl ProcessorFactory for GenAiSteps {
    type Config = Config;
    const META: Meta = Meta::processor(
        "gen_ai_steps",
        "Says what kind of step each GenAI record is, who did it, which tools it asked for, and how it failed.",
        Signals::RECORDS,
    )
    .stability(Stability::Alpha)
    .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        let id = ctx.id().to_string();
        let counter = |what: &str| {
            let labels = [("processor", id.as_str()), ("state", what)];
            ctx.telemetry().counter("chaperone_steps_evicted", "Traces and tool calls that were forgotten to make room.", &labels)
        };
        let latency = config.latency_threshold.get();
        let thresholds = Thresholds {
            latency_ns: (!latency.is_zero()).then(|| u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)),
            tokens: Some(config.token_threshold).filter(|most| *most > 0),
        };
        Ok(Arc::new(Processing {
            thresholds,
            digester: Digester::new(*ctx.hash_key()),
            evicted_traces: counter("traces"),
            evicted_calls: counter("calls"),
            // Shared by the instances of this id in all pipelines and signals: a log and a span tell of the same call.
            memory: ctx.shared(Memory::default),
            config,
        }))
    }
}

#[derive(Default)]
struct Memory {
    lineage: Shards<Lineage>,
    calls: Shards<CallMemory>,
    calls_kept: AtomicUsize,
}

struct Processing {
    thresholds: Thresholds,
    config: Config,
    digester: Digester,
    memory: Arc<Memory>,
    evicted_traces: Counter,
    evicted_calls: Counter,
}

/// Records for whose facts room is made at once.
const AT_ONCE: usize = 512;

/// What is written on one record.
type Written<'f> = (usize, steps::Pairs<'f>, Vec<steps::Event<'f>>);

impl Processor for Processing {
    fn process(&self, mut batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let mut facts = self.read(&batch.data);
        if facts.is_empty() {
            out.pass(batch);
            return Ok(());
        }
        self.place(&batch.data, &mut facts);
        self.tell(&mut facts);
        let written: Vec<Written<'_>> = facts.iter().map(|facts| self.written(batch.data.record(facts.at), facts)).collect();
        let made = made_logs(&batch.data, &written);
        for (at, attributes, events) in &written {
            steps::write(&mut batch.data.edit(*at), attributes, events);
        }
        let client = batch.client.clone();
        out.pass(batch);
        if let Some(made) = made {
            out.derive(Batch { data: Data::Logs(made), client });
        }
        Ok(())
    }
}

impl Processing {
    fn read(&self, data: &Data) -> Vec<Facts> {
        let is_new = |record: RecordRef<'_>| is_gen_ai(record) && !steps::is_written(record.attrs());
        let new = (0..data.records()).map(|at| (at, data.record(at))).filter(|(_, record)| is_new(*record));
        let mut senders = Senders::default();
        let mut facts = Vec::new();
        for (at, record) in new {
            if facts.is_empty() {
                // Where one is, most are; facts are large, and moving them costs more than room for a few in vain.
                facts.reserve((data.records() - at).min(AT_ONCE));
            }
            facts.push(Facts::read(at, record, senders.of(record), &self.digester));
        }
        facts
    }

    /// Agents, attempts, tools around tools: what the trace knows.
    fn place(&self, data: &Data, facts: &mut [Facts]) {
        let lineage = &self.memory.lineage;
        // Nothing else is in most batches.
        let has_others = facts.len() < data.records();
        let traces: HashSet<[u8; 16]> = facts.iter().filter(|_| has_others).filter_map(|facts| facts.trace).collect();
        let mut nodes: Vec<(usize, [u8; 16], [u8; 8], Node)> = facts
            .iter()
            .filter_map(Facts::node)
            .chain(other_spans(data, &traces))
            .map(|(trace, span, node)| (lineage.of(trace_hash(trace)), trace, span, node))
            .collect();
        // Stable: within a shard the order of the batch stays.
        nodes.sort_by_key(|(shard, ..)| *shard);
        let mut by_shard: Vec<(usize, &mut Facts)> =
            facts.iter_mut().filter_map(|facts| Some((lineage.of(trace_hash(facts.trace?)), facts))).collect();
        by_shard.sort_by_key(|(shard, facts)| (*shard, facts.at));
        let per_shard = self.config.max_spans.div_ceil(lineage.count());
        let mut nodes = nodes.into_iter().peekable();
        for group in by_shard.chunk_by_mut(|left, right| left.0 == right.0) {
            let Some((shard, _)) = group.first() else { continue };
            let shard = *shard;
            let mut held = lineage.lock(shard);
            // Parents first: they may stand behind their children in the batch.
            while let Some((_, trace, span, node)) = nodes.next_if(|(of, ..)| *of <= shard) {
                held.add(trace, span, node, self.config.max_spans_per_trace);
            }
            for (_, facts) in group {
                facts.place(&mut held);
            }
            self.evicted_traces.add(held.evict(per_shard));
        }
    }

    /// Tool calls by call id: tool spans and logs first, messages then.
    fn tell(&self, facts: &mut [Facts]) {
        let calls = &self.memory.calls;
        let mut by_shard: Vec<(usize, &mut Facts)> =
            facts.iter_mut().filter(|facts| facts.has_calls()).map(|facts| (calls.of(facts.sender), facts)).collect();
        by_shard.sort_by_key(|(shard, facts)| (*shard, facts.at));
        // A busy sender may use what others do not: a shard makes room only when the whole is too large.
        let share = self.config.max_calls.div_ceil(calls.count());
        for group in by_shard.chunk_by_mut(|left, right| left.0 == right.0) {
            let Some((shard, _)) = group.first() else { continue };
            let mut held = calls.lock(*shard);
            let before = held.len();
            for (_, facts) in group.iter() {
                facts.tell_offers(&mut held);
            }
            for (_, facts) in group.iter_mut() {
                facts.tell_execution(&mut held);
            }
            for (_, facts) in group.iter_mut() {
                facts.tell_messages(&mut held, &self.digester);
            }
            let grown = held.len() - before;
            let kept = self.memory.calls_kept.fetch_add(grown, Ordering::Relaxed) + grown;
            let too_many = kept.saturating_sub(self.config.max_calls);
            if too_many > 0 && held.len() > share {
                let target = held.len().saturating_sub(too_many).max(share);
                let evicted = held.evict(target);
                self.memory.calls_kept.fetch_sub(evicted as usize, Ordering::Relaxed);
                self.evicted_calls.add(evicted);
            }
        }
    }

    fn written<'f>(&self, record: RecordRef<'_>, facts: &'f Facts) -> Written<'f> {
        (facts.at, steps::attributes(record, facts, &self.digester), steps::events(record, facts, &self.thresholds))
    }
}

/// Spans of the same traces that are not GenAI: they stand between agents and what they did.
fn other_spans<'a>(data: &'a Data, traces: &'a HashSet<[u8; 16]>) -> impl Iterator<Item = ([u8; 16], [u8; 8], Node)> + 'a {
    let records = if traces.is_empty() { 0 } else { data.records() };
    let spans = (0..records).filter_map(|at| data.record(at).as_span());
    spans.filter_map(|span| {
        let (trace, id) = (span.trace_id()?, span.span_id()?);
        let is_other = traces.contains(&trace) && !is_gen_ai(RecordRef::Span(span));
        is_other.then(|| (trace, id, Node { parent: span.parent_span_id(), ..Node::default() }))
    })
}

/// Log records made from log records, each under the resource of the one it was made from.
fn made_logs(data: &Data, written: &[Written<'_>]) -> Option<Logs> {
    let Data::Logs(logs) = data else { return None };
    let mut builder: Option<LogsBuilder> = None;
    let mut current = None;
    for (at, attributes, events) in written.iter().filter(|(_, _, events)| !events.is_empty()) {
        let log = logs.log(*at);
        let resource = log.resource();
        if current != Some(resource.index()) {
            current = Some(resource.index());
            let pairs: Vec<(&str, ValueIn<'_>)> = resource.attrs().iter().map(|(key, value)| (key.name, value.into())).collect();
            match &mut builder {
                Some(builder) => builder.resource(&pairs),
                None => builder = Some(LogsBuilder::new(&pairs, "chaperone")),
            }
        }
        if let Some(builder) = &mut builder {
            steps::write_logs(RecordRef::Log(log), attributes, events, builder);
        }
    }
    builder.map(LogsBuilder::finish)
}

fn trace_hash(trace: [u8; 16]) -> u64 {
    let (high, low) = trace.split_at(8);
    let word = |half: &[u8]| half.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    word(high) ^ word(low)
}
