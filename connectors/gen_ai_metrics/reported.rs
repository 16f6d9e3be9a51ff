//! What events say beyond tokens: decisions, approvals, hand-overs, attempts, evaluations.
//!
//! They stand on spans as span events and beside logs as records of their own.
//! Texts that anybody may choose (outcomes, reasons) are no dimensions, but for the closed list of approvals' outcomes.

use super::GenAiMetrics;
use super::series::Kind;
use super::text;
use chaperone_genai::{event_names, keys};
use chaperone_proto::{Attrs, RecordRef};

impl GenAiMetrics {
    /// Counts what the record's events report.
    pub(super) fn reported_events(&self, record: RecordRef<'_>, now_ns: u64) {
        match record {
            RecordRef::Span(span) => {
                for event in span.events() {
                    self.reported(record, event.name(), event.attrs(), true, now_ns);
                }
            }
            RecordRef::Log(log) => self.reported(record, log.event_name(), log.attrs(), false, now_ns),
        }
    }

    fn reported(&self, record: RecordRef<'_>, name: &str, attrs: Attrs<'_>, on_span: bool, now_ns: u64) {
        let agent = text(record.attrs(), keys::GEN_AI_AGENT_NAME);
        let number = |key| attrs.get(key).and_then(|value| value.as_f64());
        match name {
            event_names::DECISION if text(attrs, keys::CHAPERONE_DECISION_TYPE) == "handoff" => {
                let [from, to, how] =
                    [keys::CHAPERONE_HANDOFF_SOURCE, keys::CHAPERONE_HANDOFF_TARGET, keys::CHAPERONE_HANDOFF_TYPE];
                let slots = [text(attrs, from), text(attrs, to), text(attrs, how), "", "", ""];
                self.with_series(record, Kind::HandOver, slots, now_ns, |series| series.calls += 1);
            }
            event_names::DECISION | event_names::APPROVAL => {
                let kind = text(attrs, keys::CHAPERONE_DECISION_TYPE);
                let outcome = text(attrs, keys::CHAPERONE_APPROVAL_OUTCOME);
                let slots = [kind, text(attrs, keys::CHAPERONE_DECISION_MAKER_TYPE), outcome, agent, "", ""];
                let is_wait = on_span && names_a_span(text(attrs, keys::CHAPERONE_DECISION_SUBJECT_ID));
                self.with_series(record, Kind::Decision, slots, now_ns, |series| {
                    // The log of the decision names the call; the span of the wait only knows how long it took.
                    series.calls += u64::from(!is_wait);
                    if let Some(confidence) = number(keys::CHAPERONE_DECISION_CONFIDENCE) {
                        series.share.observe(confidence);
                    }
                    if let Some(seconds) = number(keys::CHAPERONE_APPROVAL_WAIT_DURATION) {
                        series.duration.observe(seconds);
                    }
                });
            }
            event_names::QUALITY_SIGNAL if text(attrs, keys::CHAPERONE_QUALITY_SIGNAL_TYPE) == "retry_occurred" => {
                self.with_series(record, Kind::Retry, [agent, "", "", "", "", ""], now_ns, |series| series.calls += 1);
            }
            event_names::EVALUATION_RESULT => {
                let Some(score) = number(keys::GEN_AI_EVALUATION_SCORE_VALUE) else { return };
                let (name, by) =
                    (text(attrs, keys::GEN_AI_EVALUATION_NAME), text(attrs, keys::CHAPERONE_EVALUATION_EVALUATOR_TYPE));
                self.with_series(record, Kind::Evaluation, [name, by, agent, "", "", ""], now_ns, |series| {
                    series.share.observe(score)
                });
            }
            _ => {}
        }
    }
}

fn names_a_span(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
