//! The permit of a decided case: hold, release, revocation (ACC-162, ACC-164).

use super::{Context, Refusal, needs_text, wrong_state};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Decided, Event, Standing};

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Decided(at), Command::RevokePermit { reason }) => {
            standing(at, &[Standing::Live, Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            let sha256 = context.prepared.and_then(|p| p.permit.as_ref()).map(|(_, _, sha256)| sha256.clone());
            let sha256 = sha256.ok_or_else(|| Refusal::conflict("not_prepared", "the revoked permit is not signed"))?;
            Ok(vec![Event::PermitRevoked { reason: reason.clone(), sha256 }])
        }
        (Case::Decided(at), Command::HoldPermit { reason }) => {
            standing(at, &[Standing::Live])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::PermitHeld { reason: reason.clone() }])
        }
        (Case::Decided(at), Command::ReleaseHold { reason }) => {
            standing(at, &[Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::PermitHoldReleased { reason: reason.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

fn standing(at: &Decided, wanted: &[Standing]) -> Result<(), Refusal> {
    match &at.permit {
        Some(permit) if wanted.contains(&permit.standing) => Ok(()),
        Some(_) => Err(Refusal::conflict("permit_standing", "the permit's state does not allow this")),
        None => Err(Refusal::conflict("no_permit", "the decision gave no permit")),
    }
}
