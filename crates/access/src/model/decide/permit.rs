//! The permit of a decided case: hold, release, revocation (ACC-162, ACC-164).

use super::{Context, Refusal, needs_text, wrong_state};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Decided, Event, Hearing, Standing};

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Decided(at), Command::RevokePermit { reason, hearing }) => {
            standing(at, &[Standing::Live, Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            let hearing = heard(hearing.as_ref(), context)?;
            let hearing = Some(super::sanction::before_revocation(at, hearing.as_ref(), context)?);
            let sha256 = context.prepared.and_then(|p| p.permit.as_ref()).map(|(_, _, sha256)| sha256.clone());
            let sha256 = sha256.ok_or_else(|| Refusal::conflict("not_prepared", "the revoked permit is not signed"))?;
            Ok(vec![Event::PermitRevoked { reason: reason.clone(), hearing, sha256 }])
        }
        (Case::Decided(at), Command::HoldPermit { reason, hearing }) => {
            standing(at, &[Standing::Live])?;
            needs_text("reason", reason, MIN_REASON)?;
            let hearing = heard(hearing.as_ref(), context)?;
            Ok(vec![Event::PermitHeld { reason: reason.clone(), hearing }])
        }
        (Case::Decided(at), Command::ReleaseHold { reason }) => {
            standing(at, &[Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::PermitHoldReleased { reason: reason.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// What is recorded of the hearing (ACC-164).
fn heard(hearing: Option<&Hearing>, context: &Context<'_>) -> Result<Option<Hearing>, Refusal> {
    match hearing {
        Some(Hearing::Held { on, statement }) => {
            if *on > context.today {
                return Err(Refusal::invalid("hearing.on", "range", "the hearing has not been held yet"));
            }
            needs_text("hearing.statement", statement, 5)?;
        }
        Some(Hearing::LeftOut { why }) => needs_text("hearing.why", why, MIN_REASON)?,
        Some(Hearing::Notice { .. }) | None => {}
    }
    Ok(hearing.cloned())
}

fn standing(at: &Decided, wanted: &[Standing]) -> Result<(), Refusal> {
    if wanted.contains(&super::own_permit(at)?.standing) {
        return Ok(());
    }
    Err(Refusal::conflict("permit_standing", "the permit's state does not allow this"))
}
