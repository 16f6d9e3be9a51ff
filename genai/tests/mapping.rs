//! What single attributes become: one behaviour a test, on made records.

mod support;

use chaperone_genai::dialects::{Normalizer, Options};
use chaperone_proto::RecordRef;
use serde_json::{Value as Json, json};
use support::{OPENINFERENCE, OPENLLMETRY, OTEL, log_of, normalized, parsed, span, span_of, value};

/// The attribute `key` of a span with these attributes, after normalising.
fn check(scope: &str, attrs: Json, key: &str, expected: Json) {
    let data = normalized(span(scope, &attrs));
    assert_eq!(value(&data, key).unwrap_or(Json::Null), expected, "{key} of {attrs}");
}

#[test]
fn numbers_sent_as_text_become_integers() {
    check(OPENINFERENCE, json!({"llm.token_count.prompt": "12"}), "gen_ai.usage.input_tokens", json!(12));
    check(OPENINFERENCE, json!({"llm.token_count.prompt": 12.0}), "gen_ai.usage.input_tokens", json!(12));
    check(OPENINFERENCE, json!({"llm.token_count.prompt": "many"}), "gen_ai.usage.input_tokens", Json::Null);
}

#[test]
fn a_value_of_the_wrong_shape_is_counted_and_harms_nothing() {
    let mut data = span(OPENINFERENCE, &json!({"llm.token_count.prompt": "many", "llm.token_count.completion": 2}));
    let report = Normalizer::all(Options::default()).normalize(&mut data);
    assert_eq!(report.by_dialect[0].1.failed, 1);
    assert_eq!(value(&data, "gen_ai.usage.output_tokens"), Some(json!(2)));
}

#[test]
fn the_current_spelling_wins_over_legacy_ones_and_those_over_a_dialects_own() {
    let both = json!({"gen_ai.usage.prompt_tokens": 2, "gen_ai.usage.input_tokens": 1, "llm.token_count.prompt": 3});
    check(OPENINFERENCE, both, "gen_ai.usage.input_tokens", json!(1));
    check(
        OPENINFERENCE,
        json!({"llm.token_count.prompt": 3, "gen_ai.usage.prompt_tokens": 2}),
        "gen_ai.usage.input_tokens",
        json!(2),
    );
}

#[test]
fn all_spellings_of_cache_and_reasoning_tokens_are_read() {
    for (source, target) in [
        ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"),
        ("gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write.input_tokens"),
        ("gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_read.input_tokens"),
        ("gen_ai.usage.reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"),
    ] {
        check(OTEL, json!({source: 7}), target, json!(7));
    }
    let total = normalized(span(OTEL, &json!({"gen_ai.usage.total_tokens": 9})));
    assert_eq!(value(&total, "gen_ai.usage.input_tokens"), None, "totals are never parts");
}

#[test]
fn providers_are_spelled_canonically_and_frameworks_are_no_providers() {
    for (native, canonical) in
        [("OpenAI", json!("openai")), ("AWS", json!("aws.bedrock")), ("xai", json!("x_ai")), ("vertexai", json!("gcp.vertex_ai"))]
    {
        check(OTEL, json!({"gen_ai.system": native}), "gen_ai.provider.name", canonical);
    }
    let framework =
        json!({"gen_ai.provider.name": "langgraph", "gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-x"});
    check(OTEL, framework.clone(), "gen_ai.provider.name", json!("anthropic"));
    check(OTEL, framework, "chaperone.framework.name", json!("langgraph"));
    check(
        OTEL,
        json!({"gen_ai.provider.name": "InMemoryVectorStore", "gen_ai.operation.name": "retrieval"}),
        "gen_ai.provider.name",
        Json::Null,
    );
    check(OTEL, json!({"gen_ai.provider.name": "my-gateway"}), "gen_ai.provider.name", json!("my-gateway"));
}

#[test]
fn finish_reasons_are_canonical_and_the_senders_words_stay() {
    let key = "gen_ai.response.finish_reasons";
    check(OTEL, json!({key: ["tool_calls", "stop"]}), key, json!(["tool_call", "stop"]));
    check(OTEL, json!({key: ["tool_calls"]}), "chaperone.response.native_finish_reasons", json!(["tool_calls"]));
    check(OTEL, json!({key: ["stop"]}), "chaperone.response.native_finish_reasons", Json::Null);
    check(OTEL, json!({key: "[\"end_turn\"]"}), key, json!(["stop"]));
    check(OPENINFERENCE, json!({"llm.finish_reason": "max_tokens"}), key, json!(["length"]));
}

#[test]
fn kinds_of_openinference_become_operations() {
    let kind = |kind: &str| json!({"openinference.span.kind": kind});
    for (native, operation) in [("LLM", "chat"), ("EMBEDDING", "embeddings"), ("TOOL", "execute_tool"), ("AGENT", "invoke_agent")]
    {
        check(OPENINFERENCE, kind(native), "gen_ai.operation.name", json!(operation));
        check(OPENINFERENCE, kind(native), "chaperone.step.native_kind", json!(native));
    }
    check(OPENINFERENCE, kind("RERANKER"), "chaperone.operation", json!("rerank"));
    check(OPENINFERENCE, kind("GUARDRAIL"), "chaperone.step.kind", json!("guardrail"));
    check(OPENINFERENCE, kind("PROMPT"), "gen_ai.operation.name", Json::Null);
    let completion = json!({"openinference.span.kind": "LLM", "llm.prompts.0.prompt.text": "Once"});
    check(OPENINFERENCE, completion, "gen_ai.operation.name", json!("text_completion"));
}

#[test]
fn a_chain_is_a_workflow_only_at_the_root() {
    let chain = json!({"openinference.span.kind": "CHAIN"});
    check(OPENINFERENCE, chain.clone(), "gen_ai.operation.name", json!("invoke_workflow"));
    let child = span_of((OPENINFERENCE, "1"), json!({"parentSpanId": "1112131415161718"}), &chain);
    assert_eq!(value(&normalized(child), "gen_ai.operation.name"), None);
}

#[test]
fn a_span_that_prepares_a_call_is_no_call() {
    let prepares = span_of(
        (OPENINFERENCE, "1"),
        json!({"name": "OpenAI._prepare_chat_with_tools"}),
        &json!({"openinference.span.kind": "LLM"}),
    );
    assert_eq!(value(&normalized(prepares), "gen_ai.operation.name"), None);
}

#[test]
fn indexed_messages_are_sorted_by_number_and_may_have_gaps() {
    let attrs = json!({
        "llm.input_messages.10.message.role": "user", "llm.input_messages.10.message.content": "third",
        "llm.input_messages.2.message.role": "assistant", "llm.input_messages.2.message.content": "second",
        "llm.input_messages.1.message.role": "system", "llm.input_messages.1.message.content": "first",
    });
    let messages = parsed(&normalized(span(OPENINFERENCE, &attrs)), "gen_ai.input.messages");
    let texts: Vec<&str> = messages.as_array().unwrap().iter().map(|m| m["parts"][0]["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["first", "second", "third"]);
}

#[test]
fn parts_of_openinference_messages_keep_their_kind() {
    let attrs = json!({
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.contents.0.message_content.type": "reasoning",
        "llm.output_messages.0.message.contents.0.message_content.text": "hm",
        "llm.output_messages.0.message.contents.1.message_content.type": "image",
        "llm.output_messages.0.message.contents.1.message_content.image.image.url": "data:image/png;base64,AAAA",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"a\": 1}",
    });
    let expected = json!([{"role": "assistant", "parts": [
        {"type": "reasoning", "content": "hm"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
    ]}]);
    assert_eq!(parsed(&normalized(span(OPENINFERENCE, &attrs)), "gen_ai.output.messages"), expected);
}

#[test]
fn a_tools_message_is_a_response_to_its_call() {
    let attrs = json!({
        "llm.input_messages.0.message.role": "tool",
        "llm.input_messages.0.message.tool_call_id": "c1",
        "llm.input_messages.0.message.content": "{\"ok\": true}",
    });
    let expected = json!([{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"ok": true}}]}]);
    assert_eq!(parsed(&normalized(span(OPENINFERENCE, &attrs)), "gen_ai.input.messages"), expected);
}

#[test]
fn indexed_prompts_of_openllmetry_become_messages() {
    let attrs = json!({
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1", "gen_ai.completion.0.tool_calls.0.name": "f",
        "gen_ai.completion.0.tool_calls.0.arguments": "{}",
    });
    let data = normalized(span(OPENLLMETRY, &attrs));
    assert_eq!(parsed(&data, "gen_ai.input.messages"), json!([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]));
    assert_eq!(value(&data, "gen_ai.response.finish_reasons"), Some(json!(["tool_call"])));
    let call = json!({"type": "tool_call", "id": "c1", "name": "f", "arguments": {}});
    assert_eq!(parsed(&data, "gen_ai.output.messages")[0]["parts"], json!([call]));
}

#[test]
fn a_provider_request_in_a_blob_is_read_only_where_no_message_is() {
    let blob = r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}"#;
    let attrs = json!({"openinference.span.kind": "LLM", "input.value": blob, "output.value": "hello"});
    let data = normalized(span(OPENINFERENCE, &attrs));
    assert_eq!(parsed(&data, "gen_ai.input.messages")[0]["parts"], json!([{"type": "text", "content": "hi"}]));
    assert_eq!(parsed(&data, "gen_ai.output.messages")[0]["parts"][0]["content"], "hello");
}

#[test]
fn redacted_texts_are_absent() {
    let attrs = json!({"openinference.span.kind": "LLM", "input.value": "__REDACTED__", "output.value": "<REDACTED>"});
    let data = normalized(span(OPENINFERENCE, &attrs));
    assert_eq!(value(&data, "gen_ai.input.messages"), None);
    assert_eq!(value(&data, "gen_ai.output.messages"), None);
}

#[test]
fn what_a_blob_is_depends_on_the_step() {
    let tool = json!({"openinference.span.kind": "TOOL", "tool.name": "f", "input.value": "{\"kwargs\": {\"a\": 1}}", "output.value": "\"ok\""});
    check(OPENINFERENCE, tool.clone(), "gen_ai.tool.call.arguments", json!("{\"a\":1}"));
    check(OPENINFERENCE, tool, "gen_ai.tool.call.result", json!("ok"));
    let retriever = json!({"openinference.span.kind": "RETRIEVER", "input.value": "q"});
    check(OPENINFERENCE, retriever, "gen_ai.retrieval.query.text", json!("q"));
}

#[test]
fn invocation_parameters_become_request_attributes() {
    let attrs = json!({"llm.invocation_parameters": "{\"model\": \"m\", \"temperature\": 0.5, \"max_completion_tokens\": 9, \"stop\": \"x\", \"reasoning\": {\"effort\": \"low\"}}"});
    for (key, expected) in [
        ("gen_ai.request.model", json!("m")),
        ("gen_ai.request.temperature", json!(0.5)),
        ("gen_ai.request.max_tokens", json!(9)),
        ("gen_ai.request.stop_sequences", json!(["x"])),
        ("gen_ai.request.reasoning.level", json!("low")),
    ] {
        check(OPENINFERENCE, attrs.clone(), key, expected);
    }
}

#[test]
fn associations_become_conversation_user_and_metadata() {
    let attrs = json!({"traceloop.association.properties.session_id": "s1", "traceloop.association.properties.user_id": "u", "traceloop.association.properties.plan": "gold"});
    check(OPENLLMETRY, attrs.clone(), "gen_ai.conversation.id", json!("s1"));
    check(OPENLLMETRY, attrs.clone(), "user.id", json!("u"));
    check(OPENLLMETRY, attrs, "chaperone.metadata.plan", json!("gold"));
}

#[test]
fn an_api_base_tells_server_and_port() {
    let attrs = json!({"gen_ai.openai.api_base": "https://api.example.test/v1/"});
    check(OPENLLMETRY, attrs.clone(), "server.address", json!("api.example.test"));
    check(OPENLLMETRY, attrs, "server.port", json!(443));
}

#[test]
fn headers_are_dropped_because_they_may_hold_secrets() {
    check(OPENLLMETRY, json!({"llm.headers": "Bearer x"}), "llm.headers", Json::Null);
}

#[test]
fn a_handoff_names_both_agents_and_is_told_by_the_steps() {
    let attrs =
        json!({"gen_ai.operation.name": "handoff", "gen_ai.handoff.from_agent": "triage", "gen_ai.handoff.to_agent": "billing"});
    let once = normalized(span(OTEL, &attrs));
    let RecordRef::Span(span) = once.record(0) else { panic!("a span") };
    let attr = |key: &str| span.attrs().get_named(key).and_then(|value| value.as_str().map(str::to_owned));
    assert_eq!(attr("chaperone.handoff.source").as_deref(), Some("triage"));
    assert_eq!(attr("chaperone.handoff.target").as_deref(), Some("billing"));
    assert_eq!(span.events().count(), 0, "other records tell of the same hand-over");
}

#[test]
fn a_route_of_langgraph_is_a_decision_a_target() {
    let attrs = json!({"langgraph.command.source_node": "router", "langgraph.command.goto_nodes": ["a", "b"]});
    let data = normalized(span(OPENLLMETRY, &attrs));
    let RecordRef::Span(span) = data.record(0) else { panic!("a span") };
    let outcome = |event: chaperone_proto::EventRef<'_>| {
        event.attrs().get_named("chaperone.decision.outcome").unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!(span.events().map(outcome).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn answers_of_a_decision_model_are_decisions_with_their_probability() {
    let answers = r#"{"answers": {"is_refund": {"answer": "yes", "probability": 0.9}, "urgency": {"value": 3}}}"#;
    let attrs = json!({"openinference.span.kind": "DECISION", "output.value": answers, "decision.model_name": "m"});
    let data = normalized(normalized(span(OPENINFERENCE, &attrs)));
    let RecordRef::Span(span) = data.record(0) else { panic!("a span") };
    let attr = |event: chaperone_proto::EventRef<'_>, key: &str| event.attrs().get_named(key).map(support::plain);
    let all: Vec<_> = span
        .events()
        .map(|event| {
            let keys = ["name", "type", "outcome", "confidence"].map(|key| format!("chaperone.decision.{key}"));
            keys.map(|key| attr(event, &key).unwrap_or(Json::Null))
        })
        .collect();
    let expected = [
        [json!("is_refund"), json!("classification"), json!("yes"), json!(0.9)],
        [json!("urgency"), json!("score"), json!("3"), Json::Null],
    ];
    assert_eq!(all, expected);
}

#[test]
fn a_guardrail_that_was_triggered_is_a_decision_without_a_verdict() {
    let attrs =
        json!({"gen_ai.operation.name": "apply_guardrail", "gen_ai.guardrail.name": "pii", "gen_ai.guardrail.triggered": true});
    let data = normalized(span(OTEL, &attrs));
    let RecordRef::Span(span) = data.record(0) else { panic!("a span") };
    let event = span.events().next().expect("an event");
    assert_eq!(event.attrs().get_named("chaperone.decision.outcome").unwrap().as_str(), Some("triggered"));
}

#[test]
fn evaluations_on_a_span_become_events() {
    let attrs = json!({
        "evaluations.0.evaluation.name": "faithful", "evaluations.0.evaluation.score": 0.5, "evaluations.0.evaluation.annotator_kind": "LLM",
        "evaluations.1.evaluation.name": "short", "evaluations.1.evaluation.label": "yes",
    });
    let data = normalized(normalized(span(OPENINFERENCE, &attrs)));
    let RecordRef::Span(span) = data.record(0) else { panic!("a span") };
    let names: Vec<_> = span
        .events()
        .map(|event| event.attrs().get_named("gen_ai.evaluation.name").unwrap().as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["faithful", "short"]);
    let first = span.events().next().unwrap();
    assert_eq!(first.attrs().get_named("chaperone.evaluation.evaluator.type").unwrap().as_str(), Some("model"));
}

#[test]
fn messages_in_span_events_are_read_where_attributes_have_none() {
    let event =
        |name: &str, key: &str, text: &str| json!({"name": name, "attributes": [{"key": key, "value": {"stringValue": text}}]});
    let events = json!([
        event("gen_ai.content.prompt", "gen_ai.prompt", "[{\"role\":\"user\",\"content\":\"hi\"}]"),
        event("gen_ai.content.completion", "gen_ai.completion", "hello"),
    ]);
    let data = normalized(span_of((OTEL, "1"), json!({"events": events}), &json!({"gen_ai.system": "openai"})));
    assert_eq!(parsed(&data, "gen_ai.input.messages")[0]["parts"][0]["content"], "hi");
    assert_eq!(parsed(&data, "gen_ai.output.messages")[0]["parts"][0]["content"], "hello");
}

#[test]
fn a_choice_in_a_log_becomes_an_output_message() {
    let body = json!({"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}});
    let log = json!({"eventName": "gen_ai.choice", "body": support::any(&body)});
    let data = normalized(log_of("opentelemetry.instrumentation.openai_v2", log, &json!({"gen_ai.system": "openai"})));
    let expected = json!([{"role": "assistant", "finish_reason": "tool_call", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {}}]}]);
    assert_eq!(parsed(&data, "gen_ai.output.messages"), expected);
    assert_eq!(value(&data, "gen_ai.response.finish_reasons"), Some(json!(["tool_call"])));
}

#[test]
fn a_system_message_in_a_log_becomes_instructions() {
    let log = json!({"eventName": "gen_ai.system.message", "body": support::any(&json!({"content": "be kind"}))});
    let data = normalized(log_of("opentelemetry.instrumentation.openai_v2", log, &json!({})));
    assert_eq!(parsed(&data, "gen_ai.system_instructions"), json!([{"type": "text", "content": "be kind"}]));
}
