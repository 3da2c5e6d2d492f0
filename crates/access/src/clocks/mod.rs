//! The statutory clock of a case (`access.md` section 9): when it is due, how many days are used, and who is waited for.
//!
//! [`table`] holds the lengths of every clock, [`calendar`] counts; here stands what a case does to its clock: questions
//! to the applicant stop it, extensions make it longer. Nothing else does (ACC-122).

pub mod calendar;
pub mod holder;
pub mod table;

use kernel::workdays::Calendar;
use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use crate::handling::extended;
use crate::model::{Case, Decided, Dossier, Pause, Track, WaitsFor};
pub use calendar::{Calendars, Length, Unit};
pub use table::{ClockedCase, EndEvent, Rule};

/// Working days until data are available: one source.
pub const ONE_SOURCE: u32 = 30;
/// Working days until data are available: linked sources.
pub const LINKED: u32 = 60;
/// Working days for the applicant to accept terms.
pub const ACCEPT_TERMS: u32 = 20;
/// Weeks for the applicant to answer.
pub const ANSWER_WEEKS: u32 = 4;

/// Months to publish the results where the table has none.
const RESULTS_MONTHS: u32 = 18;

/// Working days that count as a month when a clock of months is made longer.
pub const MONTH_OF_WORKING_DAYS: u32 = 20;

/// A clock as shown (ACC-124). Days are working days for a clock of working days, else calendar days.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Clock {
    /// Which clock of the table.
    pub rule: String,
    /// What it measures up to.
    pub ends: EndEvent,
    /// What it is counted in.
    pub unit: Unit,
    /// The day from which it counts.
    pub started: Date,
    /// How many days there are.
    pub length: u32,
    /// Days since the start.
    pub gross: u32,
    /// Days on which it stood still.
    pub stopped: u32,
    /// Days used.
    pub net: u32,
    /// Days left; negative when late.
    pub left: i64,
    /// The last day. While the clock stands still: what it would be if the answer came today.
    pub due: Date,
    /// Whether it stands still.
    pub paused: bool,
    /// Whether what it measures has happened.
    pub ended: bool,
    /// Who is waited for.
    pub waits_for: WaitsFor,
}

/// The run of a clock: when it began, how long it is, when it stood still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run<'a> {
    /// Day 0.
    pub started: Date,
    /// How long, extensions included.
    pub length: Length,
    /// Stops in their order; the request day counts, the answer day does not (ACC-121).
    pub pauses: &'a [Pause],
}

impl Run<'_> {
    /// The last day as known on `today`, under every version of the calendar that was in force since (ACC-113).
    pub fn due(&self, calendars: &Calendars, today: Date) -> Date {
        calendars.latest(self.started, today, |calendar| self.due_in(calendar, today))
    }

    fn due_in(&self, calendar: &Calendar, today: Date) -> Date {
        match self.length.unit {
            Unit::WorkingDays => self.due_in_working_days(calendar, today),
            Unit::Weeks | Unit::Months => {
                let days = match self.length.unit {
                    Unit::Months => self.started.plus_months(self.length.n as i32),
                    _ => self.started.plus_days(self.length.n as i32 * 7),
                };
                // What is left when the question is asked runs on from the day of the answer.
                let due = self.stops(today).fold(days, |due, (asked, answered)| {
                    if asked < due { due.plus_days(answered.days() - asked.days()) } else { due }
                });
                calendar.next_working_day(due)
            }
        }
    }

    fn due_in_working_days(&self, calendar: &Calendar, today: Date) -> Date {
        let (mut from, mut left) = (self.started, self.length.n);
        for (asked, answered) in self.stops(today) {
            let used = calendar.working_days_between(from, asked);
            // A clock that has run out is not brought back by a question.
            let Some(rest) = left.checked_sub(used).filter(|rest| *rest > 0) else { break };
            (left, from) = (rest, answered);
        }
        calendar.add_working_days(from, left)
    }

    /// The stops as pairs of days, without what overlaps or lies before the start.
    fn stops(&self, today: Date) -> impl Iterator<Item = (Date, Date)> + '_ {
        let mut from = self.started;
        self.pauses.iter().map(move |pause| {
            let asked = pause.from.max(from);
            from = pause.to.unwrap_or(today).max(asked);
            (asked, from)
        })
    }

    /// Days between two dates, in the unit in which this clock is shown.
    fn days(&self, calendar: &Calendar, from: Date, to: Date) -> u32 {
        match self.length.unit {
            Unit::WorkingDays => calendar.working_days_between(from, to),
            Unit::Weeks | Unit::Months => u32::try_from(to.days() - from.days()).unwrap_or(0),
        }
    }

    /// Days used up to a day.
    pub fn net(&self, calendar: &Calendar, today: Date) -> u32 {
        let (mut net, mut from) = (0, self.started);
        for (asked, answered) in self.stops(today) {
            net += self.days(calendar, from, asked.min(today).max(from));
            from = answered.min(today).max(from);
        }
        net + self.days(calendar, from, today)
    }

    /// The clock as shown on a day.
    pub fn clock(&self, calendars: &Calendars, today: Date, waits_for: WaitsFor) -> Clock {
        let calendar = calendars.calendar(today);
        let due = self.due(calendars, today);
        let gross = self.days(&calendar, self.started, today);
        let net = self.net(&calendar, today);
        let whole = Run { pauses: &[], ..*self }.due(calendars, today);
        let length = match self.length.unit {
            Unit::WorkingDays => self.length.n,
            Unit::Weeks | Unit::Months => self.days(&calendar, self.started, whole),
        };
        let left = i64::from(self.days(&calendar, today, due)) - i64::from(self.days(&calendar, due, today));
        Clock {
            rule: String::new(),
            ends: EndEvent::Decision,
            unit: self.length.unit,
            started: self.started,
            length,
            gross,
            stopped: gross.saturating_sub(net),
            net,
            left,
            due,
            paused: self.pauses.iter().any(|pause| pause.to.is_none()),
            ended: false,
            waits_for,
        }
    }
}

/// The statutory clock of a case on `today`; none before the application is complete and after the case is over.
pub fn statutory(case: &Case, today: Date) -> Option<Clock> {
    statutory_until(case, None, today)
}

/// As [`statutory`], where it is known on which day data lay ready.
pub fn statutory_until(case: &Case, available: Option<Date>, today: Date) -> Option<Clock> {
    let dossier = case.dossier()?;
    clock_of(case, dossier.clock_end.unwrap_or_else(|| table::end_event(&dossier.profile)), available, today)
}

/// The rule of a case's statutory clock up to an event.
pub fn rule_of(dossier: &Dossier, end: EndEvent) -> Option<&'static Rule> {
    let of = ClockedCase {
        profile: &dossier.profile,
        statistics: dossier.form == "statistics",
        sources: dossier.order.sources().len(),
        accelerated: dossier.track == Track::Accelerated,
    };
    table::statutory_rule(of, end)
}

/// Of a case that a trusted holder assesses first (72): the clock that runs now, and since when. First the holder's two
/// months, then the body's.
fn trusted<'a>(case: &'a Case, dossier: &'a Dossier, end: EndEvent) -> Option<(&'static Rule, Timestamp)> {
    if dossier.track != Track::TrustedHolder || end != EndEvent::Decision {
        return None;
    }
    let tasks = &case.work()?.tasks;
    let answered = tasks.values().map(|task| task.answered_at).collect::<Option<Vec<_>>>();
    match answered.and_then(|days| days.into_iter().max()) {
        Some(last) => Some((table::rule(&dossier.profile, "trusted_holder_decision")?, last)),
        None => {
            let first = tasks.values().map(|task| task.created_at).min()?;
            Some((table::rule(&dossier.profile, "trusted_holder")?, first))
        }
    }
}

/// The statutory clock of a case up to an event, with the day on which data became available if they did.
pub fn clock_of(case: &Case, end: EndEvent, available: Option<Date>, today: Date) -> Option<Clock> {
    let dossier = case.dossier()?;
    if matches!(case, Case::Withdrawn(_)) {
        return None;
    }
    let (rule, started) = match trusted(case, dossier, end) {
        Some(running) => running,
        None => {
            let rule = rule_of(dossier, end)?;
            match rule.starts {
                table::Start::Received => (rule, dossier.submitted_at),
                table::Start::Decided => (rule, case.decided()?.issued_at),
                _ => (rule, dossier.complete_at?),
            }
        }
    };
    let ended = match (case.decided(), end) {
        (Some(decided), EndEvent::Decision) => Some(decided.issued_at.date_in_oslo()),
        // Where nothing was granted, there are no data to wait for.
        (Some(decided), EndEvent::DataAvailable) if decided.permit.is_none() => Some(decided.issued_at.date_in_oslo()),
        (decided, EndEvent::DataAvailable) => available.or_else(|| decided.and_then(holder::all_delivered)),
        (None, EndEvent::Decision) => None,
    };
    Some(shown(dossier, rule, started, ended, today, case.waits_for()))
}

fn shown(
    dossier: &Dossier,
    rule: &Rule,
    started: Timestamp,
    ended: Option<Date>,
    today: Date,
    waits_for: WaitsFor,
) -> Clock {
    let started = started.date_in_oslo();
    let pauses: &[Pause] = if rule.stops { &dossier.pauses } else { &[] };
    let longer: Vec<u32> = dossier.extensions.iter().map(|extension| extension.days).collect();
    let length = extended(rule.length.unwrap_or(Length::working_days(0)), &longer);
    let run = Run { started, length, pauses };
    let clock = run.clock(Calendars::norway(), ended.unwrap_or(today), waits_for);
    Clock { rule: rule.id.clone(), ends: rule.ends.unwrap_or(EndEvent::Decision), ended: ended.is_some(), ..clock }
}

/// The last day to publish the results: so long after the end of the permit as the table says, or what was granted since
/// (article 61(4)).
pub fn results_due(decided: &Decided, permit_ends: Date) -> Date {
    let length = table::length(&decided.dossier.profile, "results").unwrap_or(Length::months(RESULTS_MONTHS));
    let usual = permit_ends.plus_months(length.n as i32);
    decided.after.results_longer.iter().map(|longer| longer.until).fold(usual, Date::max)
}

/// The statutory clocks of a case up to the decision and up to the data, as far as its profile has them. Both are
/// reported because the law is not clear about which one counts.
pub fn both(case: &Case, available: Option<Date>, today: Date) -> Vec<Clock> {
    [EndEvent::Decision, EndEvent::DataAvailable]
        .into_iter()
        .filter_map(|end| clock_of(case, end, available, today))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Order, OrderItem};

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn dossier(sources: &[&str], pauses: Vec<Pause>) -> Dossier {
        let item = |source: &&str| OrderItem {
            variable: format!("{source}.main.a"),
            version: 1,
            collection: format!("{source}.main"),
            source: (*source).to_owned(),
            granularity: "as_is".into(),
        };
        let at = "2026-03-20T10:00:00Z".parse().unwrap();
        let draft = crate::model::Draft {
            applicant: "a".into(),
            created_at: at,
            form: "person-level".into(),
            profile: "NO/1".into(),
            saved_at: None,
            lapsed_at: None,
            change: None,
            folder: Default::default(),
        };
        let order = Order { items: sources.iter().map(item).collect(), periods: Default::default() };
        let dossier = Dossier::new(draft, "A-2026-000001".into(), String::new(), order, at);
        Dossier { complete_at: Some(at), pauses, ..dossier }
    }

    #[test]
    fn acc_121_a_clarification_pauses_the_clock() {
        let asked = Pause { from: date("2026-04-13"), to: None };
        let waiting = Case::PreScreening(dossier(&["npr"], vec![asked]));
        let clock = statutory(&waiting, date("2026-04-24")).unwrap();
        assert_eq!((clock.net, clock.left, clock.paused), (13, 17, true));
        let answered = Pause { from: date("2026-04-13"), to: Some(date("2026-05-04")) };
        let running = Case::PreScreening(dossier(&["npr"], vec![answered]));
        for today in ["2026-05-04", "2026-05-12", "2026-05-29"] {
            assert_eq!(statutory(&running, date(today)).unwrap().due, date("2026-05-29"), "{today}");
        }
        let late = statutory(&running, date("2026-06-02")).unwrap();
        assert_eq!((late.due, late.left), (date("2026-05-29"), -2));
    }

    #[test]
    fn acc_120_linked_sources_have_sixty_days() {
        let today = date("2026-03-20");
        assert_eq!(statutory(&Case::PreScreening(dossier(&["npr"], vec![])), today).unwrap().due, date("2026-05-07"));
        assert_eq!(
            statutory(&Case::PreScreening(dossier(&["npr", "dar"], vec![])), today).unwrap().due,
            date("2026-06-22")
        );
    }
}
