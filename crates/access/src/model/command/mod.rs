//! What people ask a case to do, with the names of the permission table.

mod names;
mod payload;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, FieldError};
use protocol::documents::Condition;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use names::CommandName;
pub use payload::{
    Answer, AssessmentInput, Ballot, CartItem, Cell, ChangeInput, Configuration, Consent, Declaration, Deliverable,
    ExtensionReason, InvoiceInput, MemberKind, PartInput, ProposalInput, Question, Recommendation, Reminder,
    RemovedInput, SourceAnswer, SourceCost, Track, Visibility,
};

use super::{Hearing, InfoKind, Outcome, PauseReason, ReportInput, Sanction};
use crate::appeal::AppealForm;

/// A command with what it needs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", content = "payload", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// See [`CommandName::SaveDraft`].
    SaveDraft {
        /// Values by field id; null clears a field, fields left out stay.
        fields: Map<String, Value>,
    },
    /// See [`CommandName::EditCart`].
    EditCart {
        /// All variables of the cart.
        items: Vec<CartItem>,
    },
    /// See [`CommandName::SaveFlaggedFields`].
    SaveFlaggedFields {
        /// Values by field id.
        fields: Map<String, Value>,
    },
    /// See [`CommandName::Submit`].
    Submit {},
    /// See [`CommandName::SendInfo`].
    SendInfo {
        /// An answer to each open question.
        answers: Vec<Answer>,
    },
    /// See [`CommandName::Withdraw`].
    Withdraw {
        /// Why, if the applicant wants to say.
        #[serde(default)]
        reason: Option<String>,
    },
    /// See [`CommandName::DeleteDraft`].
    DeleteDraft {},
    /// See [`CommandName::AcceptTerms`].
    AcceptTerms {
        /// Digest of the terms that were shown.
        terms_hash: String,
    },
    /// See [`CommandName::DeclineTerms`].
    DeclineTerms {
        /// Why, if the applicant wants to say.
        #[serde(default)]
        reason: Option<String>,
    },
    /// See [`CommandName::QueryTerms`].
    QueryTerms {
        /// The question.
        question: String,
    },
    /// See [`CommandName::AssignCase`].
    AssignCase {
        /// Account of the handler; the actor when none is given.
        #[serde(default)]
        handler: Option<String>,
    },
    /// See [`CommandName::StartScreening`].
    StartScreening {},
    /// See [`CommandName::ConfirmComplete`].
    ConfirmComplete {},
    /// See [`CommandName::RequestInfo`].
    RequestInfo {
        /// Why.
        kind: InfoKind,
        /// The fields with a question each.
        questions: Vec<Question>,
        /// Last day for the answer; four weeks when none is given.
        #[serde(default)]
        deadline: Option<Date>,
        /// Fields whose answers are good: they need no further question.
        #[serde(default)]
        accepts: BTreeSet<String>,
        /// The source that wants to know, when the handler asks for it.
        #[serde(default)]
        on_behalf_of: Option<String>,
    },
    /// See [`CommandName::CancelInfoRequest`].
    CancelInfoRequest {},
    /// See [`CommandName::AssessCriterion`].
    AssessCriterion {
        /// One or more criteria.
        assessments: Vec<AssessmentInput>,
    },
    /// See [`CommandName::CalculateFee`].
    CalculateFee {
        /// Hours of the access body; an estimate when none is given.
        #[serde(default)]
        case_hours: Option<f64>,
        /// Hours per source; an estimate for those not given.
        #[serde(default)]
        source_hours: BTreeMap<String, f64>,
        /// Hours of preparation and linkage; an estimate when none is given.
        #[serde(default)]
        preparation_hours: Option<f64>,
        /// Class of applicants with a reduced rate (ACC-154), e.g. `student`.
        #[serde(default)]
        class: Option<String>,
    },
    /// See [`CommandName::OfferTerms`].
    OfferTerms {
        /// Why the case goes on without the statement of a source that is late, by source.
        #[serde(default)]
        without_statement: BTreeMap<String, String>,
    },
    /// See [`CommandName::WithdrawTerms`].
    WithdrawTerms {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ProposeDecision`].
    ProposeDecision(ProposalInput),
    /// See [`CommandName::ReturnProposal`].
    ReturnProposal {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::IssueDecision`].
    IssueDecision {
        /// The outcome that is meant; the proposal's when none is given.
        #[serde(default)]
        outcome: Option<Outcome>,
    },
    /// See [`CommandName::RevokePermit`].
    RevokePermit {
        /// Why.
        reason: String,
        /// How the parties were heard. When none is given, the notice that they had time to comment on (`notify_sanction`).
        #[serde(default)]
        hearing: Option<Hearing>,
    },
    /// See [`CommandName::HoldPermit`].
    HoldPermit {
        /// Why.
        reason: String,
        /// Whether the parties were heard.
        #[serde(default)]
        hearing: Option<Hearing>,
    },
    /// See [`CommandName::ReleaseHold`].
    ReleaseHold {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::NotifySanction`].
    NotifySanction {
        /// What is considered.
        sanction: Sanction,
        /// Why.
        reason: String,
        /// Last day for comments; four weeks when none is given, which is the longest.
        #[serde(default)]
        deadline: Option<Date>,
    },
    /// See [`CommandName::CommentSanction`].
    CommentSanction {
        /// Number of the notice; the only open one when none is given.
        #[serde(default)]
        notice: Option<u32>,
        /// What the party says.
        text: String,
    },
    /// See [`CommandName::DecideSanction`].
    DecideSanction {
        /// Number of the notice; the only open one when none is given.
        #[serde(default)]
        notice: Option<u32>,
        /// Whether it comes to the reaction.
        imposed: bool,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ExtendResults`].
    ExtendResults {
        /// The last day from now on.
        until: Date,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::PauseDelivery`].
    PauseDelivery {
        /// The source.
        source: String,
        /// Why, as counted.
        code: PauseReason,
        /// Why, in words.
        reason: String,
    },
    /// See [`CommandName::ResumeDelivery`].
    ResumeDelivery {
        /// The source.
        source: String,
    },
    /// See [`CommandName::ExtendDelivery`].
    ExtendDelivery {
        /// The source.
        source: String,
        /// The last day from now on.
        until: Date,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ReportDelivery`].
    ReportDelivery {
        /// The source.
        source: String,
        /// The day of the delivery; today when none is given.
        #[serde(default)]
        on: Option<Date>,
    },
    /// See [`CommandName::NoteDelivery`].
    NoteDelivery {
        /// The source.
        source: String,
        /// The day on which its data lay ready.
        on: Date,
    },
    /// See [`CommandName::ConfirmOwnAccess`].
    ConfirmOwnAccess {
        /// Id of the person, in the permit; the only one who is not active yet when none is given.
        #[serde(default)]
        person: Option<String>,
        /// That the conditions were read and are accepted.
        accept: bool,
    },
    /// See [`CommandName::CorrectDecision`].
    CorrectDecision {
        /// Why.
        reason: String,
        /// The decision as it should have been.
        proposal: ProposalInput,
    },
    /// See [`CommandName::ReverseDecision`].
    ReverseDecision {
        /// Why.
        reason: String,
        /// The new decision.
        proposal: ProposalInput,
    },
    /// See [`CommandName::LodgeAppeal`].
    LodgeAppeal(AppealForm),
    /// See [`CommandName::SubmitReport`].
    SubmitReport(ReportInput),
    /// See [`CommandName::CloseCase`].
    CloseCase {
        /// Why.
        reason: String,
        /// The close-out report that is accepted with it.
        #[serde(default)]
        accept_report: Option<u32>,
    },
    /// See [`CommandName::ReopenCase`].
    ReopenCase {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::Expire`].
    Expire {},
    /// See [`CommandName::Restore`].
    Restore {},
    /// See [`CommandName::ExtendAnswer`].
    ExtendAnswer {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ProposeMaximum`].
    ProposeMaximum {
        /// The new maximum, in øre without tax.
        max_ore: i64,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::AcceptMaximum`].
    AcceptMaximum {
        /// The maximum that was shown, in øre.
        max_ore: i64,
    },
    /// See [`CommandName::IssueInvoice`].
    IssueInvoice(InvoiceInput),
    /// See [`CommandName::SettleInvoice`].
    SettleInvoice {
        /// The invoice; the first that waits when none is given.
        #[serde(default)]
        number: Option<String>,
        /// The day on which it was paid; today when none is given.
        #[serde(default)]
        paid_on: Option<Date>,
    },
    /// See [`CommandName::DisputeFee`].
    DisputeFee {
        /// Why.
        reason: String,
        /// The fee that the applicant finds right, in øre without tax.
        #[serde(default)]
        wanted_ore: Option<i64>,
    },
    /// See [`CommandName::DecideDispute`].
    DecideDispute {
        /// The fee, in øre without tax.
        fee_ore: i64,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::CopyAsNew`].
    CopyAsNew {},
    /// See [`CommandName::InviteMember`].
    InviteMember {
        /// As what.
        kind: MemberKind,
        /// Address of the invited person, for the invitation alone: it is not written into the case.
        #[serde(default)]
        email: Option<String>,
    },
    /// See [`CommandName::UninviteMember`].
    UninviteMember {
        /// The invitation.
        invitation: String,
    },
    /// See [`CommandName::RemoveMember`].
    RemoveMember {
        /// The member's account.
        account: String,
    },
    /// See [`CommandName::AcceptInvitation`].
    AcceptInvitation {
        /// The token of the link.
        token: String,
    },
    /// See [`CommandName::ChangeApplicant`].
    ChangeApplicant {
        /// The member's account that becomes the applicant.
        account: String,
    },
    /// See [`CommandName::ConfirmController`].
    ConfirmController {
        /// Number of the organisation that is the controller.
        organisation: String,
    },
    /// See [`CommandName::SendMessage`].
    SendMessage {
        /// The message.
        text: String,
    },
    /// See [`CommandName::ProposeNotCompleted`].
    ProposeNotCompleted {
        /// What is missing.
        reason: String,
    },
    /// See [`CommandName::IssueNotCompleted`].
    IssueNotCompleted {},
    /// See [`CommandName::SetTrack`].
    SetTrack {
        /// The track.
        track: Track,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::DispatchSourceTasks`].
    DispatchSourceTasks {
        /// The sources; all that have no task yet when none is given.
        #[serde(default)]
        sources: BTreeSet<String>,
        /// What the sources are asked beside the usual questions.
        #[serde(default)]
        question: Option<String>,
        /// Last day for the answer; 15 working days when none is given.
        #[serde(default)]
        due: Option<Date>,
    },
    /// See [`CommandName::AcceptSourceTask`].
    AcceptSourceTask {
        /// The source.
        source: String,
    },
    /// See [`CommandName::AnswerSourceTask`].
    AnswerSourceTask {
        /// The source.
        source: String,
        /// The answer.
        answer: SourceAnswer,
        /// Hours, price and days, when they have not been estimated yet.
        #[serde(default)]
        cost: Option<SourceCost>,
    },
    /// See [`CommandName::ReturnSourceTask`].
    ReturnSourceTask {
        /// The source.
        source: String,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::EstimateSourceCost`].
    EstimateSourceCost {
        /// The source.
        source: String,
        /// The estimate.
        cost: SourceCost,
    },
    /// See [`CommandName::RequestReview`].
    RequestReview {
        /// Accounts of the reviewers.
        reviewers: BTreeSet<String>,
        /// What they are asked.
        #[serde(default)]
        question: Option<String>,
        /// Whether opinions stay hidden from others until they have given their own (ACC-101).
        #[serde(default)]
        blind: bool,
        /// Whether the applicant is not told who they are.
        #[serde(default)]
        anonymous: bool,
        /// Last day for the opinions; 15 working days when none is given.
        #[serde(default)]
        due: Option<Date>,
    },
    /// See [`CommandName::InviteReviewer`].
    InviteReviewer {
        /// Address of the invited person, for the invitation alone: it is not written into the case.
        #[serde(default)]
        email: Option<String>,
        /// Whether the applicant is not told who it is.
        #[serde(default)]
        anonymous: bool,
    },
    /// See [`CommandName::Review`].
    Review {
        /// What is recommended.
        recommendation: Recommendation,
        /// The opinion.
        text: String,
    },
    /// See [`CommandName::Vote`].
    Vote {
        /// The vote.
        ballot: Ballot,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// See [`CommandName::DeclareInterest`].
    DeclareInterest {
        /// Whether there is a conflict.
        interest: Declaration,
        /// Which one.
        #[serde(default)]
        reason: Option<String>,
    },
    /// See [`CommandName::SetConditions`].
    SetConditions {
        /// All conditions; typed ones are enforced (ACC-142).
        conditions: Vec<Condition>,
    },
    /// See [`CommandName::OfferStatistics`].
    OfferStatistics {
        /// The sources from which statistics are offered instead.
        sources: BTreeSet<String>,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ExtendDeadline`].
    ExtendDeadline {
        /// Why, as counted in the statistics.
        code: ExtensionReason,
        /// Why, in words for the applicant.
        reason: String,
        /// Working days more.
        days: u32,
    },
    /// See [`CommandName::Remark`].
    Remark {
        /// The remark.
        text: String,
        /// Who may read it.
        visibility: Visibility,
        /// What the decision maker agrees to.
        #[serde(default)]
        consents: Option<Consent>,
    },
    /// See [`CommandName::RedactAttachment`].
    RedactAttachment {
        /// Id of the file.
        file: String,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::AssignExternalId`].
    AssignExternalId {
        /// The other system, e.g. `archive`.
        system: String,
        /// What the case is called there.
        value: String,
    },
    /// See [`CommandName::AddTerms`].
    AddTerms {
        /// The terms, as the applicant will accept them.
        text: String,
    },
    /// See [`CommandName::DecideConfidentiality`].
    DecideConfidentiality {
        /// The field.
        field: String,
        /// Whether the public register leaves it out.
        confidential: bool,
        /// Why.
        reason: String,
    },
    /// See [`CommandName::SendReminder`].
    SendReminder {
        /// Of what.
        reminder: Reminder,
    },
    /// See [`CommandName::Configure`].
    Configure {
        /// What holds from now on.
        configuration: Configuration,
    },
    /// See [`CommandName::AddMember`].
    AddMember {
        /// The account.
        account: String,
        /// As what.
        kind: MemberKind,
    },
    /// See [`CommandName::InviteDecisionMaker`].
    InviteDecisionMaker {
        /// Address of the invited person, for the invitation alone: it is not written into the case.
        #[serde(default)]
        email: Option<String>,
    },
    /// See [`CommandName::GiveDecisionAdvice`].
    GiveDecisionAdvice {
        /// What is advised.
        recommendation: Recommendation,
        /// Why.
        reason: String,
    },
}

impl Command {
    /// The command `name` with a JSON payload; an absent payload is an empty one.
    ///
    /// # Errors
    /// What the payload lacks or has too much.
    pub fn parse(name: CommandName, payload: Value) -> Result<Self, FieldError> {
        let payload = if payload.is_null() { Value::Object(Map::new()) } else { payload };
        let tagged = serde_json::json!({"command": name.slug(), "payload": payload});
        serde_json::from_value(tagged).map_err(|e| FieldError::new("payload", "schema", e.to_string()))
    }

    /// Its name.
    pub const fn name(&self) -> CommandName {
        match self {
            Command::SaveDraft { .. } => CommandName::SaveDraft,
            Command::EditCart { .. } => CommandName::EditCart,
            Command::SaveFlaggedFields { .. } => CommandName::SaveFlaggedFields,
            Command::Submit {} => CommandName::Submit,
            Command::SendInfo { .. } => CommandName::SendInfo,
            Command::Withdraw { .. } => CommandName::Withdraw,
            Command::DeleteDraft {} => CommandName::DeleteDraft,
            Command::AcceptTerms { .. } => CommandName::AcceptTerms,
            Command::DeclineTerms { .. } => CommandName::DeclineTerms,
            Command::QueryTerms { .. } => CommandName::QueryTerms,
            Command::AssignCase { .. } => CommandName::AssignCase,
            Command::StartScreening {} => CommandName::StartScreening,
            Command::ConfirmComplete {} => CommandName::ConfirmComplete,
            Command::RequestInfo { .. } => CommandName::RequestInfo,
            Command::CancelInfoRequest {} => CommandName::CancelInfoRequest,
            Command::AssessCriterion { .. } => CommandName::AssessCriterion,
            Command::CalculateFee { .. } => CommandName::CalculateFee,
            Command::OfferTerms { .. } => CommandName::OfferTerms,
            Command::WithdrawTerms { .. } => CommandName::WithdrawTerms,
            Command::ProposeDecision(_) => CommandName::ProposeDecision,
            Command::ReturnProposal { .. } => CommandName::ReturnProposal,
            Command::IssueDecision { .. } => CommandName::IssueDecision,
            Command::RevokePermit { .. } => CommandName::RevokePermit,
            Command::HoldPermit { .. } => CommandName::HoldPermit,
            Command::ReleaseHold { .. } => CommandName::ReleaseHold,
            Command::NotifySanction { .. } => CommandName::NotifySanction,
            Command::CommentSanction { .. } => CommandName::CommentSanction,
            Command::DecideSanction { .. } => CommandName::DecideSanction,
            Command::ExtendResults { .. } => CommandName::ExtendResults,
            Command::PauseDelivery { .. } => CommandName::PauseDelivery,
            Command::ResumeDelivery { .. } => CommandName::ResumeDelivery,
            Command::ExtendDelivery { .. } => CommandName::ExtendDelivery,
            Command::ReportDelivery { .. } => CommandName::ReportDelivery,
            Command::NoteDelivery { .. } => CommandName::NoteDelivery,
            Command::ConfirmOwnAccess { .. } => CommandName::ConfirmOwnAccess,
            Command::CorrectDecision { .. } => CommandName::CorrectDecision,
            Command::ReverseDecision { .. } => CommandName::ReverseDecision,
            Command::LodgeAppeal(_) => CommandName::LodgeAppeal,
            Command::SubmitReport(_) => CommandName::SubmitReport,
            Command::CloseCase { .. } => CommandName::CloseCase,
            Command::ReopenCase { .. } => CommandName::ReopenCase,
            Command::Expire {} => CommandName::Expire,
            Command::ProposeMaximum { .. } => CommandName::ProposeMaximum,
            Command::AcceptMaximum { .. } => CommandName::AcceptMaximum,
            Command::IssueInvoice(_) => CommandName::IssueInvoice,
            Command::SettleInvoice { .. } => CommandName::SettleInvoice,
            Command::DisputeFee { .. } => CommandName::DisputeFee,
            Command::DecideDispute { .. } => CommandName::DecideDispute,
            Command::Restore {} => CommandName::Restore,
            Command::ExtendAnswer { .. } => CommandName::ExtendAnswer,
            Command::CopyAsNew { .. } => CommandName::CopyAsNew,
            Command::InviteMember { .. } => CommandName::InviteMember,
            Command::UninviteMember { .. } => CommandName::UninviteMember,
            Command::RemoveMember { .. } => CommandName::RemoveMember,
            Command::AcceptInvitation { .. } => CommandName::AcceptInvitation,
            Command::ChangeApplicant { .. } => CommandName::ChangeApplicant,
            Command::ConfirmController { .. } => CommandName::ConfirmController,
            Command::SendMessage { .. } => CommandName::SendMessage,
            Command::ProposeNotCompleted { .. } => CommandName::ProposeNotCompleted,
            Command::IssueNotCompleted { .. } => CommandName::IssueNotCompleted,
            Command::SetTrack { .. } => CommandName::SetTrack,
            Command::DispatchSourceTasks { .. } => CommandName::DispatchSourceTasks,
            Command::AcceptSourceTask { .. } => CommandName::AcceptSourceTask,
            Command::AnswerSourceTask { .. } => CommandName::AnswerSourceTask,
            Command::ReturnSourceTask { .. } => CommandName::ReturnSourceTask,
            Command::EstimateSourceCost { .. } => CommandName::EstimateSourceCost,
            Command::RequestReview { .. } => CommandName::RequestReview,
            Command::InviteReviewer { .. } => CommandName::InviteReviewer,
            Command::Review { .. } => CommandName::Review,
            Command::Vote { .. } => CommandName::Vote,
            Command::DeclareInterest { .. } => CommandName::DeclareInterest,
            Command::SetConditions { .. } => CommandName::SetConditions,
            Command::OfferStatistics { .. } => CommandName::OfferStatistics,
            Command::ExtendDeadline { .. } => CommandName::ExtendDeadline,
            Command::Remark { .. } => CommandName::Remark,
            Command::RedactAttachment { .. } => CommandName::RedactAttachment,
            Command::AssignExternalId { .. } => CommandName::AssignExternalId,
            Command::AddTerms { .. } => CommandName::AddTerms,
            Command::DecideConfidentiality { .. } => CommandName::DecideConfidentiality,
            Command::SendReminder { .. } => CommandName::SendReminder,
            Command::Configure { .. } => CommandName::Configure,
            Command::AddMember { .. } => CommandName::AddMember,
            Command::InviteDecisionMaker { .. } => CommandName::InviteDecisionMaker,
            Command::GiveDecisionAdvice { .. } => CommandName::GiveDecisionAdvice,
        }
    }
}
