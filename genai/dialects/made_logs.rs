//! Log records made beside a log: a log has no span events to put a decision on (contracts, section 2).
//!
//! They carry what makes them GenAI records of the same run, and ids of their own that are the same when the log is sent again.

use super::plan::Plan;
use crate::keys;
use crate::record::{hex, id, record_digest};
use chaperone_proto::{KeyId, LogRef, Logs, LogsBuilder, RecordRef, ValueIn};

/// What a record made from a log takes over.
const CARRIED: &[KeyId] = &[
    keys::CHAPERONE_DIALECT_NAME,
    keys::CHAPERONE_DIALECT_VERSION,
    keys::CHAPERONE_FRAMEWORK_NAME,
    keys::CHAPERONE_RUN_ID,
    keys::CHAPERONE_TURN_ID,
    keys::CHAPERONE_AGENT_INSTANCE_ID,
    keys::GEN_AI_CONVERSATION_ID,
    keys::GEN_AI_AGENT_NAME,
    keys::CHAPERONE_TENANT,
    keys::CHAPERONE_TEAM,
    keys::USER_ID,
];

/// The records made from one batch, each under the resource of the log it was made from.
#[derive(Debug, Default)]
pub(crate) struct MadeLogs {
    builder: Option<LogsBuilder>,
    resource: Option<usize>,
}

impl MadeLogs {
    /// Adds the planned events of a log. `log` is read as it was normalised.
    pub(crate) fn add(&mut self, log: LogRef<'_>, plan: &Plan) {
        if plan.events().len() == 0 {
            return;
        }
        let resource = log.resource();
        if self.resource != Some(resource.index()) {
            self.resource = Some(resource.index());
            let pairs: Vec<(&str, ValueIn<'_>)> = resource.attrs().iter().map(|(key, value)| (key.name, value.into())).collect();
            match &mut self.builder {
                Some(builder) => builder.resource(&pairs),
                None => self.builder = Some(LogsBuilder::new(&pairs, "chaperone")),
            }
        }
        let Some(builder) = &mut self.builder else { return };
        let own = id(RecordRef::Log(log));
        for (number, (time_ns, name, attrs)) in plan.events().enumerate() {
            let rest = format!("{own} {name} {number}");
            let id = record_digest("logs", log.trace_id(), log.span_id(), name, rest.as_bytes());
            let mut made = builder.record(time_ns);
            made.event_name(name).observed_time_ns(time_ns).ids(log.trace_id(), log.span_id());
            for key in CARRIED {
                if let Some(value) = log.attrs().get(*key) {
                    made.attr(*key, value);
                }
            }
            made.attr(keys::CHAPERONE_RECORD_ID, hex(&id).as_str());
            for (key, value) in attrs {
                made.attr(*key, value);
            }
        }
    }

    /// The records, if there are any.
    pub(crate) fn finish(self) -> Option<Logs> {
        self.builder.map(LogsBuilder::finish)
    }
}
