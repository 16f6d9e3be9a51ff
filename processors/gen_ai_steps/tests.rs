//! Settings, and records through the processor.

use super::*;
use chaperone_config::{Node as Yaml, parse_settings};
use chaperone_genai::keys;
use chaperone_pipeline::{Clock, Now};
use chaperone_proto::{KeyId, Limits, Signal, ValueRef};

fn config(yaml: &str) -> Result<Config, String> {
    let node = Yaml::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.gen_ai_steps").map_err(|problems| problems.to_string())
}

fn running() -> Arc<dyn Processor> {
    chaperone_genai::dialects::install();
    GenAiSteps::build(Config::default(), &BuildContext::for_tests("gen_ai_steps", Clock::manual(0))).unwrap()
}

fn process(processor: &Arc<dyn Processor>, data: Data) -> (Data, Option<Data>) {
    let mut out = Outbox::for_tests(Now::default());
    processor.process(Batch::new(data), &mut out).unwrap();
    assert_eq!(out.passed().len(), 1);
    (out.passed()[0].data.clone(), out.derived().first().map(|batch| batch.data.clone()))
}

fn pairs(attributes: &[(&str, &str)]) -> String {
    let value = |text: &str| serde_json::Value::from(text);
    let pairs: Vec<String> =
        attributes.iter().map(|(key, text)| format!(r#"{{"key":"{key}","value":{{"stringValue":{}}}}}"#, value(text))).collect();
    pairs.join(",")
}

const TRACE: &str = "0102030405060708090a0b0c0d0e0f10";

/// A span `id` below `parent`, from second `id` to the next.
fn span(id: u8, parent: u8, attributes: &[(&str, &str)]) -> String {
    let parent = if parent == 0 { String::new() } else { format!(r#""parentSpanId":"{parent:016x}","#) };
    format!(
        r#"{{"name":"n","traceId":"{TRACE}","spanId":"{id:016x}",{parent}"startTimeUnixNano":"{id}000000000",
        "endTimeUnixNano":"{id}900000000","attributes":[{}]}}"#,
        pairs(attributes)
    )
}

fn request(outer: &str, inner: &str, list: &str, records: &[String], signal: Signal) -> Data {
    let json = format!(
        r#"{{"{outer}":[{{"resource":{{"attributes":[{}]}},"{inner}":[{{"scope":{{"name":"s"}},"{list}":[{}]}}]}}]}}"#,
        pairs(&[("service.name", "shop")]),
        records.join(",")
    );
    Data::decode_json(signal, json.as_bytes(), &Limits::default()).unwrap()
}

fn spans(records: &[String]) -> Data {
    request("resourceSpans", "scopeSpans", "spans", records, Signal::Traces)
}

fn logs(records: &[String]) -> Data {
    request("resourceLogs", "scopeLogs", "logRecords", records, Signal::Logs)
}

const GEN_AI: (&str, &str) = ("chaperone.dialect.name", "otel-genai");
const CHAT: (&str, &str) = ("gen_ai.operation.name", "chat");
const TOOL: (&str, &str) = ("gen_ai.operation.name", "execute_tool");
const ANSWER: (&str, &str) = (
    "gen_ai.output.messages",
    r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"call_0001","name":"get_weather","arguments":{"city":"Paris"}}]}]"#,
);
const RESULT: (&str, &str) =
    ("gen_ai.input.messages", r#"[{"role":"tool","parts":[{"type":"tool_call_response","id":"call_0001","response":"Sunny"}]}]"#);

fn text(data: &Data, at: usize, key: KeyId) -> Option<String> {
    data.record(at).attrs().str(key).map(str::to_owned)
}

/// `(source, scope)` of the tool call events of a span.
fn told(data: &Data, at: usize) -> Vec<(String, String)> {
    let span = data.record(at).as_span().unwrap();
    let events = span.events().filter(|event| event.name() == "chaperone.tool_call");
    events
        .map(|event| {
            let word = |key| event.attrs().str(key).unwrap_or("").to_owned();
            (word(keys::CHAPERONE_TOOL_SOURCE), word(keys::CHAPERONE_TOOL_SCOPE))
        })
        .collect()
}

fn words(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
}

#[test]
fn the_default_settings_are_those_of_the_readme() {
    assert_eq!(config(include_str!("testdata/default.yaml")).unwrap(), Config::default());
    assert!(config(include_str!("testdata/invalid_max_spans.yaml")).unwrap_err().contains("must be at least 1"));
}

#[test]
fn an_agent_gives_its_name_to_what_is_below_it_across_spans_of_the_application() {
    let agent = span(1, 0, &[GEN_AI, ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "billing")]);
    let records = [span(3, 2, &[GEN_AI, CHAT]), span(2, 1, &[]), agent, span(4, 0, &[GEN_AI, CHAT])];
    let (data, _) = process(&running(), spans(&records));
    let of = |at| (text(&data, at, keys::GEN_AI_AGENT_NAME), text(&data, at, keys::CHAPERONE_AGENT_SOURCE));
    let named = |name: &str, source: &str| (Some(name.to_owned()), Some(source.to_owned()));
    assert_eq!(of(0), named("billing", "ancestor"));
    assert_eq!(of(1), (None, None), "not GenAI");
    assert_eq!(of(2), named("billing", "own"));
    assert_eq!(of(3), named("shop", "service"));
}

#[test]
fn a_requested_call_becomes_an_event_and_a_decision() {
    let offered = ("gen_ai.tool.definitions", r#"[{"name":"get_weather"},{"name":"search"}]"#);
    let (data, made) = process(&running(), spans(&[span(1, 0, &[GEN_AI, CHAT, ANSWER, offered])]));
    assert!(made.is_none(), "a span carries its own events");
    assert_eq!(told(&data, 0), words(&[("requested", "self")]));
    let attrs = data.record(0).attrs();
    assert_eq!(
        (attrs.int(keys::CHAPERONE_LLM_TOOLS_OFFERED), attrs.int(keys::CHAPERONE_LLM_TOOL_CALLS_MADE)),
        (Some(2), Some(1))
    );
    let span = data.record(0).as_span().unwrap();
    let decision = span.events().find(|event| event.name() == "chaperone.decision").unwrap();
    let attrs = decision.attrs();
    assert_eq!(attrs.str(keys::CHAPERONE_DECISION_TYPE), Some("tool_selection"));
    assert_eq!(attrs.str(keys::CHAPERONE_DECISION_SUBJECT_ID), Some("call_0001"));
    assert_eq!(attrs.str(keys::CHAPERONE_DECISION_DERIVATION), Some("inferred"));
    let Some(ValueRef::Array(candidates)) = attrs.get(keys::CHAPERONE_DECISION_CANDIDATES) else { panic!("no candidates") };
    assert_eq!(candidates.iter().filter_map(ValueRef::as_str).collect::<Vec<_>>(), ["get_weather", "search"]);
}

#[test]
fn a_result_in_messages_is_told_once_with_what_the_request_said() {
    let processor = running();
    let records = [span(1, 0, &[GEN_AI, CHAT, ANSWER]), span(2, 0, &[GEN_AI, CHAT, RESULT]), span(3, 0, &[GEN_AI, CHAT, RESULT])];
    let (data, _) = process(&processor, spans(&records));
    assert_eq!(told(&data, 1), words(&[("executed", "self")]));
    assert_eq!(told(&data, 2), [], "history");
    let events: Vec<_> = [0, 1].map(|at| data.record(at).as_span().unwrap().events().next().unwrap()).into();
    let digest = |at: usize| events[at].attrs().str(keys::CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH);
    assert!(digest(0).is_some() && digest(0) == digest(1), "the arguments are those that were asked for");
    assert_eq!(events[1].attrs().str(keys::GEN_AI_TOOL_NAME), Some("get_weather"));
    let (again, _) = process(&processor, spans(&records[1..2]));
    assert_eq!(told(&again, 0), told(&data, 1), "sent again, it tells again");
}

#[test]
fn a_result_in_messages_is_a_duplicate_of_the_tool_span() {
    let tool = span(1, 0, &[GEN_AI, TOOL, ("gen_ai.tool.name", "get_weather"), ("gen_ai.tool.call.id", "call_0001")]);
    for order in [[0, 1], [1, 0]] {
        let records = [span(2, 0, &[GEN_AI, CHAT, RESULT]), tool.clone()];
        let (data, _) = process(&running(), spans(&order.map(|at| records[at].clone())));
        let (chat, tool) = if order == [0, 1] { (0, 1) } else { (1, 0) };
        assert_eq!(told(&data, chat), words(&[("executed", "duplicate")]));
        assert_eq!(text(&data, tool, keys::CHAPERONE_TOOL_SCOPE).as_deref(), Some("self"));
        assert_eq!(text(&data, tool, keys::CHAPERONE_TOOL_SOURCE).as_deref(), Some("executed"));
    }
}

#[test]
fn a_log_tells_of_its_calls_in_log_records_beside_it() {
    let log = format!(
        r#"{{"timeUnixNano":"5","traceId":"{TRACE}","spanId":"0000000000000001","eventName":"gen_ai.choice","attributes":[{}]}}"#,
        pairs(&[GEN_AI, ANSWER, ("chaperone.record.id", "0000000000000000000000000000000a"), ("chaperone.run.id", "r")])
    );
    let processor = running();
    let (_, made) = process(&processor, logs(std::slice::from_ref(&log)));
    let made = made.expect("log records");
    let Data::Logs(records) = &made else { panic!("logs") };
    let names: Vec<_> = records.logs().map(|log| log.event_name()).collect();
    assert_eq!(names, ["chaperone.tool_call", "chaperone.decision"]);
    let first = records.log(0);
    assert_eq!((first.time_ns(), first.span_id()), (5, Some([0, 0, 0, 0, 0, 0, 0, 1])));
    assert_eq!(first.attrs().str(keys::CHAPERONE_RUN_ID), Some("r"));
    assert_eq!(first.attrs().str(keys::CHAPERONE_DIALECT_NAME), Some("otel-genai"));
    assert_eq!(first.resource().attrs().str(keys::SERVICE_NAME), Some("shop"));
    let (_, again) = process(&processor, logs(&[log]));
    assert_eq!(again.unwrap().encode().concat(), made.encode().concat(), "the same ids when it is sent again");
}

#[test]
fn a_failed_tool_is_told_with_its_code_and_its_retry_as_a_second_attempt() {
    let failed = span(1, 9, &[GEN_AI, TOOL, ("gen_ai.tool.name", "slow"), ("error.type", "TimeoutError")]);
    let retried = span(2, 9, &[GEN_AI, TOOL, ("gen_ai.tool.name", "slow")]);
    let (data, _) = process(&running(), spans(&[failed, retried]));
    assert_eq!(text(&data, 0, keys::CHAPERONE_FAILURE_TYPE).as_deref(), Some("tool"));
    assert_eq!(text(&data, 0, keys::CHAPERONE_FAILURE_CODE).as_deref(), Some("timeout"));
    let attempt = |at: usize| data.record(at).attrs().int(keys::CHAPERONE_STEP_ATTEMPT);
    assert_eq!((attempt(0), attempt(1)), (Some(1), Some(2)));
    assert_eq!(signs(&data, 0), ["tool_failure"]);
    assert_eq!(signs(&data, 1), ["tool_success", "retry_occurred"]);
    assert_eq!(decided(&data, 1), ["retry_strategy by code: retry"]);
}

/// Types of the quality signals of a span.
fn signs(data: &Data, at: usize) -> Vec<String> {
    let span = data.record(at).as_span().unwrap();
    span.events().filter_map(|event| event.attrs().str(keys::CHAPERONE_QUALITY_SIGNAL_TYPE).map(str::to_owned)).collect()
}

/// The decisions of a span.
fn decided(data: &Data, at: usize) -> Vec<String> {
    let span = data.record(at).as_span().unwrap();
    let decisions = span.events().filter(|event| event.name() == "chaperone.decision");
    let word = |event: chaperone_proto::EventRef<'_>, key| event.attrs().str(key).unwrap_or("?").to_owned();
    decisions
        .map(|event| {
            let [kind, maker, outcome] =
                [keys::CHAPERONE_DECISION_TYPE, keys::CHAPERONE_DECISION_MAKER_TYPE, keys::CHAPERONE_DECISION_OUTCOME]
                    .map(|key| word(event, key));
            format!("{kind} by {maker}: {outcome}")
        })
        .collect()
}

#[test]
fn a_tool_span_without_call_id_and_the_result_in_messages_are_one_run() {
    let tool = span(1, 9, &[GEN_AI, TOOL, ("gen_ai.tool.name", "get_weather")]);
    let history = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"call_0001","name":"get_weather","arguments":{}}]},
        {"role":"tool","parts":[{"type":"tool_call_response","id":"call_0001","response":"Sunny"}]}]"#;
    let chat = span(2, 9, &[GEN_AI, CHAT, ("gen_ai.input.messages", history)]);
    let answer = span(3, 9, &[GEN_AI, CHAT, ANSWER]);
    for order in [[&answer, &tool, &chat], [&chat, &answer, &tool], [&tool, &chat, &answer]] {
        let processor = running();
        let mut scopes = Vec::new();
        for record in order {
            let (data, _) = process(&processor, spans(std::slice::from_ref(record)));
            scopes.extend(text(&data, 0, keys::CHAPERONE_TOOL_SCOPE));
            scopes.extend(told(&data, 0).into_iter().filter(|(source, _)| source == "executed").map(|(_, scope)| scope));
        }
        assert_eq!(scopes, ["self", "duplicate"]);
    }
}

#[test]
fn a_hand_over_is_told_once_though_a_tool_and_an_agent_below_tell_of_it() {
    let asks =
        r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"call_0001","name":"ask_billing_agent","arguments":{}}]}]"#;
    let agent = |name| [GEN_AI, ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", name)];
    let records = [
        span(1, 0, &agent("triage_agent")),
        span(2, 1, &[GEN_AI, CHAT, ("gen_ai.output.messages", asks)]),
        span(3, 1, &[GEN_AI, TOOL, ("gen_ai.tool.name", "ask_billing_agent")]),
        span(4, 3, &agent("billing_agent")),
    ];
    for first in 0..records.len() {
        let processor = running();
        let mut order = records.clone();
        order.rotate_left(first);
        let told: Vec<String> =
            order.iter().flat_map(|record| decided(&process(&processor, spans(std::slice::from_ref(record))).0, 0)).collect();
        let handed: Vec<_> = told.iter().filter(|decision| decision.starts_with("handoff")).collect();
        assert_eq!(handed, ["handoff by model: billing_agent"], "from {first}");
    }
}

#[test]
fn the_final_answer_is_a_decision_to_stop() {
    let ends = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"call_0001","name":"final_answer","arguments":{}}]}]"#;
    let (data, _) = process(&running(), spans(&[span(1, 0, &[GEN_AI, CHAT, ("gen_ai.output.messages", ends)])]));
    assert_eq!(decided(&data, 0), ["tool_selection by model: final_answer", "stop by model: final_answer"]);
}

#[test]
fn another_model_after_a_failed_call_is_a_fallback() {
    let failed = span(1, 9, &[GEN_AI, CHAT, ("gen_ai.request.model", "large"), ("error.type", "OverloadedError")]);
    let other = span(2, 9, &[GEN_AI, CHAT, ("gen_ai.request.model", "small")]);
    let (data, _) = process(&running(), spans(&[failed, other]));
    assert_eq!(decided(&data, 1), ["fallback by code: small"]);
    assert_eq!(text(&data, 1, keys::CHAPERONE_FALLBACK_FROM_MODEL).as_deref(), Some("large"));
}

#[test]
fn slow_and_large_steps_are_told_where_thresholds_are_set() {
    let chat = span(1, 0, &[GEN_AI, CHAT]);
    assert_eq!(signs(&process(&running(), spans(std::slice::from_ref(&chat))).0, 0), [""; 0]);
    let ctx = BuildContext::for_tests("gen_ai_steps", Clock::manual(0));
    let strict = GenAiSteps::build(config("{latency_threshold: 500ms, token_threshold: 100}").unwrap(), &ctx).unwrap();
    let (data, _) = process(&strict, spans(&[chat]));
    assert_eq!(signs(&data, 0), ["latency_threshold"], "it took 900 milliseconds");
    let numbered = r#"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"90"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"11"}},"#;
    let large = span(2, 0, &[GEN_AI, CHAT]).replace(r#""attributes":["#, &format!(r#""attributes":[{numbered}"#));
    let (data, _) = process(&strict, spans(&[large]));
    assert_eq!(signs(&data, 0), ["latency_threshold", "token_usage"]);
}

#[test]
fn an_answer_without_a_token_is_empty() {
    let numbered = r#"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"90"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"0"}},"#;
    let empty = span(1, 0, &[GEN_AI, CHAT]).replace(r#""attributes":["#, &format!(r#""attributes":[{numbered}"#));
    assert_eq!(signs(&process(&running(), spans(&[empty])).0, 0), ["empty_output"]);
}

#[test]
fn a_tools_definition_overrules_its_name() {
    let offered = ("gen_ai.tool.definitions", r#"[{"name":"fetch_page","annotations":{"destructiveHint":true}}]"#);
    let tool = span(1, 9, &[GEN_AI, TOOL, ("gen_ai.tool.name", "fetch_page")]);
    let risk = |records: &[String]| text(&process(&running(), spans(records)).0, 0, keys::CHAPERONE_TOOL_RISK);
    assert_eq!(risk(std::slice::from_ref(&tool)).as_deref(), Some("read"));
    assert_eq!(risk(&[tool, span(2, 9, &[GEN_AI, CHAT, offered])]).as_deref(), Some("destructive"));
}

#[test]
fn a_second_pass_changes_nothing() {
    let records = [span(1, 0, &[GEN_AI, CHAT, ANSWER]), span(2, 0, &[GEN_AI, CHAT, RESULT])];
    let (first, _) = process(&running(), spans(&records));
    let (again, made) = process(&running(), first.clone());
    assert_eq!(first.encode().concat(), again.encode().concat());
    assert!(made.is_none());
}

#[test]
fn other_telemetry_passes_untouched() {
    let data = spans(&[span(1, 0, &[("http.route", "/")])]);
    let before = data.encode().concat();
    assert_eq!(process(&running(), data).0.encode().concat(), before);
}

#[test]
fn what_is_remembered_is_bounded_and_counted() {
    let ctx = BuildContext::for_tests("gen_ai_steps", Clock::manual(0));
    let config = Config { max_calls: 16, ..Config::default() };
    let small = GenAiSteps::build(config, &ctx).unwrap();
    for id in 0..100u8 {
        let call = format!("call_{id:05}");
        let tool = span(id, 0, &[GEN_AI, TOOL, ("gen_ai.tool.name", "t"), ("gen_ai.tool.call.id", &call)]);
        process(&small, spans(&[tool]));
    }
    let families = ctx.telemetry().families();
    let evicted = families.iter().find(|family| family.name.starts_with("chaperone_steps_evicted")).expect("a counter");
    assert!(format!("{evicted:?}").contains("84"), "{evicted:?}");
}

#[test]
fn a_senders_log_of_a_hand_over_is_told_once() {
    let record = format!(
        r#"{{"timeUnixNano":"5","eventName":"chaperone.decision","attributes":[{}]}}"#,
        pairs(&[
            GEN_AI,
            ("chaperone.record.id", "00000000000000000000000000000001"),
            ("chaperone.decision.type", "handoff"),
            ("chaperone.handoff.source", "triage"),
            ("chaperone.handoff.target", "billing"),
        ])
    );
    let (_, made) = process(&running(), logs(&[record]));
    assert!(made.is_none(), "the log is the decision: {made:?}");
}

#[test]
fn an_answer_that_does_not_fit_its_schema_is_told() {
    let invalid = span(1, 0, &[GEN_AI, CHAT, ("error.type", "AI_NoObjectGeneratedError")]);
    let retried = span(2, 0, &[GEN_AI, TOOL, ("gen_ai.tool.name", "t"), ("chaperone.retry.reason", "validation_error")]);
    let (data, _) = process(&running(), spans(&[invalid, retried]));
    assert_eq!(signs(&data, 0), ["schema_valid"]);
    assert_eq!(signs(&data, 1), ["tool_success", "schema_valid"]);
    let span = data.record(0).as_span().unwrap();
    let value = span.events().next().unwrap().attrs().get(keys::CHAPERONE_QUALITY_SIGNAL_VALUE);
    assert_eq!(value.and_then(ValueRef::as_bool), Some(false));
}
