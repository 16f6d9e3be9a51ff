//! Decisions and evaluations that a span reports: each becomes a span event (contracts, section 2).
//! Hand-overs are told by `steps`, since several records tell of one.
//!
//! An event that stands on the span already (the record came through a collector of ours) is not added again.

use super::gather::Gathered;
use super::mapping::Transform;
use super::normalize::text;
use super::plan::Plan;
use super::values::words_of;
use crate::event_names::DECISION;
use crate::keys;
use crate::record::{hex, record_digest};
use chaperone_proto::{KeyId, RecordRef, SpanRef, Value, ValueRef};
use serde_json::Value as Json;

pub(crate) fn add<'a>(record: RecordRef<'a>, gathered: &mut Gathered<'a>, plan: &mut Plan) {
    let RecordRef::Span(span) = record else { return };
    add_route(span, gathered, plan);
    add_guardrail(span, plan);
    add_answers(record, span, gathered, plan);
    add_evaluations(span, gathered, plan);
}

fn string(text: &str) -> Value {
    Value::Str(text.to_owned())
}

struct Decision<'a> {
    kind: &'a str,
    name: &'a str,
    maker: &'a str,
    outcome: &'a str,
    derivation: &'a str,
}

fn push(span: SpanRef<'_>, decision: &Decision<'_>, more: Vec<(KeyId, Value)>, plan: &mut Plan) {
    let what = format!("{}/{}/{}", decision.kind, decision.name, decision.outcome);
    let id = hex(&record_digest("traces", span.trace_id(), span.span_id(), DECISION, what.as_bytes()));
    let is_there = |key: KeyId| span.events().any(|event| event.name() == DECISION && event.attrs().str(key) == Some(&id));
    if is_there(keys::CHAPERONE_DECISION_ID) {
        return;
    }
    let mut attrs = vec![
        (keys::CHAPERONE_DECISION_ID, string(&id)),
        (keys::CHAPERONE_DECISION_NAME, string(decision.name)),
        (keys::CHAPERONE_DECISION_TYPE, string(decision.kind)),
        (keys::CHAPERONE_DECISION_MAKER_TYPE, string(decision.maker)),
        (keys::CHAPERONE_DECISION_OUTCOME, string(decision.outcome)),
        (keys::CHAPERONE_DECISION_DERIVATION, string(decision.derivation)),
    ];
    attrs.extend(more);
    plan.event(span.end_ns(), DECISION, attrs);
}

/// LangGraph's `Command(goto=...)`: the code of a node chose the next ones.
fn add_route(span: SpanRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    let targets: Vec<String> = gathered
        .specials
        .iter()
        .filter(|(kind, _, _)| *kind == Transform::RouteTarget)
        .flat_map(|(_, _, value)| words_of(*value))
        .collect();
    let source = gathered.special_str(Transform::RouteSource);
    for target in targets {
        let maker = source.map(|source| (keys::CHAPERONE_DECISION_MAKER_NAME, string(source)));
        let decision = Decision { kind: "route", name: "goto", maker: "code", outcome: &target, derivation: "mapped" };
        push(span, &decision, maker.into_iter().collect(), plan);
    }
}

/// A guardrail says whether it was triggered; what that meant for the run, only the sender could say.
fn add_guardrail(span: SpanRef<'_>, plan: &mut Plan) {
    let Some(triggered) = span.attrs().get(keys::GEN_AI_GUARDRAIL_TRIGGERED).and_then(ValueRef::as_bool) else { return };
    let name = span.attrs().str(keys::GEN_AI_GUARDRAIL_NAME).unwrap_or("guardrail");
    let outcome = if triggered { "triggered" } else { "not_triggered" };
    let decision = Decision { kind: "guardrail", name, maker: "rule", outcome, derivation: "mapped" };
    push(span, &decision, Vec::new(), plan);
}

/// Most answers of one decision span that become events.
const MOST_ANSWERS: usize = 32;

/// OpenInference spans of kind DECISION: a decision model answered typed questions, each with a probability.
fn add_answers(record: RecordRef<'_>, span: SpanRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    if text(record, plan, keys::CHAPERONE_OPERATION) != Some("decide") {
        return;
    }
    let output = gathered.special_str(Transform::BlobOutput).and_then(|text| serde_json::from_str::<Json>(text).ok());
    let Some(answers) = output.as_ref().and_then(|output| output.get("answers")) else { return };
    let model = text(record, plan, keys::GEN_AI_RESPONSE_MODEL).map(str::to_owned);
    let named: Vec<(Option<&str>, &Json)> = match answers {
        Json::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Json::Object(pairs) => pairs.iter().map(|(name, item)| (Some(name.as_str()), item)).collect(),
        _ => return,
    };
    for (key, answer) in named.into_iter().take(MOST_ANSWERS) {
        let field = |names: &[&str]| names.iter().find_map(|name| answer.get(*name));
        let name = key.or_else(|| field(&["name", "question", "id"]).and_then(Json::as_str)).unwrap_or("decision");
        let outcome = match field(&["answer", "label", "value", "outcome"]) {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => continue,
        };
        let is_score = field(&["answer", "label", "value", "outcome"]).is_some_and(Json::is_number);
        let kind = if is_score { "score" } else { "classification" };
        let mut more = Vec::new();
        if let Some(model) = &model {
            more.push((keys::CHAPERONE_DECISION_MAKER_NAME, string(model)));
        }
        if let Some(probability) = field(&["probability", "confidence"]).and_then(Json::as_f64) {
            more.push((keys::CHAPERONE_DECISION_CONFIDENCE, Value::Double(probability)));
            more.push((keys::CHAPERONE_DECISION_CONFIDENCE_KIND, string("calibrated_probability")));
        }
        let decision = Decision { kind, name, maker: "decision_model", outcome: &outcome, derivation: "mapped" };
        push(span, &decision, more, plan);
    }
}

/// OpenInference `evaluations.N.*` and `annotations.N.*`.
fn add_evaluations<'a>(span: SpanRef<'a>, gathered: &mut Gathered<'a>, plan: &mut Plan) {
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
