//! Expert opinions and votes.

use super::super::{Advice, Case, Event, Invitation, Opinion, Recorded, Reviewer, Vote};

pub(super) fn next(mut case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let (at, by) = (recorded.at, recorded.actor.clone());
    match event {
        Event::ReviewRequested { reviewer, question, blind, anonymous, due } => {
            let opinions = &mut case.dossier_mut()?.opinions;
            opinions.blind |= blind;
            let (question, anonymous, due) = (question.clone(), *anonymous, *due);
            let asked = Reviewer { asked_at: at, question, anonymous, due, opinion: None };
            opinions.reviewers.insert(reviewer.clone(), asked);
        }
        Event::ReviewerInvited { invitation, to, token, until } => {
            let invited = Invitation { to: *to, token: token.clone(), by, until: *until };
            case.folder_mut().invitations.insert(invitation.clone(), invited);
        }
        Event::Reviewed { recommendation, text } => {
            let opinion = Opinion { recommendation: *recommendation, text: text.clone(), at };
            case.dossier_mut()?.opinions.reviewers.get_mut(&by)?.opinion = Some(opinion);
        }
        Event::Voted { ballot, reason } => {
            let vote = Vote { ballot: *ballot, reason: reason.clone(), at };
            case.dossier_mut()?.opinions.votes.insert(by, vote);
        }
        Event::DecisionAdvised { recommendation, reason } => {
            let advice = Advice { recommendation: *recommendation, reason: reason.clone(), at };
            case.dossier_mut()?.opinions.advisers.insert(by, Some(advice));
        }
        _ => return None,
    }
    Some(case)
}
