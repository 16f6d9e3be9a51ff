-- Spans and log records that are an inference or embedding call.
-- Exact reading: FINAL and UsageScope = 'self'; a resent row whose first copy was never stored counts then.
-- Without FINAL also NOT Resent.
CREATE TABLE IF NOT EXISTS {db}.agent_llm_calls (
    Tenant LowCardinality(String) DEFAULT '',
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    RunId String CODEC(ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    RecordId FixedString(16),
    Signal Enum8('span' = 0, 'log' = 1),
    Requests UInt16 DEFAULT 1,
    SessionId String CODEC(ZSTD(1)),
    UserHash String CODEC(ZSTD(1)),
    RequestId String CODEC(ZSTD(1)),
    ResponseId String CODEC(ZSTD(1)),
    AgentName LowCardinality(String),
    AgentSource LowCardinality(String),
    AgentVersion LowCardinality(String),
    Environment LowCardinality(String),
    Team LowCardinality(String),
    Dialect LowCardinality(String),
    Framework LowCardinality(String),
    Provider LowCardinality(String),
    RequestModel LowCardinality(String),
    ResponseModel LowCardinality(String),
    Operation LowCardinality(String),
    ServiceTier LowCardinality(String),
    RequestSpeed LowCardinality(String),
    PromptName LowCardinality(String),
    PromptVersion LowCardinality(String),
    -- Disjoint buckets: input = uncached + cache read + cache writes; reasoning is inside output.
    InputTokens UInt32 CODEC(T64, ZSTD(1)),
    UncachedTokens UInt32 CODEC(T64, ZSTD(1)),
    CacheReadTokens UInt32 CODEC(T64, ZSTD(1)),
    CacheWrite5mTokens UInt32 CODEC(T64, ZSTD(1)),
    CacheWrite1hTokens UInt32 CODEC(T64, ZSTD(1)),
    OutputTokens UInt32 CODEC(T64, ZSTD(1)),
    ReasoningTokens UInt32 CODEC(T64, ZSTD(1)),
    AudioInTokens UInt32,
    AudioOutTokens UInt32,
    ImageInTokens UInt32,
    ImageOutTokens UInt32,
    -- As received, so that a corrected price or mapping can be replayed.
    UsageRaw Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)),
    UsageSource LowCardinality(String),
    InputBasis LowCardinality(String),
    -- Only self is counted.
    UsageScope Enum8('self' = 0, 'aggregate' = 1, 'duplicate' = 2),
    -- The owner: span id of a span (16 digits), record id of a log (32).
    DuplicateOf String CODEC(ZSTD(1)),
    Resent Bool,
    FirstCopy UInt8 MATERIALIZED NOT Resent,
    -- The row that says how the call went: the owner, or the span of a call whose tokens a log owns.
    Measured Bool MATERIALIZED UsageScope = 'self'
        OR (UsageScope = 'duplicate' AND Signal = 'span' AND (length(DuplicateOf) != 16 OR DuplicateOf = SpanId)),
    CostUsd Decimal(18, 12),
    CostInputUsd Decimal(18, 12),
    CostOutputUsd Decimal(18, 12),
    CostCacheUsd Decimal(18, 12),
    CostToolUsd Decimal(18, 12),
    CostSource Enum8('unpriced' = 0, 'computed' = 1, 'reported' = 2, 'subscription' = 3, 'cache_hit' = 4, 'estimated' = 5),
    -- What the sender said; never summed.
    ReportedCost Decimal(18, 12),
    ReportedCurrency LowCardinality(String),
    ReportedCostSource LowCardinality(String),
    PriceId LowCardinality(String),
    PriceTier LowCardinality(String),
    -- 0 = not known.
    TtftNs UInt64 CODEC(T64, ZSTD(1)),
    DurationNs UInt64 CODEC(T64, ZSTD(1)),
    FinishReason LowCardinality(String),
    IsError Bool,
    ErrorType LowCardinality(String),
    FailureType LowCardinality(String),
    FailureCode LowCardinality(String),
    HttpStatus UInt16,
    AttemptNo UInt16 DEFAULT 1,
    ToolsOffered UInt16,
    ToolCallsMade UInt16,
    IsStream Bool,
    ContextUsedRatio Float32,
    PromptHash FixedString(16),
    INDEX idx_run RunId TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(FirstCopy)
PARTITION BY toDate(Timestamp)
ORDER BY (Tenant, toStartOfHour(Timestamp), ResponseModel, RunId, RecordId)
{ttl:toDateTime(Timestamp)}
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 100000
