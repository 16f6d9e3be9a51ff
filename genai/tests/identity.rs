//! Who speaks, and which run and record it is.

mod support;

use chaperone_genai::dialects::{self, EventNameAt, Inclusive, ScopeVerdict, settings};
use chaperone_genai::{keys, record};
use serde_json::json;
use support::{log_of, normalized, span, span_of, value};

fn dialect(scope: (&str, &str), span: serde_json::Value, attrs: serde_json::Value) -> &'static str {
    let data = span_of(scope, span, &attrs);
    let record = data.record(0);
    dialects::detect(record, &ScopeVerdict::of(record.scope())).map_or("-", |dialect| dialect.id())
}

#[test]
fn versions_tell_the_two_projects_of_one_scope_prefix_apart() {
    for (scope, version, expected) in [
        ("opentelemetry.instrumentation.openai.v1", "0.62.4", "openllmetry"),
        ("opentelemetry.instrumentation.anthropic", "0.62.4", "openllmetry"),
        ("opentelemetry.instrumentation.anthropic", "2.0b0", "otel-genai"),
        ("opentelemetry.instrumentation.anthropic", "", "otel-genai"),
        ("opentelemetry.instrumentation.openai_v2", "2.1b0", "otel-genai"),
        ("opentelemetry.instrumentation.google_genai", "0.4b0", "otel-genai"),
        ("opentelemetry.instrumentation.genai.openai", "1.3.0", "otel-genai"),
        ("opentelemetry.instrumentation.httpx", "0.66b1", "-"),
        ("opentelemetry.instrumentation.redis", "0.62.4", "-"),
    ] {
        assert_eq!(dialect((scope, version), json!({}), json!({})), expected, "{scope} {version}");
    }
}

#[test]
fn a_marker_never_overrules_a_scope_and_decides_where_none_is_known() {
    let marker = json!({"openinference.span.kind": "LLM"});
    assert_eq!(dialect(("pydantic-ai", ""), json!({}), marker.clone()), "pydantic-ai");
    assert_eq!(dialect(("my-app", ""), json!({}), marker), "openinference");
    assert_eq!(dialect(("my-app", ""), json!({"name": "claude_code.llm_request"}), json!({})), "claude-code");
    assert_eq!(dialect(("my-app", ""), json!({}), json!({"gen_ai.request.model": "m"})), "generic");
    assert_eq!(dialect(("my-app", ""), json!({}), json!({"http.method": "GET"})), "-");
}

#[test]
fn of_several_markers_the_first_row_of_the_table_decides() {
    let both = json!({"openinference.span.kind": "LLM", "langfuse.observation.type": "generation"});
    assert_eq!(dialect(("my-app", ""), json!({}), both), "langfuse");
}

#[test]
fn codex_spans_count_only_with_usage() {
    assert_eq!(dialect(("codex_exec", ""), json!({}), json!({"code.file": "x.rs"})), "-");
    assert_eq!(dialect(("codex_exec", ""), json!({}), json!({"codex.usage.total_tokens": 1})), "codex-cli");
}

#[test]
fn generations_of_the_conventions_are_told_by_attributes() {
    for (attrs, generation) in [
        (json!({"gen_ai.usage.prompt_tokens": 1, "gen_ai.system": "openai"}), "g0"),
        (json!({"gen_ai.system": "openai", "gen_ai.usage.input_tokens": 1}), "g1"),
        (json!({"gen_ai.provider.name": "openai"}), "g2"),
        (json!({"gen_ai.provider.name": "openai", "gen_ai.usage.cache_write.input_tokens": 1}), "g3"),
        (json!({"gen_ai.provider.name": "openai", "gen_ai.system": "openai"}), "mixed"),
    ] {
        let data = normalized(span(support::OTEL, &attrs));
        assert_eq!(value(&data, "chaperone.dialect.version"), Some(json!(generation)), "{attrs}");
    }
}

#[test]
fn frameworks_are_told_by_keys_scope_or_dialect() {
    let framework = |scope: &str, attrs| value(&normalized(span(scope, &attrs)), "chaperone.framework.name");
    assert_eq!(framework("openinference.instrumentation.llama_index", json!({})), Some(json!("llama-index")));
    assert_eq!(framework("openinference.instrumentation.openai", json!({})), None, "a provider's client is no framework");
    let langgraph = json!({"metadata": "{\"langgraph_step\": 1}"});
    assert_eq!(framework("openinference.instrumentation.langchain", langgraph), Some(json!("langgraph")));
    assert_eq!(framework("strands.telemetry.tracer", json!({})), Some(json!("strands")));
}

#[test]
fn a_run_is_the_senders_own_value_then_the_dialects_key_then_the_trace() {
    let run = |scope: &str, attrs| value(&normalized(span(scope, &attrs)), "chaperone.run.id");
    let trace = json!("0102030405060708090a0b0c0d0e0f10");
    assert_eq!(run(support::OPENINFERENCE, json!({})), Some(trace.clone()));
    assert_eq!(run(support::OPENINFERENCE, json!({"chaperone.run.id": "r1"})), Some(json!("r1")));
    assert_eq!(run("gemini-cli", json!({"session.id": "s1"})), Some(json!("s1")));
    assert_eq!(run("com.anthropic.claude_code.tracing", json!({"prompt.id": "p"})), Some(trace));
}

#[test]
fn a_log_without_trace_is_keyed_by_the_dialects_log_key() {
    let log = json!({"body": {"stringValue": "claude_code.api_request"}});
    let data = normalized(log_of("com.anthropic.claude_code.events", log, &json!({"prompt.id": "p1"})));
    assert_eq!(value(&data, "chaperone.run.id"), Some(json!("p1")));
    assert_eq!(record::event_name(data.record(0), EventNameAt::Body), "claude_code.api_request");
}

#[test]
fn a_logs_record_id_is_that_of_its_response_and_else_of_the_record() {
    let scope = "opentelemetry.instrumentation.genai.openai";
    let id = |log: serde_json::Value, attrs: serde_json::Value| {
        let data = normalized(log_of(scope, log, &attrs));
        data.record(0).attrs().str(keys::CHAPERONE_RECORD_ID).unwrap().to_owned()
    };
    let details = |time: &str| json!({"eventName": "gen_ai.client.inference.operation.details", "timeUnixNano": time});
    let response = json!({"gen_ai.response.id": "r1"});
    assert_eq!(id(details("1"), response.clone()), id(details("2"), response), "sent again with another time");
    let message = |text: &str| json!({"eventName": "gen_ai.user.message", "body": support::any(&json!({"content": text}))});
    assert_eq!(id(message("a"), json!({})), id(message("a"), json!({})));
    assert_ne!(id(message("a"), json!({})), id(message("b"), json!({})));
    assert_eq!(id(message("a"), json!({})).len(), 32);
}

#[test]
fn a_spans_record_id_is_computed_from_its_ids() {
    let data = span(support::OPENINFERENCE, &json!({}));
    let (trace, span_id) = (data.record(0).trace_id(), data.record(0).span_id());
    assert_eq!(record::id(data.record(0)), record::id_of_span(trace, span_id));
    assert_ne!(record::id_of_span(trace, span_id), record::id_of_span(trace, None));
}

#[test]
fn the_event_time_of_a_log_is_its_time_else_when_it_was_observed() {
    let time = |log| record::event_time_ns(log_of("x", log, &json!({})).record(0));
    assert_eq!(time(json!({"timeUnixNano": "5", "observedTimeUnixNano": "7"})), 5);
    assert_eq!(time(json!({"observedTimeUnixNano": "7"})), 7);
    assert_eq!(time(json!({})), 0);
}

#[test]
fn settings_are_those_of_the_longest_scope_pattern() {
    let sdk = settings("openinference", "openinference.instrumentation.claude_agent_sdk");
    assert!(sdk.agents_own() && !sdk.calls_own());
    assert!(settings("openinference", "openinference.instrumentation.openai").calls_own());
    let claude = settings("claude-code", "");
    assert!(claude.log_owns("claude_code.api_request") && claude.calls_own());
    assert_eq!((claude.inclusive, claude.log_run_key), (Inclusive::No, Some("prompt.id")));
    assert_eq!(settings("nobody", "").dialect, "generic");
}
