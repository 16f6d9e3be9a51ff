//! LangGraph's `Command(goto=...)`: the code of a node chose the next ones, one decision each.

use super::super::gather::Gathered;
use super::super::mapping::Transform;
use super::super::plan::Plan;
use super::super::values::words_of;
use super::made::push;
use crate::{event_names, keys};
use chaperone_proto::{RecordRef, Value};

fn string(text: &str) -> Value {
    Value::Str(text.to_owned())
}

pub(super) fn add(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    if gathered.specials.is_empty() {
        return;
    }
    let targets: Vec<String> = gathered
        .specials
        .iter()
        .filter(|(kind, _, _)| *kind == Transform::RouteTarget)
        .flat_map(|(_, _, value)| words_of(*value))
        .collect();
    let source = gathered.special_str(Transform::RouteSource);
    for target in targets {
        let mut pairs = vec![
            (keys::CHAPERONE_DECISION_NAME, string("goto")),
            (keys::CHAPERONE_DECISION_TYPE, string("route")),
            (keys::CHAPERONE_DECISION_MAKER_TYPE, string("code")),
            (keys::CHAPERONE_DECISION_OUTCOME, Value::Str(target)),
            (keys::CHAPERONE_DECISION_DERIVATION, string("mapped")),
        ];
        pairs.extend(source.map(|source| (keys::CHAPERONE_DECISION_MAKER_NAME, string(source))));
        push(record, event_names::DECISION, None, pairs, plan);
    }
}
