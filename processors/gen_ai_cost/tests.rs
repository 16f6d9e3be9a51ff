//! Settings, and records through the processor.

use super::*;
use chaperone_config::{Node, parse_settings};
use chaperone_genai::keys;
use chaperone_pipeline::{Clock, Now};
use chaperone_proto::{Limits, Value, ValueRef};

fn config(yaml: &str) -> Result<Config, String> {
    let node = Node::parse(yaml, "test.yaml").unwrap();
    parse_settings(&node, "processors.gen_ai_cost").map_err(|problems| problems.to_string())
}

/// One GenAI record in a request of its own.
pub(super) struct Record {
    pub(super) scope: &'static str,
    pub(super) dialect: &'static str,
    pub(super) span: u8,
    /// When it began, seconds since 1970; it took a second.
    pub(super) began: u64,
    pub(super) log: bool,
    pub(super) attributes: Vec<(String, String)>,
}

impl Record {
    pub(super) fn call(scope: &'static str, span: u8, input: u64, output: u64) -> Record {
        let record = Record { scope, dialect: "otel-genai", span, began: 1_795_132_800, log: false, attributes: Vec::new() };
        record
            .text("gen_ai.operation.name", "chat")
            .text("gen_ai.provider.name", "openai")
            .text("gen_ai.request.model", "gpt-4o-mini")
            .int("gen_ai.usage.input_tokens", input)
            .int("gen_ai.usage.output_tokens", output)
    }

    pub(super) fn tool(span: u8) -> Record {
        let record = Record { scope: "a", dialect: "otel-genai", span, began: 1_795_132_800, log: false, attributes: Vec::new() };
        record.text("gen_ai.operation.name", "execute_tool").text("gen_ai.tool.name", "t")
    }

    fn with(mut self, key: &str, value: String) -> Record {
        self.attributes.retain(|(known, _)| known != key);
        self.attributes.push((key.to_owned(), value));
        self
    }
    pub(super) fn text(self, key: &str, value: &str) -> Record {
        self.with(key, format!(r#"{{"stringValue":"{value}"}}"#))
    }
    pub(super) fn int(self, key: &str, value: u64) -> Record {
        self.with(key, format!(r#"{{"intValue":"{value}"}}"#))
    }
    pub(super) fn double(self, key: &str, value: f64) -> Record {
        self.with(key, format!(r#"{{"doubleValue":{value}}}"#))
    }
    pub(super) fn without(mut self, key: &str) -> Record {
        self.attributes.retain(|(known, _)| known != key);
        self
    }
    pub(super) fn dialect(mut self, dialect: &'static str) -> Record {
        self.dialect = dialect;
        self
    }
    pub(super) fn into_log(mut self) -> Record {
        self.log = true;
        let id = format!("{:032x}", self.span);
        self.text("chaperone.record.id", &id)
    }

    pub(super) fn data(&self) -> Data {
        chaperone_genai::dialects::install();
        let dialect = ("chaperone.dialect.name".to_owned(), format!(r#"{{"stringValue":"{}"}}"#, self.dialect));
        let pairs: Vec<String> =
            self.attributes.iter().chain([&dialect]).map(|(k, v)| format!(r#"{{"key":"{k}","value":{v}}}"#)).collect();
        let ids = format!(r#""traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"{:016x}""#, self.span);
        let (outer, inner, list, times, signal) = if self.log {
            ("resourceLogs", "scopeLogs", "logRecords", r#""timeUnixNano":"1795132800500000000""#.to_owned(), Signal::Logs)
        } else {
            let (start, end) = (self.began, self.began + 1);
            let times = format!(r#""startTimeUnixNano":"{start}000000000","endTimeUnixNano":"{end}000000000""#);
            ("resourceSpans", "scopeSpans", "spans", times, Signal::Traces)
        };
        let json = format!(
            r#"{{"{outer}":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"s"}}}}]}},
            "{inner}":[{{"scope":{{"name":"{}"}},"{list}":[{{{ids},{times},"attributes":[{}]}}]}}]}}]}}"#,
            self.scope,
            pairs.join(",")
        );
        Data::decode_json(signal, json.as_bytes(), &Limits::default()).unwrap()
    }
}

pub(super) struct Running {
    processor: Arc<dyn Processor>,
    ctx: BuildContext,
}

pub(super) fn running(yaml: &str) -> Running {
    let ctx = BuildContext::for_tests("gen_ai_cost", Clock::manual(0));
    Running { processor: GenAiCost::build(config(yaml).unwrap(), &ctx).unwrap(), ctx }
}

impl Running {
    pub(super) fn process(&self, data: Data) -> Data {
        let mut out = Outbox::for_tests(Now::default());
        self.processor.process(Batch::new(data), &mut out).unwrap();
        assert_eq!((out.passed().len(), out.derived().len()), (1, 0));
        out.passed()[0].data.clone()
    }
    pub(super) fn record(&self, record: &Record) -> Data {
        self.process(record.data())
    }
}

pub(super) fn get(data: &Data, name: &str) -> Option<Value> {
    data.record(0).attrs().get_named(name).map(ValueRef::to_value)
}

pub(super) fn text(data: &Data, name: &str) -> String {
    match get(data, name) {
        Some(Value::Str(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}

pub(super) fn check_cost(data: &Data, source: &str, total: Option<f64>) {
    assert_eq!(text(data, "chaperone.cost.source"), source);
    assert_eq!(get(data, "chaperone.cost.total"), total.map(Value::Double));
}

#[test]
fn the_default_settings_are_those_of_the_readme() {
    assert_eq!(config(include_str!("testdata/default.yaml")).unwrap(), Config::default());
}

#[test]
fn mistakes_in_settings_are_named() {
    let check = |yaml: &str, wanted: &str| {
        let problems = config(yaml).unwrap_err();
        assert!(problems.contains(wanted), "{problems}");
    };
    check(include_str!("testdata/invalid_max_records.yaml"), "must be at least 1");
    check(include_str!("testdata/invalid_model.yaml"), "must name a model");
    check(include_str!("testdata/invalid_price.yaml"), "`-1` is no price");
    check(include_str!("testdata/invalid_price_list.yaml"), "names no file");
}

#[test]
fn a_call_gets_tokens_scope_and_cost() {
    let data = running("{}").record(&Record::call("a", 1, 1000, 100).int("gen_ai.usage.cache_read.input_tokens", 800));
    assert_eq!(get(&data, "chaperone.usage.uncached_input_tokens"), Some(Value::Int(200)));
    assert_eq!(text(&data, "chaperone.usage.scope"), "self");
    assert_eq!(text(&data, "chaperone.usage.source"), "reported");
    assert_eq!(text(&data, "chaperone.usage.input_basis"), "inclusive");
    check_cost(&data, "computed", Some(0.00015));
    assert_eq!(text(&data, "chaperone.cost.price_id"), "genai-prices@0.2.3/openai/gpt-4o-mini");
}

#[test]
fn exclusive_input_is_made_canonical_once_and_kept_as_it_was() {
    let record = Record::call("a", 1, 1011, 103)
        .dialect("claude-code")
        .text("gen_ai.provider.name", "anthropic")
        .text("gen_ai.request.model", "claude-sonnet-4-5")
        .int("gen_ai.usage.cache_read.input_tokens", 768);
    let first = running("{}").record(&record);
    let check = |data: &Data| {
        assert_eq!(get(data, "gen_ai.usage.input_tokens"), Some(Value::Int(1779)));
        assert_eq!(text(data, "chaperone.usage.input_basis"), "exclusive_fixed");
        let raw = vec![("input_tokens".to_owned(), Value::Int(1011)), ("output_tokens".to_owned(), Value::Int(103))];
        assert_eq!(get(data, "chaperone.usage.raw"), Some(Value::Map(raw)));
        assert_eq!(get(data, "chaperone.cost.total"), Some(Value::Double(0.004_808_4)));
    };
    check(&first);
    check(&running("{}").process(first));
}

#[test]
fn a_second_collector_changes_nothing() {
    let first = running("{}").record(&Record::call("a", 1, 1000, 100));
    let again = running("{}").process(first.clone());
    assert_eq!(first.encode().concat(), again.encode().concat());
}

#[test]
fn the_second_record_of_a_call_is_a_duplicate_of_the_first() {
    let running = running("{}");
    running.record(&Record::call("a", 1, 1000, 100));
    let second = running.record(&Record::call("b", 2, 1000, 100));
    assert_eq!(text(&second, "chaperone.usage.scope"), "duplicate");
    assert_eq!(text(&second, "chaperone.usage.duplicate_of"), "0000000000000001");
}

#[test]
fn a_log_that_may_not_own_is_a_duplicate_with_and_without_an_owner() {
    let running = running("{}");
    let early = running.record(&Record::call("a", 1, 1000, 100).into_log());
    assert_eq!(text(&early, "chaperone.usage.scope"), "duplicate");
    assert_eq!(get(&early, "chaperone.usage.duplicate_of"), None);
    let span = running.record(&Record::call("a", 1, 1000, 100));
    assert_eq!(text(&span, "chaperone.usage.scope"), "self");
}

#[test]
fn a_log_owns_where_the_dialect_says_so() {
    let log = Record::call("a", 1, 1000, 100).into_log().dialect("gemini-cli").text("event.name", "gemini_cli.api_response");
    assert_eq!(text(&running("{}").record(&log), "chaperone.usage.scope"), "self");
    let span = Record::call("a", 1, 1000, 100).dialect("gemini-cli");
    assert_eq!(text(&running("{}").record(&span), "chaperone.usage.scope"), "duplicate");
}

#[test]
fn spans_and_logs_share_a_window_over_all_instances_of_an_id() {
    let first = running("{}");
    let other = Running { processor: GenAiCost::build(Config::default(), &first.ctx).unwrap(), ctx: first.ctx.clone() };
    first.record(&Record::call("a", 1, 1000, 100));
    let log = other.record(&Record::call("a", 1, 1000, 100).into_log());
    assert_eq!(text(&log, "chaperone.usage.duplicate_of"), "0000000000000001");
}

#[test]
fn what_is_sent_again_is_marked() {
    let running = running("{}");
    for record in [Record::call("a", 1, 1000, 100), Record::tool(2)] {
        assert_eq!(get(&running.record(&record), "chaperone.usage.resent"), None);
        let again = running.record(&record);
        assert_eq!(get(&again, "chaperone.usage.resent"), Some(Value::Bool(true)));
    }
    let again = running.record(&Record::call("a", 1, 1000, 100));
    assert_eq!(text(&again, "chaperone.usage.scope"), "self", "the decision is the same");
}

#[test]
fn an_agents_sum_is_an_aggregate_unless_the_wire_has_nothing_else() {
    let agent = || Record::call("a", 1, 1000, 100).text("gen_ai.operation.name", "invoke_agent");
    assert_eq!(text(&running("{}").record(&agent()), "chaperone.usage.scope"), "aggregate");
    let mut only = agent().dialect("openinference");
    only.scope = "openinference.instrumentation.claude_agent_sdk";
    assert_eq!(text(&running("{}").record(&only), "chaperone.usage.scope"), "self");
}

#[test]
fn a_call_without_usage_is_missing_it_and_costs_nothing_anybody_knows() {
    let record = Record::call("a", 1, 0, 0).without("gen_ai.usage.input_tokens").without("gen_ai.usage.output_tokens");
    let data = running("{}").record(&record);
    assert_eq!(text(&data, "chaperone.usage.source"), "missing");
    assert_eq!(text(&data, "chaperone.usage.scope"), "self");
    assert_eq!(get(&data, "chaperone.cost.total"), None);
    assert_eq!(get(&data, "chaperone.cost.source"), None);
}

#[test]
fn an_unknown_model_is_unpriced_not_free() {
    let data = running("{}").record(&Record::call("a", 1, 1000, 100).text("gen_ai.request.model", "nobody-knows"));
    check_cost(&data, "unpriced", None);
}

#[test]
fn the_model_that_answered_sets_the_price() {
    let fallback = Record::call("a", 1, 1_000_000, 0).text("gen_ai.response.model", "gpt-4.1-2025-04-14");
    check_cost(&running("{}").record(&fallback), "computed", Some(2.0));
}

#[test]
fn a_reported_cost_counts_only_from_a_provider_or_where_nothing_can_be_computed() {
    let reported = || Record::call("a", 1, 1000, 100).double("chaperone.cost.reported", 0.5);
    check_cost(&running("{}").record(&reported()), "computed", Some(0.00021));
    let provider = reported().text("chaperone.cost.reported_source", "provider");
    check_cost(&running("{}").record(&provider), "reported", Some(0.5));
    let gateway = reported().dialect("vercel-ai-sdk");
    check_cost(&running("{}").record(&gateway), "reported", Some(0.5));
    let unknown = reported().text("gen_ai.request.model", "nobody-knows");
    check_cost(&running("{}").record(&unknown), "reported", Some(0.5));
    let zero = reported().double("chaperone.cost.reported", 0.0).text("gen_ai.request.model", "nobody-knows");
    check_cost(&running("{}").record(&zero), "unpriced", None);
    let euros = reported().text("chaperone.cost.reported_currency", "EUR").text("gen_ai.request.model", "nobody-knows");
    check_cost(&running("{}").record(&euros), "unpriced", None);
}

#[test]
fn a_gateways_cache_hit_costs_nothing_and_a_subscription_no_tokens() {
    let hit = Record::call("a", 1, 1000, 100).text("litellm.cache_hit", "true");
    check_cost(&running("{}").record(&hit), "cache_hit", Some(0.0));
    let copilot = Record::call("a", 1, 1000, 100).text("gen_ai.provider.name", "github");
    check_cost(&running("{}").record(&copilot), "subscription", None);
}

#[test]
fn prices_of_ones_own_come_first_and_count_cached_tokens_alike() {
    let own = running("prices: [{model: gpt-4o-mini, input: 1.0, output: 2.0}, {model: ours, provider: acme, input: 10.0}]");
    let data = own.record(&Record::call("a", 1, 1_000_000, 0).int("gen_ai.usage.cache_read.input_tokens", 400_000));
    check_cost(&data, "computed", Some(1.0));
    assert_eq!(text(&data, "chaperone.cost.price_id"), "settings/any/gpt-4o-mini");
    let ours = Record::call("a", 2, 1_000_000, 0).text("gen_ai.request.model", "ours");
    check_cost(&own.record(&ours), "unpriced", None);
    check_cost(&own.record(&Record { span: 3, ..ours.text("gen_ai.provider.name", "acme") }), "computed", Some(10.0));
}

#[test]
fn the_window_is_bounded_and_what_leaves_it_is_counted() {
    let small = running("max_records: 16");
    // From 1: an id of zeros is none.
    for span in 1..=200 {
        small.record(&Record::tool(span));
    }
    let families = small.ctx.telemetry().families();
    let evicted = families.iter().find(|family| family.name.starts_with("chaperone_usage_window_evicted")).expect("a counter");
    assert!(format!("{evicted:?}").contains("184"), "{evicted:?}");
    assert_eq!(get(&small.record(&Record::tool(1)), "chaperone.usage.resent"), None, "forgotten");
}

#[test]
fn other_telemetry_passes_untouched() {
    let record = Record::call("a", 1, 1000, 100);
    let mut data = record.data();
    data.edit(0).remove(keys::CHAPERONE_DIALECT_NAME);
    let before = data.encode().concat();
    assert_eq!(running("{}").process(data).encode().concat(), before);
}

/// The same process again, over the same store: what is remembered of the first is what it stored.
fn over(store: &Arc<dyn chaperone_pipeline::Storage>, yaml: &str) -> Running {
    let one = running(yaml);
    let host = Host::for_tests(Clock::manual(0), Arc::clone(store));
    let counters = Counters::new(&one.ctx);
    let (window, memory) = (one.ctx.shared(SharedWindow::default), one.ctx.shared(Memory::default));
    let max = config(yaml).unwrap().max_records;
    memory.start(None, &host, &window, max, counters.store_failures.clone()).unwrap();
    one
}

fn tick(running: &Running) {
    running.processor.tick(Now::default(), &mut Outbox::for_tests(Now::default()));
}

#[test]
fn what_was_counted_is_known_to_the_next_process() {
    let store: Arc<dyn chaperone_pipeline::Storage> = Arc::new(chaperone_pipeline::MemoryStorage::default());
    let first = over(&store, "{}");
    first.record(&Record::call("a", 1, 1000, 100));
    first.record(&Record::tool(2));
    tick(&first);
    first.record(&Record::call("a", 3, 7, 7).text("gen_ai.response.id", "r"));
    tick(&first);
    first.record(&Record::tool(4));
    // Killed before the next tick.
    drop(first);
    let second = over(&store, "{}");
    for record in [Record::call("a", 1, 1000, 100), Record::tool(2)] {
        assert_eq!(get(&second.record(&record), "chaperone.usage.resent"), Some(Value::Bool(true)));
    }
    let wrapper = second.record(&Record::call("b", 9, 1000, 100));
    assert_eq!(text(&wrapper, "chaperone.usage.duplicate_of"), "0000000000000001");
    let by_id = second.record(&Record::call("c", 10, 7, 7).text("gen_ai.response.id", "r"));
    assert_eq!(text(&by_id, "chaperone.usage.duplicate_of"), "0000000000000003");
    assert_eq!(get(&second.record(&Record::tool(4)), "chaperone.usage.resent"), None, "it was not stored yet");
    tick(&second);
    let third = over(&store, "{}");
    assert_eq!(get(&third.record(&Record::call("b", 9, 1000, 100)), "chaperone.usage.resent"), Some(Value::Bool(true)));
}

#[test]
fn blocks_are_as_many_as_the_window_needs_and_foreign_ones_are_left_behind() {
    use chaperone_pipeline::storage::Stored;
    let store: Arc<dyn chaperone_pipeline::Storage> = Arc::new(chaperone_pipeline::MemoryStorage::default());
    store.set("test", "00000000000000ff", Stored { version: 99, value: vec![1] }).unwrap();
    store.set("test", "nonsense", Stored { version: 1, value: vec![1] }).unwrap();
    let small = over(&store, "max_records: 100");
    assert!(store.list("test").unwrap().is_empty());
    for span in 1..=255u8 {
        small.record(&Record::tool(span));
        small.record(&Record::tool(span).into_log());
        if span % 16 == 0 {
            tick(&small);
        }
    }
    tick(&small);
    let blocks = store.list("test").unwrap();
    assert_eq!(blocks.len(), 1, "the last holds as many as the window");
    let again = over(&store, "max_records: 100");
    assert_eq!(get(&again.record(&Record::tool(255)), "chaperone.usage.resent"), Some(Value::Bool(true)));
    assert_eq!(get(&again.record(&Record::tool(1)), "chaperone.usage.resent"), None);
}
