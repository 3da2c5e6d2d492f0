//! The tables of extraction, in the data zone's database.

use kernel::Timestamp;
use protocol::ids::{DeliveryId, OrderId};
use store::{Migration, Row, StoreError, Tx, params};

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_extraction",
    sql: "CREATE TABLE extraction (
            order_id TEXT PRIMARY KEY, delivery_id TEXT NOT NULL UNIQUE, series TEXT NOT NULL, source TEXT NOT NULL,
            sequence BIGINT NOT NULL, phase TEXT NOT NULL, stopped TEXT, order_envelope TEXT NOT NULL,
            plan_envelope TEXT NOT NULL, staged BLOB, manifest TEXT, last_receipt TEXT, updated BIGINT NOT NULL);
          CREATE INDEX extraction_series ON extraction (series, source, sequence);
          CREATE TABLE extraction_object (
            delivery_id TEXT NOT NULL, object TEXT NOT NULL, bytes BIGINT NOT NULL, blake3 TEXT NOT NULL,
            confirmed BIGINT NOT NULL, committed BIGINT NOT NULL, attempts BIGINT NOT NULL, last_error TEXT,
            PRIMARY KEY (delivery_id, object))",
}];

/// How far an extraction has come. The next step is the one that leads out of the phase.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    /// The order was taken.
    Accepted,
    /// The permit was found live; rows may be read.
    Extracting,
    /// Persons and their values are fixed and staged.
    Staged,
    /// The package lies encrypted in the outbox.
    Sealed,
    /// Objects are on their way.
    Sending,
    /// All objects are at the receiver.
    Delivered,
    /// The room has opened it.
    Opened,
}

impl Phase {
    pub const fn text(self) -> &'static str {
        match self {
            Phase::Accepted => "accepted",
            Phase::Extracting => "extracting",
            Phase::Staged => "staged",
            Phase::Sealed => "sealed",
            Phase::Sending => "sending",
            Phase::Delivered => "delivered",
            Phase::Opened => "opened",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [
            Phase::Accepted,
            Phase::Extracting,
            Phase::Staged,
            Phase::Sealed,
            Phase::Sending,
            Phase::Delivered,
            Phase::Opened,
        ];
        all.into_iter().find(|p| p.text() == text)
    }

    /// The state of the delivery that the next step reaches, for failures.
    pub const fn next_state(self) -> &'static str {
        match self {
            Phase::Accepted => "extracting",
            Phase::Extracting | Phase::Staged => "sealed",
            Phase::Sealed => "sending",
            Phase::Sending => "delivered",
            Phase::Delivered | Phase::Opened => "opened",
        }
    }
}

/// One extraction.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub order_id: OrderId,
    pub delivery_id: DeliveryId,
    pub phase: Phase,
    pub stopped: Option<String>,
    pub order: String,
    pub plan: String,
    pub staged: Option<Vec<u8>>,
    pub manifest: Option<String>,
    pub last_receipt: Option<String>,
}

const COLUMNS: &str =
    "order_id, delivery_id, phase, stopped, order_envelope, plan_envelope, staged, manifest, last_receipt";

fn read(row: &Row) -> Result<Stored, StoreError> {
    let phase: String = row.get(2)?;
    Ok(Stored {
        order_id: row.get(0)?,
        delivery_id: row.get(1)?,
        phase: Phase::parse(&phase).ok_or(StoreError::Column { column: 2, wanted: "phase" })?,
        stopped: row.get(3)?,
        order: row.get(4)?,
        plan: row.get(5)?,
        staged: row.get(6)?,
        manifest: row.get(7)?,
        last_receipt: row.get(8)?,
    })
}

pub(super) async fn find(tx: &mut Tx, order: OrderId) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM extraction WHERE order_id = $1");
    tx.query_opt(&sql, params![order]).await?.map(|r| read(&r)).transpose()
}

/// A new extraction: which series, source and sequence it belongs to.
pub(super) struct New<'a> {
    pub stored: &'a Stored,
    pub series: &'a str,
    pub source: &'a str,
    pub sequence: u32,
    pub now: Timestamp,
}

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<(), StoreError> {
    let s = new.stored;
    tx.execute(
        "INSERT INTO extraction (order_id, delivery_id, series, source, sequence, phase, order_envelope, plan_envelope,
                                 last_receipt, updated)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            s.order_id,
            s.delivery_id,
            new.series,
            new.source,
            new.sequence,
            s.phase.text(),
            &s.order,
            &s.plan,
            s.last_receipt.clone(),
            new.now
        ],
    )
    .await?;
    Ok(())
}

/// Writes what a step may change: phase, staging, manifest, last receipt.
pub(super) async fn update(tx: &mut Tx, s: &Stored, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE extraction SET phase = $1, stopped = $2, staged = $3, manifest = $4, last_receipt = $5, updated = $6
         WHERE order_id = $7",
        params![
            s.phase.text(),
            s.stopped.clone(),
            s.staged.clone(),
            s.manifest.clone(),
            s.last_receipt.clone(),
            now,
            s.order_id
        ],
    )
    .await?;
    Ok(())
}

/// The manifest of the last delivery of the source under the series that arrived.
pub(super) async fn previous_manifest(
    tx: &mut Tx,
    series: &str,
    source: &str,
    before: u32,
) -> Result<Option<String>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT manifest FROM extraction WHERE series = $1 AND source = $2 AND sequence < $3
               AND phase IN ('delivered', 'opened') AND stopped IS NULL ORDER BY sequence DESC LIMIT 1",
            params![series, source, before],
        )
        .await?;
    row.map(|r| r.get::<Option<String>>(0)).transpose().map(Option::flatten)
}

/// An object in the journal (DEL-070).
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub name: String,
    pub bytes: u64,
    pub confirmed: u64,
    pub committed: bool,
}

pub(super) async fn journal(tx: &mut Tx, delivery: DeliveryId) -> Result<Vec<Object>, StoreError> {
    let rows = tx
        .query(
            "SELECT object, bytes, confirmed, committed FROM extraction_object WHERE delivery_id = $1 ORDER BY object",
            params![delivery],
        )
        .await?;
    let read = |r: &Row| {
        let (bytes, confirmed): (i64, i64) = (r.get(1)?, r.get(2)?);
        Ok(Object { name: r.get(0)?, bytes: bytes as u64, confirmed: confirmed as u64, committed: r.get(3)? })
    };
    rows.iter().map(read).collect()
}

/// Forgets the objects of an earlier attempt to seal.
pub(super) async fn journal_clear(tx: &mut Tx, delivery: DeliveryId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM extraction_object WHERE delivery_id = $1", params![delivery]).await?;
    Ok(())
}

pub(super) async fn journal_add(
    tx: &mut Tx,
    delivery: DeliveryId,
    object: &str,
    bytes: u64,
    blake3: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO extraction_object (delivery_id, object, bytes, blake3, confirmed, committed, attempts)
         VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (delivery_id, object) DO NOTHING",
        params![delivery, object, bytes as i64, blake3],
    )
    .await?;
    Ok(())
}

pub(super) async fn journal_set(
    tx: &mut Tx,
    delivery: DeliveryId,
    object: &Object,
    error: Option<&str>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE extraction_object SET confirmed = $1, committed = $2, last_error = $3,
           attempts = attempts + CASE WHEN $3 IS NULL THEN 0 ELSE 1 END
         WHERE delivery_id = $4 AND object = $5",
        params![object.confirmed as i64, object.committed, error.map(str::to_owned), delivery, object.name.clone()],
    )
    .await?;
    Ok(())
}

/// Extractions by source, newest first, for the source's own list.
pub(super) async fn list(tx: &mut Tx, limit: u32) -> Result<Vec<(Stored, Timestamp)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, updated FROM extraction ORDER BY updated DESC, order_id LIMIT {limit}");
    tx.query(&sql, params![]).await?.iter().map(|r| Ok((read(r)?, r.get(9)?))).collect()
}
