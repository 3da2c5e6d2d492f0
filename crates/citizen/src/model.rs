//! What pages and interfaces show to a citizen.

use async_trait::async_trait;
use kernel::{Date, LangMap, Problem, Timestamp};
use protocol::calls::InsightStatus;
use protocol::documents::ChoiceKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the public register says of a project. `hap` wires it to the area of cases.
#[async_trait]
pub trait Projects: Send + Sync {
    /// The project of a permit series.
    async fn project(&self, series: &str) -> Result<Option<Project>, Problem>;
}

/// A project, in words for everybody.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Project {
    /// Title.
    pub title: LangMap,
    /// What it is about, in plain words.
    pub summary: LangMap,
    /// Who is responsible.
    pub controller: String,
    /// `running`, `ended`, ….
    pub status: String,
    /// Results so far.
    pub results: Vec<ProjectResult>,
    /// Whether taking part alone reveals something sensitive: then it is hidden from representatives (CIT-071).
    pub sensitive_to_proxy: bool,
}

/// A result of a project.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProjectResult {
    /// Title.
    pub title: LangMap,
    /// In plain words.
    pub summary: LangMap,
    /// Where to read it.
    pub link: Option<String>,
}

/// The registers and whether they hold anything about the person (CIT-010).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Registers {
    /// Whether the person is represented by the one who looks (CIT-060).
    pub on_behalf: bool,
    /// When the registers were asked; none when nobody answered.
    pub as_of: Option<Timestamp>,
    /// One line per register: those with data first.
    pub registers: Vec<Register>,
}

/// One register.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Register {
    /// Slug of the source, e.g. `npr`.
    pub source: String,
    /// Short name.
    pub abbrev: String,
    /// Name.
    pub name: LangMap,
    /// Who holds it.
    pub holder: String,
    /// The law it builds on.
    pub legal_basis: String,
    /// Whether there is anything. A failure never looks like "none".
    pub status: InsightStatus,
    /// Earliest date about the person.
    pub from: Option<Date>,
    /// Latest date about the person.
    pub to: Option<Date>,
    /// Titles of the collections in which there is something; never values.
    pub collections: Vec<LangMap>,
}

/// Who was given data about the person, newest first (CIT-032).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Uses {
    /// Whether the person is represented by the one who looks.
    pub on_behalf: bool,
    /// The uses.
    pub uses: Vec<Use>,
}

/// One delivery of data about the person.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Use {
    /// Id of the release.
    pub release_id: String,
    /// Number in the stream of its source.
    pub seq: u64,
    /// Permit series.
    pub series: String,
    /// Permit version.
    pub permit_id: String,
    /// Title as it stands in the record.
    pub title: String,
    /// What for, as it stands in the record.
    pub purpose: String,
    /// The public register's words, when it has any.
    pub project: Option<Project>,
    /// Organisation number of the controller.
    pub controller: String,
    /// The source.
    pub source: String,
    /// Its name.
    pub source_name: LangMap,
    /// Kinds of data: titles of groups of variables, never values.
    pub groups: Vec<LangMap>,
    /// First and last day of the data.
    pub period: (Date, Date),
    /// The room.
    pub room: String,
    /// When they were delivered.
    pub delivered_at: Timestamp,
    /// Last day of access.
    pub valid_to: Date,
    /// Day by which they are deleted.
    pub delete_by: Date,
    /// Legal basis.
    pub legal_basis: String,
    /// State of the linking keys: `active`, `destroyed`, ….
    pub key_state: String,
    /// Where it was decided that opt-outs do not count here (CIT-024).
    pub optout_exemption: Option<String>,
}

/// A person's choices.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Choices {
    /// Whether the person is represented by the one who looks.
    pub on_behalf: bool,
    /// Opt-out of all secondary use.
    pub opt_out: Choice,
    /// One reservation per register.
    pub reservations: Vec<Choice>,
    /// Every choice that was ever made or withdrawn, newest first.
    pub receipts: Vec<Receipt>,
}

/// One choice and whether it is in force.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Choice {
    /// Kind.
    pub choice: ChoiceKind,
    /// A source, or `all`.
    pub scope: String,
    /// Name of the source; empty for `all`.
    pub name: LangMap,
    /// Whether it is in force.
    pub active: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Number of the newest receipt.
    pub receipt: Option<String>,
}

/// A receipt of a choice, shown at once and downloadable (CIT-025).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Receipt {
    /// Its number.
    pub number: String,
    /// The choice it is the receipt of.
    pub choice_id: String,
    /// Kind.
    pub choice: ChoiceKind,
    /// A source, or `all`.
    pub scope: String,
    /// `true` = chosen, `false` = withdrawn.
    pub value: bool,
    /// In force from then on.
    pub in_force_from: Timestamp,
    /// Version of the text that was shown.
    pub template_version: String,
    /// The sources that it concerns.
    pub sources: Vec<SourceApplied>,
    /// Digest of the signed content.
    pub hash: String,
    /// Name of the key that signed.
    pub keyid: String,
    /// The signature, base64.
    pub signature: String,
    /// The signed envelope, for whoever wants to verify it.
    pub envelope: Value,
}

/// A source that a choice concerns, and since when it is applied there.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SourceApplied {
    /// The source.
    pub source: String,
    /// Its name.
    pub name: LangMap,
    /// Since when. In an embedded installation the key role applies a choice itself, for every source at once.
    pub applied_at: Timestamp,
}

/// A line of the person's own log (CIT-005).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// `registers`, `uses`, `choices`, `choose`, `withdraw`, `receipt`, `log`.
    pub what: String,
    /// What it was about, e.g. `reservation:npr`.
    pub detail: Option<String>,
    /// Whether somebody who represents the person did it.
    pub by_representative: bool,
}
