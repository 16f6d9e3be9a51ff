//! What kind of step a record is: the words that emitters have for it, into operations of the conventions or kinds of ours.
//!
//! A sender's own operation stays, except where its dialect's table says `kind:MAP`: some emitters derive the operation from
//! their kind by a map of their own that is wrong (a retriever as `embeddings`, a prompt as `chat`).

use super::gather::{Gathered, KindWord};
use super::mapping::Transform;
use super::plan::Plan;
use super::words::Step;
use crate::keys;
use chaperone_proto::{RecordRef, Value};

/// Map of the conventions' own operation names.
const CONVENTION: &str = "gen_ai";

pub(crate) fn add(record: RecordRef<'_>, gathered: &mut Gathered<'_>, plan: &mut Plan) {
    let is_root = record.as_span().is_some_and(|span| span.parent_span_id().is_none());
    if gathered.kinds.len() > 1 {
        gathered.kinds.sort_by_key(|kind| kind.rank);
    }
    let is_of = |kind: &KindWord<'_>, wanted: fn(Transform) -> bool| wanted(kind.transform) && step(kind).is_some();
    let overrules = gathered.kinds.iter().any(|kind| is_of(kind, |transform| matches!(transform, Transform::Kind(_))));
    let is_told = || gathered.kinds.iter().any(|kind| is_of(kind, |transform| !matches!(transform, Transform::KindElse(_))));
    let has = |key| record.attrs().has(key);
    for kind in &gathered.kinds {
        let step = step(kind);
        let is_convention = kind.map == CONVENTION;
        // The conventions' own operation needs no word beside it.
        let is_own = is_convention || is_operation(kind.word);
        let is_needless = match kind.transform {
            Transform::KindElse(_) => is_told() || step.is_none(),
            Transform::Kind(_) => is_own && step.is_none(),
            _ => (is_own && step.is_none()) || (is_convention && overrules),
        };
        if is_needless {
            continue;
        }
        if !has(keys::CHAPERONE_STEP_NATIVE_KIND) {
            plan.add_str(keys::CHAPERONE_STEP_NATIVE_KIND, kind.word);
        }
        let Some(step) = step else { continue };
        let overrules = matches!(kind.transform, Transform::Kind(_));
        match step.operation(is_root).filter(|_| !is_no_call(record)) {
            Some(operation) => {
                let operation = if operation == "chat" && gathered.is_text_completion { "text_completion" } else { operation };
                // One word that the record says already needs no writing.
                let is_said = || gathered.kinds.len() == 1 && record.attrs().str(keys::GEN_AI_OPERATION_NAME) == Some(operation);
                if is_convention || (overrules && has(keys::GEN_AI_OPERATION_NAME)) {
                    if !is_said() {
                        plan.set(keys::GEN_AI_OPERATION_NAME, Value::Str(operation.to_owned()));
                    }
                } else if !has(keys::GEN_AI_OPERATION_NAME) {
                    plan.add_str(keys::GEN_AI_OPERATION_NAME, operation);
                }
            }
            None if overrules && step.kind().is_none() && has(keys::GEN_AI_OPERATION_NAME) => {
                plan.counts.dropped += 1;
                plan.remove_key(keys::GEN_AI_OPERATION_NAME);
            }
            None => {}
        }
        if let Some(operation) = step.own_operation().filter(|_| !has(keys::CHAPERONE_OPERATION)) {
            plan.add_str(keys::CHAPERONE_OPERATION, operation);
        }
        if let Some(kind) = step.kind().filter(|_| !has(keys::CHAPERONE_STEP_KIND)) {
            plan.add_str(keys::CHAPERONE_STEP_KIND, kind);
        }
    }
}

/// Operations of the conventions.
fn is_operation(word: &str) -> bool {
    const OTHERS: [&str; 8] = [
        "execute_tool",
        "retrieval",
        "invoke_agent",
        "create_agent",
        "invoke_workflow",
        "apply_guardrail",
        "plan",
        "fetch_response",
    ];
    crate::record::is_call_operation(word) || OTHERS.contains(&word)
}

fn step(kind: &KindWord<'_>) -> Option<Step> {
    Step::find(kind.map, kind.word)
}

/// LlamaIndex wraps a call in a span of kind LLM that only prepares it.
fn is_no_call(record: RecordRef<'_>) -> bool {
    record.as_span().is_some_and(|span| span.name().ends_with("._prepare_chat_with_tools"))
}
