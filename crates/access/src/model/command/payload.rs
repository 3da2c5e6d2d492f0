//! What commands carry: plain structs as they come from forms and the interface.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Date;
use protocol::documents::{Condition, SourceOutcome};
use serde::{Deserialize, Serialize};

use crate::model::{CriterionOutcome, StateName};
use crate::permissions::CaseRole;

/// A variable in the cart of a draft (ACC-040). Version, collection and source come from the catalogue.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartItem {
    /// Catalogue id.
    pub variable_id: String,
    /// Role in the project; empty while not chosen.
    #[serde(default)]
    pub role: String,
    /// Why it is necessary.
    #[serde(default)]
    pub necessity: String,
    /// Level of detail; empty means the coarsest that is offered.
    #[serde(default)]
    pub granularity: String,
}

/// A question on a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The field.
    pub field: String,
    /// The question.
    pub question: String,
    /// The template that it was begun from: its id as asked, with its version (`missing/1.0.0`) once it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// The answer to the open question on a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The field.
    pub field: String,
    /// The answer.
    pub answer: String,
}

/// A criterion with its outcome.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssessmentInput {
    /// Id of the criterion, e.g. `N-3`.
    pub criterion: String,
    /// Outcome.
    pub outcome: CriterionOutcome,
    /// Reason, at least 20 characters.
    pub reason: String,
    /// The source that is assessed; the whole case when none is given, which overrules the sources (ACC-141).
    #[serde(default)]
    pub source: Option<String>,
    /// Fields, files and task answers that it rests on.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// The condition that makes it fulfilled, for `met_with_condition` (ACC-142).
    #[serde(default)]
    pub condition: Option<Condition>,
}

/// The hours that were worked, for an invoice: those not given are those of the estimate, of a withdrawn application none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InvoiceInput {
    /// Hours of the access body.
    pub case_hours: Option<f64>,
    /// Hours per source.
    pub source_hours: BTreeMap<String, f64>,
    /// Hours of preparation and linkage.
    pub preparation_hours: Option<f64>,
}

/// A proposed decision as the case handler writes it; what is granted follows from the application.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalInput {
    /// One part for each source.
    #[serde(default)]
    pub parts: Vec<PartInput>,
    /// In a change: one decision for each operation that no source stands for.
    #[serde(default)]
    pub changes: Vec<ChangeInput>,
    /// First day of the permit; the day of the decision when none is given.
    #[serde(default)]
    pub valid_from: Option<Date>,
    /// Last day of the permit; as applied for when none is given.
    #[serde(default)]
    pub valid_to: Option<Date>,
    /// Last day for the data; as applied for when none is given.
    #[serde(default)]
    pub delete_by: Option<Date>,
    /// Most persons; as applied for when none is given.
    #[serde(default)]
    pub max_persons: Option<u64>,
    /// Conditions; typed ones are enforced.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// A free paragraph of the letter, marked as such.
    #[serde(default)]
    pub paragraph: Option<String>,
    /// A template of the letter, by id.
    #[serde(default)]
    pub template: Option<String>,
}

/// What is decided on one operation of a change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeInput {
    /// The operation's path.
    pub path: String,
    /// Whether it may.
    pub granted: bool,
    /// Reason.
    pub reason: String,
}

/// The part of one source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartInput {
    /// The source.
    pub source: String,
    /// Outcome.
    pub outcome: SourceOutcome,
    /// What is not granted.
    #[serde(default)]
    pub removed: Vec<RemovedInput>,
    /// Reason.
    pub reason: String,
}

/// A variable that is not granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedInput {
    /// Catalogue id.
    pub id: String,
    /// Reason code, e.g. `not_necessary`.
    pub reason: String,
    /// In words.
    #[serde(default)]
    pub text: String,
}

/// What a member of an application is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// Writes and reads with the applicant.
    CoApplicant,
    /// Speaks for the organisation that is the controller.
    Representative,
}

/// What a source answers about one variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deliverable {
    /// As applied for.
    Deliverable {},
    /// In another form.
    DeliverableChanged {
        /// What is proposed instead.
        proposal: String,
    },
    /// Not at all.
    NotDeliverable {
        /// Reason code: `not_collected`, `not_in_period`, `quality`, `free_text`, `not_authorised`, `other`.
        reason: String,
    },
}

/// A source's answer to its task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceAnswer {
    /// One answer for each of the source's variables.
    pub variables: std::collections::BTreeMap<String, Deliverable>,
    /// What is known of the quality.
    #[serde(default)]
    pub quality: Option<String>,
    /// What the source itself has to say.
    #[serde(default)]
    pub statement: Option<String>,
}

/// What a source's part costs and when it can be delivered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceCost {
    /// Hours of work.
    pub hours: f64,
    /// Price in øre, when it is not the usual one per hour.
    #[serde(default)]
    pub price_ore: Option<i64>,
    /// Working days from the decision to the delivery.
    pub delivery_days: u32,
}

/// What an expert recommends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// Grant.
    Grant,
    /// Grant under conditions.
    GrantWithConditions,
    /// Refuse.
    Refuse,
    /// No recommendation.
    None,
}

/// A vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ballot {
    /// For.
    For,
    /// Against.
    Against,
    /// Neither.
    Abstain,
}

/// A declaration of interest (ACC-083).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declaration {
    /// No conflict.
    None,
    /// A conflict: the role in this case ends.
    Conflict,
}

/// Who may read a remark (ACC-102).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The body's staff and the auditor.
    Staff,
    /// They and the registry handlers of one source.
    Source(String),
    /// Everybody with a part in the case; archived as correspondence.
    Parties,
}

/// How a case is treated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// The usual way.
    #[default]
    Normal,
    /// Short time limits (68(6)).
    Accelerated,
    /// The holder assesses first (72).
    TrustedHolder,
    /// The usual way with particular care.
    Complex,
}

impl Track {
    /// Every track.
    pub const ALL: [Track; 4] = [Track::Normal, Track::Accelerated, Track::TrustedHolder, Track::Complex];

    /// The name in tables and interfaces.
    pub const fn slug(self) -> &'static str {
        match self {
            Track::Normal => "normal",
            Track::Accelerated => "accelerated",
            Track::TrustedHolder => "trusted_holder",
            Track::Complex => "complex",
        }
    }
}

/// Why the body needs more time (ACC-123).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtensionReason {
    /// Statistics or linkage of unusual difficulty.
    Complicated,
    /// A source needs more time.
    Source,
    /// A committee or another authority must be heard.
    Hearing,
    /// More applications than can be handled.
    Volume,
    /// Something else, said in the text.
    Other,
}

/// What an administrator sets for a case (ACC-082): cells are removed, never added.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// Cells of the permission table that do not hold in this case.
    pub removed: BTreeSet<Cell>,
    /// Whether one person may propose and decide a request for statistics from one source (ACC-010).
    pub single_handler_allowed: bool,
}

/// A cell of the permission table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// State.
    pub state: StateName,
    /// Role.
    pub role: CaseRole,
    /// Command.
    pub command: super::CommandName,
}

/// What somebody is reminded of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// The draft will lapse.
    Draft,
    /// Questions wait for the applicant's answer.
    Info,
    /// Terms wait for the applicant.
    Terms,
    /// A source's task waits for its answer.
    Source(String),
    /// The body's own time limit.
    Clock,
    /// The body's time limit has passed without a decision: the applicant is told.
    Late,
    /// The applicant has not answered in time: the end of the case can be proposed.
    NotCompleted,
    /// An opinion is waited for; the reviewer's account.
    Review(String),
    /// The permit will expire.
    Permit,
    /// A report is due.
    Report,
    /// A holder has to deliver; the source.
    Delivery(String),
    /// A holder has not delivered in time: the applicant is told; the source.
    LateDelivery(String),
}

impl Reminder {
    /// What the words of the timeline go by.
    pub(crate) const fn slug(&self) -> &'static str {
        match self {
            Reminder::Draft => "draft",
            Reminder::Info => "info",
            Reminder::Terms => "terms",
            Reminder::Source(_) => "source",
            Reminder::Clock => "clock",
            Reminder::Late => "late",
            Reminder::NotCompleted => "not_completed",
            Reminder::Review(_) => "review",
            Reminder::Permit => "permit",
            Reminder::Report => "report",
            Reminder::Delivery(_) => "delivery",
            Reminder::LateDelivery(_) => "late_delivery",
        }
    }
}

/// What a decision maker agrees to with a remark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// One further completeness request (ACC-121).
    CompletenessRequest,
}
