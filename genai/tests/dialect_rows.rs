//! Every row of what the dialects' emitters are known to write has a case: given a record, this comes out of the normaliser.
//!
//! `testdata/dialect_rows/README.md` explains the format of the cases.
//! `ROWS.tsv` lists what must have a case, `EXCEPTIONS.tsv` what has none and why.

mod support;

use chaperone_genai::dialects::{Normalizer, Options};
use chaperone_proto::{Data, RecordRef, Signal};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use support::{any, attributes, decode, plain, shown};

/// Most rows that may go without a case.
const MOST_EXCEPTIONS: usize = 10;
/// What every recognised record is given, whatever it says.
const ALWAYS: [&str; 5] = [
    "chaperone.dialect.name",
    "chaperone.dialect.version",
    "chaperone.framework.name",
    "chaperone.record.id",
    "chaperone.run.id",
];

struct Case {
    dialect: String,
    line: usize,
    source: String,
    given: Map<String, Json>,
    expected: Json,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dialect_rows")
}

/// The rows of a table as cells, with the line they stand in.
fn rows(path: &Path) -> Vec<(usize, Vec<String>)> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| (at + 1, line.split('\t').map(str::to_owned).collect())).collect()
}

/// All cases, those of one dialect where `CHAPERONE_DIALECT` names it.
fn cases() -> Vec<Case> {
    let only = std::env::var("CHAPERONE_DIALECT").ok();
    let mut files: Vec<_> = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        file.extension().is_some_and(|extension| extension == "tsv") && stem != stem.to_uppercase()
    });
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let dialect = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if only.as_ref().is_some_and(|only| *only != dialect) {
            continue;
        }
        let mut beneath = Map::new();
        for (line, cells) in rows(&file) {
            let [source, given, expected] = &cells[..] else { panic!("{dialect}.tsv:{line}: three cells, not {}", cells.len()) };
            let read = |text: &str| -> Json {
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{dialect}.tsv:{line}: {error}: {text}"))
            };
            let Json::Object(given) = read(given) else { panic!("{dialect}.tsv:{line}: given is an object") };
            if source == "*" {
                beneath = given;
                continue;
            }
            let mut whole = beneath.clone();
            whole.extend(given);
            let expected = if expected == "-" { Json::Null } else { read(expected) };
            cases.push(Case { dialect: dialect.clone(), line, source: source.clone(), given: whole, expected });
        }
    }
    cases
}

/// The first scope by which a dialect is recognised; `app` where only markers tell.
fn scopes() -> BTreeMap<String, String> {
    let table = rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/detection.tsv"));
    let scope = |cells: &[String]| {
        let first = cells.get(1).and_then(|scopes| scopes.split_whitespace().next()).unwrap_or("app").to_owned();
        first.strip_suffix('*').map_or(first.clone(), |prefix| format!("{prefix}x"))
    };
    table.iter().map(|(_, cells)| (cells[0].clone(), scope(cells))).collect()
}

impl Case {
    fn text(&self, key: &str) -> Option<&str> {
        self.given.get(key).map(|value| value.as_str().unwrap_or_else(|| panic!("{}: {key} is text", self.place())))
    }
    fn place(&self) -> String {
        format!("{}.tsv:{}: {}", self.dialect, self.line, self.source)
    }
    fn attrs(&self) -> Json {
        self.given.iter().filter(|(key, _)| !key.starts_with('@')).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
    fn record(&self, scopes: &BTreeMap<String, String>) -> Data {
        let scope = self.text("@scope").unwrap_or_else(|| scopes.get(&self.dialect).map_or("app", String::as_str));
        let scope = json!({"name": scope, "version": self.text("@version").unwrap_or("1.0")});
        let resource = json!({"attributes": attributes(self.given.get("@resource").unwrap_or(&json!({})))});
        let ids = [("traceId", "0102030405060708090a0b0c0d0e0f10"), ("spanId", "0102030405060708")];
        let mut record: Map<String, Json> = ids.into_iter().map(|(key, id)| (key.to_owned(), json!(id))).collect();
        record.insert("attributes".to_owned(), attributes(&self.attrs()));
        if let Some(event) = self.text("@log") {
            record.insert("eventName".to_owned(), json!(event));
            record.insert("timeUnixNano".to_owned(), self.given.get("@time").cloned().unwrap_or(json!("1700000000000000000")));
            if let Some(body) = self.given.get("@body") {
                record.insert("body".to_owned(), any(body));
            }
            let logs = json!([{"scope": scope, "logRecords": [record]}]);
            return decode(Signal::Logs, &json!({"resourceLogs": [{"resource": resource, "scopeLogs": logs}]}));
        }
        record.insert("name".to_owned(), json!(self.text("@name").unwrap_or("s")));
        for (field, key) in [("startTimeUnixNano", "@start"), ("endTimeUnixNano", "@end"), ("status", "@status")] {
            record.extend(self.given.get(key).map(|value| (field.to_owned(), value.clone())));
        }
        if self.given.contains_key("@parent") {
            record.insert("parentSpanId".to_owned(), json!("1112131415161718"));
        }
        let events = self.given.get("@events").and_then(Json::as_array).into_iter().flatten();
        let event = |event: &Json| json!({"name": event[0], "attributes": attributes(&event[1]), "timeUnixNano": event.get(2).unwrap_or(&json!("0"))});
        record.insert("events".to_owned(), events.map(event).collect());
        let spans = json!([{"scope": scope, "spans": [record]}]);
        decode(Signal::Traces, &json!({"resourceSpans": [{"resource": resource, "scopeSpans": spans}]}))
    }

    /// What is not as expected, in words.
    fn differences(&self, scopes: &BTreeMap<String, String>) -> Vec<String> {
        let given = self.record(scopes);
        let normalizer = Normalizer::all(Options::default());
        let mut once = given.clone();
        normalizer.normalize(&mut once);
        let mut twice = once.clone();
        normalizer.normalize(&mut twice);
        let mut wrong = Vec::new();
        if shown(once.record(0)) != shown(twice.record(0)) || events(&once) != events(&twice) {
            wrong.push("normalising twice is not normalising once".to_owned());
        }
        let own = json!(self.dialect);
        let dialect = self.expected.get("@dialect").unwrap_or(&own);
        let found = attr(&once, "chaperone.dialect.name");
        if found != *dialect {
            wrong.push(format!("dialect is {found}, not {dialect}"));
        }
        match &self.expected {
            Json::Null => self.compare_untouched(&given, &once, &mut wrong),
            Json::Object(expected) => compare(expected, &once, &mut wrong),
            other => wrong.push(format!("`{other}` is no expectation")),
        }
        wrong
    }

    /// `-`: everything given stays, and nothing is added to it.
    fn compare_untouched(&self, given: &Data, once: &Data, wrong: &mut Vec<String>) {
        let before: BTreeMap<_, _> = shown(given.record(0)).into_iter().collect();
        for (key, value) in shown(once.record(0)) {
            match before.get(&key) {
                None if ALWAYS.contains(&key.as_str()) => {}
                None => wrong.push(format!("{key} = {value:?} was added")),
                Some(old) if *old != value => wrong.push(format!("{key} is {value:?}, was {old:?}")),
                Some(_) => {}
            }
        }
        for key in before.keys().filter(|key| attr(once, key).is_null()) {
            wrong.push(format!("{key} is gone"));
        }
    }
}

fn attr(data: &Data, key: &str) -> Json {
    data.record(0).attrs().get_named(key).map_or(Json::Null, plain)
}

fn events(data: &Data) -> Vec<(String, Map<String, Json>)> {
    let RecordRef::Span(span) = data.record(0) else { return Vec::new() };
    let attrs =
        |attrs: chaperone_proto::Attrs<'_>| attrs.iter().map(|(key, value)| (key.name.to_owned(), plain(value))).collect();
    span.events().map(|event| (event.name().to_owned(), attrs(event.attrs()))).collect()
}

/// Text that holds JSON equals what it holds.
fn same(expected: &Json, found: &Json) -> bool {
    if expected == found {
        return true;
    }
    let is_structured = expected.is_array() || expected.is_object();
    let parsed = || found.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    is_structured && parsed().is_some_and(|parsed| parsed == *expected)
}

fn compare(expected: &Map<String, Json>, once: &Data, wrong: &mut Vec<String>) {
    for (key, value) in expected.iter().filter(|(key, _)| !key.starts_with('@')) {
        let found = attr(once, key);
        if !same(value, &found) {
            wrong.push(format!("{key} is {found}, not {value}"));
        }
    }
    if let (Some(status), RecordRef::Span(span)) = (expected.get("@status"), once.record(0))
        && *status != json!(span.status_code())
    {
        wrong.push(format!("the status is {}, not {status}", span.status_code()));
    }
    let all = events(once);
    for event in expected.get("@events").and_then(Json::as_array).into_iter().flatten() {
        let fits = |(name, attrs): &(String, Map<String, Json>)| {
            event[0] == json!(name)
                && event[1]
                    .as_object()
                    .is_some_and(|wanted| wanted.iter().all(|(key, value)| same(value, attrs.get(key).unwrap_or(&Json::Null))))
        };
        if !all.iter().any(fits) {
            wrong.push(format!("no event {event} in {all:?}"));
        }
    }
}

#[test]
fn what_comes_out_is_what_each_case_says() {
    let scopes = scopes();
    let all = cases();
    assert!(!all.is_empty(), "cases are read");
    let wrong: Vec<String> = all
        .iter()
        .flat_map(|case| case.differences(&scopes).into_iter().map(|difference| format!("{}: {difference}", case.place())))
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn every_row_has_a_case() {
    let only = std::env::var("CHAPERONE_DIALECT").ok();
    let pending: BTreeSet<String> = rows(&folder().join("PENDING.tsv")).into_iter().map(|(_, cells)| cells[0].clone()).collect();
    let exceptions = rows(&folder().join("EXCEPTIONS.tsv"));
    assert!(exceptions.len() <= MOST_EXCEPTIONS, "{} rows without a case", exceptions.len());
    assert!(exceptions.iter().all(|(_, cells)| cells.len() == 3 && !cells[2].is_empty()), "each exception has its reason");
    let excepted: BTreeSet<(&str, &str)> = exceptions.iter().map(|(_, cells)| (cells[0].as_str(), cells[1].as_str())).collect();
    let cases = cases();
    let with_case: BTreeSet<(&str, &str)> = cases.iter().map(|case| (case.dialect.as_str(), case.source.as_str())).collect();
    let table = rows(&folder().join("ROWS.tsv"));
    let known: BTreeSet<(&str, &str)> = table.iter().map(|(_, cells)| (cells[0].as_str(), cells[1].as_str())).collect();
    let mut wrong = Vec::new();
    for row in known.iter().filter(|row| only.as_ref().is_none_or(|only| only == row.0)) {
        match (with_case.contains(row), excepted.contains(row)) {
            (false, false) if only.is_some() || !pending.contains(row.0) => {
                wrong.push(format!("{}: `{}` has no case", row.0, row.1))
            }
            (true, true) => wrong.push(format!("{}: `{}` is an exception and has a case", row.0, row.1)),
            _ => {}
        }
    }
    for case in cases.iter().filter(|case| !case.source.starts_with('+')) {
        if !known.contains(&(case.dialect.as_str(), case.source.as_str())) {
            wrong.push(format!("{}: no row of ROWS.tsv; begin the source of a further case with `+`", case.place()));
        }
    }
    for row in excepted.iter().filter(|row| !known.contains(*row)) {
        wrong.push(format!("{}: `{}` is an exception and no row", row.0, row.1));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
