//! Settings, and a record through the processor.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::keys;
use chaperone_pipeline::{Clock, Now};
use chaperone_proto::{Data, Limits, Signal, Value, ValueRef};

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.gen_ai_content").map_err(|problems| problems.to_string())
}

/// One OpenInference span with these text attributes, through a processor with these settings.
fn span(yaml: &str, attributes: &[(&str, &str)]) -> Data {
    let pair = |(key, value): &(&str, &str)| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
    let attributes: Vec<String> = attributes.iter().map(pair).collect();
    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{"name":"openinference.instrumentation.openai"}},"spans":[{{"name":"s",
        "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","attributes":[{}]}}]}}]}}]}}"#,
        attributes.join(",")
    );
    let ctx = BuildContext::for_tests("gen_ai_content", Clock::manual(0));
    let processor = GenAiContent::build(config(yaml).unwrap(), &ctx).unwrap();
    let data = Data::decode_json(Signal::Traces, json.as_bytes(), &Limits::default()).unwrap();
    let mut out = Outbox::for_tests(Now::default());
    processor.process(Batch::new(data), &mut out).unwrap();
    out.passed()[0].data.clone()
}

fn value(data: &Data, name: &str) -> Option<Value> {
    data.record(0).attrs().get_named(name).map(ValueRef::to_value)
}

#[test]
fn the_example_is_valid_and_the_default_is_metadata_only() {
    assert_eq!(config(include_str!("testdata/default.yaml")).unwrap(), Config::default());
}

#[test]
fn an_unknown_mode_is_refused() {
    assert!(config(include_str!("testdata/invalid_mode.yaml")).unwrap_err().contains("mode"));
}

#[test]
fn metadata_only_removes_content_and_leaves_its_size() {
    let data = span("{}", &[("input.value", "hello"), ("llm.model_name", "gpt-x"), ("user.id", "u-1")]);
    assert_eq!(value(&data, "input.value"), None);
    assert_eq!(value(&data, "llm.model_name"), Some(Value::Str("gpt-x".to_owned())));
    assert_eq!(data.record(0).attrs().int(keys::CHAPERONE_CONTENT_BYTES), Some(5));
    assert_eq!(data.record(0).attrs().str(keys::CHAPERONE_CONTENT_HASH).map(str::len), Some(32));
    let user = data.record(0).attrs().str(keys::USER_ID).unwrap();
    assert!(user.len() == 32 && user != "u-1");
}

#[test]
fn keep_keeps_content_and_identities_unless_told() {
    let attributes = [("input.value", "hello"), ("user.id", "u-1"), ("llm.headers", "Bearer x")];
    let data = span("mode: keep", &attributes);
    assert_eq!(value(&data, "input.value"), Some(Value::Str("hello".to_owned())));
    assert_eq!(value(&data, "user.id"), Some(Value::Str("u-1".to_owned())));
    let data = span("{mode: keep, identity: drop}", &attributes);
    assert_eq!(value(&data, "user.id"), None);
}

#[test]
fn redact_masks_and_keeps_the_rest() {
    let data = span("mode: redact", &[("input.value", "I am jane.doe@example.com"), ("user.id", "u-1")]);
    let Some(Value::Str(text)) = value(&data, "input.value") else { panic!("content stays") };
    assert!(text.starts_with("I am <EMAIL_") && text.ends_with('>'), "{text}");
    assert_ne!(value(&data, "user.id"), Some(Value::Str("u-1".to_owned())), "identities are hashed by default");
}

#[test]
fn settings_of_keys_recognisers_and_caps_reach_the_policy() {
    let yaml = r#"
mode: redact
recognizers: [{name: employee, pattern: 'E-\d{6}'}]
allow_values: ['support@example\.com']
skip_kinds: [phone]
canaries: [blue-heron]
deny_keys: [house.*]
max_content_bytes_by_key: {output.value: 16}
"#;
    let said = "E-123456 saw a blue-heron; mail support@example.com or call +49 170 1234567";
    let data = span(yaml, &[("input.value", said), ("house.x", "y"), ("output.value", "0123456789 and so on and on")]);
    let Some(Value::Str(text)) = value(&data, "input.value") else { panic!("content stays") };
    assert!(text.starts_with("<EMPLOYEE_") && text.contains("<CANARY_"), "{text}");
    assert!(text.ends_with("mail support@example.com or call +49 170 1234567"), "{text}");
    assert_eq!(value(&data, "house.x"), None);
    assert_eq!(value(&data, "output.value"), Some(Value::Str("0123456789 an...".to_owned())));
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    for (yaml, place) in [
        ("skip_kinds: [faces]", "skip_kinds[0]"),
        ("recognizers: [{name: 'a b', pattern: x}]", "recognizers[0].name"),
        ("recognizers: [{name: a, pattern: '('}]", "recognizers[0].pattern"),
        ("recognizers: [{name: a, pattern: 'x*'}]", "recognizers[0].pattern"),
        ("allow_values: ['[']", "allow_values[0]"),
        ("canaries: [abc]", "canaries"),
        ("max_content_bytes: 3", "max_content_bytes"),
    ] {
        let refused = config(yaml);
        assert!(refused.as_ref().is_err_and(|message| message.contains(place)), "{yaml}: {refused:?}");
    }
}
