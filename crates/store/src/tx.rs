//! A transaction: every statement of it takes effect, or none.

use futures::TryStreamExt as _;
use sqlx::{Executor as _, Postgres, Sqlite};

use crate::value::Inner;
use crate::{Row, StoreError, Value};

/// An open transaction. Dropped without commit, it leaves no trace.
pub struct Tx {
    pub(crate) inner: TxInner,
}

pub(crate) enum TxInner {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
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
    /// Runs a statement; gives the number of rows it touched.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] for a broken key, [`StoreError::Busy`] when another transaction is in the way.
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        Ok(match &mut self.inner {
            TxInner::Sqlite(tx) => tx.execute(bound!(sql, params)).await?.rows_affected(),
            TxInner::Postgres(tx) => tx.execute(bound!(sql, params)).await?.rows_affected(),
        })
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(match &mut self.inner {
            TxInner::Sqlite(tx) => {
                tx.fetch(bound!(sql, params)).map_ok(|r| Row(Inner::Sqlite(r))).try_collect().await?
            }
            TxInner::Postgres(tx) => {
                tx.fetch(bound!(sql, params)).map_ok(|r| Row(Inner::Postgres(r))).try_collect().await?
            }
        })
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

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
