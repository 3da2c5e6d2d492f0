//! The time that the holder of a source has to deliver after the decision (`access.md` section 9.3): three months under
//! the EHDS, under Norwegian law the working days that the source itself has estimated. It stands still while the holder
//! cannot go on, and the body can make it longer.

use kernel::Date;
use serde::{Deserialize, Serialize};

use super::{Calendars, Length, Rule, Run, table};
use crate::model::{Decided, DeliveryExtension, DeliveryPause, Pause};
use protocol::documents::SourceOutcome;

/// The time of a holder as shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HolderClock {
    /// The source.
    pub source: String,
    /// The day of the decision that grants its data.
    pub started: Date,
    /// The last day. None: the source has estimated no time, and nobody has set a day.
    pub due: Option<Date>,
    /// Working days until then; negative when late.
    pub left: Option<i64>,
    /// Calendar days on which it stood still.
    pub stopped: u32,
    /// Why it stands still now.
    pub paused: Option<DeliveryPause>,
    /// How it became longer.
    pub longer: Vec<DeliveryExtension>,
    /// The day of the delivery.
    pub delivered: Option<Date>,
    /// Whether the last day is over without a delivery, or was when it came.
    pub late: bool,
}

/// The rule of the profile that a decided case follows.
pub fn rule(decided: &Decided) -> Option<&'static Rule> {
    table::rule(&decided.dossier.profile, "holder_delivers")
}

/// The day of the decision from which on a source's data are granted; none when they are not, or there is no permit.
pub fn started(decided: &Decided, source: &str) -> Option<Date> {
    decided.permit.as_ref()?;
    let grants = |decision: &crate::model::Decision| {
        let granted = |outcome| matches!(outcome, SourceOutcome::Granted | SourceOutcome::GrantedInPart);
        decision.parts.iter().any(|part| part.source == source && granted(part.outcome))
    };
    if !grants(&decided.decision) {
        return None;
    }
    // Back to the first of the decisions in a row that grant it: a correction does not begin the time anew.
    let replaced = decided.after.earlier.iter().rev();
    let not_granted = replaced.clone().find(|earlier| !grants(&earlier.decision));
    Some(not_granted.map_or(decided.issued_at, |earlier| earlier.until).date_in_oslo())
}

/// The last day without what made it longer.
pub(crate) fn usual_due(decided: &Decided, source: &str, today: Date) -> Option<Date> {
    let started = started(decided, source)?;
    let estimate = decided.work.tasks.get(source).and_then(|task| task.cost.as_ref());
    let length = rule(decided).and_then(|rule| rule.length);
    let length = length.or_else(|| estimate.map(|cost| Length::working_days(cost.delivery_days)))?;
    let pauses = pauses(decided, source);
    Some(Run { started, length, pauses: &pauses }.due(Calendars::norway(), today))
}

fn pauses(decided: &Decided, source: &str) -> Vec<Pause> {
    let delivery = decided.after.holders.get(source);
    let known = delivery.iter().flat_map(|delivery| &delivery.pauses);
    known.map(|pause| Pause { from: pause.from, to: pause.to.or(delivery.and_then(|d| d.delivered)) }).collect()
}

/// The time of a source's holder on `today`; none where nothing is granted from it.
pub fn clock(decided: &Decided, source: &str, today: Date) -> Option<HolderClock> {
    let started = started(decided, source)?;
    let delivery = decided.after.holders.get(source).cloned().unwrap_or_default();
    let today = delivery.delivered.unwrap_or(today);
    let calendar = Calendars::norway().calendar(today);
    let pauses = pauses(decided, source);
    let days = |pause: &Pause| (pause.to.unwrap_or(today).days() - pause.from.days()).max(0);
    let due = match delivery.longer.last() {
        // A day that was set moves with the stops that came after it.
        Some(longer) => {
            let set = longer.at.date_in_oslo();
            let moved: i32 = pauses.iter().filter(|pause| pause.from >= set).map(days).sum();
            Some(if moved > 0 { calendar.next_working_day(longer.until.plus_days(moved)) } else { longer.until })
        }
        None => usual_due(decided, source, today),
    };
    let left = |due: Date| {
        i64::from(calendar.working_days_between(today, due)) - i64::from(calendar.working_days_between(due, today))
    };
    Some(HolderClock {
        source: source.to_owned(),
        started,
        due,
        left: due.map(left),
        stopped: u32::try_from(pauses.iter().map(days).sum::<i32>()).unwrap_or(0),
        paused: delivery.paused().filter(|_| delivery.delivered.is_none()).cloned(),
        late: due.is_some_and(|due| today > due),
        longer: delivery.longer,
        delivered: delivery.delivered,
    })
}

/// The day on which the last of the sources had delivered; none while one has not.
pub(super) fn all_delivered(decided: &Decided) -> Option<Date> {
    let granted = decided.decision.parts.iter().filter(|part| started(decided, &part.source).is_some());
    let days = granted.map(|part| decided.after.holders.get(&part.source)?.delivered);
    days.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// The times of all holders of a decided case.
pub fn clocks(decided: &Decided, today: Date) -> Vec<HolderClock> {
    decided.decision.parts.iter().filter_map(|part| clock(decided, &part.source, today)).collect()
}
