//! Expert opinions, votes and advice: they never change the state of the case (ACC-101).

use kernel::workdays;

use super::{Context, Refusal, dossier, needs_text, wrong_state};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Event, InvitedTo};
use crate::permissions::CaseRole;

/// Working days for an opinion when nothing else is said.
const REVIEW_DAYS: u32 = 15;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let opinions = &dossier(case, command)?.opinions;
    match command {
        Command::RequestReview { reviewers, question, blind, anonymous, due } => {
            if reviewers.is_empty() {
                return Err(Refusal::invalid("reviewers", "required", "name at least one reviewer"));
            }
            let parties = |account: &String| account == case.applicant() || case.folder().members.contains_key(account);
            if reviewers.iter().any(parties) {
                return Err(Refusal::Forbidden { code: "conflict_of_interest" });
            }
            let open = |account: &&String| opinions.reviewers.get(*account).is_some_and(|r| r.opinion.is_none());
            if reviewers.iter().any(|account| open(&account)) {
                return Err(Refusal::conflict("already_asked", "somebody named has not answered yet"));
            }
            let due = due.unwrap_or_else(|| workdays::add_working_days(context.today, REVIEW_DAYS));
            if due <= context.today {
                return Err(Refusal::invalid("due", "range", "the last day for the opinion lies ahead"));
            }
            let asked = |reviewer: &String| Event::ReviewRequested {
                reviewer: reviewer.clone(),
                question: question.clone(),
                blind: *blind,
                anonymous: *anonymous,
                due: Some(due),
            };
            Ok(reviewers.iter().map(asked).collect())
        }
        Command::InviteReviewer { anonymous, .. } => {
            let to = if *anonymous { InvitedTo::AnonymousReview } else { InvitedTo::Review };
            invited(to, context)
        }
        Command::InviteDecisionMaker { .. } => invited(InvitedTo::Advice, context),
        Command::Review { recommendation, text } => {
            needs_text("text", text, MIN_REASON)?;
            match opinions.reviewers.get(context.actor) {
                Some(reviewer) if reviewer.opinion.is_none() => {
                    Ok(vec![Event::Reviewed { recommendation: *recommendation, text: text.clone() }])
                }
                _ => Err(Refusal::conflict("not_asked", "you have no open question in this case")),
            }
        }
        Command::Vote { ballot, reason } => {
            if !opinions.reviewers.contains_key(context.actor) && context.role != CaseRole::CaseHandler {
                return Err(Refusal::conflict("not_asked", "only those who were asked for an opinion vote"));
            }
            Ok(vec![Event::Voted { ballot: *ballot, reason: reason.clone() }])
        }
        Command::GiveDecisionAdvice { recommendation, reason } => {
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::DecisionAdvised { recommendation: *recommendation, reason: reason.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

fn invited(to: InvitedTo, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let (invitation, token) =
        context.invitation.cloned().ok_or_else(|| Refusal::conflict("not_prepared", "the invitation has no token"))?;
    let until = workdays::add_weeks(context.today, super::members::INVITATION_WEEKS);
    Ok(vec![Event::ReviewerInvited { invitation, to, token, until }])
}
