//! The account of one record: what it was taken for, where each value came from, how it was counted and priced.

use super::cost::Cost;
use super::stages::{Settings, Staged};
use super::usage::{Owners, Usage};
use chaperone_genai::dialects::{self, Because, Normalizer, ScopeVerdict};
use chaperone_genai::usage::{Senders, Totals};
use chaperone_genai::{event_names, keys, record};
use chaperone_proto::{Attrs, KeyId, RecordRef, ValueRef};
use serde::Serialize;
use serde_json::value::RawValue;

/// What is told of a record.
#[derive(Debug, Serialize)]
pub struct Account {
    pub file: String,
    /// `span` or `log`.
    pub record: &'static str,
    /// Span name, or event name of a log.
    pub name: String,
    pub scope: String,
    pub trace_id: String,
    pub span_id: String,
    pub record_id: String,
    /// A log record that a processor made from another.
    #[serde(skip_serializing_if = "is_false")]
    pub made: bool,
    pub dialect: Option<Dialect>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mapped: Vec<Mapped>,
    /// Sources whose values were not of the expected shape.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<From>,
    /// Known attributes that stayed what they were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Attributes no table knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    pub step: Option<Step>,
    pub usage: Option<Usage>,
    pub cost: Option<Cost>,
    /// Events that tell of tool calls, decisions, approvals and signs of quality.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Who speaks.
#[derive(Debug, Serialize)]
pub struct Dialect {
    pub id: &'static str,
    pub version: Option<String>,
    pub because: String,
    /// Other dialects whose keys the record carries, with the marker that shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_present: Vec<String>,
}

/// One attribute that was set or removed, or one event that was added.
#[derive(Debug, Serialize)]
pub struct Mapped {
    pub key: String,
    /// Absent: it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
    pub from: Vec<From>,
}

/// A part of the record.
#[derive(Debug, Serialize)]
pub struct From {
    pub source: String,
    #[serde(skip_serializing_if = "is_one")]
    pub attributes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform: Option<&'static str>,
    /// Table of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<&'static str>,
}

fn is_one(count: &usize) -> bool {
    *count == 1
}

/// What kind of step it is, and how it went.
#[derive(Debug, Serialize)]
pub struct Step {
    pub kind: String,
    pub agent: Option<String>,
    pub agent_source: Option<String>,
    pub attempt: Option<i64>,
    pub tool: Option<String>,
    pub tool_scope: Option<String>,
    /// Type, code and stage.
    pub failure: Option<String>,
    pub retryable: Option<bool>,
}

/// An event of ours.
#[derive(Debug, Serialize)]
pub struct Event {
    pub name: String,
    /// Whether the record had it when it came.
    pub received: bool,
    pub attributes: Box<RawValue>,
}

impl Account {
    fn is_wanted(&self, wanted: &Wanted<'_>, is_gen_ai: bool) -> bool {
        let is_called = |id: &str| [&self.trace_id, &self.span_id, &self.record_id].iter().any(|own| own.starts_with(id));
        (is_gen_ai || wanted.all) && wanted.id.is_none_or(is_called)
    }
}

/// Makes accounts, request after request.
#[derive(Default)]
pub struct Reader {
    /// What was counted.
    pub totals: Totals,
    /// Records of agents that were read.
    pub gen_ai: usize,
    owners: Owners,
}

/// Which records are told.
pub struct Wanted<'a> {
    /// What an id begins with.
    pub id: Option<&'a str>,
    /// Other telemetry too.
    pub all: bool,
}

impl Reader {
    /// Accounts of the wanted records of a request; all of them are counted.
    pub fn accounts(&mut self, file: &str, staged: &Staged, settings: &Settings, wanted: &Wanted<'_>) -> Vec<Account> {
        let mut senders = Senders::default();
        let mut accounts = Vec::new();
        for at in 0..staged.costed.records() {
            let (stepped, costed) = (staged.stepped.record(at), staged.costed.record(at));
            self.totals.add(costed);
            let is_gen_ai = record::is_gen_ai(costed);
            self.gen_ai += usize::from(is_gen_ai);
            // Who owns a call is remembered of all, told or not.
            let usage = if is_gen_ai { self.owners.usage(stepped, costed, senders.of(stepped)) } else { None };
            let mut account = heading(file, costed);
            if !account.is_wanted(wanted, is_gen_ai) {
                continue;
            }
            account.understand(staged, at, &settings.normalizer);
            if account.dialect.is_some() {
                account.step = Some(step(costed));
                account.usage = usage;
                account.cost = Cost::of(stepped, costed, &settings.pricing);
                account.events = events(staged, at);
            }
            accounts.push(account);
        }
        for data in &staged.made {
            accounts.extend((0..data.records()).map(|at| self.made(file, data.record(at))));
        }
        accounts.retain(|account| account.is_wanted(wanted, account.dialect.is_some()));
        accounts
    }

    fn made(&mut self, file: &str, record: RecordRef<'_>) -> Account {
        self.totals.add(record);
        let mut account = heading(file, record);
        account.made = true;
        let because = "made from a record above".to_owned();
        let known = record::dialect(record).and_then(dialects::Dialect::by_id);
        account.dialect = known.map(|dialect| Dialect { id: dialect.id(), version: None, because, also_present: Vec::new() });
        account.events = vec![Event { name: account.name.clone(), received: false, attributes: told(record.attrs()) }];
        account
    }
}

fn heading(file: &str, record: RecordRef<'_>) -> Account {
    let name = match record {
        RecordRef::Span(span) => span.name().to_owned(),
        RecordRef::Log(log) => {
            let settings = dialects::settings(record::dialect(record).unwrap_or(""), record.scope().name());
            record::log_event_name(log, settings.event_name).to_owned()
        }
    };
    Account {
        file: file.to_owned(),
        record: if record.as_span().is_some() { "span" } else { "log" },
        name,
        scope: record.scope().name().to_owned(),
        trace_id: record.trace_id().map(|id| hex(&id)).unwrap_or_default(),
        span_id: record.span_id().map(|id| hex(&id)).unwrap_or_default(),
        record_id: record::id(record).into_owned(),
        made: false,
        dialect: None,
        mapped: Vec::new(),
        failed: Vec::new(),
        kept: Vec::new(),
        unknown: Vec::new(),
        step: None,
        usage: None,
        cost: None,
        events: Vec::new(),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Account {
    /// Dialect and mapping; nothing where the normaliser took the record for no agent's.
    fn understand(&mut self, staged: &Staged, at: usize, normalizer: &Normalizer) {
        let (received, normalized) = (staged.received.record(at), staged.normalized.record(at));
        // A user may have left a dialect out: then the normaliser did not touch it.
        if record::dialect(normalized).is_none() {
            return;
        }
        let verdict = ScopeVerdict::of(received.scope());
        let Some((dialect, because)) = dialects::because(received, &verdict) else { return };
        let markers = dialects::also_present(received, dialect).into_iter().filter(|(other, _)| other.id() != "generic");
        self.dialect = Some(Dialect {
            id: dialect.id(),
            version: text(normalized, keys::CHAPERONE_DIALECT_VERSION),
            because: in_words(because, received),
            also_present: markers.map(|(other, marker)| format!("{} ({marker})", other.id())).collect(),
        });
        let explained = dialects::explain(&staged.received, at, dialect, normalizer);
        self.mapped = explained.changes.into_iter().map(mapped).collect();
        self.failed = explained.failed.into_iter().map(from).collect();
        self.kept = explained.kept;
        self.unknown = explained.unknown;
    }
}

fn in_words(because: Because, record: RecordRef<'_>) -> String {
    match because {
        Because::Named => "the record names it".to_owned(),
        Because::Scope { pattern, needs: None } => format!("scope {} fits {pattern}", record.scope().name()),
        Because::Scope { pattern, needs: Some(needs) } => format!("scope {} fits {pattern}, and {needs}", record.scope().name()),
        Because::Marker(marker) => format!("no scope decides; {marker}"),
    }
}

fn mapped(change: dialects::Change) -> Mapped {
    Mapped { key: change.key, value: change.value.map(raw), from: change.sources.into_iter().map(from).collect() }
}

fn from(source: dialects::Source) -> From {
    let row = source.row;
    From {
        source: source.name,
        attributes: source.count,
        transform: row.map(|row| row.transform),
        table: row.map(|row| row.table),
    }
}

/// JSON that was written by us.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("invariant: values are written as JSON")
}

fn text(record: RecordRef<'_>, key: KeyId) -> Option<String> {
    record.attrs().str(key).map(str::to_owned)
}

fn step(record: RecordRef<'_>) -> Step {
    let attrs = record.attrs();
    let failure = [keys::CHAPERONE_FAILURE_TYPE, keys::CHAPERONE_FAILURE_CODE, keys::CHAPERONE_FAILURE_STAGE];
    let words: Vec<&str> = failure.iter().filter_map(|key| attrs.str(*key)).collect();
    Step {
        kind: text(record, keys::CHAPERONE_STEP_KIND).unwrap_or_else(|| "other".to_owned()),
        agent: text(record, keys::GEN_AI_AGENT_NAME),
        agent_source: text(record, keys::CHAPERONE_AGENT_SOURCE),
        attempt: attrs.int(keys::CHAPERONE_STEP_ATTEMPT),
        tool: text(record, keys::GEN_AI_TOOL_NAME),
        tool_scope: text(record, keys::CHAPERONE_TOOL_SCOPE),
        failure: (!words.is_empty()).then(|| words.join(" ")),
        retryable: attrs.get(keys::CHAPERONE_FAILURE_RETRYABLE).and_then(ValueRef::as_bool),
    }
}

const TOLD: [&str; 4] = [event_names::TOOL_CALL, event_names::DECISION, event_names::APPROVAL, event_names::QUALITY_SIGNAL];

fn events(staged: &Staged, at: usize) -> Vec<Event> {
    let Some(span) = staged.costed.record(at).as_span() else { return Vec::new() };
    let before = staged.received.record(at).as_span().map_or(0, |span| span.events().count());
    let told_of = span.events().enumerate().filter(|(_, event)| TOLD.contains(&event.name()));
    told_of
        .map(|(number, event)| Event {
            name: event.name().to_owned(),
            received: number < before,
            attributes: told(event.attrs()),
        })
        .collect()
}

/// Attributes as a JSON object; digests and ids of ours are left out.
fn told(attrs: Attrs<'_>) -> Box<RawValue> {
    let hidden = ["_hash", "decision.id", "record.id", "run.id"];
    let pairs = attrs.iter().filter(|(key, _)| !hidden.iter().any(|end| key.name.ends_with(end)));
    let json = |value: ValueRef<'_>| {
        let mut json = String::new();
        value.write_json(&mut json);
        json
    };
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{}:{}", json(ValueRef::Str(key.name)), json(value))).collect();
    raw(format!("{{{}}}", pairs.join(",")))
}

/// How records of its dialect are counted and keyed.
pub fn settings(record: RecordRef<'_>) -> &'static dialects::Settings {
    dialects::settings(record::dialect(record).unwrap_or(""), record.scope().name())
}
