//! A queue of work that survives a crash: a job is written in the transaction of the event that causes it, taken under
//! a lease, and stays until it is done. A worker that dies lets its lease run out and another takes the job.

use kernel::Timestamp;

use crate::{Migration, Row, StoreError, Tx, params};

/// The table of the queue.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_jobs",
    sql: "CREATE TABLE job (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, due BIGINT NOT NULL,
            leased_until BIGINT NOT NULL DEFAULT 0, attempts BIGINT NOT NULL DEFAULT 0, error TEXT);
          CREATE INDEX job_due ON job (due, leased_until)",
}];

/// A job that this worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Id given by the one who queued it; the same id twice is one job.
    pub id: String,
    /// Which worker it is for.
    pub kind: String,
    /// JSON for the worker.
    pub payload: String,
    /// How often it was taken, this time included.
    pub attempts: i64,
}

/// Queues a job. The same id again changes nothing.
///
/// # Errors
/// As [`Tx::execute`].
pub async fn push(tx: &mut Tx, id: &str, kind: &str, payload: &str, due: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO job (id, kind, payload, due) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        params![id, kind, payload, due],
    )
    .await?;
    Ok(())
}

/// Takes the job of `kind` that is due first and not held by anyone, until `lease_until`.
///
/// # Errors
/// As [`Tx::query`].
pub async fn take(tx: &mut Tx, kind: &str, now: Timestamp, lease_until: Timestamp) -> Result<Option<Job>, StoreError> {
    let row = tx
        .query_opt(
            "UPDATE job SET leased_until = $1, attempts = attempts + 1
             WHERE leased_until <= $2 AND id = (SELECT id FROM job WHERE kind = $3 AND due <= $2 AND leased_until <= $2
                         ORDER BY due, id LIMIT 1)
             RETURNING id, kind, payload, attempts",
            params![lease_until, now, kind],
        )
        .await?;
    row.map(|r: Row| Ok(Job { id: r.get(0)?, kind: r.get(1)?, payload: r.get(2)?, attempts: r.get(3)? })).transpose()
}

/// The job is done and leaves the queue.
///
/// # Errors
/// As [`Tx::execute`].
pub async fn done(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM job WHERE id = $1", params![id]).await?;
    Ok(())
}

/// The job failed with `error` and is to be tried again at `due`.
///
/// # Errors
/// As [`Tx::execute`].
pub async fn retry(tx: &mut Tx, id: &str, due: Timestamp, error: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE job SET leased_until = 0, due = $1, error = $2 WHERE id = $3", params![due, error, id]).await?;
    Ok(())
}

/// Takes the jobs of `kind` back from workers that are gone: for a process that starts and is the only one to do them.
///
/// # Errors
/// As [`Tx::execute`].
pub async fn release(tx: &mut Tx, kind: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE job SET leased_until = 0 WHERE kind = $1", params![kind]).await?;
    Ok(())
}
