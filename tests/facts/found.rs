//! What the graph finds in a capture: sums over the records that its processors and `agent_runs` give out.

use crate::events::{self, Events};
use crate::order::recorded;
use crate::run::Chain;
use crate::wire::{Counts, Usage};
use crate::{agent_runs, wire};
use chaperone_genai::steps::{StepKind, is_error, kind};
use chaperone_genai::usage::{CostSource, Totals};
use chaperone_genai::{keys, record};
use chaperone_proto::{Attrs, Data, KeyId, RecordRef, ValueRef};
use chaperone_testkit::corpus;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that is compared.
#[derive(Debug, Default)]
pub struct Found {
    pub dialects: BTreeMap<String, BTreeSet<String>>,
    pub totals: Totals,
    /// Of calls that own their usage, by the model's name without date.
    pub models: BTreeMap<String, Usage>,
    pub failure_codes: BTreeSet<String>,
    pub failure_types: BTreeSet<String>,
    pub finish: Counts,
    /// Of records that carry the tokens of calls which are counted elsewhere: for want of those on the calls.
    pub finish_of_sums: Counts,
    pub first_response_times: u64,
    pub embeddings: u64,
    embedding_spans: Vec<[u8; 8]>,
    pub retrievals: Counts,
    pub events: Events,
    pub tool_errors: Counts,
    pub cost_nanos: i64,
    pub unpriced: u64,
    /// Calls that aggregates name, where no call was seen.
    pub aggregated: Option<u64>,
    /// The latest event time: prices are those of that day.
    pub unix_ns: u64,
    pub runs: Runs,
}

/// What the runs of a capture add up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Runs {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub reasoning: u64,
    pub requested: u64,
    pub executed: u64,
    pub retries: u64,
    pub llm_calls: u64,
    pub cost_nanos: i64,
}

impl Found {
    pub fn of(capture: &str) -> Found {
        let capture = corpus::load(capture).expect("a readable capture");
        let chain = Chain::new();
        let enriched: Vec<Data> = recorded(&capture).into_iter().flat_map(|data| chain.enrich(data)).collect();
        let mut found = Found::default();
        let records = || enriched.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at)));
        let told = Told::of(records());
        for record in records() {
            found.totals.add(record);
            found.dialect(record);
            found.add(record, &told);
        }
        // Spans around an embedding that other spans tell of are none.
        let uncounted = found.totals.uncounted_spans();
        found.embeddings = found.embedding_spans.iter().filter(|span| !uncounted.contains(*span)).count() as u64;
        found.events.finish();
        if found.finish.is_empty() {
            found.finish = std::mem::take(&mut found.finish_of_sums);
        }
        found.runs = Runs::of(&agent_runs::runs(enriched.clone()));
        if found.totals.is_unmeasured() {
            found.take_aggregates(enriched.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at))));
        }
        found
    }

    /// No call was seen: what aggregates said is all there is, and `agent_runs` takes it at the end.
    fn take_aggregates<'a>(&mut self, records: impl Iterator<Item = RecordRef<'a>>) {
        for record in records.filter(|record| record.attrs().str(keys::CHAPERONE_USAGE_SCOPE) == Some("aggregate")) {
            if record.attrs().get(keys::CHAPERONE_LLM_REQUESTS).is_some() {
                self.measure(record);
            }
        }
        if !self.models.is_empty() {
            self.aggregated = Some(self.runs.llm_calls);
            self.cost_nanos = self.runs.cost_nanos;
        }
    }

    fn measure(&mut self, record: RecordRef<'_>) {
        let attrs = record.attrs();
        let count = |key: KeyId| attrs.int(key).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let model = self.models.entry(wire::base(record::model(record).unwrap_or("?")).to_owned()).or_default();
        model.input += count(keys::GEN_AI_USAGE_INPUT_TOKENS);
        model.output += count(keys::GEN_AI_USAGE_OUTPUT_TOKENS);
        model.cache_read += count(keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
        model.cache_write += count(keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS);
        model.cache_write += count(keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS);
        model.cache_write_1h += count(keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS);
        model.reasoning += count(keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS);
    }

    fn dialect(&mut self, record: RecordRef<'_>) {
        // Events that we made of a log stand in a scope of ours.
        let is_ours = record.scope().name() == "chaperone";
        if let Some(dialect) = record::dialect(record).filter(|_| !is_ours) {
            let signal = if record.as_span().is_some() { "span" } else { "log" };
            let scope = format!("{} {signal}", record.scope().name());
            self.dialects.entry(scope).or_default().insert(dialect.to_owned());
        }
    }

    fn add(&mut self, record: RecordRef<'_>, told: &Told) {
        let attrs = record.attrs();
        if record::dialect(record).is_none() {
            return;
        }
        self.unix_ns = self.unix_ns.max(record::event_time_ns(record));
        let kind = kind(record);
        if attrs.str(keys::CHAPERONE_USAGE_SCOPE) == Some("self") {
            self.call(record, kind, told);
        }
        if kind == StepKind::Retrieval && record.as_span().is_some() {
            *self.retrievals.entry(record.scope().name().to_owned()).or_default() += 1;
        }
        let is_tool = kind == StepKind::Tool && attrs.str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate");
        let requested = attrs.str(keys::CHAPERONE_TOOL_SOURCE) == Some("requested");
        if is_tool && !requested && (is_error(record) || attrs.str(keys::ERROR_TYPE).is_some()) {
            self.tool_error(attrs);
        }
        self.events.add(record);
        for failed in events::failed_tools(record) {
            *self.tool_errors.entry(failed).or_default() += 1;
        }
    }

    fn tool_error(&mut self, attrs: Attrs<'_>) {
        *self.tool_errors.entry(attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or("?").to_owned()).or_default() += 1;
    }

    fn call(&mut self, record: RecordRef<'_>, kind: StepKind, told: &Told) {
        let attrs = record.attrs();
        let failed = is_error(record);
        if attrs.str(keys::CHAPERONE_USAGE_SOURCE).is_some_and(|source| source != "missing") {
            self.measure(record);
        }
        let cost = attrs.get(keys::CHAPERONE_COST_TOTAL).and_then(ValueRef::as_f64);
        self.cost_nanos += cost.map_or(0, |usd| (usd * 1e9).round() as i64);
        self.unpriced += u64::from(attrs.str(keys::CHAPERONE_COST_SOURCE) == Some(CostSource::Unpriced.as_str()));
        if failed {
            self.failure_codes.insert(attrs.str(keys::CHAPERONE_FAILURE_CODE).unwrap_or("-").to_owned());
            let kind = attrs.str(keys::ERROR_TYPE).map(str::to_owned).or_else(|| events::exception_type(record));
            let kind = kind.unwrap_or_else(|| "-".to_owned());
            self.failure_types.insert(kind.rsplit('.').next().unwrap_or_default().to_owned());
            return;
        }
        if kind == StepKind::Embedding {
            self.embedding_spans.extend(record.span_id());
        }
        let also = told.of_call(record);
        let reason = finish_reason(record).or_else(|| also.and_then(|also| also.finish.clone()));
        // A record that carries tokens of calls nobody can count ends no call.
        // How an agent ended is not how a call ended.
        let reason = reason.filter(|_| kind != StepKind::Agent);
        if let Some(reason) = reason {
            let covers_others = attrs.int(keys::CHAPERONE_LLM_REQUESTS) == Some(0);
            let counts = if covers_others { &mut self.finish_of_sums } else { &mut self.finish };
            *counts.entry(wire::finish(&reason)).or_default() += 1;
        }
        let has_time = attrs.get(keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK).is_some() || also.is_some_and(|also| also.has_time);
        self.first_response_times += u64::from(has_time);
    }
}

fn finish_reason(record: RecordRef<'_>) -> Option<String> {
    record::finish_reasons(record).first().map(|reason| (*reason).to_owned())
}

/// What records that do not own a call tell of it: those of another instrumentation, and logs of its answer.
#[derive(Debug, Default)]
struct Told(HashMap<String, AlsoTold>);

#[derive(Debug, Default)]
struct AlsoTold {
    finish: Option<String>,
    has_time: bool,
}

impl Told {
    fn of<'a>(records: impl Iterator<Item = RecordRef<'a>>) -> Told {
        let mut told = Told::default();
        for record in records {
            let attrs = record.attrs();
            let owner = match attrs.str(keys::CHAPERONE_USAGE_DUPLICATE_OF) {
                Some(owner) => Some(owner.to_owned()),
                None if record.as_span().is_none() => record.span_id().map(|id| hex(&id)),
                None => None,
            };
            let Some(owner) = owner else { continue };
            let also = told.0.entry(owner).or_default();
            also.finish = also.finish.take().or_else(|| finish_reason(record));
            also.has_time |= attrs.get(keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK).is_some();
        }
        told
    }

    fn of_call(&self, record: RecordRef<'_>) -> Option<&AlsoTold> {
        let of_span = record.as_span().and_then(|span| span.span_id()).and_then(|id| self.0.get(&hex(&id)));
        of_span.or_else(|| self.0.get(&*record::id(record)))
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Runs {
    fn of(runs: &[Data]) -> Runs {
        let sum = |key: KeyId| agent_runs::sum(runs, key);
        let records = runs.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at)));
        let dollars = records.filter_map(|run| run.attrs().get(keys::CHAPERONE_RUN_COST).and_then(ValueRef::as_f64));
        Runs {
            input: sum(keys::CHAPERONE_RUN_TOKENS_INPUT),
            output: sum(keys::CHAPERONE_RUN_TOKENS_OUTPUT),
            cache_read: sum(keys::CHAPERONE_RUN_TOKENS_CACHE_READ),
            reasoning: sum(keys::CHAPERONE_RUN_TOKENS_REASONING),
            requested: sum(keys::CHAPERONE_RUN_TOOL_CALLS_REQUESTED),
            executed: sum(keys::CHAPERONE_RUN_TOOL_CALLS),
            retries: sum(keys::CHAPERONE_RUN_RETRIES),
            llm_calls: sum(keys::CHAPERONE_RUN_LLM_CALLS),
            cost_nanos: dollars.map(|usd| (usd * 1e9).round() as i64).sum(),
        }
    }
}
