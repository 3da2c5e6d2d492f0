//! What a case becomes by an event. Total over the events that [`decide`](super::decide()) gives; any other pair of state
//! and event is a damaged history and is named as such. One submodule for each matter, as in `decide`.

mod after;
mod billing;
mod decision;
mod draft;
mod info;
mod measures;
mod members;
mod opinions;
mod sources;
mod staff;
mod terms;

use super::{Case, Event, Recorded};

/// An event that does not fit the state: the history is not one that this program wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("event {seq} ({event}) does not fit the state {state}")]
pub struct Misfit {
    /// Place of the event.
    pub seq: i64,
    /// Name of the event.
    pub event: &'static str,
    /// Name of the state, or `none`.
    pub state: &'static str,
}

/// The state after all events.
///
/// # Errors
/// [`Misfit`] at the first event that does not fit, or when there is none.
pub fn replay(events: &[Recorded]) -> Result<Case, Misfit> {
    let mut case = None;
    for event in events {
        case = Some(evolve(case, event)?);
    }
    case.ok_or(Misfit { seq: 0, event: "none", state: "none" })
}

/// The state after one more event.
///
/// # Errors
/// [`Misfit`].
pub fn evolve(case: Option<Case>, recorded: &Recorded) -> Result<Case, Misfit> {
    let state = case.as_ref().map_or("none", |case| case.name().slug());
    let misfit = Misfit { seq: recorded.seq, event: recorded.event.name(), state };
    let next = match (case, &recorded.event) {
        (None, Event::Created { form, profile }) => Some(draft::created(recorded, form, profile)),
        (None, _) => None,
        (Some(case), event) => next(case, event, recorded),
    };
    next.ok_or(misfit)
}

fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    match event {
        Event::Created { .. } => None,
        Event::DraftSaved {}
        | Event::CartChanged { .. }
        | Event::DraftDeleted {}
        | Event::DraftLapsed {}
        | Event::DraftRestored {}
        | Event::Submitted { .. }
        | Event::Withdrawn { .. }
        | Event::Copied { .. } => draft::next(case, event, recorded),
        Event::InfoRequested { .. }
        | Event::InfoDeadlineExtended { .. }
        | Event::InfoRequestCancelled {}
        | Event::InfoDraftSaved {}
        | Event::InfoReceived { .. }
        | Event::CompletenessConfirmed { .. } => info::next(case, event, recorded),
        Event::MemberInvited { .. }
        | Event::MemberUninvited { .. }
        | Event::MemberRemoved { .. }
        | Event::MemberJoined { .. }
        | Event::MemberAdded { .. }
        | Event::ApplicantChanged { .. }
        | Event::ControllerConfirmed { .. } => members::next(case, event, recorded),
        Event::SourceTaskCreated { .. }
        | Event::SourceTaskAccepted { .. }
        | Event::SourceTaskAnswered { .. }
        | Event::SourceTaskReturned { .. }
        | Event::SourceTaskWaived { .. }
        | Event::SourceCostEstimated { .. } => sources::next(case, event, recorded),
        Event::ReviewRequested { .. }
        | Event::ReviewerInvited { .. }
        | Event::Reviewed { .. }
        | Event::Voted { .. }
        | Event::DecisionAdvised { .. } => opinions::next(case, event, recorded),
        Event::CriterionAssessed { .. }
        | Event::ConditionsSet { .. }
        | Event::FeeEstimated { .. }
        | Event::TermsOffered { .. }
        | Event::TermsWithdrawn { .. }
        | Event::TermsAccepted { .. }
        | Event::TermsDeclined { .. }
        | Event::TermsLapsed {}
        | Event::TermsQueried { .. }
        | Event::TermsAdded { .. }
        | Event::StatisticsOffered { .. } => terms::next(case, event, recorded),
        Event::DecisionProposed { .. }
        | Event::ProposalReturned { .. }
        | Event::NotCompletedProposed { .. }
        | Event::DecisionIssued { .. }
        | Event::PermitIssued { .. }
        | Event::PermitRevoked { .. }
        | Event::PermitHeld { .. }
        | Event::PermitHoldReleased { .. } => decision::next(case, event, recorded),
        Event::ChangeOpened { .. }
        | Event::ChangeTookEffect { .. }
        | Event::PermitVersionIssued { .. }
        | Event::PermitExpired { .. }
        | Event::RefreshOrdered { .. }
        | Event::DecisionAnnulled { .. }
        | Event::PersonTermsAccepted { .. }
        | Event::DecisionCorrected { .. }
        | Event::DecisionReversed { .. }
        | Event::AppealLodged { .. }
        | Event::AppealMoved { .. }
        | Event::ReportSubmitted { .. }
        | Event::ResultsExtended { .. }
        | Event::CaseClosed { .. }
        | Event::CaseReopened { .. } => after::next(case, event, recorded),
        Event::SanctionNotified { .. }
        | Event::SanctionCommented { .. }
        | Event::SanctionDecided { .. }
        | Event::DeliveryPaused { .. }
        | Event::DeliveryResumed { .. }
        | Event::DeliveryExtended { .. }
        | Event::DeliveryReported { .. } => measures::next(case, event, recorded),
        Event::MaximumProposed { .. }
        | Event::MaximumAccepted { .. }
        | Event::InvoiceIssued { .. }
        | Event::InvoiceSettled { .. }
        | Event::FeeDisputed { .. }
        | Event::FeeDisputeDecided { .. }
        | Event::CreditNoteIssued { .. } => billing::next(case, event, recorded),
        Event::CaseAssigned { .. }
        | Event::ScreeningStarted { .. }
        | Event::MessageSent { .. }
        | Event::Remarked { .. }
        | Event::TrackChanged { .. }
        | Event::InterestDeclared { .. }
        | Event::DeadlineExtended { .. }
        | Event::AttachmentRedacted { .. }
        | Event::ExternalIdAssigned { .. }
        | Event::ConfidentialityDecided { .. }
        | Event::ReminderSent { .. }
        | Event::ConfigurationChanged { .. } => staff::next(case, event, recorded),
    }
}
