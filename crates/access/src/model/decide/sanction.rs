//! Hearing before a reaction (EHDS article 63, ACC-164): notice with a last day for comments, the comments, and what is
//! decided then. A permit is taken back by a command of its own, which asks for the hearing here.

use super::{Context, Refusal, needs_text, wrong_state};
use crate::clocks::{Calendars, Length, table};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Decided, Event, Hearing, Sanction, SanctionNotice, Standing};

/// Longest time for comments where the table has none: four weeks.
const COMMENTS: Length = Length::weeks(4);

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Decided(at), Command::NotifySanction { sanction, reason, deadline }) => {
            super::own_permit(at)?;
            needs_text("reason", reason, MIN_REASON)?;
            let over = at.permit.as_ref().is_none_or(|p| !matches!(p.standing, Standing::Live | Standing::Held));
            if *sanction == Sanction::RevokePermit && over {
                return Err(Refusal::conflict("permit_standing", "the permit is over"));
            }
            if at.after.notices.iter().any(|notice| notice.is_open() && notice.sanction == *sanction) {
                return Err(Refusal::conflict("hearing_open", "the parties were told of this already"));
            }
            let length = table::length(&at.dossier.profile, "hearing").unwrap_or(COMMENTS);
            let last = Calendars::norway().due(context.today, length, context.today);
            let deadline = deadline.unwrap_or(last);
            if deadline <= context.today || deadline > last {
                return Err(Refusal::invalid("deadline", "range", format!("a day ahead, at the latest {last}")));
            }
            let number = at.after.notices.len() as u32 + 1;
            Ok(vec![Event::SanctionNotified { number, sanction: *sanction, reason: reason.clone(), deadline }])
        }
        (Case::Decided(at), Command::CommentSanction { notice, text }) => {
            let notice = open(at, *notice)?;
            needs_text("text", text, 1)?;
            Ok(vec![Event::SanctionCommented { number: notice.number, text: text.clone() }])
        }
        (Case::Decided(at), Command::DecideSanction { notice, imposed, reason }) => {
            let notice = open(at, *notice)?;
            needs_text("reason", reason, MIN_REASON)?;
            if *imposed {
                if notice.sanction == Sanction::RevokePermit {
                    return Err(Refusal::conflict("own_command", "take the permit back (revoke_permit)"));
                }
                // Who wants the reaction does not decide on it alone.
                if notice.by == context.actor || Some(notice.by.as_str()) == context.on_behalf_of {
                    return Err(Refusal::Forbidden { code: "same_person" });
                }
                heard(notice, context)?;
            }
            Ok(vec![Event::SanctionDecided { number: notice.number, imposed: *imposed, reason: reason.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// The notice that is meant: the one with this number, or the only one that is open.
fn open(at: &Decided, number: Option<u32>) -> Result<&SanctionNotice, Refusal> {
    let mut meant = at.after.notices.iter().filter(|notice| notice.is_open());
    match (number, meant.next(), meant.next()) {
        (_, None, _) => Err(Refusal::conflict("no_hearing", "no reaction is being considered")),
        (None, Some(one), None) => Ok(one),
        (None, Some(_), Some(_)) => Err(Refusal::invalid("notice", "required", "say which notice is meant")),
        (Some(number), ..) => {
            let known = at.after.notices.iter().find(|notice| notice.is_open() && notice.number == number);
            known.ok_or_else(|| Refusal::invalid("notice", "unknown", "no open notice has this number"))
        }
    }
}

/// The parties have had their time.
fn heard(notice: &SanctionNotice, context: &Context<'_>) -> Result<(), Refusal> {
    if context.today > notice.deadline {
        return Ok(());
    }
    Err(Refusal::conflict("hearing_open", format!("the parties can comment until {}", notice.deadline)))
}

/// What is recorded of the hearing before a permit is taken back: the parties were told and had their time, were heard in
/// another way, or it is said why they were not.
pub(super) fn before_revocation(
    at: &Decided,
    said: Option<&Hearing>,
    context: &Context<'_>,
) -> Result<Hearing, Refusal> {
    let number = match said {
        Some(Hearing::Notice { notice }) => Some(*notice),
        Some(said) => return Ok(said.clone()),
        None => None,
    };
    let meant = |notice: &&SanctionNotice| {
        notice.is_open() && notice.sanction == Sanction::RevokePermit && number.is_none_or(|n| n == notice.number)
    };
    let Some(notice) = at.after.notices.iter().find(meant) else {
        let remedy = "tell the parties first (notify_sanction), or say why they are not heard (hearing)";
        return Err(Refusal::conflict("hearing_missing", remedy));
    };
    heard(notice, context)?;
    Ok(Hearing::Notice { notice: notice.number })
}
