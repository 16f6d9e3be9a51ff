//! The mapping table, compiled: what each source key of a dialect means.
//!
//! `genai/data/dialects/` has a table a dialect with one row a source key; rows of `common.tsv` hold for every dialect, a dialect's
//! own rows win over them. Adding a dialect is adding a table, and a [`Transform`] where a table cannot say it.

use super::Dialect;
use super::fast_map::FastMap;
use super::json_paths::{self, PathRows};
use super::named_rows::{NamedRows, RowsOfName};
use super::pattern::{Pattern, PatternIndex};
use super::{frameworks, generation, table};
use crate::keys::{self, Class};
use chaperone_proto::{Entry, KeyId, RecordRef};
use std::sync::LazyLock;

pub(crate) use super::transform::{Holding, Only, Transform, When};

/// Class of a source key; `None` = content if the value is text, else meta.
pub(crate) type SourceClass = Option<Class>;

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) target: Option<KeyId>,
    pub(crate) transform: Transform,
    pub(crate) class: SourceClass,
    /// Of several sources of one target the lowest wins.
    pub(crate) rank: u32,
    /// The source begins here: what follows is the index of an indexed key.
    pub(crate) prefix_len: usize,
    /// Records it holds for; any.
    pub(crate) only: Option<Only>,
}

/// An attribute of a span event that is a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventRule {
    pub(crate) event: &'static str,
    pub(crate) key: &'static str,
    pub(crate) rule: Rule,
}

/// The rows of one dialect, without those of `*`.
#[derive(Debug, Default)]
struct Rules {
    exact: FastMap<Rule>,
    prefixes: PatternIndex<Rule>,
    events: Vec<EventRule>,
    span_names: Vec<(Pattern, Rule)>,
    /// Exact rules of keys with an id, by id.
    by_id: Vec<Option<Rule>>,
    /// Whether a prefix fits the key with this id: most fit none, which need not be found out again.
    prefixed: Vec<bool>,
    named: NamedRows,
    paths: Vec<PathRows>,
}

#[derive(Debug, Default)]
pub(crate) struct Mapping {
    common: Rules,
    own: Vec<Rules>,
    /// Keys of any dialect that hold content, identities or secrets: emitters put them on each other's spans.
    travelling: Classes,
}

#[derive(Debug, Default)]
struct Classes {
    exact: FastMap<SourceClass>,
    prefixes: PatternIndex<SourceClass>,
}

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    keys::install();
    let mut mapping = Mapping {
        common: Rules::default(),
        own: Dialect::all().map(|_| Rules::default()).collect(),
        travelling: Classes::default(),
    };
    let all = table::MAPPINGS.iter().flat_map(|(dialect, text)| table::rows(text, 4).map(move |row| (*dialect, row)));
    for (order, (dialect, row)) in all.enumerate() {
        let [source, target, transform, class] = row[..] else { continue };
        let rules = match Dialect::by_id(dialect) {
            Some(dialect) => mapping.own.get_mut(dialect.index()),
            None => Some(&mut mapping.common),
        };
        let rules = rules.expect("invariant: every dialect has its rules");
        let (transform, only) =
            transform.split_once('@').map_or((transform, None), |(transform, only)| (transform, Some(Only::parse(only))));
        let transform = Transform::parse(transform);
        let rule = Rule {
            target: Some(target).filter(|target| *target != "-").map(chaperone_proto::keys::intern),
            transform,
            class: read_class(class),
            rank: tier(source, transform) * 10_000 + order as u32,
            prefix_len: source.trim_end_matches('*').len(),
            only,
        };
        rules.insert(source, rule);
        mapping.travelling.insert_private(source, rule.class);
    }
    mapping.own.iter_mut().chain([&mut mapping.common]).for_each(Rules::finish);
    mapping
});

fn read_class(text: &str) -> SourceClass {
    match text {
        "meta" => Some(Class::Meta),
        "identity" => Some(Class::Identity),
        "content" => Some(Class::Content),
        "secret" => Some(Class::Secret),
        _ => None,
    }
}

/// Conventions' own keys before native typed ones, those before blobs, those before span events.
fn tier(source: &str, transform: Transform) -> u32 {
    match transform {
        _ if source.starts_with("event:") => 4,
        Transform::BlobInput | Transform::BlobOutput => 3,
        _ if keys::is_convention(source) => 1,
        _ => 2,
    }
}

impl Classes {
    fn insert(&mut self, source: &'static str, class: SourceClass) {
        if source.ends_with('*') {
            self.prefixes.insert(Pattern::parse(source), class);
        } else {
            self.exact.insert(source, class);
        }
    }
    /// Keeps what is not metadata. Keys of the conventions have rows of their own for every dialect.
    fn insert_private(&mut self, source: &'static str, class: SourceClass) {
        if class != Some(Class::Meta) && !keys::is_convention(source) && !source.contains([':', '#', '?']) {
            self.insert(source, class);
        }
    }
    fn find(&self, name: &str) -> Option<SourceClass> {
        self.exact.get(name).or_else(|| self.prefixes.fitting(name).next()).copied()
    }
}

impl Rules {
    fn insert(&mut self, source: &'static str, rule: Rule) {
        if self.named.insert(source, rule) {
            return;
        }
        if let Some((key, path)) = json_paths::split(source) {
            json_paths::insert(&mut self.paths, key, path, rule);
            // What is taken out of a value stays in it.
            if !self.exact.contains_key(key) {
                self.insert(key, Rule { target: None, transform: Transform::Keep, only: None, ..rule });
            }
            return;
        }
        if let Some((event, key)) = source.strip_prefix("event:").and_then(|rest| rest.split_once('#')) {
            self.events.push(EventRule { event, key, rule });
        } else if let Some(name) = source.strip_prefix("name:") {
            self.span_names.push((Pattern::parse(name), rule));
        } else if source.ends_with('*') {
            self.prefixes.insert(Pattern::parse(source), rule);
        } else {
            let id = usize::from(chaperone_proto::keys::intern(source).0);
            if self.by_id.len() <= id {
                self.by_id.resize(id + 1, None);
            }
            if let Some(slot) = self.by_id.get_mut(id) {
                *slot = Some(rule);
            }
            self.exact.insert(source, rule);
        }
    }
    fn find(&self, id: Option<KeyId>, name: &str) -> Option<&Rule> {
        let by_id = id.and_then(|id| self.by_id.get(usize::from(id.0)).and_then(Option::as_ref));
        // A key that code names and this table does not is no exact source; one without an id may have been indexed before
        // the table was read.
        let exact = by_id.or_else(|| if id.is_none() { self.exact.get(name) } else { None });
        let may_fit = || id.is_none_or(|id| self.prefixed.get(usize::from(id.0)) != Some(&false));
        exact.or_else(|| if may_fit() { self.prefixes.fitting(name).next() } else { None })
    }
    /// When all rows are in: which of our keys a prefix fits.
    fn finish(&mut self) {
        self.prefixed = keys::ALL.iter().map(|name| self.prefixes.fitting(name).next().is_some()).collect();
    }
}

/// What a key with an id is to a dialect: looked up once for all records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) rule: Option<&'static Rule>,
    /// The row only says that the key stays: nobody asks for its value, which may be long.
    pub(crate) is_kept: bool,
    /// The key may tell the framework.
    pub(crate) tells: bool,
    /// The key counts usage by modality.
    pub(crate) is_modality: bool,
}

impl Slot {
    fn of(dialect: Dialect, id: Option<KeyId>, name: &str) -> Slot {
        let rule = Mapping::get().find(dialect, id, name);
        let is_kept =
            rule.is_some_and(|rule| rule.only.is_none() && matches!(rule.transform, Transform::Keep | Transform::Check));
        Slot { rule, is_kept, tells: frameworks::may_tell(id), is_modality: generation::is_modality_usage(name) }
    }
}

/// What the keys of a dialect's records are to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots {
    dialect: Dialect,
    by_id: &'static [Slot],
}

impl Slots {
    pub(crate) fn of(dialect: Dialect) -> Slots {
        static SLOTS: LazyLock<Vec<Vec<Slot>>> = LazyLock::new(|| {
            let rules = MAPPING.own.iter().chain([&MAPPING.common]);
            let ids = rules.map(|rules| rules.by_id.len()).chain([keys::ALL.len()]).max().unwrap_or(0);
            let slot = |dialect, id| Slot::of(dialect, Some(KeyId(id)), chaperone_proto::keys::name(KeyId(id)));
            Dialect::all().map(|dialect| (0..ids as u16).map(|id| slot(dialect, id)).collect()).collect()
        });
        Slots { dialect, by_id: SLOTS.get(dialect.index()).map_or(&[], Vec::as_slice) }
    }
    #[inline]
    pub(crate) fn get(self, entry: Entry<'_>) -> Slot {
        match entry.id().and_then(|id| self.by_id.get(usize::from(id.0))) {
            Some(slot) => *slot,
            None => Slot::of(self.dialect, entry.id(), entry.key().name),
        }
    }
}

impl Mapping {
    pub(crate) fn get() -> &'static Mapping {
        &MAPPING
    }
    /// The row for a key of a dialect's record: the dialect's own exact or longest-named row, else that of every dialect.
    pub(crate) fn find(&self, dialect: Dialect, id: Option<KeyId>, name: &str) -> Option<&Rule> {
        let own = self.own.get(dialect.index()).and_then(|rules| rules.find(id, name));
        own.or_else(|| self.common.find(id, name))
    }
    /// The class of a key of a dialect's record, if a table knows the key: the outer option.
    pub(crate) fn class(&self, dialect: Dialect, id: Option<KeyId>, name: &str) -> Option<SourceClass> {
        let own = self.own.get(dialect.index()).and_then(|rules| rules.find(id, name)).map(|rule| rule.class);
        let common = || self.common.find(id, name).map(|rule| rule.class);
        own.or_else(common).or_else(|| self.travelling.find(name))
    }
    pub(crate) fn events(&self, dialect: Dialect) -> impl Iterator<Item = &EventRule> {
        self.own.get(dialect.index()).into_iter().chain([&self.common]).flat_map(|rules| &rules.events)
    }
    /// Rows that take values out of JSON: the dialect's own, then those of every dialect.
    pub(crate) fn paths(&self, dialect: Dialect) -> impl Iterator<Item = &PathRows> {
        self.own.get(dialect.index()).into_iter().chain([&self.common]).flat_map(|rules| &rules.paths)
    }
    /// The dialect's rows for records of this one's name, and the name.
    pub(crate) fn named<'a>(&self, dialect: Dialect, record: RecordRef<'a>) -> Option<(&RowsOfName, &'a str)> {
        self.own.get(dialect.index())?.named.of(record, dialect)
    }
    pub(crate) fn span_name(&self, dialect: Dialect, name: &str) -> Option<&Rule> {
        let names = self.own.get(dialect.index()).map_or(&[][..], |rules| rules.span_names.as_slice());
        names.iter().find(|(pattern, _)| pattern.fits(name)).map(|(_, rule)| rule)
    }
}
