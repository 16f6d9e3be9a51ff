//! `genai/data/decisions.tsv`, compiled: which records report a decision, and where each part of it stands.
//!
//! `genai/data/decision_words.tsv` maps emitters' words to ours.
//! The rows of a dialect are tried in order on each of its records; every row that fits makes one event.

use super::super::plan::Plan;
use super::super::{Dialect, table};
use super::fields::{Field, Words};
use crate::{event_names, keys};
use chaperone_proto::{KeyId, RecordRef, Value, ValueRef};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A pattern of a text: a star at the start or the end stands for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glob {
    middle: &'static str,
    open_start: bool,
    open_end: bool,
}

impl Glob {
    pub(super) fn parse(text: &'static str) -> Glob {
        let (open_start, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
        let (open_end, middle) = rest.strip_suffix('*').map_or((false, rest), |middle| (true, middle));
        Glob { middle, open_start, open_end }
    }
    pub(super) fn fits(self, text: &str) -> bool {
        match (self.open_start, self.open_end) {
            (false, false) => text == self.middle,
            (false, true) => text.starts_with(self.middle),
            (true, false) => text.ends_with(self.middle),
            (true, true) => text.contains(self.middle),
        }
    }
}

/// What makes a row fit.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// A key, and what its text is like.
    Attr(KeyId, Option<Glob>),
    /// A key that must not be there.
    NoAttr(KeyId),
    /// A log's event name.
    Log(Glob),
    /// A span's name.
    Span(Glob),
    /// A span event's name: one event is made of each.
    SpanEvent(Glob),
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    when: Vec<When>,
    /// Bits of the keys that must be there.
    needs: u128,
    /// Name of the event it makes.
    pub(super) event: &'static str,
    pub(super) fields: Vec<Field>,
    /// The span events it is about, if it is about span events.
    pub(super) of_events: Option<Glob>,
}

impl Row {
    /// Whether a record that may have keys of these bits may be one of the row's.
    pub(super) fn may_fit(&self, bits: u128) -> bool {
        self.needs & !bits == 0
    }
    /// Whether the record is one of the row's. `name`: the event name of a log.
    pub(super) fn fits(&self, record: RecordRef<'_>, name: &str, plan: &Plan) -> bool {
        self.when.iter().all(|when| match when {
            When::Attr(key, wanted) => match record.attrs().get(*key) {
                Some(value) => is_like(value, *wanted),
                None => plan.planned(*key).is_some_and(|value| is_planned_like(value, *wanted)),
            },
            When::NoAttr(key) => !record.attrs().has(*key),
            When::Log(glob) => record.as_log().is_some() && glob.fits(name),
            When::Span(glob) => record.as_span().is_some_and(|span| glob.fits(span.name())),
            When::SpanEvent(_) => record.as_span().is_some(),
        })
    }
}

/// The same for what the record will say.
fn is_planned_like(value: &Value, wanted: Option<Glob>) -> bool {
    match (wanted, value) {
        (None, _) => true,
        (Some(glob), Value::Str(text)) => glob.fits(text),
        (Some(glob), Value::Bool(yes)) => glob.fits(if *yes { "true" } else { "false" }),
        (Some(_), _) => false,
    }
}

fn is_like(value: ValueRef<'_>, wanted: Option<Glob>) -> bool {
    match (wanted, value) {
        (None, ValueRef::Empty) => false,
        (None, ValueRef::Str(text)) => !super::super::words::is_redacted(text),
        (None, _) => true,
        (Some(glob), ValueRef::Str(text)) => glob.fits(text),
        (Some(glob), ValueRef::Bool(_) | ValueRef::Int(_)) => glob.fits(&crate::record::plain_json(value)),
        (Some(_), _) => false,
    }
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    common: Vec<Row>,
    own: Vec<Vec<Row>>,
}

impl Rows {
    pub(super) fn get() -> &'static Rows {
        &ROWS
    }
    /// The rows of a dialect, and those of every dialect.
    pub(super) fn of(&self, dialect: Dialect) -> impl Iterator<Item = &Row> {
        self.own.get(dialect.index()).into_iter().flatten().chain(&self.common)
    }
}

static WORDS: LazyLock<HashMap<&'static str, Vec<(Glob, &'static str)>>> = LazyLock::new(|| {
    let mut maps: HashMap<&'static str, Vec<(Glob, &'static str)>> = HashMap::new();
    for row in table::rows(include_str!("../../data/decision_words.tsv"), 3) {
        let [map, native, canonical] = row[..] else { continue };
        maps.entry(map).or_default().push((Glob::parse(native), canonical));
    }
    maps
});

/// The words of a map.
pub(super) fn words(map: &str) -> Words {
    WORDS.get(map).unwrap_or_else(|| panic!("invariant: decision_words.tsv has a map `{map}`"))
}

static ROWS: LazyLock<Rows> = LazyLock::new(|| {
    keys::install();
    let mut rows = Rows { common: Vec::new(), own: Dialect::all().map(|_| Vec::new()).collect() };
    for row in table::rows(include_str!("../../data/decisions.tsv"), 4) {
        let [dialect, when, event, fields] = row[..] else { continue };
        let list = match dialect {
            "*" => &mut rows.common,
            id => Dialect::by_id(id)
                .and_then(|dialect| rows.own.get_mut(dialect.index()))
                .unwrap_or_else(|| panic!("invariant: `{id}` of decisions.tsv is a dialect")),
        };
        list.push(parse(when, event, fields));
    }
    rows
});

fn parse(when: &'static str, event: &'static str, fields: &'static str) -> Row {
    let when: Vec<When> = when.split_whitespace().map(condition).collect();
    let of_events = when.iter().find_map(|when| match when {
        When::SpanEvent(glob) => Some(*glob),
        _ => None,
    });
    let event = match event {
        "decision" => event_names::DECISION,
        "approval" => event_names::APPROVAL,
        "signal" => event_names::QUALITY_SIGNAL,
        "evaluation" => event_names::EVALUATION_RESULT,
        other => panic!("invariant: `{other}` of decisions.tsv is a kind of event"),
    };
    let needs = when.iter().fold(0, |bits, when| match when {
        When::Attr(key, _) => bits | key.bit(),
        _ => bits,
    });
    Row { when, needs, event, fields: fields.split_whitespace().map(Field::parse).collect(), of_events }
}

fn condition(text: &'static str) -> When {
    let (kind, rest) = text.split_once(':').expect("invariant: conditions of decisions.tsv have a kind");
    let key = chaperone_proto::keys::intern;
    match kind {
        "log" => When::Log(Glob::parse(rest)),
        "span" => When::Span(Glob::parse(rest)),
        "event" => When::SpanEvent(Glob::parse(rest)),
        "!attr" => When::NoAttr(key(rest)),
        "attr" => match rest.split_once('=') {
            Some((name, value)) => When::Attr(key(name), Some(Glob::parse(value))),
            None => When::Attr(key(rest), None),
        },
        other => panic!("invariant: `{other}` is a kind of condition"),
    }
}
