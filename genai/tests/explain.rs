//! Explanations of every record of the captures: they tell what the normaliser does, and where it comes from.

mod support;

use chaperone_genai::dialects::{self, Because, Normalizer, Options, ScopeVerdict};
use chaperone_proto::{Data, Limits, RecordRef, Signal, ValueRef};
use chaperone_testkit::corpus;
use serde_json::json;
use std::collections::BTreeMap;

fn requests(capture: &corpus::Capture) -> Vec<Data> {
    let of = |request: &corpus::Request| {
        let signal = if request.signal == "logs" { Signal::Logs } else { Signal::Traces };
        let limits = Limits::default();
        if request.json {
            Data::decode_json(signal, &request.body, &limits).expect("a capture is readable")
        } else {
            Data::decode(signal, request.body.clone(), &limits).expect("a capture is readable")
        }
    };
    capture.requests.iter().filter(|request| request.signal != "metrics").map(of).collect()
}

fn attributes(record: RecordRef<'_>) -> BTreeMap<String, String> {
    let json = |value: ValueRef<'_>| {
        let mut text = String::new();
        value.write_json(&mut text);
        text
    };
    record.attrs().iter().map(|(key, value)| (key.name.to_owned(), json(value))).collect()
}

/// Captures of many emitters; all of them would take minutes, since each record is normalised once a part.
fn some() -> impl Iterator<Item = corpus::Capture> {
    let mut names = corpus::names();
    names.retain(|name| !name.contains("codex"));
    names.into_iter().step_by(13).map(|name| corpus::load(&name).expect("a readable capture"))
}

#[test]
fn every_dialect_has_its_reason() {
    dialects::install();
    let mut records = 0;
    for capture in corpus::captures() {
        for data in requests(&capture) {
            for record in (0..data.records()).map(|at| data.record(at)) {
                let verdict = ScopeVerdict::of(record.scope());
                let Some(dialect) = dialects::detect(record, &verdict) else { continue };
                let (told, because) = dialects::because(record, &verdict)
                    .unwrap_or_else(|| panic!("{}: no reason for {}", capture.name, dialect.id()));
                assert_eq!(told, dialect);
                assert_ne!(because, Because::Named, "{}: nothing named it before", capture.name);
                records += 1;
            }
        }
    }
    assert!(records > 2500, "only {records} records");
}

#[test]
fn an_explanation_tells_exactly_what_the_normaliser_does() {
    let normalizer = Normalizer::all(Options::default());
    let mut changes = 0;
    for capture in some() {
        for data in requests(&capture) {
            let mut normalized = data.clone();
            normalizer.normalize(&mut normalized);
            for at in 0..data.records() {
                let record = data.record(at);
                let Some(dialect) = dialects::detect(record, &ScopeVerdict::of(record.scope())) else { continue };
                let explained = dialects::explain(&data, at, dialect, &normalizer);
                let (before, mut expected) = (attributes(record), attributes(normalized.record(at)));
                expected.retain(|key, value| before.get(key) != Some(value));
                let told: BTreeMap<String, String> = explained
                    .changes
                    .iter()
                    .filter(|change| !change.key.starts_with("event "))
                    .filter_map(|change| Some((change.key.clone(), change.value.clone()?)))
                    .collect();
                assert_eq!(told, expected, "{} {}", capture.name, at);
                for change in &explained.changes {
                    changes += 1;
                    assert!(!change.sources.is_empty(), "{} {at}: {} came from nowhere", capture.name, change.key);
                }
            }
        }
    }
    assert!(changes > 1000, "only {changes} changes");
}

/// The attribute's sources in a record with these attributes, and the transform of the first.
fn sources(attrs: &serde_json::Value, key: &str) -> (Vec<String>, &'static str) {
    let data = support::span(support::OPENINFERENCE, attrs);
    let verdict = ScopeVerdict::of(data.record(0).scope());
    let dialect = dialects::detect(data.record(0), &verdict).expect("a dialect");
    let explained = dialects::explain(&data, 0, dialect, &Normalizer::all(Options::default()));
    let change = explained.changes.into_iter().find(|change| change.key == key).expect("it is changed");
    let transform = change.sources.first().and_then(|source| source.row).map_or("-", |row| row.transform);
    (change.sources.into_iter().map(|source| source.name).collect(), transform)
}

#[test]
fn where_several_sources_say_the_same_the_one_that_is_asked_first_is_told() {
    let attrs = json!({"openinference.span.kind": "LLM", "llm.token_count.prompt": 7, "gen_ai.usage.prompt_tokens": 7});
    assert_eq!(sources(&attrs, "gen_ai.usage.input_tokens"), (vec!["gen_ai.usage.prompt_tokens".to_owned()], "int"));
    let other = json!({"openinference.span.kind": "LLM", "llm.token_count.prompt": 7, "gen_ai.usage.prompt_tokens": 8});
    assert_eq!(sources(&other, "gen_ai.usage.input_tokens"), (vec!["gen_ai.usage.prompt_tokens".to_owned()], "int"));
}

#[test]
fn attributes_that_one_row_takes_together_are_one_source() {
    let attrs = json!({
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "hello",
    });
    let (names, transform) = sources(&attrs, "gen_ai.input.messages");
    assert_eq!((names, transform), (vec!["llm.input_messages.*".to_owned()], "indexed-input"));
}

#[test]
fn a_value_of_the_wrong_shape_is_told_as_failed() {
    let data =
        support::span(support::OPENINFERENCE, &json!({"openinference.span.kind": "LLM", "llm.token_count.prompt": "many"}));
    let dialect = dialects::Dialect::by_id("openinference").expect("it is known");
    let explained = dialects::explain(&data, 0, dialect, &Normalizer::all(Options::default()));
    let failed: Vec<&str> = explained.failed.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(failed, ["llm.token_count.prompt"]);
}

#[test]
fn mappings_and_removals_of_the_user_are_told_too() {
    let data =
        support::span(support::OPENINFERENCE, &json!({"openinference.span.kind": "LLM", "mine": 3, "llm.token_count.prompt": 7}));
    let dialect = dialects::Dialect::by_id("openinference").expect("it is known");
    let options = Options { remove_originals: true, overwrite: false };
    let custom = dialects::Custom {
        from: chaperone_proto::keys::intern("mine"),
        to: chaperone_proto::keys::intern("gen_ai.usage.output_tokens"),
        options: Options::default(),
    };
    let normalizer = Normalizer::of(vec![(dialect, options)], vec![custom]);
    let explained = dialects::explain(&data, 0, dialect, &normalizer);
    let of = |key: &str| {
        let change = explained.changes.iter().find(|change| change.key == key).unwrap_or_else(|| panic!("{key} is changed"));
        (change.value.as_deref(), change.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>())
    };
    assert_eq!(of("gen_ai.usage.output_tokens"), (Some("3"), vec!["mine"]));
    assert_eq!(of("llm.token_count.prompt"), (None, vec!["llm.token_count.prompt"]));
}
