//! One state of an alert, and its form as a log record (`chaperone.alert`, contracts section 3).
//!
//! `agent_rules` tells `pending`, `firing` and `resolved`; `alerts` passes on what somebody should be told.
//! An alert keeps its id from its first state to `resolved`; `seq` numbers what was told of it.

use crate::detect::Severity;
use crate::detect::finding::{read_texts, span_id, strings, texts};
use crate::record::hex;
use crate::{event_names, keys};
use chaperone_proto::{LogRecordBuilder, LogRef, ValueRef};

/// State of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// The condition holds, but not for long enough.
    Pending,
    /// It holds.
    Firing,
    /// Somebody knows.
    Acknowledged,
    /// Nobody wants to know.
    Silenced,
    /// Another alert explains it.
    Inhibited,
    /// Nobody answered.
    Escalated,
    /// It is over.
    Resolved,
}

impl State {
    /// All states.
    pub const ALL: [State; 7] = [
        State::Pending,
        State::Firing,
        State::Acknowledged,
        State::Silenced,
        State::Inhibited,
        State::Escalated,
        State::Resolved,
    ];

    /// The word in attributes.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Firing => "firing",
            State::Acknowledged => "acknowledged",
            State::Silenced => "silenced",
            State::Inhibited => "inhibited",
            State::Escalated => "escalated",
            State::Resolved => "resolved",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == word)
    }
}

/// One state of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Fingerprint and start.
    pub id: String,
    /// Rule and labels, hashed: the same for every alert about the same thing.
    pub fingerprint: String,
    /// Id of the rule.
    pub rule: String,
    /// Category of the rule.
    pub category: String,
    /// State.
    pub state: State,
    /// Severity of the rule.
    pub severity: Severity,
    /// What it is about: the rule's `by`, sorted.
    pub labels: Vec<(String, String)>,
    /// Tags of the rule.
    pub tags: Vec<String>,
    /// One sentence.
    pub summary: String,
    /// More than a sentence; may be empty.
    pub description: String,
    /// What to do about it; may be empty.
    pub runbook: String,
    /// The value that met the condition.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// How often it was told that the condition holds.
    pub occurrences: u64,
    /// Event time when the condition first held, nanoseconds since 1970.
    pub first_seen_ns: u64,
    /// Event time when it last held, or of the end.
    pub last_seen_ns: u64,
    /// Findings it stands on.
    pub finding_ids: Vec<String>,
    /// Spans it stands on.
    pub span_ids: Vec<[u8; 8]>,
    /// Trace of the last finding.
    pub trace_id: Option<[u8; 16]>,
    /// Run of the last finding; may be empty.
    pub run_id: String,
    /// Agent of the last finding; may be empty.
    pub agent: String,
    /// Who acted; empty unless acknowledged or silenced.
    pub actor: String,
    /// What they said.
    pub note: String,
    /// Number of this record among the alert's.
    pub seq: u64,
}

impl Alert {
    /// Key under which a channel delivers it once.
    pub fn idempotency_key(&self) -> String {
        format!("{}-{}-{}", self.id, self.state.name(), self.seq)
    }

    /// Fills a log record with this state.
    pub fn write(&self, record: &mut LogRecordBuilder<'_>) {
        let severity = if self.state == State::Resolved { Severity::Info } else { self.severity };
        record.event_name(event_names::ALERT).severity(severity.log_number(), severity.name());
        record.body(&format!("{} {}: {}", self.rule, self.state.name(), self.summary));
        record.ids(self.trace_id, self.span_ids.last().copied());
        let spans: Vec<String> = self.span_ids.iter().map(|id| hex(id)).collect();
        let annotations = [("summary", &self.summary), ("description", &self.description), ("runbook", &self.runbook)];
        let annotations: Vec<(String, String)> = annotations
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), text.clone()))
            .collect();
        record
            .attr(keys::CHAPERONE_ALERT_ID, &self.id)
            .attr(keys::CHAPERONE_ALERT_FINGERPRINT, &self.fingerprint)
            .attr(keys::CHAPERONE_ALERT_RULE, &self.rule)
            .attr(keys::CHAPERONE_ALERT_CATEGORY, &self.category)
            .attr(keys::CHAPERONE_ALERT_STATE, self.state.name())
            .attr(keys::CHAPERONE_ALERT_SEVERITY, self.severity.name())
            .attr(keys::CHAPERONE_ALERT_LABELS, &texts(&self.labels))
            .attr(keys::CHAPERONE_ALERT_ANNOTATIONS, &texts(&annotations))
            .attr(keys::CHAPERONE_ALERT_OCCURRENCES, self.occurrences as i64)
            .attr(keys::CHAPERONE_ALERT_FIRST_SEEN, self.first_seen_ns as i64)
            .attr(keys::CHAPERONE_ALERT_LAST_SEEN, self.last_seen_ns as i64)
            .attr(keys::CHAPERONE_ALERT_SEQ, self.seq as i64)
            .attr(keys::CHAPERONE_ALERT_IDEMPOTENCY_KEY, self.idempotency_key().as_str());
        for (key, list) in [
            (keys::CHAPERONE_ALERT_TAGS, self.tags.clone()),
            (keys::CHAPERONE_ALERT_FINDING_IDS, self.finding_ids.clone()),
            (keys::CHAPERONE_ALERT_SPAN_IDS, spans),
        ] {
            let list: Vec<&str> = list.iter().map(String::as_str).collect();
            record.attr(key, list.as_slice());
        }
        for (key, number) in [(keys::CHAPERONE_ALERT_VALUE, self.value), (keys::CHAPERONE_ALERT_THRESHOLD, self.threshold)] {
            if let Some(number) = number {
                record.attr(key, number);
            }
        }
        for (key, text) in [
            (keys::CHAPERONE_ALERT_RUN_ID, &self.run_id),
            (keys::CHAPERONE_RUN_ID, &self.run_id),
            (keys::CHAPERONE_ALERT_AGENT, &self.agent),
            (keys::CHAPERONE_ALERT_ACTOR, &self.actor),
            (keys::CHAPERONE_ALERT_NOTE, &self.note),
        ] {
            if !text.is_empty() {
                record.attr(key, text);
            }
        }
    }

    /// Reads a state back; `None` when the record is no alert, or lacks id, rule or state.
    pub fn read(log: LogRef<'_>) -> Option<Alert> {
        if log.event_name() != event_names::ALERT {
            return None;
        }
        let attrs = log.attrs();
        let text = |key| attrs.str(key).unwrap_or_default().to_owned();
        let count = |key| attrs.int(key).and_then(|n| u64::try_from(n).ok());
        let annotations = read_texts(attrs.get(keys::CHAPERONE_ALERT_ANNOTATIONS));
        let annotation =
            |name: &str| annotations.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone()).unwrap_or_default();
        Some(Alert {
            id: attrs.str(keys::CHAPERONE_ALERT_ID)?.to_owned(),
            fingerprint: text(keys::CHAPERONE_ALERT_FINGERPRINT),
            rule: attrs.str(keys::CHAPERONE_ALERT_RULE)?.to_owned(),
            category: text(keys::CHAPERONE_ALERT_CATEGORY),
            state: State::parse(attrs.str(keys::CHAPERONE_ALERT_STATE)?)?,
            severity: attrs.str(keys::CHAPERONE_ALERT_SEVERITY).and_then(Severity::parse).unwrap_or(Severity::Info),
            labels: read_texts(attrs.get(keys::CHAPERONE_ALERT_LABELS)),
            tags: strings(attrs.get(keys::CHAPERONE_ALERT_TAGS)),
            summary: annotation("summary"),
            description: annotation("description"),
            runbook: annotation("runbook"),
            value: attrs.get(keys::CHAPERONE_ALERT_VALUE).and_then(ValueRef::as_f64),
            threshold: attrs.get(keys::CHAPERONE_ALERT_THRESHOLD).and_then(ValueRef::as_f64),
            occurrences: count(keys::CHAPERONE_ALERT_OCCURRENCES).unwrap_or(1),
            first_seen_ns: count(keys::CHAPERONE_ALERT_FIRST_SEEN).unwrap_or_else(|| log.time_ns()),
            last_seen_ns: count(keys::CHAPERONE_ALERT_LAST_SEEN).unwrap_or_else(|| log.time_ns()),
            finding_ids: strings(attrs.get(keys::CHAPERONE_ALERT_FINDING_IDS)),
            span_ids: strings(attrs.get(keys::CHAPERONE_ALERT_SPAN_IDS)).iter().filter_map(|id| span_id(id)).collect(),
            trace_id: log.trace_id(),
            run_id: text(keys::CHAPERONE_ALERT_RUN_ID),
            agent: text(keys::CHAPERONE_ALERT_AGENT),
            actor: text(keys::CHAPERONE_ALERT_ACTOR),
            note: text(keys::CHAPERONE_ALERT_NOTE),
            seq: count(keys::CHAPERONE_ALERT_SEQ).unwrap_or_default(),
        })
    }
}
