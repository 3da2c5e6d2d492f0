//! A transaction: every statement of it takes effect, or none.

use std::fmt::Write as _;

use futures::{Stream, TryStreamExt as _};
use sqlx::sqlite::SqliteQueryResult;
use sqlx::{Executor as _, Postgres, Sqlite};

use crate::value::Inner;
use crate::writer::Turn;
use crate::{Row, StoreError, Value};

/// An open transaction. Dropped without commit, it leaves no trace.
///
/// A statement that failed ends it: PostgreSQL takes no further statement then, so on SQLite none is taken either, and
/// it does not commit even when the failure was swallowed.
pub struct Tx {
    pub(crate) inner: TxInner,
    pub(crate) failed: Option<Failed>,
    /// Statements that wait to be sent together.
    later: Vec<(String, Vec<Value>)>,
}

/// How a statement of a transaction failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It met another transaction: running the whole again may help.
    Busy,
    /// In another way.
    Otherwise,
}

pub(crate) enum TxInner {
    /// Reads.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// Writes.
    Writer(Turn),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

macro_rules! bound {
    ($sql:expr, $params:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $params {
            query = match value {
                Value::Int(v) => query.bind(*v),
                Value::Text(v) => query.bind(v.clone()),
                Value::Blob(v) => query.bind(v.clone()),
                Value::Real(v) => query.bind(*v),
            };
        }
        query
    }};
}

impl Tx {
    pub(crate) fn new(inner: TxInner) -> Self {
        Self { inner, failed: None, later: Vec::new() }
    }

    /// Inserts a row that nobody in this transaction asks for: it is sent together with the next statement that writes,
    /// before the next query, or with the commit. One way to the database instead of several. What it fails with is the
    /// failure of what it is sent with.
    ///
    /// Inserts only: statements sent together do not see each other on PostgreSQL.
    pub fn insert_later(&mut self, sql: &str, params: &[Value]) {
        debug_assert!(sql.trim_start().starts_with("INSERT "), "an insert: {sql}");
        self.later.push((sql.to_owned(), params.to_vec()));
    }

    /// Runs a statement; gives the number of rows it touched.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] for a broken key, [`StoreError::Busy`] when another transaction is in the way.
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        if self.later.is_empty() {
            return self.execute_alone(sql, params).await;
        }
        self.later.push((sql.to_owned(), params.to_vec()));
        self.send_waiting().await
    }

    /// Sends what waits; gives the number of rows that the last statement touched.
    async fn send_waiting(&mut self) -> Result<u64, StoreError> {
        let waiting = std::mem::take(&mut self.later);
        let mut params = Vec::new();
        match waiting.as_slice() {
            [] => Ok(0),
            [(sql, params)] => self.execute_alone(sql, params).await,
            all => {
                let sql = together(all, matches!(self.inner, TxInner::Postgres(_)));
                params.extend(waiting.into_iter().flat_map(|(_, params)| params));
                self.execute_alone(&sql, &params).await
            }
        }
    }

    async fn execute_alone(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.usable()?;
        let done = match &mut self.inner {
            TxInner::Sqlite(tx) => last(tx.execute_many(bound!(sql, params))).await,
            TxInner::Writer(turn) => last(turn.connection()?.execute_many(bound!(sql, params))).await,
            TxInner::Postgres(tx) => tx.execute(bound!(sql, params)).await.map(|done| done.rows_affected()),
        };
        self.note(done)
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        if !self.later.is_empty() {
            self.send_waiting().await?;
        }
        self.usable()?;
        let rows = match &mut self.inner {
            TxInner::Sqlite(tx) => {
                tx.fetch(bound!(sql, params)).map_ok(|r| Row(Inner::Sqlite(r))).try_collect::<Vec<_>>().await
            }
            TxInner::Writer(turn) => {
                let rows = turn.connection()?.fetch(bound!(sql, params));
                rows.map_ok(|r| Row(Inner::Sqlite(r))).try_collect::<Vec<_>>().await
            }
            TxInner::Postgres(tx) => {
                tx.fetch(bound!(sql, params)).map_ok(|r| Row(Inner::Postgres(r))).try_collect::<Vec<_>>().await
            }
        };
        self.note(rows)
    }

    /// The first row of a query, or none.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// [`StoreError::NoRow`] when there is none; else as [`Tx::execute`].
    pub async fn query_one(&mut self, sql: &str, params: &[Value]) -> Result<Row, StoreError> {
        self.query_opt(sql, params).await?.ok_or(StoreError::NoRow)
    }

    /// What ends a query so that the rows it gives of `table` (its name or alias in the query) are locked until the end of
    /// the transaction. Empty on SQLite, where there is one writer anyhow.
    pub fn lock(&self, table: &str) -> String {
        match self.inner {
            TxInner::Postgres(_) => format!(" FOR UPDATE OF {table}"),
            TxInner::Sqlite(_) | TxInner::Writer(_) => String::new(),
        }
    }

    fn usable(&self) -> Result<(), StoreError> {
        match self.failed {
            None => Ok(()),
            Some(Failed::Busy) => Err(StoreError::Busy),
            Some(Failed::Otherwise) => Err(StoreError::Other("a statement failed before in this transaction".into())),
        }
    }

    fn note<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|e| {
            let error = StoreError::from(e);
            self.failed = Some(if matches!(error, StoreError::Busy) { Failed::Busy } else { Failed::Otherwise });
            error
        })
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.send_waiting().await?;
        self.usable()?;
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Writer(turn) => turn.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// The number of rows that the last of several statements touched.
async fn last(
    mut done: impl Stream<Item = Result<SqliteQueryResult, sqlx::Error>> + Unpin,
) -> Result<u64, sqlx::Error> {
    let mut touched = 0;
    while let Some(one) = done.try_next().await? {
        touched = one.rows_affected();
    }
    Ok(touched)
}

/// One statement for several: on PostgreSQL, which takes one at a time, all but the last as parts of the last; else one
/// after the other. Parameters are numbered through.
fn together(statements: &[(String, Vec<Value>)], postgres: bool) -> String {
    let mut sql = String::new();
    let mut before = 0;
    for (i, (statement, params)) in statements.iter().enumerate() {
        let last = i + 1 == statements.len();
        match (postgres, last) {
            (true, false) => {
                let _ = write!(sql, "{} w{i} AS (", if i == 0 { "WITH" } else { "," });
                renumber(&mut sql, statement, before);
                sql.push(')');
            }
            (true, true) => {
                sql.push(' ');
                renumber(&mut sql, statement, before);
            }
            (false, _) => {
                renumber(&mut sql, statement, before);
                sql.push_str(if last { "" } else { ";\n" });
            }
        }
        before += params.len();
    }
    sql
}

/// Writes a statement with the numbers of its parameters raised by `by`.
fn renumber(out: &mut String, statement: &str, by: usize) {
    let mut parts = statement.split('$');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        match number.parse::<usize>() {
            Ok(number) => {
                let _ = write!(out, "${}{rest}", number + by);
            }
            Err(_) => {
                let _ = write!(out, "${part}");
            }
        }
    }
}
