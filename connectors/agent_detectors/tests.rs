//! Sessions, their order and their bounds, through the processor trait.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::detect::{Finding, Severity};
use chaperone_proto::{KeyId, Limits, Logs};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_000_000 * SECOND;

fn pair(key: KeyId, value: Value) -> KeyValue {
    keys::install();
    KeyValue {
        key: chaperone_proto::keys::name(key).to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    }
}

fn text(key: KeyId, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

/// A tool call as the processors leave it; call `n` starts `n` seconds after the start and takes half a second.
fn tool(n: u8, result: &str) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![n; 8],
        start_time_unix_nano: START + u64::from(n) * SECOND,
        end_time_unix_nano: START + u64::from(n) * SECOND + SECOND / 2,
        attributes: vec![
            text(keys::CHAPERONE_DIALECT_NAME, "otel-genai"),
            text(keys::CHAPERONE_STEP_KIND, "tool"),
            text(keys::GEN_AI_TOOL_NAME, "search_orders"),
            text(keys::GEN_AI_TOOL_CALL_ARGUMENTS, "{\"customer\":\"C-1042\"}"),
            text(keys::CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH, "aa"),
            text(keys::CHAPERONE_TOOL_RESULT_SHAPE_HASH, result),
            text(keys::CHAPERONE_RUN_ID, "run-1"),
        ],
        ..Default::default()
    }
}

fn with(mut span: Span, attribute: KeyValue) -> Span {
    span.attributes.push(attribute);
    span
}

fn batch(emitter: &str, spans: Vec<Span>) -> Batch {
    let scope = Some(InstrumentationScope { name: emitter.to_owned(), ..Default::default() });
    let scope = ScopeSpans { scope, spans, ..Default::default() };
    let resource = Resource { attributes: vec![text(keys::SERVICE_NAME, "shop")], ..Default::default() };
    let resource = ResourceSpans { resource: Some(resource), scope_spans: vec![scope], ..Default::default() };
    let body = ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec();
    Batch::new(Data::decode(Signal::Traces, body.into(), &Limits::default()).expect("it is a valid request"))
}

struct Watched {
    connector: AgentDetectors,
    clock: Clock,
    findings: Vec<Finding>,
    logs: Vec<Logs>,
}

impl Watched {
    fn new(config: Config) -> Watched {
        keys::install();
        let clock = Clock::manual(START + 100 * SECOND);
        let connector = AgentDetectors::new(&config, &BuildContext::for_tests("agent_detectors", clock.clone()));
        Watched { connector, clock, findings: Vec::new(), logs: Vec::new() }
    }

    fn see(&mut self, spans: Vec<Span>) {
        self.see_of("emitter", spans);
    }

    fn see_of(&mut self, emitter: &str, spans: Vec<Span>) {
        let mut out = Outbox::for_tests(self.clock.now());
        self.connector.process(batch(emitter, spans), &mut out).unwrap();
        self.take(&out);
    }

    fn after(&mut self, pause: Duration) -> Next {
        self.clock.advance_to(self.clock.now().unix_ns + pause.as_nanos() as u64);
        let mut out = Outbox::for_tests(self.clock.now());
        let next = self.connector.tick(self.clock.now(), &mut out);
        self.take(&out);
        next
    }

    fn drain(&mut self) {
        let mut out = Outbox::for_tests(self.clock.now());
        while self.connector.drain(self.clock.now(), &mut out) == Next::Again {}
        self.take(&out);
    }

    fn take(&mut self, out: &Outbox) {
        assert!(out.passed().is_empty());
        for batch in out.derived() {
            let Data::Logs(logs) = &batch.data else { panic!("only logs are made") };
            self.findings.extend(logs.logs().filter_map(Finding::read));
            self.logs.push(logs.clone());
        }
    }
}

fn two_seconds() -> Config {
    Config { lateness: chaperone_config::Duration::from_secs(2), ..Config::default() }
}

#[test]
fn a_loop_is_found_as_soon_as_its_senders_have_passed_it() {
    let mut watched = Watched::new(two_seconds());
    for n in 1..=4 {
        watched.see(vec![tool(n, "r")]);
    }
    assert!(watched.findings.is_empty(), "the third call ended less than two seconds before the last one seen");
    watched.see(vec![tool(5, "r"), tool(6, "r")]);
    let last = watched.findings.last().unwrap();
    assert_eq!((last.detector.as_str(), last.severity, last.value("repeats")), ("loop", Severity::Medium, Some(4.0)));
    assert_eq!(last.key_part("agent"), Some("shop"));
    assert_eq!(last.snippet, "search_orders(customer)");
    let log = watched.logs[0].log(0);
    assert_eq!(log.resource().attrs().str(keys::SERVICE_NAME), Some("shop"));
    assert_eq!(log.attrs().str(keys::CHAPERONE_RUN_ID), Some("run-1"));
}

#[test]
fn when_nothing_newer_comes_the_wall_clock_lets_steps_go() {
    let mut watched = Watched::new(two_seconds());
    watched.see((1..=4).map(|n| tool(n, "r")).collect());
    watched.after(Duration::from_millis(1900));
    let told = |watched: &Watched| watched.findings.iter().map(|finding| finding.value("repeats").unwrap()).fold(0.0, f64::max);
    assert_eq!(told(&watched), 0.0);
    assert!(matches!(watched.after(Duration::from_millis(200)), Next::Done));
    assert_eq!(told(&watched), 4.0);
}

#[test]
fn the_order_of_arrival_does_not_matter_within_the_lateness() {
    let order = [5, 1, 3, 2, 8, 4, 7, 6, 10, 9, 12, 11];
    let results = |n: u8| if n.is_multiple_of(4) { "other" } else { "r" };
    let run = |order: &[u8]| {
        let mut watched = Watched::new(Config::default());
        for n in order {
            watched.see(vec![tool(*n, results(*n))]);
        }
        watched.drain();
        watched.findings
    };
    let mut sorted = order;
    sorted.sort_unstable();
    assert_eq!(run(&order), run(&sorted));
    assert!(!run(&order).is_empty());
}

#[test]
fn what_comes_too_late_is_counted_and_changes_nothing() {
    let mut watched = Watched::new(two_seconds());
    watched.see(vec![tool(5, "r"), tool(20, "r")]);
    watched.see(vec![tool(4, "r")]);
    assert_eq!((watched.connector.counters.late.get(), watched.connector.counters.steps.get()), (1, 2));
}

#[test]
fn times_in_the_future_are_clamped_and_counted() {
    let mut watched = Watched::new(two_seconds());
    let mut span = tool(1, "r");
    span.end_time_unix_nano = START + 9_000 * SECOND;
    watched.see(vec![span]);
    assert_eq!(watched.connector.counters.clamped.get(), 1);
    watched.see((1..=4).map(|n| tool(n, "r")).collect());
    watched.drain();
    assert!(watched.findings.iter().any(|finding| finding.value("repeats") == Some(4.0)), "{:?}", watched.findings);
}

#[test]
fn records_that_were_counted_before_are_skipped() {
    let mut watched = Watched::new(two_seconds());
    for n in 1..=12 {
        watched.see(vec![with(tool(n, "r"), pair(keys::CHAPERONE_USAGE_RESENT, Value::BoolValue(true)))]);
    }
    watched.drain();
    assert!(watched.findings.is_empty());
    assert_eq!(watched.connector.counters.steps.get(), 0);
}

#[test]
fn runs_of_a_tool_that_two_emitters_tell_of_are_judged_once() {
    let mut watched = Watched::new(two_seconds());
    for n in 1..=6 {
        watched.see_of("client", vec![tool(n, "r")]);
        let mut again = with(tool(n, "r"), text(keys::CHAPERONE_TOOL_SCOPE, "duplicate"));
        again.span_id = vec![100 + n; 8];
        watched.see_of("server", vec![again]);
    }
    watched.drain();
    assert_eq!(watched.findings.last().and_then(|finding| finding.value("repeats")), Some(6.0));
}

#[test]
fn tenants_and_conversations_are_watched_apart() {
    let mut watched = Watched::new(two_seconds());
    for n in 1..=6u8 {
        let conversation = if n % 2 == 0 { "even" } else { "odd" };
        let mut span = with(tool(n, "r"), text(keys::GEN_AI_CONVERSATION_ID, conversation));
        span.trace_id = vec![n; 16];
        watched.see(vec![span]);
    }
    watched.drain();
    assert!(watched.findings.iter().all(|finding| finding.severity == Severity::Low), "three each are a warning");
    assert_eq!(watched.findings.len(), 2);
}

#[test]
fn tool_calls_belong_to_the_conversation_that_another_span_of_the_trace_names() {
    let mut watched = Watched::new(two_seconds());
    let mut model = with(tool(1, "r"), text(keys::GEN_AI_CONVERSATION_ID, "conv-1"));
    model.attributes.retain(|pair| pair.key != chaperone_proto::keys::name(keys::CHAPERONE_STEP_KIND));
    model.attributes.push(text(keys::CHAPERONE_STEP_KIND, "llm"));
    watched.see(vec![model]);
    watched.see((2..=5).map(|n| tool(n, "r")).collect());
    watched.drain();
    let last = watched.findings.last().unwrap();
    assert_eq!((last.key_part("session"), last.key_part("conversation")), (Some("conv-1"), Some("conv-1")));
}

#[test]
fn a_conversation_that_is_named_late_goes_on_in_the_session_its_trace_began() {
    let named = |n: u8, trace: u8| {
        let mut span = with(tool(n, "r"), text(keys::GEN_AI_CONVERSATION_ID, "conv-1"));
        span.trace_id = vec![trace; 16];
        span
    };
    let trace = tool(1, "r").trace_id[0];
    let mut watched = Watched::new(two_seconds());
    watched.see((1..=3).map(|n| tool(n, "r")).collect());
    watched.see(vec![named(4, trace), tool(5, "r")]);
    watched.see(vec![named(6, trace + 1)]);
    watched.drain();
    let last = watched.findings.last().unwrap();
    assert_eq!(last.value("repeats"), Some(6.0), "steps before, with and after the name, and another trace of the conversation");
    assert_eq!(last.key_part("conversation"), Some("conv-1"));
    assert!(watched.findings.iter().all(|finding| finding.id == last.id), "it is one finding");
}

#[test]
fn too_many_sessions_are_forgotten_and_counted_and_their_findings_told() {
    let mut watched = Watched::new(Config { max_sessions: SHARDS, ..two_seconds() });
    watched.see((1..=4).map(|n| tool(n, "r")).collect());
    for n in 10..=200u8 {
        let mut span = tool(n, "r");
        span.trace_id = vec![n; 16];
        watched.see(vec![span]);
    }
    assert!(watched.connector.counters.evicted.get() >= 100);
    let sizes: usize = (0..SHARDS).map(|i| watched.connector.sessions.lock(i).sizes().0).sum();
    assert!(sizes <= SHARDS);
    assert!(watched.findings.iter().any(|finding| finding.value("repeats") == Some(4.0)));
}

#[test]
fn quiet_sessions_are_forgotten() {
    let mut watched = Watched::new(two_seconds());
    watched.see(vec![tool(1, "r")]);
    watched.after(Duration::from_secs(3600));
    assert_eq!(watched.connector.counters.expired.get(), 1);
}

#[test]
fn settings_are_checked() {
    let parse = |yaml: &str| parse_settings::<Config>(&Node::parse(yaml, "test.yaml").unwrap(), "connectors.agent_detectors");
    assert_eq!(parse(include_str!("testdata/default.yaml")).unwrap(), Config::default());
    let check = |yaml: &str, place: &str| {
        let problems = parse(yaml).unwrap_err().to_string();
        assert!(problems.contains(place), "{problems}");
    };
    check(include_str!("testdata/invalid_ttl.yaml"), "session_ttl");
    check(include_str!("testdata/invalid_repeats.yaml"), "loop.repeats");
}
