//! What kind of step a record is: `chaperone.step.kind`.

use crate::event_names;
use crate::keys;
use chaperone_proto::RecordRef;

/// Kinds of steps (contracts, section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// A model request.
    Llm,
    /// An embedding request.
    Embedding,
    /// A tool call.
    Tool,
    /// A search for documents.
    Retrieval,
    /// An agent at work.
    Agent,
    /// A workflow of agents.
    Workflow,
    /// Planning.
    Plan,
    /// A guardrail.
    Guardrail,
    /// Reading or writing a memory.
    Memory,
    /// An evaluation.
    Evaluation,
    /// A person was asked.
    Human,
    /// The answer to the user.
    Respond,
    /// Anything else.
    Other,
}

impl StepKind {
    const ALL: [StepKind; 13] = [
        StepKind::Llm,
        StepKind::Embedding,
        StepKind::Tool,
        StepKind::Retrieval,
        StepKind::Agent,
        StepKind::Workflow,
        StepKind::Plan,
        StepKind::Guardrail,
        StepKind::Memory,
        StepKind::Evaluation,
        StepKind::Human,
        StepKind::Respond,
        StepKind::Other,
    ];

    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            StepKind::Llm => "llm",
            StepKind::Embedding => "embedding",
            StepKind::Tool => "tool",
            StepKind::Retrieval => "retrieval",
            StepKind::Agent => "agent",
            StepKind::Workflow => "workflow",
            StepKind::Plan => "plan",
            StepKind::Guardrail => "guardrail",
            StepKind::Memory => "memory",
            StepKind::Evaluation => "evaluation",
            StepKind::Human => "human",
            StepKind::Respond => "respond",
            StepKind::Other => "other",
        }
    }
}

/// The kind of a record: as a dialect or an earlier collector named it, else by its operation, else by its event name.
pub fn kind(record: RecordRef<'_>) -> StepKind {
    let attrs = record.attrs();
    if let Some(said) = attrs.str(keys::CHAPERONE_STEP_KIND)
        && let Some(kind) = StepKind::ALL.into_iter().find(|kind| kind.as_str() == said)
    {
        return kind;
    }
    if let Some(operation) = attrs.str(keys::GEN_AI_OPERATION_NAME) {
        return of_operation(operation);
    }
    match record {
        RecordRef::Log(log) => of_event(log.event_name()),
        RecordRef::Span(_) => StepKind::Other,
    }
}

fn of_operation(operation: &str) -> StepKind {
    match operation {
        "chat" | "generate_content" | "text_completion" | "fetch_response" | "realtime_inference" => StepKind::Llm,
        "embeddings" => StepKind::Embedding,
        "execute_tool" => StepKind::Tool,
        "retrieval" => StepKind::Retrieval,
        "invoke_agent" | "create_agent" | "handle_conversation_turn" => StepKind::Agent,
        "invoke_workflow" => StepKind::Workflow,
        "plan" => StepKind::Plan,
        "apply_guardrail" => StepKind::Guardrail,
        "user_speech" => StepKind::Human,
        memory if memory.ends_with("_memory") || memory.ends_with("_memory_store") => StepKind::Memory,
        _ => StepKind::Other,
    }
}

fn of_event(name: &str) -> StepKind {
    match name {
        event_names::TOOL_CALL => StepKind::Tool,
        event_names::APPROVAL => StepKind::Human,
        event_names::EVALUATION_RESULT => StepKind::Evaluation,
        event_names::GUARDRAIL_RESULT => StepKind::Guardrail,
        _ => StepKind::Other,
    }
}
