//! Commands to events, events to stages. Who may run what stands in [`permitted`]; what is not listed is denied.

use kernel::FieldError;

use super::{Appeal, AppealOutcome, AppealRole, Command, Event, Ground, Reconsideration, Stage};
use crate::model::{Decision, MIN_REASON, Refusal};

/// Whether `role` may run the command at all (ACC-081: permission first, then guard).
pub fn permitted(role: AppealRole, command: &str) -> bool {
    match command {
        "admit" | "prepare" => matches!(role, AppealRole::CaseHandler | AppealRole::DecisionMaker),
        "dismiss" | "return" | "reverse" | "forward" => role == AppealRole::DecisionMaker,
        "suspend" => matches!(role, AppealRole::DecisionMaker | AppealRole::AppealHandler),
        "decide" => role == AppealRole::AppealHandler,
        "withdraw" => role == AppealRole::Appellant,
        _ => false,
    }
}

/// What the outside world adds to a command.
#[derive(Clone, Debug)]
pub struct Guard<'a> {
    /// Account of the actor.
    pub actor: &'a str,
    /// The decision that the command's proposal means for the case; made by the service.
    pub decision: Option<&'a Decision>,
    /// Number of the new decision, for `reverse` and a change by the appeal body.
    pub number: Option<&'a str>,
}

/// The event that a command gives.
///
/// # Errors
/// [`Refusal`]: `wrong_state`, `same_person` (ACC-170), missing reasons; nothing has happened then.
pub fn decide(appeal: &Appeal, command: &Command, guard: &Guard<'_>) -> Result<Event, Refusal> {
    let wrong_state = || Refusal::Conflict {
        code: "wrong_state",
        remedy: format!("{} cannot be done when the appeal is {}", command.name(), appeal.stage.slug()),
    };
    match (&appeal.stage, command) {
        (Stage::Lodged, Command::Admit { reason }) => {
            if appeal.is_late() {
                needs_reason(reason)?;
            }
            Ok(Event::Admitted { reason: reason.clone() })
        }
        (Stage::Lodged, Command::Dismiss { ground, reason }) => {
            needs_reason(reason)?;
            if *ground == Ground::Late && !appeal.is_late() {
                return Err(Refusal::Conflict { code: "in_time", remedy: "the appeal came in time; admit it".into() });
            }
            Ok(Event::Dismissed { ground: *ground, reason: reason.clone() })
        }
        (Stage::Admissible | Stage::Reconsidering { .. }, Command::Prepare { reason, .. }) => {
            needs_reason(reason)?;
            let draft = Reconsideration {
                by: guard.actor.to_owned(),
                reason: reason.clone(),
                decision: guard.decision.cloned(),
            };
            Ok(Event::Prepared { draft: Box::new(draft) })
        }
        (Stage::Reconsidering { draft }, Command::Return { reason }) => {
            other_eyes(appeal, draft, guard.actor)?;
            needs_reason(reason)?;
            Ok(Event::Returned { reason: reason.clone() })
        }
        (Stage::Reconsidering { draft }, Command::Reverse {}) => {
            other_eyes(appeal, draft, guard.actor)?;
            let number = guard.number.filter(|_| draft.decision.is_some());
            let number = number.ok_or_else(|| Refusal::Conflict {
                code: "nothing_to_reverse",
                remedy: "the preparation upholds the decision; forward the appeal or prepare a new decision".into(),
            })?;
            Ok(Event::Reversed { decision: number.to_owned() })
        }
        (Stage::Reconsidering { draft }, Command::Forward {}) => {
            other_eyes(appeal, draft, guard.actor)?;
            Ok(Event::Forwarded { reason: draft.reason.clone() })
        }
        (stage, Command::Suspend { granted, reason }) if !stage.is_over() => {
            needs_reason(reason)?;
            if *granted == appeal.suspended {
                return Err(Refusal::Conflict { code: "unchanged", remedy: "that is how it stands already".into() });
            }
            Ok(Event::Suspension { granted: *granted, reason: reason.clone() })
        }
        (Stage::Forwarded, Command::Decide { outcome, reason, .. }) => {
            needs_reason(reason)?;
            if appeal.first.contains(guard.actor) {
                return Err(Refusal::Forbidden { code: "same_person" });
            }
            if (*outcome == AppealOutcome::Changed) != guard.decision.is_some() {
                let message = "a change comes with the new decision, other outcomes without";
                return Err(Refusal::Invalid { fields: vec![FieldError::new("proposal", "outcome", message)] });
            }
            let decision = guard.number.filter(|_| *outcome == AppealOutcome::Changed).map(str::to_owned);
            Ok(Event::Decided { outcome: *outcome, reason: reason.clone(), decision })
        }
        (stage, Command::Withdraw {}) if !stage.is_over() => Ok(Event::Withdrawn {}),
        _ => Err(wrong_state()),
    }
}

/// ACC-170: those who made the first decision, and who prepared this one, do not decide.
fn other_eyes(appeal: &Appeal, draft: &Reconsideration, actor: &str) -> Result<(), Refusal> {
    if appeal.first.contains(actor) || draft.by == actor {
        return Err(Refusal::Forbidden { code: "same_person" });
    }
    Ok(())
}

fn needs_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().chars().count() >= MIN_REASON {
        return Ok(());
    }
    let message = format!("write at least {MIN_REASON} characters");
    Err(Refusal::Invalid { fields: vec![FieldError::new("reason", "required", message)] })
}

/// The appeal after all events; none when the first is not that it was lodged, or one does not fit.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Appeal> {
    let mut events = events.into_iter();
    let first = match events.next()? {
        Event::Lodged(appeal) => (**appeal).clone(),
        _ => return None,
    };
    events.try_fold(first, evolve)
}

/// What an appeal becomes by an event; none when the event does not fit.
pub fn evolve(appeal: Appeal, event: &Event) -> Option<Appeal> {
    let stage = match (&appeal.stage, event) {
        (Stage::Lodged, Event::Admitted { .. }) => Stage::Admissible,
        (Stage::Lodged, Event::Dismissed { ground, .. }) => Stage::Dismissed { ground: *ground },
        (Stage::Admissible | Stage::Reconsidering { .. }, Event::Prepared { draft }) => {
            Stage::Reconsidering { draft: (**draft).clone() }
        }
        (Stage::Reconsidering { .. }, Event::Returned { .. }) => Stage::Admissible,
        (Stage::Reconsidering { .. }, Event::Reversed { decision }) => Stage::Reversed { decision: decision.clone() },
        (Stage::Reconsidering { .. }, Event::Forwarded { .. }) => Stage::Forwarded,
        (Stage::Forwarded, Event::Decided { outcome, decision, .. }) => {
            Stage::Decided { outcome: *outcome, decision: decision.clone() }
        }
        (stage, Event::Suspension { granted, .. }) if !stage.is_over() => {
            return Some(Appeal { suspended: *granted, ..appeal });
        }
        (stage, Event::Withdrawn {}) if !stage.is_over() => Stage::Withdrawn,
        _ => return None,
    };
    Some(Appeal { stage, ..appeal })
}
