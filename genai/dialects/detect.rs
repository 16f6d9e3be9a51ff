//! Which dialect a record speaks: the scope decides; only where no row's scope fits, markers do.
//!
//! Markers never overrule a scope, because marker keys travel (OpenInference keys on other emitters' spans).
//! Resource attributes never decide: an application's HTTP spans share the resource of its model calls.
//! The scope pass is done once a scope ([`ScopeVerdict`]); records of other telemetry cost one look at each key's first byte.

use super::conditions::Condition;
use super::pattern::{Pattern, PatternIndex, Starts};
use super::table;
use crate::keys;
use chaperone_proto::{Key, RecordRef, ScopeRef};
use std::sync::LazyLock;

/// Id of a dialect: a row of `genai/data/detection.tsv`. Rows are ordered by precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dialect(u8);

impl Dialect {
    /// `openinference`, `otel-genai`, ...
    pub fn id(self) -> &'static str {
        TABLE.rows.get(usize::from(self.0)).map_or("", |row| row.id)
    }
    /// The dialect with this id.
    pub fn by_id(id: &str) -> Option<Dialect> {
        TABLE.rows.iter().position(|row| row.id == id).map(|at| Dialect(at as u8))
    }
    /// All dialects, by precedence.
    pub fn all() -> impl Iterator<Item = Dialect> {
        (0..TABLE.rows.len()).map(|at| Dialect(at as u8))
    }
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

struct Row {
    id: &'static str,
    scopes: Vec<ScopePattern>,
    needs: Vec<Condition>,
    /// Those of `needs` that are about attributes.
    needed_keys: PatternIndex<Condition>,
    /// Its cells as they stand in the table.
    text: RowText,
}

/// Scopes, needs and markers of a row, separated by blanks.
#[derive(Clone, Copy)]
struct RowText {
    scopes: &'static str,
    needs: &'static str,
    markers: &'static str,
}

enum ScopePattern {
    Name(Pattern),
    Library { prefix: &'static str, beta: bool },
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    libraries: Vec<&'static str>,
    attributes: PatternIndex<(u8, Condition)>,
    span_names: PatternIndex<(u8, Condition)>,
    events: PatternIndex<(u8, Condition)>,
    bodies: PatternIndex<(u8, Condition)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    table.libraries = table::rows(include_str!("../data/libraries.tsv"), 1).filter_map(|row| row.first().copied()).collect();
    for row in table::rows(include_str!("../data/detection.tsv"), 4) {
        let [id, scopes, needs, markers] = row[..] else { continue };
        let text = RowText { scopes, needs, markers };
        let at = table.rows.len() as u8;
        let scopes = scopes.split_whitespace().map(scope_pattern).collect();
        let needs: Vec<Condition> = needs.split_whitespace().map(Condition::parse).collect();
        let mut needed_keys = PatternIndex::default();
        for need in needs.iter().filter(|need| need.is_of_attribute()) {
            needed_keys.insert(need.pattern().clone(), need.clone());
        }
        table.rows.push(Row { id, scopes, needs, needed_keys, text });
        for marker in markers.split_whitespace().map(Condition::parse) {
            let index = match &marker {
                Condition::SpanName(_) => &mut table.span_names,
                Condition::Event(_) => &mut table.events,
                Condition::Body(_) => &mut table.bodies,
                Condition::Attribute { .. } | Condition::Both(..) => &mut table.attributes,
            };
            index.insert(marker.pattern().clone(), (at, marker));
        }
    }
    table
});

fn scope_pattern(text: &'static str) -> ScopePattern {
    match text.split_once("<lib>@") {
        Some((prefix, versions)) => ScopePattern::Library { prefix, beta: versions == "beta" },
        None => ScopePattern::Name(Pattern::parse(text)),
    }
}

impl ScopePattern {
    fn fits(&self, name: &str, version: &str, libraries: &[&str]) -> bool {
        match self {
            ScopePattern::Name(pattern) => pattern.fits(name),
            ScopePattern::Library { prefix, beta } => {
                let library = name.strip_prefix(prefix).map(|rest| rest.split('.').next().unwrap_or(rest));
                library.is_some_and(|library| libraries.contains(&library)) && is_beta(version) == *beta
            }
        }
    }
}

/// Contrib's packages carry versions ending in `bN` or none; OpenLLMetry's are `n.n.n`.
fn is_beta(version: &str) -> bool {
    let number = version.trim_end_matches(|c: char| c.is_ascii_digit());
    version.is_empty() || number.ends_with('b')
}

/// What the scope alone says: the dialects it may be, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeVerdict {
    /// Rows whose scope fits; all but the last have a further condition.
    fitting: Vec<Dialect>,
}

impl ScopeVerdict {
    /// Looks at a scope's name and version.
    pub fn of(scope: ScopeRef<'_>) -> ScopeVerdict {
        ScopeVerdict::of_name(scope.name(), scope.version())
    }
    /// The same by name and version.
    pub fn of_name(name: &str, version: &str) -> ScopeVerdict {
        let mut verdict = ScopeVerdict::default();
        for (at, row) in TABLE.rows.iter().enumerate() {
            if row.scopes.iter().any(|scope| scope.fits(name, version, &TABLE.libraries)) {
                verdict.fitting.push(Dialect(at as u8));
                if row.needs.is_empty() {
                    break;
                }
            }
        }
        verdict
    }
}

/// The record's dialect, or `None` if it is no GenAI record. A record that was named before keeps its name.
pub fn detect(record: RecordRef<'_>, scope: &ScopeVerdict) -> Option<Dialect> {
    if let Some(named) = record.attrs().str(keys::CHAPERONE_DIALECT_NAME).and_then(Dialect::by_id) {
        return Some(named);
    }
    let by_scope = scope
        .fitting
        .iter()
        .copied()
        .find(|dialect| TABLE.rows.get(dialect.index()).is_some_and(|row| row.needs.is_empty() || has_needed(row, record)));
    by_scope.or_else(|| by_markers(record))
}

fn has_needed(row: &Row, record: RecordRef<'_>) -> bool {
    let mut others = row.needs.iter().filter(|need| !need.is_of_attribute());
    let fits = |key: Key<'_>| row.needed_keys.fitting(key.name).any(|need| need.holds_at(record, key));
    others.any(|need| need.holds(record)) || record.attrs().keys().any(fits)
}

/// How markers among attributes begin: most keys of other telemetry begin otherwise.
static STARTS: LazyLock<Starts> = LazyLock::new(|| TABLE.attributes.starts());

/// Which of our own keys are markers.
static BY_ID: LazyLock<Vec<bool>> =
    LazyLock::new(|| keys::ALL.iter().map(|name| TABLE.attributes.fitting(name).next().is_some()).collect());

fn by_markers(record: RecordRef<'_>) -> Option<Dialect> {
    let mut best: Option<u8> = None;
    let (starts, by_id) = (&*STARTS, &*BY_ID);
    for entry in record.attrs().each() {
        match entry.id().and_then(|id| by_id.get(usize::from(id.0))) {
            Some(false) => continue,
            Some(true) => {}
            None if starts.may_have(entry.key_bytes()) => {}
            None => continue,
        }
        let key = entry.key();
        for (row, condition) in TABLE.attributes.fitting(key.name) {
            if best.is_none_or(|best| *row < best) && condition.holds_at(record, key) {
                best = Some(*row);
            }
        }
    }
    let mut look = |index: &PatternIndex<(u8, Condition)>, name: &str| {
        for (row, _) in index.fitting(name) {
            if best.is_none_or(|best| *row < best) {
                best = Some(*row);
            }
        }
    };
    match record {
        RecordRef::Span(span) => look(&TABLE.span_names, span.name()),
        RecordRef::Log(log) => {
            look(&TABLE.events, log.event_name());
            look(&TABLE.events, log.attrs().str(keys::EVENT_NAME).unwrap_or(""));
            look(&TABLE.bodies, log.body().as_str().unwrap_or(""));
        }
    }
    best.map(Dialect)
}

/// Why a record has its dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It says so: it was normalised before.
    Named,
    /// A row's pattern fits its scope; where the row needs a condition too, this one holds.
    Scope {
        /// Pattern of `detection.tsv`.
        pattern: &'static str,
        /// Condition of `detection.tsv`.
        needs: Option<&'static str>,
    },
    /// No row's scope decides; this marker does.
    Marker(&'static str),
}

/// The record's dialect, as [`detect`] finds it, and why. For whoever asks: it looks at the table twice.
pub fn because(record: RecordRef<'_>, scope: &ScopeVerdict) -> Option<(Dialect, Because)> {
    let dialect = detect(record, scope)?;
    if record.attrs().str(keys::CHAPERONE_DIALECT_NAME).and_then(Dialect::by_id).is_some() {
        return Some((dialect, Because::Named));
    }
    let row = TABLE.rows.get(dialect.index())?;
    let holds = |conditions: &'static str| conditions.split_whitespace().find(|text| Condition::parse(text).holds(record));
    if scope.fitting.contains(&dialect) && (row.needs.is_empty() || has_needed(row, record)) {
        let (name, version) = (record.scope().name(), record.scope().version());
        let fits = |text: &&'static str| scope_pattern(text).fits(name, version, &TABLE.libraries);
        let pattern = row.text.scopes.split_whitespace().find(fits)?;
        return Some((dialect, Because::Scope { pattern, needs: holds(row.text.needs) }));
    }
    holds(row.text.markers).map(|marker| (dialect, Because::Marker(marker)))
}

/// Dialects other than the record's own whose markers it carries too: their keys travel.
pub fn also_present(record: RecordRef<'_>, own: Dialect) -> Vec<(Dialect, &'static str)> {
    let others = Dialect::all().filter(|dialect| *dialect != own);
    let marker = |dialect: Dialect| {
        let mut markers = TABLE.rows.get(dialect.index())?.text.markers.split_whitespace();
        markers.find(|text| Condition::parse(text).holds(record)).map(|marker| (dialect, marker))
    };
    others.filter_map(marker).collect()
}
