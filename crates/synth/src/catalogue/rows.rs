//! The rows of a variable by its relation to time. What is measured on days is carried: a row tells the first and the last
//! measuring day of an unchanged value, and the metadata names the days (`temporalStatusDates`).

use kernel::Date;
use rayon::prelude::*;

use super::draw::{exponential, mix, unit};
use super::list::Spec;
use super::people::People;
use super::rule::Kind;
use super::units::{Subject, Units};
use super::values::{Asked, Cell, value};
use crate::output::{Rows, date_text};
use crate::world::{NEVER, NOBODY, day};

/// Units of a part that one thread makes.
const CHUNK: usize = 8192;

/// What was made of a variable.
pub(crate) struct Made {
    pub parts: Vec<Rows>,
    /// The measuring days, for STATUS.
    pub dates: Vec<Date>,
}

/// All rows of a variable. `seldom` asks that some unit has a value even where the rule finds none.
pub(crate) fn rows(people: &People<'_>, units: &Units, spec: &Spec) -> Made {
    let dates = if spec.temporality == 'S' { status_dates(spec) } else { Vec::new() };
    let (subjects, letter) = units.of(&spec.unit);
    let writer = Writer { people, spec, letter, days: Days::of(spec, &dates) };
    let make = |always: bool| -> Vec<Rows> {
        let part = |chunk: &[Subject]| {
            let mut out = Rows::default();
            for subject in chunk {
                writer.unit(*subject, always, &mut out);
                if always && out.len() > 40 {
                    break;
                }
            }
            out
        };
        subjects.par_chunks(CHUNK).map(part).collect()
    };
    let mut parts = make(false);
    if parts.iter().all(|p| p.len() == 0) {
        // A rare variable in a small population: a few have it, so that scripts find it.
        parts = make(true);
    }
    Made { parts, dates }
}

/// The measuring days by LANG-082. Job seekers' variables without coverage are measured as their sisters are.
fn status_dates(spec: &Spec) -> Vec<Date> {
    let (from, until) = match (spec.from.as_str(), spec.until.as_str()) {
        ("", "") => ("2002-10-31", "2025-11-30"),
        both => both,
    };
    datastore::status_dates(&spec.name, from, until)
}

/// First and last day of the coverage, and the steps of time at which a value is looked at.
struct Days {
    from: i32,
    until: i32,
    /// Days of measurement.
    dates: Vec<i32>,
    texts: Vec<[u8; 10]>,
    /// For each year of measurement: the year, the first and the last place in `dates`.
    years: Vec<(i32, usize, usize)>,
    /// Periods of amounts: year, first and last day.
    periods: Vec<(i32, i32, i32)>,
}

impl Days {
    fn of(spec: &Spec, dates: &[Date]) -> Self {
        let bound = |text: &str, year_only: (i32, i32), none: i32| match (text.parse::<Date>(), text.get(..4)) {
            (Ok(date), _) => date.days(),
            (_, Some(year)) => year.parse().map_or(none, |y| day(y, year_only.0, year_only.1)),
            _ => none,
        };
        let (from, until) =
            (bound(&spec.from, (1, 1), day(1993, 1, 1)), bound(&spec.until, (12, 31), day(2024, 12, 31)));
        let dates: Vec<i32> = dates.iter().map(|d| d.days()).collect();
        let mut years: Vec<(i32, usize, usize)> = Vec::new();
        for (k, date) in dates.iter().enumerate() {
            let year = i32::from(Date::from_days(*date).year());
            match years.last_mut() {
                Some((y, _, last)) if *y == year => *last = k,
                _ => years.push((year, k, k)),
            }
        }
        let texts = dates.iter().map(|d| date_text(*d)).collect();
        let months = spec.unit == "MALEPUNKT";
        let year_of = |d: i32| i32::from(Date::from_days(d).year());
        let mut periods = Vec::new();
        for year in year_of(from)..=year_of(until) {
            for month in (1..=12).step_by(if months { 1 } else { 12 }) {
                let first = day(year, month, 1).max(from);
                let last = if months { day(year + month / 12, month % 12 + 1, 1) - 1 } else { day(year, 12, 31) };
                if first < last.min(until) {
                    periods.push((year, first, last.min(until)));
                }
            }
        }
        Self { from, until, dates, texts, years, periods }
    }
}

struct Writer<'a> {
    people: &'a People<'a>,
    spec: &'a Spec,
    letter: u8,
    days: Days,
}

impl Writer<'_> {
    fn unit(&self, s: Subject, always: bool, out: &mut Rows) {
        if !self.spec.what.kind.eq(&Kind::Register) && (always || self.may(s)) {
            match self.spec.temporality {
                'F' => self.fixed(s, always, out),
                'S' => self.status(s, always, out),
                'A' => self.accumulated(s, always, out),
                _ if self.spec.what.spell.is_some() => self.spells(s, always, out),
                _ if self.spec.unit == "PERSON" => self.homes(s, out),
                _ => self.event(s, out),
            }
        }
    }

    /// Whether the unit is one that ever has a value; cheaper than to ask for every year.
    fn may(&self, s: Subject) -> bool {
        self.people.ever(&self.spec.who, if self.person() { s.person } else { s.number }.into())
    }

    fn person(&self) -> bool {
        self.spec.unit == "PERSON"
    }

    fn value(&self, s: Subject, at: i32, year: i32, always: bool) -> Option<Cell> {
        let has = always || !self.person() || self.people.has(&self.spec.who, s.person as usize, year);
        if has { value(&Asked::new(self.people, self.spec, s, at, year)) } else { None }
    }

    fn fixed(&self, s: Subject, always: bool, out: &mut Rows) {
        // A person is looked at as of the last day of the registers, or of her own.
        let at = s.until.min(day(2024, 12, 31)).max(s.from);
        let year = i32::from(Date::from_days(at).year());
        if let Some(cell) = self.value(s, at, year, always) {
            self.row(s, cell, &[], &[], out);
        }
    }

    fn status(&self, s: Subject, always: bool, out: &mut Rows) {
        let outlives = self.spec.what.kind == Kind::RegisterStatus;
        let until = if outlives { NEVER } else { s.until };
        let dates = &self.days.dates;
        let (first, end) = (dates.partition_point(|d| *d < s.from), dates.partition_point(|d| *d < until));
        let mut open: Option<(Cell, usize, usize)> = None;
        let flush = |open: &mut Option<(Cell, usize, usize)>, out: &mut Rows| {
            if let Some((cell, a, b)) = open.take() {
                self.row(s, cell, &self.days.texts[a], &self.days.texts[b], out);
            }
        };
        for (year, a, b) in &self.days.years {
            let (a, b) = ((*a).max(first), (b + 1).min(end));
            if a >= b {
                continue;
            }
            match self.value(s, dates[a], *year, always) {
                Some(cell) => match &mut open {
                    Some((held, _, last)) if *held == cell && *last + 1 == a => *last = b - 1,
                    _ => {
                        flush(&mut open, out);
                        open = Some((cell, a, b - 1));
                    }
                },
                None => flush(&mut open, out),
            }
        }
        flush(&mut open, out);
    }

    fn accumulated(&self, s: Subject, always: bool, out: &mut Rows) {
        for (year, first, last) in &self.days.periods {
            if *last < s.from || *first >= s.until {
                continue;
            }
            if let Some(cell) = self.value(s, *last, *year, always) {
                self.row(s, cell, &date_text(*first), &date_text(*last), out);
            }
        }
    }

    /// One spell: the days of the unit.
    fn event(&self, s: Subject, out: &mut Rows) {
        let (from, last) = (s.from.max(self.days.from), (s.until - 1).min(self.days.until));
        if from <= last
            && let Some(cell) = self.value(s, from, i32::from(Date::from_days(from).year()), true)
        {
            self.spell(s, cell, from, last, out);
        }
    }

    /// Spells of a benefit: when one begins and how long it lasts is the same for all variables of a group.
    fn spells(&self, s: Subject, always: bool, out: &mut Rows) {
        let (who, i) = (&self.spec.who, s.person as usize);
        let Some(mean) = self.spec.what.spell else { return };
        let birth = self.people.person(i).birth;
        let age = |years: i32| birth + (f64::from(years) * 365.25) as i32;
        let (low, high) =
            if always { (self.days.from, self.days.until) } else { (age(who.low), age(who.high + 1) - 1) };
        let (low, high) = (low.max(s.from), high.min(s.until - 1));
        let seed = mix(self.people.seed(who.group), u64::from(s.person));
        let mut from = low + if mean > 10.0 { 0 } else { (unit(mix(seed, 1)) * f64::from((high - low).max(1))) as i32 };
        let most = if mean < 1.5 { 3 } else { 1 };
        for k in 0..most {
            let length = 20 + (exponential(mix(seed, 2 + k)) * mean * 365.25) as i32;
            let last = (from + length).min(high);
            let (a, b) = (from.max(self.days.from), last.min(self.days.until));
            if a <= b {
                let year = i32::from(Date::from_days(a).year());
                let base = super::rule::Who { ever: 1.0, yearly: 1.0, low: 0, high: 130, ..who.clone() };
                if (always || self.people.has(&base, i, year))
                    && let Some(cell) = value(&Asked::new(self.people, self.spec, s, a, year))
                {
                    self.spell(s, cell, a, b, out);
                }
            }
            from = last + 60 + (exponential(mix(seed, 20 + k)) * 1200.0) as i32;
            if from > high {
                break;
            }
        }
    }

    /// Homes of a person: a spell per municipality code.
    fn homes(&self, s: Subject, out: &mut Rows) {
        let p = self.people.person(s.person as usize);
        let (from, end) = (s.from.max(self.days.from), (s.until - 1).min(self.days.until));
        let mut cuts: Vec<i32> = p.homes.iter().map(|h| h.0).filter(|d| from < *d && *d <= end).collect();
        cuts.extend(self.people.places.change_days(from, end));
        cuts.push(from);
        cuts.sort_unstable();
        cuts.dedup();
        let mut open: Option<(Cell, i32)> = None;
        for cut in cuts.into_iter().filter(|_| from <= end) {
            let cell = Cell::Place(self.people.place(s.person as usize, cut));
            match open {
                Some((held, _)) if held == cell => {}
                Some((held, since)) => {
                    self.spell(s, held, since, cut - 1, out);
                    open = Some((cell, cut));
                }
                None => open = Some((cell, cut)),
            }
        }
        if let Some((held, since)) = open {
            self.spell(s, held, since, end, out);
        }
    }

    /// An event; it goes on when it reaches the end of a coverage that reaches our days.
    fn spell(&self, s: Subject, cell: Cell, from: i32, last: i32, out: &mut Rows) {
        let goes_on = last == self.days.until && s.until > last + 1 && self.days.until >= day(2023, 1, 1);
        if goes_on {
            self.row(s, cell, &date_text(from), &[], out);
        } else {
            self.row(s, cell, &date_text(from), &date_text(last), out);
        }
    }

    fn row(&self, s: Subject, cell: Cell, start: &[u8], stop: &[u8], out: &mut Rows) {
        let people = self.people;
        let municipality;
        let numbered;
        let id: &[u8] = match self.spec.unit.as_str() {
            "PERSON" => people.person(s.number as usize).number.as_bytes(),
            "KOMMUNE" => {
                municipality = &people.places.codes[s.extra as usize].code;
                municipality.as_bytes()
            }
            _ => {
                numbered = crate::output::numbered(self.letter, s.number);
                &numbered
            }
        };
        out.open(id);
        match cell {
            Cell::Int(v) => out.int(v),
            Cell::Hundredths(v) => out.hundredths(v),
            Cell::Code(k) => out.text(self.spec.codes.get(k as usize).map_or("", String::as_str).as_bytes()),
            Cell::Place(k) => out.text(people.places.codes[k as usize].code.as_bytes()),
            Cell::Word(k) => out.text(self.spec.what.words.get(k as usize).map_or("", String::as_str).as_bytes()),
            Cell::Person(j) if j != NOBODY => out.text(people.person(j as usize).number.as_bytes()),
            Cell::Person(_) => {}
            Cell::Organisation(n) => out.int(i64::from(n) + 900_000_000),
            Cell::Padded(n, width) => out.padded(n, width.into()),
            Cell::Unit(letter, n) => out.text(&crate::output::numbered(letter, n)),
            Cell::Date(d) => out.text(&date_text(d)),
            Cell::Clock(m) => {
                out.padded(u32::from(m) / 60, 2);
                out.text(b":");
                out.padded(u32::from(m) % 60, 2);
            }
        }
        out.close(start, stop);
    }
}
