//! What happened in a case. Events are append-only and hold account ids, never names (ACC-190).

mod name;

use std::collections::BTreeSet;

use kernel::{Date, Timestamp};
use protocol::documents::Condition;
use serde::{Deserialize, Serialize};

use super::{
    Answer, Ballot, CaseId, ChangeLink, ChangeOf, Configuration, Consent, CriterionOutcome, Decision, Declaration,
    ExtensionReason, Hearing, InfoKind, InvitedTo, LetterRef, MemberKind, NewDecision, Order, PauseReason, Question,
    Recommendation, Reminder, ReportInput, Sanction, SourceAnswer, SourceCost, Terms, Track, Visibility,
};
use crate::clocks::EndEvent;
use crate::fees::{CreditNote, FeeEstimate, Invoice};

/// An event with its place in the case.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// 1, 2, 3 … in the case.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Account, or `clock`.
    pub actor: String,
    /// Account of the colleague for whom it was done (ACC-104).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
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
    /// The draft lapsed: nobody had worked on it for long (ACC-027).
    DraftLapsed {},
    /// A draft that had lapsed was taken up again.
    DraftRestored {},
    /// The application was handed in.
    Submitted {
        /// Number of the case.
        number: String,
        /// Digest of revision 1 of the content.
        sha256: String,
        /// What is applied for.
        order: Order,
        /// Of a change: what it applies for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<Box<ChangeOf>>,
        /// What the statutory clock measures up to where the installation says so; else what the profile says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock_end: Option<EndEvent>,
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
        /// Fields whose earlier answers are good.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        accepts: BTreeSet<String>,
        /// The source that wants to know.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_behalf_of: Option<String>,
    },
    /// The applicant got more time to answer.
    InfoDeadlineExtended {
        /// Last day for the answer.
        deadline: Date,
        /// Why.
        reason: String,
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
        /// Of a change: what it applies for now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<Box<ChangeOf>>,
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
        /// Fields, files and task answers that it rests on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<String>,
        /// The condition that makes it fulfilled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<Condition>,
        /// The source that was assessed; none for the whole case (ACC-141).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
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
    /// The offer was not answered in time: the application is withdrawn.
    TermsLapsed {},
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
    /// The draft changes a permit.
    ChangeOpened {
        /// The permit.
        link: ChangeLink,
    },
    /// A change that needs no decision took effect (ACC-063).
    ChangeTookEffect {
        /// The version of the permit that it gave.
        permit_id: String,
    },
    /// The permit has a new version (ACC-162).
    PermitVersionIssued {
        /// Id of the version.
        permit_id: String,
        /// Digest of the signed payload.
        sha256: String,
        /// The decision that it rests on; none for a notification.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
        /// What changed, by path; ids and no names.
        paths: Vec<String>,
        /// Whether it ends the hold of a decision that was made void.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resumes: bool,
    },
    /// New data were ordered under the unchanged permit (ACC-065).
    RefreshOrdered {
        /// 1, 2 … in the case.
        number: u32,
        /// The sources that are asked.
        sources: Vec<String>,
        /// Why.
        reason: String,
    },
    /// The appeal body made the decision void: the case is to be decided again.
    DecisionAnnulled {
        /// Number of the appeal.
        appeal: String,
        /// Why.
        reason: String,
    },
    /// The permit has passed its last day.
    PermitExpired {
        /// Digest of the signed payload with status EXPIRED.
        sha256: String,
    },
    /// A person accepted the conditions and may work with the data (ACC-165).
    PersonTermsAccepted {
        /// Id of the person.
        person: String,
        /// Version of the terms.
        terms: String,
        /// Digest of the signed payload in which the person is active.
        sha256: String,
    },
    /// An obvious fault of the decision was put right.
    DecisionCorrected {
        /// The new version.
        version: Box<NewDecision>,
    },
    /// The decision was replaced by another.
    DecisionReversed {
        /// The new version.
        version: Box<NewDecision>,
        /// The appeal that led to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        appeal: Option<String>,
    },
    /// The decision was appealed against; the appeal is a case of its own.
    AppealLodged {
        /// `K-2026-000001`.
        appeal: String,
    },
    /// An appeal went on.
    AppealMoved {
        /// `K-2026-000001`.
        appeal: String,
        /// The stage that it is at.
        stage: String,
    },
    /// A report came in.
    ReportSubmitted {
        /// Number of the report.
        number: u32,
        /// What was reported.
        report: ReportInput,
        /// Whether it came later than it should.
        late: bool,
    },
    /// The case was closed.
    CaseClosed {
        /// Why.
        reason: String,
        /// The close-out report that was accepted with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted: Option<u32>,
    },
    /// A closed case was opened again.
    CaseReopened {
        /// Why.
        reason: String,
    },
    /// The permit was taken back.
    PermitRevoked {
        /// Why.
        reason: String,
        /// Whether the parties were heard (ACC-164).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hearing: Option<Hearing>,
        /// Digest of the signed payload with status REVOKED.
        sha256: String,
    },
    /// The permit was put on hold.
    PermitHeld {
        /// Why.
        reason: String,
        /// Whether the parties were heard (ACC-164).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hearing: Option<Hearing>,
    },
    /// The hold was ended.
    PermitHoldReleased {
        /// Why.
        reason: String,
    },
    /// The parties were told of a reaction that is considered.
    SanctionNotified {
        /// 1, 2 … in the case.
        number: u32,
        /// What.
        sanction: Sanction,
        /// Why.
        reason: String,
        /// Last day for comments.
        deadline: Date,
    },
    /// A party said something to it.
    SanctionCommented {
        /// Number of the notice.
        number: u32,
        /// The words.
        text: String,
    },
    /// It was decided whether it comes to the reaction.
    SanctionDecided {
        /// Number of the notice.
        number: u32,
        /// Whether it does.
        imposed: bool,
        /// Why.
        reason: String,
    },
    /// There is more time to publish the results.
    ResultsExtended {
        /// The last day.
        until: Date,
        /// Why.
        reason: String,
    },
    /// The time of a holder stands still.
    DeliveryPaused {
        /// The source.
        source: String,
        /// Why, as counted.
        code: PauseReason,
        /// Why, in words.
        reason: String,
        /// First day.
        on: Date,
    },
    /// The time of a holder runs again.
    DeliveryResumed {
        /// The source.
        source: String,
        /// From this day on.
        on: Date,
    },
    /// A holder has more time.
    DeliveryExtended {
        /// The source.
        source: String,
        /// The last day.
        until: Date,
        /// Why.
        reason: String,
    },
    /// A holder has delivered.
    DeliveryReported {
        /// The source.
        source: String,
        /// When.
        on: Date,
    },
    /// A new draft was begun with the content of this case.
    Copied {
        /// The new draft.
        to: CaseId,
    },
    /// Somebody was invited to take part in the application.
    MemberInvited {
        /// Id of the invitation.
        invitation: String,
        /// To what.
        to: InvitedTo,
        /// SHA-256 of the token.
        token: String,
        /// Last day.
        until: Date,
    },
    /// An invitation was taken back.
    MemberUninvited {
        /// Id of the invitation.
        invitation: String,
    },
    /// A member's part ended.
    MemberRemoved {
        /// Account.
        account: String,
    },
    /// An invitation was used by the actor.
    MemberJoined {
        /// Id of the invitation.
        invitation: String,
    },
    /// Somebody was taken in without invitation (REMS profiles).
    MemberAdded {
        /// Account.
        account: String,
        /// As what.
        kind: MemberKind,
    },
    /// A member became the applicant, and the applicant a member.
    ApplicantChanged {
        /// Account of the new applicant.
        account: String,
    },
    /// The controller's representative confirmed.
    ControllerConfirmed {
        /// Number of the organisation.
        organisation: String,
    },
    /// A message was sent. Its text is kept sealed beside the case.
    MessageSent {
        /// 1, 2, 3 … in the case.
        message: u32,
        /// SHA-256 of the text.
        sha256: String,
    },
    /// A remark was made. Its text is kept sealed beside the case.
    Remarked {
        /// 1, 2, 3 … in the case.
        remark: u32,
        /// Who may read it.
        visibility: Visibility,
        /// SHA-256 of the text.
        sha256: String,
        /// What the decision maker agrees to.
        consents: Option<Consent>,
    },
    /// An end of the case was proposed because it was not completed.
    NotCompletedProposed {
        /// The decision.
        decision: Decision,
    },
    /// The case is treated in another way.
    TrackChanged {
        /// The track.
        track: Track,
        /// Why.
        reason: String,
    },
    /// A source was asked.
    SourceTaskCreated {
        /// The source.
        source: String,
        /// Last day for the answer.
        due: Date,
        /// What was asked beside the usual questions.
        question: Option<String>,
    },
    /// A source works on its task.
    SourceTaskAccepted {
        /// The source.
        source: String,
    },
    /// A source answered.
    SourceTaskAnswered {
        /// The source.
        source: String,
        /// The answer.
        answer: SourceAnswer,
    },
    /// A task, or its answer, was sent back.
    SourceTaskReturned {
        /// The source.
        source: String,
        /// Why.
        reason: String,
    },
    /// The case went on without the statement of a source that is late.
    SourceTaskWaived {
        /// The source.
        source: String,
        /// Why.
        reason: String,
    },
    /// A source's part was estimated.
    SourceCostEstimated {
        /// The source.
        source: String,
        /// The estimate.
        cost: SourceCost,
    },
    /// Somebody was asked for an opinion.
    ReviewRequested {
        /// Account.
        reviewer: String,
        /// What was asked.
        question: Option<String>,
        /// Whether opinions stay hidden until the own one is given.
        blind: bool,
        /// Whether the applicant is not told who it is.
        anonymous: bool,
        /// Last day for the opinion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Date>,
    },
    /// An expert was invited.
    ReviewerInvited {
        /// Id of the invitation.
        invitation: String,
        /// To what.
        to: InvitedTo,
        /// SHA-256 of the token.
        token: String,
        /// Last day.
        until: Date,
    },
    /// An opinion was given.
    Reviewed {
        /// What is recommended.
        recommendation: Recommendation,
        /// The opinion.
        text: String,
    },
    /// A vote was given.
    Voted {
        /// The vote.
        ballot: Ballot,
        /// Why.
        reason: Option<String>,
    },
    /// Advice on the decision was given (REMS profiles).
    DecisionAdvised {
        /// What is advised.
        recommendation: Recommendation,
        /// Why.
        reason: String,
    },
    /// Somebody said whether there is a conflict of interest.
    InterestDeclared {
        /// Whether there is one.
        interest: Declaration,
        /// Which one.
        reason: Option<String>,
    },
    /// The conditions of the permit were set.
    ConditionsSet {
        /// All of them.
        conditions: Vec<Condition>,
    },
    /// Statistics were offered instead of data on persons.
    StatisticsOffered {
        /// The sources.
        sources: BTreeSet<String>,
        /// Why.
        reason: String,
    },
    /// The body gave itself more time.
    DeadlineExtended {
        /// Why, as counted.
        code: ExtensionReason,
        /// Why, in words.
        reason: String,
        /// Working days more.
        days: u32,
    },
    /// An attachment was removed.
    AttachmentRedacted {
        /// Id of the file.
        file: String,
        /// SHA-256 of the file.
        sha256: String,
        /// Why.
        reason: String,
    },
    /// The case was named as another system does.
    ExternalIdAssigned {
        /// The other system.
        system: String,
        /// What the case is called there.
        value: String,
    },
    /// Terms were added to the general ones.
    TermsAdded {
        /// The terms.
        text: String,
    },
    /// It was decided whether the public register leaves a field out.
    ConfidentialityDecided {
        /// The field.
        field: String,
        /// Whether it does.
        confidential: bool,
        /// Why.
        reason: String,
    },
    /// Somebody was reminded.
    ReminderSent {
        /// Of what.
        reminder: Reminder,
    },
    /// A new maximum price was proposed (ACC-152).
    MaximumProposed {
        /// The maximum, in øre without tax.
        max_ore: i64,
        /// Why.
        reason: String,
    },
    /// The new maximum was accepted.
    MaximumAccepted {
        /// The maximum, in øre without tax.
        max_ore: i64,
    },
    /// An invoice was sent.
    InvoiceIssued {
        /// The invoice.
        invoice: Invoice,
        /// Last day to pay.
        due: Date,
    },
    /// An invoice was paid.
    InvoiceSettled {
        /// The invoice.
        number: String,
        /// The day.
        paid_on: Date,
    },
    /// The fee was disputed (ACC-155).
    FeeDisputed {
        /// 1, 2 … in the case.
        number: u32,
        /// Why.
        reason: String,
        /// The fee that the applicant finds right, in øre.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted_ore: Option<i64>,
    },
    /// The access body set the fee.
    FeeDisputeDecided {
        /// The dispute.
        number: u32,
        /// The fee, in øre without tax.
        fee_ore: i64,
        /// Why.
        reason: String,
    },
    /// Something was given back of an invoice, because a dispute made the fee lower.
    CreditNoteIssued {
        /// The note.
        note: CreditNote,
    },
    /// An administrator set what the workflow of the case allows.
    ConfigurationChanged {
        /// What holds from now on.
        configuration: Configuration,
    },
}
