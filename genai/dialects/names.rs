//! Names that stand only in the span's name: of tools, of agents, of the agent a conversation is handed to.
//!
//! Last resort: attributes win, and a name that is more than a name (prose) is not taken.

use super::normalize::text;
use super::plan::Plan;
use crate::keys;
use chaperone_proto::{KeyId, RecordRef};

/// What frameworks append to the name of a tool or agent.
const SUFFIXES: [&str; 8] =
    [".__call__", ".run", ".kickoff", ".tool", ".agent", "._execute_core", ".generate_reply", ".on_messages_stream"];
/// What Anthropic's servers put before the name of a tool they run.
const SERVER_TOOL: &str = "anthropic.tool_use ";
const HANDOFF: &str = "handoff to ";
/// Sentry names both sides.
const HANDOFF_FROM: &str = "handoff from ";

pub(crate) fn add(record: RecordRef<'_>, plan: &mut Plan) {
    let Some(span) = record.as_span() else { return };
    let lacks = |key: KeyId, plan: &Plan| !record.attrs().has(key) && plan.planned(key).is_none();
    let operation = match text(record, plan, keys::GEN_AI_OPERATION_NAME) {
        Some("execute_tool") => "execute_tool",
        Some("invoke_agent") => "invoke_agent",
        _ => "",
    };
    match operation {
        "execute_tool" => {
            if let Some(target) = span.name().strip_prefix(HANDOFF) {
                if lacks(keys::CHAPERONE_HANDOFF_TARGET, plan) {
                    plan.add_str(keys::CHAPERONE_HANDOFF_TARGET, target);
                }
            } else if lacks(keys::GEN_AI_TOOL_NAME, plan)
                && let Some(name) = stem(span.name(), operation)
            {
                plan.add_str(keys::GEN_AI_TOOL_NAME, name);
            }
        }
        "invoke_agent" if lacks(keys::GEN_AI_AGENT_NAME, plan) => {
            // OpenInference's graph node of an agent is the agent; hex ids are spans' ids.
            let node = |key: &str| record.attrs().get_named(key).and_then(chaperone_proto::ValueRef::as_str);
            let graph = node("graph.node.name").or_else(|| node("graph.node.id").filter(|id| !is_hex(id)));
            if let Some(name) = graph.filter(|name| !name.is_empty()).or_else(|| stem(span.name(), operation)) {
                plan.add_str(keys::GEN_AI_AGENT_NAME, name);
            }
        }
        _ => {
            let sides = span.name().strip_prefix(HANDOFF_FROM).and_then(|rest| rest.split_once(" to "));
            if let Some((source, target)) = sides.filter(|_| lacks(keys::CHAPERONE_HANDOFF_TARGET, plan)) {
                plan.add_str(keys::CHAPERONE_HANDOFF_SOURCE, source);
                plan.add_str(keys::CHAPERONE_HANDOFF_TARGET, target);
            }
        }
    }
}

/// The name in `execute_tool NAME`, `NAME.run`, or `NAME`.
fn stem<'a>(span_name: &'a str, operation: &str) -> Option<&'a str> {
    let rest = span_name.strip_prefix(operation).or_else(|| span_name.strip_prefix(SERVER_TOOL));
    let name = rest.map_or(span_name, str::trim_start);
    let name = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    (!name.is_empty() && name.len() <= 64 && !name.contains(['.', ' ', '\n'])).then_some(name)
}

fn is_hex(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
