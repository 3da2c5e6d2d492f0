//! Documents of exploration and audit: the order to run a script, the released document, a log's checkpoint.

use std::collections::BTreeMap;

use kernel::{Language, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Document;
use crate::directory::KeyRole;
use crate::ids::RunId;
use crate::party::Party;

/// An order to the data zone to run a script. It names no person, only the account that is charged with the budget.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOrder {
    /// The run.
    pub run_id: RunId,
    /// Opaque account id of the one who asks.
    pub account: String,
    /// Organisation that is charged, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The workspace.
    pub workspace: String,
    /// The script's text.
    pub script: String,
    /// The account has the budget of students (SDC-171).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub student: bool,
    /// The saved scripts that it loads, by the names it uses (LANG-224).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loads: BTreeMap<String, String>,
    /// Language of labels and diagnostics.
    pub language: Language,
    /// Versions of stores that the workspace is bound to; others come from the script's own `require`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<StoreVersion>,
    /// Values for the parameters of the script (LANG-332).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Go on after an error with what does not depend on it (LANG-302).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_going: bool,
    /// Show the results of statements from this line on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_line: Option<u32>,
    /// When it was ordered.
    pub at: Timestamp,
    /// Until when it counts.
    pub not_after: Timestamp,
}

impl Document for RunOrder {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.run-order+json";
    const NAME: &'static str = "run order";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::PermitAuthority];
}

/// A store at a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreVersion {
    /// E.g. `no.ssb.fdb`.
    pub store: String,
    /// E.g. `1.0.0.0`.
    pub version: String,
}

/// What the gate let out, as the payload of a sealed document (SDC-007). Its inside is known to `disclosure` alone,
/// which makes a released value of it after verifying the gate's signature.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleasedDocument(pub Value);

impl Document for ReleasedDocument {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.released+json";
    const NAME: &'static str = "released document";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::Gate];
}

/// A checkpoint of a zone's audit log, for the other zones to witness.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointNote {
    /// Whose log.
    pub zone: Party,
    /// The signed note as text.
    pub note: String,
    /// When it was sent.
    pub at: Timestamp,
}

impl Document for CheckpointNote {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.checkpoint+json";
    const NAME: &'static str = "checkpoint";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::Audit, KeyRole::Channel];
}
