//! What records report of decisions, approvals, signals and evaluations: `testdata/decisions/cases.tsv`, and what holds for all.

mod support;

use chaperone_genai::dialects::{Normalizer, Options};
use chaperone_genai::event_names;
use chaperone_proto::{Data, Logs, RecordRef};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use support::given::{Event, events_of, has_event, record};
use support::{log_of, tables, value};

struct Case {
    sentence: String,
    given: Map<String, Json>,
    expected: Vec<Json>,
}

fn read(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a table of ours");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn cases() -> Vec<Case> {
    let parse = |cells: Vec<String>| {
        let [sentence, given, expected] = &cells[..] else { panic!("three cells: {cells:?}") };
        let json = |text: &str| -> Json { serde_json::from_str(text).unwrap_or_else(|error| panic!("{sentence}: {error}")) };
        let Json::Object(given) = json(given) else { panic!("{sentence}: an object") };
        let expected = if expected == "none" { Vec::new() } else { json(expected).as_array().expect("a list").clone() };
        Case { sentence: sentence.clone(), given, expected }
    };
    read("testdata/decisions/cases.tsv").into_iter().map(parse).collect()
}

impl Case {
    fn record(&self) -> Data {
        let dialect = self.given.get("@dialect").and_then(Json::as_str).expect("a case names its dialect");
        let tables = tables::tables();
        record(&self.given, &tables.get(dialect).unwrap_or_else(|| panic!("{}: a dialect", self.sentence)).scope)
    }
}

fn normalize(mut data: Data) -> (Data, Option<Logs>) {
    let made = Normalizer::all(Options::default()).normalize(&mut data).made;
    (data, made)
}

/// Events of ours and evaluations.
fn reported(data: &Data, made: Option<&Logs>) -> Vec<Event> {
    let names = [event_names::DECISION, event_names::APPROVAL, event_names::QUALITY_SIGNAL, event_names::EVALUATION_RESULT];
    events_of(data, made).into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
}

#[test]
fn each_record_reports_what_its_case_says() {
    let cases = cases();
    assert!(cases.len() > 60, "cases are read");
    let mut wrong = Vec::new();
    for case in &cases {
        let (data, made) = normalize(case.record());
        let found = reported(&data, made.as_ref());
        if found.len() != case.expected.len() || !case.expected.iter().all(|event| has_event(&found, event)) {
            wrong.push(format!("{}:\n  expected {}\n  found    {found:?}", case.sentence, json!(case.expected)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// `x*`, `*x`, `*x*`.
fn fits(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => text.contains(pattern.trim_matches('*')),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == pattern,
    }
}

impl Case {
    /// Whether a condition of the table holds for the record.
    fn meets(&self, condition: &str) -> bool {
        let text = |key: &str| self.given.get(key).and_then(Json::as_str).unwrap_or_default();
        let (kind, rest) = condition.split_once(':').expect("a kind");
        let (name, wanted) = rest.split_once('=').map_or((rest, None), |(name, wanted)| (name, Some(wanted)));
        match kind {
            "log" => ["@log", "@body", "event.name"].iter().any(|place| fits(rest, text(place))),
            "span" => fits(rest, text("@name")),
            "event" => {
                self.given.get("@events").and_then(Json::as_array).into_iter().flatten().any(|event| event[0] == json!(rest))
            }
            "attr" => self.given.contains_key(name) && wanted.is_none_or(|wanted| fits(wanted, text(name))),
            "!attr" => !self.given.contains_key(name),
            other => panic!("`{other}` is a kind of condition"),
        }
    }
}

#[test]
fn every_row_of_the_table_has_a_case() {
    let cases = cases();
    let has_case = |row: &Vec<String>| {
        let of_dialect = |case: &&Case| row[0] == "*" || case.given.get("@dialect") == Some(&json!(row[0]));
        cases.iter().filter(of_dialect).any(|case| row[1].split_whitespace().all(|condition| case.meets(condition)))
    };
    let without: Vec<String> =
        read("data/decisions.tsv").iter().filter(|row| !has_case(row)).map(|row| format!("{}: {}", row[0], row[1])).collect();
    assert!(without.is_empty(), "rows without a case:\n{}", without.join("\n"));
}

#[test]
fn ids_are_there_differ_and_stay_when_a_record_is_sent_again() {
    for case in cases() {
        let (data, made) = normalize(case.record());
        let ids = |events: &[Event]| -> Vec<Json> {
            let ours = events.iter().filter(|(name, _)| name == event_names::DECISION || name == event_names::APPROVAL);
            ours.map(|(_, attrs)| attrs.get("chaperone.decision.id").cloned().unwrap_or(Json::Null)).collect()
        };
        let found = ids(&reported(&data, made.as_ref()));
        assert!(found.iter().all(|id| id.as_str().is_some_and(|id| id.len() == 32)), "{}: {found:?}", case.sentence);
        assert_eq!(found.iter().map(Json::to_string).collect::<BTreeSet<_>>().len(), found.len(), "{}", case.sentence);
        let (again, made_again) = normalize(case.record());
        assert_eq!(found, ids(&reported(&again, made_again.as_ref())), "{}", case.sentence);
    }
}

#[test]
fn a_record_that_was_normalised_reports_nothing_more() {
    for case in cases() {
        let (data, made) = normalize(case.record());
        let first = reported(&data, made.as_ref()).len();
        let (twice, made_twice) = normalize(data);
        match twice.record(0) {
            RecordRef::Span(_) => assert_eq!(reported(&twice, None).len(), first, "{}", case.sentence),
            RecordRef::Log(_) => assert!(made_twice.is_none(), "{}", case.sentence),
        }
        // The records made from a log are records of the same run, and report nothing themselves.
        if let Some(made) = made {
            let (made, more) = normalize(Data::Logs(made));
            assert!(more.is_none(), "{}", case.sentence);
            assert!(
                value(&made, "chaperone.run.id").is_some() && value(&made, "chaperone.record.id").is_some(),
                "{}",
                case.sentence
            );
        }
    }
}

#[test]
fn a_senders_decision_as_a_log_is_recognised_and_gets_its_ids() {
    let attrs = json!({"chaperone.decision.type": "route", "chaperone.decision.outcome": "billing"});
    let (data, made) = normalize(log_of("my-app", json!({"eventName": "chaperone.decision", "timeUnixNano": "5"}), &attrs));
    assert!(made.is_none(), "it is the event");
    assert_eq!(value(&data, "chaperone.decision.derivation"), Some(json!("reported")));
    assert_eq!(value(&data, "chaperone.decision.id").and_then(|id| id.as_str().map(str::len)), Some(32));
    assert!(value(&data, "chaperone.record.id").is_some());
    let attrs = json!({"chaperone.approval.outcome": "denied", "chaperone.decision.id": "mine"});
    let (data, _) = normalize(log_of("my-app", json!({"eventName": "chaperone.approval", "timeUnixNano": "5"}), &attrs));
    assert_eq!(value(&data, "chaperone.decision.id"), Some(json!("mine")), "an id of the sender's stays");
    assert_eq!(value(&data, "chaperone.decision.type"), Some(json!("approval")));
}
