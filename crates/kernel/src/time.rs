//! Instants (microseconds, UTC), calendar dates and closed periods. No clock is read here: see [`Clock`].

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A calendar date: days since 1970-01-01 (proleptic Gregorian), years 0001 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// A text that is no date or instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not of the form `YYYY-MM-DD`, or no such day in the calendar.
    #[error("not a calendar date: write YYYY-MM-DD")]
    Date,
    /// Not an RFC 3339 instant.
    #[error("not an instant: write YYYY-MM-DDThh:mm:ssZ")]
    Timestamp,
    /// A period that ends before it starts.
    #[error("the period ends before it starts")]
    Reversed,
}

/// Where the time comes from. The only implementation that reads the machine's clock is in `hap`.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// The present date in Oslo, where deadlines and validity are counted.
    fn today(&self) -> Date {
        self.now().date_in_oslo()
    }
}

/// A clock for tests: stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.micros()))
    }

    /// Moves the clock forward.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Timestamp {
    /// The instant this many microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The instant `seconds` later (earlier when negative).
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1_000_000)
    }

    /// The calendar date in UTC.
    pub fn date(self) -> Date {
        Date(self.0.div_euclid(86_400_000_000) as i32)
    }

    /// The calendar date in Europe/Oslo (ACC-007).
    pub fn date_in_oslo(self) -> Date {
        self.plus_seconds(self.oslo_offset_seconds()).date()
    }

    /// How many seconds the clocks of Oslo are ahead of UTC at this instant. By the rule in force since 1996, so that
    /// deadlines do not depend on a time zone database being installed.
    pub fn oslo_offset_seconds(self) -> i64 {
        static OSLO: LazyLock<Option<TimeZone>> = LazyLock::new(|| TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").ok());
        match (&*OSLO, jiff::Timestamp::from_microsecond(self.0)) {
            (Some(zone), Ok(instant)) => i64::from(zone.to_offset(instant).seconds()),
            _ => 3600,
        }
    }
}

/// RFC 3339, UTC, six decimals (KEY-022).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros_of_day = self.0.rem_euclid(86_400_000_000);
        let (seconds, micros) = (micros_of_day / 1_000_000, micros_of_day % 1_000_000);
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{h:02}:{m:02}:{s:02}.{micros:06}Z", self.date())
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Timestamp {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| DateError::Timestamp)?;
        Ok(Self(instant.as_microsecond()))
    }
}

impl Date {
    /// The date of year, month (1-12) and day (1-31).
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, DateError> {
        jiff::civil::Date::new(year, month, day).map(Self::from_civil).map_err(|_| DateError::Date)
    }

    /// The date this many days after 1970-01-01.
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The date `days` later (earlier when negative).
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// The same day `months` later, or the last day of that month when it is shorter.
    pub fn plus_months(self, months: i32) -> Self {
        let (y, m, d) = self.ymd();
        let index = i32::from(y) * 12 + i32::from(m) - 1 + months;
        let (year, month) = (index.div_euclid(12) as i16, (index.rem_euclid(12) + 1) as i8);
        (0..4).find_map(|back| Self::new(year, month, d - back).ok()).unwrap_or(self)
    }

    /// Year, month 1-12, day 1-31.
    pub fn ymd(self) -> (i16, i8, i8) {
        // Days to civil date, era by era of 400 years (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        ((yoe + era * 400 + i64::from(month <= 2)) as i16, month as i8, day as i8)
    }

    /// The calendar year.
    pub fn year(self) -> i16 {
        self.ymd().0
    }

    fn from_civil(date: jiff::civil::Date) -> Self {
        let (y, m, d) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        Self((era * 146_097 + doe - 719_468) as i32)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = self.ymd();
        write!(f, "{y:04}-{m:02}-{d:02}")
    }
}
impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Date {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let b = text.as_bytes();
        let digits = |r: std::ops::Range<usize>| -> Option<i16> {
            b.get(r)?.iter().try_fold(0i16, |n, c| c.is_ascii_digit().then(|| n * 10 + i16::from(c - b'0')))
        };
        if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
            return Err(DateError::Date);
        }
        match (digits(0..4), digits(5..7), digits(8..10)) {
            (Some(y), Some(m), Some(d)) => Self::new(y, m as i8, d as i8),
            _ => Err(DateError::Date),
        }
    }
}

/// A closed period of days; `to` empty means that it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day, or none while the period is running.
    pub to: Option<Date>,
}

impl Period {
    /// The period from `from` to `to`, both days included.
    pub fn closed(from: Date, to: Date) -> Result<Self, DateError> {
        if to < from { Err(DateError::Reversed) } else { Ok(Self { from, to: Some(to) }) }
    }

    /// Whether the day lies in the period.
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }

    /// Whether every day of `other` lies in this period.
    pub fn covers(&self, other: &Period) -> bool {
        self.from <= other.from
            && match (self.to, other.to) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(a), Some(b)) => b <= a,
            }
    }
}

macro_rules! text_serde {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
text_serde!(Timestamp);
text_serde!(Date);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instants_print_six_decimals() {
        let t = Timestamp::from_micros(1_795_252_500_000_000);
        assert_eq!(t.to_string(), "2026-11-21T09:15:00.000000Z");
        assert_eq!("2026-11-21T09:15:00.000000Z".parse::<Timestamp>().unwrap(), t);
        assert_eq!("2026-11-21T23:30:00Z".parse::<Timestamp>().unwrap().date_in_oslo().to_string(), "2026-11-22");
        for (instant, hours) in [
            ("2026-03-29T00:59:59Z", 1),
            ("2026-03-29T01:00:00Z", 2),
            ("2026-10-25T00:59:59Z", 2),
            ("2026-10-25T01:00:00Z", 1),
        ] {
            assert_eq!(instant.parse::<Timestamp>().unwrap().oslo_offset_seconds(), hours * 3600, "{instant}");
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in ["2023-02-29", "2023-13-01", "23-01-01", "2023-1-01", "2023-01-0x", ""] {
            assert_eq!(text.parse::<Date>(), Err(DateError::Date), "{text}");
        }
        assert_eq!("1970-01-01".parse::<Date>().unwrap().days(), 0);
        assert_eq!("2024-01-31".parse::<Date>().unwrap().plus_months(1).to_string(), "2024-02-29");
    }

    proptest! {
        #[test]
        fn days_and_calendar_agree(days in -700_000i32..2_900_000) {
            let date = Date::from_days(days);
            let (y, m, d) = date.ymd();
            prop_assert_eq!(Date::new(y, m, d).unwrap(), date);
            prop_assert_eq!(date.to_string().parse::<Date>().unwrap(), date);
        }
    }
}
