//! The documents of a delivery: extraction order, outer and inner manifest, receipts.

use std::collections::BTreeMap;

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Assurance, Document};
use crate::directory::KeyRole;
use crate::form::{Digest, Key32};
use crate::ids::{DeliveryId, MessageId, OrderId, ReleaseId, SnapshotId};
use crate::party::Party;

/// The order to one source to extract and deliver (DEL-010). Compiled from the permit, never typed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractionOrder {
    /// The order.
    pub order_id: OrderId,
    /// Permit series.
    pub series: String,
    /// Permit version.
    pub permit_id: String,
    /// Linkage plan.
    pub plan_no: u32,
    /// The source.
    pub source: String,
    /// Which delivery of this source under this series, from 1.
    pub sequence: u32,
    /// About whom.
    pub population: OrderPopulation,
    /// What.
    pub tables: Vec<TableOrder>,
    /// Whether choices count.
    pub optout: OrderOptOut,
    /// Under which pseudonyms.
    pub pseudonym: OrderPseudonym,
    /// Where to.
    pub room: OrderRoom,
    /// `parquet` or `csv`.
    pub format: String,
    /// Whether files are padded (DEL-055).
    pub pad: bool,
    /// From when it counts.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

impl Document for ExtractionOrder {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.extraction-order+json";
    const NAME: &'static str = "extraction order";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::PermitAuthority];
}

/// About whom.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPopulation {
    /// `own_rule`, `list_mixed`, `list_decoy`, `superset`.
    pub mode: String,
    /// The rule of the permit.
    pub expr: String,
    /// Variables of the rule and the datasets they stand for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, String>,
    /// At most so many persons.
    pub max_persons: u64,
}

/// One table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableOrder {
    /// Its name.
    pub table: String,
    /// Unit type of its rows.
    pub unit_type: String,
    /// Dataset that leads from the unit to the person, when the unit is not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Version of the store.
    pub store_version: String,
    /// First and last day.
    pub period: (Date, Date),
    /// Variable whose date must lie in the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_variable: Option<String>,
    /// `withhold` or `include`.
    pub undated: String,
    /// The columns.
    pub columns: Vec<ColumnOrder>,
}

/// One column.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnOrder {
    /// The catalogue's variable id.
    pub id: String,
    /// The dataset, `store/NAME`.
    pub dataset: String,
    /// Version of the variable.
    pub version: i64,
    /// Granularity.
    pub granularity: String,
}

/// Whether choices count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderOptOut {
    /// `exclude` or `exempt`.
    pub rule: String,
    /// Snapshot of the choices, for a node that works from snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
}

/// Under which pseudonyms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPseudonym {
    /// `P1` or `P2`.
    pub protocol: String,
    /// `service` or `local`.
    pub mode: String,
    /// `O`, `N` or `S`.
    pub id_form: String,
    /// Key epoch.
    pub epoch: u32,
}

/// Where to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRoom {
    /// The room.
    pub id: Party,
    /// `local`, `sftp`, …
    pub adapter: String,
    /// X25519 key of the intake.
    pub intake_key: Key32,
}

/// The outer manifest (DEL-060): signed by the source, written and sent last.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always 1.
    pub manifest_version: u32,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Its order.
    pub order_id: OrderId,
    /// Permit series.
    pub series: String,
    /// Permit version.
    pub permit_id: String,
    /// Linkage plan.
    pub plan_no: u32,
    /// The source.
    pub source: String,
    /// Which delivery of this source under this series.
    pub sequence: u32,
    /// The room.
    pub room: Party,
    /// When it was made.
    pub created_at: Timestamp,
    /// `P1` or `P2`.
    pub protocol: String,
    /// `O`, `N` or `S`.
    pub id_form: String,
    /// Key epoch.
    pub epoch: u32,
    /// Day of the number history.
    pub snapshot_date: Date,
    /// What the separation of the key stewards is worth.
    pub assurance: Assurance,
    /// Merkle root of the person table.
    pub person_root: Digest,
    /// Elements of the person table, padding included.
    pub person_count_padded: u64,
    /// The objects of the package.
    pub files: Vec<ManifestFile>,
    /// Digest of the inner manifest.
    pub inner_sha256: Digest,
    /// The release in the ledger.
    pub ledger_release_id: ReleaseId,
    /// The ledger's signed receipt.
    pub ledger_receipt: crate::dsse::Envelope,
    /// Digest of the payload of the manifest before, of this source under this series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_manifest: Option<Digest>,
    /// Name and version of the program.
    pub software: String,
}

impl Document for Manifest {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.manifest+json";
    const NAME: &'static str = "manifest";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::Source];
}

/// One object of a package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Name inside the package, e.g. `data/0001.c4gh`.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: Digest,
    /// BLAKE3.
    pub blake3: Digest,
}

/// The inner manifest, inside the first sealed object.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerManifest {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The files of the other objects.
    pub files: Vec<InnerFile>,
    /// What was left out, and that nothing else is in.
    pub minimisation: MinimisationProof,
    /// What is not as ordered.
    pub deviations: Vec<Deviation>,
    /// Digest of `codebook.json`.
    pub codebook_sha256: Digest,
    /// Persons in the person table, padding not counted.
    pub persons: u64,
    /// Snapshot of the choices that were applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optout_snapshot: Option<SnapshotId>,
    /// Digest of the compiled query plan.
    pub query_plan: Digest,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerFile {
    /// Name of the sealed object.
    pub name: String,
    /// Name of the table.
    pub table: String,
    /// `persons`, `population`, `table`, `relation`.
    pub role: String,
    /// Length without padding.
    pub plain_bytes: u64,
    /// SHA-256 without padding.
    pub plain_sha256: Digest,
    /// Rows.
    pub rows: u64,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Always `false`: row order is random.
    pub sorted: bool,
}

/// Counts before and after each filter (DEL-012); counts below 5 as `<5`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimisationProof {
    /// Digest of the compiled query plan.
    pub query_plan: Digest,
    /// Permit version.
    pub permit_id: String,
    /// Steps, table by table.
    pub steps: Vec<RowCounts>,
}

/// Rows and persons of one table after one filter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// The table.
    pub table: String,
    /// The filter, e.g. `all`, `period`, `population`, `choices`.
    pub after: String,
    /// Rows left.
    pub rows: String,
    /// Persons left.
    pub persons: String,
}

/// Something that is not as ordered and does not stop the delivery (DEL-013).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// `column_missing`, `not_in_code_list`.
    pub kind: String,
    /// Rows concerned.
    pub rows: u64,
}

/// What a receipt says (DEL-100).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// The source takes the order.
    Accepted,
    /// The package is encrypted.
    Sealed,
    /// The release is in the ledger.
    Ledger,
    /// All objects have arrived.
    Delivered,
    /// The room has opened it.
    Opened,
    /// The room does not take it.
    Rejected,
    /// Which persons were kept.
    Kept,
    /// It is deleted.
    Deleted,
}

/// A receipt of a delivery.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Of this document.
    pub message_id: MessageId,
    /// What it says.
    pub kind: ReceiptKind,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Permit series.
    pub series: String,
    /// Permit version.
    pub permit_id: String,
    /// The source.
    pub source: String,
    /// Who signs.
    pub by: Party,
    /// When.
    pub at: Timestamp,
    /// For `rejected`: a code of DEL-101.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For `ledger` and `kept`: the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_id: Option<ReleaseId>,
    /// For `ledger`: number in the stream of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// For `ledger`: Merkle root of the person table that was sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_root: Option<Digest>,
    /// For `ledger`: digest of the public record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Digest>,
    /// Persons, for receipts that stay between source, room and key role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<u64>,
    /// Further facts of the kind, e.g. rows and seconds per step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// Digest of the payload of the receipt before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_receipt: Option<Digest>,
}

impl Document for Receipt {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.receipt+json";
    const NAME: &'static str = "receipt";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::Source, KeyRole::Ledger, KeyRole::Intake];
}
