//! Records as they arrive: kinds, failures, conversations.

use super::*;
use crate::keys;
use chaperone_proto::{Data, Limits, Signal as Telemetry};

/// One span: `attributes` are OTLP/JSON pairs, `rest` further members of the span.
fn span(attributes: &[(&str, &str)], rest: &str) -> Data {
    keys::install();
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let pairs: Vec<String> =
        attributes.iter().map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"stringValue":{}}}}}"#, text(value))).collect();
    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{"name":"s"}},"spans":[{{"name":"n",
        "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","startTimeUnixNano":"10","endTimeUnixNano":"20",
        "attributes":[{}]{rest}}}]}}]}}]}}"#,
        pairs.join(",")
    );
    Data::decode_json(Telemetry::Traces, json.as_bytes(), &Limits::default()).unwrap()
}

#[test]
fn the_operation_tells_the_kind() {
    let of = |operation: &str| kind(span(&[("gen_ai.operation.name", operation)], "").record(0)).as_str();
    for (operation, expected) in [
        ("chat", "llm"),
        ("embeddings", "embedding"),
        ("execute_tool", "tool"),
        ("retrieval", "retrieval"),
        ("invoke_agent", "agent"),
        ("invoke_workflow", "workflow"),
        ("plan", "plan"),
        ("apply_guardrail", "guardrail"),
        ("search_memory", "memory"),
        ("something_new", "other"),
    ] {
        assert_eq!(of(operation), expected);
    }
    let said = span(&[("gen_ai.operation.name", "chat"), ("chaperone.step.kind", "human")], "");
    assert_eq!(kind(said.record(0)), StepKind::Human, "what was said stays");
}

fn failed(step: StepKind, error_type: &str, message: &str) -> Failure {
    let status = format!(r#","status":{{"code":2,"message":{}}}"#, serde_json::Value::from(message));
    let attributes: &[(&str, &str)] = if error_type.is_empty() { &[] } else { &[("error.type", error_type)] };
    failure(span(attributes, &status).record(0), step).expect("a failure")
}

#[test]
fn failures_get_a_type_and_a_code() {
    let check = |step, error_type: &str, message: &str, kind: &str, code: &str, retryable: Option<bool>| {
        let failure = failed(step, error_type, message);
        assert_eq!((failure.kind, &*failure.code, failure.retryable), (kind, code, retryable), "{error_type} {message}");
    };
    let (llm, tool) = (StepKind::Llm, StepKind::Tool);
    check(llm, "RateLimitError", "", "model", "rate_limit", Some(true));
    check(llm, "429", "", "model", "rate_limit", Some(true));
    check(
        llm,
        "openai.RateLimitError",
        "You exceeded your current quota: insufficient_quota",
        "model",
        "quota_exceeded",
        Some(false),
    );
    check(
        llm,
        "BadRequestError",
        "This model's maximum context length is 128000 tokens",
        "model",
        "context_length_exceeded",
        Some(false),
    );
    check(llm, "InternalServerError", "", "model", "server_error", Some(true));
    check(llm, "APITimeoutError", "", "model", "timeout", Some(true));
    check(llm, "BadRequestError", "", "model", "bad_request_error", Some(false));
    check(tool, "TimeoutError", "", "tool", "timeout", Some(true));
    check(tool, "ConnectionRefusedError", "", "tool", "connection_error", Some(true));
    check(tool, "403", "", "tool", "auth_error", Some(false));
    check(tool, "", "", "tool", "api_error", None);
    check(StepKind::Retrieval, "", "index not found", "retrieval", "no_results", None);
    check(StepKind::Agent, "MaxTurnsExceeded", "", "orchestration", "max_retries_exceeded", None);
    check(StepKind::Agent, "", "", "orchestration", "uncaught_exception", None);
}

#[test]
fn an_exception_on_the_span_says_more_than_its_status() {
    let exception = r#","status":{"code":2},"events":[{"name":"exception","attributes":[
        {"key":"exception.type","value":{"stringValue":"builtins.TimeoutError"}}]}]"#;
    assert_eq!(failure(span(&[], exception).record(0), StepKind::Tool).unwrap().code, "timeout");
}

#[test]
fn what_did_not_fail_has_no_failure() {
    assert_eq!(failure(span(&[], r#","status":{"code":1}"#).record(0), StepKind::Llm), None);
    assert_eq!(failure(span(&[("error.type", "")], "").record(0), StepKind::Llm), None);
}

const ANSWER: &str = r#"[{"role":"assistant","parts":[{"type":"text","content":"x"},
    {"type":"tool_call","id":"call_0001","name":"get_weather","arguments":{"city":"Paris"}},
    {"type":"tool_call","id":"call_0002","name":"search","arguments":"{\"q\": 1}"},
    {"type":"tool_call","id":"call_0003","name":"broken","arguments":"{\"q\": "}]}]"#;
const REQUEST: &str = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"call_0001","name":"get_weather","arguments":{"city":"Paris"}}]},
    {"role":"tool","parts":[{"type":"tool_call_response","id":"call_0001","response":"Sunny"}]},
    {"role":"tool","parts":[{"type":"tool_call_response","id":"call_0009","response":[]}]}]"#;

#[test]
fn a_conversation_tells_what_was_asked_and_what_came_back() {
    let data = span(&[("gen_ai.output.messages", ANSWER), ("gen_ai.input.messages", REQUEST)], "");
    let read = Conversation::read(data.record(0));
    let names: Vec<_> = read.requested.iter().map(|call| (call.name.as_str(), call.unparseable)).collect();
    assert_eq!(names, [("get_weather", false), ("search", false), ("broken", true)]);
    assert_eq!(read.requested[1].arguments, Some(serde_json::json!({"q": 1})), "unfolded");
    let outcomes = read.outcomes(|_| true);
    assert_eq!(outcomes[0].name.as_deref(), Some("get_weather"));
    assert_eq!(outcomes[0].arguments, Some(serde_json::json!({"city": "Paris"})));
    assert_eq!((outcomes[1].name.as_deref(), outcomes.len()), (None, 2));
    assert_eq!(read.outcomes(|id| id == "call_0009").len(), 1);
}

#[test]
fn messages_cut_short_give_nothing_and_are_no_error() {
    let data = span(&[("gen_ai.output.messages", &ANSWER[..100])], "");
    assert_eq!(Conversation::read(data.record(0)), Conversation::default());
}

#[test]
fn offered_tools_are_named_in_every_spelling() {
    let definitions = r#"[{"type":"function","name":"a"},{"type":"function","function":{"name":"b"}},{"type":"web_search"}]"#;
    let data = span(&[("gen_ai.tool.definitions", definitions)], "");
    let value = data.record(0).attrs().get(keys::GEN_AI_TOOL_DEFINITIONS).unwrap();
    let names: Vec<String> = offered_tools(value).into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["a", "b", "web_search"]);
}

#[test]
fn what_a_definition_states_about_its_risk_is_believed() {
    let definitions = r#"[{"name":"a","annotations":{"readOnlyHint":true}},{"name":"b","annotations":{"destructiveHint":true}},
        {"name":"c","annotations":{"readOnlyHint":false,"openWorldHint":true}},{"name":"d","annotations":{"destructiveHint":false}},
        {"name":"e","annotations":{"title":"E","readOnlyHint":"yes"}},{"name":"f"}]"#;
    let data = span(&[("gen_ai.tool.definitions", definitions)], "");
    let risks: Vec<_> = offered_tools(data.record(0).attrs().get(keys::GEN_AI_TOOL_DEFINITIONS).unwrap())
        .into_iter()
        .map(|tool| tool.risk)
        .collect();
    assert_eq!(risks, [Some("read"), Some("destructive"), Some("external_effect"), Some("write"), None, None]);
}
