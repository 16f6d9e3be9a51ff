//! Chains of records made by hand: what no capture shows.

use super::*;
use crate::dialects;
use chaperone_proto::{Data, Limits, Signal};
use serde_json::{Value as Json, json};

const TRACE: &str = "0102030405060708090a0b0c0d0e0f10";

fn attributes(object: &Json) -> Json {
    let any = |value: &Json| match value {
        Json::Bool(yes) => json!({"boolValue": yes}),
        other => json!({"stringValue": other.as_str().unwrap()}),
    };
    object.as_object().unwrap().iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
}

/// A span from second `id` to the next.
fn span(id: u8, attrs: &Json, events: &[(&str, Json)]) -> Json {
    let events: Vec<Json> = events
        .iter()
        .map(|(name, attrs)| json!({"name": name, "timeUnixNano": format!("{id}500000000"), "attributes": attributes(attrs)}))
        .collect();
    json!({"traceId": TRACE, "spanId": format!("{id:016x}"), "name": "s", "startTimeUnixNano": format!("{id}000000000"),
        "endTimeUnixNano": format!("{id}900000000"), "attributes": attributes(attrs), "events": events})
}

fn log(at_ns: u64, event: &str, attrs: &Json) -> Json {
    json!({"timeUnixNano": at_ns.to_string(), "eventName": event, "traceId": TRACE, "attributes": attributes(attrs)})
}

fn data(spans: &[Json], logs: &[Json]) -> Vec<Data> {
    dialects::install();
    let decode = |signal, request: Json| Data::decode_json(signal, request.to_string().as_bytes(), &Limits::default()).unwrap();
    vec![
        decode(Signal::Traces, json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": spans}]}]})),
        decode(Signal::Logs, json!({"resourceLogs": [{"scopeLogs": [{"scope": {"name": "s"}, "logRecords": logs}]}]})),
    ]
}

fn chain(data: &[Data]) -> Chain {
    reasoning_chain(data.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at))))
}

fn words(chain: &Chain) -> Vec<String> {
    chain.links.iter().map(|link| format!("{} {}", link.what.name(), link.name).trim_end().to_owned()).collect()
}

fn llm(id: u8, calls: &[(&str, &str, &str)]) -> Json {
    let attrs = json!({"chaperone.dialect.name": "otel-genai", "chaperone.step.kind": "llm", "chaperone.usage.scope": "self",
        "gen_ai.request.model": "m"});
    let events: Vec<(&str, Json)> = calls
        .iter()
        .map(|(source, id, tool)| {
            let attrs = json!({"chaperone.tool.source": source, "gen_ai.tool.call.id": id, "gen_ai.tool.name": tool});
            ("chaperone.tool_call", attrs)
        })
        .collect();
    span(id, &attrs, &events)
}

fn tool(id: u8, call: &str, name: &str, scope: &str) -> Json {
    let attrs = json!({"chaperone.dialect.name": "otel-genai", "chaperone.step.kind": "tool", "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call, "chaperone.tool.scope": scope});
    span(id, &attrs, &[])
}

fn approval(at_ns: u64, record: &str, call: &str, outcome: &str) -> Json {
    let attrs = json!({"chaperone.dialect.name": "otel-genai", "chaperone.record.id": record, "chaperone.decision.type": "approval",
        "chaperone.decision.name": "approve_tool", "chaperone.decision.outcome": outcome, "chaperone.decision.maker.type": "human",
        "chaperone.decision.subject.type": "tool_call", "chaperone.decision.subject.id": call});
    log(at_ns, "chaperone.approval", &attrs)
}

const ONE: &str = "00000000000000000000000000000001";
const TWO: &str = "00000000000000000000000000000002";

#[test]
fn a_call_is_requested_approved_run_and_answered_whatever_the_clocks_say() {
    // The approval's clock is a second early: it stands before the request it approves.
    let spans = [
        llm(1, &[("requested", "call_0001", "ls")]),
        tool(2, "call_0001", "ls", "self"),
        llm(3, &[("executed", "call_0001", "ls")]),
    ];
    let found = chain(&data(&spans, &[approval(500_000_000, ONE, "call_0001", "approved")]));
    assert_eq!(words(&found), ["requested ls", "approval approve_tool", "call m", "executed ls", "call m", "result ls"]);
    let [call] = &found.calls[..] else { panic!("one call: {:?}", found.calls) };
    assert_eq!((call.id.as_deref(), call.requested, call.executed, call.result), (Some("call_0001"), Some(0), Some(3), Some(5)));
    assert_eq!(call.approvals, [1]);
    assert_eq!(found.links[1].maker, "human");
}

#[test]
fn an_approval_may_name_the_tools_span_and_a_denied_call_never_runs() {
    let spans =
        [llm(1, &[("requested", "call_0001", "ls"), ("requested", "call_0002", "rm")]), tool(2, "call_0001", "ls", "self")];
    let logs =
        [approval(1_950_000_000, ONE, "0000000000000002", "approved"), approval(1_960_000_000, TWO, "call_0002", "denied")];
    let found = chain(&data(&spans, &logs));
    let outcomes: Vec<(&str, Vec<&str>, bool)> = found
        .calls
        .iter()
        .map(|call| {
            let approvals = call.approvals.iter().map(|at| found.links[*at].outcome.as_str()).collect();
            (call.name.as_str(), approvals, call.executed.is_some())
        })
        .collect();
    assert_eq!(outcomes, [("ls", vec!["approved"], true), ("rm", vec!["denied"], false)]);
}

#[test]
fn records_that_repeat_a_call_or_are_sent_again_add_nothing() {
    let spans = [tool(2, "call_0001", "ls", "self"), tool(3, "call_0001", "ls", "duplicate")];
    let twice = [data(&spans, &[]), data(&spans, &[])].concat();
    let found = chain(&twice);
    assert_eq!(words(&found), ["executed ls"]);
    assert_eq!(found.calls.len(), 1);
}

#[test]
fn calls_without_ids_stay_apart() {
    let spans = [tool(2, "", "ls", "self"), tool(3, "", "ls", "self")];
    assert_eq!(chain(&data(&spans, &[])).calls.len(), 2);
}

#[test]
fn other_decisions_stand_where_they_were_made() {
    let attrs = json!({"chaperone.dialect.name": "otel-genai", "chaperone.record.id": ONE, "chaperone.decision.type": "route",
        "chaperone.decision.name": "select_model", "chaperone.decision.outcome": "m", "chaperone.decision.maker.type": "rule"});
    let found = chain(&data(&[llm(1, &[])], &[log(900_000_000, "chaperone.decision", &attrs)]));
    assert_eq!(words(&found), ["decision select_model", "call m"]);
    assert_eq!((found.links[0].kind.as_str(), found.links[0].outcome.as_str()), ("route", "m"));
}
