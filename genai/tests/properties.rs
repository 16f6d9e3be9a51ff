//! What holds for any record of any dialect: normalising twice is normalising once, canonical input stays as it is, originals
//! stay, no record is lost, nothing panics.
//!
//! Records are made from the mapping tables: every source key, event, span name, log event and path of every dialect occurs,
//! with values of every shape that emitters were seen to send, and with values that are cut or of the wrong shape.

mod support;

use chaperone_genai::content::{Identity, Mode, Policy};
use chaperone_genai::dialects::{Normalizer, Options};
use chaperone_proto::{Data, RecordRef, Signal};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use support::tables::{Table, tables};
use support::{attributes, decode, plain, shown};

static TABLES: LazyLock<BTreeMap<String, Table>> = LazyLock::new(tables);

/// Texts that emitters send where a table expects something, whole, cut, and in other shapes.
const TEXTS: [&str; 44] = [
    "LLM",
    "TOOL",
    "AGENT",
    "CHAIN",
    "tool",
    "workflow",
    "chat",
    "execute_tool",
    "retrieval",
    "langgraph",
    "OpenAI",
    "az.ai.agents",
    "claude-sonnet-4",
    "tool_calls",
    "FinishReason.STOP",
    "true",
    "failed",
    "{}",
    "N/A",
    "<REDACTED>",
    "__REDACTED__",
    "12",
    "1.5",
    "a, b",
    "[\"stop\"]",
    "\"\\\"quoted\\\"\"",
    "https://h:1/x?q",
    "https://user:pw@[::1",
    "[{\"role\":\"user\",\"content\":\"hi\"}]",
    "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]",
    "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"f\",\"arguments\":{}}],\"finish_reason\":\"tool_call\"}]",
    "{\"kwargs\":{\"kwargs\":{\"a\":1}}}",
    "{\"messages\":[[{\"role\":\"tool\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]]}",
    "{\"choices\":[{\"finish_reason\":\"length\",\"message\":{\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}",
    "{\"temperature\":1,\"stop\":[1]}",
    "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":\"4\",\"prompt_tokens_details\":{\"cached_tokens\":1}}}",
    "{'input_tokens': 3, 'output_tokens': 4, 'ok': True, 'none': None}",
    "total_tokens=7 prompt_tokens=3 completion_tokens=4",
    "Message(role=<Role.USER: 'user'>, content=[TextBlock(text='hi')])",
    "{\"answers\": {\"q\": {\"answer\": \"yes\", \"probability\": 0.5}}}",
    "[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]",
    "{\"a\":",
    "[{\"role\":\"user\",\"content\":\"cut in the mid",
    "{'a': [1, ",
];

fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|n| json!(n)),
        (0..200_000_i64).prop_map(|n| json!(n)),
        any::<bool>().prop_map(|b| json!(b)),
        (-1.0e6..1.0e6).prop_map(|n: f64| json!(n)),
        "[ -~]{0,24}".prop_map(Json::from),
        prop::sample::select(&TEXTS[..]).prop_map(Json::from),
        Just(Json::Null),
    ];
    let structured = prop_oneof![
        prop::collection::vec("[a-z]{1,6}", 0..3).prop_map(|words| json!(words)),
        prop::collection::vec(leaf.clone(), 0..3).prop_map(Json::from),
        prop::collection::btree_map("[a-z_]{1,8}", leaf.clone(), 0..3).prop_map(|map| json!(map)),
        Just(json!([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])),
        Just(json!({"prompt_tokens": 3, "completion_tokens": 4})),
    ];
    prop_oneof![4 => leaf, 1 => structured]
}

/// A value with something at a path, as JSON text.
fn inside(path: &str, value: &Json) -> Json {
    let wrapped = path.split('.').rev().fold(value.clone(), |inner, step| match step {
        "" => inner,
        "*" | "only" | "last" | "0" => json!([inner]),
        name => json!({ name: inner }),
    });
    json!(wrapped.to_string())
}

/// A record in OTLP/JSON, with its scope and signal: what a failing test shows.
#[derive(Debug, Clone)]
struct Made {
    dialect: String,
    is_log: bool,
    name: String,
    attrs: Map<String, Json>,
    events: Vec<(String, String, Json)>,
    body: Json,
    is_child: bool,
}

impl Made {
    fn data(&self) -> Data {
        let scope = json!({"name": TABLES[&self.dialect].scope, "version": "1.0"});
        let mut record = json!({
            "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
            "attributes": attributes(&Json::Object(self.attrs.clone())),
        });
        let fields = record.as_object_mut().expect("an object");
        if self.is_log {
            fields.insert("eventName".to_owned(), json!(self.name));
            fields.insert("timeUnixNano".to_owned(), json!("1700000000000000000"));
            fields.insert("body".to_owned(), support::any(&self.body));
            return decode(Signal::Logs, &json!({"resourceLogs": [{"scopeLogs": [{"scope": scope, "logRecords": [record]}]}]}));
        }
        fields.insert("name".to_owned(), json!(self.name));
        fields.insert("startTimeUnixNano".to_owned(), json!("1700000000000000000"));
        fields.insert("endTimeUnixNano".to_owned(), json!("1700000001000000000"));
        if self.is_child {
            fields.insert("parentSpanId".to_owned(), json!("1112131415161718"));
        }
        let event = |(name, key, value): &(String, String, Json)| {
            let attrs = attributes(&json!({ key: value }));
            json!({"name": name, "timeUnixNano": "1700000000500000000", "attributes": attrs})
        };
        fields.insert("events".to_owned(), self.events.iter().map(event).collect());
        decode(Signal::Traces, &json!({"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": [record]}]}]}))
    }
}

/// One of a list, or any text where the list is empty.
fn one_of(list: &[String]) -> BoxedStrategy<String> {
    if list.is_empty() {
        return "[ -~]{0,20}".boxed();
    }
    prop_oneof![3 => prop::sample::select(list.to_vec()), 1 => "[ -~]{0,20}"].boxed()
}

fn of_dialect(dialect: String) -> BoxedStrategy<Made> {
    let (own, common) = (TABLES[&dialect].clone(), &TABLES["common"]);
    let mut keys = own.keys.clone();
    // Keys of the conventions and of other dialects travel.
    keys.extend(common.keys.iter().cloned());
    keys.extend(TABLES.values().flat_map(|table| table.keys.iter().take(3).cloned()));
    let own_keys = if own.keys.is_empty() { common.keys.clone() } else { own.keys.clone() };
    let key = prop_oneof![2 => prop::sample::select(own_keys), 1 => prop::sample::select(keys)];
    let mut paths = own.paths.clone();
    paths.push(("input.value".to_owned(), "messages".to_owned()));
    let events: Vec<(String, String)> = own.events.iter().chain(&common.events).cloned().collect();
    let attrs = prop::collection::btree_map(key, values(), 0..12);
    let in_json = prop::collection::vec((prop::sample::select(paths), values()), 0..3);
    let events = prop::collection::vec((prop::sample::select(events), values()), 0..4);
    let names = (one_of(&own.span_names), one_of(&own.log_names));
    (attrs, in_json, events, names, values(), any::<bool>(), any::<bool>())
        .prop_map(move |(attrs, in_json, events, names, body, is_log, is_child)| {
            let mut attrs: Map<String, Json> = attrs.into_iter().collect();
            attrs.extend(in_json.into_iter().map(|((key, path), value)| (key, inside(&path, &value))));
            let events = events.into_iter().map(|((name, key), value)| (name, key, value)).collect();
            let name = if is_log { names.1 } else { names.0 };
            Made { dialect: dialect.clone(), is_log, name, attrs, events, body, is_child }
        })
        .boxed()
}

fn records() -> impl Strategy<Value = Made> {
    let dialects: Vec<String> = TABLES.keys().cloned().collect();
    prop::sample::select(dialects).prop_flat_map(of_dialect)
}

/// All that a record says: its name or event name, status, body, attributes and events.
fn all(data: &Data) -> Vec<Json> {
    let pairs = |record: RecordRef<'_>| -> Vec<Json> {
        shown(record).into_iter().map(|(key, value)| json!([key, format!("{value:?}")])).collect()
    };
    let said = |at: usize| match data.record(at) {
        record @ RecordRef::Span(span) => {
            let event = |event: chaperone_proto::EventRef<'_>| {
                let attrs: Vec<Json> = event.attrs().iter().map(|(key, value)| json!([key.name, plain(value)])).collect();
                json!([event.name(), attrs])
            };
            json!([span.name(), span.status_code(), pairs(record), span.events().map(event).collect::<Vec<_>>()])
        }
        record @ RecordRef::Log(log) => json!([log.event_name(), plain(log.body()), pairs(record)]),
    };
    (0..data.records()).map(said).collect()
}

/// Keys whose value may be spelled canonically in place.
fn is_respelled(key: &str) -> bool {
    let exact = [
        "gen_ai.provider.name",
        "gen_ai.operation.name",
        "gen_ai.response.finish_reasons",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.conversation.id",
        "gen_ai.agent.name",
        "server.address",
        "user.id",
    ];
    // Ids and names sent as numbers become text.
    exact.contains(&key) || ["gen_ai.usage.", "gen_ai.request.", "gen_ai.retrieval."].iter().any(|prefix| key.starts_with(prefix))
}

/// Keys whose values never stay: secrets, and what says nothing.
fn is_dropped(dialect: &str, key: &str) -> bool {
    let of = |dialect: &str| TABLES[dialect].dropped.iter().any(|dropped| key.starts_with(dropped.as_str()));
    of(dialect) || of("common")
}

/// A call as the newest conventions have it: every key with a value of its type and spelling.
fn canonical() -> impl Strategy<Value = Map<String, Json>> {
    let text = |role: &str, text: &str| json!([{"role": role, "parts": [{"type": "text", "content": text}]}]).to_string();
    let optional = vec![
        ("gen_ai.conversation.id", json!("c1")),
        ("gen_ai.output.type", json!("json")),
        ("gen_ai.request.max_tokens", json!(100)),
        ("gen_ai.request.choice.count", json!(2)),
        ("gen_ai.request.temperature", json!(0.5)),
        ("gen_ai.request.top_p", json!(0.25)),
        ("gen_ai.request.top_k", json!(40)),
        ("gen_ai.request.frequency_penalty", json!(0.125)),
        ("gen_ai.request.presence_penalty", json!(0.125)),
        ("gen_ai.request.seed", json!(7)),
        ("gen_ai.request.stop_sequences", json!(["x"])),
        ("gen_ai.request.stream", json!(true)),
        ("gen_ai.request.reasoning.level", json!("high")),
        ("gen_ai.response.id", json!("r1")),
        ("gen_ai.response.model", json!("gpt-4o-2024-08-06")),
        ("gen_ai.response.time_to_first_chunk", json!(0.25)),
        ("gen_ai.usage.input_tokens", json!(10)),
        ("gen_ai.usage.output_tokens", json!(5)),
        ("gen_ai.usage.cache_read.input_tokens", json!(3)),
        ("gen_ai.usage.cache_write.input_tokens", json!(2)),
        ("gen_ai.usage.reasoning.output_tokens", json!(1)),
        ("gen_ai.agent.name", json!("triage")),
        ("gen_ai.agent.id", json!("a1")),
        ("gen_ai.system_instructions", json!(r#"[{"type":"text","content":"be kind"}]"#)),
        ("gen_ai.input.messages", json!(text("user", "hi"))),
        ("gen_ai.output.messages", json!(text("assistant", "hello"))),
        ("gen_ai.tool.definitions", json!(r#"[{"type":"function","name":"f"}]"#)),
        ("openai.request.service_tier", json!("flex")),
        ("openai.response.system_fingerprint", json!("fp_1")),
        ("server.address", json!("api.example.test")),
        ("server.port", json!(443)),
        ("error.type", json!("timeout")),
    ];
    let size = optional.len();
    prop::sample::subsequence(optional, 0..=size).prop_map(|mut attrs| {
        attrs.push(("gen_ai.operation.name", json!("chat")));
        attrs.push(("gen_ai.provider.name", json!("openai")));
        attrs.push(("gen_ai.request.model", json!("gpt-4o")));
        attrs.push(("gen_ai.response.finish_reasons", json!(["stop"])));
        attrs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_is_normalising_once(made in records(), remove_originals in any::<bool>()) {
        let normalizer = Normalizer::all(Options { remove_originals, overwrite: false });
        let mut once = made.data();
        normalizer.normalize(&mut once);
        let mut twice = once.clone();
        let report = normalizer.normalize(&mut twice);
        prop_assert_eq!(all(&once), all(&twice));
        prop_assert!(report.made.is_none(), "nothing is reported a second time");
    }

    #[test]
    fn canonical_input_is_unchanged(attrs in canonical(), scope in prop::sample::select(vec![support::OTEL, "app"])) {
        let data = support::span(scope, &Json::Object(attrs));
        let before = shown(data.record(0));
        let after = shown(support::normalized(data).record(0));
        prop_assert_eq!(&after[..before.len()], &before[..]);
        for (key, _) in &after[before.len()..] {
            let is_ours = ["chaperone.dialect.", "chaperone.run.id"].iter().any(|ours| key.starts_with(ours));
            prop_assert!(is_ours, "{} was added", key);
        }
    }

    #[test]
    fn no_record_is_lost_and_originals_stay_but_for_secrets_and_canonical_spellings(made in records()) {
        let data = made.data();
        let mut after = data.clone();
        Normalizer::all(Options::default()).normalize(&mut after);
        prop_assert_eq!(after.records(), 1);
        let after = shown(after.record(0));
        for (key, value) in shown(data.record(0)) {
            let is_free = is_respelled(&key) || is_dropped(&made.dialect, &key);
            prop_assert!(is_free || after.contains(&(key.clone(), value)), "{} is gone or changed", key);
        }
    }

    #[test]
    fn without_originals_a_record_says_the_same(made in records()) {
        let before = made.data();
        let normalized = |remove_originals: bool| {
            let mut data = before.clone();
            Normalizer::all(Options { remove_originals, overwrite: false }).normalize(&mut data);
            shown(data.record(0)).into_iter().map(|(key, value)| (key, format!("{value:?}"))).collect::<BTreeMap<_, _>>()
        };
        let (with, without) = (normalized(false), normalized(true));
        for (key, value) in &without {
            prop_assert_eq!(with.get(key), Some(value), "{}", key);
        }
        for key in with.keys().filter(|key| !without.contains_key(*key)) {
            prop_assert!(before.record(0).attrs().get_named(key).is_some(), "{} is no original", key);
        }
    }

    #[test]
    fn the_content_policy_applied_twice_changes_nothing_more(made in records(), keeps in any::<bool>()) {
        let mode = if keeps { Mode::Keep } else { Mode::MetadataOnly };
        let policy = Policy::new(mode, Identity::Drop, [3; 32]);
        let mut once = made.data();
        Normalizer::all(Options::default()).normalize(&mut once);
        policy.apply(&mut once);
        let mut twice = once.clone();
        let report = policy.apply(&mut twice);
        prop_assert_eq!(report, Default::default());
        prop_assert_eq!(all(&once), all(&twice));
    }
}
