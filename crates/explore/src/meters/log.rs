//! Where the lines of the meters are kept: a table of the data zone's database, sealed; memory, for tests and for a
//! headless run over a synthetic folder. A line is durable when `append` returns.

use std::sync::Arc;

use kernel::Sealer;
use store::{Migration, Store, StoreError, Tx, params};
use tokio::runtime::Handle;

const MIGRATIONS: &[Migration] =
    &[Migration { name: "001_meters", sql: "CREATE TABLE meter_line (seq BIGINT PRIMARY KEY, sealed BLOB NOT NULL)" }];

/// Lines read at a time.
const PAGE: i64 = 500;

/// The log of the meters does not answer, or is damaged; nothing may be released then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log of the meters is not available")]
pub struct MeterLogError;

/// The log of the meters: lines, in the order written.
pub trait MeterLog: Send {
    /// Tells every line that there is, once, before anything is written.
    ///
    /// # Errors
    /// [`MeterLogError`], also when `each` does not know a line.
    fn replay(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<(), MeterLogError>) -> Result<(), MeterLogError>;

    /// Writes a line and returns when it is durable.
    ///
    /// # Errors
    /// [`MeterLogError`]; then the line is not there.
    fn append(&mut self, line: &[u8]) -> Result<(), MeterLogError>;
}

/// The log in the database of the data zone, sealed. Used from threads that may wait.
pub struct DurableMeterLog {
    store: Store,
    sealer: Arc<dyn Sealer>,
    handle: Handle,
    /// What was read at the start, until it is told.
    lines: Vec<Vec<u8>>,
    next: i64,
}

fn place(seq: i64) -> String {
    format!("meter_line/{seq}/sealed")
}

impl DurableMeterLog {
    /// Opens the log and reads it.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Other`] when a line does not open with the zone's key.
    pub async fn open(store: Store, sealer: Arc<dyn Sealer>) -> Result<Self, StoreError> {
        store.migrate("meters", MIGRATIONS).await?;
        let (mut lines, mut next) = (Vec::new(), 1);
        loop {
            let from = next;
            let rows = store
                .read("meters.load", async |tx: &mut Tx| -> Result<_, StoreError> {
                    tx.query(
                        "SELECT seq, sealed FROM meter_line WHERE seq >= $1 ORDER BY seq LIMIT $2",
                        params![from, PAGE],
                    )
                    .await
                })
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let (seq, sealed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let damaged = |_| StoreError::Other(format!("line {seq} of the meters does not open"));
                lines.push(sealer.open(&place(seq), &sealed).map_err(damaged)?.to_vec());
                next = seq + 1;
            }
        }
        Ok(Self { store, sealer, handle: Handle::current(), lines, next })
    }
}

impl MeterLog for DurableMeterLog {
    fn replay(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<(), MeterLogError>) -> Result<(), MeterLogError> {
        std::mem::take(&mut self.lines).iter().try_for_each(|line| each(line))
    }

    fn append(&mut self, line: &[u8]) -> Result<(), MeterLogError> {
        let seq = self.next;
        let sealed = self.sealer.seal(&place(seq), line).map_err(|_| MeterLogError)?;
        let store = self.store.clone();
        let written = self.handle.block_on(async move {
            store
                .tx("meters.append", async |tx: &mut Tx| -> Result<(), StoreError> {
                    let row = params![seq, sealed.as_slice()];
                    tx.execute("INSERT INTO meter_line (seq, sealed) VALUES ($1, $2)", row).await?;
                    Ok(())
                })
                .await
        });
        written.map_err(|error| {
            tracing::error!(%error, "meters");
            MeterLogError
        })?;
        self.next += 1;
        Ok(())
    }
}

/// A log that is gone when it is dropped. Keeps nothing: the meters themselves remember.
#[derive(Debug, Default)]
pub struct MemoryMeterLog;

impl MeterLog for MemoryMeterLog {
    fn replay(&mut self, _: &mut dyn FnMut(&[u8]) -> Result<(), MeterLogError>) -> Result<(), MeterLogError> {
        Ok(())
    }

    fn append(&mut self, _: &[u8]) -> Result<(), MeterLogError> {
        Ok(())
    }
}
