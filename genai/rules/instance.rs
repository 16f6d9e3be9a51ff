//! One rule for one key: what detectors found about it, and where its alert is in its life.
//!
//! Inactive, pending (`for`), firing, resolved; `keep_firing_for` keeps it from flapping.
//! Time is handed in. State serializes, so that a restart neither forgets a pending alert nor tells a firing one again.

use super::alert::{Alert, State};
use super::expression::{Comparison, Known};
use super::model::{NoData, Rule};
use super::template::Filling;
use crate::detect::Finding;
use crate::detect::finding::{SPAN_IDS, span_id};
use crate::record::hex;
use serde::{Deserialize, Serialize};

/// Most findings an instance stands on.
const HELD: usize = 8;

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Phase {
    /// Nothing to tell.
    #[default]
    Inactive,
    /// The condition holds since then.
    Pending {
        /// By the clock that is handed in.
        since_ns: u64,
    },
    /// The alert was told.
    Firing {
        /// Since when the condition does not hold any more.
        clear_since_ns: Option<u64>,
    },
}

/// One rule for one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Instance {
    /// Values of the rule's `by`, sorted.
    pub labels: Vec<(String, String)>,
    /// Rule and labels, hashed.
    pub fingerprint: String,
    /// Where the alert is in its life.
    pub phase: Phase,
    start_ns: u64,
    last_seen_ns: u64,
    occurrences: u64,
    seq: u64,
    held: Vec<Held>,
}

/// What a finding said last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    id: String,
    detector: String,
    score: f64,
    count: u64,
    values: Vec<(String, f64)>,
    key: Vec<(String, String)>,
    snippet: String,
    span_ids: Vec<String>,
    trace: Option<[u8; 16]>,
    /// Event time.
    last_seen_ns: u64,
    /// When it was told last: what decides whether it is over. Old data that is sent today is news today.
    told_ns: u64,
}

impl Instance {
    /// An instance for a key.
    pub fn new(labels: Vec<(String, String)>, fingerprint: String) -> Instance {
        Instance { labels, fingerprint, ..Instance::default() }
    }

    /// Event time of the last finding.
    pub fn last_seen_ns(&self) -> u64 {
        self.held.iter().map(|held| held.last_seen_ns).max().unwrap_or(self.last_seen_ns)
    }

    /// Whether nothing is known any more and nothing is to be told.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Inactive && self.held.is_empty()
    }

    /// Takes over what a detector says.
    pub fn hold(&mut self, finding: &Finding, now_ns: u64) {
        // A finding only grows. One that says less than before is told again from its beginning: detectors were restarted
        // and see the same data, which ends nothing.
        if let Some(held) = self.held.iter_mut().find(|held| held.id == finding.id && held.count > finding.count) {
            held.told_ns = now_ns;
            return;
        }
        self.held.retain(|held| held.id != finding.id);
        if self.held.len() >= HELD {
            let oldest = self.held.iter().enumerate().min_by_key(|(_, held)| held.told_ns).map(|(at, _)| at);
            oldest.map(|at| self.held.remove(at));
        }
        self.held.push(Held {
            id: finding.id.clone(),
            detector: finding.detector.clone(),
            score: finding.score,
            count: finding.count,
            values: finding.values.clone(),
            key: finding.key.clone(),
            snippet: finding.snippet.clone(),
            span_ids: finding.span_ids.iter().map(|id| hex(id)).collect(),
            trace: finding.trace_id,
            last_seen_ns: finding.last_seen_ns,
            told_ns: now_ns,
        });
    }

    /// When something was last told to it.
    pub fn told_ns(&self) -> u64 {
        self.held.iter().map(|held| held.told_ns).max().unwrap_or(0)
    }

    /// Forgets findings that were not told again since `before_ns`.
    pub fn forget(&mut self, before_ns: u64) {
        // While the alert fires, its last finding stays for its last words.
        let keep_one = matches!(self.phase, Phase::Firing { .. });
        let newest = self.told_ns();
        self.held.retain(|held| held.told_ns >= before_ns || (keep_one && held.told_ns == newest));
    }

    /// Decides the condition and moves on; appends what is to be told. `is_news`: a finding has just come.
    ///
    /// `before_ns`: findings that were last told before this are over.
    pub fn evaluate(&mut self, rule: &Rule, now_ns: u64, before_ns: u64, is_news: bool, out: &mut Vec<Alert>) {
        let decided = rule.when.decide(&|detector, field| self.look_up(detector, field, before_ns));
        let holds = match (decided, rule.no_data) {
            (Some(decided), _) => decided,
            (None, NoData::Hold) => match self.phase {
                Phase::Inactive => return,
                _ => true,
            },
            (None, NoData::Resolve) => false,
            (None, NoData::Fire) => true,
        };
        if holds { self.holds(rule, now_ns, is_news, out) } else { self.is_clear(rule, now_ns, out) }
    }

    fn holds(&mut self, rule: &Rule, now_ns: u64, is_news: bool, out: &mut Vec<Alert>) {
        if is_news {
            self.occurrences += 1;
            self.last_seen_ns = self.last_seen_ns();
        }
        match self.phase {
            Phase::Inactive => {
                self.start_ns = self.last_seen_ns();
                self.last_seen_ns = self.start_ns;
                self.occurrences = 1;
                self.seq = 0;
                self.phase = Phase::Pending { since_ns: now_ns };
                if rule.for_.is_zero() {
                    self.fire(rule, out);
                } else {
                    self.tell(State::Pending, rule, out);
                }
            }
            Phase::Pending { since_ns } if now_ns.saturating_sub(since_ns) >= rule.for_.as_nanos() as u64 => self.fire(rule, out),
            Phase::Pending { .. } => {}
            Phase::Firing { .. } => {
                self.phase = Phase::Firing { clear_since_ns: None };
                if is_news {
                    self.tell(State::Firing, rule, out);
                }
            }
        }
    }

    fn is_clear(&mut self, rule: &Rule, now_ns: u64, out: &mut Vec<Alert>) {
        match self.phase {
            Phase::Inactive => {}
            // Who stored the pending state should see its end.
            Phase::Pending { .. } => self.resolve(rule, out),
            Phase::Firing { clear_since_ns } => {
                let since_ns = clear_since_ns.unwrap_or(now_ns);
                if now_ns.saturating_sub(since_ns) >= rule.keep_firing_for.as_nanos() as u64 {
                    self.resolve(rule, out);
                } else {
                    self.phase = Phase::Firing { clear_since_ns: Some(since_ns) };
                }
            }
        }
    }

    fn fire(&mut self, rule: &Rule, out: &mut Vec<Alert>) {
        self.phase = Phase::Firing { clear_since_ns: None };
        self.tell(State::Firing, rule, out);
    }

    fn resolve(&mut self, rule: &Rule, out: &mut Vec<Alert>) {
        self.tell(State::Resolved, rule, out);
        self.phase = Phase::Inactive;
    }

    fn tell(&mut self, state: State, rule: &Rule, out: &mut Vec<Alert>) {
        self.seq += 1;
        let met = self.met(rule);
        let last = self.held.iter().max_by_key(|held| held.last_seen_ns);
        let key = |name: &str| last.and_then(|held| held.key_part(name)).unwrap_or_default().to_owned();
        let fill = |name: &str| self.filling(name, rule);
        let mut span_ids: Vec<[u8; 8]> = self.held.iter().flat_map(|held| &held.span_ids).filter_map(|id| span_id(id)).collect();
        span_ids.truncate(SPAN_IDS);
        out.push(Alert {
            id: format!("{}-{}", self.fingerprint, self.start_ns),
            fingerprint: self.fingerprint.clone(),
            rule: rule.id.clone(),
            category: rule.category.clone(),
            state,
            severity: rule.severity,
            labels: self.labels.clone(),
            tags: rule.tags.clone(),
            summary: rule.message.fill(&fill),
            description: rule.description.as_ref().map(|text| text.fill(&fill)).unwrap_or_default(),
            runbook: rule.runbook.clone(),
            value: met.map(|(_, value)| value),
            threshold: met.map(|(comparison, _)| comparison.number),
            occurrences: self.occurrences,
            first_seen_ns: self.start_ns,
            last_seen_ns: self.last_seen_ns,
            finding_ids: self.held.iter().map(|held| held.id.clone()).collect(),
            span_ids,
            trace_id: last.and_then(|held| held.trace),
            run_id: key("run"),
            agent: key("agent"),
            actor: String::new(),
            note: String::new(),
            seq: self.seq,
        });
    }

    /// The first comparison that holds, with its value; else the first whose value is known.
    fn met<'r>(&self, rule: &'r Rule) -> Option<(&'r Comparison, f64)> {
        let known = |comparison: &&'r Comparison| match self.look_up(&comparison.detector, &comparison.field, 0) {
            Known::Value(value) => Some((*comparison, value)),
            _ => None,
        };
        let comparisons = rule.when.comparisons();
        let mut with_values = comparisons.iter().filter_map(known);
        let first = with_values.next()?;
        let holds = |(comparison, value): &(&Comparison, f64)| comparison.operator.holds(*value, comparison.number);
        Some(if holds(&first) { first } else { with_values.find(holds).unwrap_or(first) })
    }

    fn look_up(&self, detector: &str, field: &str, before_ns: u64) -> Known {
        match self.strongest(detector, before_ns) {
            None => Known::NoFinding,
            Some(held) => held.field(field).map_or(Known::NoValue, Known::Value),
        }
    }

    /// Of several findings of a detector the one with the highest score speaks.
    fn strongest(&self, detector: &str, before_ns: u64) -> Option<&Held> {
        let of_detector = self.held.iter().filter(|held| held.detector == detector && held.told_ns >= before_ns);
        of_detector.max_by(|a, b| a.score.total_cmp(&b.score))
    }

    fn filling(&self, name: &str, rule: &Rule) -> Option<Filling> {
        let text = |text: &str| Some(Filling::Text(text.to_owned()));
        if let Some((_, value)) = self.labels.iter().find(|(label, _)| label == name) {
            return text(value);
        }
        let detectors: Vec<&str> = rule.when.comparisons().iter().map(|comparison| comparison.detector.as_str()).collect();
        let findings = || detectors.iter().filter_map(|detector| self.strongest(detector, 0));
        match name {
            "rule" => text(&rule.id),
            "severity" => text(rule.severity.name()),
            "occurrences" => Some(Filling::Number(self.occurrences as f64)),
            "value" => self.met(rule).map(|(_, value)| Filling::Number(value)),
            "threshold" => self.met(rule).map(|(comparison, _)| Filling::Number(comparison.number)),
            "cycle" | "snippet" => findings().next().and_then(|held| text(&held.snippet)),
            _ => match name.split_once('.') {
                Some((detector, field)) => self.strongest(detector, 0)?.field(field).map(Filling::Number),
                None => findings()
                    .find_map(|held| held.field(name).map(Filling::Number).or_else(|| held.key_part(name).and_then(text))),
            },
        }
    }
}

impl Held {
    fn field(&self, name: &str) -> Option<f64> {
        // A detector may have a value of its own called `count`.
        let own = self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        own.or(match name {
            "score" => Some(self.score),
            "count" => Some(self.count as f64),
            _ => None,
        })
    }

    fn key_part(&self, name: &str) -> Option<&str> {
        self.key.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
