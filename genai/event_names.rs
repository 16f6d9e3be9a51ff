//! Names of the events we read and make (contracts, sections 2 and 3), each once.

/// Something an agent decided.
pub const DECISION: &str = "chaperone.decision";
/// A tool call found in messages.
pub const TOOL_CALL: &str = "chaperone.tool_call";
/// An approval of a tool call.
pub const APPROVAL: &str = "chaperone.approval";
/// A measurable fact about quality.
pub const QUALITY_SIGNAL: &str = "chaperone.quality_signal";
/// A failure, reported by a sender.
pub const FAILURE: &str = "chaperone.failure";
/// Any event a sender names itself.
pub const EVENT: &str = "chaperone.event";
/// Summary of a run.
pub const RUN: &str = "chaperone.run";
/// What a detector found.
pub const FINDING: &str = "chaperone.finding";
/// A state of an alert.
pub const ALERT: &str = "chaperone.alert";
/// A delivery to an alert channel.
pub const NOTIFICATION: &str = "chaperone.notification";
/// A compliance verdict.
pub const COMPLIANCE: &str = "chaperone.compliance";
/// Who did what to the collector.
pub const AUDIT: &str = "chaperone.audit";
/// The conventions' result of an evaluation.
pub const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";
/// The conventions' result of a guardrail.
pub const GUARDRAIL_RESULT: &str = "gen_ai.guardrail.result";

/// Whether an event is one that components of ours make (a sender may use the names of decisions, signals and failures too).
pub fn is_ours(name: &str) -> bool {
    [RUN, FINDING, ALERT, NOTIFICATION, COMPLIANCE, AUDIT, TOOL_CALL].contains(&name)
}
