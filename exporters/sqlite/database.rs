//! The file: opening, migrating, and writing the rows of one delivery in one transaction.
//!
//! A delivery is stored as a whole or not at all, and storing it twice changes nothing.

use chaperone_proto::Data;
use chaperone_store::sqlite::{MIGRATIONS, Stored, stored, upsert};
use chaperone_store::{Row, Rows};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// What can go wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("cannot make the folder of `{path}`")]
    Folder { path: String, source: std::io::Error },
    #[error("`{path}` was written by a newer version: its schema is {found}, this version knows {known}")]
    Newer { path: String, found: usize, known: usize },
    #[error("cannot use `{path}`")]
    Open { path: String, source: rusqlite::Error },
    #[error("cannot store rows")]
    Write(#[from] rusqlite::Error),
}

impl DatabaseError {
    /// Whether the same delivery may succeed later: somebody else writes, or the disk is full.
    pub fn is_passing(&self) -> bool {
        let DatabaseError::Write(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::OutOfMemory
                    | ErrorCode::CannotOpen
                    | ErrorCode::OperationInterrupted
            )
        )
    }
}

/// The open file.
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the file, making it and its folder when missing, and brings its tables up to date.
    pub fn open(path: &str, busy_timeout: Duration) -> Result<Database, DatabaseError> {
        if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Folder { path: path.to_owned(), source })?;
        }
        let at = |source| DatabaseError::Open { path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(at)?;
        connection.busy_timeout(busy_timeout).map_err(at)?;
        // Readers do not stop the writer, and a crash of the process loses nothing that was committed.
        connection.pragma_update(None, "journal_mode", "wal").map_err(at)?;
        connection.pragma_update(None, "synchronous", "normal").map_err(at)?;
        connection.set_prepared_statement_cache_capacity(16);
        migrate(&mut connection, path)?;
        Ok(Database { connection })
    }

    /// Stores the rows of a delivery; returns how many there were.
    pub fn store(&mut self, batches: &[Data]) -> Result<usize, DatabaseError> {
        let mut rows = Rows::default();
        for data in batches {
            rows.add(data);
        }
        if rows.is_empty() {
            return Ok(0);
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write(&transaction, &rows.runs)?;
        write(&transaction, &rows.llm_calls)?;
        write(&transaction, &rows.tool_calls)?;
        write(&transaction, &rows.findings)?;
        write(&transaction, &rows.alerts)?;
        write(&transaction, &rows.notifications)?;
        transaction.commit()?;
        Ok(rows.len())
    }
}

fn migrate(connection: &mut Connection, path: &str) -> Result<(), DatabaseError> {
    let at = |source| DatabaseError::Open { path: path.to_owned(), source };
    // Immediate, so that of two processes that start at once one waits and then finds the work done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).map_err(at)? as usize;
    if found > MIGRATIONS.len() {
        return Err(DatabaseError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() });
    }
    for migration in &MIGRATIONS[found..] {
        transaction.execute_batch(migration).map_err(at)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32).map_err(at)?;
    transaction.commit().map_err(at)
}

struct Parameter<'r>(Stored<'r>);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match &self.0 {
            Stored::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Stored::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
            Stored::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Stored::Made(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn write<R: Row>(connection: &Connection, rows: &[R]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(&upsert::<R>())?;
    for row in rows {
        let cells = row.cells();
        statement.execute(rusqlite::params_from_iter(cells.into_iter().map(|cell| Parameter(stored(cell)))))?;
    }
    Ok(())
}
