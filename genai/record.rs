//! What everybody reads of a GenAI span or log record after `gen_ai_normalizer`: small functions over canonical attributes.
//!
//! None of them knows a dialect: the normaliser wrote the canonical keys before.
//! Times, names and ids follow contracts, sections 1 and 2.
//! Steps, usage, detectors, runs and stores share these, so that they agree on what a record says.

mod ids;
pub(crate) mod json_scan;
mod messages;

pub(crate) use ids::hex;
pub use ids::{id, id_of_span, record_digest, run_id};
pub use messages::{ToolCallRequest, ToolResult, finish_reasons, tool_calls_in_output, tool_results_in_input};
pub(crate) use messages::{plain, plain_json, to_json};

use crate::dialects::EventNameAt;
use crate::keys;
use chaperone_proto::{LogRef, RecordRef};

/// When it happened, nanoseconds since 1970; 0 when the record does not say.
///
/// A span happened when it ended (its start when it has no end).
/// A log record's event time is its time, else its observed time; with neither, the caller takes its own clock and counts it.
pub fn event_time_ns(record: RecordRef<'_>) -> u64 {
    match record {
        RecordRef::Span(span) if span.end_ns() != 0 => span.end_ns(),
        RecordRef::Span(span) => span.start_ns(),
        RecordRef::Log(log) if log.time_ns() != 0 => log.time_ns(),
        RecordRef::Log(log) => log.observed_time_ns(),
    }
}

/// The name of the event a log record is, read where the dialect's settings say; empty for spans and plain logs.
pub fn event_name(record: RecordRef<'_>, at: EventNameAt) -> &str {
    match record {
        RecordRef::Span(_) => "",
        RecordRef::Log(log) => log_event_name(log, at),
    }
}

/// The same for a log record. Where the named place is empty, the usual places are tried.
pub fn log_event_name(log: LogRef<'_>, at: EventNameAt) -> &str {
    let attribute = || log.attrs().str(keys::EVENT_NAME).unwrap_or("");
    let named = match at {
        EventNameAt::Body => log.body().as_str().unwrap_or(""),
        EventNameAt::Attribute => attribute(),
        EventNameAt::Field => "",
    };
    if !named.is_empty() {
        return named;
    }
    match log.event_name() {
        "" => attribute(),
        field => field,
    }
}

/// Whether the normaliser recognised the record as GenAI.
pub fn is_gen_ai(record: RecordRef<'_>) -> bool {
    record.attrs().entry(keys::CHAPERONE_DIALECT_NAME).is_some_and(chaperone_proto::Entry::is_text)
}

/// Id of the record's dialect (`genai/data/detection.tsv`), if it is GenAI.
pub fn dialect(record: RecordRef<'_>) -> Option<&str> {
    record.attrs().str(keys::CHAPERONE_DIALECT_NAME)
}

/// `gen_ai.operation.name`.
pub fn operation(record: RecordRef<'_>) -> Option<&str> {
    record.attrs().str(keys::GEN_AI_OPERATION_NAME)
}

/// `chaperone.step.kind`, which `gen_ai_steps` sets (the normaliser only where a dialect's own word is the kind).
pub fn step_kind(record: RecordRef<'_>) -> Option<&str> {
    record.attrs().str(keys::CHAPERONE_STEP_KIND)
}

/// The model that answered, else the one that was asked.
pub fn model(record: RecordRef<'_>) -> Option<&str> {
    let attrs = record.attrs();
    attrs.str(keys::GEN_AI_RESPONSE_MODEL).or_else(|| attrs.str(keys::GEN_AI_REQUEST_MODEL))
}

/// Whether an operation is one model request: an inference or an embedding.
pub fn is_call_operation(operation: &str) -> bool {
    matches!(operation, "chat" | "generate_content" | "text_completion" | "embeddings")
}

/// Whether the record is a span of one model request, or a log that carries the operation of one.
///
/// Which of them own tokens is the dialect's `usage_at` ([`crate::dialects::Settings`]), not this.
pub fn is_call(record: RecordRef<'_>) -> bool {
    operation(record).is_some_and(is_call_operation)
}
