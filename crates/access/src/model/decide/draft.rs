//! The applicant's own steps: writing the draft, handing it in, taking it back, beginning another one with its content.

use super::{Context, Refusal, wrong_state};
use crate::model::{Case, Command, Event, Submission};

/// `draft_saved` is written at most once in this time (ACC-024).
const DRAFT_SAVED_EVERY: i64 = 10 * 60 * 1_000_000;

/// A draft lapses after this many days without work on it (ACC-027).
pub(crate) const DRAFT_DAYS: i64 = 180;
/// For this many days more it can be taken up again.
pub(crate) const RESTORE_DAYS: i64 = 30;
const DAY: i64 = 86_400;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Draft(draft), Command::SaveDraft { .. }) => {
            let recent = draft.saved_at.is_some_and(|at| context.now.micros() - at.micros() < DRAFT_SAVED_EVERY);
            Ok(if recent { Vec::new() } else { vec![Event::DraftSaved {}] })
        }
        (Case::Draft(_), Command::EditCart { items }) => Ok(vec![Event::CartChanged { items: items.len() as u32 }]),
        (Case::Draft(_), Command::DeleteDraft {}) => Ok(vec![Event::DraftDeleted {}]),
        (Case::Draft(draft), Command::Expire {}) => {
            let since = draft.saved_at.unwrap_or(draft.created_at);
            if context.now < since.plus_seconds(DRAFT_DAYS * DAY) {
                return Err(Refusal::conflict("not_due", "the draft was worked on within 180 days"));
            }
            Ok(vec![Event::DraftLapsed {}])
        }
        (Case::Lapsed(draft), Command::Restore {}) => {
            let until = draft.lapsed_at.map(|at| at.plus_seconds(RESTORE_DAYS * DAY));
            if until.is_none_or(|until| context.now >= until) {
                return Err(Refusal::conflict("too_late", "what was written is no longer kept; begin a new draft"));
            }
            Ok(vec![Event::DraftRestored {}])
        }
        (Case::Draft(_), Command::Submit {}) => submit(context),
        (_, Command::Withdraw { reason }) => Ok(vec![Event::Withdrawn { reason: reason.clone() }]),
        (_, Command::CopyAsNew {}) => {
            let to = context.copy.ok_or_else(|| Refusal::conflict("not_prepared", "there is no new draft"))?;
            Ok(vec![Event::Copied { to }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

fn submit(context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let submission = submission(context)?;
    // A change that needs no decision is over with its effect (ACC-063).
    if let Some(of) = submission.change.as_deref().filter(|of| of.ops.is_empty()) {
        let version = of.took_effect.as_ref().map(|(version, _)| version.clone());
        let permit_id = version.ok_or_else(|| Refusal::conflict("not_prepared", "the new version is not signed"))?;
        return Ok(vec![Event::ChangeTookEffect { permit_id }]);
    }
    let mut events = vec![Event::Submitted {
        number: submission.number.clone(),
        sha256: submission.sha256.clone(),
        order: submission.order.clone(),
        change: submission.change.clone(),
        clock_end: submission.clock_end,
    }];
    // Section 8.2: automatic when no blocking or warning check is open.
    if !submission.warns {
        events.push(Event::ScreeningStarted { automatic: true });
    }
    Ok(events)
}

/// The content being handed in, when nothing stops it (also ACC-084).
pub(super) fn submission<'a>(context: &Context<'a>) -> Result<&'a Submission, Refusal> {
    if context.excluded {
        return Err(Refusal::Forbidden { code: "excluded_party" });
    }
    let submission =
        context.submission.ok_or_else(|| Refusal::conflict("not_checked", "the content was not checked"))?;
    if submission.blocks.is_empty() {
        Ok(submission)
    } else {
        Err(Refusal::Invalid { fields: submission.blocks.clone() })
    }
}
