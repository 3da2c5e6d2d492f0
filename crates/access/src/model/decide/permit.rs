//! The permit of a decided case: hold, release, revocation (ACC-162, ACC-164).

use kernel::Date;

use super::{Context, Refusal, needs_text, wrong_state};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Decided, Event, Hearing, Standing};

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Decided(at), Command::RevokePermit { reason, hearing }) => {
            standing(at, &[Standing::Live, Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            hearing.iter().try_for_each(|hearing| check_hearing(hearing, context.today))?;
            let hearing = Some(super::sanction::before_revocation(at, hearing.as_ref(), context)?);
            let sha256 = context.prepared.and_then(|p| p.permit.as_ref()).map(|(_, _, sha256)| sha256.clone());
            let sha256 = sha256.ok_or_else(|| Refusal::conflict("not_prepared", "the revoked permit is not signed"))?;
            Ok(vec![Event::PermitRevoked { reason: reason.clone(), hearing, sha256 }])
        }
        (Case::Decided(at), Command::HoldPermit { reason, hearing }) => {
            standing(at, &[Standing::Live])?;
            needs_text("reason", reason, MIN_REASON)?;
            hearing.iter().try_for_each(|hearing| check_hearing(hearing, context.today))?;
            Ok(vec![Event::PermitHeld { reason: reason.clone(), hearing: hearing.clone() }])
        }
        (Case::Decided(at), Command::ReleaseHold { reason }) => {
            standing(at, &[Standing::Held])?;
            needs_text("reason", reason, MIN_REASON)?;
            Ok(vec![Event::PermitHoldReleased { reason: reason.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// Whether what is told of a hearing can be recorded (ACC-164).
///
/// # Errors
/// A hearing ahead, a text that is missing.
pub(crate) fn check_hearing(hearing: &Hearing, today: Date) -> Result<(), Refusal> {
    match hearing {
        Hearing::Held { on, .. } if *on > today => {
            Err(Refusal::invalid("hearing.on", "range", "the hearing has not been held yet"))
        }
        Hearing::Held { statement, .. } => needs_text("hearing.statement", statement, 5),
        Hearing::LeftOut { why } => needs_text("hearing.why", why, MIN_REASON),
        Hearing::Notice { .. } => Ok(()),
    }
}

fn standing(at: &Decided, wanted: &[Standing]) -> Result<(), Refusal> {
    if wanted.contains(&super::own_permit(at)?.standing) {
        return Ok(());
    }
    Err(Refusal::conflict("permit_standing", "the permit's state does not allow this"))
}
