//! `agent_llm_calls` of agents that call one tool for ever: captures through the processors that understand them.

use crate::json::Json;
use crate::pipeline::Pipeline;
use crate::support::{query, rows};
use chaperone_genai::keys;
use chaperone_proto::keys::name;
use chaperone_proto::{Data, KeyId, Limits, Signal};
use chaperone_scenarios::behaviours::{self, Request};
use chaperone_testkit::corpus::{self, Capture};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use std::collections::BTreeSet;

/// The frameworks' own loops, in three dialects, by two providers.
const LOOPS: [&str; 6] = [
    "otel-openai-v2-loop",
    "otel-anthropic-loop",
    "openinference-openai-loop",
    "openinference-anthropic-loop",
    "openllmetry-openai-loop",
    "openllmetry-anthropic-loop",
];

const ENRICHING: [&str; 3] = ["gen_ai_normalizer", "gen_ai_steps", "gen_ai_cost"];

/// Calls that ended well, tokens in and out, as the ground truth has them.
fn truth(capture: &Capture) -> [u64; 3] {
    ["llm_ok", "prompt_tokens_incl_cache", "output_tokens_incl_reasoning"].map(|field| capture.totals()[field].as_u64().unwrap())
}

/// The same from the table: with `FINAL`, or with a further condition.
async fn sums(pipeline: &Pipeline, reading: &str) -> [u64; 3] {
    let select = "SELECT sumIf(Requests, NOT IsError), sum(InputTokens), sum(OutputTokens) FROM {db}.agent_llm_calls {reading} \
                  WHERE UsageScope = 'self' AND UsageSource != 'missing' {and} FORMAT TSV";
    let (table, and) = if reading == "FINAL" { ("FINAL", "") } else { ("", reading) };
    let line = query(&pipeline.database, &select.replace("{reading}", table).replace("{and}", and)).await;
    let numbers: Vec<u64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[tokio::test]
async fn calls_and_tokens_of_real_loops_equal_their_ground_truth() {
    for name in LOOPS {
        let capture = corpus::load(name).unwrap();
        let pipeline = Pipeline::start(&ENRICHING).await;
        for request in capture.requests.iter().filter(|request| request.signal != "metrics") {
            pipeline.submit(request.signal, request.body.clone(), request.json).await;
        }
        assert_eq!(sums(&pipeline, "FINAL").await, truth(&capture), "{name}");
        // One run, priced, by one agent: the service, where the framework names none.
        let facts = rows(
            &pipeline.database,
            "SELECT DISTINCT RunId != '' AS run, AgentName != '' AS agent, CostSource, CostUsd > 0 AS priced FROM {db}.agent_llm_calls FINAL \
             WHERE UsageScope = 'self' AND UsageSource != 'missing'",
        );
        let expected: Json = serde_json::from_str(r#"{"run":1,"agent":1,"CostSource":"computed","priced":1}"#).unwrap();
        assert_eq!(facts.await, [expected], "{name}");
        pipeline.stop().await;
    }
}

#[tokio::test]
async fn calls_that_arrive_twice_are_counted_once() {
    for name in ["otel-openai-v2-loop", "openinference-anthropic-loop", "openllmetry-anthropic-loop"] {
        let capture = corpus::load(name).unwrap();
        let pipeline = Pipeline::start(&ENRICHING).await;
        for _ in 0..2 {
            for request in capture.requests.iter().filter(|request| request.signal != "metrics" && !request.json) {
                let signal = Signal::ALL.into_iter().find(|signal| signal.name() == request.signal).unwrap();
                pipeline.submit_data(Data::decode(signal, request.body.clone(), &Limits::default()).unwrap()).await;
            }
        }
        assert_eq!(sums(&pipeline, "FINAL").await, truth(&capture), "{name}, FINAL");
        assert_eq!(sums(&pipeline, "AND NOT Resent").await, truth(&capture), "{name}, without FINAL");
        let resent = query(&pipeline.database, "SELECT countIf(Resent) > 0 FROM {db}.agent_llm_calls").await;
        assert_eq!(resent.trim(), "1", "{name}");
        pipeline.stop().await;
    }
}

/// What the spans of model calls say on the wire.
struct Wire {
    calls: u64,
    input: u64,
    output: u64,
    traces: BTreeSet<String>,
}

fn on_the_wire(requests: &[Request]) -> Wire {
    let mut wire = Wire { calls: 0, input: 0, output: 0, traces: BTreeSet::new() };
    for request in requests.iter().filter(|request| request.signal == Signal::Traces) {
        let request = ExportTraceServiceRequest::decode(request.body.clone()).unwrap();
        for span in request.resource_spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans) {
            let value = |key: &str| span.attributes.iter().find(|pair| pair.key == key)?.value.as_ref()?.value.clone();
            if value(name(keys::GEN_AI_OPERATION_NAME)) != Some(Value::StringValue("chat".to_owned())) {
                continue;
            }
            let count = |key: KeyId| match value(name(key)) {
                Some(Value::IntValue(count)) => count as u64,
                other => panic!("{other:?} tokens"),
            };
            wire.calls += 1;
            wire.input += count(keys::GEN_AI_USAGE_INPUT_TOKENS);
            wire.output += count(keys::GEN_AI_USAGE_OUTPUT_TOKENS);
            wire.traces.insert(span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    wire
}

#[tokio::test]
async fn the_calls_of_the_loop_scenario_are_right() {
    let pipeline = Pipeline::start(&ENRICHING).await;
    let requests = behaviours::scenario("loop", 1_767_225_600_000_000_000, 42).expect("there is such a scenario");
    for request in &requests {
        pipeline.submit(request.signal.name(), request.body.clone(), false).await;
    }
    let wire = on_the_wire(&requests);
    // Twelve times the same tool, then the answer.
    assert_eq!((wire.calls, wire.traces.len()), (13, 1));

    let found = rows(
        &pipeline.database,
        "SELECT RunId, ResponseModel, RequestModel, Provider, Dialect, Signal, UsageScope, UsageSource, CostSource, \
         sum(Requests) AS Calls, sum(InputTokens) AS Input, sum(OutputTokens) AS Output, sum(toInt64(CostUsd * 1000000000)) AS NanoUsd, \
         countIf(IsError) AS Errors, min(DurationNs) > 0 AS Timed, sum(ToolCallsMade) AS Tools FROM {db}.agent_llm_calls FINAL GROUP BY ALL",
    )
    .await;
    assert_eq!(found.len(), 1, "{found:?}");
    let row = &found[0];
    let texts = [
        ("RunId", wire.traces.first().unwrap().as_str()),
        ("ResponseModel", "gpt-4o-mini-2024-07-18"),
        ("RequestModel", "gpt-4o-mini"),
        ("Provider", "openai"),
        ("Dialect", "otel-genai"),
        ("Signal", "span"),
        ("UsageScope", "self"),
        ("UsageSource", "reported"),
        ("CostSource", "computed"),
    ];
    for (column, expected) in texts {
        assert_eq!(row.get(column), &Json::from(expected), "{column}");
    }
    // The list price of this model: 0.15 and 0.60 USD a million tokens, that is 150 and 600 nano-dollars a token.
    let nanos = wire.input * 150 + wire.output * 600;
    let numbers = [
        ("Calls", 13),
        ("Input", wire.input),
        ("Output", wire.output),
        ("NanoUsd", nanos),
        ("Errors", 0),
        ("Timed", 1),
        ("Tools", 12),
    ];
    for (column, expected) in numbers {
        assert_eq!(row.get(column), &Json::Uint(expected), "{column}");
    }
    // The agent's own span comes last: calls of earlier requests know the service only, and say so.
    let agents = rows(&pipeline.database, "SELECT DISTINCT AgentName, AgentSource FROM {db}.agent_llm_calls FINAL").await;
    let expected = r#"{"AgentName":"support-desk","AgentSource":"service"}
        {"AgentName":"support_agent","AgentSource":"ancestor"}"#;
    assert_eq!(agents, Json::lines(expected));
    pipeline.stop().await;
}
