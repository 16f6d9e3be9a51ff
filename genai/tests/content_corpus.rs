//! `metadata_only` on real captures: nothing of what was said is left, and what must survive survives.

use chaperone_genai::content::{Identity, Mode, Policy};
use chaperone_genai::dialects::{self, Normalizer, Options};
use chaperone_genai::keys::{self, Class};
use chaperone_proto::{Data, Key, KeyId, Limits, RecordRef, Signal, ValueRef};
use chaperone_testkit::corpus::{self, Capture};
use std::collections::BTreeSet;

const FAMILIES: [&str; 6] = [
    "otel-openai",
    "otel-anthropic",
    "openinference-openai",
    "openinference-anthropic",
    "openllmetry-openai",
    "openllmetry-anthropic",
];

fn decode(capture: &Capture) -> Vec<Data> {
    dialects::install();
    let requests = capture.requests.iter().filter(|request| request.signal != "metrics");
    let decode = |request: &corpus::Request| {
        let signal = if request.signal == "traces" { Signal::Traces } else { Signal::Logs };
        let limits = Limits::default();
        let json = || Data::decode_json(signal, &request.body, &limits);
        let data = if request.json { json() } else { Data::decode(signal, request.body.clone(), &limits) };
        data.unwrap_or_else(|error| panic!("{} {}: {error}", capture.name, request.file))
    };
    requests.map(decode).collect()
}

fn policy(mode: Mode) -> Policy {
    Policy::new(mode, Identity::Hash, [7; 32])
}

/// Every text inside a value; text that is JSON is opened.
fn leaves(value: ValueRef<'_>, into: &mut BTreeSet<String>) {
    let mut json = String::new();
    value.write_json(&mut json);
    if let Ok(json) = serde_json::from_str(&json) {
        json_leaves(&json, into);
    }
}

fn json_leaves(json: &serde_json::Value, into: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) => json_leaves(&inner, into),
            _ => {
                into.insert(text.clone());
            }
        },
        serde_json::Value::Array(items) => items.iter().for_each(|item| json_leaves(item, into)),
        serde_json::Value::Object(pairs) => pairs.values().for_each(|value| json_leaves(value, into)),
        _ => {}
    }
}

/// Where emitters of the four dialects put content under keys of their own.
const SOURCES: [&str; 6] =
    ["llm.input_messages.", "llm.output_messages.", "embedding.embeddings.", "llm.tools.", "traceloop.entity.", "retrieval."];

fn is_content(key: Key<'_>) -> bool {
    let class = key.id.and_then(|key: KeyId| keys::CLASSES.get(usize::from(key.0)));
    class == Some(&Class::Content) || SOURCES.iter().any(|source| key.name.starts_with(source))
}

/// What was said, as far as it is prose: names of models, tools and roles are metadata.
fn said(data: &Data) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for at in 0..data.records() {
        let record = data.record(at);
        for (_, value) in record.attrs().iter().filter(|(key, _)| is_content(*key)) {
            leaves(value, &mut texts);
        }
        if let RecordRef::Log(log) = record
            && !matches!(log.body(), ValueRef::Str(_))
        {
            leaves(log.body(), &mut texts);
        }
    }
    texts.retain(|text| text.len() >= 10 && text.contains(' '));
    texts
}

fn four_dialects() -> Vec<Capture> {
    let names = corpus::names().into_iter().filter(|name| FAMILIES.iter().any(|family| name.starts_with(family)));
    names.map(|name| corpus::load(&name).expect("a capture of the corpus")).collect()
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    String::from_utf8_lossy(haystack).contains(needle)
}

#[test]
fn nothing_that_was_said_is_left_with_metadata_only() {
    let normalizer = Normalizer::all(Options::default());
    let mut texts = 0;
    for capture in four_dialects() {
        for mut data in decode(&capture) {
            normalizer.normalize(&mut data);
            let said = said(&data);
            texts += said.len();
            policy(Mode::MetadataOnly).apply(&mut data);
            let out = data.encode().concat();
            let mut json = Vec::new();
            data.write_json(&mut json);
            for text in said {
                assert!(!contains(&out, &text) && !contains(&json, &text), "{}: `{text}` is left", capture.name);
            }
            for private in ["jane.doe@example.com", "C-1042"] {
                assert!(!contains(&out, private), "{}: `{private}` is left", capture.name);
            }
        }
    }
    assert!(texts > 250, "the captures hold texts: {texts}");
}

/// Sentences of the scenarios, as users, models and tools said them in every framework.
const SENTENCES: [&str; 14] = [
    "capital of France",
    "helpful support agent",
    "I am customer",
    "C-1042",
    "jane.doe@example.com",
    "Sunny, 21 C",
    "refunded 12.50",
    "Let me use a tool",
    "Recovered after provider",
    "Say hello",
    "Shipping takes three",
    "the refund policy",
    "the contract end",
    "backend did not answer",
];

#[test]
fn no_sentence_of_a_scenario_is_left_in_any_capture() {
    let normalizer = Normalizer::all(Options::default());
    let (mut before, mut left) = (0, BTreeSet::new());
    for capture in corpus::captures() {
        for mut data in decode(&capture) {
            // Metrics and other telemetry have no dialect: the policy leaves them to others.
            data.retain(|record| dialects::detect(record, &dialects::ScopeVerdict::of(record.scope())).is_some());
            let raw = data.encode().concat();
            before += SENTENCES.iter().filter(|sentence| contains(&raw, sentence)).count();
            normalizer.normalize(&mut data);
            policy(Mode::MetadataOnly).apply(&mut data);
            let out = data.encode().concat();
            left.extend(
                SENTENCES.iter().filter(|sentence| contains(&out, sentence)).map(|sentence| (capture.name.clone(), *sentence)),
            );
        }
    }
    assert!(before > 800, "the captures say these sentences: {before}");
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn what_must_survive_survives() {
    let kept = [
        keys::GEN_AI_OPERATION_NAME,
        keys::GEN_AI_PROVIDER_NAME,
        keys::GEN_AI_REQUEST_MODEL,
        keys::GEN_AI_RESPONSE_MODEL,
        keys::GEN_AI_RESPONSE_ID,
        keys::GEN_AI_RESPONSE_FINISH_REASONS,
        keys::GEN_AI_USAGE_INPUT_TOKENS,
        keys::GEN_AI_USAGE_OUTPUT_TOKENS,
        keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        keys::GEN_AI_TOOL_NAME,
        keys::GEN_AI_TOOL_CALL_ID,
        keys::GEN_AI_AGENT_NAME,
        keys::ERROR_TYPE,
        keys::SERVER_ADDRESS,
        keys::SERVER_PORT,
        keys::EXCEPTION_TYPE,
        keys::CHAPERONE_RUN_ID,
        keys::CHAPERONE_RECORD_ID,
        keys::CHAPERONE_DIALECT_NAME,
        keys::CHAPERONE_STEP_NATIVE_KIND,
    ];
    let normalizer = Normalizer::all(Options::default());
    for capture in four_dialects() {
        for mut before in decode(&capture) {
            normalizer.normalize(&mut before);
            let mut after = before.clone();
            policy(Mode::MetadataOnly).apply(&mut after);
            for at in 0..before.records() {
                let (one, other) = (before.record(at), after.record(at));
                for key in kept {
                    let (one, other) =
                        (one.attrs().get(key).map(ValueRef::to_value), other.attrs().get(key).map(ValueRef::to_value));
                    assert_eq!(one, other, "{}: {}", capture.name, chaperone_proto::keys::name(key));
                }
                let (RecordRef::Span(one), RecordRef::Span(other)) = (one, other) else { continue };
                assert_eq!((one.name(), one.start_ns(), one.end_ns()), (other.name(), other.start_ns(), other.end_ns()));
                assert_eq!(one.span_id(), other.span_id());
                assert_eq!(one.events().count(), other.events().count());
            }
            for resource in [keys::SERVICE_NAME, keys::SERVICE_VERSION, keys::DEPLOYMENT_ENVIRONMENT_NAME] {
                let of = |data: &Data| data.record(0).resource().attrs().str(resource).map(str::to_owned);
                assert_eq!(of(&before), of(&after));
            }
        }
    }
}

#[test]
fn keep_changes_nothing_on_these_captures() {
    let normalizer = Normalizer::all(Options::default());
    for capture in four_dialects() {
        for mut before in decode(&capture) {
            normalizer.normalize(&mut before);
            let mut after = before.clone();
            let policy = Policy { identity: Identity::Keep, ..policy(Mode::Keep) };
            assert_eq!(policy.apply(&mut after), Default::default(), "{}", capture.name);
            assert!(before.encode().concat() == after.encode().concat());
        }
    }
}

#[test]
fn fingerprints_are_equal_for_equal_content_and_depend_on_the_key() {
    let normalizer = Normalizer::all(Options::default());
    let fingerprints = |hash_key: [u8; 32]| {
        let mut found = Vec::new();
        for mut data in decode(&corpus::load("otel-openai-tools").unwrap()) {
            normalizer.normalize(&mut data);
            Policy { hash_key, ..policy(Mode::MetadataOnly) }.apply(&mut data);
            for at in 0..data.records() {
                found.extend(data.record(at).attrs().str(keys::CHAPERONE_CONTENT_HASH).map(str::to_owned));
            }
        }
        found
    };
    let one = fingerprints([1; 32]);
    assert_eq!(one.len(), 3, "three calls with content");
    assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), 3, "their contents differ");
    assert_eq!(one, fingerprints([1; 32]));
    assert!(one.iter().all(|hash| !fingerprints([2; 32]).contains(hash)));
}
