//! Every row of what the dialects' emitters are known to write has a case: given a record, this comes out of the normaliser.
//!
//! `testdata/dialect_rows/README.md` explains the format of the cases.
//! `ROWS.tsv` lists what must have a case, `EXCEPTIONS.tsv` what has none and why.

mod support;

use chaperone_genai::dialects::{Normalizer, Options};
use chaperone_proto::{Data, RecordRef};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use support::given::{self, events_of, same};
use support::{plain, shown};

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

fn stem(file: &Path) -> &str {
    file.file_stem().and_then(|stem| stem.to_str()).expect("a name of text")
}

/// All cases, those of one dialect where `CHAPERONE_DIALECT` names it.
fn cases() -> Vec<Case> {
    let only = std::env::var("CHAPERONE_DIALECT").ok();
    let mut files: Vec<_> = fs::read_dir(folder()).expect("the folder").map(|file| file.expect("a file").path()).collect();
    files.retain(|file| {
        let stem = stem(file);
        file.extension().is_some_and(|extension| extension == "tsv") && stem != stem.to_uppercase()
    });
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let dialect = stem(&file).to_owned();
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
    fn place(&self) -> String {
        format!("{}.tsv:{}: {}", self.dialect, self.line, self.source)
    }
    fn record(&self, scopes: &BTreeMap<String, String>) -> Data {
        given::record(&self.given, scopes.get(&self.dialect).map_or("app", String::as_str))
    }

    /// What is not as expected, in words.
    fn differences(&self, scopes: &BTreeMap<String, String>) -> Vec<String> {
        if self.given.contains_key("@metric") {
            return self.metric_differences();
        }
        let given = self.record(scopes);
        let normalizer = Normalizer::all(Options::default());
        let mut once = given.clone();
        let made = normalizer.normalize(&mut once).made;
        let mut twice = once.clone();
        normalizer.normalize(&mut twice);
        let mut wrong = Vec::new();
        if shown(once.record(0)) != shown(twice.record(0)) || events_of(&once, None) != events_of(&twice, None) {
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
            Json::Object(expected) => compare(expected, &once, &events_of(&once, made.as_ref()), &mut wrong),
            other => wrong.push(format!("`{other}` is no expectation")),
        }
        wrong
    }

    /// Metrics pass as they are: what they say of calls, spans and logs say too.
    fn metric_differences(&self) -> Vec<String> {
        let given = given::metric(&self.given);
        let mut once = given.clone();
        Normalizer::all(Options::default()).normalize(&mut once);
        let mut wrong = Vec::new();
        if !self.expected.is_null() {
            wrong.push("a metric stays: `-`".to_owned());
        }
        if given.encode_contiguous() != once.encode_contiguous() {
            wrong.push("the metric did not stay as it was".to_owned());
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

fn compare(expected: &Map<String, Json>, once: &Data, all: &[given::Event], wrong: &mut Vec<String>) {
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
    for event in expected.get("@events").and_then(Json::as_array).into_iter().flatten() {
        if !given::has_event(all, event) {
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
    let exceptions = rows(&folder().join("EXCEPTIONS.tsv"));
    assert!(exceptions.len() <= MOST_EXCEPTIONS, "{} rows without a case", exceptions.len());
    assert!(exceptions.iter().all(|(_, cells)| cells.len() == 3 && !cells[2].is_empty()), "each exception has its reason");
    let excepted: BTreeSet<(&str, &str)> = exceptions.iter().map(|(_, cells)| (cells[0].as_str(), cells[1].as_str())).collect();
    let cases = cases();
    // Metrics are cases of the connector that processes them.
    let metrics = rows(&folder().join("METRICS.tsv"));
    let of_metrics = metrics.iter().map(|(_, cells)| (cells[0].as_str(), cells[1].as_str()));
    let with_case: BTreeSet<(&str, &str)> =
        cases.iter().map(|case| (case.dialect.as_str(), case.source.as_str())).chain(of_metrics).collect();
    let table = rows(&folder().join("ROWS.tsv"));
    let known: BTreeSet<(&str, &str)> = table.iter().map(|(_, cells)| (cells[0].as_str(), cells[1].as_str())).collect();
    let mut wrong = Vec::new();
    for row in known.iter().filter(|row| only.as_ref().is_none_or(|only| only == row.0)) {
        match (with_case.contains(row), excepted.contains(row)) {
            (false, false) => wrong.push(format!("{}: `{}` has no case", row.0, row.1)),
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
