//! Opening a database and running transactions in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::postgres::Server;
use crate::sqlite::{File, Readers};
use crate::tx::{Failed, TxInner};
use crate::writer::Writer;
use crate::{StoreError, Tx};

/// Which database stands behind a [`Store`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// A file, one writer at a time.
    Sqlite,
    /// A server.
    Postgres,
}

/// How far a writing transaction is kept from others. SQLite, with one writer, always gives [`Isolation::Serializable`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// As if transactions ran one after the other.
    Serializable,
    /// Two transactions that change one row meet, and one runs again; those that only read what the other changes do not.
    /// For work whose rules stand on rows that it locks ([`Tx::lock`]) or changes: where many write at once it is
    /// several times as fast.
    Snapshot,
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    alone: Option<Alone>,
}

/// Writing transactions one after the other, each on disk before the next begins.
#[derive(Clone)]
struct Alone {
    /// What a transaction of PostgreSQL locks first.
    lock: Arc<str>,
    /// The turn of a transaction of SQLite, where a lock is on the whole file.
    turn: Arc<Mutex<()>>,
}

#[derive(Clone)]
enum Pool {
    Sqlite { write: Writer, read: Readers },
    Postgres(Server),
}

/// How often a transaction that met another one is run again before the caller hears of it.
const ATTEMPTS: u32 = 12;

impl Store {
    /// Opens (and creates) an SQLite file. Every commit is on disk before it is acknowledged.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let file = File::at(path);
        let write = Writer::of(file.clone())?;
        Ok(Self { pool: Pool::Sqlite { write, read: Readers::of(file) }, alone: None })
    }

    /// Connects to a PostgreSQL database: `postgres://user:password@host:port/database`. `schema` keeps the tables of
    /// one role apart from those of others in the same database.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server does not answer or the address is wrong.
    pub async fn open_postgres(url: &str, schema: &str) -> Result<Self, StoreError> {
        Ok(Self { pool: Pool::Postgres(Server::open(url, schema).await?), alone: None })
    }

    /// The same database under a lock of `table` that every writing transaction takes before anything else and holds until
    /// its commit is on disk: how designs work that carry out their commands one by one. For measuring beside them.
    #[must_use]
    pub fn under_table_lock(&self, table: &str) -> Self {
        let lock = format!("; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE").into();
        Self { alone: Some(Alone { lock, turn: Arc::default() }), ..self.clone() }
    }

    /// Which database this is.
    pub fn backend(&self) -> Backend {
        match self.pool {
            Pool::Sqlite { .. } => Backend::Sqlite,
            Pool::Postgres(_) => Backend::Postgres,
        }
    }

    /// Runs `work` in a writing transaction called `name` and commits when it succeeds. When it meets another
    /// transaction it is run again from the start, so `work` does nothing but database work and
    /// changes nothing it captures (hence `Clone`; `AsyncFn` itself would make the future impossible to move between
    /// threads).
    ///
    /// # Errors
    /// What `work` gives, or the database's own error as `E`.
    pub async fn tx<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        E: From<StoreError> + MaybeBusy,
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Clone,
    {
        self.tx_at(Isolation::Serializable, name, work).await
    }

    /// [`Store::tx`] at another isolation.
    ///
    /// # Errors
    /// As [`Store::tx`].
    pub async fn tx_at<T, E, F>(&self, isolation: Isolation, name: &'static str, work: F) -> Result<T, E>
    where
        E: From<StoreError> + MaybeBusy,
        F: AsyncFnOnce(&mut Tx) -> Result<T, E> + Clone,
    {
        for attempt in 1.. {
            let mut met_another = false;
            let result = async {
                let _turn = match (&self.alone, &self.pool) {
                    (Some(alone), Pool::Sqlite { .. }) => Some(alone.turn.lock().await),
                    _ => None,
                };
                let mut tx = self.begin(Some(isolation)).await.map_err(Outcome::Store)?;
                let worked = (work.clone())(&mut tx).await;
                // The caller's error type may have lost that the database was busy.
                met_another = tx.failed == Some(Failed::Busy);
                let value = worked.map_err(Outcome::Work)?;
                tx.commit().await.map_err(Outcome::Store)?;
                Ok(value)
            }
            .await;
            let busy = match &result {
                Err(Outcome::Store(StoreError::Busy)) => true,
                Err(Outcome::Work(e)) => met_another || e.is_busy(),
                _ => false,
            };
            if busy && attempt < ATTEMPTS {
                tracing::debug!(name, attempt, "transaction runs again");
                tokio::time::sleep(Duration::from_millis(1 << attempt.min(7))).await;
                continue;
            }
            return result.map_err(|outcome| match outcome {
                Outcome::Store(e) => E::from(e),
                Outcome::Work(e) => e,
            });
        }
        Err(E::from(StoreError::Busy))
    }

    /// Runs `work` in a reading transaction: one consistent view, never in the way of a writer.
    ///
    /// # Errors
    /// What `work` gives, or the database's own error as `E`.
    pub async fn read<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: AsyncFnOnce(&mut Tx) -> Result<T, E>,
    {
        tracing::trace!(name, "read");
        let mut tx = self.begin(None).await?;
        work(&mut tx).await
    }

    /// Begins to write, or without an isolation to read.
    async fn begin(&self, write: Option<Isolation>) -> Result<Tx, StoreError> {
        let inner = match (&self.pool, write) {
            (Pool::Sqlite { write, .. }, Some(_)) => TxInner::Writer(write.turn().await?),
            (Pool::Sqlite { read, .. }, None) => TxInner::Reader(read.begin().await?),
            (Pool::Postgres(server), write) => {
                let lock = self.alone.as_ref().filter(|_| write.is_some()).map_or("", |alone| &alone.lock);
                TxInner::Postgres(server.begin(write, lock).await?)
            }
        };
        Ok(Tx::new(inner))
    }
}

enum Outcome<E> {
    Store(StoreError),
    Work(E),
}

/// An error that may be [`StoreError::Busy`] inside, so that the transaction is run again.
pub trait MaybeBusy {
    /// Whether running the transaction again may help.
    fn is_busy(&self) -> bool {
        false
    }
}
impl MaybeBusy for StoreError {
    fn is_busy(&self) -> bool {
        matches!(self, StoreError::Busy)
    }
}
impl MaybeBusy for kernel::Problem {}
