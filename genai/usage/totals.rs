//! Adding up what was decided: the tokens, calls and tool calls of a run, or of anything else.
//!
//! Works on enriched records, in any order. Resent records are skipped; tokens come from owners only.
//! A call without usage counts as a call unless it is a wrapper: a call lies below it, or one with usage above it, without a tool or
//! agent between them. That needs the tree, so it is decided at the end, over the spans that were added.

use super::{Identity, siblings, text_hash};
use crate::event_names;
use crate::keys;
use crate::record::{self, finish_reasons};
use crate::steps::{StepKind, is_error, kind};
use chaperone_proto::{Attrs, KeyId, RecordRef, ValueRef};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Sums over enriched records.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Canonical input tokens of owners.
    pub input_tokens: u64,
    /// Canonical output tokens of owners.
    pub output_tokens: u64,
    /// Of the input: read from a cache.
    pub cache_read_tokens: u64,
    /// Of the input: written to a cache for five minutes, or for a time nobody named.
    pub cache_write_5m_tokens: u64,
    /// Of the input: written to a cache for an hour.
    pub cache_write_1h_tokens: u64,
    /// Of the output.
    pub reasoning_tokens: u64,
    /// Cost of owners in nano-dollars.
    pub cost_nanos: i64,
    /// Owners with usage but without price.
    pub unpriced_calls: u64,
    /// Tool calls that models asked for, by name.
    pub requested: BTreeMap<String, u64>,
    /// Tool calls that ran, by name.
    pub executed: BTreeMap<String, u64>,
    calls: Vec<Call>,
    places: HashMap<([u8; 16], [u8; 8]), Place>,
}

/// A call that counts if it is no wrapper.
#[derive(Debug, Clone)]
struct Call {
    place: Option<([u8; 16], [u8; 8])>,
    requests: u64,
    failed: bool,
    measured: bool,
    response: Option<String>,
    /// Scope and model by hash, start and end: what tells two instrumentations of one call.
    told: (u64, u64, u64, u64),
}

/// A span in its trace.
#[derive(Debug, Clone, Copy)]
struct Place {
    parent: Option<[u8; 8]>,
    is_call: bool,
    /// A call that carries usage, whoever owns it.
    measured: bool,
    /// It carries the tokens of the calls below it, and is none itself.
    covers: bool,
    /// Tools and agents stand between a wrapper and what it wraps.
    divides: bool,
}

impl Totals {
    /// Adds one enriched record. Records that are not GenAI only lend their place in the tree.
    pub fn add(&mut self, record: RecordRef<'_>) {
        let attrs = record.attrs();
        if attrs.get(keys::CHAPERONE_USAGE_RESENT).and_then(ValueRef::as_bool) == Some(true) {
            return;
        }
        let kind = kind(record);
        let scope = attrs.str(keys::CHAPERONE_USAGE_SCOPE);
        let is_call = matches!(kind, StepKind::Llm | StepKind::Embedding);
        self.remember_place(record, kind, is_call);
        if !record::is_gen_ai(record) {
            return;
        }
        if scope == Some("self") {
            self.add_call(record);
        }
        if kind == StepKind::Tool && attrs.str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate") {
            self.add_tool(attrs, "executed");
        }
        if let RecordRef::Span(span) = record {
            for event in span.events().filter(|event| event.name() == event_names::TOOL_CALL) {
                if event.attrs().str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate") {
                    self.add_tool(event.attrs(), "requested");
                }
            }
        }
    }

    /// Of the input: written to a cache, for any time.
    pub fn cache_write_tokens(&self) -> u64 {
        self.cache_write_5m_tokens + self.cache_write_1h_tokens
    }

    /// Whether no owner said what it used: what aggregates said is all there is.
    pub fn is_unmeasured(&self) -> bool {
        !self.calls.iter().any(|call| call.measured)
    }

    /// Takes over the sums of other records.
    pub fn absorb(&mut self, other: Totals) {
        let Totals { calls, places, requested, executed, .. } = other;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_5m_tokens += other.cache_write_5m_tokens;
        self.cache_write_1h_tokens += other.cache_write_1h_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.cost_nanos += other.cost_nanos;
        self.unpriced_calls += other.unpriced_calls;
        for (own, other) in [(&mut self.requested, requested), (&mut self.executed, executed)] {
            for (name, calls) in other {
                *own.entry(name).or_default() += calls;
            }
        }
        self.calls.extend(calls);
        self.places.extend(places);
    }

    /// Whether cost and tokens are the least that was spent: some calls had no price or did not say what they used.
    pub fn is_lower_bound(&self) -> bool {
        self.unpriced_calls > 0 || self.counted().iter().any(|call| !call.measured && !call.failed && !self.is_covered(call))
    }

    /// Model and embedding calls: failed ones and those that ended well.
    pub fn calls(&self) -> (u64, u64) {
        let mut sums = (0, 0);
        for call in self.counted() {
            *(if call.failed { &mut sums.0 } else { &mut sums.1 }) += call.requests;
        }
        sums
    }

    /// Spans of calls that do not count as calls: wrappers, and second records of one call.
    pub fn uncounted_spans(&self) -> HashSet<[u8; 8]> {
        let counts = self.counts();
        let uncounted = self.calls.iter().zip(counts).filter(|(_, counts)| !counts);
        uncounted.filter_map(|(call, _)| call.place).map(|(_, span)| span).collect()
    }

    /// Calls that are neither wrappers nor told by another record.
    fn counted(&self) -> Vec<&Call> {
        self.calls.iter().zip(self.counts()).filter(|(_, counts)| *counts).map(|(call, _)| call).collect()
    }

    fn counts(&self) -> Vec<bool> {
        let below = self.places_above_calls();
        let measured = self.calls.iter().filter(|call| call.measured);
        let responses: HashSet<&str> = measured.filter_map(|call| call.response.as_deref()).collect();
        let is_told_by_another = |call: &Call| call.response.as_deref().is_some_and(|id| responses.contains(id));
        let mut counts: Vec<bool> =
            self.calls.iter().map(|call| call.measured || !(is_told_by_another(call) || self.is_wrapper(call, &below))).collect();
        if counts.iter().zip(&self.calls).any(|(counts, call)| *counts && !call.measured) {
            let places: Vec<_> =
                self.calls.iter().zip(&counts).map(|(call, counts)| self.sibling(call).filter(|_| *counts)).collect();
            for (counts, repeats) in counts.iter_mut().zip(siblings::repeats(&places)) {
                *counts &= !repeats;
            }
        }
        counts
    }

    fn sibling(&self, call: &Call) -> Option<siblings::Place> {
        let (trace, span) = call.place?;
        let parent = self.places.get(&(trace, span))?.parent;
        let (scope, model, start_ns, end_ns) = call.told;
        Some(siblings::Place { trace, parent, scope, model, start_ns, end_ns, failed: call.failed, measured: call.measured })
    }

    fn add_call(&mut self, record: RecordRef<'_>) {
        let attrs = record.attrs();
        let count = |key: KeyId| attrs.int(key).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let measured = attrs.str(keys::CHAPERONE_USAGE_SOURCE).is_some_and(|source| source != "missing");
        if measured {
            self.input_tokens += count(keys::GEN_AI_USAGE_INPUT_TOKENS);
            self.output_tokens += count(keys::GEN_AI_USAGE_OUTPUT_TOKENS);
            self.cache_read_tokens += count(keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
            self.cache_write_5m_tokens += count(keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS);
            self.cache_write_1h_tokens += count(keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS);
            self.reasoning_tokens += count(keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS);
            let cost = attrs.get(keys::CHAPERONE_COST_TOTAL).and_then(ValueRef::as_f64);
            self.cost_nanos += cost.map_or(0, |usd| (usd * 1e9).round() as i64);
            self.unpriced_calls += u64::from(attrs.str(keys::CHAPERONE_COST_SOURCE) == Some("unpriced"));
        }
        let failed = is_error(record) || finish_reasons(record).contains(&"error");
        let place = match Identity::of(record) {
            Some(Identity::Span { trace, span }) => Some((trace, span)),
            _ => None,
        };
        let response = attrs.str(keys::GEN_AI_RESPONSE_ID).map(str::to_owned);
        let requests = attrs.int(keys::CHAPERONE_LLM_REQUESTS).and_then(|n| u64::try_from(n).ok()).unwrap_or(1);
        let times = record.as_span().map_or((0, 0), |span| (span.start_ns(), span.end_ns()));
        let model = attrs.str(keys::GEN_AI_REQUEST_MODEL).unwrap_or_default();
        let told = (text_hash(record.scope().name()), text_hash(model), times.0, times.1);
        self.calls.push(Call { place, requests, failed, measured, response, told });
    }

    fn add_tool(&mut self, attrs: Attrs<'_>, default_source: &str) {
        let name = attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or("").to_owned();
        let source = attrs.str(keys::CHAPERONE_TOOL_SOURCE).unwrap_or(default_source);
        let sums = if source == "requested" { &mut self.requested } else { &mut self.executed };
        *sums.entry(name).or_default() += 1;
    }

    fn remember_place(&mut self, record: RecordRef<'_>, kind: StepKind, is_call: bool) {
        let RecordRef::Span(span) = record else { return };
        let (Some(trace), Some(id)) = (span.trace_id(), span.span_id()) else { return };
        let measured = is_call && record.attrs().str(keys::CHAPERONE_USAGE_SOURCE).is_some_and(|source| source != "missing");
        // It carries the tokens of calls below it, which count themselves.
        let covers = measured && record.attrs().int(keys::CHAPERONE_LLM_REQUESTS) == Some(0);
        let measured = measured && !covers;
        let divides = matches!(kind, StepKind::Tool | StepKind::Agent | StepKind::Workflow);
        self.places.insert((trace, id), Place { parent: span.parent_span_id(), is_call, measured, covers, divides });
    }

    /// Spans that have a call below them without a tool or agent between.
    fn places_above_calls(&self) -> HashSet<([u8; 16], [u8; 8])> {
        let mut above = HashSet::new();
        for ((trace, _), place) in self.places.iter().filter(|(_, place)| place.is_call) {
            let mut next = place.parent;
            while let Some(parent) = next.take() {
                let held = self.places.get(&(*trace, parent));
                if held.is_none_or(|held| held.divides) || !above.insert((*trace, parent)) {
                    break;
                }
                next = held.and_then(|held| held.parent);
            }
        }
        above
    }

    fn is_wrapper(&self, call: &Call, above_calls: &HashSet<([u8; 16], [u8; 8])>) -> bool {
        let Some((trace, span)) = call.place else { return false };
        if above_calls.contains(&(trace, span)) {
            return true;
        }
        let mut next = self.places.get(&(trace, span)).and_then(|place| place.parent);
        for _ in 0..self.places.len() {
            let Some(place) = next.and_then(|parent| self.places.get(&(trace, parent))) else { return false };
            if place.divides {
                return false;
            }
            if place.measured {
                return true;
            }
            next = place.parent;
        }
        false
    }

    /// Whether a record above carries the tokens of this call.
    fn is_covered(&self, call: &Call) -> bool {
        let Some((trace, span)) = call.place else { return false };
        let mut next = self.places.get(&(trace, span)).and_then(|place| place.parent);
        for _ in 0..self.places.len() {
            let Some(place) = next.and_then(|parent| self.places.get(&(trace, parent))) else { return false };
            if place.covers || place.divides {
                return place.covers;
            }
            next = place.parent;
        }
        false
    }
}
