//! A rule file, typed. Everything the format knows is kept, also what is not evaluated yet.

use super::{Expression, Template};
use crate::detect::Severity;
use std::time::Duration;

/// Words of `category`.
pub const CATEGORIES: [&str; 6] = ["cost", "security", "performance", "anomaly", "multi_agent", "compliance"];
/// Names that `by` takes: parts of a finding's key.
pub const KEYS: [&str; 7] = ["tenant", "agent", "session", "conversation", "run", "trace", "tool"];
/// Words of `agg`.
pub const AGGREGATES: [&str; 19] = [
    "count", "sum", "avg", "min", "max", "rate", "increase", "p50", "p90", "p95", "p99", "distinct", "ratio", "stddev", "ewma",
    "first", "last", "topk", "mad",
];

/// Rules that are evaluated together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name, unique in a file.
    pub name: String,
    /// How often rules are evaluated when nothing new comes.
    pub interval: Duration,
    /// Rules in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Id, unique over all files.
    pub id: String,
    /// One of [`CATEGORIES`].
    pub category: String,
    /// Severity of its alerts.
    pub severity: Severity,
    /// One alert a combination of these keys; empty = one alert a tenant.
    pub by: Vec<String>,
    /// Named aggregates, in order.
    pub lets: Vec<(String, Let)>,
    /// The condition.
    pub when: Expression,
    /// How long the condition must hold before the alert fires.
    pub for_: Duration,
    /// How long the alert stays when the condition no longer holds.
    pub keep_firing_for: Duration,
    /// What to do when the condition cannot be decided.
    pub no_data: NoData,
    /// Tags of its alerts, and of the runs they are about.
    pub tags: Vec<String>,
    /// Becomes the annotation `summary`.
    pub message: Template,
    /// Becomes the annotation `description`.
    pub description: Option<Template>,
    /// Name or address of what to do about it.
    pub runbook: String,
    /// Files that test it.
    pub tests: Vec<TestFile>,
    /// Whether its alerts are told.
    pub enabled: Enabled,
}

/// Whether a rule is evaluated and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enabled {
    /// Yes.
    #[default]
    Yes,
    /// Not evaluated.
    No,
    /// Evaluated and counted, but nobody is told.
    Shadow,
}

/// What an undecided condition does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoData {
    /// The alert stays as it is.
    #[default]
    Hold,
    /// The condition counts as false.
    Resolve,
    /// The condition counts as true.
    Fire,
}

/// A named aggregate over a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Let {
    /// How values are put together.
    pub aggregate: Aggregate,
    /// What is aggregated: an attribute or another name; empty for `count`.
    pub of: String,
    /// Length of the window.
    pub over: Option<Duration>,
    /// Keys of its own; empty = the rule's.
    pub by: Vec<String>,
    /// Condition on what goes in.
    pub where_: String,
    /// Half-life of `ewma`.
    pub half_life: Option<Duration>,
    /// Values needed before it says anything.
    pub min_n: Option<u64>,
}

/// Word of [`AGGREGATES`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aggregate(pub String);

/// A file with tests of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFile {
    /// Path beside the rule file.
    pub file: String,
}
