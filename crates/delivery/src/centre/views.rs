//! What pages and interfaces show of a delivery.

use kernel::Timestamp;
use protocol::documents::ExtractionOrder;
use protocol::{Envelope, Party};
use serde::Serialize;
use serde_json::Value;

use super::sql::{Event, Stored};
use crate::State;

/// The deliveries of a permit series.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PermitDeliveries {
    /// The series.
    pub series: String,
    /// By source, then by sequence.
    pub deliveries: Vec<DeliveryView>,
}

/// One delivery.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DeliveryView {
    /// The order's id: what the delivery is addressed by.
    pub order_id: String,
    /// The delivery's id, once the source has taken the order.
    pub delivery_id: Option<String>,
    /// Permit series.
    pub series: String,
    /// Permit version.
    pub permit_id: String,
    /// The source.
    pub source: String,
    /// Which delivery of the source.
    pub sequence: i64,
    /// The room.
    pub room: String,
    /// State with what belongs to it.
    #[serde(flatten)]
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// Who is to act: `source`, `room`, `nobody`.
    pub held_by: &'static str,
    /// The state that comes next when all goes well.
    pub next: Option<&'static str>,
    /// Until when the order may be carried out.
    pub due: Option<Timestamp>,
    /// Tables and columns that were ordered.
    pub tables: Vec<TableView>,
    /// What happened, oldest first.
    pub timeline: Vec<EventView>,
    /// Receipts of the way; missing ones are listed with `envelope: null` (DEL-100).
    pub receipts: Vec<ReceiptView>,
}

/// One ordered table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TableView {
    /// Its name.
    pub table: String,
    /// Variable and granularity.
    pub columns: Vec<(String, String)>,
    /// First and last day.
    pub period: (kernel::Date, kernel::Date),
}

/// One event.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct EventView {
    /// The state entered, or `rejected`.
    pub state: String,
    /// Reason code, when something did not work.
    pub code: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// Who told: `centre`, `data`, `room:…`.
    pub by: String,
    /// Seconds since the event before; none for the first.
    pub after_seconds: Option<i64>,
    /// Further facts, without persons.
    pub detail: Option<Value>,
}

/// One receipt.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReceiptView {
    /// `accepted`, `sealed`, `delivered`, `opened`.
    pub kind: String,
    /// When it came.
    pub at: Option<Timestamp>,
    /// Digest of its payload.
    pub digest: Option<String>,
    /// The signed receipt; none while it is missing.
    pub envelope: Option<Value>,
}

/// The receipts that a delivery gets on its way.
const RECEIPTS: [&str; 4] = ["accepted", "sealed", "delivered", "opened"];

pub(super) fn of(stored: &Stored, events: &[Event]) -> DeliveryView {
    let order: Option<ExtractionOrder> =
        Envelope::parse(stored.order.as_bytes()).ok().and_then(|e| e.read_unverified().ok());
    let tables = order.iter().flat_map(|o| &o.tables).map(|t| TableView {
        table: t.table.clone(),
        columns: t.columns.iter().map(|c| (c.id.clone(), c.granularity.clone())).collect(),
        period: t.period,
    });
    let receipt = |kind: &str| events.iter().rev().find(|e| e.state == kind && e.receipt.is_some());
    let mut receipts: Vec<ReceiptView> = RECEIPTS
        .into_iter()
        .map(|kind| {
            let found = receipt(kind);
            ReceiptView {
                kind: kind.to_owned(),
                at: found.map(|e| e.at),
                digest: found.and_then(|e| e.receipt_digest.clone()),
                envelope: found.and_then(|e| serde_json::from_str(e.receipt.as_deref()?).ok()),
            }
        })
        .collect();
    if events.is_empty() {
        receipts.clear();
    }
    let mut before: Option<Timestamp> = None;
    let timeline = events
        .iter()
        .map(|e| EventView {
            state: e.state.clone(),
            code: e.code.clone(),
            at: e.at,
            by: e.told_by.clone(),
            after_seconds: before.replace(e.at).map(|b| (e.at.micros() - b.micros()) / 1_000_000),
            detail: e.detail.as_deref().and_then(|d| serde_json::from_str(d).ok()),
        })
        .collect();
    DeliveryView {
        order_id: stored.order_id.to_string(),
        delivery_id: stored.delivery_id.map(|d| d.to_string()),
        series: stored.series.clone(),
        permit_id: stored.permit_id.clone(),
        source: stored.source.clone(),
        sequence: stored.sequence,
        room: stored.room.parse::<Party>().map_or_else(|_| stored.room.clone(), |p| p.to_string()),
        state: stored.state.clone(),
        since: stored.state_at,
        ordered_at: stored.ordered_at,
        held_by: stored.state.held_by(),
        next: stored.state.next(),
        due: order.as_ref().map(|o| o.not_after).filter(|_| !stored.state.is_over() && stored.state != State::Opened),
        tables: tables.collect(),
        timeline,
        receipts,
    }
}
