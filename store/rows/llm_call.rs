//! One row for each span or log record that is a call of a model (inference or embedding).
//!
//! Token buckets are disjoint: input = uncached + cache read + cache writes; reasoning is inside output.
//! Which rows are counted is `usage_scope`, decided by `gen_ai_cost`; a record it never saw counts as `self`.

use super::read::*;
use crate::cell::{kind::*, row, words};
use chaperone_genai::{keys, record, steps::is_error};
use chaperone_proto::{Attrs, RecordRef};
use std::borrow::Cow;

words! {
    /// Which signal the record came by.
    SignalWord "Enum8('span' = 0, 'log' = 1)" { Span = 0 "span", Log = 1 "log" }
}
words! {
    /// Whether the row's tokens and cost are counted.
    UsageScope "Enum8('self' = 0, 'aggregate' = 1, 'duplicate' = 2)" { Own = 0 "self", Aggregate = 1 "aggregate", Duplicate = 2 "duplicate" }
}
words! {
    /// Where the cost is from.
    CostSource "Enum8('unpriced' = 0, 'computed' = 1, 'reported' = 2, 'subscription' = 3, 'cache_hit' = 4, 'estimated' = 5)" {
        Unpriced = 0 "unpriced", Computed = 1 "computed", Reported = 2 "reported", Subscription = 3 "subscription",
        CacheHit = 4 "cache_hit", Estimated = 5 "estimated",
    }
}

row! {
    /// One call of a model.
    LlmCallRow in "agent_llm_calls", "llm_calls" by timestamp_ns {
        LowText tenant "Tenant",
        Time timestamp_ns "Timestamp",
        Text run_id "RunId",
        Text trace_id "TraceId",
        Text span_id "SpanId",
        Id record_id "RecordId",
        SignalWord signal "Signal",
        U16 requests "Requests",
        Text session_id "SessionId",
        Text user_hash "UserHash",
        Text request_id "RequestId",
        Text response_id "ResponseId",
        LowText agent_name "AgentName",
        LowText agent_source "AgentSource",
        LowText agent_version "AgentVersion",
        LowText environment "Environment",
        LowText team "Team",
        LowText dialect "Dialect",
        LowText framework "Framework",
        LowText provider "Provider",
        LowText request_model "RequestModel",
        LowText response_model "ResponseModel",
        LowText operation "Operation",
        LowText service_tier "ServiceTier",
        LowText request_speed "RequestSpeed",
        LowText prompt_name "PromptName",
        LowText prompt_version "PromptVersion",
        U32 input_tokens "InputTokens",
        U32 uncached_tokens "UncachedTokens",
        U32 cache_read_tokens "CacheReadTokens",
        U32 cache_write_5m_tokens "CacheWrite5mTokens",
        U32 cache_write_1h_tokens "CacheWrite1hTokens",
        U32 output_tokens "OutputTokens",
        U32 reasoning_tokens "ReasoningTokens",
        Counts usage_raw "UsageRaw",
        LowText usage_source "UsageSource",
        LowText input_basis "InputBasis",
        UsageScope usage_scope "UsageScope",
        Text duplicate_of "DuplicateOf",
        Bool resent "Resent",
        Money cost_usd "CostUsd",
        Money cost_input_usd "CostInputUsd",
        Money cost_output_usd "CostOutputUsd",
        Money cost_cache_usd "CostCacheUsd",
        Money cost_tool_usd "CostToolUsd",
        CostSource cost_source "CostSource",
        Money reported_cost "ReportedCost",
        LowText reported_currency "ReportedCurrency",
        LowText reported_cost_source "ReportedCostSource",
        LowText price_id "PriceId",
        LowText price_tier "PriceTier",
        U64 ttft_ns "TtftNs",
        U64 duration_ns "DurationNs",
        LowText finish_reason "FinishReason",
        Bool is_error "IsError",
        LowText error_type "ErrorType",
        LowText failure_type "FailureType",
        LowText failure_code "FailureCode",
        U16 attempt_no "AttemptNo",
        U16 tools_offered "ToolsOffered",
        U16 tool_calls_made "ToolCallsMade",
        Bool is_stream "IsStream",
        F32 context_used_ratio "ContextUsedRatio",
        Id prompt_hash "PromptHash",
    }
}

/// Whether a record has a row here: a call, or the record that a dialect counts instead of its calls.
pub fn is_row(record: RecordRef<'_>) -> bool {
    matches!(record::step_kind(record), Some("llm" | "embedding"))
        || record.attrs().str(keys::CHAPERONE_USAGE_SCOPE) == Some(UsageScope::Own.text())
}

/// The input of a call, bucket by bucket.
struct Input {
    total: u32,
    uncached: u32,
    cache_read: u32,
    cache_write_5m: u32,
    cache_write_1h: u32,
}

impl Input {
    fn read(attrs: Attrs<'_>) -> Input {
        let cache_read = u32_of(attrs, keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
        let cache_write_1h = u32_of(attrs, keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS);
        // A sender that does not split its cache writes by lifetime means the short one.
        let cache_write_5m = match uint(attrs, keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS) {
            Some(_) => u32_of(attrs, keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS),
            None => u32_of(attrs, keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS)
                .max(u32_of(attrs, keys::GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS))
                .saturating_sub(cache_write_1h),
        };
        let cached = cache_read.saturating_add(cache_write_5m).saturating_add(cache_write_1h);
        let uncached = match uint(attrs, keys::CHAPERONE_USAGE_UNCACHED_INPUT_TOKENS) {
            Some(_) => u32_of(attrs, keys::CHAPERONE_USAGE_UNCACHED_INPUT_TOKENS),
            None => u32_of(attrs, keys::GEN_AI_USAGE_INPUT_TOKENS).saturating_sub(cached),
        };
        Input { total: uncached.saturating_add(cached), uncached, cache_read, cache_write_5m, cache_write_1h }
    }
}

impl<'a> LlmCallRow<'a> {
    /// The row of one record.
    pub(crate) fn read(record: RecordRef<'a>) -> LlmCallRow<'a> {
        let attrs = record.attrs();
        let input = Input::read(attrs);
        LlmCallRow {
            tenant: own_or_resource(record, keys::CHAPERONE_TENANT),
            timestamp_ns: timestamp(record),
            run_id: record::run_id(record),
            trace_id: hex(record.trace_id()),
            span_id: hex(record.span_id()),
            record_id: record_id(record),
            signal: if record.as_log().is_some() { SignalWord::Log } else { SignalWord::Span },
            requests: u16_or(attrs, keys::CHAPERONE_LLM_REQUESTS, 1),
            session_id: text(attrs, keys::GEN_AI_CONVERSATION_ID),
            user_hash: user_hash(attrs),
            request_id: text(attrs, keys::CHAPERONE_REQUEST_ID),
            response_id: text(attrs, keys::GEN_AI_RESPONSE_ID),
            agent_name: agent_name(record),
            agent_source: text(attrs, keys::CHAPERONE_AGENT_SOURCE),
            agent_version: text(attrs, keys::GEN_AI_AGENT_VERSION),
            environment: environment(record),
            team: own_or_resource(record, keys::CHAPERONE_TEAM),
            dialect: text(attrs, keys::CHAPERONE_DIALECT_NAME),
            framework: text(attrs, keys::CHAPERONE_FRAMEWORK_NAME),
            provider: first_text(attrs, &[keys::GEN_AI_PROVIDER_NAME, keys::GEN_AI_SYSTEM]),
            request_model: text(attrs, keys::GEN_AI_REQUEST_MODEL),
            response_model: text(attrs, keys::GEN_AI_RESPONSE_MODEL),
            operation: first_text(attrs, &[keys::GEN_AI_OPERATION_NAME, keys::CHAPERONE_OPERATION]),
            service_tier: first_text(attrs, &[keys::OPENAI_RESPONSE_SERVICE_TIER, keys::OPENAI_REQUEST_SERVICE_TIER]),
            request_speed: text(attrs, keys::CHAPERONE_REQUEST_SPEED),
            prompt_name: text(attrs, keys::GEN_AI_PROMPT_NAME),
            prompt_version: text(attrs, keys::GEN_AI_PROMPT_VERSION),
            input_tokens: input.total,
            uncached_tokens: input.uncached,
            cache_read_tokens: input.cache_read,
            cache_write_5m_tokens: input.cache_write_5m,
            cache_write_1h_tokens: input.cache_write_1h,
            output_tokens: u32_of(attrs, keys::GEN_AI_USAGE_OUTPUT_TOKENS),
            reasoning_tokens: u32_of(attrs, keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
            usage_raw: counts(attrs, keys::CHAPERONE_USAGE_RAW),
            usage_source: text(attrs, keys::CHAPERONE_USAGE_SOURCE),
            input_basis: text(attrs, keys::CHAPERONE_USAGE_INPUT_BASIS),
            usage_scope: UsageScope::parse(&text(attrs, keys::CHAPERONE_USAGE_SCOPE)).unwrap_or(UsageScope::Own),
            duplicate_of: text(attrs, keys::CHAPERONE_USAGE_DUPLICATE_OF),
            resent: yes(attrs, keys::CHAPERONE_USAGE_RESENT),
            cost_usd: money(attrs, keys::CHAPERONE_COST_TOTAL),
            cost_input_usd: money(attrs, keys::CHAPERONE_COST_INPUT),
            cost_output_usd: money(attrs, keys::CHAPERONE_COST_OUTPUT),
            cost_cache_usd: money(attrs, keys::CHAPERONE_COST_CACHE),
            cost_tool_usd: money(attrs, keys::CHAPERONE_COST_TOOL),
            cost_source: CostSource::parse(&text(attrs, keys::CHAPERONE_COST_SOURCE)).unwrap_or(CostSource::Unpriced),
            reported_cost: money(attrs, keys::CHAPERONE_COST_REPORTED),
            reported_currency: text(attrs, keys::CHAPERONE_COST_REPORTED_CURRENCY),
            reported_cost_source: text(attrs, keys::CHAPERONE_COST_REPORTED_SOURCE),
            price_id: text(attrs, keys::CHAPERONE_COST_PRICE_ID),
            price_tier: text(attrs, keys::CHAPERONE_COST_TIER),
            ttft_ns: (float(attrs, keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK) * 1e9).round() as u64,
            duration_ns: duration(record),
            finish_reason: texts(attrs, keys::GEN_AI_RESPONSE_FINISH_REASONS).into_iter().next().unwrap_or_default(),
            is_error: is_error(record),
            error_type: text(attrs, keys::ERROR_TYPE),
            failure_type: text(attrs, keys::CHAPERONE_FAILURE_TYPE),
            failure_code: text(attrs, keys::CHAPERONE_FAILURE_CODE),
            attempt_no: u16_or(attrs, keys::CHAPERONE_STEP_ATTEMPT, 1),
            tools_offered: u16_or(attrs, keys::CHAPERONE_LLM_TOOLS_OFFERED, 0),
            tool_calls_made: u16_or(attrs, keys::CHAPERONE_LLM_TOOL_CALLS_MADE, 0),
            is_stream: yes(attrs, keys::GEN_AI_REQUEST_STREAM),
            context_used_ratio: float(attrs, keys::CHAPERONE_LLM_CONTEXT_RATIO) as f32,
            prompt_hash: id(&text(attrs, keys::CHAPERONE_CONTENT_HASH)),
        }
    }
}

/// The user's id, only where it is a digest: a raw id must not reach a column that promises a hash.
fn user_hash<'a>(attrs: Attrs<'a>) -> Cow<'a, str> {
    let user = text(attrs, keys::USER_ID);
    if user.len() >= 32 && user.bytes().all(|b| b.is_ascii_hexdigit()) { user } else { Cow::Borrowed("") }
}
