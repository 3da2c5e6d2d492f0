//! Those who apply together: invitations, members, the applicant, the controller's confirmation.

use kernel::{sha256_hex, workdays};

use super::{Context, Refusal, dossier, wrong_state};
use crate::model::{Case, Command, Event, Folder, InvitedTo, MemberKind};
use crate::rules;

/// Weeks for which an invitation can be used.
pub(super) const INVITATION_WEEKS: u32 = 4;
/// Most members and open invitations of a case.
const MOST: usize = 200;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let folder = case.folder();
    match command {
        Command::InviteMember { kind, .. } => {
            room_for_more(folder)?;
            let to = match kind {
                MemberKind::CoApplicant => InvitedTo::CoApplicant,
                MemberKind::Representative => InvitedTo::Representative,
            };
            let (invitation, token) = context
                .invitation
                .cloned()
                .ok_or_else(|| Refusal::conflict("not_prepared", "the invitation has no token"))?;
            let until = workdays::add_weeks(context.today, INVITATION_WEEKS);
            Ok(vec![Event::MemberInvited { invitation, to, token, until }])
        }
        Command::UninviteMember { invitation } => match folder.invitations.contains_key(invitation) {
            true => Ok(vec![Event::MemberUninvited { invitation: invitation.clone() }]),
            false => Err(Refusal::conflict("no_invitation", "the invitation was used or taken back")),
        },
        Command::RemoveMember { account } => match folder.members.contains_key(account) {
            true => Ok(vec![Event::MemberRemoved { account: account.clone() }]),
            false => Err(not_a_member()),
        },
        Command::AcceptInvitation { token } => accept(case, token, context),
        Command::AddMember { account, kind } => {
            room_for_more(folder)?;
            excluded(context)?;
            if folder.members.contains_key(account) || case.applicant() == account {
                return Err(Refusal::conflict("already_member", "the person takes part already"));
            }
            Ok(vec![Event::MemberAdded { account: account.clone(), kind: *kind }])
        }
        Command::ChangeApplicant { account } => {
            dossier(case, command)?;
            excluded(context)?;
            match folder.members.contains_key(account) {
                true => Ok(vec![Event::ApplicantChanged { account: account.clone() }]),
                false => Err(not_a_member()),
            }
        }
        Command::ConfirmController { organisation } => {
            if !rules::is_orgnr(organisation) {
                return Err(Refusal::invalid("organisation", "orgnr", "nine digits with the right check digit"));
            }
            Ok(vec![Event::ControllerConfirmed { organisation: organisation.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

fn accept(case: &Case, token: &str, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let digest = sha256_hex(token.as_bytes());
    let found = case.folder().invitations.iter().find(|(_, invitation)| invitation.token == digest);
    let Some((id, invitation)) = found else {
        return Err(Refusal::conflict("no_invitation", "the invitation was used or taken back"));
    };
    if context.today > invitation.until {
        return Err(Refusal::conflict("invitation_over", "ask for a new invitation"));
    }
    excluded(context)?;
    let is_party = case.folder().members.contains_key(context.actor) || case.applicant() == context.actor;
    match invitation.to {
        InvitedTo::CoApplicant | InvitedTo::Representative if is_party => {
            Err(Refusal::conflict("already_member", "you take part already"))
        }
        InvitedTo::Review | InvitedTo::AnonymousReview | InvitedTo::Advice if is_party => {
            Err(Refusal::Forbidden { code: "conflict_of_interest" })
        }
        _ => Ok(vec![Event::MemberJoined { invitation: id.clone() }]),
    }
}

fn room_for_more(folder: &Folder) -> Result<(), Refusal> {
    if folder.members.len() + folder.invitations.len() < MOST {
        return Ok(());
    }
    Err(Refusal::conflict("too_many_members", format!("at most {MOST} members and open invitations")))
}

/// ACC-084.
fn excluded(context: &Context<'_>) -> Result<(), Refusal> {
    if context.excluded { Err(Refusal::Forbidden { code: "excluded_party" }) } else { Ok(()) }
}

fn not_a_member() -> Refusal {
    Refusal::conflict("not_a_member", "the person takes no part in the application")
}
