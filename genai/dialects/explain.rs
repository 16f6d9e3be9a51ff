//! What normalising did to one record, and which of its parts each change came from.
//!
//! Nothing is decided here a second time: the record is normalised once as it is, and once more without each of its parts; a change
//! that is then gone, or another one, came from that part. So every transform explains itself, whatever it reads.
//! Where several parts say the same, none gives the change alone: then the fewest that suffice are told, the highest in rank.
//! Slow on purpose, and for single records: `chaperone explain`.

use super::made_logs::MadeLogs;
use super::table;
use super::{Counts, Dialect, Normalizer, Plan, normalize};
use crate::keys;
use chaperone_proto::{Attrs, Data, Logs, RecordMut, RecordRef, ValueRef};
use std::collections::BTreeMap;

/// What became of a record.
#[derive(Debug, Clone, Default)]
pub struct Explained {
    /// Attributes that were set or removed, and events that were added.
    pub changes: Vec<Change>,
    /// Sources whose value was not of the expected shape.
    pub failed: Vec<Source>,
    /// Attributes that a table knows and that gave no other one its value.
    pub kept: Vec<String>,
    /// Attributes no table knows.
    pub unknown: Vec<String>,
    /// What the normaliser counted.
    pub counts: Counts,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Attribute; of an event, `event NAME`.
    pub key: String,
    /// Its value as JSON; `None` = it was removed.
    pub value: Option<String>,
    /// Where it came from; `(dialect)` = from nothing but the dialect.
    pub sources: Vec<Source>,
}

/// A part of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Attribute, or what attributes of one row begin with and a star; in brackets: a part that is no attribute.
    pub name: String,
    /// How many attributes these are.
    pub count: usize,
    /// The row of the mapping table, where one names it.
    pub row: Option<TableRow>,
}

/// A row of a mapping table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableRow {
    /// Dialect, or `common`.
    pub table: &'static str,
    /// Source as the table writes it.
    pub source: &'static str,
    /// Target; `-` = none or several.
    pub target: &'static str,
    /// Transform.
    pub transform: &'static str,
}

/// Normalises record `at` of `data` as this dialect, with a user's settings, and tells what that did. `data` stays as it is.
pub fn explain(data: &Data, at: usize, dialect: Dialect, normalizer: &Normalizer) -> Explained {
    super::install();
    let alone = alone(data, at);
    let whole = Outcome::of(&alone, dialect, normalizer, |_| {});
    let before = Shape::of(alone.record(0));
    let mut changes = whole.shape.changes_since(&before);
    let mut explained = Explained { counts: whole.counts, ..Explained::default() };
    let known = groups(alone.record(0), dialect, &mut explained.unknown);
    for group in &known {
        let without = Outcome::of(&alone, dialect, normalizer, |record| remove(record, &group.names));
        for (change, sources) in &mut changes {
            let is_itself_gone = change.value.is_none() && group.names.contains(&change.key);
            if is_itself_gone || without.shape.lacks(change) {
                sources.push(group.source(change));
            }
        }
        if without.counts.failed < whole.counts.failed {
            explained.failed.push(group.source(&Change { key: String::new(), value: None, sources: Vec::new() }));
        }
    }
    for name in &explained.unknown {
        let without = Outcome::of(&alone, dialect, normalizer, |record| remove(record, std::slice::from_ref(name)));
        for (_, sources) in changes.iter_mut().filter(|(change, _)| without.shape.lacks(change)) {
            sources.push(Source { name: name.clone(), count: 1, row: None });
        }
    }
    by_spare(&alone, dialect, normalizer, &known, &explained.unknown, &mut changes);
    for (change, sources) in &mut changes {
        // What gives the value before what it depends on.
        sources.sort_by_key(|source| source.row.is_none_or(|row| row.target != change.key));
    }
    let told: Vec<&Source> = changes.iter().flat_map(|(_, sources)| sources).chain(&explained.failed).collect();
    let silent = known.iter().filter(|group| told.iter().all(|source| source.name != group.name));
    explained.kept = silent.flat_map(|group| group.names.iter().cloned()).collect();
    explained.unknown.retain(|name| told.iter().all(|source| source.name != *name));
    explained.changes = changes.into_iter().map(|(change, sources)| Change { sources, ..change }).collect();
    explained
}

type Changes = Vec<(Change, Vec<Source>)>;

/// The record as the only one of its batch.
fn alone(data: &Data, at: usize) -> Data {
    let at = at as u32;
    match data {
        Data::Traces(traces) => Data::Traces(traces.extract(&[at])),
        Data::Logs(logs) => Data::Logs(logs.extract(&[at])),
        Data::Metrics(_) => data.clone(),
    }
}

fn remove(record: &mut RecordMut<'_>, names: &[String]) {
    for name in names {
        record.remove_named(name);
    }
}

/// Attributes that one row of a table takes together, or one attribute.
struct Group {
    name: String,
    names: Vec<String>,
    rows: Vec<TableRow>,
}

impl Group {
    /// With the row that gives this change, if one does, else the first.
    fn source(&self, change: &Change) -> Source {
        let exact = self.rows.iter().find(|row| row.target == change.key);
        let collector = || self.rows.iter().find(|row| row.target == "-" && !matches!(row.transform, "keep" | "check"));
        // Words for a step's kind give more than the operation.
        let word = || self.rows.iter().find(|row| row.transform.starts_with("operation:") || row.transform.starts_with("kind"));
        let row = exact.or_else(collector).or_else(word).copied();
        Source { name: self.name.clone(), count: self.names.len(), row }
    }

    /// Lower = asked earlier: rows of this target before others, the conventions' own keys before native ones, then the tables' order.
    fn rank(&self, change: &Change, order: &[TableRow]) -> (bool, bool, usize) {
        let own = self.rows.iter().find(|row| row.target == change.key);
        let row = own.or(self.rows.first());
        let at = row.and_then(|row| order.iter().position(|other| other == row)).unwrap_or(order.len());
        (own.is_none(), !keys::is_convention(&self.name), at)
    }
}

/// The attributes that tables know, in the order of the record; those nobody knows go to `unknown`.
fn groups(record: RecordRef<'_>, dialect: Dialect, unknown: &mut Vec<String>) -> Vec<Group> {
    let rows: Vec<TableRow> = rows_of(dialect);
    let mut groups: Vec<Group> = Vec::new();
    for key in record.attrs().keys() {
        let naming: Vec<TableRow> = naming(&rows, key.name);
        let Some(first) = naming.first() else {
            unknown.push(key.name.to_owned());
            continue;
        };
        let name = if first.source.ends_with('*') { first.source } else { key.name };
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.names.push(key.name.to_owned()),
            None => groups.push(Group { name: name.to_owned(), names: vec![key.name.to_owned()], rows: naming }),
        }
    }
    groups
}

/// Rows that hold for a dialect, its own first.
fn rows_of(dialect: Dialect) -> Vec<TableRow> {
    let of = |name: &'static str| {
        let tables = table::MAPPINGS.iter().filter(move |(table, _)| *table == name);
        tables.flat_map(|(table, text)| {
            table::rows(text, 4).filter_map(move |row| match row[..] {
                [source, target, transform, _] => Some(TableRow { table, source, target, transform }),
                _ => None,
            })
        })
    };
    of(dialect.id()).chain(of("common")).collect()
}

/// Rows whose source is this attribute: exact ones, those of values inside it, then the longest prefix.
fn naming(rows: &[TableRow], name: &str) -> Vec<TableRow> {
    let key_of = |source: &'static str| {
        // `log:EVENT#KEY`, `span:NAME?KEY=VALUE`: the key is the last part; `KEY#PATH`: the first.
        let named = ["log:", "span:"].iter().any(|kind| source.starts_with(kind));
        let rest = if named { source.split_once(['#', '?']).map_or("", |(_, key)| key) } else { source };
        rest.split(['#', '=', '?']).next().unwrap_or(rest)
    };
    let is_of_part = |row: &&TableRow| row.source.starts_with("event:") || row.source.starts_with("name:");
    let exact = rows.iter().filter(|row| !is_of_part(row) && !row.source.ends_with('*') && key_of(row.source) == name);
    let mut found: Vec<TableRow> = exact.copied().collect();
    if found.is_empty() {
        let fits = |row: &&TableRow| row.source.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix));
        found.extend(rows.iter().filter(fits).max_by_key(|row| row.source.len()).copied());
    }
    found
}

/// A record that was normalised.
struct Outcome {
    shape: Shape,
    counts: Counts,
}

impl Outcome {
    fn of(alone: &Data, dialect: Dialect, normalizer: &Normalizer, change: impl FnOnce(&mut RecordMut<'_>)) -> Outcome {
        let mut data = alone.clone();
        change(&mut data.edit(0));
        normalizer.map_custom(&mut data, 0);
        let mut plan = Plan::default();
        let options = normalizer.options_of(dialect).unwrap_or_default();
        normalize(data.record(0), dialect, options, &mut plan);
        plan.apply(&mut data.edit(0));
        let mut shape = Shape::of(data.record(0));
        if let Some(log) = data.record(0).as_log() {
            // What a span gets as events, a log gets as records beside it.
            let mut made = MadeLogs::default();
            made.add(log, &plan);
            shape.events.extend(made.finish().iter().flat_map(|made| made_events(made, log.attrs())));
        }
        Outcome { shape, counts: plan.counts }
    }
}

/// What a record says, in a form that can be compared.
#[derive(Debug, Default)]
struct Shape {
    attrs: BTreeMap<String, String>,
    /// Name and attributes, ids left out.
    events: Vec<(String, String)>,
}

impl Shape {
    fn of(record: RecordRef<'_>) -> Shape {
        let mut shape = Shape::default();
        for (key, value) in record.attrs().iter() {
            shape.attrs.insert(key.name.to_owned(), json(value));
        }
        if let Some(span) = record.as_span() {
            shape.events = span.events().map(|event| (event.name().to_owned(), event_json(event.attrs()))).collect();
        }
        shape
    }

    fn changes_since(&self, before: &Shape) -> Changes {
        let change =
            |key: &str, value: Option<&String>| Change { key: key.to_owned(), value: value.cloned(), sources: Vec::new() };
        let set = self.attrs.iter().filter(|(key, value)| before.attrs.get(*key) != Some(value));
        let mut changes: Vec<Change> = set.map(|(key, value)| change(key, Some(value))).collect();
        let gone = before.attrs.keys().filter(|key| !self.attrs.contains_key(*key));
        changes.extend(gone.map(|key| change(key, None)));
        // Events that were there may have got attributes.
        let events = self.events.iter().enumerate().filter(|(at, event)| before.events.get(*at) != Some(event));
        changes.extend(events.map(|(_, (name, attrs))| change(&format!("{EVENT}{name}"), Some(attrs))));
        changes.into_iter().map(|change| (change, Vec::new())).collect()
    }

    /// Whether a change is not, or not so, to be seen here.
    fn lacks(&self, change: &Change) -> bool {
        if change.key == chaperone_proto::keys::name(keys::CHAPERONE_RECORD_ID) {
            // A digest of the record as received, which any part changes.
            return false;
        }
        match (change.key.strip_prefix(EVENT), &change.value) {
            (Some(name), Some(attrs)) => !self.events.iter().any(|(known, held)| known == name && held == attrs),
            (Some(_), None) => false,
            (None, Some(value)) => self.attrs.get(&change.key) != Some(value),
            // What is gone because it was left out was not removed by the normaliser; who is left out is asked for by name.
            (None, None) => self.attrs.contains_key(&change.key),
        }
    }
}

const EVENT: &str = "event ";

fn json(value: ValueRef<'_>) -> String {
    let mut text = String::new();
    value.write_json(&mut text);
    text
}

/// Log records that were made beside a log, without what they take over from it.
fn made_events(made: &Logs, of: Attrs<'_>) -> Vec<(String, String)> {
    let taken_over = |key: &str, value: ValueRef<'_>| of.get_named(key).is_some_and(|own| json(own) == json(value));
    made.logs().map(|log| (log.event_name().to_owned(), attrs_json(log.attrs(), taken_over))).collect()
}

fn event_json(attrs: Attrs<'_>) -> String {
    attrs_json(attrs, |_, _| false)
}

/// Attributes but for ids, which are digests, and those that are hidden.
fn attrs_json(attrs: Attrs<'_>, is_hidden: impl Fn(&str, ValueRef<'_>) -> bool) -> String {
    let ids = [keys::CHAPERONE_DECISION_ID, keys::CHAPERONE_RECORD_ID].map(chaperone_proto::keys::name);
    let pairs = attrs.iter().filter(|(key, value)| !ids.contains(&key.name) && !is_hidden(key.name, *value));
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{}:{}", json(ValueRef::Str(key.name)), json(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Changes that no part gave alone: others would give the same. Parts are left out one after another as long as the change stays,
/// those of least rank first; what cannot be spared is where it came from.
fn by_spare(alone: &Data, dialect: Dialect, normalizer: &Normalizer, known: &[Group], unknown: &[String], changes: &mut Changes) {
    let is_span = alone.record(0).as_span().is_some();
    let order: Vec<TableRow> = rows_of(dialect);
    for (change, sources) in changes.iter_mut().filter(|(_, sources)| sources.is_empty()) {
        let mut known: Vec<&Group> = known.iter().collect();
        known.sort_by_key(|group| std::cmp::Reverse(group.rank(change, &order)));
        let groups = known.into_iter().map(Candidate::Attributes);
        let others = unknown.iter().map(|name| Candidate::Unknown(name));
        let parts = PARTS.iter().filter(|part| part.of_span.is_none_or(|of_span| of_span == is_span)).map(Candidate::Part);
        let mut spared: Vec<Candidate<'_>> = Vec::new();
        for candidate in others.chain(parts).chain(groups) {
            spared.push(candidate);
            let without = Outcome::of(alone, dialect, normalizer, |record| spared.iter().for_each(|spared| spared.clear(record)));
            if without.shape.lacks(change) {
                spared.pop();
                sources.push(candidate.source(change));
            }
        }
        if sources.is_empty() {
            let is_digest = change.key == chaperone_proto::keys::name(keys::CHAPERONE_RECORD_ID);
            let name = if is_digest { "(all of the record)" } else { "(dialect)" };
            sources.push(Source { name: name.to_owned(), count: 1, row: None });
        }
    }
}

/// What may be left out of a record.
#[derive(Clone, Copy)]
enum Candidate<'a> {
    Attributes(&'a Group),
    Unknown(&'a str),
    Part(&'static Part),
}

impl Candidate<'_> {
    fn clear(&self, record: &mut RecordMut<'_>) {
        match self {
            Candidate::Attributes(group) => remove(record, &group.names),
            Candidate::Unknown(name) => {
                record.remove_named(name);
            }
            Candidate::Part(part) => (part.clear)(record),
        }
    }

    fn source(&self, change: &Change) -> Source {
        match self {
            Candidate::Attributes(group) => group.source(change),
            Candidate::Unknown(name) => Source { name: (*name).to_owned(), count: 1, row: None },
            Candidate::Part(part) => Source { name: part.name.to_owned(), count: 1, row: None },
        }
    }
}

/// A part of a record that is no attribute.
struct Part {
    name: &'static str,
    /// Only spans, or only logs, have it.
    of_span: Option<bool>,
    clear: fn(&mut RecordMut<'_>),
}

const PARTS: &[Part] = &[
    Part { name: "(span name)", of_span: Some(true), clear: |record| record.set_name("") },
    Part { name: "(event name)", of_span: Some(false), clear: |record| record.set_event_name("") },
    Part { name: "(body)", of_span: Some(false), clear: |record| record.set_body(ValueRef::Empty) },
    Part { name: "(span events)", of_span: Some(true), clear: |record| record.retain_events(|_| false) },
    Part {
        name: "(status)",
        of_span: Some(true),
        clear: |record| {
            record.set_status_code(0);
            record.set_status_message("");
        },
    },
    Part { name: "(parent)", of_span: Some(true), clear: |record| record.set_parent_span_id(None) },
    Part { name: "(trace id)", of_span: None, clear: |record| record.set_trace_id(None) },
    Part {
        name: "(scope)",
        of_span: None,
        clear: |record| {
            record.set_scope_name("");
            record.set_scope_version("");
        },
    },
    Part {
        name: "(schema)",
        of_span: None,
        clear: |record| {
            record.set_scope_schema_url("");
            record.set_resource_schema_url("");
        },
    },
    Part { name: "(resource)", of_span: None, clear: |record| record.map_resource_attrs(|_, _| chaperone_proto::Edit::Remove) },
];
