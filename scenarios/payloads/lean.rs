//! A small span: a model call without content.

use super::draw::Draw;
use super::request::{attribute, span as finish, text, texts};
use chaperone_genai::keys;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Made;

/// One span of about 552 bytes with 12 attributes.
pub fn span(draw: &mut Draw) -> Made {
    let model = draw.one_of(&["gpt-4.1-mini", "claude-haiku-4", "gemini-2.5"]);
    let (response, conversation, agent) = (draw.hex(18), draw.hex(22), draw.prose(24));
    let pairs = [
        (keys::GEN_AI_OPERATION_NAME, text("chat")),
        (keys::GEN_AI_PROVIDER_NAME, text(draw.one_of(&["openai", "anthropic", "gcp.gemini"]))),
        (keys::GEN_AI_REQUEST_MODEL, text(model)),
        (keys::GEN_AI_RESPONSE_MODEL, text(model)),
        (keys::GEN_AI_RESPONSE_ID, text(response)),
        (keys::GEN_AI_USAGE_INPUT_TOKENS, Value::IntValue(draw.below(9000) as i64)),
        (keys::GEN_AI_USAGE_OUTPUT_TOKENS, Value::IntValue(draw.below(900) as i64)),
        (keys::GEN_AI_REQUEST_TEMPERATURE, Value::DoubleValue(0.7)),
        (keys::GEN_AI_RESPONSE_FINISH_REASONS, texts("stop")),
        (keys::GEN_AI_AGENT_NAME, text(agent)),
        (keys::GEN_AI_CONVERSATION_ID, text(conversation)),
        (keys::SERVER_PORT, Value::IntValue(443)),
    ];
    let attributes = pairs.into_iter().map(|(key, value)| attribute(draw, key, value)).collect();
    finish(draw, format!("chat {model}"), attributes)
}
