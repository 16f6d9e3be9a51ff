//! One row for each version of a run, from the `chaperone.run` event that `agent_runs` makes.
//!
//! The greatest version is the run as it is known now.

use super::read::*;
use crate::cell::{kind::*, row, words};
use chaperone_genai::{keys, record};
use chaperone_proto::RecordRef;

words! {
    /// How the run ended, as far as known.
    RunStatus "Enum8('running' = 0, 'success' = 1, 'failure' = 2, 'partial' = 3, 'abandoned' = 4)" {
        Running = 0 "running", Success = 1 "success", Failure = 2 "failure", Partial = 3 "partial", Abandoned = 4 "abandoned",
    }
}

row! {
    /// One version of a run.
    RunRow in "agent_runs", "runs" by first_seen_ns {
        LowText tenant "Tenant",
        Text run_id "RunId",
        U64 version "Version",
        Time first_seen_ns "FirstSeen",
        LowTexts aliases "Aliases",
        Text trace_id "TraceId",
        Text session_id "SessionId",
        Text user_hash "UserHash",
        LowText service_name "ServiceName",
        LowText agent_name "AgentName",
        LowText agent_version "AgentVersion",
        LowText environment "Environment",
        LowText team "Team",
        Text parent_run_id "ParentRunId",
        U8 delegation_depth "DelegationDepth",
        Time start_ns "Start",
        Time end_ns "End",
        U64 duration_ns "DurationNs",
        U64 critical_path_ns "CriticalPathNs",
        RunStatus status "Status",
        LowText finish_reason "FinishReason",
        U32 spans "Spans",
        U32 steps "Steps",
        U32 llm_calls "LlmCalls",
        U32 tool_calls "ToolCalls",
        U32 tool_calls_requested "ToolCallsRequested",
        U32 retries "Retries",
        U32 errors "Errors",
        U32 recovered_errors "RecoveredErrors",
        U32 timeouts "Timeouts",
        U32 approvals "Approvals",
        U32 late_spans "LateSpans",
        U64 input_tokens "InputTokens",
        U64 uncached_tokens "UncachedTokens",
        U64 cache_read_tokens "CacheReadTokens",
        U64 cache_write_5m_tokens "CacheWrite5mTokens",
        U64 cache_write_1h_tokens "CacheWrite1hTokens",
        U64 output_tokens "OutputTokens",
        U64 reasoning_tokens "ReasoningTokens",
        Bool usage_from_aggregate "UsageFromAggregate",
        Money cost_usd "CostUsd",
        Bool cost_is_lower_bound "CostIsLowerBound",
        U32 unpriced_calls "UnpricedCalls",
        LowTexts models "Models",
        LowTexts tools "Tools",
        LowTexts agents "Agents",
        LowTexts findings "Findings",
        F32 anomaly_score "AnomalyScore",
        Bool steps_truncated "StepsTruncated",
        Bool sampled_out "SampledOut",
        LowTexts tags "Tags",
    }
}

impl<'a> RunRow<'a> {
    /// The row of one event.
    pub(crate) fn read(record: RecordRef<'a>) -> RunRow<'a> {
        let attrs = record.attrs();
        let count = |key| u32_of(attrs, key);
        let large = |key| uint(attrs, key).unwrap_or(0);
        let start_ns = large(keys::CHAPERONE_RUN_START);
        let end_ns = large(keys::CHAPERONE_RUN_END);
        let input_tokens = large(keys::CHAPERONE_RUN_TOKENS_INPUT);
        let cache_read_tokens = large(keys::CHAPERONE_RUN_TOKENS_CACHE_READ);
        let cache_write_5m_tokens = large(keys::CHAPERONE_RUN_TOKENS_CACHE_WRITE_5M);
        let cache_write_1h_tokens = large(keys::CHAPERONE_RUN_TOKENS_CACHE_WRITE_1H);
        RunRow {
            tenant: own_or_resource(record, keys::CHAPERONE_TENANT),
            run_id: record::run_id(record),
            version: large(keys::CHAPERONE_RUN_VERSION),
            first_seen_ns: large(keys::CHAPERONE_RUN_FIRST_SEEN),
            aliases: texts(attrs, keys::CHAPERONE_RUN_ALIASES),
            trace_id: text(attrs, keys::CHAPERONE_RUN_TRACE_ID),
            session_id: text(attrs, keys::CHAPERONE_RUN_SESSION_ID),
            user_hash: text(attrs, keys::CHAPERONE_RUN_USER_HASH),
            service_name: text(attrs, keys::CHAPERONE_RUN_SERVICE),
            agent_name: text(attrs, keys::CHAPERONE_RUN_AGENT_NAME),
            agent_version: text(attrs, keys::CHAPERONE_RUN_AGENT_VERSION),
            environment: text(attrs, keys::CHAPERONE_RUN_ENVIRONMENT),
            team: text(attrs, keys::CHAPERONE_RUN_TEAM),
            parent_run_id: text(attrs, keys::CHAPERONE_RUN_PARENT_RUN_ID),
            delegation_depth: count(keys::CHAPERONE_RUN_DELEGATION_DEPTH).try_into().unwrap_or(u8::MAX),
            start_ns,
            end_ns,
            duration_ns: end_ns.saturating_sub(start_ns),
            critical_path_ns: large(keys::CHAPERONE_RUN_CRITICAL_PATH_NS),
            status: RunStatus::parse(&text(attrs, keys::CHAPERONE_RUN_STATUS)).unwrap_or(RunStatus::Running),
            finish_reason: text(attrs, keys::CHAPERONE_RUN_FINISH_REASON),
            spans: count(keys::CHAPERONE_RUN_SPANS),
            steps: count(keys::CHAPERONE_RUN_STEPS),
            llm_calls: count(keys::CHAPERONE_RUN_LLM_CALLS),
            tool_calls: count(keys::CHAPERONE_RUN_TOOL_CALLS),
            tool_calls_requested: count(keys::CHAPERONE_RUN_TOOL_CALLS_REQUESTED),
            retries: count(keys::CHAPERONE_RUN_RETRIES),
            errors: count(keys::CHAPERONE_RUN_ERRORS),
            recovered_errors: count(keys::CHAPERONE_RUN_RECOVERED_ERRORS),
            timeouts: count(keys::CHAPERONE_RUN_TIMEOUTS),
            approvals: count(keys::CHAPERONE_RUN_APPROVALS),
            late_spans: count(keys::CHAPERONE_RUN_LATE_SPANS),
            input_tokens,
            uncached_tokens: input_tokens
                .saturating_sub(cache_read_tokens)
                .saturating_sub(cache_write_5m_tokens)
                .saturating_sub(cache_write_1h_tokens),
            cache_read_tokens,
            cache_write_5m_tokens,
            cache_write_1h_tokens,
            output_tokens: large(keys::CHAPERONE_RUN_TOKENS_OUTPUT),
            reasoning_tokens: large(keys::CHAPERONE_RUN_TOKENS_REASONING),
            usage_from_aggregate: yes(attrs, keys::CHAPERONE_RUN_USAGE_FROM_AGGREGATE),
            cost_usd: money(attrs, keys::CHAPERONE_RUN_COST),
            cost_is_lower_bound: yes(attrs, keys::CHAPERONE_RUN_COST_IS_LOWER_BOUND),
            unpriced_calls: count(keys::CHAPERONE_RUN_UNPRICED_CALLS),
            models: texts(attrs, keys::CHAPERONE_RUN_MODELS),
            tools: texts(attrs, keys::CHAPERONE_RUN_TOOLS),
            agents: texts(attrs, keys::CHAPERONE_RUN_AGENTS),
            findings: texts(attrs, keys::CHAPERONE_RUN_FINDINGS),
            anomaly_score: float(attrs, keys::CHAPERONE_RUN_ANOMALY_SCORE) as f32,
            steps_truncated: yes(attrs, keys::CHAPERONE_RUN_STEPS_TRUNCATED),
            sampled_out: yes(attrs, keys::CHAPERONE_RUN_SAMPLED_OUT),
            tags: texts(attrs, keys::CHAPERONE_RUN_TAGS),
        }
    }
}
