//! What needs more than one attribute, or the step's kind: messages, tools, documents, request parameters, names of entities.
//!
//! What a blob means depends on the operation: a tool's input is its arguments, a retriever's its query, an agent's a message.

use super::as_sent;
use super::gather::Gathered;
use super::json_messages;
use super::mapping::Transform;
use super::messages::{is_structured_json, write_messages};
use super::normalize::{is_said, text};
use super::plan::Plan;
use super::tool_values;
use super::values::finish_reasons;
use crate::keys;
use chaperone_proto::{KeyId, RecordRef, Value, ValueRef};
use serde_json::Value as Json;

/// Messages, tool definitions and documents from indexed keys; blobs where nothing else says it.
pub(crate) fn add_messages<'a>(record: RecordRef<'a>, gathered: &mut Gathered<'a>, plan: &mut Plan) {
    let lacks = |key: KeyId, plan: &Plan| !record.attrs().has(key) && plan.planned(key).is_none();
    if !gathered.input.is_empty() && lacks(keys::GEN_AI_INPUT_MESSAGES, plan) {
        let mut messages = gathered.input.messages("user");
        if let Some(blob) = gathered.special_str(Transform::BlobInput) {
            as_sent::complete(&mut messages, blob);
        }
        if !messages.is_empty() {
            plan.add(keys::GEN_AI_INPUT_MESSAGES, Value::Str(write_messages(&messages)));
        }
    }
    if !gathered.output.is_empty() && lacks(keys::GEN_AI_OUTPUT_MESSAGES, plan) {
        let messages = gathered.output.messages("assistant");
        let reasons: Vec<&str> = messages.iter().filter_map(|message| message.finish_reason.as_deref()).collect();
        if !reasons.is_empty() && lacks(keys::GEN_AI_RESPONSE_FINISH_REASONS, plan) {
            let words = reasons.iter().map(|word| Value::Str(super::words::finish_reason(word).to_owned())).collect();
            plan.add(keys::GEN_AI_RESPONSE_FINISH_REASONS, Value::Array(words));
        }
        if !messages.is_empty() {
            plan.add(keys::GEN_AI_OUTPUT_MESSAGES, Value::Str(write_messages(&messages)));
        }
    }
    if !gathered.tools.is_empty() && lacks(keys::GEN_AI_TOOL_DEFINITIONS, plan) {
        plan.add(keys::GEN_AI_TOOL_DEFINITIONS, Value::Str(gathered.tools.json_list("tool.json_schema", "tool.")));
    }
    if !gathered.documents.is_empty() && lacks(keys::GEN_AI_RETRIEVAL_DOCUMENTS, plan) {
        plan.add(keys::GEN_AI_RETRIEVAL_DOCUMENTS, Value::Str(gathered.documents.json_list("", "document.")));
    }
    for (transform, blob) in [Transform::BlobInput, Transform::BlobOutput].map(|kind| (kind, gathered.special_str(kind))) {
        if let Some(blob) = blob.filter(|blob| !super::words::is_redacted(blob)) {
            add_blob(record, transform, blob, plan);
        }
    }
}

fn add_blob(record: RecordRef<'_>, transform: Transform, blob: &str, plan: &mut Plan) {
    let is_input = transform == Transform::BlobInput;
    let operation = text(record, plan, keys::GEN_AI_OPERATION_NAME).unwrap_or("");
    let key = match (operation, is_input) {
        ("execute_tool", true) => keys::GEN_AI_TOOL_CALL_ARGUMENTS,
        ("execute_tool", false) => keys::GEN_AI_TOOL_CALL_RESULT,
        ("retrieval", true) => keys::GEN_AI_RETRIEVAL_QUERY_TEXT,
        ("retrieval", false) => keys::GEN_AI_RETRIEVAL_DOCUMENTS,
        ("chat" | "text_completion" | "generate_content" | "invoke_agent" | "invoke_workflow", true) => {
            keys::GEN_AI_INPUT_MESSAGES
        }
        ("chat" | "text_completion" | "generate_content" | "invoke_agent" | "invoke_workflow", false) => {
            keys::GEN_AI_OUTPUT_MESSAGES
        }
        // LlamaIndex's steps are no model calls, but their output is the model's answer.
        ("", false) if as_sent::is_response(blob) => keys::GEN_AI_OUTPUT_MESSAGES,
        _ => return,
    };
    if record.attrs().has(key) || plan.planned(key).is_some() {
        return;
    }
    super::normalize::note_cut(blob, record, plan);
    let value = match key {
        keys::GEN_AI_TOOL_CALL_ARGUMENTS => tool_values::arguments(blob).unwrap_or_else(|| blob.to_owned()),
        keys::GEN_AI_TOOL_CALL_RESULT => {
            let unwrapped = tool_values::result(blob);
            if let Some(id) = unwrapped.as_ref().and_then(|unwrapped| unwrapped.call_id.clone()) {
                add_absent(record, plan, keys::GEN_AI_TOOL_CALL_ID, Value::Str(id));
            }
            if unwrapped.as_ref().is_some_and(|unwrapped| unwrapped.is_error) {
                add_absent(record, plan, keys::ERROR_TYPE, Value::Str(as_sent::TOOL_ERROR.to_owned()));
            }
            unwrapped.map_or_else(|| blob.to_owned(), |unwrapped| unwrapped.text)
        }
        keys::GEN_AI_RETRIEVAL_QUERY_TEXT => as_sent::query(blob).unwrap_or_else(|| blob.to_owned()),
        keys::GEN_AI_RETRIEVAL_DOCUMENTS => match super::listings::documents(ValueRef::Str(blob)) {
            Some(documents) => documents,
            None => return,
        },
        keys::GEN_AI_INPUT_MESSAGES => write_messages(&json_messages::input(blob)),
        keys::GEN_AI_OUTPUT_MESSAGES => write_messages(&json_messages::output(blob)),
        _ => blob.to_owned(),
    };
    plan.add(key, Value::Str(value));
}

/// Everything else that one value alone does not decide.
pub(crate) fn add_specials(record: RecordRef<'_>, gathered: &Gathered<'_>, plan: &mut Plan) {
    for (transform, name, value) in &gathered.specials {
        if !is_said(*value) {
            continue;
        }
        match transform {
            Transform::Parameters => add_parameters(record, *value, plan),
            Transform::ToolParameters => add_tool_parameters(record, *value, plan),
            Transform::Embedding => add_dimension(record, name, *value, plan),
            Transform::Metadata => add_metadata(*value, plan),
            Transform::Association => add_association(record, name, *value, plan),
            Transform::EntityName => add_entity(record, *value, plan),
            Transform::EntityVersion if text(record, plan, keys::GEN_AI_OPERATION_NAME) == Some("invoke_agent") => {
                let version = value.as_str().map_or_else(|| crate::record::plain_json(*value), str::to_owned);
                add_absent(record, plan, keys::GEN_AI_AGENT_VERSION, Value::Str(version));
            }
            Transform::UsageText => add_usage_text(record, *value, plan),
            Transform::OutputCalls => super::output_calls::add(record, *value, plan),
            Transform::PromptVariables => add_prompt_variables(*value, plan),
            _ => {}
        }
    }
    plan.settle(record);
    add_finish_reasons(record, gathered.special_str(Transform::BlobOutput), plan);
}

fn add_absent(record: RecordRef<'_>, plan: &mut Plan, key: KeyId, value: Value) {
    if !record.attrs().has(key) {
        plan.add(key, value);
    }
}

/// `llm.invocation_parameters`: what was asked of the model, as JSON.
fn add_parameters(record: RecordRef<'_>, value: ValueRef<'_>, plan: &mut Plan) {
    let parameters = match value {
        ValueRef::Str(text) => super::json_paths::parse(text),
        other => Some(crate::record::plain(other)),
    };
    let Some(Json::Object(parameters)) = parameters else {
        plan.counts.failed += 1;
        return;
    };
    for (name, value) in &parameters {
        let (key, wanted) = match name.as_str() {
            "model" | "model_name" | "model_id" => (keys::GEN_AI_REQUEST_MODEL, Wanted::Text),
            "temperature" => (keys::GEN_AI_REQUEST_TEMPERATURE, Wanted::Double),
            "top_p" => (keys::GEN_AI_REQUEST_TOP_P, Wanted::Double),
            "frequency_penalty" => (keys::GEN_AI_REQUEST_FREQUENCY_PENALTY, Wanted::Double),
            "presence_penalty" => (keys::GEN_AI_REQUEST_PRESENCE_PENALTY, Wanted::Double),
            "top_k" => (keys::GEN_AI_REQUEST_TOP_K, Wanted::Int),
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" => (keys::GEN_AI_REQUEST_MAX_TOKENS, Wanted::Int),
            "seed" => (keys::GEN_AI_REQUEST_SEED, Wanted::Int),
            "n" => (keys::GEN_AI_REQUEST_CHOICE_COUNT, Wanted::Int),
            "stop" | "stop_sequences" => (keys::GEN_AI_REQUEST_STOP_SEQUENCES, Wanted::List),
            "stream" => (keys::GEN_AI_REQUEST_STREAM, Wanted::True),
            "reasoning_effort" => (keys::GEN_AI_REQUEST_REASONING_LEVEL, Wanted::Text),
            "reasoning" => {
                if let Some(effort) = value.get("effort").and_then(|effort| Wanted::Text.read(effort)) {
                    add_absent(record, plan, keys::GEN_AI_REQUEST_REASONING_LEVEL, effort);
                }
                continue;
            }
            "encoding_format" => (keys::GEN_AI_REQUEST_ENCODING_FORMATS, Wanted::List),
            _ => continue,
        };
        if let Some(value) = wanted.read(value) {
            add_absent(record, plan, key, value);
        }
    }
}

#[derive(Clone, Copy)]
enum Wanted {
    Text,
    Int,
    Double,
    List,
    True,
}

impl Wanted {
    fn read(self, value: &Json) -> Option<Value> {
        match self {
            Wanted::Text => value.as_str().filter(|text| !text.is_empty()).map(|text| Value::Str(text.to_owned())),
            Wanted::Int => {
                value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64)).map(Value::Int)
            }
            Wanted::Double => value.as_f64().map(Value::Double),
            Wanted::True => value.as_bool().filter(|yes| *yes).map(Value::Bool),
            Wanted::List => match value {
                Json::String(word) => Some(Value::Array(vec![Value::Str(word.clone())])),
                Json::Array(words) if !words.is_empty() => {
                    Some(Value::Array(words.iter().filter_map(Json::as_str).map(|word| Value::Str(word.to_owned())).collect()))
                }
                _ => None,
            },
        }
    }
}

/// Some emitters put a call's arguments there, others the tool's schema.
fn add_tool_parameters(record: RecordRef<'_>, value: ValueRef<'_>, plan: &mut Plan) {
    let Some(text) = value.as_str().filter(|text| is_structured_json(text)) else { return };
    let is_schema = text.contains("\"properties\"") || text.contains("\"type\"");
    let is_tool = super::normalize::text(record, plan, keys::GEN_AI_OPERATION_NAME) == Some("execute_tool");
    if is_tool && !is_schema && plan.planned(keys::GEN_AI_TOOL_CALL_ARGUMENTS).is_none() {
        let arguments = tool_values::arguments(text).unwrap_or_else(|| text.to_owned());
        add_absent(record, plan, keys::GEN_AI_TOOL_CALL_ARGUMENTS, Value::Str(arguments));
    }
}

fn add_dimension(record: RecordRef<'_>, name: &str, value: ValueRef<'_>, plan: &mut Plan) {
    if let (true, ValueRef::Array(vector)) = (name.ends_with(".vector"), value) {
        add_absent(record, plan, keys::GEN_AI_EMBEDDINGS_DIMENSION_COUNT, Value::Int(vector.iter().count() as i64));
    }
}

const METADATA: &str = "chaperone.metadata.";
const MAX_METADATA: usize = 32;

fn add_metadata(value: ValueRef<'_>, plan: &mut Plan) {
    let Some(Json::Object(pairs)) = crate::record::to_json(value) else {
        plan.counts.failed += 1;
        return;
    };
    for (key, value) in pairs.into_iter().take(MAX_METADATA) {
        let text = match value {
            Json::Null => continue,
            Json::String(text) => text,
            other => other.to_string(),
        };
        plan.add_named(format!("{METADATA}{key}"), Value::Str(text));
    }
}

fn add_association(record: RecordRef<'_>, name: &str, value: ValueRef<'_>, plan: &mut Plan) {
    let text = value.as_str().map_or_else(|| crate::record::plain_json(value), str::to_owned);
    match name {
        "session_id" | "thread_id" | "conversation_id" | "chat_id" => {
            add_absent(record, plan, keys::GEN_AI_CONVERSATION_ID, Value::Str(text));
        }
        "user_id" => add_absent(record, plan, keys::USER_ID, Value::Str(text)),
        other => plan.add_named(format!("{METADATA}{other}"), Value::Str(text)),
    }
}

fn add_entity(record: RecordRef<'_>, value: ValueRef<'_>, plan: &mut Plan) {
    let Some(name) = value.as_str() else { return };
    let key = match text(record, plan, keys::GEN_AI_OPERATION_NAME) {
        Some("execute_tool") => keys::GEN_AI_TOOL_NAME,
        Some("invoke_agent") => keys::GEN_AI_AGENT_NAME,
        _ => keys::CHAPERONE_STEP_NAME,
    };
    add_absent(record, plan, key, Value::Str(name.to_owned()));
}

/// Variables of a prompt's template, by name.
fn add_prompt_variables(value: ValueRef<'_>, plan: &mut Plan) {
    let pairs = match value {
        ValueRef::Str(text) => super::json_paths::parse(text),
        other => Some(crate::record::plain(other)),
    };
    let Some(Json::Object(pairs)) = pairs else {
        plan.counts.failed += 1;
        return;
    };
    for (name, value) in pairs.into_iter().take(MAX_METADATA) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        plan.add_named(format!("{}{name}", keys::PROMPT_VARIABLE), Value::Str(text));
    }
}

/// CrewAI's totals: `total_tokens=1114 prompt_tokens=1011 ...`, or a dictionary that Python printed.
fn add_usage_text(record: RecordRef<'_>, value: ValueRef<'_>, plan: &mut Plan) {
    let Some(Json::Object(usage)) = value.as_str().and_then(super::python_text::structured) else {
        plan.counts.failed += 1;
        return;
    };
    for (name, number) in &usage {
        let Some(number) = number.as_i64() else { continue };
        let key = match name.as_str() {
            "prompt_tokens" => keys::GEN_AI_USAGE_INPUT_TOKENS,
            "completion_tokens" => keys::GEN_AI_USAGE_OUTPUT_TOKENS,
            "cached_prompt_tokens" => keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
            "cache_creation_tokens" => keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
            "reasoning_tokens" => keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
            "successful_requests" => keys::CHAPERONE_LLM_REQUESTS,
            _ => continue,
        };
        add_absent(record, plan, key, Value::Int(number));
    }
}

#[derive(serde::Deserialize)]
struct Ending {
    finish_reason: Option<String>,
}

/// Where only the answer's messages say why it ended, or the answer as the client got it.
fn add_finish_reasons(record: RecordRef<'_>, answer: Option<&str>, plan: &mut Plan) {
    let key = keys::GEN_AI_RESPONSE_FINISH_REASONS;
    if record.attrs().has(key) || plan.planned(key).is_some() {
        return;
    }
    let is_call = text(record, plan, keys::GEN_AI_OPERATION_NAME).is_some_and(crate::record::is_call_operation);
    if let Some(word) = answer.filter(|_| is_call).and_then(as_sent::ending) {
        plan.add(key, Value::Array(finish_reasons(ValueRef::Str(word)).into_iter().map(Value::Str).collect()));
        return;
    }
    let Some(messages) = text(record, plan, keys::GEN_AI_OUTPUT_MESSAGES).filter(|text| text.contains("finish_reason")) else {
        return;
    };
    let endings: Vec<Ending> = serde_json::from_str(messages).unwrap_or_default();
    let words: Vec<String> = endings.into_iter().filter_map(|ending| ending.finish_reason).collect();
    if !words.is_empty() {
        let words = words.iter().flat_map(|word| finish_reasons(ValueRef::Str(word)));
        plan.add(key, Value::Array(words.map(Value::Str).collect()));
    }
}
