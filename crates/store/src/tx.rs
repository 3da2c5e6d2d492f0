//! A transaction: every statement of it takes effect, or none.

use futures::FutureExt as _;

use crate::postgres;
use crate::sqlite::{self, Reader};
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
    /// Reads from SQLite.
    Reader(Reader),
    /// Writes to SQLite.
    Writer(Turn),
    Postgres(postgres::Transaction),
}

impl Tx {
    pub(crate) fn new(inner: TxInner) -> Self {
        Self { inner, failed: None, later: Vec::new() }
    }

    /// A statement that writes and whose outcome nobody in this transaction asks for: it is sent together with the next one
    /// that writes, before the next query, or with the commit. One way to the database instead of several. What it fails
    /// with is the failure of what it is sent with.
    pub fn execute_later(&mut self, sql: &str, params: &[Value]) {
        self.later.push((sql.to_owned(), params.to_vec()));
    }

    /// Runs a statement; gives the number of rows it touched.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] for a broken key, [`StoreError::Busy`] when another transaction is in the way.
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.execute_later(sql, params);
        self.send_waiting().await
    }

    /// Sends what waits; gives the number of rows that the last statement touched.
    async fn send_waiting(&mut self) -> Result<u64, StoreError> {
        self.usable()?;
        let waiting = std::mem::take(&mut self.later);
        let done = match &mut self.inner {
            TxInner::Reader(_) => Err(StoreError::Other("a reading transaction writes nothing".into())),
            TxInner::Writer(turn) => {
                // Nothing in here waits for anything, so others have their turn by this.
                tokio::task::consume_budget().await;
                waiting.iter().try_fold(0, |_, (sql, params)| turn.run(sql, params))
            }
            TxInner::Postgres(tx) => tx.run(waiting).boxed().await,
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
            TxInner::Reader(reader) => reader.query(sql, params).boxed().await,
            TxInner::Writer(turn) => {
                tokio::task::consume_budget().await;
                turn.connection().and_then(|connection| sqlite::query(connection, sql, params))
            }
            TxInner::Postgres(tx) => tx.query(sql, params).boxed().await,
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
            TxInner::Reader(_) | TxInner::Writer(_) => String::new(),
        }
    }

    fn usable(&self) -> Result<(), StoreError> {
        match self.failed {
            None => Ok(()),
            Some(Failed::Busy) => Err(StoreError::Busy),
            Some(Failed::Otherwise) => Err(StoreError::Other("a statement failed before in this transaction".into())),
        }
    }

    fn note<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            self.failed = Some(if matches!(error, StoreError::Busy) { Failed::Busy } else { Failed::Otherwise });
        }
        result
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if let TxInner::Writer(_) = self.inner
            && !self.later.is_empty()
        {
            self.send_waiting().await?;
        }
        self.usable()?;
        match self.inner {
            TxInner::Reader(_) => Ok(()),
            TxInner::Writer(turn) => turn.commit().await,
            TxInner::Postgres(tx) => tx.commit(self.later).boxed().await,
        }
    }
}
