//! Spans of a decision model (OpenInference's kind DECISION, Pydantic AI's `decide`): typed questions, each answered with a probability.
//!
//! One event an answer. A number answers with a score, anything else with a class.

use super::super::gather::Gathered;
use super::super::mapping::Transform;
use super::super::normalize::text;
use super::super::plan::Plan;
use super::made::push;
use crate::{event_names, keys};
use chaperone_proto::{RecordRef, Value};
use serde_json::Value as Json;

/// Most answers of one decision span that become events.
const MOST_ANSWERS: usize = 32;

pub(super) fn add(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    if text(record, plan, keys::CHAPERONE_OPERATION) != Some("decide") {
        return;
    }
    let output = gathered.special_str(Transform::BlobOutput).and_then(|text| serde_json::from_str::<Json>(text).ok());
    let own = gathered.special_str(Transform::DecisionAnswers).and_then(|text| serde_json::from_str::<Json>(text).ok());
    let Some(answers) = own.as_ref().or_else(|| output.as_ref()?.get("answers")) else { return };
    let model = text(record, plan, keys::GEN_AI_RESPONSE_MODEL).map(str::to_owned);
    let named: Vec<(Option<&str>, &Json)> = match answers {
        Json::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Json::Object(pairs) => pairs.iter().map(|(name, item)| (Some(name.as_str()), item)).collect(),
        _ => return,
    };
    for (key, answer) in named.into_iter().take(MOST_ANSWERS) {
        let field = |names: &[&str]| names.iter().find_map(|name| answer.get(*name));
        let name = key.or_else(|| field(&["name", "question", "id"]).and_then(Json::as_str)).unwrap_or("decision");
        let said = field(&["answer", "label", "value", "outcome", "choice", "score", "noul"]);
        let outcome = match said {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => continue,
        };
        let kind = if said.is_some_and(Json::is_number) { "score" } else { "classification" };
        let string = |text: &str| Value::Str(text.to_owned());
        let mut pairs = vec![
            (keys::CHAPERONE_DECISION_NAME, string(name)),
            (keys::CHAPERONE_DECISION_TYPE, string(kind)),
            (keys::CHAPERONE_DECISION_MAKER_TYPE, string("decision_model")),
            (keys::CHAPERONE_DECISION_OUTCOME, Value::Str(outcome)),
            (keys::CHAPERONE_DECISION_DERIVATION, string("mapped")),
        ];
        if let Some(model) = &model {
            pairs.push((keys::CHAPERONE_DECISION_MAKER_NAME, string(model)));
        }
        if let Some(probability) = field(&["probability", "confidence"]).and_then(Json::as_f64) {
            pairs.push((keys::CHAPERONE_DECISION_CONFIDENCE, Value::Double(probability)));
            pairs.push((keys::CHAPERONE_DECISION_CONFIDENCE_KIND, string("calibrated_probability")));
        }
        push(record, event_names::DECISION, None, pairs, plan);
    }
}
