//! Every attribute key the code names, once: text, class, and the constant `KeyId` of its place in `ALL`.
//!
//! New keys go to the END of the list: a key's id is its position.
//! Classes are those that `gen_ai_content` goes by (contracts, section 1).
//! Upstream names come from the OpenTelemetry GenAI semantic conventions, newest generation (legacy ones are marked);
//! `chaperone.*` names are ours.

use chaperone_proto::KeyId;

/// What `gen_ai_content` does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Passes.
    Meta,
    /// Kept, pseudonymised or dropped by setting.
    Identity,
    /// Removed, masked or kept by mode.
    Content,
    /// Never passes.
    Secret,
}

macro_rules! keys {
    ($($name:ident = $text:literal, $class:ident;)*) => {
        #[repr(u16)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "positions only, named like the constants")]
        enum Position { $($name),* }
        $(
            #[doc = concat!("`", $text, "`")]
            pub const $name: KeyId = KeyId(Position::$name as u16);
        )*
        /// Texts of all keys; key *i* has `KeyId(i)`.
        pub const ALL: &[&str] = &[$($text),*];
        /// Class of each key of `ALL`.
        pub const CLASSES: &[Class] = &[$(Class::$class),*];
    };
}

/// Installs the constant keys in the process-wide registry; idempotent. Every graph and test set-up calls it.
pub fn install() {
    chaperone_proto::keys::install(ALL);
}

/// Whether a key belongs to the GenAI conventions.
pub fn is_convention(key: &str) -> bool {
    key.starts_with("gen_ai.")
}

/// The part of a key behind the prefix of the GenAI conventions.
pub fn name_in_convention(key: &str) -> Option<&str> {
    key.strip_prefix("gen_ai.")
}

/// What the name of a prompt's variable stands behind.
pub const PROMPT_VARIABLE: &str = "gen_ai.prompt.variable.";

/// Name of the event that carries one evaluation.
pub const EVENT_EVALUATION_RESULT: &str = "gen_ai.evaluation.result";

/// Name of the event that tells how an operation failed.
pub const EVENT_OPERATION_EXCEPTION: &str = "gen_ai.client.operation.exception";

keys! {
    GEN_AI_OPERATION_NAME = "gen_ai.operation.name", Meta;
    GEN_AI_PROVIDER_NAME = "gen_ai.provider.name", Meta;
    GEN_AI_SYSTEM = "gen_ai.system", Meta;
    GEN_AI_REQUEST_MODEL = "gen_ai.request.model", Meta;
    GEN_AI_RESPONSE_MODEL = "gen_ai.response.model", Meta;
    GEN_AI_RESPONSE_ID = "gen_ai.response.id", Meta;
    GEN_AI_CONVERSATION_ID = "gen_ai.conversation.id", Meta;
    GEN_AI_CONVERSATION_COMPACTED = "gen_ai.conversation.compacted", Meta;
    GEN_AI_OUTPUT_TYPE = "gen_ai.output.type", Meta;
    GEN_AI_REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens", Meta;
    GEN_AI_REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count", Meta;
    GEN_AI_REQUEST_TEMPERATURE = "gen_ai.request.temperature", Meta;
    GEN_AI_REQUEST_TOP_P = "gen_ai.request.top_p", Meta;
    GEN_AI_REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty", Meta;
    GEN_AI_REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty", Meta;
    GEN_AI_REQUEST_TOP_K = "gen_ai.request.top_k", Meta;
    GEN_AI_REQUEST_SEED = "gen_ai.request.seed", Meta;
    GEN_AI_REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences", Meta;
    GEN_AI_REQUEST_STREAM = "gen_ai.request.stream", Meta;
    GEN_AI_REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level", Meta;
    GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID = "gen_ai.request.previous_response.id", Meta;
    GEN_AI_REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats", Meta;
    GEN_AI_EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count", Meta;
    GEN_AI_PROMPT_NAME = "gen_ai.prompt.name", Meta;
    GEN_AI_PROMPT_VERSION = "gen_ai.prompt.version", Meta;
    GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons", Meta;
    GEN_AI_RESPONSE_STATUS = "gen_ai.response.status", Meta;
    GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk", Meta;
    GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens", Meta;
    GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens", Meta;
    GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens", Meta;
    GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens", Meta;
    GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS = "gen_ai.usage.cache_creation.input_tokens", Meta;
    GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens", Meta;
    GEN_AI_USAGE_PROMPT_TOKENS = "gen_ai.usage.prompt_tokens", Meta;
    GEN_AI_USAGE_COMPLETION_TOKENS = "gen_ai.usage.completion_tokens", Meta;
    GEN_AI_USAGE_TOTAL_TOKENS = "gen_ai.usage.total_tokens", Meta;
    GEN_AI_USAGE_COST_SOURCE = "gen_ai.usage.cost.source", Meta;
    GEN_AI_AGENT_ID = "gen_ai.agent.id", Meta;
    GEN_AI_AGENT_NAME = "gen_ai.agent.name", Meta;
    GEN_AI_AGENT_DESCRIPTION = "gen_ai.agent.description", Meta;
    GEN_AI_AGENT_VERSION = "gen_ai.agent.version", Meta;
    GEN_AI_WORKFLOW_NAME = "gen_ai.workflow.name", Meta;
    GEN_AI_TOOL_NAME = "gen_ai.tool.name", Meta;
    GEN_AI_TOOL_CALL_ID = "gen_ai.tool.call.id", Meta;
    GEN_AI_TOOL_DESCRIPTION = "gen_ai.tool.description", Meta;
    GEN_AI_TOOL_TYPE = "gen_ai.tool.type", Meta;
    GEN_AI_DATA_SOURCE_ID = "gen_ai.data_source.id", Meta;
    GEN_AI_RETRIEVAL_TOP_K = "gen_ai.retrieval.top_k", Meta;
    GEN_AI_MEMORY_STORE_ID = "gen_ai.memory.store.id", Meta;
    GEN_AI_MEMORY_RECORD_ID = "gen_ai.memory.record.id", Meta;
    GEN_AI_MEMORY_RECORD_COUNT = "gen_ai.memory.record.count", Meta;
    GEN_AI_EVALUATION_NAME = "gen_ai.evaluation.name", Meta;
    GEN_AI_EVALUATION_SCORE_VALUE = "gen_ai.evaluation.score.value", Meta;
    GEN_AI_EVALUATION_SCORE_LABEL = "gen_ai.evaluation.score.label", Meta;
    GEN_AI_TOKEN_TYPE = "gen_ai.token.type", Meta;
    GEN_AI_TOKEN_MODALITY = "gen_ai.token.modality", Meta;
    OPENAI_REQUEST_SERVICE_TIER = "openai.request.service_tier", Meta;
    OPENAI_RESPONSE_SERVICE_TIER = "openai.response.service_tier", Meta;
    OPENAI_RESPONSE_SYSTEM_FINGERPRINT = "openai.response.system_fingerprint", Meta;
    OPENAI_API_TYPE = "openai.api.type", Meta;
    MCP_METHOD_NAME = "mcp.method.name", Meta;
    MCP_SESSION_ID = "mcp.session.id", Meta;
    ERROR_TYPE = "error.type", Meta;
    SERVER_ADDRESS = "server.address", Meta;
    SERVER_PORT = "server.port", Meta;
    EVENT_NAME = "event.name", Meta;
    SERVICE_NAME = "service.name", Meta;
    SERVICE_INSTANCE_ID = "service.instance.id", Meta;
    SERVICE_VERSION = "service.version", Meta;
    DEPLOYMENT_ENVIRONMENT_NAME = "deployment.environment.name", Meta;
    SESSION_ID = "session.id", Meta;
    CHAPERONE_DIALECT_NAME = "chaperone.dialect.name", Meta;
    CHAPERONE_DIALECT_VERSION = "chaperone.dialect.version", Meta;
    CHAPERONE_FRAMEWORK_NAME = "chaperone.framework.name", Meta;
    CHAPERONE_RECORD_ID = "chaperone.record.id", Meta;
    CHAPERONE_RUN_ID = "chaperone.run.id", Meta;
    CHAPERONE_AGENT_SOURCE = "chaperone.agent.source", Meta;
    CHAPERONE_STEP_KIND = "chaperone.step.kind", Meta;
    CHAPERONE_STEP_NAME = "chaperone.step.name", Meta;
    CHAPERONE_STEP_NATIVE_KIND = "chaperone.step.native_kind", Meta;
    CHAPERONE_OPERATION = "chaperone.operation", Meta;
    CHAPERONE_TURN_ID = "chaperone.turn.id", Meta;
    CHAPERONE_REQUEST_ID = "chaperone.request.id", Meta;
    CHAPERONE_REQUEST_SPEED = "chaperone.request.speed", Meta;
    CHAPERONE_RETRY_REASON = "chaperone.retry.reason", Meta;
    CHAPERONE_RETRY_MAX_ATTEMPTS = "chaperone.retry.max_attempts", Meta;
    CHAPERONE_FALLBACK_FROM_MODEL = "chaperone.fallback.from_model", Meta;
    CHAPERONE_FALLBACK_TO_MODEL = "chaperone.fallback.to_model", Meta;
    CHAPERONE_AGENT_INSTANCE_ID = "chaperone.agent.instance.id", Meta;
    CHAPERONE_AGENT_PARENT_ID = "chaperone.agent.parent.id", Meta;
    CHAPERONE_TAGS = "chaperone.tags", Meta;
    CHAPERONE_STEP_ATTEMPT = "chaperone.step.attempt", Meta;
    CHAPERONE_STEP_RETRY_OF = "chaperone.step.retry_of", Meta;
    CHAPERONE_USAGE_SCOPE = "chaperone.usage.scope", Meta;
    CHAPERONE_USAGE_RESENT = "chaperone.usage.resent", Meta;
    CHAPERONE_USAGE_SOURCE = "chaperone.usage.source", Meta;
    CHAPERONE_USAGE_INPUT_BASIS = "chaperone.usage.input_basis", Meta;
    CHAPERONE_USAGE_UNCACHED_INPUT_TOKENS = "chaperone.usage.uncached_input_tokens", Meta;
    CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS = "chaperone.usage.cache_write_5m_tokens", Meta;
    CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS = "chaperone.usage.cache_write_1h_tokens", Meta;
    CHAPERONE_USAGE_DUPLICATE_OF = "chaperone.usage.duplicate_of", Meta;
    CHAPERONE_USAGE_RAW = "chaperone.usage.raw", Meta;
    CHAPERONE_COST_TOTAL = "chaperone.cost.total", Meta;
    CHAPERONE_COST_INPUT = "chaperone.cost.input", Meta;
    CHAPERONE_COST_OUTPUT = "chaperone.cost.output", Meta;
    CHAPERONE_COST_CACHE = "chaperone.cost.cache", Meta;
    CHAPERONE_COST_TOOL = "chaperone.cost.tool", Meta;
    CHAPERONE_COST_REPORTED = "chaperone.cost.reported", Meta;
    CHAPERONE_COST_REPORTED_CURRENCY = "chaperone.cost.reported_currency", Meta;
    CHAPERONE_COST_REPORTED_SOURCE = "chaperone.cost.reported_source", Meta;
    CHAPERONE_COST_SOURCE = "chaperone.cost.source", Meta;
    CHAPERONE_COST_PRICE_ID = "chaperone.cost.price_id", Meta;
    CHAPERONE_COST_TIER = "chaperone.cost.tier", Meta;
    CHAPERONE_TOOL_CLASS = "chaperone.tool.class", Meta;
    CHAPERONE_TOOL_RISK = "chaperone.tool.risk", Meta;
    CHAPERONE_TOOL_ARGUMENTS_HASH = "chaperone.tool.arguments_hash", Meta;
    CHAPERONE_TOOL_RESULT_HASH = "chaperone.tool.result_hash", Meta;
    CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH = "chaperone.tool.arguments_shape_hash", Meta;
    CHAPERONE_TOOL_RESULT_SHAPE_HASH = "chaperone.tool.result_shape_hash", Meta;
    CHAPERONE_TOOL_ARGUMENTS_BYTES = "chaperone.tool.arguments_bytes", Meta;
    CHAPERONE_TOOL_RESULT_BYTES = "chaperone.tool.result_bytes", Meta;
    CHAPERONE_TOOL_EMPTY = "chaperone.tool.empty", Meta;
    CHAPERONE_TOOL_RESOURCE = "chaperone.tool.resource", Meta;
    CHAPERONE_TOOL_SCOPE = "chaperone.tool.scope", Meta;
    CHAPERONE_TOOL_SOURCE = "chaperone.tool.source", Meta;
    CHAPERONE_MCP_SERVER = "chaperone.mcp.server", Meta;
    CHAPERONE_LLM_REQUESTS = "chaperone.llm.requests", Meta;
    CHAPERONE_LLM_TOOLS_OFFERED = "chaperone.llm.tools_offered", Meta;
    CHAPERONE_LLM_TOOL_CALLS_MADE = "chaperone.llm.tool_calls_made", Meta;
    CHAPERONE_LLM_CONTEXT_RATIO = "chaperone.llm.context_ratio", Meta;
    CHAPERONE_CONTENT_HASH = "chaperone.content.hash", Meta;
    CHAPERONE_CONTENT_BYTES = "chaperone.content.bytes", Meta;
    CHAPERONE_CONTENT_TRUNCATED = "chaperone.content.truncated", Meta;
    CHAPERONE_FAILURE_TYPE = "chaperone.failure.type", Meta;
    CHAPERONE_FAILURE_CODE = "chaperone.failure.code", Meta;
    CHAPERONE_FAILURE_STAGE = "chaperone.failure.stage", Meta;
    CHAPERONE_FAILURE_RETRYABLE = "chaperone.failure.retryable", Meta;
    CHAPERONE_HANDOFF_SOURCE = "chaperone.handoff.source", Meta;
    CHAPERONE_HANDOFF_TARGET = "chaperone.handoff.target", Meta;
    CHAPERONE_HANDOFF_TYPE = "chaperone.handoff.type", Meta;
    CHAPERONE_AGENT_ENVIRONMENT = "chaperone.agent.environment", Meta;
    CHAPERONE_TEAM = "chaperone.team", Meta;
    CHAPERONE_TENANT = "chaperone.tenant", Meta;
    CHAPERONE_AUDIT_ID = "chaperone.audit.id", Meta;
    CHAPERONE_DECISION_ID = "chaperone.decision.id", Meta;
    CHAPERONE_DECISION_NAME = "chaperone.decision.name", Meta;
    CHAPERONE_DECISION_TYPE = "chaperone.decision.type", Meta;
    CHAPERONE_DECISION_MAKER_TYPE = "chaperone.decision.maker.type", Meta;
    CHAPERONE_DECISION_MAKER_NAME = "chaperone.decision.maker.name", Meta;
    CHAPERONE_DECISION_OUTCOME = "chaperone.decision.outcome", Meta;
    CHAPERONE_DECISION_NATIVE_OUTCOME = "chaperone.decision.native_outcome", Meta;
    CHAPERONE_DECISION_REASON_CODE = "chaperone.decision.reason_code", Meta;
    CHAPERONE_DECISION_CANDIDATES = "chaperone.decision.candidates", Meta;
    CHAPERONE_DECISION_CANDIDATE_SCORES = "chaperone.decision.candidate_scores", Meta;
    CHAPERONE_DECISION_CONFIDENCE = "chaperone.decision.confidence", Meta;
    CHAPERONE_DECISION_CONFIDENCE_KIND = "chaperone.decision.confidence_kind", Meta;
    CHAPERONE_DECISION_THRESHOLD = "chaperone.decision.threshold", Meta;
    CHAPERONE_DECISION_SUBJECT_TYPE = "chaperone.decision.subject.type", Meta;
    CHAPERONE_DECISION_SUBJECT_ID = "chaperone.decision.subject.id", Meta;
    CHAPERONE_DECISION_DERIVATION = "chaperone.decision.derivation", Meta;
    CHAPERONE_RUN_ALIASES = "chaperone.run.aliases", Meta;
    CHAPERONE_RUN_VERSION = "chaperone.run.version", Meta;
    CHAPERONE_RUN_STATUS = "chaperone.run.status", Meta;
    CHAPERONE_RUN_TRACE_ID = "chaperone.run.trace_id", Meta;
    CHAPERONE_RUN_SESSION_ID = "chaperone.run.session_id", Meta;
    CHAPERONE_RUN_USER_HASH = "chaperone.run.user_hash", Meta;
    CHAPERONE_RUN_AGENT_NAME = "chaperone.run.agent.name", Meta;
    CHAPERONE_RUN_AGENT_VERSION = "chaperone.run.agent.version", Meta;
    CHAPERONE_RUN_SERVICE = "chaperone.run.service", Meta;
    CHAPERONE_RUN_ENVIRONMENT = "chaperone.run.environment", Meta;
    CHAPERONE_RUN_TEAM = "chaperone.run.team", Meta;
    CHAPERONE_RUN_PARENT_RUN_ID = "chaperone.run.parent_run_id", Meta;
    CHAPERONE_RUN_FIRST_SEEN = "chaperone.run.first_seen", Meta;
    CHAPERONE_RUN_START = "chaperone.run.start", Meta;
    CHAPERONE_RUN_END = "chaperone.run.end", Meta;
    CHAPERONE_RUN_FINISH_REASON = "chaperone.run.finish_reason", Meta;
    CHAPERONE_RUN_TAGS = "chaperone.run.tags", Meta;
    CHAPERONE_RUN_SPANS = "chaperone.run.spans", Meta;
    CHAPERONE_RUN_STEPS = "chaperone.run.steps", Meta;
    CHAPERONE_RUN_LLM_CALLS = "chaperone.run.llm_calls", Meta;
    CHAPERONE_RUN_TOOL_CALLS = "chaperone.run.tool_calls", Meta;
    CHAPERONE_RUN_TOOL_CALLS_REQUESTED = "chaperone.run.tool_calls_requested", Meta;
    CHAPERONE_RUN_RETRIES = "chaperone.run.retries", Meta;
    CHAPERONE_RUN_ERRORS = "chaperone.run.errors", Meta;
    CHAPERONE_RUN_RECOVERED_ERRORS = "chaperone.run.recovered_errors", Meta;
    CHAPERONE_RUN_TIMEOUTS = "chaperone.run.timeouts", Meta;
    CHAPERONE_RUN_APPROVALS = "chaperone.run.approvals", Meta;
    CHAPERONE_RUN_LATE_SPANS = "chaperone.run.late_spans", Meta;
    CHAPERONE_RUN_DELEGATION_DEPTH = "chaperone.run.delegation_depth", Meta;
    CHAPERONE_RUN_TOKENS_INPUT = "chaperone.run.tokens.input", Meta;
    CHAPERONE_RUN_TOKENS_OUTPUT = "chaperone.run.tokens.output", Meta;
    CHAPERONE_RUN_TOKENS_CACHE_READ = "chaperone.run.tokens.cache_read", Meta;
    CHAPERONE_RUN_TOKENS_CACHE_WRITE_5M = "chaperone.run.tokens.cache_write_5m", Meta;
    CHAPERONE_RUN_TOKENS_CACHE_WRITE_1H = "chaperone.run.tokens.cache_write_1h", Meta;
    CHAPERONE_RUN_TOKENS_REASONING = "chaperone.run.tokens.reasoning", Meta;
    CHAPERONE_RUN_COST = "chaperone.run.cost", Meta;
    CHAPERONE_RUN_COST_IS_LOWER_BOUND = "chaperone.run.cost_is_lower_bound", Meta;
    CHAPERONE_RUN_USAGE_FROM_AGGREGATE = "chaperone.run.usage_from_aggregate", Meta;
    CHAPERONE_RUN_UNPRICED_CALLS = "chaperone.run.unpriced_calls", Meta;
    CHAPERONE_RUN_MODELS = "chaperone.run.models", Meta;
    CHAPERONE_RUN_TOOLS = "chaperone.run.tools", Meta;
    CHAPERONE_RUN_AGENTS = "chaperone.run.agents", Meta;
    CHAPERONE_RUN_FINDINGS = "chaperone.run.findings", Meta;
    CHAPERONE_RUN_ANOMALY_SCORE = "chaperone.run.anomaly_score", Meta;
    CHAPERONE_RUN_CRITICAL_PATH_NS = "chaperone.run.critical_path_ns", Meta;
    CHAPERONE_RUN_EDGES = "chaperone.run.edges", Meta;
    CHAPERONE_RUN_STEP_FACTS = "chaperone.run.step_facts", Meta;
    CHAPERONE_RUN_STEPS_TRUNCATED = "chaperone.run.steps_truncated", Meta;
    CHAPERONE_RUN_SAMPLED_OUT = "chaperone.run.sampled_out", Meta;
    CHAPERONE_FINDING_ID = "chaperone.finding.id", Meta;
    CHAPERONE_FINDING_DETECTOR = "chaperone.finding.detector", Meta;
    CHAPERONE_FINDING_VERSION = "chaperone.finding.version", Meta;
    CHAPERONE_FINDING_SCORE = "chaperone.finding.score", Meta;
    CHAPERONE_FINDING_SEVERITY = "chaperone.finding.severity", Meta;
    CHAPERONE_FINDING_KEY = "chaperone.finding.key", Meta;
    CHAPERONE_FINDING_FIRST_SEEN = "chaperone.finding.first_seen", Meta;
    CHAPERONE_FINDING_LAST_SEEN = "chaperone.finding.last_seen", Meta;
    CHAPERONE_FINDING_COUNT = "chaperone.finding.count", Meta;
    CHAPERONE_FINDING_SPAN_IDS = "chaperone.finding.span_ids", Meta;
    CHAPERONE_FINDING_VALUES = "chaperone.finding.values", Meta;
    CHAPERONE_FINDING_THRESHOLDS = "chaperone.finding.thresholds", Meta;
    CHAPERONE_FINDING_BASELINE = "chaperone.finding.baseline", Meta;
    CHAPERONE_FINDING_SNIPPET = "chaperone.finding.snippet", Meta;
    CHAPERONE_FINDING_WHY_NOT_HIGHER = "chaperone.finding.why_not_higher", Meta;
    CHAPERONE_FINDING_DEGRADED = "chaperone.finding.degraded", Meta;
    CHAPERONE_ALERT_ID = "chaperone.alert.id", Meta;
    CHAPERONE_ALERT_FINGERPRINT = "chaperone.alert.fingerprint", Meta;
    CHAPERONE_ALERT_RULE = "chaperone.alert.rule", Meta;
    CHAPERONE_ALERT_CATEGORY = "chaperone.alert.category", Meta;
    CHAPERONE_ALERT_STATE = "chaperone.alert.state", Meta;
    CHAPERONE_ALERT_SEVERITY = "chaperone.alert.severity", Meta;
    CHAPERONE_ALERT_LABELS = "chaperone.alert.labels", Meta;
    CHAPERONE_ALERT_TAGS = "chaperone.alert.tags", Meta;
    CHAPERONE_ALERT_ANNOTATIONS = "chaperone.alert.annotations", Meta;
    CHAPERONE_ALERT_VALUE = "chaperone.alert.value", Meta;
    CHAPERONE_ALERT_THRESHOLD = "chaperone.alert.threshold", Meta;
    CHAPERONE_ALERT_WINDOW = "chaperone.alert.window", Meta;
    CHAPERONE_ALERT_OCCURRENCES = "chaperone.alert.occurrences", Meta;
    CHAPERONE_ALERT_FIRST_SEEN = "chaperone.alert.first_seen", Meta;
    CHAPERONE_ALERT_LAST_SEEN = "chaperone.alert.last_seen", Meta;
    CHAPERONE_ALERT_FINDING_IDS = "chaperone.alert.finding_ids", Meta;
    CHAPERONE_ALERT_SPAN_IDS = "chaperone.alert.span_ids", Meta;
    CHAPERONE_ALERT_RUN_ID = "chaperone.alert.run_id", Meta;
    CHAPERONE_ALERT_AGENT = "chaperone.alert.agent", Meta;
    CHAPERONE_ALERT_ACTOR = "chaperone.alert.actor", Meta;
    CHAPERONE_ALERT_NOTE = "chaperone.alert.note", Meta;
    CHAPERONE_ALERT_SEQ = "chaperone.alert.seq", Meta;
    CHAPERONE_ALERT_IDEMPOTENCY_KEY = "chaperone.alert.idempotency_key", Meta;
    CHAPERONE_NOTIFICATION_ALERT_ID = "chaperone.notification.alert_id", Meta;
    CHAPERONE_NOTIFICATION_CHANNEL = "chaperone.notification.channel", Meta;
    CHAPERONE_NOTIFICATION_OUTCOME = "chaperone.notification.outcome", Meta;
    CHAPERONE_NOTIFICATION_ATTEMPT = "chaperone.notification.attempt", Meta;
    CHAPERONE_NOTIFICATION_LATENCY = "chaperone.notification.latency", Meta;
    CHAPERONE_QUALITY_SIGNAL_TYPE = "chaperone.quality_signal.type", Meta;
    CHAPERONE_QUALITY_SIGNAL_CODE = "chaperone.quality_signal.code", Meta;
    CHAPERONE_QUALITY_SIGNAL_VALUE = "chaperone.quality_signal.value", Meta;
    CHAPERONE_QUALITY_SIGNAL_WEIGHT = "chaperone.quality_signal.weight", Meta;
    CHAPERONE_QUALITY_SIGNAL_NUMBER = "chaperone.quality_signal.number", Meta;
    CHAPERONE_QUALITY_SIGNAL_DERIVATION = "chaperone.quality_signal.derivation", Meta;
    CHAPERONE_APPROVAL_OUTCOME = "chaperone.approval.outcome", Meta;
    CHAPERONE_APPROVAL_SOURCE = "chaperone.approval.source", Meta;
    CHAPERONE_APPROVAL_WAIT_DURATION = "chaperone.approval.wait_duration", Meta;
    CHAPERONE_EVENT_NAME = "chaperone.event.name", Meta;
    CHAPERONE_EVALUATION_EVALUATOR_TYPE = "chaperone.evaluation.evaluator.type", Meta;
    CHAPERONE_EVALUATION_EVALUATOR_NAME = "chaperone.evaluation.evaluator.name", Meta;
    EXCEPTION_TYPE = "exception.type", Meta;
    USER_ID = "user.id", Identity;
    USER_EMAIL = "user.email", Identity;
    ENDUSER_ID = "enduser.id", Identity;
    GEN_AI_SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions", Content;
    GEN_AI_INPUT_MESSAGES = "gen_ai.input.messages", Content;
    GEN_AI_OUTPUT_MESSAGES = "gen_ai.output.messages", Content;
    GEN_AI_TOOL_DEFINITIONS = "gen_ai.tool.definitions", Content;
    GEN_AI_TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments", Content;
    GEN_AI_TOOL_CALL_RESULT = "gen_ai.tool.call.result", Content;
    GEN_AI_RETRIEVAL_QUERY_TEXT = "gen_ai.retrieval.query.text", Content;
    GEN_AI_RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents", Content;
    GEN_AI_MEMORY_QUERY_TEXT = "gen_ai.memory.query.text", Content;
    GEN_AI_MEMORY_RECORDS = "gen_ai.memory.records", Content;
    GEN_AI_EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation", Content;
    CHAPERONE_DECISION_RATIONALE = "chaperone.decision.rationale", Content;
    DB_QUERY_TEXT = "db.query.text", Content;
    EXCEPTION_MESSAGE = "exception.message", Content;
    EXCEPTION_STACKTRACE = "exception.stacktrace", Content;
    URL_FULL = "url.full", Content;
    INPUT_VALUE = "input.value", Content;
    OUTPUT_VALUE = "output.value", Content;
    SERVICE_NAMESPACE = "service.namespace", Meta;
    GEN_AI_PROMPT = "gen_ai.prompt", Content;
    GEN_AI_COMPLETION = "gen_ai.completion", Content;
    CHAPERONE_RESPONSE_NATIVE_FINISH_REASONS = "chaperone.response.native_finish_reasons", Meta;
    GEN_AI_USAGE_AUDIO_INPUT_TOKENS = "gen_ai.usage.audio.input_tokens", Meta;
    GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS = "gen_ai.usage.audio.output_tokens", Meta;
    GEN_AI_USAGE_IMAGE_INPUT_TOKENS = "gen_ai.usage.image.input_tokens", Meta;
    GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS = "gen_ai.usage.image.output_tokens", Meta;
    ANTHROPIC_RESPONSE_SERVICE_TIER = "anthropic.response.service_tier", Meta;
    LITELLM_CACHE_HIT = "litellm.cache_hit", Meta;
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code", Meta;
    LLM_TOKEN_COUNT_TOTAL = "llm.token_count.total", Meta;
    GEN_AI_GUARDRAIL_NAME = "gen_ai.guardrail.name", Meta;
    GEN_AI_GUARDRAIL_TRIGGERED = "gen_ai.guardrail.triggered", Meta;
    GEN_AI_EVENT_CONTENT = "gen_ai.event.content", Content;
    RPC_GRPC_STATUS_CODE = "rpc.grpc.status_code", Meta;
    GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.audio.cache_read.input_tokens", Meta;
    GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.image.cache_read.input_tokens", Meta;
    CHAPERONE_USAGE_WEB_SEARCHES = "chaperone.usage.web_searches", Meta;
    CHAPERONE_USAGE_FILE_SEARCHES = "chaperone.usage.file_searches", Meta;
    CHAPERONE_COST_PRICE_SINCE = "chaperone.cost.price_since", Meta;
    CHAPERONE_REQUEST_REGION = "chaperone.request.region", Meta;
}
