//! OpenInference `evaluations.N.*` and `annotations.N.*`: each becomes the conventions' evaluation event.

use super::super::gather::Gathered;
use super::super::plan::Plan;
use crate::keys;
use chaperone_proto::{KeyId, SpanRef, Value, ValueRef};

fn string(text: &str) -> Value {
    Value::Str(text.to_owned())
}

pub(super) fn add<'a>(span: SpanRef<'a>, gathered: &mut Gathered<'a>, plan: &mut Plan) {
    let event_name = keys::EVENT_EVALUATION_RESULT;
    let known = span.events().filter(|event| event.name() == event_name).count();
    if gathered.evaluations.is_empty() || known > 0 {
        return;
    }
    for element in gathered.evaluations.objects() {
        let mut attrs = Vec::new();
        for (leaf, value) in element {
            let leaf = leaf.strip_prefix("annotation.").or_else(|| leaf.strip_prefix("evaluation.")).unwrap_or(leaf);
            let copied = |key: KeyId| value.as_str().map(|text| (key, string(text)));
            let attr = match leaf {
                "name" => copied(keys::GEN_AI_EVALUATION_NAME),
                "label" => copied(keys::GEN_AI_EVALUATION_SCORE_LABEL),
                "explanation" => copied(keys::GEN_AI_EVALUATION_EXPLANATION),
                "score" => value.as_f64().map(|score| (keys::GEN_AI_EVALUATION_SCORE_VALUE, Value::Double(score))),
                "annotator_kind" => evaluator(value).map(|kind| (keys::CHAPERONE_EVALUATION_EVALUATOR_TYPE, string(kind))),
                _ => None,
            };
            attrs.extend(attr);
        }
        if !attrs.is_empty() {
            plan.event(span.end_ns(), event_name, attrs);
        }
    }
}

fn evaluator(value: ValueRef<'_>) -> Option<&'static str> {
    match value.as_str()?.to_ascii_uppercase().as_str() {
        "HUMAN" => Some("human"),
        "LLM" => Some("model"),
        "CODE" => Some("code"),
        _ => None,
    }
}
