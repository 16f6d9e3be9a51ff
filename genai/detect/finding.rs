//! What a detector found, and its form as a log record (`chaperone.finding`, contracts section 3).
//!
//! A finding has a deterministic id, so that a growing one is the same finding told again.
//! Snippets are masked before they get here: whoever stores or shows a finding needs no content policy.

use crate::record::hex;
use crate::{event_names, keys};
use chaperone_proto::{LogRecordBuilder, LogRef, Value, ValueRef};

/// Most span ids a finding carries.
pub const SPAN_IDS: usize = 64;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A suggestion.
    Info,
    /// A warning below the limit.
    Low,
    /// Over the limit.
    Medium,
    /// Clearly over the limit.
    High,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// All, from mild to bad.
    pub const ALL: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The word in attributes and settings.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == word)
    }

    /// Severity number of a log record.
    pub fn log_number(self) -> i32 {
        match self {
            Severity::Info => 9,
            Severity::Low => 13,
            Severity::Medium => 14,
            Severity::High => 17,
            Severity::Critical => 21,
        }
    }
}

/// What a detector found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Deterministic: detector, key, first span.
    pub id: String,
    /// Detector id (contracts, section 3).
    pub detector: String,
    /// Version of the detector's rules.
    pub version: String,
    /// 0 to 1.
    pub score: f64,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: tenant, agent, session, run, trace, tool; sorted, no empty values.
    pub key: Vec<(String, String)>,
    /// Event time of the first step of it, nanoseconds since 1970.
    pub first_seen_ns: u64,
    /// Event time of the last step of it.
    pub last_seen_ns: u64,
    /// How often the condition was met.
    pub count: u64,
    /// Spans it stands on, in order, at most [`SPAN_IDS`].
    pub span_ids: Vec<[u8; 8]>,
    /// Trace of the last span.
    pub trace_id: Option<[u8; 16]>,
    /// Numbers that were compared, by the names of contracts section 3; what is unknown is absent.
    pub values: Vec<(String, f64)>,
    /// Limits they were compared with.
    pub thresholds: Vec<(String, f64)>,
    /// Which baseline was used: `static`, or a learnt one.
    pub baseline: String,
    /// Masked evidence, at most 200 characters.
    pub snippet: String,
    /// Why the score is not higher; empty when nothing held it down.
    pub why_not_higher: String,
    /// What was missing, for example `content`; empty when nothing was.
    pub degraded: Vec<String>,
    /// One readable sentence.
    pub sentence: String,
}

impl Finding {
    /// The id of a finding: 128 bits of a hash over detector, key and first span, in hex.
    pub fn id_of(detector: &str, key: &[(String, String)], first_span: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(detector.as_bytes());
        for (name, value) in key {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        part(first_span);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        hex(&digest)
    }

    /// A named value.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// A part of the key.
    pub fn key_part(&self, name: &str) -> Option<&str> {
        self.key.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Fills a log record with this finding.
    pub fn write(&self, record: &mut LogRecordBuilder<'_>) {
        record.event_name(event_names::FINDING).severity(self.severity.log_number(), self.severity.name()).body(&self.sentence);
        record.ids(self.trace_id, self.span_ids.last().copied());
        let spans: Vec<String> = self.span_ids.iter().map(|id| hex(id)).collect();
        let spans: Vec<&str> = spans.iter().map(String::as_str).collect();
        let degraded: Vec<&str> = self.degraded.iter().map(String::as_str).collect();
        record
            .attr(keys::CHAPERONE_FINDING_ID, &self.id)
            .attr(keys::CHAPERONE_FINDING_DETECTOR, &self.detector)
            .attr(keys::CHAPERONE_FINDING_VERSION, &self.version)
            .attr(keys::CHAPERONE_FINDING_SCORE, self.score)
            .attr(keys::CHAPERONE_FINDING_SEVERITY, self.severity.name())
            .attr(keys::CHAPERONE_FINDING_KEY, &texts(&self.key))
            .attr(keys::CHAPERONE_FINDING_FIRST_SEEN, self.first_seen_ns as i64)
            .attr(keys::CHAPERONE_FINDING_LAST_SEEN, self.last_seen_ns as i64)
            .attr(keys::CHAPERONE_FINDING_COUNT, self.count as i64)
            .attr(keys::CHAPERONE_FINDING_SPAN_IDS, spans.as_slice())
            .attr(keys::CHAPERONE_FINDING_VALUES, &numbers(&self.values))
            .attr(keys::CHAPERONE_FINDING_THRESHOLDS, &numbers(&self.thresholds))
            .attr(keys::CHAPERONE_FINDING_BASELINE, &self.baseline)
            .attr(keys::CHAPERONE_FINDING_SNIPPET, &self.snippet);
        if !self.why_not_higher.is_empty() {
            record.attr(keys::CHAPERONE_FINDING_WHY_NOT_HIGHER, &self.why_not_higher);
        }
        if !degraded.is_empty() {
            record.attr(keys::CHAPERONE_FINDING_DEGRADED, degraded.as_slice());
        }
        // So that stores and runs find their way without looking into the key.
        for (part, key) in [
            ("run", keys::CHAPERONE_RUN_ID),
            ("agent", keys::GEN_AI_AGENT_NAME),
            ("tool", keys::GEN_AI_TOOL_NAME),
            ("conversation", keys::GEN_AI_CONVERSATION_ID),
        ] {
            if let Some(value) = self.key_part(part) {
                record.attr(key, value);
            }
        }
    }

    /// Reads a finding back; `None` when the record is none, or lacks id or detector.
    pub fn read(log: LogRef<'_>) -> Option<Finding> {
        if log.event_name() != event_names::FINDING {
            return None;
        }
        let attrs = log.attrs();
        let text = |key| attrs.str(key).unwrap_or_default().to_owned();
        let ns = |key| attrs.int(key).and_then(|ns| u64::try_from(ns).ok()).unwrap_or_else(|| log.time_ns());
        Some(Finding {
            id: attrs.str(keys::CHAPERONE_FINDING_ID)?.to_owned(),
            detector: attrs.str(keys::CHAPERONE_FINDING_DETECTOR)?.to_owned(),
            version: text(keys::CHAPERONE_FINDING_VERSION),
            score: attrs.get(keys::CHAPERONE_FINDING_SCORE).and_then(ValueRef::as_f64).unwrap_or_default(),
            severity: attrs.str(keys::CHAPERONE_FINDING_SEVERITY).and_then(Severity::parse).unwrap_or(Severity::Info),
            key: read_texts(attrs.get(keys::CHAPERONE_FINDING_KEY)),
            first_seen_ns: ns(keys::CHAPERONE_FINDING_FIRST_SEEN),
            last_seen_ns: ns(keys::CHAPERONE_FINDING_LAST_SEEN),
            count: attrs.int(keys::CHAPERONE_FINDING_COUNT).and_then(|n| u64::try_from(n).ok()).unwrap_or(1),
            span_ids: strings(attrs.get(keys::CHAPERONE_FINDING_SPAN_IDS)).iter().filter_map(|id| span_id(id)).collect(),
            trace_id: log.trace_id(),
            values: read_numbers(attrs.get(keys::CHAPERONE_FINDING_VALUES)),
            thresholds: read_numbers(attrs.get(keys::CHAPERONE_FINDING_THRESHOLDS)),
            baseline: text(keys::CHAPERONE_FINDING_BASELINE),
            snippet: text(keys::CHAPERONE_FINDING_SNIPPET),
            why_not_higher: text(keys::CHAPERONE_FINDING_WHY_NOT_HIGHER),
            degraded: strings(attrs.get(keys::CHAPERONE_FINDING_DEGRADED)),
            sentence: log.body().as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// A map of texts as a value.
pub(crate) fn texts(pairs: &[(String, String)]) -> Value {
    Value::Map(pairs.iter().map(|(name, text)| (name.clone(), Value::Str(text.clone()))).collect())
}

/// A map of numbers as a value; whole numbers become integers, so that they read as such.
pub(crate) fn numbers(pairs: &[(String, f64)]) -> Value {
    let number = |value: f64| {
        if value.fract() == 0.0 && value.abs() < 9e15 { Value::Int(value as i64) } else { Value::Double(value) }
    };
    Value::Map(pairs.iter().map(|(name, value)| (name.clone(), number(*value))).collect())
}

/// The texts of a map value.
pub(crate) fn read_texts(value: Option<ValueRef<'_>>) -> Vec<(String, String)> {
    let Some(ValueRef::Map(map)) = value else { return Vec::new() };
    map.iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned()))).collect()
}

fn read_numbers(value: Option<ValueRef<'_>>) -> Vec<(String, f64)> {
    let Some(ValueRef::Map(map)) = value else { return Vec::new() };
    map.iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_f64()?))).collect()
}

/// The texts of an array value.
pub(crate) fn strings(value: Option<ValueRef<'_>>) -> Vec<String> {
    let Some(ValueRef::Array(items)) = value else { return Vec::new() };
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A span id from its 16 hex digits.
pub(crate) fn span_id(text: &str) -> Option<[u8; 8]> {
    if text.len() != 16 {
        return None;
    }
    u64::from_str_radix(text, 16).ok().map(u64::to_be_bytes)
}
