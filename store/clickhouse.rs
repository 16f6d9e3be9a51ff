//! The tables in ClickHouse: statements that create them, from the files beside this one.
//!
//! `otel_traces` and its look-up have the names, columns and types of the Collector's own exporter, so that what reads those
//! tables reads ours. Tables that exist are left as they are: the exporter writes the columns they have.
//! The surprise: every table keeps a window of deduplication tokens, without which a repeated batch would be stored twice.

use std::time::Duration;

/// What the statements are filled in with.
#[derive(Debug, Clone)]
pub struct Names<'a> {
    /// Database.
    pub database: &'a str,
    /// Table of spans; the look-up is named after it.
    pub traces_table: &'a str,
    /// How long rows are kept; zero = for ever.
    pub ttl: Duration,
}

const TABLES: &[&str] = &[
    include_str!("schema/clickhouse/otel_traces.sql"),
    include_str!("schema/clickhouse/otel_traces_trace_id_ts.sql"),
    include_str!("schema/clickhouse/otel_traces_trace_id_ts_mv.sql"),
    include_str!("schema/clickhouse/agent_llm_calls.sql"),
];

/// `CREATE DATABASE`.
pub fn create_database(names: &Names<'_>) -> String {
    format!("CREATE DATABASE IF NOT EXISTS {}", quoted(names.database))
}

/// `CREATE TABLE` and `CREATE MATERIALIZED VIEW`, in an order that works.
pub fn create_tables(names: &Names<'_>) -> Vec<String> {
    TABLES.iter().map(|template| fill(template, names)).collect()
}

/// A name as an identifier.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Replaces `{db}`, `{table}`, `{table:_suffix}` and `{ttl:<time>}`.
fn fill(template: &str, names: &Names<'_>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        let (what, after) = from.split_once('}').expect("invariant: the files close what they open");
        out.push_str(before);
        match what.split_once(':').unwrap_or((what, "")) {
            ("db", _) => out.push_str(&quoted(names.database)),
            ("table", suffix) => out.push_str(&quoted(&format!("{}{suffix}", names.traces_table))),
            ("ttl", time) if !names.ttl.is_zero() => out.push_str(&format!("TTL {time} + {}", interval(names.ttl))),
            ("ttl", _) => {}
            (other, _) => unreachable!("invariant: the files name no `{other}`"),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The largest unit that expresses it without a fraction, as the Collector writes it.
fn interval(ttl: Duration) -> String {
    let seconds = ttl.as_secs().max(1);
    for (unit, length) in [("Day", 86_400), ("Hour", 3_600), ("Minute", 60)] {
        if seconds.is_multiple_of(length) {
            return format!("toInterval{unit}({})", seconds / length);
        }
    }
    format!("toIntervalSecond({seconds})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ttl_s: u64) -> Names<'static> {
        Names { database: "otel", traces_table: "otel_traces", ttl: Duration::from_secs(ttl_s) }
    }

    #[test]
    fn no_ttl_means_no_clause() {
        assert!(create_tables(&names(0)).iter().all(|sql| !sql.contains("TTL")));
    }

    #[test]
    fn a_ttl_is_written_in_its_largest_whole_unit() {
        for (seconds, expected) in [
            (720 * 3600, "toIntervalDay(30)"),
            (730 * 3600, "toIntervalHour(730)"),
            (90 * 60, "toIntervalMinute(90)"),
            (45, "toIntervalSecond(45)"),
        ] {
            assert_eq!(interval(Duration::from_secs(seconds)), expected);
        }
        let spans = &create_tables(&names(720 * 3600))[0];
        assert!(spans.contains("TTL toDateTime(Timestamp) + toIntervalDay(30)\n"), "{spans}");
    }

    #[test]
    fn the_look_up_is_named_after_the_table_of_spans() {
        let names = Names { traces_table: "spans`x", ..names(0) };
        let view = &create_tables(&names)[2];
        assert!(view.contains("`otel`.`spans\\`x_trace_id_ts_mv`"), "{view}");
        assert!(view.contains("FROM `otel`.`spans\\`x`\n"), "{view}");
    }
}
