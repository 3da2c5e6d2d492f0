//! The tables of deliveries, in the centre's database.

use kernel::Timestamp;
use protocol::ids::{DeliveryId, OrderId};
use store::{Migration, Row, StoreError, Tx, params};

use crate::State;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "001_deliveries",
    sql: "CREATE TABLE delivery (
            order_id TEXT PRIMARY KEY, series TEXT NOT NULL, permit_id TEXT NOT NULL, source TEXT NOT NULL,
            sequence BIGINT NOT NULL, room TEXT NOT NULL, delivery_id TEXT, state TEXT NOT NULL, version BIGINT NOT NULL,
            ordered_at BIGINT NOT NULL, state_at BIGINT NOT NULL, order_envelope TEXT NOT NULL,
            plan_envelope TEXT NOT NULL, permit_envelope TEXT NOT NULL, parties TEXT NOT NULL);
          CREATE UNIQUE INDEX delivery_sequence ON delivery (series, source, sequence);
          CREATE INDEX delivery_state ON delivery (state_at);
          CREATE TABLE delivery_event (
            order_id TEXT NOT NULL, seq BIGINT NOT NULL, state TEXT NOT NULL, code TEXT, at BIGINT NOT NULL,
            told_at BIGINT NOT NULL, told_by TEXT NOT NULL, detail TEXT, receipt TEXT, receipt_digest TEXT,
            PRIMARY KEY (order_id, seq))",
}];

/// One delivery as the centre keeps it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub order_id: OrderId,
    pub series: String,
    pub permit_id: String,
    pub source: String,
    pub sequence: i64,
    pub room: String,
    pub delivery_id: Option<DeliveryId>,
    pub state: State,
    pub version: i64,
    pub ordered_at: Timestamp,
    pub state_at: Timestamp,
    pub order: String,
    pub plan: String,
    pub permit: String,
    pub parties: Vec<String>,
}

const COLUMNS: &str = "order_id, series, permit_id, source, sequence, room, delivery_id, state, version, ordered_at,
    state_at, order_envelope, plan_envelope, permit_envelope, parties";

fn read(row: &Row) -> Result<Stored, StoreError> {
    let json = |i: usize, wanted: &'static str| -> Result<serde_json::Value, StoreError> {
        serde_json::from_str(&row.get::<String>(i)?).map_err(|_| StoreError::Column { column: i, wanted })
    };
    let bad = |column: usize, wanted: &'static str| move |_| StoreError::Column { column, wanted };
    Ok(Stored {
        order_id: row.get(0)?,
        series: row.get(1)?,
        permit_id: row.get(2)?,
        source: row.get(3)?,
        sequence: row.get(4)?,
        room: row.get(5)?,
        delivery_id: row.get(6)?,
        state: serde_json::from_value(json(7, "state")?).map_err(bad(7, "state"))?,
        version: row.get(8)?,
        ordered_at: row.get(9)?,
        state_at: row.get(10)?,
        order: row.get(11)?,
        plan: row.get(12)?,
        permit: row.get(13)?,
        parties: serde_json::from_value(json(14, "parties")?).map_err(bad(14, "parties"))?,
    })
}

pub(super) async fn find(tx: &mut Tx, order: OrderId) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE order_id = $1");
    tx.query_opt(&sql, params![order]).await?.map(|r| read(&r)).transpose()
}

pub(super) async fn of_series(tx: &mut Tx, series: &str) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE series = $1 ORDER BY source, sequence");
    tx.query(&sql, params![series]).await?.iter().map(read).collect()
}

pub(super) async fn newest(tx: &mut Tx, limit: u32) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM delivery ORDER BY state_at DESC, order_id LIMIT {limit}");
    tx.query(&sql, params![]).await?.iter().map(read).collect()
}

/// The last order of a source under a series.
pub(super) async fn last(tx: &mut Tx, series: &str, source: &str) -> Result<Option<Stored>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM delivery WHERE series = $1 AND source = $2 ORDER BY sequence DESC LIMIT 1");
    tx.query_opt(&sql, params![series, source]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn insert(tx: &mut Tx, s: &Stored) -> Result<(), StoreError> {
    let parties = serde_json::to_string(&s.parties).unwrap_or_else(|_| "[]".into());
    let state = serde_json::to_string(&s.state).unwrap_or_default();
    tx.execute(
        "INSERT INTO delivery (order_id, series, permit_id, source, sequence, room, delivery_id, state, version,
           ordered_at, state_at, order_envelope, plan_envelope, permit_envelope, parties)
         VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            s.order_id,
            &s.series,
            &s.permit_id,
            &s.source,
            s.sequence,
            &s.room,
            state,
            s.version,
            s.ordered_at,
            s.state_at,
            &s.order,
            &s.plan,
            &s.permit,
            parties
        ],
    )
    .await?;
    Ok(())
}

/// Writes the new state under the version that was read; false when somebody was faster.
pub(super) async fn set_state(
    tx: &mut Tx,
    before: &Stored,
    state: &State,
    delivery: Option<DeliveryId>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let text = serde_json::to_string(state).unwrap_or_default();
    let delivery = delivery.map(|d| d.to_string());
    let rows = tx
        .execute(
            "UPDATE delivery SET state = $1, delivery_id = COALESCE($2, delivery_id), state_at = $3,
               version = version + 1 WHERE order_id = $4 AND version = $5",
            params![text, delivery, at, before.order_id, before.version],
        )
        .await?;
    Ok(rows == 1)
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub state: String,
    pub code: Option<String>,
    pub at: Timestamp,
    pub told_by: String,
    pub detail: Option<String>,
    pub receipt: Option<String>,
    pub receipt_digest: Option<String>,
}

pub(super) async fn events(tx: &mut Tx, order: OrderId) -> Result<Vec<Event>, StoreError> {
    let rows = tx
        .query(
            "SELECT state, code, at, told_by, detail, receipt, receipt_digest FROM delivery_event
             WHERE order_id = $1 ORDER BY at, seq",
            params![order],
        )
        .await?;
    let read = |r: &Row| {
        Ok(Event {
            state: r.get(0)?,
            code: r.get(1)?,
            at: r.get(2)?,
            told_by: r.get(3)?,
            detail: r.get(4)?,
            receipt: r.get(5)?,
            receipt_digest: r.get(6)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds a line; one that tells the same (state, instant, teller, receipt) is not added twice.
pub(super) async fn add_event(tx: &mut Tx, order: OrderId, e: &Event, now: Timestamp) -> Result<bool, StoreError> {
    let known = tx
        .query_opt(
            "SELECT 1 FROM delivery_event WHERE order_id = $1 AND state = $2 AND told_by = $3
               AND (at = $4 OR (receipt_digest IS NOT NULL AND receipt_digest = $5))",
            params![order, &e.state, &e.told_by, e.at, e.receipt_digest.clone()],
        )
        .await?;
    if known.is_some() {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO delivery_event (order_id, seq, state, code, at, told_at, told_by, detail, receipt, receipt_digest)
         SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9 FROM delivery_event WHERE order_id = $1",
        params![
            order,
            &e.state,
            e.code.clone(),
            e.at,
            now,
            &e.told_by,
            e.detail.clone(),
            e.receipt.clone(),
            e.receipt_digest.clone()
        ],
    )
    .await?;
    Ok(true)
}
