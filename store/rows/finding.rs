//! One row for each version of a finding, from the `chaperone.finding` event that `agent_detectors` makes.
//!
//! A growing finding is sent again under its id: the greatest count is the newest.

use super::read::*;
use crate::cell::{kind::*, row, words};
use chaperone_genai::{keys, record};
use chaperone_proto::{RecordRef, ValueRef};
use std::borrow::Cow;

words! {
    /// How bad it is.
    Severity "Enum8('info' = 0, 'low' = 1, 'medium' = 2, 'high' = 3, 'critical' = 4)" {
        Info = 0 "info", Low = 1 "low", Medium = 2 "medium", High = 3 "high", Critical = 4 "critical",
    }
}

row! {
    /// One finding as it stood when it was sent.
    FindingRow in "agent_findings", "findings" by timestamp_ns {
        LowText tenant "Tenant",
        Time timestamp_ns "Timestamp",
        Text finding_id "FindingId",
        Id record_id "RecordId",
        LowText detector "Detector",
        LowText version "Version",
        Severity severity "Severity",
        F32 score "Score",
        LowText agent_name "AgentName",
        Text run_id "RunId",
        Text session_id "SessionId",
        Text trace_id "TraceId",
        Json key "Key",
        Time first_seen_ns "FirstSeen",
        Time last_seen_ns "LastSeen",
        U64 count "Count",
        LowTexts span_ids "SpanIds",
        Json measured "Values",
        Json thresholds "Thresholds",
        LowText baseline "Baseline",
        Text snippet "Snippet",
        Text why_not_higher "WhyNotHigher",
        LowText degraded "Degraded",
    }
}

impl<'a> FindingRow<'a> {
    /// The row of one event.
    pub(crate) fn read(record: RecordRef<'a>) -> FindingRow<'a> {
        let attrs = record.attrs();
        let key = attrs.get(keys::CHAPERONE_FINDING_KEY);
        let key_part = |name: &str| match key {
            Some(ValueRef::Map(map)) => map.get(name).map_or(Cow::Borrowed(""), crate::text::text_of),
            _ => Cow::Borrowed(""),
        };
        let or = |own: Cow<'a, str>, other: Cow<'a, str>| if own.is_empty() { other } else { own };
        FindingRow {
            tenant: or(key_part("tenant"), own_or_resource(record, keys::CHAPERONE_TENANT)),
            timestamp_ns: timestamp(record),
            finding_id: text(attrs, keys::CHAPERONE_FINDING_ID),
            record_id: record_id(record),
            detector: text(attrs, keys::CHAPERONE_FINDING_DETECTOR),
            version: text(attrs, keys::CHAPERONE_FINDING_VERSION),
            severity: Severity::parse(&text(attrs, keys::CHAPERONE_FINDING_SEVERITY)).unwrap_or(Severity::Info),
            score: float(attrs, keys::CHAPERONE_FINDING_SCORE) as f32,
            agent_name: or(key_part("agent"), text(attrs, keys::GEN_AI_AGENT_NAME)),
            run_id: or(key_part("run"), record::run_id(record)),
            session_id: or(key_part("session"), text(attrs, keys::GEN_AI_CONVERSATION_ID)),
            trace_id: hex(record.trace_id()),
            key: json(attrs, keys::CHAPERONE_FINDING_KEY, "{}"),
            first_seen_ns: uint(attrs, keys::CHAPERONE_FINDING_FIRST_SEEN).unwrap_or(0),
            last_seen_ns: uint(attrs, keys::CHAPERONE_FINDING_LAST_SEEN).unwrap_or(0),
            count: uint(attrs, keys::CHAPERONE_FINDING_COUNT).unwrap_or(0),
            span_ids: texts(attrs, keys::CHAPERONE_FINDING_SPAN_IDS),
            measured: json(attrs, keys::CHAPERONE_FINDING_VALUES, "{}"),
            thresholds: json(attrs, keys::CHAPERONE_FINDING_THRESHOLDS, "{}"),
            baseline: text(attrs, keys::CHAPERONE_FINDING_BASELINE),
            snippet: text(attrs, keys::CHAPERONE_FINDING_SNIPPET),
            why_not_higher: text(attrs, keys::CHAPERONE_FINDING_WHY_NOT_HIGHER),
            degraded: texts(attrs, keys::CHAPERONE_FINDING_DEGRADED).join(", ").into(),
        }
    }
}
