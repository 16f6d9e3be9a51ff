//! Odd values: cut, in Python's spelling, numbers as text, structured where text was meant, redacted. What can be read is read;
//! what cannot is counted, and the record passes with everything it had.

mod support;

use chaperone_genai::dialects::{Normalizer, Options};
use serde_json::{Value as Json, json};
use support::{OPENINFERENCE, OPENLLMETRY, OTEL, log_of, normalized, parsed, span, value};

const INPUT: &str = "gen_ai.input.messages";
const OUTPUT: &str = "gen_ai.output.messages";

/// Normalises a span: its attributes afterwards, and how many of them could not be read.
fn read(scope: &str, attrs: &Json) -> (chaperone_proto::Data, u64) {
    let mut data = span(scope, attrs);
    let report = Normalizer::all(Options::default()).normalize(&mut data);
    (data, report.by_dialect.iter().map(|(_, counts)| counts.failed).sum())
}

#[test]
fn of_json_that_is_cut_what_was_whole_is_read_and_the_record_says_so() {
    let cut = r#"[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a long ans"#;
    let (data, _) = read(OTEL, &json!({"gen_ai.prompt": cut, "gen_ai.usage.input_tokens": 3}));
    assert_eq!(parsed(&data, INPUT)[0]["parts"], json!([{"type": "text", "content": "hi"}]));
    assert_eq!(value(&data, "chaperone.content.truncated"), Some(json!(true)));
    assert_eq!(value(&data, "gen_ai.prompt"), Some(json!(cut)));
    assert_eq!(value(&data, "gen_ai.usage.input_tokens"), Some(json!(3)));
    let tool = json!({"openinference.span.kind": "TOOL", "tool.name": "f", "input.value": "{\"city\": \"Par", "output.value": "{\"ok\": "});
    let (data, _) = read(OPENINFERENCE, &tool);
    assert_eq!(value(&data, "gen_ai.tool.call.arguments"), Some(json!("{\"city\": \"Par")));
    assert_eq!(value(&data, "gen_ai.tool.call.result"), Some(json!("{\"ok\": ")));
    let parameters = json!({"llm.invocation_parameters": "{\"model\": \"m\", \"temp", "llm.provider": "openai"});
    let (data, _) = read(OPENINFERENCE, &parameters);
    assert_eq!(value(&data, "gen_ai.request.model"), Some(json!("m")));
    let (data, failed) = read(OPENINFERENCE, &json!({"llm.invocation_parameters": "cold, short", "llm.provider": "openai"}));
    assert_eq!((value(&data, "gen_ai.provider.name"), failed), (Some(json!("openai")), 1));
}

#[test]
fn python_text_is_read_where_json_was_meant() {
    let details = json!({"gen_ai.usage.input_token_details": "{'cache_read': 9, 'audio': None, 'ok': True}"});
    assert_eq!(value(&read("langsmith", &details).0, "gen_ai.usage.cache_read.input_tokens"), Some(json!(9)));
    let messages = json!({"gen_ai.prompt": "[{'role': 'user', 'content': \"it's\"}]"});
    assert_eq!(parsed(&read(OTEL, &messages).0, INPUT)[0]["parts"], json!([{"type": "text", "content": "it's"}]));
}

#[test]
fn numbers_sent_as_text_are_numbers_and_other_text_is_counted() {
    let attrs = json!({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": " 7 ", "gen_ai.request.temperature": "0.5",
        "gen_ai.request.max_tokens": "100", "gen_ai.usage.cost": "0.25", "gen_ai.usage.reasoning_tokens": "some"});
    let (data, failed) = read(OTEL, &attrs);
    for (key, expected) in [
        ("gen_ai.usage.input_tokens", json!(12)),
        ("gen_ai.usage.output_tokens", json!(7)),
        ("gen_ai.request.temperature", json!(0.5)),
        ("gen_ai.request.max_tokens", json!(100)),
        ("chaperone.cost.reported", json!(0.25)),
        ("gen_ai.usage.reasoning_tokens", json!("some")),
    ] {
        assert_eq!(value(&data, key), Some(expected), "{key}");
    }
    assert_eq!(value(&data, "gen_ai.usage.reasoning.output_tokens"), None);
    assert_eq!(failed, 1);
}

#[test]
fn structured_values_are_as_good_as_json_text() {
    let messages = json!([{"role": "user", "content": "hi"}]);
    for prompt in [messages.clone(), json!(messages.to_string())] {
        let (data, _) = read(OTEL, &json!({ "gen_ai.prompt": prompt }));
        assert_eq!(parsed(&data, INPUT), json!([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]));
    }
    let usage = json!({"cache_read": 4});
    for details in [usage.clone(), json!(usage.to_string())] {
        let (data, _) = read("langsmith", &json!({ "gen_ai.usage.input_token_details": details }));
        assert_eq!(value(&data, "gen_ai.usage.cache_read.input_tokens"), Some(json!(4)));
    }
    let parameters = json!({"temperature": 0.5, "stop": ["x"]});
    for parameters in [parameters.clone(), json!(parameters.to_string())] {
        let (data, _) = read(OPENINFERENCE, &json!({ "llm.invocation_parameters": parameters }));
        assert_eq!(value(&data, "gen_ai.request.stop_sequences"), Some(json!(["x"])));
    }
}

#[test]
fn what_an_emitter_took_out_is_absent() {
    for sentinel in ["", "{}", "N/A", "<REDACTED>", "[REDACTED]", "__REDACTED__"] {
        let attrs = json!({"openinference.span.kind": "LLM", "input.value": sentinel, "output.value": sentinel, "llm.model_name": sentinel});
        let (data, failed) = read(OPENINFERENCE, &attrs);
        for key in [INPUT, OUTPUT, "gen_ai.response.model", "gen_ai.request.model"] {
            assert_eq!(value(&data, key), None, "{key} of `{sentinel}`");
        }
        assert_eq!((value(&data, "input.value"), failed), (Some(json!(sentinel)), 0), "it stays as sent");
    }
}

#[test]
fn indexed_keys_may_have_gaps_begin_anywhere_and_come_in_any_order() {
    let attrs = json!({
        "gen_ai.prompt.12.role": "user", "gen_ai.prompt.12.content": "third",
        "gen_ai.prompt.2.content": "first", "gen_ai.prompt.2.role": "system",
        "gen_ai.prompt.9.role": "assistant", "gen_ai.prompt.9.content": "second",
        "gen_ai.prompt.x.role": "no number", "gen_ai.prompt.99999999999.role": "no index",
    });
    let (data, _) = read(OPENLLMETRY, &attrs);
    let messages = parsed(&data, INPUT);
    let texts: Vec<_> = messages.as_array().unwrap().iter().map(|message| message["parts"][0]["content"].clone()).collect();
    assert_eq!(texts, [json!("first"), json!("second"), json!("third")]);
    assert_eq!(value(&data, "gen_ai.prompt.x.role"), Some(json!("no number")));
}

#[test]
fn logs_are_read_as_leniently() {
    let scope = "opentelemetry.instrumentation.openai_v2";
    let cut = json!({"eventName": "gen_ai.choice", "body": {"stringValue": "{\"finish_reason\": \"sto"}});
    let data = normalized(log_of(scope, cut, &json!({"gen_ai.usage.output_tokens": "4"})));
    assert_eq!(data.records(), 1);
    assert_eq!(value(&data, "gen_ai.usage.output_tokens"), Some(json!(4)));
    let text = json!({"eventName": "gen_ai.choice", "body": {"stringValue": "{\"finish_reason\": \"stop\", \"message\": {\"content\": \"hi\"}}"}});
    let data = normalized(log_of(scope, text, &json!({})));
    assert_eq!(value(&data, "gen_ai.response.finish_reasons"), Some(json!(["stop"])));
    for body in [json!(7), json!(null), json!([]), json!({}), json!({"message": 3}), json!({"message": {"tool_calls": "none"}})] {
        let log = json!({"eventName": "gen_ai.choice", "body": support::any(&body)});
        let data = normalized(log_of(scope, log, &json!({"gen_ai.system": "openai"})));
        assert_eq!(value(&data, "gen_ai.provider.name"), Some(json!("openai")), "{body}");
    }
}

#[test]
fn deeply_nested_values_neither_crash_nor_take_long() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(5000), close.repeat(5000));
    for text in [deep("[", "]"), deep("{\"messages\":", "}"), deep("{\"kwargs\":", "}"), deep("(", ")"), deep("{'a':", "}")] {
        let attrs = json!({"openinference.span.kind": "LLM", "input.value": text, "gen_ai.prompt": text, "llm.invocation_parameters": text,
            "gen_ai.tool.call.arguments": text, "gen_ai.tool.call.result": text, "metadata": text});
        let (data, _) = read(OPENINFERENCE, &attrs);
        assert_eq!(value(&data, "input.value"), Some(json!(text)));
    }
}
