//! Versioned calendars and lengths of time (ACC-110 to ACC-113). A version says from which day it is counted with; a new
//! one can make an open deadline later, never earlier.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::workdays::{self, Calendar};
use kernel::{Date, LangMap};
use serde::{Deserialize, Serialize};

/// What a length is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Days on which the office works.
    WorkingDays,
    /// Weeks; the last day moves to a working day.
    Weeks,
    /// Months; the last day moves to a working day. Years are twelve of them.
    Months,
}

/// A length of time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Length {
    /// How many.
    pub n: u32,
    /// Of what.
    pub unit: Unit,
}

impl Length {
    /// This many working days.
    pub const fn working_days(n: u32) -> Self {
        Self { n, unit: Unit::WorkingDays }
    }

    /// This many weeks.
    pub const fn weeks(n: u32) -> Self {
        Self { n, unit: Unit::Weeks }
    }

    /// This many months.
    pub const fn months(n: u32) -> Self {
        Self { n, unit: Unit::Months }
    }

    /// Longer by `n` of its own unit.
    #[must_use]
    pub const fn longer(self, n: u32) -> Self {
        Self { n: self.n + n, unit: self.unit }
    }
}

/// A version of a calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// `NO/1`.
    pub name: String,
    /// The first day on which deadlines are counted with it.
    pub in_force_from: Date,
    /// The working days.
    pub calendar: Calendar,
}

/// The versions of a calendar, oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Calendars {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct File {
    versions: Vec<FileVersion>,
    names: BTreeMap<String, LangMap>,
}

#[derive(Deserialize)]
struct FileVersion {
    version: String,
    in_force_from: Date,
    closed: Vec<Date>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the file is part of the program and is read by its tests")]
    serde_json::from_str(include_str!("../../data/calendars.json")).unwrap()
});

static NORWAY: LazyLock<Calendars> = LazyLock::new(|| {
    let version = |v: &FileVersion| Version {
        name: v.version.clone(),
        in_force_from: v.in_force_from,
        calendar: Calendar::with_closed(v.closed.iter().copied()),
    };
    Calendars::new(FILE.versions.iter().map(version).collect())
});

impl Calendars {
    /// These versions, in the order in which they came into force.
    pub fn new(mut versions: Vec<Version>) -> Self {
        versions.sort_by_key(|version| version.in_force_from);
        Self { versions }
    }

    /// The versions of Norway's calendar.
    pub fn norway() -> &'static Self {
        &NORWAY
    }

    /// The version to count with on a day: the newest that is in force, or the first of all.
    pub fn on(&self, day: Date) -> Option<&Version> {
        self.versions.iter().rev().find(|v| v.in_force_from <= day).or(self.versions.first())
    }

    /// The working days on a day.
    pub fn calendar(&self, day: Date) -> Calendar {
        self.on(day).map(|version| version.calendar.clone()).unwrap_or_default()
    }

    /// The latest date that `count` gives under the versions in force between two days: a change of the calendar while a
    /// deadline is open makes it later or leaves it (ACC-113).
    pub fn latest(&self, from: Date, today: Date, count: impl Fn(&Calendar) -> Date) -> Date {
        let first = self.on(from).map_or(from, |version| version.in_force_from);
        let open = self.versions.iter().filter(|v| v.in_force_from >= first && v.in_force_from <= today.max(first));
        open.map(|version| count(&version.calendar)).max().unwrap_or_else(|| count(&Calendar::default()))
    }

    /// The last day of a length that begins on `start`, as known on `today`. The start is day 0 (ACC-110, ACC-111).
    pub fn due(&self, start: Date, length: Length, today: Date) -> Date {
        self.latest(start, today, |calendar| due(calendar, start, length))
    }
}

/// The last day of a length in one calendar.
pub fn due(calendar: &Calendar, start: Date, length: Length) -> Date {
    match length.unit {
        Unit::WorkingDays => calendar.add_working_days(start, length.n),
        Unit::Weeks => calendar.add_weeks(start, length.n),
        Unit::Months => calendar.add_months(start, length.n),
    }
}

/// The calendar of a year as it is published.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct YearCalendar {
    /// `NO`.
    pub country: String,
    /// The year.
    pub year: i16,
    /// The version of the calendar.
    pub version: String,
    /// How many working days the year has.
    pub working_days: u32,
    /// Public holidays in their order; two on one date are both listed.
    pub holidays: Vec<HolidayEntry>,
    /// Days on which the office is closed besides.
    pub closed: Vec<Date>,
}

/// A public holiday.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HolidayEntry {
    /// The day.
    pub date: Date,
    /// 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// Stable name.
    pub id: String,
    /// Name.
    pub name: LangMap,
}

/// Norway's calendar of a year as known on `today`; none outside 1900 to 2199.
pub fn year(year: i16, today: Date) -> Option<YearCalendar> {
    if !(1900..2200).contains(&year) {
        return None;
    }
    let version = NORWAY.on(today)?;
    let entry = |(date, holiday): (Date, workdays::Holiday)| HolidayEntry {
        date,
        weekday: workdays::weekday(date),
        id: holiday.id().to_owned(),
        name: FILE.names.get(holiday.id()).cloned().unwrap_or_default(),
    };
    let last = |year| Date::new(year, 12, 31).ok();
    Some(YearCalendar {
        country: "NO".to_owned(),
        year,
        version: version.name.clone(),
        working_days: version.calendar.working_days_between(last(year - 1)?, last(year)?),
        holidays: workdays::holidays(year).into_iter().map(entry).collect(),
        closed: version.calendar.closed().filter(|day| day.year() == year).collect(),
    })
}
