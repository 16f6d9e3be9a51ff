//! `chaperone.llm.requests` where the emitter's settings tell it.
//!
//! An agent span that owns tokens because nothing below it does (the Claude Agent SDK's) covers requests that nobody can count: 0.

use super::normalize::text;
use super::plan::Plan;
use super::settings::Settings;
use crate::keys;
use chaperone_proto::{RecordRef, Value};

pub(crate) fn add(record: RecordRef<'_>, settings: &Settings, plan: &mut Plan) {
    if !settings.agents_own() {
        return;
    }
    let is_agent = text(record, plan, keys::GEN_AI_OPERATION_NAME) == Some("invoke_agent");
    if is_agent && !record.attrs().has(keys::CHAPERONE_LLM_REQUESTS) {
        plan.add(keys::CHAPERONE_LLM_REQUESTS, Value::Int(0));
    }
}
