//! One row for each executed or requested tool call: from tool spans, tool logs, and `chaperone.tool_call` events.
//!
//! Never from the decision to call a tool. `source` tells executed from requested; `scope` marks what another row counts.
//! Events of a span take the span's agent, run and times where they do not carry their own.

use super::read::*;
use crate::cell::{kind::*, row, words};
use chaperone_genai::event_names::TOOL_CALL;
use chaperone_genai::{keys, record, steps::is_error};
use chaperone_proto::{Attrs, RecordRef, SpanRef};

words! {
    /// Whether the call ran or was only asked for.
    ToolSource "Enum8('executed' = 0, 'requested' = 1)" { Executed = 0 "executed", Requested = 1 "requested" }
}
words! {
    /// Whether the row is counted.
    ToolScope "Enum8('self' = 0, 'duplicate' = 1)" { Own = 0 "self", Duplicate = 1 "duplicate" }
}

row! {
    /// One tool call.
    ToolCallRow in "agent_tool_calls", "tool_calls" by timestamp_ns {
        LowText tenant "Tenant",
        Time timestamp_ns "Timestamp",
        Text run_id "RunId",
        Text trace_id "TraceId",
        Text span_id "SpanId",
        Text call_id "CallId",
        Id record_id "RecordId",
        ToolSource source "Source",
        ToolScope scope "Scope",
        Bool resent "Resent",
        LowText agent_name "AgentName",
        LowText agent_source "AgentSource",
        LowText agent_version "AgentVersion",
        LowText environment "Environment",
        LowText tool_name "ToolName",
        LowText tool_type "ToolType",
        LowText tool_class "ToolClass",
        LowText risk "Risk",
        LowText mcp_server "McpServer",
        LowText mcp_method "McpMethod",
        LowText resource "Resource",
        Id args_hash "ArgsHash",
        Id result_hash "ResultHash",
        Id args_shape_hash "ArgsShapeHash",
        Id result_shape_hash "ResultShapeHash",
        U32 args_bytes "ArgsBytes",
        U32 result_bytes "ResultBytes",
        U64 duration_ns "DurationNs",
        U16 attempt_no "AttemptNo",
        Text retry_of "RetryOf",
        Bool is_error "IsError",
        LowText error_type "ErrorType",
        LowText failure_code "FailureCode",
        Bool is_timeout "IsTimeout",
        Bool is_empty "IsEmpty",
        Money cost_usd "CostUsd",
        Text audit_id "AuditId",
    }
}

impl<'a> ToolCallRow<'a> {
    /// The row of a tool span, a tool log, or a tool call event that is a log record.
    pub(crate) fn of_record(record: RecordRef<'a>) -> ToolCallRow<'a> {
        let mut row = ToolCallRow::read(record, record.attrs());
        row.record_id = record_id(record);
        row.timestamp_ns = timestamp(record);
        row.duration_ns = duration(record);
        row.is_error = is_error(record);
        row
    }

    /// The rows of a span's tool call events.
    pub(crate) fn of_events(span: SpanRef<'a>, rows: &mut Vec<ToolCallRow<'a>>) {
        let record = RecordRef::Span(span);
        for (number, event) in span.events().filter(|event| event.name() == TOOL_CALL).enumerate() {
            let mut row = ToolCallRow::read(record, event.attrs());
            let number = (number as u64).to_le_bytes();
            row.record_id = record::record_digest("traces", span.trace_id(), span.span_id(), TOOL_CALL, &number);
            row.timestamp_ns = event.time_ns();
            // The span says whether it was sent before; an event marked by itself is marked too.
            row.resent |= yes(span.attrs(), keys::CHAPERONE_USAGE_RESENT);
            rows.push(row);
        }
    }

    /// What stands in `attrs`; who and where from the record.
    fn read(record: RecordRef<'a>, attrs: Attrs<'a>) -> ToolCallRow<'a> {
        let own = record.attrs();
        let failure_code = text(attrs, keys::CHAPERONE_FAILURE_CODE);
        let error_type = text(attrs, keys::ERROR_TYPE);
        ToolCallRow {
            tenant: own_or_resource(record, keys::CHAPERONE_TENANT),
            timestamp_ns: 0,
            run_id: record::run_id(record),
            trace_id: hex(record.trace_id()),
            span_id: hex(record.span_id()),
            call_id: text(attrs, keys::GEN_AI_TOOL_CALL_ID),
            record_id: [0; 16],
            source: ToolSource::parse(&text(attrs, keys::CHAPERONE_TOOL_SOURCE)).unwrap_or(ToolSource::Executed),
            scope: ToolScope::parse(&text(attrs, keys::CHAPERONE_TOOL_SCOPE)).unwrap_or(ToolScope::Own),
            resent: yes(attrs, keys::CHAPERONE_USAGE_RESENT),
            agent_name: agent_name(record),
            agent_source: text(own, keys::CHAPERONE_AGENT_SOURCE),
            agent_version: text(own, keys::GEN_AI_AGENT_VERSION),
            environment: environment(record),
            tool_name: text(attrs, keys::GEN_AI_TOOL_NAME),
            tool_type: text(attrs, keys::GEN_AI_TOOL_TYPE),
            tool_class: text(attrs, keys::CHAPERONE_TOOL_CLASS),
            risk: text(attrs, keys::CHAPERONE_TOOL_RISK),
            mcp_server: text(attrs, keys::CHAPERONE_MCP_SERVER),
            mcp_method: text(attrs, keys::MCP_METHOD_NAME),
            resource: text(attrs, keys::CHAPERONE_TOOL_RESOURCE),
            args_hash: id(&text(attrs, keys::CHAPERONE_TOOL_ARGUMENTS_HASH)),
            result_hash: id(&text(attrs, keys::CHAPERONE_TOOL_RESULT_HASH)),
            args_shape_hash: id(&text(attrs, keys::CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH)),
            result_shape_hash: id(&text(attrs, keys::CHAPERONE_TOOL_RESULT_SHAPE_HASH)),
            args_bytes: u32_of(attrs, keys::CHAPERONE_TOOL_ARGUMENTS_BYTES),
            result_bytes: u32_of(attrs, keys::CHAPERONE_TOOL_RESULT_BYTES),
            duration_ns: 0,
            attempt_no: u16_or(attrs, keys::CHAPERONE_STEP_ATTEMPT, 1),
            retry_of: text(attrs, keys::CHAPERONE_STEP_RETRY_OF),
            is_error: !error_type.is_empty(),
            is_timeout: failure_code == "timeout",
            error_type,
            failure_code,
            is_empty: yes(attrs, keys::CHAPERONE_TOOL_EMPTY),
            cost_usd: money(attrs, keys::CHAPERONE_COST_TOTAL),
            audit_id: text(attrs, keys::CHAPERONE_AUDIT_ID),
        }
    }
}
