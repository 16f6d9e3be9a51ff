//! Decisions, hand-overs and evaluations that a span reports: each becomes a span event (contracts, section 2).
//!
//! An event that stands on the span already (the record came through a collector of ours) is not added again.

use super::gather::Gathered;
use super::mapping::Transform;
use super::normalize::text;
use super::plan::Plan;
use super::values::words_of;
use crate::keys;
use crate::record::{hex, record_digest};
use chaperone_proto::{KeyId, RecordRef, SpanRef, Value, ValueRef};

const DECISION: &str = "chaperone.decision";

pub(crate) fn add<'a>(record: RecordRef<'a>, gathered: &mut Gathered<'a>, plan: &mut Plan) {
    let RecordRef::Span(span) = record else { return };
    add_handoff(record, span, plan);
    add_route(span, gathered, plan);
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
    let what = format!("{}/{}", decision.kind, decision.outcome);
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

fn add_handoff(record: RecordRef<'_>, span: SpanRef<'_>, plan: &mut Plan) {
    let named = |key| text(record, plan, key).map(str::to_owned);
    let Some(target) = named(keys::CHAPERONE_HANDOFF_TARGET) else { return };
    let mut more = vec![(keys::CHAPERONE_HANDOFF_TARGET, string(&target))];
    if let Some(source) = named(keys::CHAPERONE_HANDOFF_SOURCE) {
        more.push((keys::CHAPERONE_HANDOFF_SOURCE, string(&source)));
    }
    more.push((keys::CHAPERONE_HANDOFF_TYPE, string("transfer")));
    let decision = Decision { kind: "handoff", name: "handoff", maker: "model", outcome: &target, derivation: "mapped" };
    push(span, &decision, more, plan);
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
