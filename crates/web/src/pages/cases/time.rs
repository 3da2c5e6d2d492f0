//! How long there is until a day: counted in working days by Norway's calendar, the same on every page, and said in words.

use access::clocks::{Calendars, Clock, Unit};
use kernel::Date;

use crate::frame::Frame;

/// From so few working days on it is time to hurry: the second of the reminders (ACC-132).
const SOON: i64 = 5;

/// Working days after `from`, up to and including `to`, by the calendar in force on `today`.
pub(super) fn working_days(from: Date, to: Date, today: Date) -> u32 {
    let calendar = Calendars::norway().on(today).map(|version| &version.calendar);
    calendar.map_or(0, |calendar| calendar.working_days_between(from, to))
}

/// How long there is until a day, in words, with how urgent that is.
pub(in crate::pages) fn until(f: &Frame, due: &Date, today: Date) -> (String, &'static str) {
    let (key, n, tone) = left(*due, today);
    (f.tv(key, "n", n), tone)
}

/// The same as a text with its number.
fn left(due: Date, today: Date) -> (&'static str, i64, &'static str) {
    if due == today {
        return ("due-today", 0, "warn");
    }
    let (late, n) = (due < today, i64::from(working_days(due.min(today), due.max(today), today)));
    match (late, n) {
        // Between the two lies no day on which anybody works.
        (true, 0) => ("due-over", 0, "bad"),
        (false, 0) => ("due-before-work", 0, "warn"),
        (true, _) => ("due-late", n, "bad"),
        (false, ..=SOON) => ("due-in", n, "warn"),
        (false, _) => ("due-in", n, "info"),
    }
}

/// The unit in which a clock counts what was used of it.
pub(in crate::pages) fn unit(f: &Frame, clock: &Clock) -> String {
    f.t(match clock.unit {
        Unit::WorkingDays => "unit-working-days",
        Unit::Weeks | Unit::Months => "unit-calendar-days",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// ACC-110, ACC-124: the same days as the clocks count, over weekends and movable feasts.
    #[test]
    fn time_is_counted_in_working_days() {
        // Friday 20 March 2026, with Easter on the way: the example of the rules.
        assert_eq!(left(day("2026-05-07"), day("2026-03-20")), ("due-in", 30, "info"));
        // Wednesday before Maundy Thursday, to the Tuesday after Easter Monday.
        assert_eq!(left(day("2026-04-07"), day("2026-04-01")), ("due-in", 1, "warn"));
        assert_eq!(left(day("2026-04-01"), day("2026-04-07")), ("due-late", 1, "bad"));
        assert_eq!(left(day("2026-04-07"), day("2026-04-07")), ("due-today", 0, "warn"));
        // A day on a weekend, before and after.
        assert_eq!(left(day("2026-11-28"), day("2026-11-27")), ("due-before-work", 0, "warn"));
        assert_eq!(left(day("2026-11-27"), day("2026-11-29")), ("due-over", 0, "bad"));
    }
}
