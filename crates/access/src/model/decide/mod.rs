//! From a command to events, or to the reason why not. Pure: time, the checked content and a prepared decision come in
//! through [`Context`]. Who may ask for what was settled before, by the permission table (ACC-081).
//!
//! One submodule for each matter; each decides its own commands. That a command belongs to the state was settled here, by
//! the table: a submodule that finds another state answers `wrong_state` all the same.

mod after;
mod assess;
mod billing;
mod decision;
mod draft;
mod holder;
mod info;
mod members;
mod opinions;
mod permit;
mod sanction;
mod sources;
mod staff;
mod terms;

use std::collections::BTreeSet;

use kernel::{Date, FieldError, Timestamp};

pub(crate) use after::revised;
pub use assess::missing_criteria;
pub(crate) use billing::{dispute_until, maximum};
pub(crate) use decision::can_end;
pub use decision::can_issue;
pub(crate) use draft::{DRAFT_DAYS, RESTORE_DAYS};
pub(crate) use permit::check_hearing;

use super::{Case, CaseId, ChangeOf, Command, Decided, Declaration, Dossier, Event, LetterRef, Order, PermitRef};
use crate::clocks::EndEvent;
use crate::permissions::{self, CaseRole};

/// What the outside world adds to a command.
pub struct Context<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The present date in Oslo.
    pub today: Date,
    /// Account of the actor.
    pub actor: &'a str,
    /// The role in which the actor asks.
    pub role: CaseRole,
    /// Account of the colleague for whom the actor stands in (ACC-104).
    pub on_behalf_of: Option<&'a str>,
    /// The sources that the actor may speak for, when that is limited.
    pub sources: Option<&'a [String]>,
    /// Whether a person or organisation of the case is on the exclusion list (ACC-084).
    pub excluded: bool,
    /// A new id and the digest of its token, for invitations.
    pub invitation: Option<&'a (String, String)>,
    /// The new draft, for `copy_as_new`.
    pub copy: Option<CaseId>,
    /// Number of the new appeal, for `lodge_appeal`.
    pub appeal: Option<&'a str>,
    /// Id of the person and digest of the permit in which the person is active, for `confirm_own_access`.
    pub person: Option<&'a (String, String)>,
    /// Digest of the attachment, for `redact_attachment`.
    pub attachment: Option<&'a str>,
    /// The content being handed in, for `submit` and `send_info`.
    pub submission: Option<&'a Submission>,
    /// The decision made ready to issue, for `issue_decision` and `revoke_permit`.
    pub prepared: Option<&'a Prepared>,
    /// Whether each body sends its own invoice (ACC-153).
    pub separate_invoices: bool,
    /// Last day of the permit, for `extend_results`.
    pub permit_ends: Option<Date>,
}

impl<'a> Context<'a> {
    /// A context of `actor` in a role, with nothing from outside.
    pub fn new(now: Timestamp, actor: &'a str, role: CaseRole) -> Self {
        Self {
            now,
            today: now.date_in_oslo(),
            actor,
            role,
            on_behalf_of: None,
            sources: None,
            excluded: false,
            invitation: None,
            copy: None,
            appeal: None,
            person: None,
            attachment: None,
            submission: None,
            prepared: None,
            separate_invoices: false,
            permit_ends: None,
        }
    }
}

/// Content that was checked and frozen.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Number for the case, for `submit`.
    pub number: String,
    /// SHA-256 over the canonical content.
    pub sha256: String,
    /// What is applied for.
    pub order: Order,
    /// Checks that stop it.
    pub blocks: Vec<FieldError>,
    /// Whether a check warns.
    pub warns: bool,
    /// The fields whose values differ from the revision before.
    pub changed: BTreeSet<String>,
    /// Of a change: what it applies for.
    pub change: Option<Box<ChangeOf>>,
    /// What the statutory clock measures up to, where the installation says so (`clock.end_event`).
    pub clock_end: Option<EndEvent>,
}

/// A decision with its letter and permit, rendered and signed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Number of the decision.
    pub number: String,
    /// The letter.
    pub letter: LetterRef,
    /// Permit id, series, digest of the payload; none when nothing is granted.
    pub permit: Option<(String, String, String)>,
}

/// Why a command gives no events.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Somebody else must do it.
    #[error("not allowed: {code}")]
    Forbidden {
        /// Stable code, e.g. `same_person`.
        code: &'static str,
    },
    /// The case is not at that point.
    #[error("conflict: {code}")]
    Conflict {
        /// Stable code, e.g. `wrong_state`, `not_all_assessed`.
        code: &'static str,
        /// What to do.
        remedy: String,
    },
    /// The input has faults.
    #[error("invalid input")]
    Invalid {
        /// Every fault.
        fields: Vec<FieldError>,
    },
}

impl Refusal {
    pub(crate) fn conflict(code: &'static str, remedy: impl Into<String>) -> Self {
        Refusal::Conflict { code, remedy: remedy.into() }
    }

    pub(crate) fn invalid(field: impl Into<String>, rule: &str, message: impl Into<String>) -> Self {
        Refusal::Invalid { fields: vec![FieldError::new(field, rule, message)] }
    }
}

/// The longest free text of a command.
const MAX_TEXT: usize = 5_000;
/// The longest grounds of an appeal.
const MAX_GROUNDS: usize = 10_000;

/// The events that `command` gives in `case`.
///
/// # Errors
/// [`Refusal`]; nothing has happened then (ACC-100).
pub fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    for (place, text) in command.texts() {
        let most = if place == "kla.grounds" { MAX_GROUNDS } else { MAX_TEXT };
        if text.chars().count() > most {
            return Err(Refusal::invalid(place, "length", format!("at most {most} characters")));
        }
    }
    // ACC-091: a REMS profile lets the clock ask for this in every state.
    if *command == (Command::DeleteDraft {}) && !matches!(case, Case::Draft(_)) {
        return Err(Refusal::conflict("only_draft_may_be_deleted", "the application was handed in"));
    }
    if !permissions::belongs_to(case.name(), command.name()) {
        return Err(wrong_state(case, command));
    }
    interest_declared(case, command, context)?;
    match command {
        Command::SaveDraft { .. }
        | Command::EditCart { .. }
        | Command::DeleteDraft {}
        | Command::Submit {}
        | Command::Withdraw { .. }
        | Command::Restore {}
        | Command::CopyAsNew {} => draft::decide(case, command, context),
        Command::RequestInfo { .. }
        | Command::CancelInfoRequest {}
        | Command::ExtendAnswer { .. }
        | Command::SaveFlaggedFields { .. }
        | Command::SendInfo { .. } => info::decide(case, command, context),
        Command::InviteMember { .. }
        | Command::UninviteMember { .. }
        | Command::RemoveMember { .. }
        | Command::AcceptInvitation { .. }
        | Command::ChangeApplicant { .. }
        | Command::ConfirmController { .. }
        | Command::AddMember { .. } => members::decide(case, command, context),
        Command::DispatchSourceTasks { .. }
        | Command::AcceptSourceTask { .. }
        | Command::AnswerSourceTask { .. }
        | Command::ReturnSourceTask { .. }
        | Command::EstimateSourceCost { .. } => sources::decide(case, command, context),
        Command::RequestReview { .. }
        | Command::InviteReviewer { .. }
        | Command::Review { .. }
        | Command::Vote { .. }
        | Command::InviteDecisionMaker { .. }
        | Command::GiveDecisionAdvice { .. } => opinions::decide(case, command, context),
        Command::AssessCriterion { .. } | Command::SetConditions { .. } | Command::CalculateFee { .. } => {
            assess::decide(case, command, context)
        }
        Command::OfferTerms { .. }
        | Command::AcceptTerms { .. }
        | Command::DeclineTerms { .. }
        | Command::QueryTerms { .. }
        | Command::WithdrawTerms { .. }
        | Command::AddTerms { .. }
        | Command::OfferStatistics { .. } => terms::decide(case, command, context),
        Command::ProposeDecision(_)
        | Command::ReturnProposal { .. }
        | Command::IssueDecision { .. }
        | Command::ProposeNotCompleted { .. }
        | Command::IssueNotCompleted {} => decision::decide(case, command, context),
        Command::RevokePermit { .. } | Command::HoldPermit { .. } | Command::ReleaseHold { .. } => {
            permit::decide(case, command, context)
        }
        Command::NotifySanction { .. } | Command::CommentSanction { .. } | Command::DecideSanction { .. } => {
            sanction::decide(case, command, context)
        }
        Command::PauseDelivery { .. }
        | Command::ResumeDelivery { .. }
        | Command::ExtendDelivery { .. }
        | Command::ReportDelivery { .. }
        | Command::NoteDelivery { .. } => holder::decide(case, command, context),
        Command::ConfirmOwnAccess { .. }
        | Command::ExtendResults { .. }
        | Command::CorrectDecision { .. }
        | Command::ReverseDecision { .. }
        | Command::LodgeAppeal(_)
        | Command::SubmitReport(_)
        | Command::CloseCase { .. }
        | Command::ReopenCase { .. } => after::decide(case, command, context),
        Command::ProposeMaximum { .. }
        | Command::AcceptMaximum { .. }
        | Command::IssueInvoice(_)
        | Command::SettleInvoice { .. }
        | Command::DisputeFee { .. }
        | Command::DecideDispute { .. } => billing::decide(case, command, context),
        Command::Expire {} => match case {
            Case::Draft(_) => draft::decide(case, command, context),
            Case::AwaitingAcceptance(_) => terms::decide(case, command, context),
            _ => after::decide(case, command, context),
        },
        Command::AssignCase { .. }
        | Command::StartScreening {}
        | Command::ConfirmComplete {}
        | Command::DeclareInterest { .. }
        | Command::SendMessage { .. }
        | Command::Remark { .. }
        | Command::SetTrack { .. }
        | Command::ExtendDeadline { .. }
        | Command::AssignExternalId { .. }
        | Command::DecideConfidentiality { .. }
        | Command::RedactAttachment { .. }
        | Command::SendReminder { .. }
        | Command::Configure { .. } => staff::decide(case, command, context),
    }
}

/// ACC-083: staff say whether there is a conflict of interest before they do anything in a case.
fn interest_declared(case: &Case, command: &Command, context: &Context<'_>) -> Result<(), Refusal> {
    if !context.role.is_staff() || matches!(command, Command::DeclareInterest { .. }) || matches!(case, Case::Draft(_))
    {
        return Ok(());
    }
    match case.folder().interests.get(context.actor) {
        Some(Declaration::None) => Ok(()),
        Some(Declaration::Conflict) => Err(Refusal::Forbidden { code: "conflict_of_interest" }),
        None => {
            let remedy = "say first whether you have a conflict of interest in this case (declare_interest)";
            Err(Refusal::conflict("interest_not_declared", remedy))
        }
    }
}

fn wrong_state(case: &Case, command: &Command) -> Refusal {
    let text = format!("{} cannot be done in the state {}", command.name().slug(), case.name().slug());
    Refusal::conflict("wrong_state", text)
}

/// The case is the one that its permit belongs to.
fn own_permit(at: &Decided) -> Result<&PermitRef, Refusal> {
    if let Some(change) = &at.dossier.change {
        let remedy = format!("the permit belongs to the case {}", change.link.case);
        return Err(Refusal::conflict("linked_case", remedy));
    }
    at.permit.as_ref().ok_or_else(|| Refusal::conflict("no_permit", "the decision gave no permit"))
}

/// The dossier of a case that was submitted, or `wrong_state`.
fn dossier<'a>(case: &'a Case, command: &Command) -> Result<&'a Dossier, Refusal> {
    case.dossier().ok_or_else(|| wrong_state(case, command))
}

/// A text of at least `least` characters.
fn needs_text(field: &str, text: &str, least: usize) -> Result<(), Refusal> {
    if text.trim().chars().count() >= least {
        return Ok(());
    }
    Err(Refusal::invalid(field, "required", format!("write at least {least} characters")))
}
