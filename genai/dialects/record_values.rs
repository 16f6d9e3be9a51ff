//! Values whose meaning needs the record around them, or that give several attributes: usage objects, points in time, tool and document
//! lists, entries of metadata, results of tools, a level that says the step failed.
//!
//! Each is a transform that a table names; what the record says under its canonical key already is never overwritten.

use super::gather::Gathered;
use super::json_messages;
use super::mapping::Transform;
use super::messages::{Part, write_messages};
use super::normalize::is_said;
use super::plan::Plan;
use super::{json_paths, listings, timing, usage_object};
use crate::keys;
use chaperone_proto::{KeyId, RecordRef, Value, ValueRef};
use serde_json::Value as Json;

pub(crate) fn add(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    let mut entries = 0;
    for (transform, name, value) in &gathered.specials {
        if !is_said(*value) {
            continue;
        }
        match transform {
            Transform::UsageObject | Transform::UsageParts | Transform::UsageBuckets => {
                usage_object::add(record, *transform, *value, plan);
            }
            Transform::SinceStart => match timing::seconds_since_start(record, *value) {
                Some(seconds) => {
                    add_absent(record, plan, keys::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, Value::Double(seconds));
                }
                None => plan.counts.failed += 1,
            },
            Transform::Definitions => list(record, keys::GEN_AI_TOOL_DEFINITIONS, listings::definitions(*value), plan),
            Transform::Documents => list(record, keys::GEN_AI_RETRIEVAL_DOCUMENTS, listings::documents(*value), plan),
            Transform::MetadataEntry if entries < MOST_ENTRIES => {
                entries += 1;
                plan.add_named(format!("{METADATA}{name}"), Value::Str(plain_text(*value)));
            }
            Transform::DefinitionsAmong => {
                list(record, keys::GEN_AI_TOOL_DEFINITIONS, listings::definitions_among(*value), plan);
            }
            Transform::Dimensions => match listings::dimensions(*value) {
                Some(length) => add_absent(record, plan, keys::GEN_AI_EMBEDDINGS_DIMENSION_COUNT, Value::Int(length)),
                None => plan.counts.kept += 1,
            },
            Transform::LateInput => add_late(record, keys::GEN_AI_INPUT_MESSAGES, *value, plan),
            Transform::LateOutput => add_late(record, keys::GEN_AI_OUTPUT_MESSAGES, *value, plan),
            Transform::Assessment => add_assessment(record, *value, plan),
            Transform::ToolResults => add_results(record, *value, plan),
            Transform::Level if value.as_str().is_some_and(super::words::is_failure) => {
                plan.fail(record, gathered.special_str(Transform::StatusMessage).unwrap_or(""));
            }
            _ => {}
        }
    }
}

const METADATA: &str = "chaperone.metadata.";
const MOST_ENTRIES: usize = 32;

fn add_absent(record: RecordRef<'_>, plan: &mut Plan, key: KeyId, value: Value) {
    if !record.attrs().has(key) {
        plan.add(key, value);
    }
}

fn list(record: RecordRef<'_>, key: KeyId, json: Option<String>, plan: &mut Plan) {
    match json {
        Some(json) => add_absent(record, plan, key, Value::Str(json)),
        None => plan.counts.kept += 1,
    }
}

/// Text without JSON quotes; anything else as JSON.
fn plain_text(value: ValueRef<'_>) -> String {
    let Some(text) = value.as_str() else { return crate::record::plain_json(value) };
    let quoted = if text.starts_with('"') { json_paths::parse(text) } else { None };
    match quoted {
        Some(Json::String(inner)) => inner,
        _ => text.to_owned(),
    }
}

/// A step that runs the tool calls of one answer. One call: the step is that tool's run. Several: it is none of them, and their
/// results are told by the messages of the next request.
fn add_results(record: RecordRef<'_>, value: ValueRef<'_>, plan: &mut Plan) {
    let json = match value {
        ValueRef::Str(text) => json_paths::parse(text),
        other => Some(crate::record::plain(other)),
    };
    let messages = json.map(json_messages::output_of).unwrap_or_default();
    let mut results = messages.into_iter().flat_map(|message| message.parts).filter_map(|part| match part {
        Part::ToolResponse { id, name, response, is_error } => Some((id, name, response, is_error)),
        _ => None,
    });
    let Some((id, name, response, is_error)) = results.next() else { return };
    if results.next().is_some() {
        add_absent(record, plan, keys::CHAPERONE_STEP_KIND, Value::Str("other".to_owned()));
        return;
    }
    let said = [(keys::GEN_AI_TOOL_CALL_ID, id), (keys::GEN_AI_TOOL_NAME, name), (keys::GEN_AI_TOOL_CALL_RESULT, response)];
    for (key, text) in said {
        if let Some(text) = text {
            add_absent(record, plan, key, Value::Str(text.into_owned()));
        }
    }
    if is_error {
        add_absent(record, plan, keys::ERROR_TYPE, Value::Str("_OTHER".to_owned()));
    }
}

/// Messages of a whole run belong to its root, where that is no step with messages or values of its own.
fn add_late(record: RecordRef<'_>, key: KeyId, value: ValueRef<'_>, plan: &mut Plan) {
    let is_root = record.as_span().is_some_and(|span| span.parent_span_id().is_none());
    let operation = super::normalize::text(record, plan, keys::GEN_AI_OPERATION_NAME).unwrap_or("");
    let Some(text) = value.as_str().filter(|_| is_root && !matches!(operation, "execute_tool" | "retrieval" | "embeddings"))
    else {
        return;
    };
    let read = if key == keys::GEN_AI_INPUT_MESSAGES { json_messages::input } else { json_messages::output };
    add_absent(record, plan, key, Value::Str(write_messages(&read(text))));
}

/// `{name, value, rationale, source: {source_type, source_id}}`, also with the value one level down, under `feedback`.
fn add_assessment(record: RecordRef<'_>, value: ValueRef<'_>, plan: &mut Plan) {
    let RecordRef::Span(span) = record else { return };
    let json = value.as_str().and_then(json_paths::parse);
    let Some(Json::Object(assessment)) = json else {
        plan.counts.failed += 1;
        return;
    };
    if span.events().any(|event| event.name() == keys::EVENT_EVALUATION_RESULT) {
        return;
    }
    let inner = ["feedback", "expectation"].iter().find_map(|key| assessment.get(*key)?.as_object()).unwrap_or(&assessment);
    let text = |object: &serde_json::Map<String, Json>, key: &str| object.get(key).and_then(Json::as_str).map(str::to_owned);
    let mut attrs = Vec::new();
    let name = text(&assessment, "name").or_else(|| text(&assessment, "assessment_name"));
    attrs.extend(name.map(|name| (keys::GEN_AI_EVALUATION_NAME, Value::Str(name))));
    match inner.get("value") {
        Some(Json::Number(score)) => {
            attrs.extend(score.as_f64().map(|score| (keys::GEN_AI_EVALUATION_SCORE_VALUE, Value::Double(score))))
        }
        Some(Json::String(label)) => attrs.push((keys::GEN_AI_EVALUATION_SCORE_LABEL, Value::Str(label.clone()))),
        Some(Json::Bool(label)) => attrs.push((keys::GEN_AI_EVALUATION_SCORE_LABEL, Value::Str(label.to_string()))),
        _ => {}
    }
    attrs.extend(text(&assessment, "rationale").map(|why| (keys::GEN_AI_EVALUATION_EXPLANATION, Value::Str(why))));
    let source = assessment.get("source").and_then(Json::as_object);
    let kind = source.and_then(|source| text(source, "source_type")).or_else(|| text(&assessment, "source"));
    let kind = match kind.unwrap_or_default().to_ascii_uppercase().as_str() {
        "HUMAN" => Some("human"),
        "LLM_JUDGE" | "AI_JUDGE" | "LLM" => Some("model"),
        "CODE" => Some("code"),
        _ => None,
    };
    attrs.extend(kind.map(|kind| (keys::CHAPERONE_EVALUATION_EVALUATOR_TYPE, Value::Str(kind.to_owned()))));
    let evaluator = source.and_then(|source| text(source, "source_id"));
    attrs.extend(evaluator.map(|name| (keys::CHAPERONE_EVALUATION_EVALUATOR_NAME, Value::Str(name))));
    if !attrs.is_empty() {
        plan.event(span.end_ns(), keys::EVENT_EVALUATION_RESULT, attrs);
    }
}
