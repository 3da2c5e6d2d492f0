//! The case as a state machine without I/O: [`decide()`] says which events a command gives, [`evolve()`] what a state
//! becomes by an event. A state is an enum that carries what it needs; the present state is a fold over the events
//! (ACC-003).
//!
//! Names are those of `access.md` sections 8 and 8.2. `decide` and `evolve` have a submodule for each matter of a case:
//! a new command gets a name and a payload in `command`, an event in `event`, and a line in the dispatch of both.

mod after;
mod billing;
mod command;
mod decide;
mod decision;
mod dossier;
mod event;
mod evolve;
mod holder;
mod people;
mod sanction;
mod work;

use std::collections::BTreeSet;

use kernel::{Date, Id, Kind, Problem, Timestamp};
use serde::{Deserialize, Serialize};

pub use after::*;
pub use billing::*;
pub use command::*;
pub use decide::{Context, Prepared, Refusal, Submission, can_issue, decide, missing_criteria};
pub(crate) use decide::{DRAFT_DAYS, RESTORE_DAYS, can_end, check_hearing, dispute_until, maximum, revised};
pub use decision::{
    Before, ChangePart, Decision, DecisionPart, GrantedCollection, MIN_REASON, Outcome, REMOVAL_REASONS, Removed,
    TYPED_CONDITIONS,
};
pub use dossier::*;
pub use event::{Event, Recorded};
pub use evolve::{Misfit, evolve, replay};
pub use holder::*;
pub use people::*;
pub use sanction::*;
pub use work::*;

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
    /// Finished.
    Closed(Closed),
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
    /// How often the applicant was reminded.
    #[serde(default)]
    pub reminders: u32,
}

impl AwaitingAcceptance {
    /// Reminders after which an offer without an answer lapses.
    pub const REMINDERS: u32 = 2;
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
    /// Terms beside the general ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
    /// Sources from which statistics are offered instead of data on persons.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub statistics: BTreeSet<String>,
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
    /// What came after.
    #[serde(default)]
    pub after: After,
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
    /// Past its last day.
    Expired,
}

/// See [`Case::Withdrawn`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Withdrawn {
    /// The case's own facts.
    pub dossier: Dossier,
    /// When.
    pub at: Timestamp,
    /// The price that was told before: what was worked so far is invoiced, and no more (62(5)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<crate::fees::FeeEstimate>,
}

/// See [`Case::Closed`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Closed {
    /// The case as it was decided.
    pub decided: Decided,
    /// When it was closed.
    pub at: Timestamp,
    /// Account of the one who closed it.
    pub by: String,
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
            Case::Closed(_) => StateName::Closed,
        }
    }

    /// What came after the decision.
    pub const fn after(&self) -> Option<&After> {
        match self {
            Case::Decided(decided) | Case::Closed(Closed { decided, .. }) => Some(&decided.after),
            _ => None,
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
            Case::Closed(c) => Some(&c.decided.dossier),
        }
    }

    /// What the body has done so far.
    pub const fn work(&self) -> Option<&Work> {
        match self {
            Case::Processing(p) => Some(&p.work),
            Case::AwaitingInfo(AwaitingInfo { resume: Resume::Processing { work }, .. }) => Some(work),
            Case::AwaitingAcceptance(a) => Some(&a.work),
            Case::Decided(d) => Some(&d.work),
            Case::Closed(c) => Some(&c.decided.work),
            _ => None,
        }
    }

    /// The decided case, also once it is closed.
    pub const fn decided(&self) -> Option<&Decided> {
        match self {
            Case::Decided(decided) => Some(decided),
            Case::Closed(closed) => Some(&closed.decided),
            _ => None,
        }
    }

    /// What belongs to the case in every state.
    pub const fn folder(&self) -> &Folder {
        match self {
            Case::Draft(draft) | Case::Lapsed(draft) => &draft.folder,
            Case::Submitted(dossier) | Case::PreScreening(dossier) => &dossier.folder,
            Case::Processing(p) => &p.dossier.folder,
            Case::AwaitingInfo(a) => &a.dossier.folder,
            Case::AwaitingAcceptance(a) => &a.dossier.folder,
            Case::Decided(d) => &d.dossier.folder,
            Case::Withdrawn(w) => &w.dossier.folder,
            Case::Closed(c) => &c.decided.dossier.folder,
        }
    }

    fn dossier_mut(&mut self) -> Option<&mut Dossier> {
        match self {
            Case::Draft(_) | Case::Lapsed(_) => None,
            Case::Submitted(dossier) | Case::PreScreening(dossier) => Some(dossier),
            Case::Processing(p) => Some(&mut p.dossier),
            Case::AwaitingInfo(a) => Some(&mut a.dossier),
            Case::AwaitingAcceptance(a) => Some(&mut a.dossier),
            Case::Decided(d) => Some(&mut d.dossier),
            Case::Withdrawn(w) => Some(&mut w.dossier),
            Case::Closed(c) => Some(&mut c.decided.dossier),
        }
    }

    fn folder_mut(&mut self) -> &mut Folder {
        match self {
            Case::Draft(draft) | Case::Lapsed(draft) => &mut draft.folder,
            Case::Submitted(dossier) | Case::PreScreening(dossier) => &mut dossier.folder,
            Case::Processing(p) => &mut p.dossier.folder,
            Case::AwaitingInfo(a) => &mut a.dossier.folder,
            Case::AwaitingAcceptance(a) => &mut a.dossier.folder,
            Case::Decided(d) => &mut d.dossier.folder,
            Case::Withdrawn(w) => &mut w.dossier.folder,
            Case::Closed(c) => &mut c.decided.dossier.folder,
        }
    }

    /// The body's work while it can change.
    fn work_mut(&mut self) -> Option<&mut Work> {
        match self {
            Case::Processing(at) => Some(&mut at.work),
            Case::AwaitingInfo(AwaitingInfo { resume: Resume::Processing { work }, .. }) => Some(work),
            Case::AwaitingAcceptance(at) => Some(&mut at.work),
            _ => None,
        }
    }

    /// Whether the appeal body has a part in it: an appeal is a case of its own, with a number in K.
    pub fn is_appealed(&self) -> bool {
        self.dossier().is_some_and(|dossier| dossier.number.starts_with("K-"))
    }

    /// Accounts that have assessed or decided something here: they prepare no data for it (ACC-009).
    pub fn assessors(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        if let Some(dossier) = self.dossier() {
            found.extend(dossier.handler.as_deref());
        }
        if let Some(work) = self.work() {
            found.extend(work.assessments.values().map(|a| a.by.as_str()));
            found.extend(work.proposal.as_ref().map(|p| p.by.as_str()));
        }
        found.extend(self.decided().map(|d| d.issued_by.as_str()));
        found
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
            Case::Decided(_) | Case::Withdrawn(_) | Case::Lapsed(_) | Case::Closed(_) => WaitsFor::Nobody,
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
