//! The documents of the key role: linkage plan, key grant, key receipt, release record, receipt of a choice, and the
//! token with which the data zone answers one citizen.

use kernel::{Date, KeyId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Document;
use crate::directory::KeyRole;
use crate::form::{Digest, Key32, Secret32};
use crate::ids::{ChoiceId, DeliveryId, MessageId, ReleaseId, SnapshotId, StoredKeyId};
use crate::party::Party;

/// The linkage plan (koblingsplan), made from a permit version. A new plan may add sources and raise caps; it never
/// changes `protocol` or `id_form`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkagePlan {
    /// Of this document.
    pub message_id: MessageId,
    /// Permit series.
    pub series: String,
    /// The version that the plan was made from.
    pub permit_id: String,
    /// 1, 2, …
    pub plan_no: u32,
    /// `P1` or `P2`.
    pub protocol: String,
    /// `O`, `N` or `S`.
    pub id_form: String,
    /// Day of the number history.
    pub snapshot_date: Date,
    /// Whether deliveries link to each other.
    pub relink: Relink,
    /// What happens to rows without a person.
    pub unmapped: Unmapped,
    /// How others are told who is in the population (DEL-020).
    pub cohort_mode: String,
    /// What each source may deliver.
    pub caps: Vec<PlanCap>,
    /// The room.
    pub room: Party,
    /// X25519 key of its enrolled intake.
    pub room_key: Key32,
    /// Name of the intake's signing key.
    pub room_key_id: KeyId,
    /// Whether opt-outs count.
    pub optout: PlanOptOut,
    /// Day on which the keys are destroyed, at the latest.
    pub destroy_at: Date,
    /// What the separation of the key stewards is worth (KEY-003).
    pub assurance: Assurance,
    /// When it was made.
    pub at: Timestamp,
}

impl Document for LinkagePlan {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.linkage-plan+json";
    const NAME: &'static str = "linkage plan";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::KeyService];
}

/// Whether deliveries of one series link to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relink {
    /// They do.
    Stable,
    /// Each delivery has its own epoch.
    Fresh,
}

/// What happens to rows without a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmapped {
    /// They stay behind.
    Withhold,
    /// They are delivered without a person.
    DeliverUnlinked,
}

/// What one source may deliver under a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanCap {
    /// The source.
    pub source: String,
    /// Distinct persons over all deliveries.
    pub max_persons: u64,
    /// Deliveries.
    pub max_deliveries: u32,
}

/// Whether opt-outs count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlanOptOut {
    /// Persons who chose so are left out (CIT-023).
    Exclude,
    /// The exception of EHDS Article 71(4).
    Exempt {
        /// Where it was decided.
        reference: String,
    },
}

/// What the separation of the key stewards is worth (KEY-003). Nothing claims more than it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// Different organisations with different tokens.
    Split,
    /// Different processes, software keystore.
    SplitSoftware,
    /// One process holds both.
    SingleOperator,
}

/// What a granted key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantUse {
    /// `k_in`, for a source.
    SourceIn,
    /// `k_out`, for a room's intake.
    RoomOut,
    /// `K_dataset` or `K_noise`, for the data zone's gate.
    Gate,
}

/// A key for one recipient. It travels signed, inside a container sealed to the recipient.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyGrant {
    /// Of this document.
    pub message_id: MessageId,
    /// Always `key-grant`.
    pub kind: String,
    /// Permit series; absent for the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Permit version; absent for the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit_id: Option<String>,
    /// Linkage plan; absent for the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_no: Option<u32>,
    /// Key epoch.
    pub epoch: u32,
    /// `P1`; absent for the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// What the key is for.
    #[serde(rename = "use")]
    pub usage: GrantUse,
    /// Which of the gate's keys: `k_noise`, or `k_dataset` and the id type, e.g. `k_dataset:FNR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose key it is.
    pub recipient: Party,
    /// `O`, `N` or `S`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_form: Option<String>,
    /// Day of the number history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_date: Option<Date>,
    /// Name of the key.
    pub key_id: StoredKeyId,
    /// The key.
    pub key: Secret32,
    /// At most so many values may be made with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_values: Option<u64>,
    /// From when it may be used.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// What the separation of the key stewards is worth.
    pub assurance: Assurance,
}

impl Document for KeyGrant {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.key-grant+json";
    const NAME: &'static str = "key grant";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::KeyService];
}

/// What happened to a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyEvent {
    /// Made.
    Created,
    /// Sealed for a recipient.
    Distributed,
    /// The recipient has it.
    Installed,
    /// Every use is refused.
    Suspended,
    /// Uses are allowed again.
    Resumed,
    /// No new values.
    Deactivated,
    /// It exists no more.
    Destroyed,
    /// It may be known to others.
    Compromised,
}

/// A receipt of the key life cycle (KEY-070). Receipts of one series form a chain.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyReceipt {
    /// Of this document.
    pub message_id: MessageId,
    /// Always `key-receipt`.
    pub kind: String,
    /// Permit series.
    pub series: String,
    /// Permit version at the time.
    pub permit_id: String,
    /// Key epoch.
    pub epoch: u32,
    /// Name of the key.
    pub key_id: StoredKeyId,
    /// What happened.
    pub event: KeyEvent,
    /// Which key, e.g. `room-out`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<GrantUse>,
    /// Who did it: a party, or an officer's opaque id.
    pub actor: String,
    /// Who holds the key, for `distributed`, `installed` and `destroyed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Party>,
    /// When.
    pub at: Timestamp,
    /// Generation of the software keystore.
    pub keystore_generation: u64,
    /// Digest that commits to the key without telling it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Digest>,
    /// What the separation of the key stewards is worth.
    pub assurance: Assurance,
    /// For `destroyed`: what still exists, and until when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residual: Vec<String>,
    /// For `destroyed`: that an attempt to unwrap failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwrap_failed: Option<bool>,
    /// Digest of the payload of the receipt before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_receipt: Option<Digest>,
}

impl Document for KeyReceipt {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.key-receipt+json";
    const NAME: &'static str = "key receipt";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::KeyService, KeyRole::Intake, KeyRole::Source];
}

/// The public record of a release: about persons, without persons. Its digest is bound to the sealed file of members,
/// so it never changes; what changes later (key state, results) is looked up when it is shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRecord {
    /// The release.
    pub release_id: ReleaseId,
    /// Number in the stream of its source, from 1, without gaps.
    pub seq: u64,
    /// Permit series.
    pub series: String,
    /// Permit version.
    pub permit_id: String,
    /// Title of the project.
    pub title: String,
    /// Purpose in words.
    pub purpose: String,
    /// The source.
    pub source: String,
    /// Tables.
    pub tables: Vec<String>,
    /// Groups of variables, never values.
    pub variable_groups: Vec<String>,
    /// First and last day of the data.
    pub period: (Date, Date),
    /// The room.
    pub room: Party,
    /// Organisation number of the controller.
    pub controller: String,
    /// Legal basis.
    pub legal_basis: String,
    /// When it was sealed for delivery.
    pub delivered_at: Timestamp,
    /// Persons as a band, e.g. `1000-9999`.
    pub count_band: String,
    /// `P1` or `P2`.
    pub protocol: String,
    /// Last day of the permit.
    pub valid_to: Date,
    /// Last day on which the data may exist in the room.
    pub delete_by: Date,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The release that this one corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<ReleaseId>,
}

/// Kinds of choice that are kept (CIT section 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceKind {
    /// Reservation (reservasjon) against delivery from one source; scope is the source, or `all`.
    Reservation,
    /// Opt-out of all secondary use (EHDS Article 71); scope is `all`.
    OptOut,
}

impl ChoiceKind {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChoiceKind::Reservation => "reservation",
            ChoiceKind::OptOut => "opt_out",
        }
    }
}

impl std::str::FromStr for ChoiceKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "reservation" => Ok(ChoiceKind::Reservation),
            "opt_out" => Ok(ChoiceKind::OptOut),
            _ => Err(()),
        }
    }
}

/// Receipt of a choice: "in force from T" (KEY-108, CIT-025). Names no person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceReceipt {
    /// Of this document; the receipt's number.
    pub message_id: MessageId,
    /// The event that it is the receipt of.
    pub choice_id: ChoiceId,
    /// Kind.
    pub choice: ChoiceKind,
    /// A source, or `all`.
    pub scope: String,
    /// `true` = chosen, `false` = withdrawn.
    pub value: bool,
    /// In force from then on.
    pub in_force_from: Timestamp,
    /// How the choice came, e.g. `web`, `paper`.
    pub channel: String,
    /// Version of the text that was shown.
    pub template_version: String,
}

impl Document for ChoiceReceipt {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.choice-receipt+json";
    const NAME: &'static str = "receipt of a choice";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::KeyService];
}

/// Lets the data zone answer one citizen's question about herself: it holds her ordinal, signed by the key role, and
/// travels sealed to the data zone. Whoever carries it can read nothing of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsightToken {
    /// Used once.
    pub message_id: MessageId,
    /// Always `O`.
    pub id_form: String,
    /// The person's ordinal.
    pub ordinal: u32,
    /// What it is good for: `insight`.
    #[serde(rename = "use")]
    pub usage: String,
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// State of the index when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
}

impl Document for InsightToken {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.insight-token+json";
    const NAME: &'static str = "insight token";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::KeyService];
}
