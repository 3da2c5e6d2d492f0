//! Calls of the centre about what is asked for in the data zone: alerts and meters for the disclosure steward, what she
//! does about them, and what a user is told of her own use (SDC-170..172). They carry numbers of requests, never of persons.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Call, Done};

/// `meters/list`: a page of alerts and a page of meters.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetersList {
    /// The account that looks.
    pub account: String,
    /// Only alerts that nobody has looked at.
    pub open: bool,
    /// Only alerts of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Alerts to leave out at the beginning.
    pub alerts_from: u32,
    /// Meters to leave out at the beginning.
    pub meters_from: u32,
    /// How many of each at most; at most 100.
    pub most: u32,
}

/// Alerts, newest first; meters, the fullest first; proposals, newest first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetersListAnswer {
    /// Alerts of the page.
    pub alerts: Vec<AlertItem>,
    /// How many there are.
    pub alerts_total: u32,
    /// Meters of the page.
    pub meters: Vec<MeterItem>,
    /// How many there are.
    pub meters_total: u32,
    /// More fragmenting splits, proposed and allowed.
    pub proposals: Vec<ProposalItem>,
}

impl Call for MetersList {
    const KIND: &'static str = "meters/list";
    type Answer = MetersListAnswer;
}

/// An alert.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertItem {
    /// Its number.
    pub id: u64,
    /// `half`, `stopped`, `chain`, `near_sets`, `partition`, `random`.
    pub kind: String,
    /// The project.
    pub project: String,
    /// The account whose release raised it.
    pub account: String,
    /// Version of the store.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// Who has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
}

/// Somebody has looked at an alert.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    /// The account.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What she wrote.
    pub reason: String,
}

/// How much of a limit is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Used.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

/// What one project has asked of one version.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterItem {
    /// The project.
    pub project: String,
    /// Version of the store.
    pub version: String,
    /// New sets today.
    pub sets_day: Level,
    /// New sets of the version.
    pub sets: Level,
    /// Splits today.
    pub splits_day: Level,
    /// Splits of the version.
    pub splits: Level,
    /// Fragmenting splits of the version.
    pub fragmenting: Level,
    /// The sum of 1 / (2V).
    pub rho: f64,
    /// Sets near earlier ones.
    pub near_sets: u64,
    /// Pairs of populations near each other.
    pub near_populations: u64,
    /// Results that the rules withheld.
    pub refused: u64,
    /// Releases that were stopped.
    pub stops: u64,
    /// Accounts that have asked.
    pub accounts: Vec<String>,
    /// When something was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The fullest limit, in tenths.
    pub tenths: u8,
}

/// More fragmenting splits for a project.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalItem {
    /// Its number.
    pub id: u64,
    /// The project.
    pub project: String,
    /// Version of the store.
    pub version: String,
    /// How many more.
    pub more: u64,
    /// Who proposed it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Who allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<String>,
}

/// `meters/act`: what the disclosure steward, and the second person with her, do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetersAct {
    /// The account that acts.
    pub account: String,
    /// What it does.
    pub act: StewardAct,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StewardAct {
    /// An alert was looked at.
    Acknowledge {
        /// The alert.
        alert: u64,
        /// What was found.
        reason: String,
    },
    /// A project is to have more fragmenting splits.
    Propose {
        /// The project.
        project: String,
        /// Version of the store.
        version: String,
        /// How many more.
        more: u64,
        /// Why.
        reason: String,
    },
    /// A second person allows what was proposed.
    Allow {
        /// The proposal.
        proposal: u64,
    },
}

impl Call for MetersAct {
    const KIND: &'static str = "meters/act";
    type Answer = Done;
}

/// `meters/own`: what a user is told of the use of her project: tenths, so that it says nothing of the gate ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetersOwn {
    /// The project.
    pub project: String,
    /// Has the budget of students.
    pub student: bool,
}

/// The use of a project.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetersOwnAnswer {
    /// By version of a store.
    pub versions: Vec<OwnLevel>,
    /// When the day's limits are whole again.
    pub resets: Timestamp,
}

/// The use of one version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLevel {
    /// Version of the store.
    pub version: String,
    /// The fullest limit, in tenths.
    pub tenths: u8,
}

impl Call for MetersOwn {
    const KIND: &'static str = "meters/own";
    type Answer = MetersOwnAnswer;
}
