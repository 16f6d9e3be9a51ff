//! A pattern that goes on, and the finding that tells of it.
//!
//! It is told when it is first met, when it becomes worse, when it has doubled, and at its end or in a quiet moment
//! if it has grown since: so a loop of a thousand calls gives a dozen records and not a thousand.

use super::limits::{self, Measure, Pattern};
use super::track::{Spent, Track};
use super::{LoopSettings, Scope, VERSION, Who};
use crate::detect::{Finding, Severity, finding::SPAN_IDS, snippet};
use crate::record::hex;

/// A pattern that goes on.
#[derive(Debug)]
pub(super) struct Active {
    pub pattern: Pattern,
    pub period: usize,
    first_span: Vec<u8>,
    first_seen_ns: u64,
    /// Spent when the first cycle was over: what came after is waste.
    base: Spent,
    count: u64,
    measure: Measure,
    told: Option<(u32, Severity)>,
    untold: bool,
}

/// Whether a finding is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Tell it now.
    Again,
    /// It can wait.
    Later,
}

impl Active {
    /// A pattern that is met for the first time.
    pub fn begin(track: &Track, measure: &Measure) -> Active {
        let first = track.tail(measure.entries).next();
        let after_first = track.tail(measure.entries).nth(measure.period - 1);
        let first_span = match first.and_then(|entry| entry.span) {
            Some(span) => span.to_vec(),
            None => first.map_or(0, |entry| entry.start_ns).to_be_bytes().to_vec(),
        };
        Active {
            pattern: measure.pattern,
            period: measure.period,
            first_span,
            first_seen_ns: first.map_or(0, |entry| entry.start_ns),
            base: after_first.map(|entry| entry.spent).unwrap_or_default(),
            count: 0,
            measure: *measure,
            told: None,
            untold: false,
        }
    }

    /// Takes over a further measure; says whether it should be told.
    pub fn grown(&mut self, measure: &Measure) -> Told {
        self.count += 1;
        // Intervals that become regular later take nothing back.
        let severity = self.measure.severity.max(measure.severity);
        self.measure = Measure { severity, ..*measure };
        self.untold = true;
        match self.told {
            Some((magnitude, severity)) if measure.magnitude < 2 * magnitude && measure.severity <= severity => Told::Later,
            _ => Told::Again,
        }
    }

    /// Whether it has grown since it was told.
    pub fn is_untold(&self) -> bool {
        self.untold
    }

    /// The finding as of now; from here on it counts as told.
    pub fn finding(&mut self, track: &Track, who: &Who, settings: &LoopSettings) -> Finding {
        self.told = Some((self.measure.magnitude, self.measure.severity));
        self.untold = false;
        let evidence = Evidence::of(self, track);
        let key = key(self.pattern, &evidence, track, who);
        // The agent's name may be learnt only after the first steps; run and trace may change with each.
        let id_key: Vec<_> = key.iter().filter(|(name, _)| matches!(name.as_str(), "tenant" | "session")).cloned().collect();
        let score = raised(self.measure.score, evidence.wasted_usd);
        Finding {
            id: Finding::id_of(self.pattern.id(), &id_key, &self.first_span),
            detector: self.pattern.id().to_owned(),
            version: VERSION.to_owned(),
            score,
            severity: self.severity(score, evidence.wasted_usd),
            key,
            first_seen_ns: self.first_seen_ns,
            last_seen_ns: evidence.last_seen_ns,
            count: self.count,
            span_ids: evidence.span_ids.clone(),
            trace_id: track.trace,
            values: self.values(&evidence),
            thresholds: self.thresholds(settings),
            baseline: "static".to_owned(),
            snippet: evidence.snippet.clone(),
            why_not_higher: self.why_not_higher(&evidence),
            degraded: if self.measure.is_full { Vec::new() } else { vec!["content".to_owned()] },
            sentence: self.sentence(&evidence, who),
        }
    }

    fn severity(&self, score: f64, wasted_usd: Option<f64>) -> Severity {
        let is_loop = matches!(self.pattern, Pattern::Loop | Pattern::Oscillation);
        match self.measure.severity {
            Severity::Low => Severity::Low,
            _ if is_loop && score >= 0.9 && wasted_usd.is_some_and(|usd| usd >= 1.0) => Severity::Critical,
            measured if is_loop => measured.max(limits::severity(score)),
            measured => measured,
        }
    }

    fn values(&self, evidence: &Evidence) -> Vec<(String, f64)> {
        let magnitude = f64::from(self.measure.magnitude);
        let mut values = match self.pattern {
            Pattern::Loop | Pattern::Oscillation => vec![("period", self.period as f64), ("repeats", magnitude)],
            Pattern::InfiniteRetry => vec![("same_error", magnitude)],
            Pattern::NoProgress => vec![("steps", magnitude), ("novelty", self.measure.novelty)],
        };
        values.extend(evidence.wasted_tokens.map(|tokens| ("wasted_tokens", tokens as f64)));
        values.extend(evidence.wasted_usd.map(|usd| ("wasted_cost", usd)));
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn thresholds(&self, settings: &LoopSettings) -> Vec<(String, f64)> {
        let limit = f64::from(self.measure.limit);
        let thresholds = match self.pattern {
            Pattern::Loop | Pattern::Oscillation => vec![("repeats", limit)],
            Pattern::InfiniteRetry => vec![("same_error", limit)],
            Pattern::NoProgress => vec![("steps", limit), ("novelty", settings.no_progress_novelty)],
        };
        thresholds.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn why_not_higher(&self, evidence: &Evidence) -> String {
        if self.measure.severity == Severity::Low {
            return format!("one repeat below the limit of {}", self.measure.limit);
        }
        if !self.measure.is_full {
            return "arguments or results were not recorded: sizes were compared, and a repeat counts half".to_owned();
        }
        match (self.pattern, evidence.wasted_usd) {
            (Pattern::NoProgress, _) => String::new(),
            (_, None) => "what the repeats cost is not known".to_owned(),
            (_, Some(usd)) if usd < 1.0 => format!("the repeats cost ${usd:.4}"),
            _ => String::new(),
        }
    }

    fn sentence(&self, evidence: &Evidence, who: &Who) -> String {
        let agent = if who.scope == Scope::AllAgents { "several agents" } else { who.agent.as_str() };
        let (cycle, n) = (&evidence.snippet, self.measure.magnitude);
        let alike =
            if self.measure.is_full { "the same arguments and results" } else { "what look like the same arguments and results" };
        match self.pattern {
            Pattern::Loop => format!("{agent} repeated {cycle} {n} times with {alike}"),
            Pattern::Oscillation => format!("{agent} went back and forth between {cycle} {n} times with {alike}"),
            Pattern::InfiniteRetry => format!("{agent} called {cycle} {n} times and got the same error"),
            Pattern::NoProgress => format!("{agent} made {n} tool calls with hardly any new result"),
        }
    }
}

/// What a finding stands on.
struct Evidence {
    span_ids: Vec<[u8; 8]>,
    last_seen_ns: u64,
    snippet: String,
    tool: String,
    wasted_tokens: Option<u64>,
    wasted_usd: Option<f64>,
}

impl Evidence {
    fn of(active: &Active, track: &Track) -> Evidence {
        let shown = if active.pattern == Pattern::NoProgress { 4 } else { active.period };
        let cycle: Vec<(&str, &str)> = track.tail(shown).map(|entry| track.label(entry.symbol)).collect();
        let mut span_ids: Vec<[u8; 8]> =
            track.tail(active.measure.entries.min(SPAN_IDS)).filter_map(|entry| entry.span).collect();
        span_ids.dedup();
        let last = track.backwards().next();
        let spent = last.map(|entry| entry.spent.since(active.base)).unwrap_or_default();
        Evidence {
            span_ids,
            last_seen_ns: last.map_or(0, |entry| entry.end_ns),
            snippet: snippet::cycle(cycle.iter().map(|(_, shown)| *shown)),
            tool: cycle.first().map(|(tool, _)| (*tool).to_owned()).unwrap_or_default(),
            wasted_tokens: (spent.counted > 0).then_some(spent.tokens),
            wasted_usd: (spent.priced > 0).then_some(spent.cost_nanos as f64 / 1e9),
        }
    }
}

/// Sorted by name, without empty values.
fn key(pattern: Pattern, evidence: &Evidence, track: &Track, who: &Who) -> Vec<(String, String)> {
    let one_tool = matches!(pattern, Pattern::InfiniteRetry);
    let pairs = [
        ("agent", who.agent.clone()),
        ("conversation", who.conversation.clone().unwrap_or_default()),
        ("run", track.run.clone()),
        ("session", who.key.session.clone()),
        ("tenant", who.key.tenant.clone()),
        ("tool", if one_tool { evidence.tool.clone() } else { String::new() }),
        ("trace", track.trace.map(|trace| hex(&trace)).unwrap_or_default()),
    ];
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A loop that cost a dollar is surer to be worth somebody's attention than one that cost nothing.
fn raised(score: f64, wasted_usd: Option<f64>) -> f64 {
    1.0 - (1.0 - score) * (-wasted_usd.unwrap_or(0.0)).exp()
}
