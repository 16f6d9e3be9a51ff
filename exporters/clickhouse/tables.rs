//! The tables on the server: making them, the columns they have, and whether they keep a delivery from being stored twice.
//!
//! Tables that exist are not altered. What is written is what they and we have in common, and what they lack is said once.

use super::spans::SpanColumns;
use chaperone_store::clickhouse::{Names, create_database, create_tables};
use chaperone_store::{Row, rows::LlmCallRow};
use clickhouse::Client;
use clickhouse::error::{Error, Result};
use std::collections::HashSet;

/// A table that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Spans.
    Traces,
    /// Calls of models.
    LlmCalls,
}

impl Table {
    const ALL: [Table; 2] = [Table::Traces, Table::LlmCalls];

    /// Its name on the server.
    pub fn name(self, names: &Names<'_>) -> String {
        match self {
            Table::Traces => names.traces_table.to_owned(),
            Table::LlmCalls => LlmCallRow::CLICKHOUSE_TABLE.to_owned(),
        }
    }

    fn our_columns(self) -> Vec<&'static str> {
        match self {
            Table::Traces => SpanColumns::names(),
            Table::LlmCalls => LlmCallRow::COLUMNS.iter().map(|column| column.clickhouse).collect(),
        }
    }
}

/// What the server has.
#[derive(Debug, Default)]
pub struct Tables {
    columns: [HashSet<String>; Table::ALL.len()],
    /// Settings that this server knows, of those that are sent with every INSERT.
    pub settings: Vec<(&'static str, &'static str)>,
}

/// Settings of every INSERT: one request is one block, stored before it is answered, and stored once.
///
/// The profile of the user could say otherwise; what is sent with the request wins. Servers refuse settings that they do not
/// know, so the list is cut to what the server has.
const INSERT_SETTINGS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("wait_end_of_query", "1"),
    ("insert_deduplicate", "1"),
    ("deduplicate_insert", "enable"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("max_insert_block_size", "1048449"),
    ("max_insert_block_size_bytes", "0"),
    ("min_insert_block_size_rows", "1048449"),
    ("min_insert_block_size_bytes", "268402944"),
    ("min_insert_block_size_rows_for_materialized_views", "0"),
    ("min_insert_block_size_bytes_for_materialized_views", "0"),
    ("max_insert_threads", "1"),
    ("input_format_parallel_parsing", "0"),
];

impl Tables {
    /// Whether a table has a column that can be written.
    pub fn has(&self, table: Table, column: &str) -> bool {
        self.columns[table as usize].contains(column)
    }

    /// Tables as this version makes them.
    #[cfg(test)]
    pub fn with_all_columns() -> Tables {
        let columns = Table::ALL.map(|table| table.our_columns().into_iter().map(str::to_owned).collect());
        Tables { columns, settings: Vec::new() }
    }

    /// Makes what is missing.
    pub async fn create(client: &Client, names: &Names<'_>) -> Result<()> {
        // The database cannot be named in the request that makes it.
        client.query_raw(&create_database(names)).execute().await?;
        for statement in create_tables(names) {
            client.query_raw(&statement).execute().await?;
        }
        Ok(())
    }

    /// Reads what there is. A missing table is an error.
    pub async fn read(client: &Client, names: &Names<'_>) -> Result<Tables> {
        let mut tables = Tables::default();
        for table in Table::ALL {
            let name = table.name(names);
            let columns = client
                .query("SELECT name FROM system.columns WHERE database = ? AND table = ? AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')")
                .bind(names.database)
                .bind(&name)
                .fetch_all::<String>()
                .await?;
            if columns.is_empty() {
                return Err(Error::Other(format!("there is no table `{}`.`{name}`", names.database).into()));
            }
            tables.columns[table as usize] = columns.into_iter().collect();
            let lacking: Vec<_> = table.our_columns().into_iter().filter(|column| !tables.has(table, column)).collect();
            if !lacking.is_empty() {
                tracing::warn!(table = name, columns = lacking.join(", "), "the table lacks columns, which are not written");
            }
        }
        let known = client.query("SELECT name FROM system.settings").fetch_all::<String>().await?;
        let known: HashSet<String> = known.into_iter().collect();
        tables.settings =
            INSERT_SETTINGS.iter().filter(|(name, _)| *name == "wait_end_of_query" || known.contains(*name)).copied().collect();
        Ok(tables)
    }
}

/// Why a repeated delivery could be stored twice, if it could.
pub async fn not_exactly_once(client: &Client, names: &Names<'_>) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    let zone = client.query("SELECT timezone()").fetch_one::<String>().await?;
    if !matches!(zone.as_str(), "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT" | "Universal" | "Zulu") {
        reasons.push(format!("the server's time zone is {zone}, so a block may reach into two partitions"));
    }
    let written: Vec<String> = Table::ALL.iter().map(|table| table.name(names)).collect();
    // Views write too: what they write to has to keep tokens as well.
    let targets = client
        .query(
            "SELECT extract(create_table_query, ' TO (\\\\S+)') FROM system.tables WHERE engine = 'MaterializedView' AND (database, name) IN \
             (SELECT arrayJoin(arrayZip(dependencies_database, dependencies_table)) FROM system.tables WHERE database = ? AND name IN ?)",
        )
        .bind(names.database)
        .bind(&written)
        .fetch_all::<String>()
        .await?;
    let own = written.iter().map(|name| (names.database.to_owned(), name.clone()));
    let behind = targets.iter().map(|target| match target.split_once('.') {
        Some((database, name)) => (unquoted(database), unquoted(name)),
        None => (names.database.to_owned(), unquoted(target)),
    });
    for (database, name) in own.chain(behind) {
        let engine = client
            .query("SELECT engine_full FROM system.tables WHERE database = ? AND name = ?")
            .bind(&database)
            .bind(&name)
            .fetch_optional::<String>()
            .await?
            .unwrap_or_default();
        if window(&engine) < 100_000 {
            reasons.push(format!("`{database}`.`{name}` keeps the tokens of {} blocks", window(&engine)));
        }
    }
    Ok(reasons)
}

fn unquoted(name: &str) -> String {
    name.trim_matches('`').to_owned()
}

/// How many blocks a table remembers.
fn window(engine: &str) -> u64 {
    let (setting, default) = if engine.starts_with("Replicated") || engine.starts_with("Shared") {
        ("replicated_deduplication_window = ", 10_000)
    } else {
        ("non_replicated_deduplication_window = ", 0)
    };
    let Some((_, value)) = engine.split_once(setting) else { return default };
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(default)
}
