//! Metrics that agents export themselves: which metric of the conventions' newest generation each point belongs to.
//!
//! The table is `genai/data/native_metrics.tsv`. What is made of it, over OTLP's own types, stands where metrics are processed.

use crate::dialects::table;
use std::collections::HashMap;
use std::sync::LazyLock;

/// How points become the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The same points under another name.
    Rename,
    /// A histogram of milliseconds, given in seconds.
    Milliseconds,
    /// A counter of tokens: the value, or the histogram's sum.
    Tokens,
}

/// One row: some points of one metric.
#[derive(Debug)]
pub struct Row {
    /// Attribute that a point must have, and the values it may have.
    pub condition: Option<(&'static str, Vec<&'static str>)>,
    /// Name of the metric.
    pub target: &'static str,
    /// What is done with a point.
    pub how: How,
    /// The row does not hold where the resource sends this metric too.
    pub unless: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Table {
    rows: HashMap<&'static str, Vec<Row>>,
    attributes: HashMap<&'static str, &'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut read = Table::default();
    for row in table::rows(include_str!("data/native_metrics.tsv"), 5) {
        let [metric, condition, target, how, unless] = row[..] else { continue };
        if let Some(key) = metric.strip_prefix('@') {
            read.attributes.insert(key, target);
            continue;
        }
        let condition = condition.split_once('=').map(|(key, values)| (key, values.split('|').collect()));
        let how = match how {
            "rename" => How::Rename,
            "ms" => How::Milliseconds,
            "tokens" => How::Tokens,
            other => panic!("invariant: `{other}` in native_metrics.tsv is rename, ms or tokens"),
        };
        let row = Row { condition, target, how, unless: Some(unless).filter(|unless| *unless != "-") };
        read.rows.entry(metric).or_default().push(row);
    }
    read
});

/// The rows of a metric; none for what is not known.
pub fn rows_of(metric: &str) -> &'static [Row] {
    TABLE.rows.get(metric).map_or(&[], Vec::as_slice)
}

/// The canonical spelling of an attribute of a mapped metric's points.
pub fn attribute(key: &str) -> Option<&'static str> {
    TABLE.attributes.get(key).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_may_have_rows_for_some_of_its_points() {
        let rows = rows_of("claude_code.token.usage");
        let input = rows.iter().find(|row| row.target.ends_with("usage.input_tokens")).unwrap();
        assert_eq!(input.condition, Some(("type", vec!["input", "cacheRead", "cacheCreation"])));
        assert!(rows_of("claude_code.cost.usage").is_empty());
        assert_eq!(attribute("agent_framework.function.name"), Some("gen_ai.tool.name"));
    }
}
