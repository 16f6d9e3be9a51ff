//! Derived decisions and the signs of tools on enriched records; what was sent again is skipped, as whoever adds up does.

use crate::wire::Counts;
use chaperone_genai::{event_names, keys};
use chaperone_proto::{Attrs, Data, RecordRef};
use std::collections::BTreeSet;

/// What was decided, each decision once.
#[derive(Debug, Default)]
pub struct Decided {
    pub tool_selections: Counts,
    pub stops: u64,
    pub handoffs: u64,
    /// `tool_success` and `tool_failure`.
    pub tool_runs: u64,
    seen: BTreeSet<String>,
}

impl Decided {
    pub fn of(enriched: &[Data]) -> Decided {
        let mut decided = Decided::default();
        for data in enriched {
            let is_resent = |record: &RecordRef<'_>| record.attrs().get(keys::CHAPERONE_USAGE_RESENT).is_some();
            for record in (0..data.records()).map(|at| data.record(at)).filter(|record| !is_resent(record)) {
                match record {
                    RecordRef::Span(span) => span.events().for_each(|event| decided.add(event.name(), event.attrs())),
                    RecordRef::Log(log) => decided.add(log.event_name(), log.attrs()),
                }
            }
        }
        decided
    }

    fn add(&mut self, name: &str, attrs: Attrs<'_>) {
        let text = |key| attrs.str(key).unwrap_or_default();
        if name == event_names::QUALITY_SIGNAL {
            let is_run = matches!(text(keys::CHAPERONE_QUALITY_SIGNAL_TYPE), "tool_success" | "tool_failure");
            self.tool_runs += u64::from(is_run);
        }
        if name != event_names::DECISION || !self.seen.insert(text(keys::CHAPERONE_DECISION_ID).to_owned()) {
            return;
        }
        let outcome = text(keys::CHAPERONE_DECISION_OUTCOME);
        match (text(keys::CHAPERONE_DECISION_TYPE), text(keys::CHAPERONE_DECISION_MAKER_TYPE)) {
            ("tool_selection", maker) => {
                assert_eq!(maker, "model", "a model chooses tools");
                *self.tool_selections.entry(outcome.to_owned()).or_default() += 1;
            }
            ("stop", "model") => self.stops += 1,
            ("handoff", _) => self.handoffs += 1,
            _ => {}
        }
    }
}
