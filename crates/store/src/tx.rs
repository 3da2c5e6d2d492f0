//! A transaction: every statement of it takes effect, or none.

use futures::TryStreamExt as _;
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
        Self { inner, failed: None }
    }

    /// Runs a statement; gives the number of rows it touched.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] for a broken key, [`StoreError::Busy`] when another transaction is in the way.
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.usable()?;
        let done = match &mut self.inner {
            TxInner::Sqlite(tx) => tx.execute(bound!(sql, params)).await.map(|done| done.rows_affected()),
            TxInner::Writer(turn) => {
                turn.connection()?.execute(bound!(sql, params)).await.map(|done| done.rows_affected())
            }
            TxInner::Postgres(tx) => tx.execute(bound!(sql, params)).await.map(|done| done.rows_affected()),
        };
        self.note(done)
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
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

    /// What ends a query so that the rows it gives are locked until the end of the transaction. Empty on SQLite, where
    /// there is one writer anyhow.
    pub const fn lock(&self) -> &'static str {
        match self.inner {
            TxInner::Postgres(_) => " FOR UPDATE",
            TxInner::Sqlite(_) | TxInner::Writer(_) => "",
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

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.usable()?;
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Writer(turn) => turn.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
