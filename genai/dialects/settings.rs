//! How a dialect's records are counted and keyed, from `genai/data/dialect_settings.tsv`.
//!
//! Read once, when first asked for. A dialect without a row gets the row of `generic`.

use super::Dialect;
use chaperone_proto::{RecordRef, ScopeRef};
use std::sync::LazyLock;

/// Settings of one dialect, or of one scope of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Id of the dialect.
    pub dialect: &'static str,
    /// Scope name it holds for; `*` = any.
    pub scope: &'static str,
    /// Which records are calls and may own tokens.
    pub usage_at: Vec<UsageAt>,
    /// Agent spans repeat earlier runs of the object and are never counted.
    pub cumulative: bool,
    /// Attributes with the same value on spans and logs of a run, in order of preference.
    pub run_key: Vec<&'static str>,
    /// Attribute that keys logs without a trace.
    pub log_run_key: Option<&'static str>,
    /// Where a log's event name is read.
    pub event_name: EventNameAt,
    /// What a reported cost is worth.
    pub cost_from: CostFrom,
    /// Whether input tokens include cache reads and writes.
    pub inclusive: Inclusive,
}

/// What is a call and may own tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageAt {
    /// Inference and embedding spans.
    Call,
    /// Agent spans: there is no usage below them on the wire.
    Agent,
    /// Log records with this event name.
    Log(&'static str),
}

/// Where a log's event name is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventNameAt {
    /// The body, if it is text.
    Body,
    /// The attribute `event.name`.
    Attribute,
    /// The EventName field, else the attribute `event.name`.
    Field,
}

/// Who says what a call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostFrom {
    /// A provider or gateway: its figure is the cost.
    Provider,
    /// The SDK's own estimate.
    Local,
    /// Nobody.
    None,
}

/// Whether an emitter's input tokens include cache reads and writes, when the numbers do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inclusive {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// Not for Anthropic and Bedrock, else they do.
    ByProvider,
    /// Only the numbers can tell; else they are taken to.
    Test,
}

impl Settings {
    /// Whether spans of model requests may own tokens.
    pub fn calls_own(&self) -> bool {
        self.usage_at.contains(&UsageAt::Call)
    }
    /// Whether agent spans may own tokens.
    pub fn agents_own(&self) -> bool {
        self.usage_at.contains(&UsageAt::Agent)
    }
    /// Whether log records with this event name may own tokens.
    pub fn log_owns(&self, event_name: &str) -> bool {
        self.usage_at.iter().any(|at| matches!(at, UsageAt::Log(name) if *name == event_name))
    }
}

static ROWS: LazyLock<Vec<Settings>> = LazyLock::new(|| {
    let rows = super::table::rows(include_str!("../data/dialect_settings.tsv"), 9);
    rows.map(|row| read(&row)).collect()
});

fn read(row: &[&'static str]) -> Settings {
    let [dialect, scope, usage_at, cumulative, run_key, log_run_key, event_name, cost_from, inclusive] = row else {
        panic!("invariant: rows of dialect_settings.tsv have nine columns");
    };
    Settings {
        dialect,
        scope,
        usage_at: usage_at.split(',').filter_map(read_usage_at).collect(),
        cumulative: *cumulative == "yes",
        run_key: run_key.split(';').filter(|key| *key != "-").collect(),
        log_run_key: Some(*log_run_key).filter(|key| *key != "-"),
        event_name: match *event_name {
            "body" => EventNameAt::Body,
            "attr" => EventNameAt::Attribute,
            _ => EventNameAt::Field,
        },
        cost_from: match *cost_from {
            "provider" => CostFrom::Provider,
            "local" => CostFrom::Local,
            _ => CostFrom::None,
        },
        inclusive: match *inclusive {
            "yes" => Inclusive::Yes,
            "no" => Inclusive::No,
            "by-provider" => Inclusive::ByProvider,
            _ => Inclusive::Test,
        },
    }
}

fn read_usage_at(word: &'static str) -> Option<UsageAt> {
    match word {
        "call" => Some(UsageAt::Call),
        "agent" => Some(UsageAt::Agent),
        _ => word.strip_prefix("log:").map(UsageAt::Log),
    }
}

/// The same by dialect, which is faster: most dialects have one row, whatever the scope.
pub(crate) fn settings_of(dialect: Dialect, scope: ScopeRef<'_>) -> &'static Settings {
    static ONLY: LazyLock<Vec<Option<&'static Settings>>> = LazyLock::new(|| {
        let only = |dialect: Dialect| {
            let mut rows = ROWS.iter().filter(|row| row.dialect == dialect.id());
            rows.next().filter(|row| row.scope == "*" && rows.next().is_none())
        };
        Dialect::all().map(only).collect()
    });
    let only = ONLY.get(dialect.index()).copied().flatten();
    only.unwrap_or_else(|| settings(dialect.id(), scope.name()))
}

/// The settings of a dialect's records of this scope: the row with the longest scope pattern that fits.
pub fn settings(dialect: &str, scope: &str) -> &'static Settings {
    let fitting = |dialect: &str| {
        let rows = ROWS.iter().filter(|row| row.dialect == dialect && (row.scope == "*" || row.scope == scope));
        rows.max_by_key(|row| row.scope.len())
    };
    fitting(dialect).or_else(|| fitting("generic")).expect("invariant: dialect_settings.tsv has a row `generic *`")
}

/// Settings of the records of one batch: looked up when the scope or the dialect changes.
#[derive(Debug, Default)]
pub struct SettingsMemo {
    last: Option<(usize, String, &'static Settings)>,
}

impl SettingsMemo {
    /// The settings of a record that the normaliser recognised; those of `generic` for any other.
    pub fn of(&mut self, record: RecordRef<'_>) -> &'static Settings {
        let dialect = crate::record::dialect(record).unwrap_or("");
        let scope = record.scope();
        if let Some((at, known, settings)) = &self.last
            && *at == scope.index()
            && known == dialect
        {
            return settings;
        }
        let found = settings(dialect, scope.name());
        self.last = Some((scope.index(), dialect.to_owned(), found));
        found
    }
}
