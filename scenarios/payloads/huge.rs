//! A span with a long conversation: what an agent sends on its fiftieth step.

use super::chat::{messages, span as chat};
use super::draw::Draw;
use super::request::text;
use chaperone_genai::keys;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span as Made;

/// One span of about 107 KB: that of *chat*, with other messages in the last two of its 20 attributes.
pub fn span(draw: &mut Draw) -> Made {
    let mut span = chat(draw);
    let long =
        [(keys::GEN_AI_INPUT_MESSAGES, input(draw)), (keys::GEN_AI_OUTPUT_MESSAGES, messages(draw, &["assistant"], 6_000))];
    let from = span.attributes.len() - long.len();
    for (attribute, (key, value)) in span.attributes[from..].iter_mut().zip(long) {
        attribute.key = keys::ALL[usize::from(key.0)].to_owned();
        attribute.value = Some(AnyValue { value: Some(text(value)) });
    }
    span
}

fn input(draw: &mut Draw) -> String {
    let roles: Vec<&str> = std::iter::repeat_n(["user", "assistant", "tool"], 16).flatten().collect();
    messages(draw, &roles, 2_010)
}
