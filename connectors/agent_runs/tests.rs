//! Runs from spans: counting, closing, versions, wrappers, aggregates.

use super::*;
use chaperone_pipeline::Clock;
use chaperone_proto::{Data, Limits, Signal};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event};
use prost::Message;

const SECOND: u64 = 1_000_000_000;

fn pair(key: chaperone_proto::KeyId, value: Value) -> KeyValue {
    keys::install();
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: chaperone_proto::keys::name(key).to_owned(), value, ..Default::default() }
}

fn text(key: chaperone_proto::KeyId, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

/// A span of trace 7 that the normaliser recognised; it ends `id` seconds after it started.
fn span(id: u8, parent: u8, kind: &str, attributes: Vec<KeyValue>) -> Span {
    let mut attributes = attributes;
    attributes.push(text(keys::CHAPERONE_DIALECT_NAME, "otel-genai"));
    attributes.push(text(keys::CHAPERONE_STEP_KIND, kind));
    Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { vec![] } else { vec![parent; 8] },
        name: kind.to_owned(),
        start_time_unix_nano: 100 * SECOND,
        end_time_unix_nano: (100 + u64::from(id)) * SECOND,
        attributes,
        ..Default::default()
    }
}

fn usage(scope: &str, input: i64, output: i64) -> Vec<KeyValue> {
    vec![
        text(keys::CHAPERONE_USAGE_SCOPE, scope),
        text(keys::CHAPERONE_USAGE_SOURCE, "reported"),
        pair(keys::GEN_AI_USAGE_INPUT_TOKENS, Value::IntValue(input)),
        pair(keys::GEN_AI_USAGE_OUTPUT_TOKENS, Value::IntValue(output)),
        pair(keys::CHAPERONE_COST_TOTAL, Value::DoubleValue(0.25)),
    ]
}

fn batch(spans: Vec<Span>) -> Batch {
    let scope = ScopeSpans { spans, ..Default::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..Default::default() };
    let body = ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec();
    Batch::new(Data::decode(Signal::Traces, body.into(), &Limits::default()).expect("it is a valid request"))
}

struct Runs(Arc<dyn Processor>);

impl Runs {
    fn new(config: Config) -> Runs {
        let ctx = BuildContext::for_tests("agent_runs", Clock::manual(1));
        Runs(AgentRuns::build(config, &ctx).expect("the settings are valid"))
    }
    fn send(&self, at: u64, spans: Vec<Span>) {
        let mut out = Outbox::for_tests(now(at));
        self.0.process(batch(spans), &mut out).expect("it takes everything");
        assert!(out.derived().is_empty(), "no run is closed by a record");
    }
    /// Attributes of every run given out by a tick.
    fn tick(&self, at: u64) -> Vec<Batch> {
        let mut out = Outbox::for_tests(now(at));
        self.0.tick(now(at), &mut out);
        out.derived().to_vec()
    }
}

fn now(seconds: u64) -> Now {
    Now { mono: Duration::from_secs(seconds), unix_ns: (1_000 + seconds) * SECOND }
}

fn int(batch: &Batch, key: chaperone_proto::KeyId) -> i64 {
    batch.data.record(0).attrs().int(key).expect("the run has this number")
}

fn string(batch: &Batch, key: chaperone_proto::KeyId) -> String {
    batch.data.record(0).attrs().str(key).expect("the run has this text").to_owned()
}

#[test]
fn a_delegation_is_one_edge_though_a_decision_and_the_tree_tell_of_it() {
    let decision = |target: &str, how: &str| Event {
        name: "chaperone.decision".to_owned(),
        attributes: vec![
            text(keys::CHAPERONE_DECISION_TYPE, "handoff"),
            text(keys::CHAPERONE_HANDOFF_SOURCE, "triage"),
            text(keys::CHAPERONE_HANDOFF_TARGET, target),
            text(keys::CHAPERONE_HANDOFF_TYPE, how),
        ],
        ..Default::default()
    };
    let mut outer = span(9, 0, "agent", vec![text(keys::GEN_AI_AGENT_NAME, "triage")]);
    outer.events = vec![decision("billing", "delegate"), decision("research", "delegate"), decision("sales", "transfer")];
    let inner = span(2, 9, "agent", vec![text(keys::GEN_AI_AGENT_NAME, "billing")]);
    let mut run = chaperone_genai::runs::Run::new("r");
    let data = batch(vec![outer, inner]).data;
    for at in 0..data.records() {
        run.add(data.record(at), 10, str::to_owned);
    }
    let edges: Vec<_> = run
        .summary()
        .edges
        .into_iter()
        .map(|edge| format!("{} {} {} {}", edge.from, edge.relation, edge.to, edge.calls))
        .collect();
    assert_eq!(edges, ["triage delegates billing 1", "triage delegates research 1", "triage handoff sales 1"]);
}

#[test]
fn a_run_whose_outermost_span_ended_is_closed_after_a_pause() {
    let runs = Runs::new(Config::default());
    runs.send(
        0,
        vec![span(2, 1, "llm", usage("self", 1011, 103)), span(1, 0, "agent", vec![text(keys::GEN_AI_AGENT_NAME, "support")])],
    );
    assert!(runs.tick(2).is_empty());
    let closed = runs.tick(3);
    assert_eq!(closed.len(), 1);
    assert_eq!(string(&closed[0], keys::CHAPERONE_RUN_STATUS), "success");
    assert_eq!(string(&closed[0], keys::CHAPERONE_RUN_AGENT_NAME), "support");
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_TOKENS_INPUT), 1011);
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_LLM_CALLS), 1);
    assert!(runs.tick(4).is_empty(), "a run is given out once");
}

#[test]
fn a_run_without_its_outermost_span_waits_for_the_idle_timeout() {
    let runs = Runs::new(Config::default());
    runs.send(0, vec![span(2, 1, "llm", usage("self", 1, 1))]);
    assert!(runs.tick(59).is_empty());
    assert_eq!(runs.tick(60).len(), 1);
}

#[test]
fn a_late_span_gives_a_greater_version_of_the_same_run() {
    let runs = Runs::new(Config::default());
    runs.send(0, vec![span(1, 0, "agent", vec![])]);
    let first = runs.tick(3);
    runs.send(4, vec![span(2, 1, "llm", usage("self", 1, 1))]);
    let second = runs.tick(7);
    assert!(int(&second[0], keys::CHAPERONE_RUN_VERSION) > int(&first[0], keys::CHAPERONE_RUN_VERSION));
    assert_eq!(int(&second[0], keys::CHAPERONE_RUN_LATE_SPANS), 1);
    assert_eq!(int(&second[0], keys::CHAPERONE_RUN_FIRST_SEEN), int(&first[0], keys::CHAPERONE_RUN_FIRST_SEEN));
}

#[test]
fn the_same_span_twice_is_one_step() {
    let runs = Runs::new(Config::default());
    let call = || span(1, 0, "llm", usage("self", 5, 5));
    runs.send(0, vec![call(), call()]);
    let closed = runs.tick(3);
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_SPANS), 1);
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_TOKENS_INPUT), 5);
}

#[test]
fn a_call_without_usage_around_another_call_is_a_wrapper() {
    let runs = Runs::new(Config::default());
    let wrapper = span(1, 0, "llm", vec![text(keys::CHAPERONE_USAGE_SCOPE, "self")]);
    runs.send(0, vec![wrapper, span(2, 1, "llm", usage("self", 5, 5))]);
    assert_eq!(int(&runs.tick(3)[0], keys::CHAPERONE_RUN_LLM_CALLS), 1);
}

#[test]
fn a_tool_between_two_calls_makes_both_of_them_calls() {
    let runs = Runs::new(Config::default());
    let outer = span(1, 0, "llm", vec![text(keys::CHAPERONE_USAGE_SCOPE, "self")]);
    runs.send(0, vec![outer, span(2, 1, "tool", vec![]), span(3, 2, "llm", usage("self", 5, 5))]);
    assert_eq!(int(&runs.tick(3)[0], keys::CHAPERONE_RUN_LLM_CALLS), 2);
}

#[test]
fn aggregates_are_taken_only_when_no_call_was_counted() {
    let agent = || span(1, 0, "agent", usage("aggregate", 30, 3));
    let runs = Runs::new(Config::default());
    runs.send(0, vec![agent(), span(2, 1, "agent", usage("aggregate", 20, 2))]);
    let closed = runs.tick(3);
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_TOKENS_INPUT), 30, "only the outermost");
    let runs = Runs::new(Config::default());
    runs.send(0, vec![agent(), span(2, 1, "llm", usage("self", 7, 1))]);
    assert_eq!(int(&runs.tick(3)[0], keys::CHAPERONE_RUN_TOKENS_INPUT), 7);
}

#[test]
fn a_failure_that_was_made_good_is_partial_success() {
    let error = |mut span: Span| {
        span.status = Some(Status { code: 2, ..Default::default() });
        span
    };
    let tool = |id| span(id, 1, "tool", vec![text(keys::GEN_AI_TOOL_NAME, "search")]);
    let runs = Runs::new(Config::default());
    runs.send(0, vec![span(9, 0, "agent", vec![]), error(tool(2)), tool(3)]);
    let closed = runs.tick(3);
    assert_eq!(string(&closed[0], keys::CHAPERONE_RUN_STATUS), "partial");
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_RECOVERED_ERRORS), 1);
    let runs = Runs::new(Config::default());
    runs.send(0, vec![error(span(9, 0, "agent", vec![]))]);
    assert_eq!(string(&runs.tick(3)[0], keys::CHAPERONE_RUN_STATUS), "failure");
}

#[test]
fn tool_calls_are_executed_or_requested() {
    let mut call = span(1, 0, "llm", usage("self", 1, 1));
    call.events = vec![Event {
        name: event_names::TOOL_CALL.to_owned(),
        attributes: vec![text(keys::GEN_AI_TOOL_NAME, "search"), text(keys::CHAPERONE_TOOL_SOURCE, "requested")],
        ..Default::default()
    }];
    let runs = Runs::new(Config::default());
    runs.send(0, vec![call, span(2, 0, "tool", vec![text(keys::GEN_AI_TOOL_NAME, "search")])]);
    let closed = runs.tick(3);
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_TOOL_CALLS_REQUESTED), 1);
    assert_eq!(int(&closed[0], keys::CHAPERONE_RUN_TOOL_CALLS), 1);
}

#[test]
fn parents_in_a_circle_end() {
    let runs = Runs::new(Config::default());
    runs.send(0, vec![span(1, 2, "agent", vec![]), span(2, 1, "agent", vec![])]);
    assert_eq!(runs.tick(60).len(), 1);
}

#[test]
fn the_run_that_was_idle_longest_makes_room() {
    let runs = Runs::new(Config { max_runs: 1, ..Config::default() });
    let mut given = 0;
    for trace in 0..64u8 {
        let mut call = span(1, 0, "llm", usage("self", 1, 1));
        call.trace_id = vec![trace + 1; 16];
        let mut out = Outbox::for_tests(now(u64::from(trace)));
        runs.0.process(batch(vec![call]), &mut out).expect("it takes everything");
        given += out.derived().len();
    }
    given += runs.tick(1_000).iter().map(|batch| batch.data.records()).sum::<usize>();
    assert_eq!(given, 64, "every run was given out, early or at the end");
}

/// A log of Codex: of trace 7 or of none, with the conversation's id.
fn codex_log(number: u8, in_trace: bool, kind: &str, run: &str, usage: Option<(i64, i64)>) -> Batch {
    let mut logs = chaperone_proto::LogsBuilder::new(&[], "codex_otel.log_only");
    let mut log = logs.record(101 * SECOND);
    log.ids(in_trace.then_some([7; 16]), None);
    let record_id = format!("{number:032x}");
    let texts = [
        (keys::CHAPERONE_DIALECT_NAME, "codex-cli"),
        (keys::CHAPERONE_STEP_KIND, kind),
        (keys::CHAPERONE_RUN_ID, run),
        (keys::CHAPERONE_RECORD_ID, record_id.as_str()),
    ];
    for (key, value) in texts {
        log.attr(key, value);
    }
    log.attr_named("conversation.id", "c1");
    if let Some((input, output)) = usage {
        log.attr(keys::CHAPERONE_USAGE_SCOPE, "self").attr(keys::CHAPERONE_USAGE_SOURCE, "reported");
        log.attr(keys::GEN_AI_USAGE_INPUT_TOKENS, input).attr(keys::GEN_AI_USAGE_OUTPUT_TOKENS, output);
    }
    drop(log);
    Batch::new(Data::Logs(logs.finish()))
}

#[test]
fn a_log_with_a_trace_and_the_key_of_logs_without_one_makes_them_one_run() {
    let trace = "07".repeat(16);
    let call = || codex_log(1, false, "llm", "c1", Some((100, 10)));
    let tie = || codex_log(2, true, "other", &trace, None);
    let turn = || batch(vec![span(9, 0, "agent", usage("aggregate", 100, 10))]);
    // Whatever comes first: the turn's sum is not taken, since the run's calls are known.
    for order in [[call(), tie(), turn()], [turn(), tie(), call()], [turn(), call(), tie()], [tie(), turn(), call()]] {
        let runs = Runs::new(Config::default());
        for batch in order {
            runs.0.process(batch, &mut Outbox::for_tests(now(0))).expect("it takes everything");
        }
        let closed = runs.tick(60);
        let [run] = &closed[..] else { panic!("one batch: {closed:?}") };
        assert_eq!(run.data.records(), 1, "one run");
        assert_eq!(int(run, keys::CHAPERONE_RUN_TOKENS_INPUT), 100);
        assert_eq!(int(run, keys::CHAPERONE_RUN_LLM_CALLS), 1);
        let id = string(run, keys::CHAPERONE_RUN_ID);
        let aliases = run.data.record(0).attrs().get(keys::CHAPERONE_RUN_ALIASES).map(chaperone_proto::ValueRef::to_value);
        let other = if id == "c1" { trace.as_str() } else { "c1" };
        let expected = chaperone_proto::Value::Array(vec![chaperone_proto::Value::Str(other.to_owned())]);
        assert_eq!(aliases, Some(expected), "{id}");
    }
}
