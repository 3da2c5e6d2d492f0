//! The tables of the room's intake.

use kernel::Timestamp;
use protocol::ids::DeliveryId;
use store::{Migration, Row, StoreError, Tx, params};

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_intake",
    sql: "CREATE TABLE room_delivery (
            delivery_id TEXT PRIMARY KEY, series TEXT NOT NULL, source TEXT NOT NULL, sequence BIGINT NOT NULL,
            permit_id TEXT NOT NULL, outcome TEXT NOT NULL, manifest_digest TEXT NOT NULL, receipt TEXT NOT NULL,
            files TEXT NOT NULL, at BIGINT NOT NULL);
          CREATE INDEX room_delivery_series ON room_delivery (series, source, sequence);
          CREATE TABLE room_vault (series TEXT PRIMARY KEY, sealed BLOB NOT NULL, updated BIGINT NOT NULL)",
}];

/// A delivery as the room keeps it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub delivery_id: DeliveryId,
    pub series: String,
    pub source: String,
    pub sequence: i64,
    pub permit_id: String,
    /// `opened` or `rejected`.
    pub outcome: String,
    pub manifest_digest: String,
    pub receipt: String,
    /// Room files with digests, as JSON.
    pub files: String,
    pub at: Timestamp,
}

const COLUMNS: &str = "delivery_id, series, source, sequence, permit_id, outcome, manifest_digest, receipt, files, at";

fn read(row: &Row) -> Result<Stored, StoreError> {
    Ok(Stored {
        delivery_id: row.get(0)?,
        series: row.get(1)?,
        source: row.get(2)?,
        sequence: row.get(3)?,
        permit_id: row.get(4)?,
        outcome: row.get(5)?,
        manifest_digest: row.get(6)?,
        receipt: row.get(7)?,
        files: row.get(8)?,
        at: row.get(9)?,
    })
}

pub(super) async fn find(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM room_delivery WHERE delivery_id = $1");
    tx.query_opt(&sql, params![delivery]).await?.map(|r| read(&r)).transpose()
}

/// The last opened delivery of a source under a series.
pub(super) async fn last_opened(tx: &mut Tx, series: &str, source: &str) -> Result<Option<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM room_delivery WHERE series = $1 AND source = $2 AND outcome = 'opened'
         ORDER BY sequence DESC LIMIT 1"
    );
    tx.query_opt(&sql, params![series, source]).await?.map(|r| read(&r)).transpose()
}

pub(super) async fn all(tx: &mut Tx, series: Option<&str>) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM room_delivery WHERE $1 = '' OR series = $1 ORDER BY series, source, sequence, at"
    );
    tx.query(&sql, params![series.unwrap_or("")]).await?.iter().map(read).collect()
}

/// Keeps the outcome. A delivery that was rejected may be opened later, when the source has sent the objects anew; one
/// that was opened stays as it is.
pub(super) async fn keep(tx: &mut Tx, s: &Stored) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO room_delivery (delivery_id, series, source, sequence, permit_id, outcome, manifest_digest, receipt,
           files, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (delivery_id) DO UPDATE SET outcome = excluded.outcome, manifest_digest = excluded.manifest_digest,
           receipt = excluded.receipt, files = excluded.files, at = excluded.at
         WHERE room_delivery.outcome = 'rejected'",
        params![
            s.delivery_id,
            &s.series,
            &s.source,
            s.sequence,
            &s.permit_id,
            &s.outcome,
            &s.manifest_digest,
            &s.receipt,
            &s.files,
            s.at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn vault(tx: &mut Tx, series: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.query_opt("SELECT sealed FROM room_vault WHERE series = $1", params![series]).await?;
    row.map(|r| r.get(0)).transpose()
}

pub(super) async fn set_vault(tx: &mut Tx, series: &str, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO room_vault (series, sealed, updated) VALUES ($1, $2, $3)
         ON CONFLICT (series) DO UPDATE SET sealed = excluded.sealed, updated = excluded.updated",
        params![series, sealed, now],
    )
    .await?;
    Ok(())
}
