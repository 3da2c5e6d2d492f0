//! SQLite: opening connections, running statements on them, and the transactions that only read. The one writer is in
//! `writer`.
//!
//! A statement is a plain call into the library. Those of a writing transaction are made where the transaction runs: they
//! are short, and a change of thread costs as much as several of them. Those of a reading transaction may go through many
//! rows and are made on a thread that may block.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{Connection, OpenFlags};

use crate::pool::{Lent, Pool};
use crate::value::Inner;
use crate::{Row, StoreError, Value};

/// Connections that read at the same time.
const READERS: usize = 8;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;
/// How long a connection waits for another process.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A database file, and how connections to it are opened.
#[derive(Clone)]
pub(crate) struct File(Arc<PathBuf>);

impl File {
    pub(crate) fn at(path: &Path) -> Self {
        Self(Arc::new(path.to_owned()))
    }

    /// The connection that writes; makes the file. It does not wait for others that write: see `writer`.
    pub(crate) fn writer(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = self.open(flags)?;
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY";
        connection.execute_batch(settings).map_err(|e| self.unavailable(&e))?;
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, StoreError> {
        let opened = Connection::open_with_flags(self.0.as_path(), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = opened.map_err(|e| self.unavailable(&e))?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    fn unavailable(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.0.display()))
    }
}

/// The connections that read. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Readers {
    file: File,
    pool: Pool<Connection>,
}

impl Readers {
    pub(crate) fn of(file: File) -> Self {
        Self { file, pool: Pool::new(READERS) }
    }

    /// Begins a reading transaction.
    pub(crate) async fn begin(&self) -> Result<Reader, StoreError> {
        let connection = self.pool.lend(|_| true, async || self.file.reader()).await?;
        run(&connection, "BEGIN", &[])?;
        Ok(Reader { open: Some(Open(Some(connection))) })
    }
}

/// A reading transaction. It ends when it is dropped.
pub(crate) struct Reader {
    /// Away while a statement runs; a caller that goes away then leaves it to the thread of the statement to end it.
    open: Option<Open>,
}

struct Open(Option<Lent<Connection>>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take()
            && run(&connection, "ROLLBACK", &[]).is_err()
        {
            connection.discard();
        }
    }
}

impl Reader {
    pub(crate) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let gone = || StoreError::Other("a statement of this transaction was not waited for".into());
        let open = self.open.take().ok_or_else(gone)?;
        let (sql, params) = (sql.to_owned(), params.to_vec());
        let work = move || {
            let rows = open.0.as_deref().ok_or_else(gone).and_then(|connection| query(connection, &sql, &params));
            (open, rows)
        };
        let (open, rows) = tokio::task::spawn_blocking(work).await.map_err(|e| StoreError::Other(e.to_string()))?;
        self.open = Some(open);
        rows
    }
}

/// Runs a statement; gives the number of rows it touched.
pub(crate) fn run(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
    let mut statement = bound(connection, sql, params)?;
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(connection.changes())
}

/// All rows of a query.
pub(crate) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = bound(connection, sql, params)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let cells: Result<Vec<Cell>, rusqlite::Error> = (0..columns).map(|at| row.get(at)).collect();
        all.push(Row(Inner::Sqlite(cells?)));
    }
    Ok(all)
}

/// The statement with its parameters. `$7` is a name to SQLite, which numbers names as they come.
fn bound<'a>(
    connection: &'a Connection,
    sql: &str,
    params: &[Value],
) -> Result<rusqlite::CachedStatement<'a>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(|name| name.get(1..)?.parse::<usize>().ok());
        let value = number.and_then(|number| params.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| StoreError::Other(format!("a parameter is missing in: {sql}")))?;
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(statement)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Int(Some(v)) => ValueRef::Integer(*v),
            Value::Real(Some(v)) => ValueRef::Real(*v),
            Value::Text(Some(v)) => ValueRef::Text(v.as_bytes()),
            Value::Blob(Some(v)) => ValueRef::Blob(v),
            Value::Int(None) | Value::Real(None) | Value::Text(None) | Value::Blob(None) => ValueRef::Null,
        }))
    }
}
