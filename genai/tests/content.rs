//! The content policy, one rule a test, on made records.

mod support;

use chaperone_genai::content::{Identity, Mode, Policy, pseudonym};
use chaperone_proto::{Data, RecordRef};
use serde_json::{Value as Json, json};
use support::{OPENINFERENCE, log_of, normalized, span, span_of, value};

const KEY: [u8; 32] = [9; 32];

fn policy(identity: Identity) -> Policy {
    Policy::new(Mode::MetadataOnly, identity, KEY)
}

fn applied(mut data: Data) -> Data {
    policy(Identity::Hash).apply(&mut data);
    data
}

/// What stands under `key` of a GenAI span with these attributes afterwards.
fn check(attrs: Json, key: &str, expected: Json) {
    let data = applied(normalized(span(OPENINFERENCE, &attrs)));
    assert_eq!(value(&data, key).unwrap_or(Json::Null), expected, "{key} of {attrs}");
}

#[test]
fn keys_nobody_knows_pass_while_short_and_harmless() {
    let long = "x".repeat(129);
    check(json!({"house.shift": "night"}), "house.shift", json!("night"));
    check(json!({"house.count": 7, "house.on": true}), "house.count", json!(7));
    check(json!({"house.note": long}), "house.note", json!("[removed 129 bytes]"));
    check(json!({"house.mail": "ask jane.doe@example.com"}), "house.mail", json!("[removed 24 bytes]"));
    check(json!({"house.list": ["a", "b"]}), "house.list", json!(["a", "b"]));
    check(json!({"house.list": ["a", "jane.doe@example.com"]}), "house.list", json!("[removed 28 bytes]"));
}

#[test]
fn text_under_a_dialects_prefix_that_no_row_names_is_content_and_a_number_is_not() {
    check(json!({"llm.something.new": "hi"}), "llm.something.new", Json::Null);
    check(json!({"llm.something.new": 3}), "llm.something.new", json!(3));
    check(json!({"gen_ai.something.new": "hi"}), "gen_ai.something.new", Json::Null);
}

#[test]
fn content_keys_of_other_dialects_on_the_same_span_go_too() {
    check(json!({"traceloop.entity.input": "hi"}), "traceloop.entity.input", Json::Null);
    check(json!({"langfuse.observation.input": "hi"}), "langfuse.observation.input", Json::Null);
}

#[test]
fn user_metadata_is_content() {
    check(json!({"metadata": "{\"plan\": \"gold\"}"}), "chaperone.metadata.plan", Json::Null);
}

#[test]
fn identities_are_hashed_kept_or_dropped() {
    let user = |identity| {
        let mut data = normalized(span(OPENINFERENCE, &json!({"user.id": "u-1"})));
        policy(identity).apply(&mut data);
        value(&data, "user.id")
    };
    assert_eq!(user(Identity::Hash), Some(json!(pseudonym(&KEY, "u-1"))));
    assert_eq!(user(Identity::Keep), Some(json!("u-1")));
    assert_eq!(user(Identity::Drop), None);
    assert_ne!(pseudonym(&KEY, "u-1"), pseudonym(&[8; 32], "u-1"));
}

#[test]
fn secrets_go_even_where_content_stays() {
    let mut data = span("traceloop.tracer", &json!({"llm.headers": "Bearer x", "traceloop.entity.input": "hi"}));
    Policy::new(Mode::Keep, Identity::Keep, KEY).apply(&mut data);
    assert_eq!(value(&data, "llm.headers"), None);
    assert_eq!(value(&data, "traceloop.entity.input"), Some(json!("hi")));
}

#[test]
fn generic_content_is_masked_on_spans_of_any_telemetry() {
    let attrs =
        json!({"db.query.text": "select 1", "url.full": "https://h/p?token=1", "http.route": "/p", "house.mail": "a@b.example"});
    let data = applied(span("my-app", &attrs));
    assert_eq!(value(&data, "db.query.text"), Some(json!("[removed 8 bytes]")));
    assert_eq!(value(&data, "url.full"), Some(json!("https://h/p?[removed]")));
    assert_eq!(value(&data, "http.route"), Some(json!("/p")));
    assert_eq!(value(&data, "house.mail"), Some(json!("a@b.example")), "other telemetry is left to others");
}

#[test]
fn exceptions_are_masked_in_events_and_status() {
    let event = json!({"name": "exception", "attributes": support::attributes(&json!({"exception.type": "E", "exception.message": "no such order"}))});
    let fields = json!({"events": [event], "status": {"code": 2, "message": "E: no such order"}});
    let data = applied(normalized(span_of((OPENINFERENCE, "1"), fields, &json!({}))));
    let RecordRef::Span(span) = data.record(0) else { panic!("a span") };
    assert_eq!(span.status_message(), "[removed 16 bytes]");
    assert_eq!(span.status_code(), 2);
    let event = span.events().next().unwrap();
    assert_eq!(event.attrs().get_named("exception.type").unwrap().as_str(), Some("E"));
    assert_eq!(event.attrs().get_named("exception.message").unwrap().as_str(), Some("[removed 13 bytes]"));
}

#[test]
fn a_prompt_in_a_span_name_becomes_operation_and_subject() {
    let name = |name: &str, attrs: Json| {
        let data = applied(normalized(span_of((OPENINFERENCE, "1"), json!({"name": name}), &attrs)));
        data.record(0).as_span().unwrap().name().to_owned()
    };
    let agent = json!({"openinference.span.kind": "AGENT", "agent.name": "support"});
    assert_eq!(name("What is the capital of France?", agent), "invoke_agent support");
    let repeats = json!({"openinference.span.kind": "AGENT", "agent.name": "support", "input.value": "Say hello."});
    assert_eq!(name("Say hello..task", repeats), "invoke_agent support");
    assert_eq!(name("Delegate work to coworker.run", json!({})), "Delegate work to coworker.run");
}

#[test]
fn a_body_passes_as_the_name_of_an_event_and_goes_as_something_said() {
    let body = |scope: &str, log: Json| {
        let data = applied(normalized(log_of(scope, log, &json!({}))));
        let RecordRef::Log(log) = data.record(0) else { panic!("a log") };
        support::plain(log.body())
    };
    let claude = "com.anthropic.claude_code.events";
    assert_eq!(body(claude, json!({"body": {"stringValue": "claude_code.api_request"}})), "claude_code.api_request");
    assert_eq!(body(claude, json!({"body": {"stringValue": "Say hello."}})), "[removed 10 bytes]");
    let openai = "opentelemetry.instrumentation.openai_v2";
    let message = support::any(&json!({"content": "hi"}));
    assert_eq!(body(openai, json!({"eventName": "gen_ai.user.message", "body": message})), "[removed 16 bytes]");
    let run = json!({"eventName": "chaperone.run", "body": {"stringValue": "run of support took 3 s"}});
    assert_eq!(body(claude, run), "run of support took 3 s", "what connectors make was masked when it was made");
}

#[test]
fn resources_obey_the_same_rules() {
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": support::attributes(&json!({"service.name": "s", "owner": "jane.doe@example.com"}))},
        "scopeSpans": [{"scope": {"name": OPENINFERENCE}, "spans": [{"name": "s", "traceId": "01".repeat(16), "spanId": "01".repeat(8)}]}],
    }]});
    let data = applied(normalized(support::decode(chaperone_proto::Signal::Traces, &request)));
    let resource = |key: &str| data.record(0).resource().attrs().get_named(key).and_then(|v| v.as_str().map(str::to_owned));
    assert_eq!(resource("service.name").as_deref(), Some("s"));
    assert_eq!(resource("owner").as_deref(), Some("[removed 20 bytes]"));
}

#[test]
fn a_genai_span_that_was_not_normalised_is_recognised_all_the_same() {
    let data = applied(span(OPENINFERENCE, &json!({"input.value": "hi"})));
    assert_eq!(value(&data, "input.value"), None);
}

#[test]
fn instrumentation_scopes_obey_the_same_rules() {
    let request = json!({"resourceSpans": [{"scopeSpans": [{
        "scope": {
            "name": OPENINFERENCE,
            "attributes": support::attributes(&json!({"build": "b7", "input.value": "tell me", "owner": "jane.doe@example.com"})),
        },
        "spans": [{"name": "s", "attributes": support::attributes(&json!({"openinference.span.kind": "LLM"}))}],
    }]}]});
    let data = applied(normalized(support::decode(chaperone_proto::Signal::Traces, &request)));
    let scope = |key: &str| data.record(0).scope().attrs().get_named(key).and_then(|v| v.as_str().map(str::to_owned));
    assert_eq!(scope("build").as_deref(), Some("b7"));
    assert_eq!(scope("input.value"), None);
    assert_eq!(scope("owner").as_deref(), Some("[removed 20 bytes]"));
    let encoded = String::from_utf8_lossy(&data.encode().concat()).into_owned();
    assert!(!encoded.contains("tell me"), "what was removed is still encoded");
}
