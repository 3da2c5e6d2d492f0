//! The decision: proposed by one, issued by another (ACC-010); the end of a case that was not completed.

use kernel::workdays;

use super::assess::all_assessed;
use super::{Context, Refusal, dossier, needs_text, wrong_state};
use crate::clocks;
use crate::form::STATISTICS;
use crate::model::decision::MIN_REASON;
use crate::model::{Before, Case, Command, Decision, Dossier, Event, Outcome, Processing, Proposal, Work};

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Processing(at), Command::ProposeDecision(input)) => {
            all_assessed(&at.dossier, &at.work)?;
            let statistics = at.work.accepted.as_ref().map(|accepted| accepted.statistics.clone()).unwrap_or_default();
            let before = Before { conditions: conditions(&at.work), statistics };
            let ops = at.dossier.change.as_ref().map(|change| change.ops.as_slice()).unwrap_or_default();
            let decision = Decision::build_change(&at.dossier.order, ops, input, &before);
            Ok(vec![Event::DecisionProposed { decision: decision.map_err(|fields| Refusal::Invalid { fields })? }])
        }
        (Case::Processing(Processing { work, .. }), Command::ReturnProposal { reason }) => {
            if work.proposal.is_none() {
                return Err(Refusal::conflict("no_proposal", "there is no proposal to send back"));
            }
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::ProposalReturned { reason: reason.clone() }])
        }
        (Case::Processing(_), Command::IssueDecision { outcome }) => issue(case, *outcome, context),
        (_, Command::ProposeNotCompleted { reason }) => {
            let dossier = dossier(case, command)?;
            overdue(dossier, context)?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::NotCompletedProposed { decision: Decision::not_completed(&dossier.order, reason) }])
        }
        (_, Command::IssueNotCompleted {}) => {
            let dossier = dossier(case, command)?;
            overdue(dossier, context)?;
            issued(case, can_end(dossier, context.actor, context.on_behalf_of)?, context)
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// The conditions that were set for the case and those that criteria were fulfilled under (ACC-142).
fn conditions(work: &Work) -> Vec<protocol::documents::Condition> {
    work.conditions.iter().cloned().chain(work.conditions_of_criteria()).collect()
}

/// The last request for information has been open for four weeks, and the applicant was reminded of it.
fn overdue(dossier: &Dossier, context: &Context<'_>) -> Result<(), Refusal> {
    let open = dossier.requests.last().filter(|request| request.answered_at.is_none());
    let Some(request) = open else {
        return Err(Refusal::conflict("nothing_asked", "no request for information is without an answer"));
    };
    let four_weeks = workdays::add_weeks(request.asked_at.date_in_oslo(), clocks::ANSWER_WEEKS);
    if context.today <= four_weeks.max(request.deadline) {
        let remedy = format!("the applicant has time until {}", four_weeks.max(request.deadline));
        return Err(Refusal::conflict("answer_not_due", remedy));
    }
    if request.reminded_at.is_none() {
        return Err(Refusal::conflict("not_reminded", "the applicant is reminded first"));
    }
    Ok(())
}

/// The proposal to end a case that was not completed, when `actor` may carry it out.
///
/// # Errors
/// `no_proposal`, `same_person` (ACC-010).
pub(crate) fn can_end<'a>(
    dossier: &'a Dossier,
    actor: &str,
    on_behalf_of: Option<&str>,
) -> Result<&'a Proposal, Refusal> {
    let proposal = dossier.not_completed.as_deref();
    let proposal = proposal.ok_or_else(|| Refusal::conflict("no_proposal", "a case handler proposes it first"))?;
    four_eyes(proposal, actor, on_behalf_of)?;
    Ok(proposal)
}

/// ACC-010, ACC-104: neither the one who proposed nor the colleague for whom it was proposed decides, for nobody.
fn four_eyes(proposal: &Proposal, actor: &str, on_behalf_of: Option<&str>) -> Result<(), Refusal> {
    let proposers = [Some(proposal.by.as_str()), proposal.on_behalf_of.as_deref()];
    let deciders = [Some(actor), on_behalf_of];
    if deciders.iter().flatten().any(|decider| proposers.contains(&Some(decider))) {
        return Err(Refusal::Forbidden { code: "same_person" });
    }
    Ok(())
}

/// ACC-010: the administrator may let one person handle a request for statistics from one source.
fn single_handler(dossier: &Dossier) -> bool {
    dossier.folder.configuration.single_handler_allowed
        && dossier.form == STATISTICS
        && dossier.order.sources().len() == 1
}

/// Whether the decision can be issued by `actor`: what must hold before letter and permit are made.
///
/// # Errors
/// `no_proposal`, `proposal_outdated`, `same_person` (ACC-010), `terms_not_accepted`, or the state is another.
pub fn can_issue<'a>(case: &'a Case, actor: &str, on_behalf_of: Option<&str>) -> Result<&'a Proposal, Refusal> {
    let Case::Processing(at) = case else {
        return Err(Refusal::conflict("wrong_state", "a decision is issued while the case is processed"));
    };
    let proposal = at.work.proposal.as_ref();
    let proposal =
        proposal.ok_or_else(|| Refusal::conflict("no_proposal", "a case handler proposes the decision first"))?;
    if !single_handler(&at.dossier) {
        four_eyes(proposal, actor, on_behalf_of)?;
    }
    if proposal.revision != at.dossier.revision {
        return Err(Refusal::conflict("proposal_outdated", "the application has changed since; propose anew"));
    }
    let statistics = proposal.decision.outcome == Outcome::StatisticsInstead;
    if (proposal.decision.grants() || statistics) && at.work.accepted.is_none() {
        return Err(Refusal::conflict("terms_not_accepted", "offer the terms and wait for the applicant to accept"));
    }
    Ok(proposal)
}

fn issue(case: &Case, meant: Option<Outcome>, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let proposal = can_issue(case, context.actor, context.on_behalf_of)?;
    if meant.is_some_and(|outcome| outcome != proposal.decision.outcome) {
        return Err(Refusal::conflict(
            "other_outcome",
            "the proposal says something else; return it or issue it as it is",
        ));
    }
    issued(case, proposal, context)
}

fn issued(case: &Case, proposal: &Proposal, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    if context.excluded {
        return Err(Refusal::Forbidden { code: "excluded_party" });
    }
    let prepared =
        context.prepared.ok_or_else(|| Refusal::conflict("not_prepared", "the letter is not rendered and signed"))?;
    // Statistics are figures: nobody gets data on persons, so there is nothing to permit.
    let figures = case.dossier().is_some_and(|dossier| dossier.form == STATISTICS);
    if prepared.permit.is_some() != (proposal.decision.grants() && !figures) {
        return Err(Refusal::conflict("not_prepared", "the permit does not fit the decision"));
    }
    let mut events = vec![Event::DecisionIssued {
        number: prepared.number.clone(),
        decision: proposal.decision.clone(),
        letter: prepared.letter.clone(),
    }];
    let goes_on = case.dossier().and_then(|d| d.annulled.as_ref()).is_some_and(|annulled| annulled.permit.is_some());
    events.extend(prepared.permit.clone().map(|(permit_id, series, sha256)| {
        if goes_on {
            let decision = Some(prepared.number.clone());
            return Event::PermitVersionIssued { permit_id, sha256, decision, paths: Vec::new(), resumes: true };
        }
        Event::PermitIssued { permit_id, series, sha256 }
    }));
    Ok(events)
}
