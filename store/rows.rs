//! Rows of the agent tables, read from one enriched record each.
//!
//! A row is a pure function of the record's bytes: no clock, no price table, no setting, so that a batch sent again gives
//! equal rows. Facts that need a whole run are not here: they come with the run's own event.
//! Records that are none of ours (plain spans and logs) give no row.

mod alert;
mod finding;
mod llm_call;
mod notification;
mod read;
mod run;
mod tool_call;

#[cfg(test)]
mod tests;

pub use alert::{AlertRow, AlertState};
pub use finding::{FindingRow, Severity};
pub use llm_call::{CostSource, LlmCallRow, SignalWord, UsageScope};
pub use notification::NotificationRow;
pub use run::{RunRow, RunStatus};
pub use tool_call::{ToolCallRow, ToolScope, ToolSource};

use chaperone_genai::record::event_name;
use chaperone_genai::{dialects::EventNameAt, event_names, record};
use chaperone_proto::{Data, RecordRef};

/// All rows of one batch. They borrow from it.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    /// Calls of models.
    pub llm_calls: Vec<LlmCallRow<'a>>,
    /// Executed and requested tool calls.
    pub tool_calls: Vec<ToolCallRow<'a>>,
    /// Versions of runs.
    pub runs: Vec<RunRow<'a>>,
    /// Findings of detectors.
    pub findings: Vec<FindingRow<'a>>,
    /// Transitions of alerts.
    pub alerts: Vec<AlertRow<'a>>,
    /// Deliveries of alerts.
    pub notifications: Vec<NotificationRow<'a>>,
}

impl<'a> Rows<'a> {
    /// Adds the rows of every record of a batch. Metrics give none.
    pub fn add(&mut self, data: &'a Data) {
        for i in 0..data.records() {
            self.add_record(data.record(i));
        }
    }

    fn add_record(&mut self, record: RecordRef<'a>) {
        match event_name(record, EventNameAt::Field) {
            event_names::RUN => return self.runs.push(RunRow::read(record)),
            event_names::FINDING => return self.findings.push(FindingRow::read(record)),
            event_names::ALERT => return self.alerts.push(AlertRow::read(record).keyed(record)),
            event_names::NOTIFICATION => return self.notifications.push(NotificationRow::read(record)),
            event_names::TOOL_CALL => return self.tool_calls.push(ToolCallRow::of_record(record)),
            _ => {}
        }
        if llm_call::is_row(record) {
            self.llm_calls.push(LlmCallRow::read(record));
        }
        if record::step_kind(record) == Some("tool") {
            self.tool_calls.push(ToolCallRow::of_record(record));
        }
        if let RecordRef::Span(span) = record {
            ToolCallRow::of_events(span, &mut self.tool_calls);
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.llm_calls.len()
            + self.tool_calls.len()
            + self.runs.len()
            + self.findings.len()
            + self.alerts.len()
            + self.notifications.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
