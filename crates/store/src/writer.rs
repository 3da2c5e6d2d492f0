//! The one writer of an SQLite file. Transactions that wait for it are carried out one after the other and reach the
//! disk together: the first one opens a transaction of the database, each of the others is a savepoint in it, and one
//! commit ends it as soon as nobody waits any more. A transaction that is refused or goes away undoes itself alone; none is
//! acknowledged before the commit that holds it is on disk (ACC-008).

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Executor as _, Sqlite};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::StoreError;

/// How long a transaction waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The writer, to be waited for. Cheap to clone; turns are given in the order of asking.
#[derive(Clone)]
pub(crate) struct Writer {
    pool: SqlitePool,
    open: Arc<Mutex<Option<Open>>>,
}

/// The open transaction of the database.
struct Open {
    tx: sqlx::Transaction<'static, Sqlite>,
    /// How many finished their work in it.
    members: usize,
    /// Whether a turn is under way, or went away without an end.
    in_turn: bool,
    outcome: watch::Sender<Option<Result<(), StoreError>>>,
}

/// A turn of one transaction. Dropped before [`Turn::commit`], it leaves no trace.
pub(crate) struct Turn {
    open: OwnedMutexGuard<Option<Open>>,
    writer: Writer,
}

impl Writer {
    /// The writer of the file behind `pool`.
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self { pool, open: Arc::default() }
    }

    /// Waits for a turn and begins.
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let turn = tokio::time::timeout(LONGEST_WAIT, self.open.clone().lock_owned()).await;
        let mut open = turn.map_err(|_| StoreError::Unavailable("another transaction does not end".into()))?;
        tidy(&mut open).await;
        match open.as_mut() {
            Some(batch) => {
                // Set first: somebody who goes away in the middle of the statement is tidied up after.
                batch.in_turn = true;
                if let Err(error) = batch.tx.execute("SAVEPOINT turn").await {
                    give_up(&mut open);
                    return Err(error.into());
                }
            }
            None => {
                let tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
                *open = Some(Open { tx, members: 0, in_turn: true, outcome: watch::Sender::new(None) });
            }
        }
        Ok(Turn { open, writer: self.clone() })
    }
}

impl Turn {
    /// The connection; none when the transaction of the database was lost.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.open.as_mut().map(|batch| &mut *batch.tx).ok_or(StoreError::Busy)
    }

    /// Ends the turn and waits until what was done in it is on disk.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let Some(batch) = self.open.as_mut() else { return Err(StoreError::Busy) };
        if batch.members > 0
            && let Err(error) = batch.tx.execute("RELEASE turn").await
        {
            give_up(&mut self.open);
            return Err(error.into());
        }
        batch.in_turn = false;
        batch.members += 1;
        let mut outcome = batch.outcome.subscribe();
        if batch.members == 1 {
            // Asks for the writer now, so behind those who wait already: they are the batch. In a task of its own,
            // because no member may take the others with it when it goes away.
            let writer = self.writer.clone();
            tokio::spawn(async move { finish(writer.open.clone().lock_owned().await).await });
        }
        drop(self);
        let known = outcome.wait_for(Option::is_some).await;
        // Without an outcome the task that commits was stopped with the program.
        known.ok().and_then(|outcome| outcome.clone()).unwrap_or(Err(StoreError::Busy))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Alone in its transaction, a turn takes it along; else the next one rolls back to the savepoint.
        if self.open.as_ref().is_some_and(|batch| batch.in_turn && batch.members == 0) {
            *self.open = None;
        }
    }
}

/// Commits the open transaction and tells its members.
async fn finish(mut open: OwnedMutexGuard<Option<Open>>) {
    tidy(&mut open).await;
    if let Some(batch) = open.take() {
        let committed = batch.tx.commit().await.map_err(StoreError::from);
        batch.outcome.send_replace(Some(committed));
    }
}

/// Undoes what a turn that went away left behind.
async fn tidy(open: &mut Option<Open>) {
    let Some(batch) = open.as_mut().filter(|batch| batch.in_turn) else { return };
    let undone = batch.tx.execute("ROLLBACK TO turn; RELEASE turn").await;
    batch.in_turn = false;
    if undone.is_err() {
        give_up(open);
    }
}

/// Rolls the whole back: the database lost the transaction (a full disk does that), or nobody knows where it stands.
/// Its members run again.
fn give_up(open: &mut Option<Open>) {
    if let Some(batch) = open.take() {
        batch.outcome.send_replace(Some(Err(StoreError::Busy)));
    }
}
