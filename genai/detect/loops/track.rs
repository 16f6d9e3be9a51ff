//! One sequence of tool calls: the last 64 as symbols, and for each period how long the sequence has kept it.
//!
//! `kept[p]` counts the steps that equal the step `p` before; a cycle of `p` calls was seen `1 + kept[p] / p` times.
//! That is exact periodicity of the end of the sequence, in eight comparisons a step.

use super::limits::{self, Measure, Pattern};
use super::report::{Active, Told};
use super::{LoopSettings, Who};
use crate::detect::{Digest, Finding, Step, ToolCall};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Steps remembered.
pub(super) const RING: usize = 64;
/// Longest cycle.
pub(super) const PERIODS: usize = 8;

/// One tool call in the ring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Tool, arguments, and result or error.
    pub symbol: u64,
    /// Tool and arguments.
    pub call: u64,
    pub error: Option<u64>,
    pub start_ns: u64,
    pub end_ns: u64,
    pub span: Option<[u8; 8]>,
    pub agent: u64,
    /// What the session had spent before this call.
    pub spent: Spent,
    pub known: Known,
    /// Whether call and result were not in the ring.
    pub is_new: bool,
}

/// What of a call could be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// Only the tool's name: no evidence of a loop.
    Name,
    /// Sizes, or one of arguments and result: half weight.
    Half,
    /// Digests of arguments and of the result or error.
    Full,
}

/// Tokens and cost of the model calls seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spent {
    pub tokens: u64,
    pub cost_nanos: u64,
    pub counted: u32,
    pub priced: u32,
}

impl Spent {
    pub fn add(&mut self, tokens: Option<u64>, cost_nanos: Option<u64>) {
        self.tokens = self.tokens.saturating_add(tokens.unwrap_or(0));
        self.cost_nanos = self.cost_nanos.saturating_add(cost_nanos.unwrap_or(0));
        self.counted = self.counted.saturating_add(u32::from(tokens.is_some()));
        self.priced = self.priced.saturating_add(u32::from(cost_nanos.is_some()));
    }

    /// What was spent since `earlier`.
    pub fn since(self, earlier: Spent) -> Spent {
        Spent {
            tokens: self.tokens.saturating_sub(earlier.tokens),
            cost_nanos: self.cost_nanos.saturating_sub(earlier.cost_nanos),
            counted: self.counted.saturating_sub(earlier.counted),
            priced: self.priced.saturating_sub(earlier.priced),
        }
    }
}

/// A sequence of tool calls and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Track {
    ring: VecDeque<Entry>,
    kept: [u32; PERIODS + 1],
    /// Failures of the last call with its error, without a break.
    pub same_error: u32,
    /// The masked call of each symbol in the ring, with the tool's name and how often the symbol is there.
    labels: BTreeMap<u64, Label>,
    active: Vec<Active>,
    /// Steps since a loop was going on.
    pub since_loop: usize,
    pub trace: Option<[u8; 16]>,
    pub run: String,
}

#[derive(Debug)]
struct Label {
    times: u32,
    tool: String,
    shown: String,
}

impl Track {
    /// Takes the next tool call in and tells what is new.
    pub fn push(&mut self, step: &Step, call: &ToolCall, spent: Spent, who: &Who, limits: &LoopSettings, out: &mut Vec<Finding>) {
        let entry = self.entry(step, call, spent);
        if self.is_told_by_another(&entry, call) {
            return;
        }
        self.end_broken(&entry, who, limits, out);
        self.count(&entry);
        self.append(entry, call);
        self.trace = step.trace;
        if self.run != step.run {
            self.run.clone_from(&step.run);
        }
        self.since_loop = if self.looping().is_some() { 0 } else { self.since_loop.saturating_add(1) };
        let found = limits::measure(self, who.scope, limits);
        self.active.retain(|active| active.pattern != Pattern::NoProgress || found.iter().any(|m| m.pattern == active.pattern));
        for measure in found {
            self.met(measure, who, limits, out);
        }
    }

    /// Tells what has grown since it was told.
    pub fn flush(&mut self, who: &Who, limits: &LoopSettings, out: &mut Vec<Finding>) {
        self.tell(who, limits, out, |_| true);
    }

    /// Whether a finding has grown since it was told.
    pub fn has_untold(&self) -> bool {
        self.active.iter().any(Active::is_untold)
    }

    /// Heap memory, roughly.
    pub fn bytes(&self) -> usize {
        let labels: usize = self.labels.values().map(|label| 64 + label.tool.capacity() + label.shown.capacity()).sum();
        self.ring.capacity() * size_of::<Entry>() + labels + self.active.capacity() * size_of::<Active>()
    }

    /// The last entries, the very last first.
    pub fn backwards(&self) -> impl Iterator<Item = &Entry> {
        self.ring.iter().rev()
    }

    /// The last `n` entries in order, fewer if the ring holds fewer.
    pub fn tail(&self, n: usize) -> impl Iterator<Item = &Entry> {
        self.ring.iter().skip(self.ring.len().saturating_sub(n))
    }

    /// Steps that equal the step `period` before, without a break.
    pub fn kept(&self, period: usize) -> u32 {
        self.kept.get(period).copied().unwrap_or(0)
    }

    /// Period of the loop that is going on.
    pub fn looping(&self) -> Option<usize> {
        self.active.iter().find(|active| active.pattern == Pattern::Loop).map(|active| active.period)
    }

    /// Tool and masked call of a symbol.
    pub fn label(&self, symbol: u64) -> (&str, &str) {
        self.labels.get(&symbol).map_or(("", ""), |label| (&label.tool, &label.shown))
    }

    fn entry(&self, step: &Step, call: &ToolCall, spent: Spent) -> Entry {
        let call_digest = digest((&call.name, call.arguments));
        let symbol = match call.error {
            Some(error) => digest((call_digest, "error", error)),
            None => digest((call_digest, call.result)),
        };
        // A call that fails as another one failed before brings nothing new, whatever it asked for.
        let is_new = match call.error {
            Some(error) => !self.ring.iter().any(|entry| entry.error == Some(error)),
            None => !self.labels.contains_key(&symbol),
        };
        Entry {
            symbol,
            call: call_digest,
            error: call.error,
            start_ns: step.start_ns,
            end_ns: step.end_ns,
            span: step.span,
            agent: digest(&step.agent),
            spent,
            known: known(call),
            is_new,
        }
    }

    /// Whether a call of which only the name is known is the one before, told by a second instrumentation: it runs while
    /// that does, and has the end of its name (`mcp__shop__search` and `search`).
    fn is_told_by_another(&self, entry: &Entry, call: &ToolCall) -> bool {
        let Some(last) = self.ring.back().filter(|last| entry.known == Known::Name && last.known > Known::Name) else {
            return false;
        };
        entry.start_ns <= last.end_ns && self.label(last.symbol).0.ends_with(&call.name)
    }

    fn count(&mut self, entry: &Entry) {
        let before: Vec<u64> = self.backwards().take(PERIODS).map(|entry| entry.symbol).collect();
        for (kept, earlier) in self.kept.iter_mut().skip(1).zip(before.iter().map(Some).chain(std::iter::repeat(None))) {
            *kept = if earlier == Some(&entry.symbol) { kept.saturating_add(1) } else { 0 };
        }
        let again = self.ring.back().is_some_and(|last| fails_alike(last, entry));
        self.same_error = match entry.error {
            Some(_) if again => self.same_error.saturating_add(1),
            Some(_) => 1,
            None => 0,
        };
    }

    fn append(&mut self, entry: Entry, call: &ToolCall) {
        let fresh = || Label { times: 0, tool: call.name.clone(), shown: call.shown.clone() };
        self.labels.entry(entry.symbol).or_insert_with(fresh).times += 1;
        self.ring.push_back(entry);
        if self.ring.len() <= RING {
            return;
        }
        let Some(oldest) = self.ring.pop_front() else { return };
        if let Some(label) = self.labels.get_mut(&oldest.symbol) {
            label.times -= 1;
            if label.times == 0 {
                self.labels.remove(&oldest.symbol);
            }
        }
    }

    /// Tells and forgets what the next entry breaks, while the ring still shows it.
    fn end_broken(&mut self, next: &Entry, who: &Who, limits: &LoopSettings, out: &mut Vec<Finding>) {
        let Some(last) = self.ring.back() else { return };
        let retries = fails_alike(last, next);
        let goes_on = |active: &Active| match active.pattern {
            Pattern::Loop | Pattern::Oscillation => {
                self.backwards().nth(active.period - 1).is_some_and(|earlier| earlier.symbol == next.symbol)
            }
            Pattern::InfiniteRetry => retries,
            Pattern::NoProgress => true,
        };
        let broken: Vec<Pattern> = self.active.iter().filter(|active| !goes_on(active)).map(|active| active.pattern).collect();
        if !broken.is_empty() {
            self.tell(who, limits, out, |active| broken.contains(&active.pattern));
            self.active.retain(|active| !broken.contains(&active.pattern));
        }
    }

    fn met(&mut self, measure: Measure, who: &Who, limits: &LoopSettings, out: &mut Vec<Finding>) {
        let position = self.active.iter().position(|active| active.pattern == measure.pattern);
        let mut active = match position {
            Some(position) => self.active.swap_remove(position),
            None => Active::begin(self, &measure),
        };
        if active.grown(&measure) == Told::Again {
            out.push(active.finding(self, who, limits));
        }
        self.active.push(active);
    }

    fn tell(&mut self, who: &Who, limits: &LoopSettings, out: &mut Vec<Finding>, which: impl Fn(&Active) -> bool) {
        let mut active = std::mem::take(&mut self.active);
        for one in active.iter_mut().filter(|one| one.is_untold() && which(one)) {
            out.push(one.finding(self, who, limits));
        }
        self.active = active;
    }
}

fn fails_alike(last: &Entry, next: &Entry) -> bool {
    next.error.is_some() && last.error == next.error && last.call == next.call
}

fn known(call: &ToolCall) -> Known {
    let result_is_known = call.error.is_some() || matches!(call.result, Digest::Shape(_));
    match (call.arguments, call.result) {
        (Digest::Shape(_), _) if result_is_known => Known::Full,
        (Digest::Unknown, Digest::Unknown) => Known::Name,
        _ => Known::Half,
    }
}

fn digest(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
