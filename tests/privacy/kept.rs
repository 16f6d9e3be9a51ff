//! What must survive survives, and records of other telemetry stay as they came but for the stated keys.

use crate::chain::{Enriching, is_agents, processor, records_of, through};
use chaperone_genai::keys::{self, Class};
use chaperone_proto::{Data, Key, RecordRef, Value, ValueRef};
use chaperone_testkit::corpus;
use std::collections::BTreeSet;

fn is_meta(key: Key<'_>) -> bool {
    let at = keys::ALL.iter().position(|name| *name == key.name);
    at.and_then(|at| keys::CLASSES.get(at)) == Some(&Class::Meta)
}

fn meta(record: RecordRef<'_>) -> Vec<(String, Value)> {
    let kept = record.attrs().iter().filter(|(key, _)| is_meta(*key));
    kept.map(|(key, value)| (key.name.to_owned(), value.to_value())).collect()
}

/// Keys of ours that carry metadata, ids, times and numbers of every record, in both modes.
fn what_must_survive_survives(mode: &str) {
    let enriching = Enriching::new();
    let content = processor("gen_ai_content", &format!("mode: {mode}"));
    let mut compared = 0;
    for name in corpus::names() {
        for mut data in records_of(&corpus::load(&name).expect("a capture")) {
            data.retain(is_agents);
            for before in enriching.run(data) {
                let after = through(&content, before.clone()).remove(0);
                for at in 0..before.records() {
                    let (one, other) = (before.record(at), after.record(at));
                    let made = ["chaperone.content.hash", "chaperone.content.bytes", "chaperone.content.truncated"];
                    let others: Vec<_> = meta(other).into_iter().filter(|(key, _)| !made.contains(&key.as_str())).collect();
                    let ones: Vec<_> = meta(one).into_iter().filter(|(key, _)| !made.contains(&key.as_str())).collect();
                    assert_eq!(ones, others, "{name}");
                    compared += ones.len();
                    assert_eq!((one.trace_id(), one.span_id()), (other.trace_id(), other.span_id()));
                    same_numbers(one, other, &name);
                    if let (RecordRef::Span(one), RecordRef::Span(other)) = (one, other) {
                        assert_eq!((one.start_ns(), one.end_ns(), one.kind()), (other.start_ns(), other.end_ns(), other.kind()));
                        assert_eq!(
                            (one.status_code(), one.events().count(), one.links().count()),
                            (other.status_code(), other.events().count(), other.links().count())
                        );
                        let names = |span: chaperone_proto::SpanRef<'_>| {
                            span.events().map(|event| event.name().to_owned()).collect::<Vec<_>>()
                        };
                        assert_eq!(names(one), names(other), "{name}");
                    }
                }
            }
        }
    }
    assert!(compared > 50_000, "compared: {compared}");
}

/// Numbers and booleans of keys that are no content pass whoever sent them.
fn same_numbers(one: RecordRef<'_>, other: RecordRef<'_>, name: &str) {
    for (key, value) in one.attrs().iter().filter(|(_, value)| matches!(value, ValueRef::Bool(_) | ValueRef::Double(_))) {
        let Some(kept) = other.attrs().get_named(key.name) else {
            assert!(!is_meta(key), "{name}: {} is gone", key.name);
            continue;
        };
        assert_eq!(value.to_value(), kept.to_value(), "{name}: {}", key.name);
    }
}

#[test]
fn what_must_survive_survives_metadata_only() {
    what_must_survive_survives("metadata_only");
}

#[test]
fn what_must_survive_survives_redact() {
    what_must_survive_survives("redact");
}

/// Keys that hold content on any span (contracts, section 5).
const GENERIC: [&str; 9] = [
    "db.query.text",
    "db.statement",
    "exception.message",
    "exception.stacktrace",
    "url.query",
    "url.full",
    "http.url",
    "http.target",
    "http.request.body",
];

fn everything_else(data: &Data, at: usize) -> Vec<(String, Value)> {
    let record = data.record(at);
    let generic = |name: &str| GENERIC.iter().any(|key| name.starts_with(key)) || name.starts_with("http.response.body");
    let pairs = |attrs: chaperone_proto::Attrs<'_>, place: &str| -> Vec<(String, Value)> {
        attrs
            .iter()
            .filter(|(key, _)| !generic(key.name))
            .map(|(key, value)| (format!("{place}{}", key.name), value.to_value()))
            .collect()
    };
    let mut all = pairs(record.attrs(), "");
    match record {
        RecordRef::Span(span) => {
            all.push(("name".to_owned(), Value::Str(span.name().to_owned())));
            all.push(("status".to_owned(), Value::Str(span.status_message().to_owned())));
            all.push(("state".to_owned(), Value::Str(span.trace_state().to_owned())));
            span.events().for_each(|event| all.extend(pairs(event.attrs(), event.name())));
            span.links().for_each(|link| all.extend(pairs(link.attrs(), "link ")));
        }
        RecordRef::Log(log) => {
            all.push(("body".to_owned(), log.body().to_value()));
            all.push(("event".to_owned(), Value::Str(log.event_name().to_owned())));
        }
    }
    all
}

#[test]
fn records_of_other_telemetry_stay_as_they_came_but_for_the_stated_keys() {
    let contents = ["metadata_only", "redact"].map(|mode| processor("gen_ai_content", &format!("mode: {mode}")));
    let (mut others, mut captures) = (0, BTreeSet::new());
    for name in corpus::names() {
        for mut before in records_of(&corpus::load(&name).expect("a capture")) {
            before.retain(|record| !is_agents(record));
            for content in &contents {
                let after = through(content, before.clone()).remove(0);
                assert_eq!(before.records(), after.records());
                for at in 0..before.records() {
                    assert_eq!(everything_else(&before, at), everything_else(&after, at), "{name}");
                    others += 1;
                    captures.insert(name.clone());
                }
            }
        }
    }
    assert!(others > 1_000 && captures.len() > 5, "{others} records of {} captures", captures.len());
}
