//! Failures as providers, tools and frameworks report them, and what we call them.

use super::{StepKind, failure};
use crate::keys;
use chaperone_proto::{Data, Limits, Signal};
use serde_json::json;

/// A failed span: attributes as JSON, the status message, and what an exception says.
fn named(step: StepKind, attributes: serde_json::Value, message: &str, exception: (&str, &str)) -> String {
    keys::install();
    let value = |value: &serde_json::Value| match value.as_i64() {
        Some(number) => json!({"intValue": number.to_string()}),
        None => json!({"stringValue": value.as_str().unwrap_or_default()}),
    };
    let pair = |(key, held): (&String, &serde_json::Value)| json!({"key": key, "value": value(held)});
    let pairs: Vec<_> = attributes.as_object().into_iter().flatten().map(pair).collect();
    let (kind, text) = (json!({"stringValue": exception.0}), json!({"stringValue": exception.1}));
    let event = json!({"name": "exception", "attributes": [
        {"key": "exception.type", "value": kind}, {"key": "exception.message", "value": text}]});
    let events = if exception == ("", "") { json!([]) } else { json!([event]) };
    let span = json!({"name": "n", "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
        "attributes": pairs, "events": events, "status": {"code": 2, "message": message}});
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string();
    let data = Data::decode_json(Signal::Traces, body.as_bytes(), &Limits::default()).unwrap();
    let found = failure(data.record(0), step).expect("a failure");
    let again = found.retryable.map_or("-", |again| if again { "yes" } else { "no" });
    format!("{} {} {} {again}", found.kind, found.code, found.stage)
}

const LLM: StepKind = StepKind::Llm;
const TOOL: StepKind = StepKind::Tool;
const AGENT: StepKind = StepKind::Agent;

#[test]
fn providers_errors_have_one_name_each() {
    let of = |error_type: &str, message: &str| named(LLM, json!({"error.type": error_type}), message, ("", ""));
    for (error_type, message, expected) in [
        // OpenAI and what follows it.
        (
            "openai.RateLimitError",
            "Error code: 429 - {'error': {'code': 'rate_limit_exceeded'}}",
            "model rate_limit generation yes",
        ),
        ("RateLimitError", "Error code: 429 - {'error': {'code': 'insufficient_quota'}}", "model quota_exceeded generation no"),
        ("BadRequestError", "{'code': 'context_length_exceeded'}", "model context_length_exceeded validation no"),
        ("BadRequestError", "The response was filtered: content_filter", "model content_filter generation no"),
        ("AuthenticationError", "Incorrect API key provided", "model auth_error generation no"),
        ("APIConnectionError", "Connection error.", "model connection_error generation yes"),
        ("APITimeoutError", "Request timed out.", "model timeout generation yes"),
        ("InternalServerError", "Error code: 500", "model server_error generation yes"),
        ("NotFoundError", "The model does not exist", "model not_found_error generation -"),
        ("UnprocessableEntityError", "", "model unprocessable_entity_error validation no"),
        // Anthropic.
        ("rate_limit_error", "", "model rate_limit generation yes"),
        ("overloaded_error", "", "model server_error generation yes"),
        ("api_error", "", "model server_error generation yes"),
        ("invalid_request_error", "prompt is too long: 250000 tokens", "model context_length_exceeded validation no"),
        ("request_too_large", "", "model context_length_exceeded validation no"),
        ("permission_error", "", "model auth_error generation no"),
        ("invalid_request_error", "Your credit balance is too low", "model quota_exceeded generation no"),
        // Google, as gRPC and as HTTP.
        ("RESOURCE_EXHAUSTED", "", "model rate_limit generation yes"),
        ("DEADLINE_EXCEEDED", "", "model timeout generation yes"),
        ("UNAVAILABLE", "", "model server_error generation yes"),
        ("google.genai.errors.ClientError", "429 RESOURCE_EXHAUSTED. {'error': {}}", "model rate_limit generation yes"),
        (
            "ClientError",
            "The input token count exceeds the maximum number of tokens allowed",
            "model context_length_exceeded validation no",
        ),
        // AWS Bedrock.
        ("ThrottlingException", "", "model rate_limit generation yes"),
        ("ModelTimeoutException", "", "model timeout generation yes"),
        ("ServiceQuotaExceededException", "", "model quota_exceeded generation no"),
        ("AccessDeniedException", "", "model auth_error generation no"),
        ("ModelStreamErrorException", "", "model server_error generation yes"),
        ("ValidationException", "Input is too long for requested model.", "model context_length_exceeded validation no"),
        // Gateways and clients of other languages.
        ("litellm.ContextWindowExceededError", "", "model context_length_exceeded validation no"),
        ("litellm.BudgetExceededError", "Budget has been exceeded!", "budget quota_exceeded generation no"),
        ("AI_APICallError", "Rate limit reached for requests", "model rate_limit generation yes"),
        ("AI_NoObjectGeneratedError", "No object generated: could not parse the response.", "model invalid_output validation -"),
        ("AbortError", "This operation was aborted", "model cancelled generation -"),
        ("ECONNRESET", "", "model connection_error generation yes"),
        ("ENOTFOUND", "getaddrinfo ENOTFOUND api.example.test", "model connection_error generation yes"),
        ("", "HTTP 503 Service Unavailable", "model server_error generation yes"),
        ("", "request failed with status code 401", "model auth_error generation no"),
        ("", "something else", "model _OTHER generation -"),
    ] {
        assert_eq!(of(error_type, message), expected, "{error_type} {message}");
    }
}

#[test]
fn statuses_of_http_and_grpc_tell_where_words_do_not() {
    let http = |status: i64| named(LLM, json!({"http.response.status_code": status}), "", ("", ""));
    for (status, expected) in [
        (401, "model auth_error generation no"),
        (402, "model quota_exceeded generation no"),
        (408, "model timeout generation yes"),
        (413, "model context_length_exceeded validation no"),
        (429, "model rate_limit generation yes"),
        (499, "model cancelled generation -"),
        (504, "model timeout generation yes"),
        (529, "model server_error generation yes"),
        (418, "model _OTHER generation -"),
    ] {
        assert_eq!(http(status), expected, "{status}");
    }
    let grpc = |status: i64| named(LLM, json!({"rpc.grpc.status_code": status}), "", ("", ""));
    for (status, expected) in [
        (4, "model timeout generation yes"),
        (7, "model auth_error generation no"),
        (8, "model rate_limit generation yes"),
        (13, "model server_error generation yes"),
        (14, "model connection_error generation yes"),
    ] {
        assert_eq!(grpc(status), expected, "{status}");
    }
}

#[test]
fn tools_fail_in_their_own_words() {
    let of = |attributes, message: &str, exception| named(TOOL, attributes, message, exception);
    for (attributes, message, exception, expected) in [
        (json!({"error.type": "TimeoutError"}), "", ("", ""), "tool timeout execution yes"),
        (json!({}), "", ("builtins.ConnectionRefusedError", "refused"), "tool connection_error execution yes"),
        (json!({}), "", ("Exception", "TimeoutError('backend did not answer')"), "tool timeout execution yes"),
        (json!({"http.response.status_code": 500}), "", ("", ""), "tool api_error execution yes"),
        (json!({"error.type": "json.JSONDecodeError"}), "", ("", ""), "tool invalid_response validation -"),
        (json!({"error.type": "PermissionError"}), "", ("", ""), "tool auth_error execution no"),
        (json!({"error.type": "ls_execution_error"}), "", ("", ""), "tool ls_execution_error execution -"),
        (json!({"error.type": "UserRejected"}), "", ("", ""), "user denied execution no"),
        (json!({"gen_ai.tool.call.result": "Error: the backend did not respond"}), "", ("", ""), "tool timeout execution yes"),
        (json!({}), "", ("", ""), "tool api_error execution -"),
    ] {
        assert_eq!(of(attributes.clone(), message, exception), expected, "{attributes} {exception:?}");
    }
}

#[test]
fn what_surrounds_calls_fails_as_orchestration_policy_and_retrieval() {
    let of = |step, error_type: &str, message: &str| named(step, json!({"error.type": error_type}), message, ("", ""));
    for (step, error_type, message, expected) in [
        (AGENT, "agents.exceptions.MaxTurnsExceeded", "", "orchestration max_retries_exceeded execution -"),
        (AGENT, "GraphRecursionError", "", "orchestration max_retries_exceeded execution -"),
        (AGENT, "CancelledError", "", "orchestration cancelled execution -"),
        (AGENT, "InvalidStateError", "", "orchestration invalid_state execution -"),
        (AGENT, "InputGuardrailTripwireTriggered", "", "orchestration constraint_violation execution no"),
        (AGENT, "", "", "orchestration uncaught_exception execution -"),
        (StepKind::Plan, "ValueError", "", "orchestration value_error planning -"),
        (StepKind::Guardrail, "", "policy violation", "policy constraint_violation execution no"),
        (StepKind::Retrieval, "", "no results", "retrieval no_results execution -"),
        (StepKind::Retrieval, "InvalidArgument", "", "retrieval invalid_query validation no"),
        (StepKind::Retrieval, "TimeoutError", "", "retrieval timeout execution yes"),
        (StepKind::Respond, "BrokenPipeError", "", "_OTHER connection_error delivery yes"),
    ] {
        assert_eq!(of(step, error_type, message), expected, "{error_type} {message}");
    }
}

#[test]
fn a_long_message_is_searched_at_its_beginning_only() {
    let long = format!("{}rate limit", "x".repeat(10_000));
    assert_eq!(named(LLM, json!({}), &long, ("", "")), "model _OTHER generation -");
}
