//! One row for each transition of an alert, from the `chaperone.alert` events of `agent_rules` and `alerts`.
//!
//! Nothing is updated: the current state of an alert is its latest transition.
//! A transition that reaches the store by two ways is one row: its identity is the idempotency key.

use super::finding::Severity;
use super::read::*;
use crate::cell::{kind::*, row, words};
use chaperone_genai::keys;
use chaperone_proto::RecordRef;

words! {
    /// What the alert turned into.
    AlertState "Enum8('pending' = 0, 'firing' = 1, 'acknowledged' = 2, 'silenced' = 3, 'resolved' = 4, 'inhibited' = 5, 'escalated' = 6)" {
        Pending = 0 "pending", Firing = 1 "firing", Acknowledged = 2 "acknowledged", Silenced = 3 "silenced",
        Resolved = 4 "resolved", Inhibited = 5 "inhibited", Escalated = 6 "escalated",
    }
}

row! {
    /// One transition.
    AlertRow in "agent_alerts", "alerts" by at_ns {
        LowText tenant "Tenant",
        Text alert_id "AlertId",
        Time at_ns "At",
        U64 seq "Seq",
        AlertState state "State",
        Text idempotency_key "IdempotencyKey",
        Text fingerprint "Fingerprint",
        LowText category "Category",
        LowText rule "Rule",
        Severity severity "Severity",
        LowText agent_name "AgentName",
        Text run_id "RunId",
        Text trace_id "TraceId",
        Json labels "Labels",
        Json annotations "Annotations",
        F64 value "Value",
        F64 threshold "Threshold",
        U32 window_s "Window",
        U64 occurrences "Occurrences",
        Time first_seen_ns "FirstSeen",
        Time last_seen_ns "LastSeen",
        LowTexts finding_ids "FindingIds",
        LowTexts span_ids "SpanIds",
        Text actor "Actor",
        Text note "Note",
    }
}

impl<'a> AlertRow<'a> {
    /// The row of one event.
    pub(crate) fn read(record: RecordRef<'a>) -> AlertRow<'a> {
        let attrs = record.attrs();
        AlertRow {
            tenant: own_or_resource(record, keys::CHAPERONE_TENANT),
            alert_id: text(attrs, keys::CHAPERONE_ALERT_ID),
            at_ns: timestamp(record),
            seq: uint(attrs, keys::CHAPERONE_ALERT_SEQ).unwrap_or(0),
            state: AlertState::parse(&text(attrs, keys::CHAPERONE_ALERT_STATE)).unwrap_or(AlertState::Pending),
            idempotency_key: text(attrs, keys::CHAPERONE_ALERT_IDEMPOTENCY_KEY),
            fingerprint: text(attrs, keys::CHAPERONE_ALERT_FINGERPRINT),
            category: text(attrs, keys::CHAPERONE_ALERT_CATEGORY),
            rule: text(attrs, keys::CHAPERONE_ALERT_RULE),
            severity: Severity::parse(&text(attrs, keys::CHAPERONE_ALERT_SEVERITY)).unwrap_or(Severity::Info),
            agent_name: first_text(attrs, &[keys::CHAPERONE_ALERT_AGENT, keys::GEN_AI_AGENT_NAME]),
            run_id: first_text(attrs, &[keys::CHAPERONE_ALERT_RUN_ID, keys::CHAPERONE_RUN_ID]),
            trace_id: hex(record.trace_id()),
            labels: json(attrs, keys::CHAPERONE_ALERT_LABELS, "{}"),
            annotations: json(attrs, keys::CHAPERONE_ALERT_ANNOTATIONS, "{}"),
            value: float(attrs, keys::CHAPERONE_ALERT_VALUE),
            threshold: float(attrs, keys::CHAPERONE_ALERT_THRESHOLD),
            window_s: u32_of(attrs, keys::CHAPERONE_ALERT_WINDOW),
            occurrences: uint(attrs, keys::CHAPERONE_ALERT_OCCURRENCES).unwrap_or(0),
            first_seen_ns: uint(attrs, keys::CHAPERONE_ALERT_FIRST_SEEN).unwrap_or(0),
            last_seen_ns: uint(attrs, keys::CHAPERONE_ALERT_LAST_SEEN).unwrap_or(0),
            finding_ids: texts(attrs, keys::CHAPERONE_ALERT_FINDING_IDS),
            span_ids: texts(attrs, keys::CHAPERONE_ALERT_SPAN_IDS),
            actor: text(attrs, keys::CHAPERONE_ALERT_ACTOR),
            note: text(attrs, keys::CHAPERONE_ALERT_NOTE),
        }
    }
}

impl AlertRow<'_> {
    /// What identifies the transition: the idempotency key, else the record that told it.
    #[must_use]
    pub fn keyed(mut self, record: RecordRef<'_>) -> Self {
        if self.idempotency_key.is_empty() {
            self.idempotency_key = hex(Some(record_id(record)));
        }
        self
    }
}
