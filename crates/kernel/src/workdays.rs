//! Working days in Norway and the counting of deadlines (ACC-110, ACC-111): Monday to Friday without public holidays.
//!
//! The rules are the calendar's own; closed days that an office adds (24 December, say) are those of a [`Calendar`].
//! What it is not: a clock. Which clock runs, and when it stops, is the business of `access`.

use std::collections::BTreeSet;

use crate::Date;

/// Why a day is a public holiday.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Holiday {
    /// 1 January.
    NewYear,
    /// Thursday before Easter (skjærtorsdag).
    MaundyThursday,
    /// Friday before Easter (langfredag).
    GoodFriday,
    /// Easter Sunday.
    EasterSunday,
    /// Easter Monday.
    EasterMonday,
    /// 1 May.
    LabourDay,
    /// 17 May.
    ConstitutionDay,
    /// 39 days after Easter (Kristi himmelfartsdag).
    Ascension,
    /// 49 days after Easter (1. pinsedag).
    WhitSunday,
    /// 50 days after Easter (2. pinsedag).
    WhitMonday,
    /// 25 December.
    ChristmasDay,
    /// 26 December.
    BoxingDay,
}

impl Holiday {
    /// The stable name of the holiday, e.g. `new_year`.
    pub const fn id(self) -> &'static str {
        match self {
            Holiday::NewYear => "new_year",
            Holiday::MaundyThursday => "maundy_thursday",
            Holiday::GoodFriday => "good_friday",
            Holiday::EasterSunday => "easter_sunday",
            Holiday::EasterMonday => "easter_monday",
            Holiday::LabourDay => "labour_day",
            Holiday::ConstitutionDay => "constitution_day",
            Holiday::Ascension => "ascension",
            Holiday::WhitSunday => "whit_sunday",
            Holiday::WhitMonday => "whit_monday",
            Holiday::ChristmasDay => "christmas_1",
            Holiday::BoxingDay => "christmas_2",
        }
    }
}

/// Easter Sunday of a year in the Gregorian calendar (the anonymous algorithm, `access.md` section 9.1).
pub fn easter_sunday(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month = (h + l - 7 * m + 114) / 31;
    let day = (h + l - 7 * m + 114) % 31 + 1;
    // Easter always lies between 22 March and 25 April, so that the day exists.
    first_of(year, month as i8).plus_days(day - 1)
}

/// The public holidays of a year in the order of the calendar. Two feasts on one date are both listed.
pub fn holidays(year: i16) -> Vec<(Date, Holiday)> {
    let easter = easter_sunday(year);
    let fixed = |month: i8, day: i32| first_of(year, month).plus_days(day - 1);
    let mut days = vec![
        (fixed(1, 1), Holiday::NewYear),
        (easter.plus_days(-3), Holiday::MaundyThursday),
        (easter.plus_days(-2), Holiday::GoodFriday),
        (easter, Holiday::EasterSunday),
        (easter.plus_days(1), Holiday::EasterMonday),
        (fixed(5, 1), Holiday::LabourDay),
        (fixed(5, 17), Holiday::ConstitutionDay),
        (easter.plus_days(39), Holiday::Ascension),
        (easter.plus_days(49), Holiday::WhitSunday),
        (easter.plus_days(50), Holiday::WhitMonday),
        (fixed(12, 25), Holiday::ChristmasDay),
        (fixed(12, 26), Holiday::BoxingDay),
    ];
    days.sort();
    days
}

/// The weekday: 1 Monday to 7 Sunday (ISO 8601).
pub fn weekday(day: Date) -> u8 {
    // 1 January 1970 was a Thursday.
    ((day.days() + 3).rem_euclid(7) + 1) as u8
}

/// A calendar of working days: the public holidays, and days on which the office is closed besides (24 December, say).
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Calendar {
    closed: BTreeSet<Date>,
}

/// The calendar with public holidays alone.
static NORWAY: Calendar = Calendar { closed: BTreeSet::new() };

impl Calendar {
    /// The calendar with these days closed besides the public holidays.
    pub fn with_closed(days: impl IntoIterator<Item = Date>) -> Self {
        Self { closed: days.into_iter().collect() }
    }

    /// The days that are closed besides the public holidays.
    pub fn closed(&self) -> impl Iterator<Item = Date> + '_ {
        self.closed.iter().copied()
    }

    /// Whether `day` is Monday to Friday, no public holiday and not closed.
    pub fn is_working_day(&self, day: Date) -> bool {
        Years::default().work(self, day)
    }

    /// The `n`-th working day after `start`; `start` is day 0 (ACC-110). For `n` = 0 it is `start` itself.
    pub fn add_working_days(&self, start: Date, n: u32) -> Date {
        let mut years = Years::default();
        let mut day = start;
        let mut left = n;
        while left > 0 {
            day = day.plus_days(1);
            if years.work(self, day) {
                left -= 1;
            }
        }
        day
    }

    /// How many working days lie after `start`, up to and including `end`; 0 when `end` is not later.
    pub fn working_days_between(&self, start: Date, end: Date) -> u32 {
        let mut years = Years::default();
        (start.days() + 1..=end.days()).filter(|day| years.work(self, Date::from_days(*day))).count() as u32
    }

    /// The same weekday `weeks` later, moved on to a working day when the office is closed (ACC-111).
    pub fn add_weeks(&self, start: Date, weeks: u32) -> Date {
        self.next_working_day(start.plus_days(weeks as i32 * 7))
    }

    /// The same day number `months` later, or the last day of that month, moved on to a working day (ACC-111).
    pub fn add_months(&self, start: Date, months: u32) -> Date {
        self.next_working_day(start.plus_months(months as i32))
    }

    /// `day` when it is a working day, else the first one after it.
    pub fn next_working_day(&self, day: Date) -> Date {
        if self.is_working_day(day) { day } else { self.add_working_days(day, 1) }
    }
}

/// [`Calendar::is_working_day`] with public holidays alone.
pub fn is_working_day(day: Date) -> bool {
    NORWAY.is_working_day(day)
}

/// [`Calendar::add_working_days`] with public holidays alone.
pub fn add_working_days(start: Date, n: u32) -> Date {
    NORWAY.add_working_days(start, n)
}

/// [`Calendar::working_days_between`] with public holidays alone.
pub fn working_days_between(start: Date, end: Date) -> u32 {
    NORWAY.working_days_between(start, end)
}

/// [`Calendar::add_weeks`] with public holidays alone.
pub fn add_weeks(start: Date, weeks: u32) -> Date {
    NORWAY.add_weeks(start, weeks)
}

/// [`Calendar::add_months`] with public holidays alone.
pub fn add_months(start: Date, months: u32) -> Date {
    NORWAY.add_months(start, months)
}

/// [`Calendar::next_working_day`] with public holidays alone.
pub fn next_working_day(day: Date) -> Date {
    NORWAY.next_working_day(day)
}

/// The holidays of the years met so far.
#[derive(Default)]
struct Years {
    known: Vec<(i16, Vec<Date>)>,
}

impl Years {
    fn work(&mut self, calendar: &Calendar, day: Date) -> bool {
        if weekday(day) > 5 || calendar.closed.contains(&day) {
            return false;
        }
        let year = day.year();
        if !self.known.iter().any(|(known, _)| *known == year) {
            self.known.push((year, holidays(year).into_iter().map(|(date, _)| date).collect()));
        }
        !self.known.iter().any(|(known, days)| *known == year && days.contains(&day))
    }
}

fn first_of(year: i16, month: i8) -> Date {
    // Years of `Date` are valid by construction and months are written out above.
    Date::new(year, month, 1).unwrap_or(Date::from_days(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn acc_111_months_and_weeks_move_to_a_working_day() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(add_months(date("2029-09-25"), 3), date("2029-12-27"));
        assert_eq!(add_months(date("2026-01-31"), 1), date("2026-03-02"));
        assert_eq!(add_weeks(date("2026-03-05"), 4), date("2026-04-07"));
    }

    #[test]
    fn acc_112_working_days_of_the_years_in_the_table() {
        for (year, n) in [(2026, 253), (2027, 255), (2028, 251)] {
            let (start, end) = (first_of(year, 1).plus_days(-1), first_of(year + 1, 1).plus_days(-1));
            assert_eq!(working_days_between(start, end), n, "{year}");
        }
    }

    proptest! {
        #[test]
        fn counting_there_and_back_agree(start in 15_000i32..40_000, n in 0u32..200) {
            let start = Date::from_days(start);
            let end = add_working_days(start, n);
            prop_assert_eq!(working_days_between(start, end), n);
            prop_assert!(n == 0 || is_working_day(end));
        }
    }
}
