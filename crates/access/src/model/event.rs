//! What happened in a case. Events are append-only and hold account ids, never names (ACC-190).

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Answer, CriterionOutcome, Decision, InfoKind, LetterRef, Order, Question, Terms};
use crate::fees::FeeEstimate;

/// An event with its place in the case.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// 1, 2, 3 … in the case.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Account, or `clock`.
    pub actor: String,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// A draft was begun.
    Created {
        /// Form.
        form: String,
        /// Profile.
        profile: String,
    },
    /// The draft was worked on (at most once in ten minutes).
    DraftSaved {},
    /// The variables of the draft were changed.
    CartChanged {
        /// How many there are now.
        items: u32,
    },
    /// The draft was thrown away.
    DraftDeleted {},
    /// The application was handed in.
    Submitted {
        /// Number of the case.
        number: String,
        /// Digest of revision 1 of the content.
        sha256: String,
        /// What is applied for.
        order: Order,
    },
    /// The case has a handler.
    CaseAssigned {
        /// Account.
        handler: String,
    },
    /// The completeness check began.
    ScreeningStarted {
        /// Whether by itself, because no check was open.
        automatic: bool,
    },
    /// The application is complete.
    CompletenessConfirmed {
        /// Since when: start of the clock.
        complete_at: Timestamp,
    },
    /// The applicant was asked.
    InfoRequested {
        /// Why.
        kind: InfoKind,
        /// The questions.
        questions: Vec<Question>,
        /// Last day for the answer.
        deadline: Date,
    },
    /// The questions were taken back.
    InfoRequestCancelled {},
    /// The applicant works on the fields asked about.
    InfoDraftSaved {},
    /// The applicant answered.
    InfoReceived {
        /// The answers.
        answers: Vec<Answer>,
        /// Number of the new revision.
        revision: u32,
        /// Digest of its content.
        sha256: String,
        /// What is applied for now.
        order: Order,
    },
    /// The applicant took the application back.
    Withdrawn {
        /// Why.
        reason: Option<String>,
    },
    /// A criterion was assessed.
    CriterionAssessed {
        /// Criterion.
        criterion: String,
        /// Outcome.
        outcome: CriterionOutcome,
        /// Reason.
        reason: String,
    },
    /// The price was estimated.
    FeeEstimated {
        /// The estimate.
        fee: FeeEstimate,
    },
    /// Price and terms were offered.
    TermsOffered {
        /// The terms.
        terms: Terms,
        /// Their digest.
        hash: String,
        /// Last day to accept.
        deadline: Date,
    },
    /// The offer was taken back.
    TermsWithdrawn {
        /// Why.
        reason: String,
    },
    /// The offer was accepted.
    TermsAccepted {
        /// Digest of the terms.
        hash: String,
    },
    /// The offer was declined.
    TermsDeclined {
        /// Why.
        reason: Option<String>,
    },
    /// The applicant asked about the offer.
    TermsQueried {
        /// The question.
        question: String,
    },
    /// A decision was proposed.
    DecisionProposed {
        /// The decision.
        decision: Decision,
    },
    /// The proposal was sent back.
    ProposalReturned {
        /// Why.
        reason: String,
    },
    /// The decision was made.
    DecisionIssued {
        /// Number of the decision.
        number: String,
        /// What was decided.
        decision: Decision,
        /// The letter.
        letter: LetterRef,
    },
    /// A permit was issued.
    PermitIssued {
        /// Id of this version.
        permit_id: String,
        /// Series.
        series: String,
        /// Digest of the signed payload.
        sha256: String,
    },
    /// The permit was taken back.
    PermitRevoked {
        /// Why.
        reason: String,
        /// Digest of the signed payload with status REVOKED.
        sha256: String,
    },
    /// The permit was put on hold.
    PermitHeld {
        /// Why.
        reason: String,
    },
    /// The hold was ended.
    PermitHoldReleased {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The name of the event.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Created { .. } => "created",
            Event::DraftSaved {} => "draft_saved",
            Event::CartChanged { .. } => "cart_changed",
            Event::DraftDeleted {} => "draft_deleted",
            Event::Submitted { .. } => "submitted",
            Event::CaseAssigned { .. } => "case_assigned",
            Event::ScreeningStarted { .. } => "screening_started",
            Event::CompletenessConfirmed { .. } => "completeness_confirmed",
            Event::InfoRequested { .. } => "info_requested",
            Event::InfoRequestCancelled {} => "info_request_cancelled",
            Event::InfoDraftSaved {} => "info_draft_saved",
            Event::InfoReceived { .. } => "info_received",
            Event::Withdrawn { .. } => "withdrawn",
            Event::CriterionAssessed { .. } => "criterion_assessed",
            Event::FeeEstimated { .. } => "fee_estimated",
            Event::TermsOffered { .. } => "terms_offered",
            Event::TermsWithdrawn { .. } => "terms_withdrawn",
            Event::TermsAccepted { .. } => "terms_accepted",
            Event::TermsDeclined { .. } => "terms_declined",
            Event::TermsQueried { .. } => "terms_queried",
            Event::DecisionProposed { .. } => "decision_proposed",
            Event::ProposalReturned { .. } => "proposal_returned",
            Event::DecisionIssued { .. } => "decision_issued",
            Event::PermitIssued { .. } => "permit_issued",
            Event::PermitRevoked { .. } => "permit_revoked",
            Event::PermitHeld { .. } => "permit_held",
            Event::PermitHoldReleased { .. } => "permit_hold_released",
        }
    }
}
