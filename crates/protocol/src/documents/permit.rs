//! The permit (vedtak og tillatelse), as in section 13 of the specification of access.

use std::collections::BTreeMap;

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Document;
use crate::directory::KeyRole;
use crate::form::Digest;

/// A permit: what may be delivered about whom, to whom, for what, until when. One version of a series.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// Series and version, e.g. `NO-2026-000045-02`.
    pub permit_id: String,
    /// The series, which the keys belong to, e.g. `NO-2026-000045`.
    pub series: String,
    /// Status of this version.
    pub status: PermitStatus,
    /// The version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// The case.
    pub case: String,
    /// The decision.
    pub decision: String,
    /// When version 01 was issued: what opt-outs are measured against (CIT-023).
    pub first_issued_at: Timestamp,
    /// When this version was issued.
    pub issued_at: Timestamp,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Date,
    /// Whether the one extension was used.
    pub extension_used: bool,
    /// Last day on which the data may exist in the room.
    pub delete_by: Date,
    /// Legal profile, e.g. `NO/1`.
    pub profile: String,
    /// What for.
    pub purpose: Purpose,
    /// Who is responsible.
    pub controller: Controller,
    /// Person id of the principal investigator.
    pub pi: String,
    /// `pseudonymised` or `anonymised`.
    pub format: String,
    /// About whom.
    pub population: PermitPopulation,
    /// What, by collection.
    pub sources: Vec<PermitSource>,
    /// How sources are linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkage: Option<Linkage>,
    /// Data that the applicant brings along.
    pub external_data: Vec<Value>,
    /// How often.
    pub recurrence: Recurrence,
    /// Who may work with the data.
    pub persons: Vec<PermitPerson>,
    /// Where.
    pub room: PermitRoom,
    /// How results leave.
    pub output: PermitOutput,
    /// Conditions, typed ones enforced by machine.
    pub conditions: Vec<Condition>,
    /// The largest fee, in øre.
    pub fee_max_ore: i64,
    /// Digest of the payload of the version before; absent in version 01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_prev: Option<Digest>,
}

impl Document for Permit {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.permit+json";
    const NAME: &'static str = "permit";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::PermitAuthority];
}

impl Permit {
    /// Whether it may be used on `today` (KEY-023): granted, amended or renewed, not on hold, inside its days.
    pub fn is_live(&self, hold: bool, today: Date) -> bool {
        let status = matches!(self.status, PermitStatus::Granted | PermitStatus::Amended | PermitStatus::Renewed);
        status && !hold && self.valid_from <= today && today <= self.valid_to
    }

    /// The series of a permit id: the id without its version.
    pub fn series_of(permit_id: &str) -> Option<&str> {
        let (series, version) = permit_id.rsplit_once('-')?;
        let digits = version.len() >= 2 && version.bytes().all(|c| c.is_ascii_digit());
        (digits && !series.is_empty()).then_some(series)
    }

    /// The parts of `source` of which anything was granted.
    pub fn granted<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a PermitSource> {
        let granted = |p: &&PermitSource| matches!(p.outcome, SourceOutcome::Granted | SourceOutcome::GrantedInPart);
        self.sources.iter().filter(move |p| p.source == source).filter(granted)
    }

    /// Whether this version asks `source` for the same data as another version of the series: then nothing is extracted
    /// anew for it. Persons, dates and prices do not matter.
    pub fn asks_the_same(&self, other: &Permit, source: &str) -> bool {
        let shapes = |permit: &Permit| -> Vec<Condition> {
            let shape = |c: &&Condition| matches!(c.kind.as_str(), "min_granularity" | "remove_variable");
            permit.conditions.iter().filter(shape).cloned().collect()
        };
        let asked = |permit: &Permit| -> Vec<_> {
            permit.granted(source).map(|part| (part.collection.clone(), part.period, part.variables.clone())).collect()
        };
        asked(self) == asked(other)
            && self.population == other.population
            && self.room.id == other.room.id
            && self.linkage == other.linkage
            && self.format == other.format
            && shapes(self) == shapes(other)
    }

    /// The sources of which anything was granted, each once, in the order of the permit.
    pub fn granted_sources(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for part in &self.sources {
            let name = part.source.as_str();
            if !out.contains(&name) && self.granted(name).next().is_some() {
                out.push(name);
            }
        }
        out
    }
}

/// Status of a permit version (ACC-162).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PermitStatus {
    /// The first version.
    Granted,
    /// Changed.
    Amended,
    /// Extended.
    Renewed,
    /// Taken back.
    Revoked,
    /// Past its last day.
    Expired,
}

/// What the data are used for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Letters of EHDS Article 53(1).
    pub ehds: Vec<String>,
    /// In words.
    pub text: String,
}

/// The controller.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// Organisation number.
    pub orgnr: String,
}

/// Whether opt-outs count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptOut {
    /// Persons who opted out are left out.
    Exclude,
    /// The exception of EHDS Article 71(4) was decided.
    Exempt,
}

/// About whom.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitPopulation {
    /// The rule.
    pub expr: String,
    /// At most so many persons.
    pub max_persons: u64,
    /// Whether opt-outs count.
    pub optout: OptOut,
    /// Legal reference of an exemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optout_reference: Option<String>,
}

/// Outcome for one part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceOutcome {
    /// All of it.
    Granted,
    /// Some of it.
    GrantedInPart,
    /// Nothing.
    Refused,
    /// Statistics instead of data on persons.
    StatisticsInstead,
    /// The handling was not completed.
    NotCompleted,
}

/// One collection of one source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitSource {
    /// The source, e.g. `npr`.
    pub source: String,
    /// The collection, e.g. `npr.somatikk`.
    pub collection: String,
    /// What was decided.
    pub outcome: SourceOutcome,
    /// First and last day of the data.
    pub period: (Date, Date),
    /// What is delivered.
    pub variables: Vec<PermitVariable>,
    /// What was applied for and not granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<RemovedVariable>,
}

/// One variable at one granularity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitVariable {
    /// The catalogue's variable id.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// E.g. `as_is`, `month`, `5_year_band`.
    pub granularity: String,
}

/// A variable that was not granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedVariable {
    /// The catalogue's variable id.
    pub id: String,
    /// Reason code.
    pub reason: String,
}

/// How long the linking key is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRetention {
    /// Until the last planned delivery is opened in the room.
    DeleteAfterDelivery,
    /// Until the last day of the permit.
    KeepUntilEnd,
    /// Until the decided date.
    KeepForFollowup,
}

/// How sources are linked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linkage {
    /// `project_key`.
    pub method: String,
    /// Who holds the keys.
    pub body: String,
    /// For how long.
    pub key_retention: KeyRetention,
    /// The decided date of `keep_for_followup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<Date>,
}

/// How often data are delivered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// `once`, `yearly`, `half_yearly`, `quarterly`, `monthly`.
    pub kind: String,
    /// Last day on which a delivery is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Recurrence {
    /// How many deliveries are planned from `from` to `until` (to `end` when no other day is set), the first included.
    pub fn deliveries(&self, from: Date, end: Date) -> u32 {
        let months = match self.kind.as_str() {
            "yearly" => 12,
            "half_yearly" => 6,
            "quarterly" => 3,
            "monthly" => 1,
            _ => return 1,
        };
        let until = self.until.map_or(end, |u| u.min(end));
        (1..1200).take_while(|n| from.plus_months(months * n) <= until).count() as u32 + 1
    }
}

/// A person named in the permit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitPerson {
    /// Opaque id.
    pub id: String,
    /// `pi`, `analyst`, …
    pub role: String,
    /// Whether the person has logged in and accepted the conditions (ACC-165).
    pub active: bool,
}

/// The analysis room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitRoom {
    /// The party's name, e.g. `room:tsd`.
    pub id: String,
    /// Tools asked for.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Processor cores.
    #[serde(default)]
    pub cpu: u32,
    /// Memory.
    #[serde(default)]
    pub mem_gb: u32,
}

/// How results leave the room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitOutput {
    /// Rule set, e.g. `default-2026`.
    pub rules: String,
    /// Smallest count in a table.
    pub min_cell: u32,
    /// Kind of review, e.g. `two_blind`.
    pub review: String,
}

/// A condition: a type and its fields.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Condition {
    /// Type, e.g. `min_granularity`, `report`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What belongs to the type.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}
