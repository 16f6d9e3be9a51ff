//! Tools of frameworks: hand-overs, final answers, placeholders. `data/framework_tools.tsv` names them.
//!
//! They do nothing in the world, so they count as requested only; a hand-over is told as a decision.
//! The agent handed over to stands in the tool's name or in its arguments.

use crate::dialects::table::rows;
use serde_json::Value as Json;
use std::sync::LazyLock;

static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let rows = rows(include_str!("../data/framework_tools.tsv"), 4);
    let tools = rows.filter_map(|row| {
        let [name, does, target, source] = row[..] else { return None };
        Some(Tool { name: Name::parse(name), does, target, source_in_arguments: source == "arguments" })
    });
    tools.collect()
});

struct Tool {
    name: Name,
    does: &'static str,
    target: &'static str,
    source_in_arguments: bool,
}

/// A row's name: as it is, with any text in it, or with one text twice.
enum Name {
    Exact(&'static str),
    Around(&'static str, &'static str),
    Twice(&'static str),
}

impl Name {
    fn parse(pattern: &'static str) -> Name {
        match pattern.split_once('*') {
            None => Name::Exact(pattern),
            Some(("", rest)) if rest.ends_with('*') => Name::Twice(rest.trim_end_matches('*')),
            Some((before, after)) => Name::Around(before, after),
        }
    }

    /// The text of the `*`; of an exact name the empty text.
    fn fits<'a>(&self, name: &'a str) -> Option<&'a str> {
        match self {
            Name::Exact(exact) => (*exact == name).then_some(""),
            Name::Around(before, after) => {
                name.strip_prefix(before)?.strip_suffix(after).filter(|middle| !middle.trim().is_empty())
            }
            Name::Twice(between) => {
                let half = name.len().checked_sub(between.len())? / 2;
                let (left, right) = (name.get(..half)?, name.get(half + between.len()..)?);
                (left == right && !left.is_empty() && name.get(half..half + between.len()) == Some(*between)).then_some(left)
            }
        }
    }
}

/// A hand-over to another agent, or to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// Agent that hands over, where the tool says it.
    pub source: Option<String>,
    /// Agent handed over to, where name or arguments of the tool say it.
    pub target: Option<String>,
    /// `transfer` `delegate` `return` `escalate_human`.
    pub how: &'static str,
}

fn find(name: &str) -> Option<(&'static Tool, &str)> {
    if name.is_empty() {
        return None;
    }
    let found = TOOLS.iter().find_map(|tool| Some((tool, tool.name.fits(name)?)));
    found.filter(|(tool, _)| tool.does != "tool")
}

/// Tools that are steps of a framework and do nothing in the world.
pub fn is_framework_tool(name: &str) -> bool {
    find(name).is_some()
}

/// Whether a model ends the run by asking for this tool.
pub(super) fn ends_run(name: &str) -> bool {
    find(name).is_some_and(|(tool, _)| tool.does == "end")
}

/// The hand-over that a call of a tool is, if it is one.
pub fn hand_over(name: &str, arguments: Option<&Json>) -> Option<HandOver> {
    let (tool, middle) = find(name)?;
    if matches!(tool.does, "end" | "placeholder") {
        return None;
    }
    let target = match tool.target.strip_prefix('@') {
        Some(keys) => keys.split(',').find_map(|key| argument(arguments?.get(key)?)),
        None => Some(tool.target).filter(|target| *target != "-").map(|target| target.replace('*', middle)),
    };
    let source = arguments.filter(|_| tool.source_in_arguments).and_then(argument).filter(|source| !source.is_empty());
    Some(HandOver { source, target: target.filter(|target| !target.trim().is_empty()), how: tool.does })
}

/// The name that an argument holds, or a list with one name in it.
fn argument(value: &Json) -> Option<String> {
    match value {
        Json::String(name) => Some(name.trim().to_owned()),
        Json::Array(names) if names.len() == 1 => argument(names.first()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn framework_tools_do_nothing_in_the_world() {
        let names = [
            "transfer_to_billing_agent",
            "ask_billing_agent",
            "delegate_work",
            "final_answer",
            "agent-billing_agent",
            "finish",
            "(merged tools)",
            "Delegate work to coworker",
            "handoff to billing_agent",
            "billing_agent-billing_agent",
            "billing_agent",
        ];
        for name in names {
            assert!(is_framework_tool(name), "{name}");
        }
        for name in ["transfer_money", "ask_user", "search_orders", "create_agent", "get-weather", "", "finish_order", "-"] {
            assert!(!is_framework_tool(name), "{name}");
        }
    }

    #[test]
    fn hand_over_tools_name_the_agent() {
        let check = |name: &str, arguments: Json, expected: Option<(Option<&str>, &str)>| {
            let found = hand_over(name, Some(&arguments));
            assert_eq!(found.as_ref().map(|found| (found.target.as_deref(), found.how)), expected, "{name}");
        };
        check("transfer_to_billing_agent", json!({}), Some((Some("billing_agent"), "transfer")));
        check("transfer_to_agent", json!({"agent_name": "billing"}), Some((Some("billing"), "transfer")));
        check("transfer_back_to_supervisor", json!({}), Some((Some("supervisor"), "return")));
        check("ask_billing_agent", json!({}), Some((Some("billing_agent"), "delegate")));
        check("agent-billing_agent", json!({}), Some((Some("billing_agent"), "delegate")));
        check("billing_agent-billing_agent", json!({}), Some((Some("billing_agent"), "delegate")));
        check("billing_agent", json!({}), Some((Some("billing_agent"), "delegate")));
        check("handoff", json!({"to_agent": "billing", "reason": "x"}), Some((Some("billing"), "transfer")));
        check("handoff", json!("cut {"), Some((None, "transfer")));
        check("Delegate work to coworker", json!({"coworker": "Billing"}), Some((Some("Billing"), "delegate")));
        check("handoff_to_user", json!({}), Some((Some("human"), "escalate_human")));
        let over = hand_over("handoff to billing_agent", Some(&json!("triage_agent"))).unwrap();
        assert_eq!((over.source.as_deref(), over.target.as_deref()), (Some("triage_agent"), Some("billing_agent")));
        for name in ["final_answer", "transfer_to_", "ask_user", "search_orders"] {
            check(name, json!({}), None);
        }
    }
}
