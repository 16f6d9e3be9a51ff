//! A span with content: instructions, tools and messages as JSON text.

use super::draw::Draw;
use super::request::{attribute, span as finish, text, texts};
use chaperone_genai::keys;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Made;

/// One span of about 6.9 KB with 20 attributes.
pub fn span(draw: &mut Draw) -> Made {
    let model = draw.one_of(&["gpt-4.1", "claude-sonnet-4", "gemini-2.5-pro"]);
    let input = messages(draw, &["system", "user", "assistant", "tool", "user"], 840);
    let output = messages(draw, &["assistant"], 890);
    let system = draw.prose(600);
    let (response, conversation, agent) = (draw.hex(24), draw.hex(32), draw.prose(20));
    let pairs = [
        (keys::GEN_AI_OPERATION_NAME, text("chat")),
        (keys::GEN_AI_PROVIDER_NAME, text(draw.one_of(&["openai", "anthropic", "gcp.gemini"]))),
        (keys::GEN_AI_REQUEST_MODEL, text(model)),
        (keys::GEN_AI_RESPONSE_MODEL, text(model)),
        (keys::GEN_AI_RESPONSE_ID, text(response)),
        (keys::GEN_AI_CONVERSATION_ID, text(conversation)),
        (keys::GEN_AI_AGENT_NAME, text(agent)),
        (keys::GEN_AI_AGENT_ID, text(draw.hex(16))),
        (keys::GEN_AI_OUTPUT_TYPE, text("text")),
        (keys::GEN_AI_REQUEST_MAX_TOKENS, Value::IntValue(4096)),
        (keys::GEN_AI_REQUEST_TEMPERATURE, Value::DoubleValue(0.2)),
        (keys::GEN_AI_REQUEST_TOP_P, Value::DoubleValue(0.95)),
        (keys::GEN_AI_USAGE_INPUT_TOKENS, Value::IntValue(draw.below(90_000) as i64)),
        (keys::GEN_AI_USAGE_OUTPUT_TOKENS, Value::IntValue(draw.below(4000) as i64)),
        (keys::GEN_AI_RESPONSE_FINISH_REASONS, texts("tool_calls")),
        (keys::SERVER_ADDRESS, text("api.example.com")),
        (keys::SERVER_PORT, Value::IntValue(443)),
        (keys::GEN_AI_SYSTEM_INSTRUCTIONS, text(system)),
        (keys::GEN_AI_INPUT_MESSAGES, text(input)),
        (keys::GEN_AI_OUTPUT_MESSAGES, text(output)),
    ];
    let attributes = pairs.into_iter().map(|(key, value)| attribute(draw, key, value)).collect();
    finish(draw, format!("chat {model}"), attributes)
}

/// Messages as the conventions write them, each with a part of about `len` bytes.
pub(super) fn messages(draw: &mut Draw, roles: &[&str], len: usize) -> String {
    // Prose has neither quotes nor control characters, so it needs no escapes.
    let parts = roles.iter().map(|role| {
        let content = draw.prose(len);
        format!(r#"{{"role":"{role}","parts":[{{"type":"text","content":"{content}"}}]}}"#)
    });
    format!("[{}]", parts.collect::<Vec<_>>().join(","))
}
