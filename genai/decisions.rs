//! The reasoning chain of a run: what was decided and done, in order, joined on tool call ids.
//!
//! [`reasoning_chain`] is a function of a run's enriched records: agents begin, models are asked, tools are requested, approved, run,
//! and their results go back to the model; routes, guardrails, retries and other decisions stand where they were made.
//! Several records that tell of one tool call (answer, approval, span, log, later messages) are one [`ToolCall`].
//! Within a call the order is that of cause and effect, whatever the clocks of the records say.
//!
//! Nothing is inferred here: it joins what the normaliser and `gen_ai_steps` found.

mod join;
mod read;
#[cfg(test)]
mod tests;

use chaperone_proto::RecordRef;

/// What a link of the chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// An agent or workflow begins.
    Agent,
    /// A plan is made.
    Plan,
    /// A model is asked.
    Call,
    /// A decision that is none of the others: route, guardrail, policy, retry, fallback, stop, hand-over, ...
    Decision,
    /// A model's answer asks for a tool.
    Requested,
    /// Somebody approves the tool call, or does not.
    Approval,
    /// The tool runs.
    Executed,
    /// The tool's result stands in a model's next request.
    Result,
}

impl What {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            What::Agent => "agent",
            What::Plan => "plan",
            What::Call => "call",
            What::Decision => "decision",
            What::Requested => "requested",
            What::Approval => "approval",
            What::Executed => "executed",
            What::Result => "result",
        }
    }
}

/// One link.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// What it is.
    pub what: What,
    /// When, nanoseconds since 1970.
    pub at_ns: u64,
    /// Record that tells of it.
    pub record_id: String,
    /// Agent that did it, as far as the record says.
    pub agent: String,
    /// Agent, model, tool, or name of the decision.
    pub name: String,
    /// Type of a decision; empty for what is none.
    pub kind: String,
    /// What came out: outcome of a decision or approval, `error` of what failed, else empty.
    pub outcome: String,
    /// Who decided: `model` `rule` `human` ...; empty where nobody did.
    pub maker: String,
    /// The tool call it belongs to: position in [`Chain::calls`].
    pub call: Option<usize>,
}

/// One tool call, with the positions of its links.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCall {
    /// Call id, where the wire carries one.
    pub id: Option<String>,
    /// Tool's name.
    pub name: String,
    /// The answer that asked for it.
    pub requested: Option<usize>,
    /// Approvals of it.
    pub approvals: Vec<usize>,
    /// Its run.
    pub executed: Option<usize>,
    /// The request that carried its result back.
    pub result: Option<usize>,
    /// It ran and failed.
    pub failed: bool,
    /// Its run counts: `false` for what did not run, and for steps of frameworks that look like tools.
    pub counted: bool,
}

/// A run's links in order, and its tool calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chain {
    /// Links in order.
    pub links: Vec<Link>,
    /// Tool calls in the order of their first links.
    pub calls: Vec<ToolCall>,
}

/// Puts the records of one run in order and joins them. Records that were sent again, and those of other telemetry, are left out.
pub fn reasoning_chain<'a>(records: impl IntoIterator<Item = RecordRef<'a>>) -> Chain {
    let mut told = read::Told::default();
    for record in records {
        told.add(record);
    }
    join::chain(told)
}
