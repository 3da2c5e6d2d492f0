//! Calls that the key role answers (section 12 of the specification of keys).
//!
//! A citizen is named by `subject`: a Crypt4GH container sealed to the key role's key ([`crate::KeyRole::Channel`] of
//! [`crate::Party::Keys`]) whose content is her identity number as 11 ASCII digits. Ordinals travel only between the
//! data zone and the key role.

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use super::frame::{Frame, FrameError, put_u32s, take_u32, take_u32s};
use super::{Call, Done, PermitCurrentAnswer};
use crate::documents::{ChoiceKind, ReleaseRecord};
use crate::dsse::Envelope;
use crate::form::{Base64, Digest};
use crate::ids::{ChoiceId, DeliveryId, OrderId, ReleaseId, SnapshotId};

/// Why one row of a batch has no value. The number is the row code on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowCode {
    /// Syntax or control digits.
    InvalidNumber = 1,
    /// Not in the index.
    UnknownPerson = 2,
    /// Points to two persons.
    AmbiguousPerson = 3,
}

impl RowCode {
    fn from_byte(byte: u8) -> Result<Self, FrameError> {
        match byte {
            1 => Ok(RowCode::InvalidNumber),
            2 => Ok(RowCode::UnknownPerson),
            3 => Ok(RowCode::AmbiguousPerson),
            _ => Err(FrameError),
        }
    }
}

/// A row without value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowError {
    /// Position in the batch.
    pub index: u32,
    /// Why.
    pub code: RowCode,
}

fn put_errors(out: &mut Vec<u8>, errors: &[RowError]) {
    for error in errors {
        out.extend_from_slice(&error.index.to_le_bytes());
        out.push(error.code as u8);
    }
}

fn take_errors(bytes: &[u8], count: u32) -> Result<(Vec<RowError>, &[u8]), FrameError> {
    let length = (count as usize).checked_mul(5).ok_or(FrameError)?;
    let (front, rest) = bytes.split_at_checked(length).ok_or(FrameError)?;
    let (chunks, _) = front.as_chunks::<5>();
    let read = |c: &[u8; 5]| {
        Ok(RowError { index: u32::from_le_bytes([c[0], c[1], c[2], c[3]]), code: RowCode::from_byte(c[4])? })
    };
    Ok((chunks.iter().map(read).collect::<Result<_, FrameError>>()?, rest))
}

/// How ids are checked before they get an ordinal (DATA-087).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdCheck {
    /// Ids of type `FNR` must be valid identity numbers.
    National,
    /// Any text; the ids live in a space of their own and never meet national numbers.
    Opaque,
}

/// Header of `index/register`: unit ids to ordinals, at ingest. See [`index_register`] for the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexRegister {
    /// The ingest job, for the log.
    pub job: String,
    /// Id type, e.g. `FNR`, `NPR_EPISODE_ID`.
    pub id_type: String,
    /// How ids are checked.
    pub check: IdCheck,
    /// The space of opaque ids, e.g. the store's name; absent with `national`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
}

impl IndexRegister {
    /// The kind of the call.
    pub const KIND: &'static str = "index/register";
    /// The largest batch.
    pub const MAX: usize = 65_536;
    /// The ordinal of a refused row.
    pub const REFUSED: u32 = u32::MAX;
}

/// The answer of `index/register`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registered {
    /// One ordinal per id, in order; [`IndexRegister::REFUSED`] where there is none.
    pub ordinals: Vec<u32>,
    /// Why not.
    pub errors: Vec<RowError>,
}

/// The bytes of `index/register`: `u32 n`, n × (`u8` length, bytes); answer: n × `u32`, `u32 e`, e × (`u32`, `u8`).
pub mod index_register {
    use super::{FrameError, IndexRegister, Registered, put_errors, put_u32s, take_errors, take_u32, take_u32s};

    /// Packs ids.
    ///
    /// # Errors
    /// [`FrameError`] for more than [`IndexRegister::MAX`] ids, or an id longer than 255 bytes.
    pub fn encode<T: AsRef<[u8]>>(ids: &[T]) -> Result<Vec<u8>, FrameError> {
        if ids.len() > IndexRegister::MAX {
            return Err(FrameError);
        }
        let mut out = Vec::with_capacity(4 + ids.len() * 12);
        put_u32s(&mut out, [ids.len() as u32]);
        for id in ids {
            let id = id.as_ref();
            out.push(u8::try_from(id.len()).map_err(|_| FrameError)?);
            out.extend_from_slice(id);
        }
        Ok(out)
    }

    /// Unpacks ids.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Vec<&[u8]>, FrameError> {
        let (n, mut rest) = take_u32(bytes)?;
        if n as usize > IndexRegister::MAX {
            return Err(FrameError);
        }
        let mut ids = Vec::with_capacity(n as usize);
        for _ in 0..n {
            let (length, after) = rest.split_first().ok_or(FrameError)?;
            let (id, after) = after.split_at_checked(usize::from(*length)).ok_or(FrameError)?;
            ids.push(id);
            rest = after;
        }
        if rest.is_empty() { Ok(ids) } else { Err(FrameError) }
    }

    /// Packs the answer.
    pub fn encode_answer(answer: &Registered) -> Vec<u8> {
        let mut out = Vec::with_capacity(answer.ordinals.len() * 4 + 4 + answer.errors.len() * 5);
        put_u32s(&mut out, answer.ordinals.iter().copied());
        put_u32s(&mut out, [answer.errors.len() as u32]);
        put_errors(&mut out, &answer.errors);
        out
    }

    /// Unpacks the answer to a batch of `n` ids.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode_answer(bytes: &[u8], n: usize) -> Result<Registered, FrameError> {
        let (ordinals, rest) = take_u32s(bytes, n)?;
        let (e, rest) = take_u32(rest)?;
        let (errors, rest) = take_errors(rest, e)?;
        if rest.is_empty() { Ok(Registered { ordinals, errors }) } else { Err(FrameError) }
    }
}

/// Header of `pseudonyms/source`: the source's step of P1 for the persons of one delivery (KEY-044). See
/// [`pseudonyms`] for the bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudonymsSource {
    /// Permit version.
    pub permit: String,
    /// The source.
    pub source: String,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Key epoch.
    pub epoch: u32,
    /// The signed extraction order that the delivery carries out (KEY-091).
    pub order: Envelope,
}

impl PseudonymsSource {
    /// The kind of the call.
    pub const KIND: &'static str = "pseudonyms/source";
    /// The smallest batch, padding included.
    pub const MIN: usize = 1_024;
    /// The largest batch.
    pub const MAX: usize = 1_048_576;
    /// In place of an ordinal: a row of padding, answered with a value that belongs to nobody.
    pub const PADDING: u32 = u32::MAX;
}

/// The bytes of `pseudonyms/source` for ids of form `O`: `u32 n`, `u8` form, 3 zero bytes, n × `u32`; answer: `u32 n`,
/// `u32 e`, e × (`u32`, `u8`), n × 16 bytes, a failed row as 16 zero bytes.
pub mod pseudonyms {
    use super::{FrameError, PseudonymsSource, RowError, put_errors, put_u32s, take_errors, take_u32, take_u32s};

    /// Packs ordinals.
    ///
    /// # Errors
    /// [`FrameError`] for more than [`PseudonymsSource::MAX`].
    pub fn encode(ordinals: &[u32]) -> Result<Vec<u8>, FrameError> {
        if ordinals.len() > PseudonymsSource::MAX {
            return Err(FrameError);
        }
        let mut out = Vec::with_capacity(8 + ordinals.len() * 4);
        put_u32s(&mut out, [ordinals.len() as u32]);
        out.extend_from_slice(b"O\0\0\0");
        put_u32s(&mut out, ordinals.iter().copied());
        Ok(out)
    }

    /// Unpacks ordinals.
    ///
    /// # Errors
    /// [`FrameError`], also for another form than `O`.
    pub fn decode(bytes: &[u8]) -> Result<Vec<u32>, FrameError> {
        let (n, rest) = take_u32(bytes)?;
        let rest = rest.strip_prefix(b"O\0\0\0").ok_or(FrameError)?;
        if n as usize > PseudonymsSource::MAX {
            return Err(FrameError);
        }
        let (ordinals, rest) = take_u32s(rest, n as usize)?;
        if rest.is_empty() { Ok(ordinals) } else { Err(FrameError) }
    }

    /// Packs the answer.
    pub fn encode_answer(values: &[[u8; 16]], errors: &[RowError]) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + errors.len() * 5 + values.len() * 16);
        put_u32s(&mut out, [values.len() as u32, errors.len() as u32]);
        put_errors(&mut out, errors);
        out.extend_from_slice(values.as_flattened());
        out
    }

    /// Unpacks the answer. An all-zero value that is not listed as failed is refused (KEY-045).
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode_answer(bytes: &[u8]) -> Result<(Vec<[u8; 16]>, Vec<RowError>), FrameError> {
        let (n, rest) = take_u32(bytes)?;
        let (e, rest) = take_u32(rest)?;
        let (errors, rest) = take_errors(rest, e)?;
        let (values, tail) = rest.as_chunks::<16>();
        let zeros = values.iter().filter(|v| **v == [0u8; 16]).count();
        if !tail.is_empty() || values.len() != n as usize || zeros != errors.len() {
            return Err(FrameError);
        }
        Ok((values.to_vec(), errors))
    }
}

/// Header of `choices/permitted`: which of these persons may be used (CIT-022, CIT-023). See [`permitted`] for the
/// bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesPermitted {
    /// What for.
    #[serde(rename = "for")]
    pub purpose: SourceUse,
    /// The source.
    pub source: String,
}

/// What the persons of a source are used for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "use", rename_all = "snake_case", deny_unknown_fields)]
pub enum SourceUse {
    /// An extraction under a permit.
    Extraction {
        /// Permit version.
        permit: String,
        /// The order.
        order_id: OrderId,
    },
    /// A new version of a store, for anonymous statistics.
    StoreVersion {
        /// The store.
        store: String,
    },
}

impl ChoicesPermitted {
    /// The kind of the call.
    pub const KIND: &'static str = "choices/permitted";
}

/// Header of the answer of `choices/permitted`; the bytes are a bitmap, bit i of byte i / 8 = row i may be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesPermittedAnswer {
    /// State of the choices that was applied.
    pub snapshot: SnapshotId,
    /// The instant at which reservations were looked at.
    pub at: Timestamp,
    /// Persons asked about.
    pub asked: u64,
    /// Persons who may be used.
    pub permitted: u64,
}

/// The bytes of `choices/permitted`: as [`pseudonyms`], form `O`; answer: a [`Frame`] of [`ChoicesPermittedAnswer`] and
/// a bitmap.
pub mod permitted {
    use bytes::Bytes;

    pub use super::pseudonyms::{decode, encode};
    use super::{ChoicesPermittedAnswer, Frame, FrameError};

    /// Packs the answer.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn encode_answer(header: ChoicesPermittedAnswer, permitted: &[bool]) -> Result<Bytes, FrameError> {
        let mut bits = vec![0u8; permitted.len().div_ceil(8)];
        for (i, _) in permitted.iter().enumerate().filter(|(_, p)| **p) {
            bits[i / 8] |= 1 << (i % 8);
        }
        Frame::new(header, bits).encode()
    }

    /// Unpacks the answer about `n` persons.
    ///
    /// # Errors
    /// [`FrameError`], also when the counts do not agree with the bitmap.
    pub fn decode_answer(body: &Bytes, n: usize) -> Result<(ChoicesPermittedAnswer, Vec<bool>), FrameError> {
        let frame = Frame::<ChoicesPermittedAnswer>::decode(body)?;
        if frame.bytes.len() != n.div_ceil(8) {
            return Err(FrameError);
        }
        let permitted: Vec<bool> = (0..n).map(|i| frame.bytes[i / 8] >> (i % 8) & 1 == 1).collect();
        let count = permitted.iter().filter(|p| **p).count() as u64;
        if frame.header.asked != n as u64 || frame.header.permitted != count {
            return Err(FrameError);
        }
        Ok((frame.header, permitted))
    }
}

/// `choices/set`: a citizen chooses or withdraws (KEY-108, CIT section 3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesSet {
    /// Who, sealed to the key role.
    pub subject: Base64,
    /// Of this event, made by the centre: the same one again changes nothing and gives the same receipt.
    pub choice_id: ChoiceId,
    /// Kind.
    pub choice: ChoiceKind,
    /// A source, or `all`.
    pub scope: String,
    /// `true` = choose, `false` = withdraw.
    pub value: bool,
    /// How the choice came, e.g. `web`, `paper`.
    pub channel: String,
    /// Opaque account id of who acted.
    pub by: String,
    /// Version of the text that was shown.
    pub template_version: String,
}

/// The receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesSetAnswer {
    /// A signed [`ChoiceReceipt`](crate::documents::ChoiceReceipt).
    pub receipt: Envelope,
}

impl Call for ChoicesSet {
    const KIND: &'static str = "choices/set";
    type Answer = ChoicesSetAnswer;
}

/// `choices/list`: a citizen's choices with their history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesList {
    /// Who, sealed to the key role.
    pub subject: Base64,
}

/// Choices, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesListAnswer {
    /// Every choice that was ever made.
    pub choices: Vec<ChoiceEntry>,
}

/// One choice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceEntry {
    /// The event.
    pub choice_id: ChoiceId,
    /// Kind.
    pub choice: ChoiceKind,
    /// A source, or `all`.
    pub scope: String,
    /// In force from.
    pub from: Timestamp,
    /// Withdrawn at, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// The receipt of the choice.
    pub receipt: Envelope,
    /// The receipt of the withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal_receipt: Option<Envelope>,
}

impl Call for ChoicesList {
    const KIND: &'static str = "choices/list";
    type Answer = ChoicesListAnswer;
}

/// Header of `ledger/release`: seal a release before the package leaves (KEY-100). The bytes are a Crypt4GH container
/// sealed to the key role with one little-endian `u32` ordinal per element of the person table, in `pidx` order,
/// [`PseudonymsSource::PADDING`] for padding. The same delivery with the same content again gives the same receipt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRelease {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Permit version.
    pub permit: String,
    /// The source.
    pub source: String,
    /// Tables.
    pub tables: Vec<String>,
    /// Groups of variables.
    pub variable_groups: Vec<String>,
    /// First and last day of the data.
    pub period: (Date, Date),
    /// Merkle root of the person table.
    pub person_root: Digest,
    /// Elements of the person table, padding included.
    pub person_count_padded: u64,
    /// Persons, as counted by the source (CIT-040).
    pub persons: u64,
    /// The release that this one corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<ReleaseId>,
}

impl LedgerRelease {
    /// The kind of the call.
    pub const KIND: &'static str = "ledger/release";
}

/// The release is in the ledger, not yet shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerReleaseAnswer {
    /// The release.
    pub release_id: ReleaseId,
    /// A signed [`Receipt`](crate::documents::Receipt) of kind `ledger`.
    pub receipt: Envelope,
    /// Its public record.
    pub record: ReleaseRecord,
}

/// Header of `ledger/kept`: the room tells which persons it kept; the release becomes final. The bytes are a Crypt4GH
/// container sealed to the key role with a bitmap over `pidx` (bit i of byte i / 8).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerKept {
    /// The release.
    pub release_id: ReleaseId,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The signed receipt `opened`.
    pub opened: Envelope,
    /// Persons kept, as counted by the room.
    pub kept: u64,
}

impl LedgerKept {
    /// The kind of the call. The answer is a [`KeyReceiptNotice`] with a signed receipt of kind `kept`.
    pub const KIND: &'static str = "ledger/kept";
}

/// `ledger/void`: a release that was never opened, or recalled before it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerVoid {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Reason code.
    pub reason: String,
}

impl Call for LedgerVoid {
    const KIND: &'static str = "ledger/void";
    type Answer = Done;
}

/// `ledger/me`: which releases hold data about one citizen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerMe {
    /// Who, sealed to the key role.
    pub subject: Base64,
}

/// Her releases, newest first.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerMeAnswer {
    /// The releases.
    pub releases: Vec<OwnRelease>,
}

/// A release and what became of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnRelease {
    /// The public record.
    pub record: ReleaseRecord,
    /// State of the series' keys: `active`, `suspended`, `destroyed`, ….
    pub key_state: String,
    /// Whether opt-outs were set aside under EHDS Article 71(4), and where that was decided (CIT-024).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optout_exemption: Option<String>,
}

impl Call for LedgerMe {
    const KIND: &'static str = "ledger/me";
    type Answer = LedgerMeAnswer;
}

/// `ledger/roots`: highest number per source and the ledger's Merkle root (KEY-101).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRoots {}

/// What is published every day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerRootsAnswer {
    /// When.
    pub at: Timestamp,
    /// Source and highest number.
    pub sources: Vec<(String, u64)>,
    /// RFC 6962 Merkle root over the digests of all records, by source and number.
    pub root: Digest,
    /// Releases that have been provisional for more than 7 days.
    pub overdue: u64,
}

impl Call for LedgerRoots {
    const KIND: &'static str = "ledger/roots";
    type Answer = LedgerRootsAnswer;
}

/// `grant/gate`: the gate's keys for the data zone (SDC-030).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantGate {
    /// Id types whose units are counted, e.g. `FNR`.
    pub id_types: Vec<String>,
}

/// The keys: one container per key, sealed to the data zone ([`crate::KeyRole::Channel`]), its content a signed
/// [`KeyGrant`](crate::documents::KeyGrant): `k_noise` first, then one `k_dataset:TYPE` per id type in order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantGateAnswer {
    /// The containers.
    pub grants: Vec<Base64>,
}

impl Call for GrantGate {
    const KIND: &'static str = "grant/gate";
    type Answer = GrantGateAnswer;
}

/// `grant/room-out`: the key with which a room's intake makes pseudonyms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRoomOut {
    /// Permit version.
    pub permit: String,
    /// Key epoch.
    pub epoch: u32,
    /// The delivery that is to be opened.
    pub delivery_id: DeliveryId,
}

/// The key, in a container sealed to the room's intake ([`crate::KeyRole::Intake`]), its content a signed
/// [`KeyGrant`](crate::documents::KeyGrant).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRoomOutAnswer {
    /// The container.
    pub grant: Base64,
}

impl Call for GrantRoomOut {
    const KIND: &'static str = "grant/room-out";
    type Answer = GrantRoomOutAnswer;
}

/// `key/receipt`: a holder says that a key is installed or destroyed (KEY-043). Also the answer of `ledger/kept`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyReceiptNotice {
    /// The signed receipt.
    pub receipt: Envelope,
}

impl Call for KeyReceiptNotice {
    const KIND: &'static str = "key/receipt";
    type Answer = Done;
}

/// `keys/status`: the state of a series' keys (KEY-071).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysStatus {
    /// The series.
    pub series: String,
}

/// State, use and receipts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysStatusAnswer {
    /// The series.
    pub series: String,
    /// `planned`, `active`, `suspended`, `deactivated`, `destroyed`, `compromised`.
    pub state: String,
    /// Key epoch.
    pub epoch: u32,
    /// Day of destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroy_at: Option<Date>,
    /// Source, distinct persons so far, cap, deliveries so far, cap.
    pub uses: Vec<(String, u64, u64, u32, u32)>,
    /// Holders that have not acknowledged.
    pub unacknowledged: Vec<String>,
    /// The chain of signed receipts, oldest first.
    pub receipts: Vec<Envelope>,
}

impl Call for KeysStatus {
    const KIND: &'static str = "keys/status";
    type Answer = KeysStatusAnswer;
}

/// `plan/current`: the newest linkage plan of a series; made now when the permit is newer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanCurrent {
    /// The series.
    pub series: String,
}

/// The plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanCurrentAnswer {
    /// A signed [`LinkagePlan`](crate::documents::LinkagePlan).
    pub plan: Envelope,
}

impl Call for PlanCurrent {
    const KIND: &'static str = "plan/current";
    type Answer = PlanCurrentAnswer;
}

/// `insight/token`: lets the data zone answer for one citizen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightTokenRequest {
    /// Who, sealed to the key role.
    pub subject: Base64,
}

/// The token; none for a person who is in no register here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightTokenAnswer {
    /// A container sealed to the data zone ([`crate::KeyRole::Channel`]), its content a signed
    /// [`InsightToken`](crate::documents::InsightToken).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Base64>,
}

impl Call for InsightTokenRequest {
    const KIND: &'static str = "insight/token";
    type Answer = InsightTokenAnswer;
}

/// `permit/changed`, told by the centre: the same content as an answer of `permit/current`.
impl Call for PermitCurrentAnswer {
    const KIND: &'static str = "permit/changed";
    type Answer = Done;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_round_trip(ids in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..50)) {
            let bytes = index_register::encode(&ids).unwrap();
            prop_assert_eq!(index_register::decode(&bytes).unwrap(), ids.iter().map(Vec::as_slice).collect::<Vec<_>>());
            for cut in 0..bytes.len() {
                prop_assert!(index_register::decode(&bytes[..cut]).is_err());
            }
        }

        #[test]
        fn parsers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = index_register::decode(&bytes);
            let _ = index_register::decode_answer(&bytes, 3);
            let _ = pseudonyms::decode(&bytes);
            let _ = pseudonyms::decode_answer(&bytes);
            let _ = permitted::decode_answer(&bytes.into(), 9);
        }
    }

    #[test]
    fn key_045_a_zero_value_that_is_not_listed_is_refused() {
        let errors = [RowError { index: 1, code: RowCode::UnknownPerson }];
        let good = pseudonyms::encode_answer(&[[1; 16], [0; 16]], &errors);
        assert_eq!(pseudonyms::decode_answer(&good).unwrap(), (vec![[1; 16], [0; 16]], errors.to_vec()));
        let bad = pseudonyms::encode_answer(&[[1; 16], [0; 16]], &[]);
        assert!(pseudonyms::decode_answer(&bad).is_err());
    }

    #[test]
    fn the_bitmap_and_its_counts_agree() {
        let at = Timestamp::from_micros(0);
        let header = ChoicesPermittedAnswer { snapshot: SnapshotId::from_bytes([1; 16]), at, asked: 10, permitted: 9 };
        let mut set = vec![true; 10];
        set[8] = false;
        let body = permitted::encode_answer(header.clone(), &set).unwrap();
        assert_eq!(permitted::decode_answer(&body, 10).unwrap(), (header.clone(), set));
        let lie = permitted::encode_answer(header, &[true; 10]).unwrap();
        assert!(permitted::decode_answer(&lie, 10).is_err());
    }
}
