//! Names of the metrics we make: the semantic conventions' newest generation, and ours where they have none.
//!
//! Source: OpenTelemetry GenAI semantic conventions, development version after 1.42; `chaperone.*` are ours.

/// Duration of inference calls, histogram in seconds.
pub const INFERENCE_DURATION: &str = "gen_ai.client.inference.duration";
/// Duration of client operations that are no inference, histogram in seconds.
pub const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
/// Time to first chunk of streamed answers, histogram in seconds.
pub const TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.inference.time_to_first_chunk";
/// Input tokens, cached ones included, counter.
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.client.inference.usage.input_tokens";
/// Output tokens, reasoning included, counter.
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.client.inference.usage.output_tokens";
/// Input tokens read from a cache, counter; part of the input tokens.
pub const USAGE_CACHE_READ: &str = "gen_ai.client.inference.usage.cache_read.input_tokens";
/// Input tokens written to a cache, counter; part of the input tokens.
pub const USAGE_CACHE_WRITE: &str = "gen_ai.client.inference.usage.cache_write.input_tokens";
/// Reasoning tokens, counter; part of the output tokens.
pub const USAGE_REASONING: &str = "gen_ai.client.inference.usage.reasoning.output_tokens";
/// Input tokens of one call, histogram.
pub const OPERATION_INPUT_TOKENS: &str = "gen_ai.client.inference.operation.input_tokens";
/// Output tokens of one call, histogram.
pub const OPERATION_OUTPUT_TOKENS: &str = "gen_ai.client.inference.operation.output_tokens";
/// Duration of tool executions, histogram in seconds.
pub const EXECUTE_TOOL_DURATION: &str = "gen_ai.execute_tool.duration";
/// Duration of agent invocations, histogram in seconds.
pub const INVOKE_AGENT_DURATION: &str = "gen_ai.invoke_agent.duration";
/// Cost of inference calls, counter in US dollars.
pub const INFERENCE_COST: &str = "chaperone.client.inference.cost";
/// Tool calls, requested or executed, counter.
pub const TOOL_CALLS: &str = "chaperone.tool.calls";
/// Decisions that were reported or found, counter.
pub const DECISIONS: &str = "chaperone.decision.count";
/// Confidence of decisions that have one, histogram from 0 to 1.
pub const DECISION_CONFIDENCE: &str = "chaperone.decision.confidence";
/// How long approvals were waited for, histogram in seconds.
pub const APPROVAL_WAIT: &str = "chaperone.approval.wait_duration";
/// Attempts after the first, counter.
pub const RETRIES: &str = "chaperone.retry.count";
/// Hand-overs from agent to agent, counter.
pub const HANDOFFS: &str = "chaperone.handoff.count";
/// Scores of evaluations, histogram.
pub const EVALUATION_VALUE: &str = "chaperone.evaluation.value";
/// Start of the names of metrics that agents make themselves and that we make too.
pub const NATIVE_PREFIX: &str = "gen_ai.";
