//! Detection and mapping on all captures: the tables of the corpus are the truth.

use chaperone_genai::dialects::{self, Normalizer, Options, ScopeVerdict};
use chaperone_genai::keys;
use chaperone_proto::{Data, Limits, RecordRef, Signal};
use chaperone_testkit::corpus::{self, Capture};
use std::collections::BTreeMap;

fn decode(capture: &Capture) -> Vec<Data> {
    dialects::install();
    let requests = capture.requests.iter().filter(|request| request.signal != "metrics");
    let decode = |request: &corpus::Request| {
        let signal = if request.signal == "traces" { Signal::Traces } else { Signal::Logs };
        let limits = Limits::default();
        let data = if request.json {
            Data::decode_json(signal, &request.body, &limits)
        } else {
            Data::decode(signal, request.body.clone(), &limits)
        };
        data.unwrap_or_else(|error| panic!("{} {}: {error}", capture.name, request.file))
    };
    requests.map(decode).collect()
}

fn records(batches: &[Data]) -> impl Iterator<Item = RecordRef<'_>> {
    batches.iter().flat_map(|data| (0..data.records()).map(|at| data.record(at)))
}

fn bytes(data: &Data) -> Vec<u8> {
    data.encode().concat()
}

#[test]
fn every_record_of_every_capture_has_the_dialect_of_the_table() {
    let mut expected = BTreeMap::new();
    for row in corpus::table("DIALECTS.tsv").iter().skip(1) {
        let [capture, signal, scope, dialect, count] = row.as_slice() else { panic!("five columns: {row:?}") };
        expected.insert((capture.clone(), signal.clone(), scope.clone(), dialect.clone()), count.parse::<usize>().unwrap());
    }
    let mut found = BTreeMap::new();
    for capture in corpus::captures() {
        for record in records(&decode(&capture)) {
            let signal = if record.as_span().is_some() { "span" } else { "log" };
            let dialect = dialects::detect(record, &ScopeVerdict::of(record.scope())).map_or("-", |dialect| dialect.id());
            let row = (capture.name.clone(), signal.to_owned(), record.scope().name().to_owned(), dialect.to_owned());
            *found.entry(row).or_insert(0) += 1;
        }
    }
    let missing: Vec<_> = expected.iter().filter(|(row, count)| found.get(*row) != Some(count)).collect();
    let surplus: Vec<_> = found.iter().filter(|(row, count)| expected.get(*row) != Some(count)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "expected {missing:#?}, found {surplus:#?}");
}

#[test]
fn normalising_twice_is_normalising_once() {
    let normalizer = Normalizer::all(Options::default());
    let removing = Normalizer::all(Options { remove_originals: true, overwrite: false });
    for capture in corpus::captures() {
        for data in decode(&capture) {
            for normalizer in [&normalizer, &removing] {
                let mut once = data.clone();
                normalizer.normalize(&mut once);
                let mut twice = once.clone();
                normalizer.normalize(&mut twice);
                assert!(bytes(&once) == bytes(&twice), "{}: {}", capture.name, difference(&once, &twice));
                let signal = data.signal();
                let mut again = Data::decode(signal, bytes(&once).into(), &Limits::default()).unwrap();
                normalizer.normalize(&mut again);
                assert!(bytes(&once) == bytes(&again), "{} after encoding: {}", capture.name, difference(&once, &again));
            }
        }
    }
}

fn difference(one: &Data, other: &Data) -> String {
    for at in 0..one.records() {
        let pairs = |data: &Data| -> Vec<String> {
            data.record(at).attrs().iter().map(|(key, value)| format!("{} = {:?}", key.name, value.to_value())).collect()
        };
        let (one, other) = (pairs(one), pairs(other));
        if one != other {
            let only = |a: &[String], b: &[String]| -> Vec<String> { a.iter().filter(|x| !b.contains(x)).cloned().collect() };
            return format!("record {at}: only first {:#?}, only second {:#?}", only(&one, &other), only(&other, &one));
        }
    }
    "no attribute differs".to_owned()
}

#[test]
fn records_that_are_not_genai_keep_their_attributes() {
    let normalizer = Normalizer::all(Options::default());
    let mut seen = 0;
    for capture in corpus::captures() {
        for before in decode(&capture) {
            let mut after = before.clone();
            normalizer.normalize(&mut after);
            for at in 0..before.records() {
                let record = before.record(at);
                if dialects::detect(record, &ScopeVerdict::of(record.scope())).is_none() {
                    let pairs = |record: RecordRef<'_>| -> Vec<_> {
                        record.attrs().iter().map(|(key, value)| (key.name.to_owned(), value.to_value())).collect()
                    };
                    assert_eq!(pairs(record), pairs(after.record(at)), "{}", capture.name);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 800, "the corpus holds such records: {seen}");
}

/// Captures of the four dialects that this table maps in full.
fn four_dialects() -> Vec<Capture> {
    let families = [
        "otel-openai",
        "otel-anthropic",
        "openinference-openai",
        "openinference-anthropic",
        "openllmetry-openai",
        "openllmetry-anthropic",
    ];
    let names = corpus::names().into_iter().filter(|name| families.iter().any(|family| name.starts_with(family)));
    names.map(|name| corpus::load(&name).expect("a capture of the corpus")).collect()
}

#[test]
fn every_call_of_the_four_dialects_is_named() {
    let normalizer = Normalizer::all(Options::default());
    for capture in four_dialects() {
        for mut data in decode(&capture) {
            normalizer.normalize(&mut data);
            for at in 0..data.records() {
                let record = data.record(at);
                let RecordRef::Span(span) = record else { continue };
                if !chaperone_genai::record::is_gen_ai(record) {
                    continue;
                }
                let has = |key| record.attrs().get(key).is_some();
                assert!(chaperone_genai::record::is_call(record), "{}: span `{}` is a call", capture.name, span.name());
                assert!(has(keys::GEN_AI_REQUEST_MODEL), "{}: `{}` names its model", capture.name, span.name());
                assert!(has(keys::CHAPERONE_RUN_ID), "{}: `{}` has a run", capture.name, span.name());
                let provider = record.attrs().str(keys::GEN_AI_PROVIDER_NAME);
                assert!(matches!(provider, Some("openai" | "anthropic")), "{}: {provider:?}", capture.name);
            }
        }
    }
}

#[test]
fn requested_tool_calls_of_the_four_dialects_are_those_of_the_truth() {
    let without = ["openinference-openai-nocontent-tools", "openllmetry-openai-nocontent-tools", "otel-openai-js-tools"];
    let normalizer = Normalizer::all(Options::default());
    for capture in four_dialects() {
        let mut ids = std::collections::BTreeSet::new();
        for mut data in decode(&capture) {
            normalizer.normalize(&mut data);
            for at in 0..data.records() {
                let calls = chaperone_genai::record::tool_calls_in_output(data.record(at));
                ids.extend(calls.into_iter().map(|call| call.id.unwrap_or(call.name)));
            }
        }
        let by_tool = capture.totals()["tool_calls_requested"].as_object().unwrap();
        let expected = by_tool.values().map(|count| count.as_u64().unwrap() as usize).sum();
        let expected = if without.contains(&capture.name.as_str()) { 0 } else { expected };
        assert_eq!(ids.len(), expected, "{}: {ids:?}", capture.name);
    }
}
