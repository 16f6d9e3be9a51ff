//! Failures by type and code, each call and each run of a tool once.
//!
//! Two records of one call may know different things of its failure: a provider's own client its type, an instrumentation the message.
//! What the better one says is the call's.

use crate::wire::Counts;
use chaperone_genai::steps::{StepKind, kind};
use chaperone_genai::{event_names, keys, record};
use chaperone_proto::{Data, RecordRef};

/// Codes of the contract; others are the senders' own.
const KNOWN: [&str; 11] = [
    "timeout",
    "invalid_response",
    "connection_error",
    "api_error",
    "auth_error",
    "rate_limit",
    "context_length_exceeded",
    "invalid_output",
    "quota_exceeded",
    "content_filter",
    "server_error",
];

struct Failed {
    trace: Option<[u8; 16]>,
    kind: String,
    code: String,
    start_ns: u64,
    end_ns: u64,
    /// No other record counts it.
    owns: bool,
}

/// Failures of model calls and tools; of anything else only where no call failed: agents and workflows fail with what they hold.
pub fn by_type_and_code(enriched: &[Data]) -> Counts {
    let (mut calls, mut tools, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut counts = Counts::new();
    for record in enriched.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at))) {
        let attrs = record.attrs();
        flagged(record, &mut counts);
        let Some(code) = attrs.str(keys::CHAPERONE_FAILURE_CODE) else { continue };
        let failed = failed(record, code);
        match kind(record) {
            StepKind::Llm | StepKind::Embedding => calls.push(failed),
            StepKind::Tool => tools.push(failed),
            _ => others.push(failed),
        }
    }
    let (calls, tools) = (each_once(calls), each_once(tools));
    let nothing_else = calls.is_empty() && tools.is_empty() && counts.is_empty();
    let outermost = if nothing_else { each_once(others) } else { Vec::new() };
    for failed in calls.iter().chain(&tools).chain(&outermost) {
        *counts.entry(format!("{} {}", failed.kind, failed.code)).or_default() += 1;
    }
    counts
}

fn failed(record: RecordRef<'_>, code: &str) -> Failed {
    let kind = record.attrs().str(keys::CHAPERONE_FAILURE_TYPE).unwrap_or("-").to_owned();
    let owns = record.attrs().str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate");
    let (start_ns, end_ns) = match record {
        RecordRef::Span(span) => (span.start_ns(), span.end_ns()),
        RecordRef::Log(_) => (record::event_time_ns(record), record::event_time_ns(record)),
    };
    Failed { trace: record.trace_id(), kind, code: code.to_owned(), start_ns, end_ns, owns }
}

/// Runs of tools that only messages mark as failed.
fn flagged(record: RecordRef<'_>, counts: &mut Counts) {
    let Some(span) = record.as_span() else { return };
    for event in span.events().filter(|event| event.name() == event_names::TOOL_CALL) {
        let attrs = event.attrs();
        let is_run = attrs.str(keys::CHAPERONE_TOOL_SCOPE) != Some("duplicate");
        if let Some(error) = attrs.str(keys::ERROR_TYPE).filter(|_| is_run) {
            *counts.entry(format!("tool {error}")).or_default() += 1;
        }
    }
}

/// Records that overlap in a trace tell of one failure.
fn each_once(mut failed: Vec<Failed>) -> Vec<Failed> {
    failed.sort_by_key(|one| (one.start_ns, std::cmp::Reverse(one.end_ns)));
    let mut once: Vec<Failed> = Vec::new();
    for one in failed {
        let same = once.iter_mut().find(|other| other.trace == one.trace && one.start_ns <= other.end_ns);
        let Some(other) = same else {
            once.push(one);
            continue;
        };
        other.owns |= one.owns;
        if !KNOWN.contains(&other.code.as_str()) {
            other.code = one.code;
        }
    }
    once.retain(|one| one.owns);
    once
}
