//! The case as a state machine without I/O: [`decide()`] says which events a command gives, [`evolve()`] what a state
//! becomes by an event. A state is an enum that carries what it needs; the present state is a fold over the events
//! (ACC-003).
//!
//! Names are those of `access.md` sections 8 and 8.2. Here stand the commands that the way from draft to permit needs;
//! others of the permission table are refused as unknown until they are built.

mod command;
mod decide;
mod decision;
mod event;
mod evolve;

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, Id, Kind, Problem, Timestamp};
use serde::{Deserialize, Serialize};

pub use command::{
    Answer, AssessmentInput, CartItem, ChangeInput, Command, CommandName, PartInput, ProposalInput, Question,
    RemovedInput,
};
pub use decide::{Context, Prepared, Refusal, Submission, can_issue, decide, missing_criteria};
pub use decision::{
    ChangePart, Decision, DecisionPart, GrantedCollection, MIN_REASON, Outcome, REMOVAL_REASONS, Removed,
    TYPED_CONDITIONS,
};
pub use event::{Event, Recorded};
pub use evolve::{Misfit, evolve, replay};

/// Marks ids of cases.
#[derive(Debug)]
pub struct CaseKind;

impl Kind for CaseKind {
    const NAME: &'static str = "case";
}

/// Id of a case, from its first draft on.
pub type CaseId = Id<CaseKind>;

/// The name of a state (`permissions.json`, `states`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Being written.
    Draft,
    /// Received.
    Submitted,
    /// Looked through for completeness.
    PreScreening,
    /// Being assessed and decided.
    Processing,
    /// The applicant owes an answer.
    AwaitingInfo,
    /// The applicant considers terms and price.
    AwaitingAcceptance,
    /// Decided.
    Decided,
    /// Withdrawn by the applicant.
    Withdrawn,
    /// Draft deleted or lapsed.
    Lapsed,
    /// Finished.
    Closed,
}

impl StateName {
    /// Every state, in the order of the table.
    pub const ALL: [StateName; 10] = [
        StateName::Draft,
        StateName::Submitted,
        StateName::PreScreening,
        StateName::Processing,
        StateName::AwaitingInfo,
        StateName::AwaitingAcceptance,
        StateName::Decided,
        StateName::Withdrawn,
        StateName::Lapsed,
        StateName::Closed,
    ];

    /// The name in tables and interfaces.
    pub const fn slug(self) -> &'static str {
        match self {
            StateName::Draft => "draft",
            StateName::Submitted => "submitted",
            StateName::PreScreening => "pre_screening",
            StateName::Processing => "processing",
            StateName::AwaitingInfo => "awaiting_info",
            StateName::AwaitingAcceptance => "awaiting_acceptance",
            StateName::Decided => "decided",
            StateName::Withdrawn => "withdrawn",
            StateName::Lapsed => "lapsed",
            StateName::Closed => "closed",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.slug() == text)
    }
}

/// A case in one of its states.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Case {
    /// Being written; the content is the draft's own row.
    Draft(Draft),
    /// Received, not yet looked at.
    Submitted(Dossier),
    /// The case handler looks whether it is complete.
    PreScreening(Dossier),
    /// Being assessed and decided.
    Processing(Processing),
    /// The applicant owes answers to questions on fields.
    AwaitingInfo(AwaitingInfo),
    /// The applicant considers terms and price.
    AwaitingAcceptance(AwaitingAcceptance),
    /// Decided; the permit, when there is one, lives on.
    Decided(Decided),
    /// Withdrawn.
    Withdrawn(Withdrawn),
    /// The draft is gone.
    Lapsed(Draft),
}

/// A draft.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Account of the applicant.
    pub applicant: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Id of the form, e.g. `person-level`.
    pub form: String,
    /// Legal profile, e.g. `NO/1`.
    pub profile: String,
    /// When `draft_saved` was last written down (ACC-024).
    pub saved_at: Option<Timestamp>,
}

/// What every case carries from its submission on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Dossier {
    /// Account of the applicant.
    pub applicant: String,
    /// `A-2026-000123`.
    pub number: String,
    /// Id of the form.
    pub form: String,
    /// Legal profile and version, fixed at submission.
    pub profile: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// The content in force: the revision with this number and digest.
    pub revision: u32,
    /// SHA-256 over the canonical content.
    pub sha256: String,
    /// What is applied for.
    pub order: Order,
    /// Account of the case handler.
    pub handler: Option<String>,
    /// When the application was complete: start of the statutory clock (ACC-120).
    pub complete_at: Option<Timestamp>,
    /// When an answer to a completeness request came: then complete at the earliest.
    pub completed_by: Option<Timestamp>,
    /// Days on which the clock stood still for the applicant (ACC-121).
    pub pauses: Vec<Pause>,
    /// Questions and answers on fields.
    pub comments: Vec<FieldComment>,
}

/// A stop of the clock; open while it has no end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// The day on which the applicant was asked; it counts.
    pub from: Date,
    /// The day of the answer; it does not count.
    pub to: Option<Date>,
}

/// What is applied for, without personal data: the variables and their periods.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    /// The variables, versions frozen at submission (ACC-043).
    pub items: Vec<OrderItem>,
    /// First and last day for each collection.
    pub periods: BTreeMap<String, (Date, Date)>,
}

/// One variable of the order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderItem {
    /// Catalogue id.
    pub variable: String,
    /// Version of the catalogue record.
    pub version: i64,
    /// Collection.
    pub collection: String,
    /// Source.
    pub source: String,
    /// Level of detail.
    pub granularity: String,
}

impl Order {
    /// The sources, each once, in the order of the items.
    pub fn sources(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.items.iter().map(|item| item.source.as_str()).filter(|source| seen.insert(*source)).collect()
    }
}

/// A question on a field and its answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FieldComment {
    /// The field.
    pub field: String,
    /// 1, 2 … per field.
    pub seq: u32,
    /// The question.
    pub question: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// The answer.
    pub answer: Option<String>,
    /// Where it stands.
    pub status: CommentStatus,
}

/// Where a question stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentStatus {
    /// Asked.
    Open,
    /// Answered.
    Answered,
    /// No longer asked.
    Cancelled,
}

/// Why information is asked for (ACC-121).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InfoKind {
    /// Something the form requires was missing: the clock starts anew.
    Completeness,
    /// Something is unclear: the clock pauses.
    Clarification,
}

/// The work of the access body on a case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// Assessments by criterion.
    pub assessments: BTreeMap<String, Assessment>,
    /// The price.
    pub fee: Option<crate::fees::FeeEstimate>,
    /// The terms that the applicant accepted.
    pub accepted: Option<Accepted>,
    /// The decision that a case handler proposes.
    pub proposal: Option<Proposal>,
}

/// Terms as accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// Digest of the terms.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// By which account.
    pub by: String,
}

/// A criterion as assessed (ACC-140).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Assessment {
    /// Outcome.
    pub outcome: CriterionOutcome,
    /// Reason, at least 20 characters.
    pub reason: String,
    /// Account of the assessor.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Outcome of a criterion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriterionOutcome {
    /// Fulfilled.
    Met,
    /// Fulfilled under a condition of the permit.
    MetWithCondition,
    /// Not fulfilled.
    NotMet,
    /// Does not apply.
    NotApplicable,
}

/// A proposed decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// Account of the one who proposed; may not be the one who issues (ACC-010).
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The revision of the content that was assessed.
    pub revision: u32,
    /// What is proposed.
    pub decision: Decision,
}

/// See [`Case::Processing`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Processing {
    /// The case's own facts.
    pub dossier: Dossier,
    /// What the body has done so far.
    pub work: Work,
}

/// Where a case goes on when an answer has come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "resume", rename_all = "snake_case")]
pub enum Resume {
    /// Back to the completeness check.
    PreScreening,
    /// Back to the assessment.
    Processing {
        /// What had been done.
        work: Box<Work>,
    },
}

/// See [`Case::AwaitingInfo`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AwaitingInfo {
    /// The case's own facts, with the questions.
    pub dossier: Dossier,
    /// Why.
    pub kind: InfoKind,
    /// When the questions were asked.
    pub asked_at: Timestamp,
    /// Last day for the answer.
    pub deadline: Date,
    /// The fields asked about: only these are open for change.
    pub fields: BTreeSet<String>,
    /// Where it came from.
    pub resume: Resume,
}

/// See [`Case::AwaitingAcceptance`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AwaitingAcceptance {
    /// The case's own facts.
    pub dossier: Dossier,
    /// What the body has done so far.
    pub work: Work,
    /// The terms offered.
    pub terms: Terms,
    /// Digest of the terms.
    pub hash: String,
    /// Last day to accept.
    pub deadline: Date,
}

/// What the applicant accepts before a permit: price and duties.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// Number of the case.
    pub case: String,
    /// The content that the terms are about.
    pub revision: u32,
    /// The price.
    pub fee: crate::fees::FeeEstimate,
    /// Version of the general terms.
    pub general: String,
}

/// See [`Case::Decided`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// The case's own facts.
    pub dossier: Dossier,
    /// What the body did.
    pub work: Work,
    /// `A-2026-000123/V1`.
    pub number: String,
    /// What was decided.
    pub decision: Decision,
    /// The letter.
    pub letter: LetterRef,
    /// When.
    pub issued_at: Timestamp,
    /// Account of the decision maker.
    pub issued_by: String,
    /// The permit, when anything was granted.
    pub permit: Option<PermitRef>,
}

/// The letter of a decision by its digests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LetterRef {
    /// SHA-256 of the PDF.
    pub pdf: String,
    /// SHA-256 of the canonical JSON with the same content.
    pub json: String,
}

/// The permit of a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PermitRef {
    /// `NO-2026-000045-01`.
    pub permit_id: String,
    /// `NO-2026-000045`.
    pub series: String,
    /// Digest of the signed payload.
    pub sha256: String,
    /// Whether it stands.
    pub standing: Standing,
}

/// Whether a permit stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In force.
    Live,
    /// On hold.
    Held,
    /// Taken back.
    Revoked,
}

/// See [`Case::Withdrawn`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The case's own facts.
    pub dossier: Dossier,
    /// When.
    pub at: Timestamp,
}

impl Case {
    /// The name of the state.
    pub const fn name(&self) -> StateName {
        match self {
            Case::Draft(_) => StateName::Draft,
            Case::Submitted(_) => StateName::Submitted,
            Case::PreScreening(_) => StateName::PreScreening,
            Case::Processing(_) => StateName::Processing,
            Case::AwaitingInfo(_) => StateName::AwaitingInfo,
            Case::AwaitingAcceptance(_) => StateName::AwaitingAcceptance,
            Case::Decided(_) => StateName::Decided,
            Case::Withdrawn(_) => StateName::Withdrawn,
            Case::Lapsed(_) => StateName::Lapsed,
        }
    }

    /// The case's own facts, from its submission on.
    pub const fn dossier(&self) -> Option<&Dossier> {
        match self {
            Case::Draft(_) | Case::Lapsed(_) => None,
            Case::Submitted(dossier) | Case::PreScreening(dossier) => Some(dossier),
            Case::Processing(p) => Some(&p.dossier),
            Case::AwaitingInfo(a) => Some(&a.dossier),
            Case::AwaitingAcceptance(a) => Some(&a.dossier),
            Case::Decided(d) => Some(&d.dossier),
            Case::Withdrawn(w) => Some(&w.dossier),
        }
    }

    /// What the body has done so far.
    pub const fn work(&self) -> Option<&Work> {
        match self {
            Case::Processing(p) => Some(&p.work),
            Case::AwaitingInfo(AwaitingInfo { resume: Resume::Processing { work }, .. }) => Some(work),
            Case::AwaitingAcceptance(a) => Some(&a.work),
            Case::Decided(d) => Some(&d.work),
            _ => None,
        }
    }

    /// Account of the applicant.
    pub fn applicant(&self) -> &str {
        match self {
            Case::Draft(draft) | Case::Lapsed(draft) => &draft.applicant,
            other => other.dossier().map_or("", |dossier| &dossier.applicant),
        }
    }

    /// Who is waited for.
    pub const fn waits_for(&self) -> WaitsFor {
        match self {
            Case::Draft(_) | Case::AwaitingInfo(_) | Case::AwaitingAcceptance(_) => WaitsFor::Applicant,
            Case::Submitted(_) | Case::PreScreening(_) | Case::Processing(_) => WaitsFor::Body,
            Case::Decided(_) | Case::Withdrawn(_) | Case::Lapsed(_) => WaitsFor::Nobody,
        }
    }
}

/// Who is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The applicant.
    Applicant,
    /// The access body.
    Body,
    /// Nobody: it is over.
    Nobody,
}

impl WaitsFor {
    /// The name used in interfaces and text keys.
    pub const fn slug(self) -> &'static str {
        match self {
            WaitsFor::Applicant => "applicant",
            WaitsFor::Body => "body",
            WaitsFor::Nobody => "nobody",
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Forbidden { code } => Problem::forbidden(code),
            Refusal::Conflict { code, remedy } => Problem::conflict(code, remedy),
            Refusal::Invalid { fields } => Problem::Invalid { fields },
        }
    }
}
