//! The value of a variable for a unit on a day: kinds that are drawn by their parameters alone. What follows from the
//! population stands in `derived`.

use super::derived::derived;
use super::draw::{below, exponential, mix, normal, ranked, unit};
use super::list::Spec;
use super::people::People;
use super::rule::{Kind, What};
use super::units::Subject;
use crate::world::NOBODY;

/// A value, without its text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Cell {
    Int(i64),
    Hundredths(i64),
    /// Place in the code list of the variable.
    Code(u16),
    /// Place in the list of municipality codes.
    Place(u16),
    /// Place in the words of the rule.
    Word(u16),
    Person(u32),
    /// Number of an enterprise or establishment.
    Organisation(u32),
    /// Digits with leading zeros, and how many.
    Padded(u32, u8),
    /// Number of a unit with the letter of its register.
    Unit(u8, u32),
    Date(i32),
    /// Minute of the day.
    Clock(u16),
}

/// Where and when a value is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub people: &'a People<'a>,
    pub spec: &'a Spec,
    pub subject: Subject,
    pub at: i32,
    pub year: i32,
    /// Seed of the variable and the unit: what it draws stays through life.
    pub steady: u64,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(people: &'a People<'a>, spec: &'a Spec, subject: Subject, at: i32, year: i32) -> Self {
        let steady = mix(people.seed(spec.seed), u64::from(subject.number));
        Self { people, spec, subject, at, year, steady }
    }

    /// The person behind the unit.
    pub(crate) fn i(&self) -> Option<usize> {
        (self.subject.person != NOBODY).then_some(self.subject.person as usize)
    }

    /// A draw that changes every year for amounts over a year, seldom for what is measured on days.
    pub(crate) fn phase(&self) -> u64 {
        let every = if self.spec.temporality == 'A' { 1 } else { 7 };
        mix(self.steady, ((self.year as u64) + self.steady % every) / every)
    }

    /// The code of this text.
    pub(crate) fn code(&self, text: &str) -> Option<Cell> {
        self.spec.codes.iter().position(|c| c == text).map(|k| Cell::Code(k as u16))
    }

    /// The code of a whole number, or the number where there is no list.
    pub(crate) fn numbered(&self, number: i64) -> Option<Cell> {
        if self.spec.codes.is_empty() { Some(Cell::Int(number)) } else { self.code(&number.to_string()) }
    }

    /// A number in the type of the variable.
    pub(crate) fn amount(&self, value: f64) -> Cell {
        if self.spec.data_type == "DOUBLE" {
            Cell::Hundredths((value * 100.0).round() as i64)
        } else {
            Cell::Int(value.round() as i64)
        }
    }
}

/// The value; none where the unit has none.
pub(crate) fn value(asked: &Asked<'_>) -> Option<Cell> {
    let what = &asked.spec.what;
    match what.kind {
        Kind::Always => match asked.code(what.words.first()?) {
            Some(code) => Some(code),
            None if asked.spec.data_type == "DOUBLE" => Some(Cell::Hundredths(100)),
            None => Some(Cell::Word(0)),
        },
        Kind::Words => Some(Cell::Word(ranked(asked.phase(), what.words.len()) as u16)),
        Kind::Codes => Some(Cell::Code(ranked(asked.phase(), asked.spec.codes.len()) as u16)),
        Kind::Flag => {
            let yes = unit(asked.phase()) < what.number(0, 0.5);
            asked.numbered(i64::from(yes))
        }
        Kind::Number => Some(number(asked, what, asked.steady, asked.phase())),
        Kind::Degree => {
            let d = [100, 100, 100, 80, 60, 50, 50, 40, 30, 20][below(asked.phase(), 10)];
            Some(Cell::Int(d))
        }
        Kind::Amount => {
            let deviation = what.number(1, 0.7);
            let drawn = 0.8 * normal(asked.steady) + 0.6 * normal(asked.phase());
            let growth = 1.03f64.powi(asked.year - 2020);
            Some(asked.amount((what.number(0, 1000.0) * growth * (deviation * drawn).exp()).max(1.0)))
        }
        Kind::BySize => {
            // Costs of a municipality: by its size, which its number draws, and by the purpose.
            let size = (1.2 * normal(mix(asked.people.seed(1), u64::from(asked.subject.extra)))).exp() * 9_000.0;
            let purpose = (1.1 * normal(asked.people.seed(asked.spec.seed))).exp() * 0.9;
            let noise = (0.15 * normal(asked.phase())).exp();
            Some(asked.amount(size * purpose * noise * 1.03f64.powi(asked.year - 2020)))
        }
        Kind::DateInYear => {
            let (month, day) = (1 + below(asked.phase(), 12), 1 + below(mix(asked.phase(), 1), 28));
            Some(Cell::Int(i64::from(asked.year) * 10_000 + month as i64 * 100 + day as i64))
        }
        Kind::MonthInYear => Some(Cell::Int(i64::from(asked.year) * 100 + 1 + below(asked.phase(), 12) as i64)),
        Kind::SchoolYear => Some(Cell::Int(i64::from(asked.year) * 10_000 + i64::from(asked.year) + 1)),
        Kind::Clock => Some(Cell::Clock((360.0 + 180.0 * exponential(asked.steady)).min(1439.0) as u16)),
        Kind::Serial => Some(Cell::Int(asked.subject.number.into())),
        Kind::HospitalStay => Some(Cell::Unit(b'H', asked.subject.number)),
        Kind::Register => None,
        _ => derived(asked),
    }
}

/// A number by mean, deviation and bounds.
pub(crate) fn number(asked: &Asked<'_>, what: &What, steady: u64, phase: u64) -> Cell {
    let drawn = what.number(0, 1.0) + what.number(1, 0.3) * (0.85 * normal(steady) + 0.53 * normal(phase));
    asked.amount(drawn.clamp(what.number(2, f64::MIN), what.number(3, f64::MAX)))
}
