//! Members, invitations, the applicant.

use super::super::{Case, Confirmation, Event, Folder, Invitation, InvitedTo, Member, MemberKind, Recorded, Reviewer};

pub(super) fn next(mut case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let at = recorded.at;
    match event {
        Event::MemberInvited { invitation, to, token, until } => {
            let invited = Invitation { to: *to, token: token.clone(), by: recorded.actor.clone(), until: *until };
            case.folder_mut().invitations.insert(invitation.clone(), invited);
        }
        Event::MemberUninvited { invitation } => {
            case.folder_mut().invitations.remove(invitation)?;
        }
        Event::MemberRemoved { account } => {
            case.folder_mut().members.remove(account)?;
        }
        Event::MemberJoined { invitation } => {
            let to = case.folder_mut().invitations.remove(invitation)?.to;
            joined(&mut case, to, recorded)?;
        }
        Event::MemberAdded { account, kind } => add(case.folder_mut(), account, *kind, recorded),
        Event::ApplicantChanged { account } => {
            case.folder_mut().members.remove(account)?;
            let before = std::mem::replace(&mut case.dossier_mut()?.applicant, account.clone());
            add(case.folder_mut(), &before, MemberKind::CoApplicant, recorded);
        }
        Event::ControllerConfirmed { organisation } => {
            let confirmation = Confirmation { by: recorded.actor.clone(), at };
            case.folder_mut().controllers.insert(organisation.clone(), confirmation);
        }
        _ => return None,
    }
    Some(case)
}

fn add(folder: &mut Folder, account: &str, kind: MemberKind, recorded: &Recorded) {
    folder.members.insert(account.to_owned(), Member { kind, since: recorded.at });
}

fn joined(case: &mut Case, to: InvitedTo, recorded: &Recorded) -> Option<()> {
    let account = recorded.actor.as_str();
    match to {
        InvitedTo::CoApplicant => add(case.folder_mut(), account, MemberKind::CoApplicant, recorded),
        InvitedTo::Representative => add(case.folder_mut(), account, MemberKind::Representative, recorded),
        InvitedTo::Review | InvitedTo::AnonymousReview => {
            let anonymous = to == InvitedTo::AnonymousReview;
            let reviewer = Reviewer { asked_at: recorded.at, question: None, anonymous, due: None, opinion: None };
            case.dossier_mut()?.opinions.reviewers.insert(account.to_owned(), reviewer);
        }
        InvitedTo::Advice => {
            case.dossier_mut()?.opinions.advisers.insert(account.to_owned(), None);
        }
    }
    Some(())
}
