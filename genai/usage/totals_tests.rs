//! Adding up: owners only, nothing twice, and which calls without usage are calls.

use super::Totals;
use crate::keys;
use chaperone_proto::{Data, Limits, Signal};

/// A span `id` below `parent` with texts and numbers.
fn span(id: u8, parent: u8, texts: &[(&str, &str)], numbers: &[(&str, u64)]) -> String {
    let parent = if parent == 0 { String::new() } else { format!(r#""parentSpanId":"{parent:016x}","#) };
    let texts = texts.iter().map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#));
    let numbers = numbers.iter().map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"intValue":"{value}"}}}}"#));
    let pairs: Vec<String> = texts.chain(numbers).collect();
    format!(
        r#"{{"name":"n","traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"{id:016x}",{parent}"attributes":[{}]}}"#,
        pairs.join(",")
    )
}

fn totals(spans: &[String]) -> Totals {
    keys::install();
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","));
    let data = Data::decode_json(Signal::Traces, json.as_bytes(), &Limits::default()).unwrap();
    let mut totals = Totals::default();
    (0..data.records()).for_each(|at| totals.add(data.record(at)));
    totals
}

const GEN_AI: (&str, &str) = ("chaperone.dialect.name", "otel-genai");
const CHAT: (&str, &str) = ("gen_ai.operation.name", "chat");
const SELF: (&str, &str) = ("chaperone.usage.scope", "self");
const DUPLICATE: (&str, &str) = ("chaperone.usage.scope", "duplicate");
const REPORTED: (&str, &str) = ("chaperone.usage.source", "reported");
const MISSING: (&str, &str) = ("chaperone.usage.source", "missing");
const USAGE: &[(&str, u64)] = &[("gen_ai.usage.input_tokens", 100), ("gen_ai.usage.output_tokens", 10)];

fn measured(id: u8, parent: u8) -> String {
    span(id, parent, &[GEN_AI, CHAT, SELF, REPORTED], USAGE)
}

fn unmeasured(id: u8, parent: u8) -> String {
    span(id, parent, &[GEN_AI, CHAT, SELF, MISSING], &[])
}

#[test]
fn tokens_are_those_of_owners() {
    let duplicate = span(2, 0, &[GEN_AI, CHAT, DUPLICATE, REPORTED], USAGE);
    let aggregate =
        span(3, 0, &[GEN_AI, ("gen_ai.operation.name", "invoke_agent"), ("chaperone.usage.scope", "aggregate"), REPORTED], USAGE);
    let totals = totals(&[measured(1, 0), duplicate, aggregate]);
    assert_eq!((totals.input_tokens, totals.output_tokens, totals.calls()), (100, 10, (0, 1)));
}

#[test]
fn a_failed_call_is_counted_apart() {
    let failed = span(1, 0, &[GEN_AI, CHAT, SELF, MISSING, ("error.type", "RateLimitError")], &[]);
    assert_eq!(totals(&[failed, measured(2, 0)]).calls(), (1, 1));
}

#[test]
fn a_record_may_stand_for_several_requests() {
    let turn = span(1, 0, &[GEN_AI, CHAT, SELF, REPORTED], &[("chaperone.llm.requests", 3)]);
    assert_eq!(totals(&[turn]).calls(), (0, 3));
}

#[test]
fn a_call_without_usage_around_or_inside_a_call_is_its_wrapper() {
    let plain = |id, parent| span(id, parent, &[], &[]);
    assert_eq!(totals(&[unmeasured(1, 0)]).calls(), (0, 1), "alone it is a call");
    assert_eq!(totals(&[unmeasured(1, 0), plain(2, 1), measured(3, 2)]).calls(), (0, 1), "around");
    assert_eq!(totals(&[measured(1, 0), plain(2, 1), unmeasured(3, 2)]).calls(), (0, 1), "inside");
    let tool = span(2, 1, &[GEN_AI, ("gen_ai.operation.name", "execute_tool")], &[]);
    assert_eq!(totals(&[unmeasured(1, 0), tool, measured(3, 2)]).calls(), (0, 2), "a tool that calls a model stands between");
}

#[test]
fn a_call_without_usage_that_another_record_tells_of_is_no_call() {
    let id = ("gen_ai.response.id", "chatcmpl-1");
    let told = span(1, 0, &[GEN_AI, CHAT, SELF, REPORTED, id], USAGE);
    let silent = span(2, 0, &[GEN_AI, CHAT, SELF, MISSING, id], &[]);
    assert_eq!(totals(&[silent, told]).calls(), (0, 1));
}
