//! The tables in SQLite: migrations, and the one statement that stores a row of each.
//!
//! The file's `user_version` is the number of migrations that ran. A migration that was released is never edited.
//! Storing a row twice is storing it once: every table has a key, and what replaces what is said here.

use crate::cell::{Cell, Row};

/// Migrations in order; the version of a file is how many of them it has seen.
pub const MIGRATIONS: &[&str] = &[include_str!("schema/sqlite/001_tables.sql"), include_str!("schema/sqlite/002_views.sql")];

struct Table {
    name: &'static str,
    key: &'static str,
    /// When a row replaces the one that is there; `new` is the row that comes, `old` the one that is stored.
    replaces: &'static str,
}

const TABLES: &[Table] = &[
    Table { name: "runs", key: "tenant, run_id", replaces: "excluded.version >= runs.version" },
    // The first copy stays: it is the one that was counted. A first copy that comes after its resent one takes the place.
    Table { name: "llm_calls", key: "record_id", replaces: "excluded.resent <= llm_calls.resent" },
    Table { name: "tool_calls", key: "record_id, source, call_id", replaces: "excluded.resent <= tool_calls.resent" },
    Table { name: "findings", key: "tenant, finding_id", replaces: "excluded.count >= findings.count" },
    Table { name: "alerts", key: "tenant, idempotency_key", replaces: "true" },
    Table { name: "notifications", key: "record_id", replaces: "true" },
];

/// `INSERT ... ON CONFLICT` for a row type; one parameter a column, in the order of `Row::COLUMNS`.
pub fn upsert<R: Row>() -> String {
    let table = TABLES.iter().find(|table| table.name == R::SQLITE_TABLE).expect("invariant: every row type has a table");
    let each = |write: &dyn Fn(&str) -> String| R::COLUMNS.iter().map(|c| write(c.sqlite)).collect::<Vec<_>>().join(", ");
    let names = each(&|name| format!("\"{name}\""));
    let values = each(&|_| "?".to_owned());
    let sets = each(&|name| format!("\"{name}\" = excluded.\"{name}\""));
    let Table { name, key, replaces } = table;
    format!("INSERT INTO {name} ({names}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {sets} WHERE {replaces}")
}

/// A cell as SQLite keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored<'r> {
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT that is at hand.
    Text(&'r str),
    /// TEXT that was made.
    Made(String),
}

/// Converts a cell. Numbers over the range of SQLite's integers stay at its end.
pub fn stored(cell: Cell<'_>) -> Stored<'_> {
    match cell {
        Cell::Text(text) | Cell::Json(text) => Stored::Text(text),
        Cell::Uint(number) | Cell::Time(number) => Stored::Integer(i64::try_from(number).unwrap_or(i64::MAX)),
        Cell::Bool(yes) => Stored::Integer(i64::from(yes)),
        Cell::Money(amount) => Stored::Real(amount as f64 / 1e12),
        // NaN would be stored as NULL, which the columns forbid.
        Cell::Float(number) => Stored::Real(if number.is_nan() { 0.0 } else { number }),
        Cell::Id(id) if id == [0; 16] => Stored::Text(""),
        Cell::Id(id) => Stored::Made(id.iter().map(|byte| format!("{byte:02x}")).collect()),
        Cell::Word(word, _) => Stored::Text(word),
        Cell::Texts(texts) => Stored::Made(serde_json::Value::from_iter(texts.iter().map(|text| text.as_ref())).to_string()),
        Cell::Counts(counts) => {
            let map = counts.iter().map(|(name, count)| (name.to_string(), serde_json::Value::from(*count)));
            Stored::Made(serde_json::Value::Object(map.collect()).to_string())
        }
    }
}
