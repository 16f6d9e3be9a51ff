//! What means different things on different steps: names of the model, tool, agent or workflow that it runs or belongs to, `top_k`.
//!
//! `subject`: Genkit calls every action's name `genkit:name`. `owner`: VoltAgent's children inherit the name of their agent or
//! workflow, and `entity.type` tells which of them it is.

use super::gather::Gathered;
use super::mapping::Transform;
use super::normalize::{is_said, text};
use super::plan::Plan;
use crate::keys;
use chaperone_proto::{RecordRef, Value, ValueRef};

/// Says whether the owner is an agent or a workflow.
const OWNER_TYPE: &str = "entity.type";

pub(crate) fn add(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    add_top_k(record, plan);
    for (transform, _, value) in &gathered.specials {
        let key = match transform {
            Transform::Subject => match text(record, plan, keys::GEN_AI_OPERATION_NAME).unwrap_or("") {
                "execute_tool" => keys::GEN_AI_TOOL_NAME,
                "invoke_agent" => keys::GEN_AI_AGENT_NAME,
                "invoke_workflow" => keys::GEN_AI_WORKFLOW_NAME,
                "retrieval" => keys::GEN_AI_DATA_SOURCE_ID,
                operation if crate::record::is_call_operation(operation) => keys::GEN_AI_REQUEST_MODEL,
                _ => keys::CHAPERONE_STEP_NAME,
            },
            Transform::Owner => match record.attrs().get_named(OWNER_TYPE).and_then(ValueRef::as_str) {
                Some("workflow") => keys::GEN_AI_WORKFLOW_NAME,
                _ => keys::GEN_AI_AGENT_NAME,
            },
            _ => continue,
        };
        if let Some(name) = value.as_str().filter(|_| is_said(*value) && !record.attrs().has(key)) {
            plan.add(key, Value::Str(name.to_owned()));
        }
    }
}

/// How many documents a retrieval asks for, which older conventions spelled like the sampling parameter.
fn add_top_k(record: RecordRef<'_>, plan: &mut Plan) {
    let sent = record.attrs().get(keys::GEN_AI_REQUEST_TOP_K).and_then(super::values::int);
    let planned = match plan.planned(keys::GEN_AI_REQUEST_TOP_K) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    let Some(top_k) = planned.or(sent) else { return };
    let is_retrieval = text(record, plan, keys::GEN_AI_OPERATION_NAME) == Some("retrieval");
    if is_retrieval && !record.attrs().has(keys::GEN_AI_RETRIEVAL_TOP_K) {
        plan.add(keys::GEN_AI_RETRIEVAL_TOP_K, Value::Int(top_k));
    }
}
