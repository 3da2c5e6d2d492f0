//! The time of a holder to deliver after the decision: it is stopped and goes on, becomes longer, ends with the delivery
//! (`access.md` section 9.3).

use kernel::Date;

use super::{Context, Refusal, needs_text, wrong_state};
use crate::clocks::{Unit, holder};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Decided, Event, HolderDelivery};

/// Longest that is looked for when months are counted.
const MOST_MONTHS: u32 = 120;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Case::Decided(at) = case else { return Err(wrong_state(case, command)) };
    match command {
        Command::PauseDelivery { source, code, reason } => {
            let delivery = open(at, source, context)?;
            needs_text("reason", reason, MIN_REASON)?;
            if delivery.paused().is_some() {
                return Err(Refusal::conflict("paused", "its time stands still already"));
            }
            let (source, reason) = (source.clone(), reason.clone());
            Ok(vec![Event::DeliveryPaused { source, code: *code, reason, on: context.today }])
        }
        Command::ResumeDelivery { source } => {
            if open(at, source, context)?.paused().is_none() {
                return Err(Refusal::conflict("not_paused", "its time runs"));
            }
            Ok(vec![Event::DeliveryResumed { source: source.clone(), on: context.today }])
        }
        Command::ExtendDelivery { source, until, reason } => {
            let delivery = open(at, source, context)?;
            needs_text("reason", reason, MIN_REASON)?;
            let due = holder::clock(at, source, context.today).and_then(|clock| clock.due);
            let after = due.unwrap_or(context.today).max(context.today);
            if *until <= after {
                return Err(Refusal::invalid("until", "range", format!("a day after {after}")));
            }
            longer(at, source, &delivery, *until, context.today)?;
            let (source, reason) = (source.clone(), reason.clone());
            Ok(vec![Event::DeliveryExtended { source, until: *until, reason }])
        }
        Command::ReportDelivery { source, on } => {
            open(at, source, context)?;
            let on = on.unwrap_or(context.today);
            let began = holder::started(at, source).unwrap_or(on);
            if on > context.today || on < began {
                return Err(Refusal::invalid("on", "range", format!("a day from {began} to today")));
            }
            Ok(vec![Event::DeliveryReported { source: source.clone(), on }])
        }
        Command::NoteDelivery { source, on } => {
            open(at, source, context)?;
            Ok(vec![Event::DeliveryReported { source: source.clone(), on: *on }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// The delivery of a source that has not come, for those who speak for it.
fn open(at: &Decided, source: &str, context: &Context<'_>) -> Result<HolderDelivery, Refusal> {
    super::own_permit(at)?;
    if holder::started(at, source).is_none() {
        return Err(Refusal::invalid("source", "unknown_source", format!("nothing is granted from {source}")));
    }
    if context.sources.is_some_and(|own| !own.iter().any(|known| known == source)) {
        return Err(Refusal::Forbidden { code: "other_source" });
    }
    let delivery = at.after.holders.get(source).cloned().unwrap_or_default();
    if let Some(on) = delivery.delivered {
        return Err(Refusal::conflict("delivered", format!("{source} has delivered on {on}")));
    }
    Ok(delivery)
}

/// Whether the law lets the time become so much longer: under the EHDS three months, once.
fn longer(at: &Decided, source: &str, delivery: &HolderDelivery, until: Date, today: Date) -> Result<(), Refusal> {
    let Some(rule) = holder::rule(at) else { return Ok(()) };
    let Some(extend) = rule.extend else {
        return Err(Refusal::conflict("not_extendable", "this time limit cannot be made longer"));
    };
    let (Some(most), Some(usual)) = (extend.n, holder::usual_due(at, source, today)) else { return Ok(()) };
    let step = |n: u32| match extend.unit {
        Some(Unit::Weeks) => usual.plus_days(7 * n as i32),
        Some(Unit::WorkingDays) => usual.plus_days(n as i32),
        _ => usual.plus_months(n as i32),
    };
    let by = (1..MOST_MONTHS).find(|n| until <= step(*n)).unwrap_or(MOST_MONTHS);
    if rule.allows_extension(by, delivery.longer.len() as u32) {
        return Ok(());
    }
    let code = if delivery.longer.is_empty() { "not_extendable" } else { "already_extended" };
    Err(Refusal::conflict(code, format!("once, and at the latest until {}", step(most))))
}
