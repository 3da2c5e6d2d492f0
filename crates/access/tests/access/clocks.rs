//! Working days, deadlines and clocks against tables, and against a slow calendar that shares no code with them.
#![expect(clippy::unwrap_used, reason = "tests")]

use access::clocks::table::{self, Expiry};
use access::clocks::{Calendars, ClockedCase, EndEvent, Length, Run, Unit, calendar};
use access::model::{Pause, WaitsFor};
use kernel::workdays::Calendar;
use kernel::{Date, workdays};
use proptest::prelude::*;
use serde::Deserialize;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[derive(Deserialize)]
struct Vector {
    start_date: Date,
    working_days: u32,
    deadline: Date,
}

#[test]
fn acc_112_every_deadline_of_the_table() {
    let mut rows = csv::Reader::from_reader(&include_bytes!("data/deadline-vectors.csv")[..]);
    let rows: Vec<Vector> = rows.deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 175);
    for row in rows {
        let length = Length::working_days(row.working_days);
        let due = Calendars::norway().due(row.start_date, length, row.start_date);
        assert_eq!(due, row.deadline, "{} + {} working days", row.start_date, row.working_days);
        assert_eq!(Run { started: row.start_date, length, pauses: &[] }.due(Calendars::norway(), due), row.deadline);
    }
}

#[derive(Deserialize)]
struct Holidays {
    holidays: Vec<Holiday>,
}

#[derive(Deserialize)]
struct Holiday {
    date: Date,
    weekday: u8,
    id: String,
    nb: String,
}

#[test]
fn acc_112_the_published_calendar_is_the_table_of_holidays() {
    let table: Holidays = serde_json::from_str(include_str!("data/holidays-no.json")).unwrap();
    let mut expected: Vec<_> = table.holidays.into_iter().map(|h| (h.date, h.id, h.weekday, h.nb)).collect();
    expected.sort();
    let (first, last) = (expected[0].0.year(), expected[expected.len() - 1].0.year());
    let mut published = Vec::new();
    for year in first..=last {
        let calendar = calendar::year(year, date("2026-11-26")).unwrap();
        assert_eq!((calendar.country.as_str(), calendar.version.as_str()), ("NO", "NO/1"));
        published.extend(calendar.holidays.into_iter().map(|h| {
            assert_eq!(h.name.0.len(), 3, "ACC-006: {}", h.id);
            (h.date, h.id, h.weekday, h.name.0[&kernel::Language::Nb].clone())
        }));
    }
    published.sort();
    assert_eq!(published, expected);
    assert_eq!(calendar::year(2027, date("2026-11-26")).unwrap().working_days, 255);
    assert!(calendar::year(1800, date("2026-11-26")).is_none());
}

#[test]
fn acc_112_examples_of_the_text() {
    let no = Calendars::norway();
    for (start, length, due) in [
        ("2026-03-20", Length::working_days(30), "2026-05-07"),
        ("2026-03-20", Length::working_days(60), "2026-06-22"),
        ("2026-12-18", Length::working_days(30), "2027-02-02"),
        ("2029-09-25", Length::months(3), "2029-12-27"),
    ] {
        assert_eq!(no.due(date(start), length, date(start)), date(due), "{start}");
    }
    let asked = [Pause { from: date("2026-04-13"), to: Some(date("2026-05-04")) }];
    let run = Run { started: date("2026-03-20"), length: Length::working_days(30), pauses: &asked };
    assert_eq!(run.due(no, date("2026-05-10")), date("2026-05-29"));
    let clock = run.clock(no, date("2026-05-29"), WaitsFor::Body);
    assert_eq!((clock.net, clock.left, clock.gross - clock.stopped), (30, 0, 30));
}

#[test]
fn acc_121_a_question_stops_a_clock_of_months_by_the_days_it_took() {
    let asked = [Pause { from: date("2029-10-01"), to: Some(date("2029-10-15")) }];
    let run = Run { started: date("2029-09-25"), length: Length::months(3), pauses: &asked };
    // 25 December and 14 days: 8 January, a Tuesday.
    assert_eq!(run.due(Calendars::norway(), date("2029-11-01")), date("2030-01-08"));
    let clock = run.clock(Calendars::norway(), date("2029-10-10"), WaitsFor::Body);
    assert_eq!((clock.unit, clock.gross, clock.net, clock.stopped), (Unit::Months, 15, 6, 9));
}

#[test]
fn acc_113_a_new_calendar_makes_no_open_deadline_earlier() {
    let version = |name: &str, from: &str, closed: &[&str]| calendar::Version {
        name: name.into(),
        in_force_from: date(from),
        calendar: Calendar::with_closed(closed.iter().map(|day| date(day))),
    };
    let closes = Calendars::new(vec![
        version("NO/1", "2000-01-01", &[]),
        version("NO/2", "2026-12-01", &["2026-12-24", "2026-12-31"]),
    ]);
    let (start, ten) = (date("2026-11-20"), Length::working_days(30));
    assert_eq!(closes.due(start, ten, date("2026-11-30")), date("2027-01-05"), "not yet in force");
    assert_eq!(closes.due(start, ten, date("2026-12-01")), date("2027-01-07"), "two days later");
    let opens = Calendars::new(vec![
        version("NO/1", "2000-01-01", &["2026-12-24", "2026-12-31"]),
        version("NO/2", "2026-12-01", &[]),
    ]);
    assert_eq!(opens.due(start, ten, date("2026-12-15")), date("2027-01-07"), "an open deadline stays");
    assert_eq!(opens.due(date("2026-12-01"), ten, date("2026-12-15")), date("2027-01-14"), "a new one is counted anew");
}

#[test]
fn section_9_3_every_clock_has_its_length_and_what_happens_at_its_end() {
    let of = |profile, id| table::length(profile, id);
    let wd = |n| Some(Length::working_days(n));
    for (id, length) in [
        ("one_source", wd(30)),
        ("linked", wd(60)),
        ("decision_one_source", wd(15)),
        ("decision_linked", wd(30)),
        ("source_answer", wd(15)),
        ("holder_delivers", None),
        ("terms", wd(20)),
        ("publish_application", wd(1)),
        ("publish_decision", wd(30)),
    ] {
        assert_eq!(of("NO/1", id), length, "{id}");
    }
    for (id, months) in [
        ("application", 3),
        ("accelerated", 2),
        ("trusted_holder", 2),
        ("trusted_holder_decision", 2),
        ("request_assess", 3),
        ("request_answer", 3),
        ("holder_delivers", 3),
        ("made_available", 2),
        ("extension_request", 1),
        ("results", 18),
        ("deletion", 6),
    ] {
        assert_eq!(of("EHDS/1", id), Some(Length::months(months)), "{id}");
    }
    for (id, weeks) in [("completion", 4), ("appeal", 3), ("hearing", 4)] {
        assert_eq!(of("NO/1", id), Some(Length::weeks(weeks)), "{id}");
    }
    for profile in ["NO/1", "EHDS/1"] {
        for rule in table::rules(profile) {
            assert_eq!(rule.name.0.len(), 3, "ACC-006: {}", rule.id);
            assert!(!rule.expiry.is_empty(), "{}", rule.id);
        }
    }
    let application = table::rule("EHDS/1", "application").unwrap();
    assert!(application.allows_extension(3, 0) && !application.allows_extension(4, 0));
    assert!(!application.allows_extension(3, 1), "once");
    assert_eq!(application.expiry, [Expiry::Alarm], "no tacit approval");
    assert!(table::rule("NO/1", "linked").unwrap().allows_extension(40, 3));
    assert!(!table::rule("NO/1", "terms").unwrap().allows_extension(1, 0));
    assert_eq!(table::rules("XX/1").count(), 0);
}

#[test]
fn section_9_3_both_ends_are_reported_and_the_usual_one_is_data() {
    assert_eq!(table::end_event("NO/1"), EndEvent::DataAvailable);
    assert_eq!(table::end_event("EHDS/1"), EndEvent::Decision);
    let case = |profile, statistics, sources, accelerated| ClockedCase { profile, statistics, sources, accelerated };
    let id = |case, end| table::statutory_rule(case, end).map(|rule| rule.id.as_str());
    for (of, decision, data) in [
        (case("NO/1", false, 1, false), Some("decision_one_source"), Some("one_source")),
        (case("NO/1", false, 3, false), Some("decision_linked"), Some("linked")),
        (case("EHDS/1", false, 3, false), Some("application"), None),
        (case("EHDS/1", false, 3, true), Some("accelerated"), None),
        (case("EHDS/1", true, 1, false), Some("request_assess"), Some("request_answer")),
    ] {
        assert_eq!((id(of, EndEvent::Decision), id(of, EndEvent::DataAvailable)), (decision, data), "{of:?}");
    }
}

/// An independent calendar: weekday and Easter by counting and by tables of the lunar calendar, one day at a time.
mod slow {
    use super::*;

    fn leap(y: i32) -> bool {
        y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)
    }

    fn days_in(y: i32, m: i32) -> i32 {
        match m {
            2 if leap(y) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// Day after day from 1 January 2001, a Monday.
    pub fn weekday(y: i32, m: i32, d: i32) -> i32 {
        let mut days: i32 = (2001..y).map(|y| if leap(y) { 366 } else { 365 }).sum();
        days += (1..m).map(|m| days_in(y, m)).sum::<i32>() + d - 1;
        days % 7 + 1
    }

    pub fn next((y, m, d): (i32, i32, i32)) -> (i32, i32, i32) {
        match (d < days_in(y, m), m < 12) {
            (true, _) => (y, m, d + 1),
            (false, true) => (y, m + 1, 1),
            (false, false) => (y + 1, 1, 1),
        }
    }

    /// The Sunday after the paschal full moon, by golden number and century (Clavius).
    pub fn easter(y: i32) -> (i32, i32) {
        let golden = y % 19 + 1;
        let century = y / 100 + 1;
        let (dropped, moon) = (3 * century / 4 - 12, (8 * century + 5) / 25 - 5);
        let mut epact = (11 * golden + 20 + moon - dropped).rem_euclid(30);
        if (epact == 25 && golden > 11) || epact == 24 {
            epact += 1;
        }
        let full = if 44 - epact < 21 { 44 - epact + 30 } else { 44 - epact };
        let march = |n: i32| if n > 31 { (4, n - 31) } else { (3, n) };
        let mut n = full + 1;
        while weekday(y, march(n).0, march(n).1) != 7 {
            n += 1;
        }
        march(n)
    }

    pub fn works(day: (i32, i32, i32)) -> bool {
        let (y, m, d) = day;
        if weekday(y, m, d) > 5 || [(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)].contains(&(m, d)) {
            return false;
        }
        let (em, ed) = easter(y);
        let mut around = (y, 3, 1);
        let mut distance: i32 = -((if em == 3 { ed } else { ed + 31 }) - 1);
        while around != day {
            if around.1 > 7 || (m, d) < (3, 1) {
                return true;
            }
            around = next(around);
            distance += 1;
        }
        ![-3, -2, 0, 1, 39, 49, 50].contains(&distance)
    }

    /// Walks one day at a time; days on which the clock stands still are not counted.
    pub fn due(start: Date, n: u32, pauses: &[Pause]) -> Date {
        let (y, m, d) = start.ymd();
        let mut day = (i32::from(y), i32::from(m), i32::from(d));
        let mut date = start;
        let mut left = n;
        while left > 0 {
            day = next(day);
            date = date.plus_days(1);
            let stands = pauses.iter().any(|p| date > p.from && p.to.is_none_or(|to| date <= to));
            if !stands && works(day) {
                left -= 1;
            }
        }
        date
    }
}

proptest! {
    #[test]
    fn acc_110_the_clock_agrees_with_a_slow_calendar(
        start in 12_000i32..40_000, n in 1u32..90, asked in 0i32..60, took in 0i32..90, again in 0i32..40, more in 0i32..30,
    ) {
        let start = Date::from_days(start);
        let first = start.plus_days(asked);
        let second = first.plus_days(took + again);
        let pauses = [
            Pause { from: first, to: Some(first.plus_days(took)) },
            Pause { from: second, to: Some(second.plus_days(more)) },
        ];
        let run = Run { started: start, length: Length::working_days(n), pauses: &pauses };
        let due = run.due(Calendars::norway(), start.plus_days(400));
        prop_assert_eq!(due, slow::due(start, n, &pauses));
        prop_assert_eq!(run.net(&Calendar::default(), due), n);
        prop_assert_eq!(workdays::add_working_days(start, n), slow::due(start, n, &[]));
    }

    #[test]
    fn acc_111_months_end_on_the_same_day_or_the_working_day_after(start in 12_000i32..40_000, n in 1u32..24) {
        let start = Date::from_days(start);
        let due = Calendars::norway().due(start, Length::months(n), start);
        let (y, m, d) = start.ymd();
        let month = i32::from(m) - 1 + n as i32;
        let (year, month) = (i32::from(y) + month / 12, month % 12 + 1);
        let same = (1..=i32::from(d)).rev().find_map(|d| Date::new(year as i16, month as i8, d as i8).ok()).unwrap();
        prop_assert!(due >= same && due.days() - same.days() <= 6);
        let mut day = same;
        while day < due {
            let (y, m, d) = day.ymd();
            prop_assert!(!slow::works((y.into(), m.into(), d.into())));
            day = day.plus_days(1);
        }
    }
}
