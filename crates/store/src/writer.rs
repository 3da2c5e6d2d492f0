//! The one writer of an SQLite file. Transactions that wait for it are carried out one after the other and reach the
//! disk together: the first one opens a transaction of the database, each of the others is a savepoint in it, and one
//! commit ends it as soon as nobody waits any more. A transaction that is refused or goes away undoes itself alone; none is
//! acknowledged before the commit that holds it is on disk (ACC-008).

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::sqlite::{File, PATIENCE, run};
use crate::{StoreError, Value};

/// How long a transaction waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long to wait before another process is asked again for the right to write.
const PAUSE: Duration = Duration::from_millis(2);
/// How often a commit lets those go first who came while it waited for its own turn.
const COURTESY: usize = 3;

/// The writer, to be waited for. Cheap to clone; turns are given in the order of asking.
#[derive(Clone)]
pub(crate) struct Writer {
    file: File,
    seat: Arc<Mutex<Seat>>,
}

/// What the one who has the turn holds.
struct Seat {
    /// None before the first turn, while a commit is under way, and after a fault.
    connection: Option<Connection>,
    batch: Option<Batch>,
}

/// The open transaction of the database.
struct Batch {
    /// How many finished their work in it.
    members: usize,
    outcome: watch::Sender<Option<Result<(), StoreError>>>,
}

/// A turn of one transaction. Dropped before [`Turn::commit`], it leaves no trace.
pub(crate) struct Turn {
    seat: OwnedMutexGuard<Seat>,
    writer: Writer,
    done: bool,
}

impl Writer {
    /// The writer of a file; makes the file.
    pub(crate) fn of(file: File) -> Result<Self, StoreError> {
        let connection = Some(file.writer()?);
        Ok(Self { file, seat: Arc::new(Mutex::new(Seat { connection, batch: None })) })
    }

    /// Waits for a turn and begins.
    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let seat = tokio::time::timeout(LONGEST_WAIT, self.seat.clone().lock_owned()).await;
        let mut seat = seat.map_err(|_| StoreError::Unavailable("another transaction does not end".into()))?;
        if seat.batch.is_some() {
            if let Err(error) = seat.run("SAVEPOINT turn") {
                seat.give_up();
                return Err(error);
            }
        } else {
            if seat.connection.is_none() {
                seat.connection = Some(self.file.writer()?);
            }
            seat.begin().await?;
            seat.batch = Some(Batch { members: 0, outcome: watch::Sender::new(None) });
        }
        Ok(Turn { seat, writer: self.clone(), done: false })
    }

    /// Commits the open transaction and tells its members.
    async fn finish(self) {
        let mut seat = self.seat.clone().lock_owned().await;
        let mut members = 0;
        for _ in 0..COURTESY {
            match &seat.batch {
                // Somebody had a turn since the last look, so others may have come meanwhile.
                Some(batch) if batch.members > members => members = batch.members,
                _ => break,
            }
            drop(seat);
            seat = self.seat.clone().lock_owned().await;
        }
        let (Some(batch), Some(connection)) = (seat.batch.take(), seat.connection.take()) else { return };
        // The disk is waited for on a thread that may block.
        let committed = tokio::task::spawn_blocking(move || run(&connection, "COMMIT", &[]).map(|_| connection)).await;
        let committed = committed.unwrap_or_else(|e| Err(StoreError::Other(e.to_string())));
        // A connection whose commit failed is closed, which undoes what is left of it.
        let outcome = committed.map(|connection| seat.connection = Some(connection));
        batch.outcome.send_replace(Some(outcome));
    }
}

impl Seat {
    fn run(&self, sql: &str) -> Result<u64, StoreError> {
        run(self.connection.as_ref().ok_or(StoreError::Busy)?, sql, &[])
    }

    /// Begins to write, as soon as no other process does.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let mut waited = Duration::ZERO;
        loop {
            match self.run("BEGIN IMMEDIATE") {
                Err(StoreError::Busy) if waited < PATIENCE => tokio::time::sleep(PAUSE).await,
                other => return other.map(|_| ()),
            }
            waited += PAUSE;
        }
    }

    /// Gives the whole up: the database lost the transaction (a full disk does that), or nobody knows where it stands. The
    /// connection is closed, which undoes everything; the members run again.
    fn give_up(&mut self) {
        self.connection = None;
        if let Some(batch) = self.batch.take() {
            batch.outcome.send_replace(Some(Err(StoreError::Busy)));
        }
    }
}

impl Turn {
    /// Runs a statement; gives the number of rows it touched.
    pub(crate) fn run(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        run(self.connection()?, sql, params)
    }

    /// The connection; none when the transaction of the database was lost.
    pub(crate) fn connection(&self) -> Result<&Connection, StoreError> {
        self.seat.connection.as_ref().ok_or(StoreError::Busy)
    }

    /// Ends the turn and waits until what was done in it is on disk.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let seat = &mut *self.seat;
        let later = seat.batch.as_ref().is_some_and(|batch| batch.members > 0);
        if later && let Err(error) = seat.run("RELEASE turn") {
            seat.give_up();
            return Err(error);
        }
        let Some(batch) = seat.batch.as_mut() else { return Err(StoreError::Busy) };
        batch.members += 1;
        self.done = true;
        let mut outcome = batch.outcome.subscribe();
        if !later {
            // Asks for the writer now, so behind those who wait already: they are the batch. In a task of its own,
            // because no member may take the others with it when it goes away.
            tokio::spawn(self.writer.clone().finish());
        }
        drop(self);
        let known = outcome.wait_for(Option::is_some).await;
        // Without an outcome the task that commits was stopped with the program.
        known.ok().and_then(|outcome| outcome.clone()).unwrap_or(Err(StoreError::Busy))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(batch) = self.seat.batch.as_ref().filter(|_| !self.done) else { return };
        // Alone in its transaction, a turn takes it along; else it goes back to its savepoint.
        let undone = if batch.members == 0 {
            let undone = self.seat.run("ROLLBACK");
            if undone.is_ok() {
                self.seat.batch = None;
            }
            undone
        } else {
            self.seat.run("ROLLBACK TO turn").and_then(|_| self.seat.run("RELEASE turn"))
        };
        if undone.is_err() {
            self.seat.give_up();
        }
    }
}
