//! National identity numbers: reading, checking, the synthetic series, and finding them in text (requirements IDN-nnn).
//!
//! An [`IdentityNumber`] cannot be printed or serialised and its `Debug` shows nothing of it: whoever needs the digits
//! asks for them by name with [`IdentityNumber::reveal`], which only the key role, the login table and the reading of
//! packages do. Nothing is ever derived from a number: no sex, no century, no age (IDN-004).

use std::fmt;

mod scan;

pub use scan::{Hit, column_of_numbers, scan, scan_column_value};

/// A national identity number that passed the checks. Compared as text (IDN-010).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityNumber([u8; 11]);

/// Shows that there is a number, and nothing of it.
impl fmt::Debug for IdentityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityNumber")
    }
}

/// Which rule for the first control digit counts (IDN-001, IDN-002).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Accept {
    /// Remainder 0 only.
    Rule1964,
    /// Remainders 0 to 3.
    Rule2032,
    /// Both in parallel, which accepts what the rule of 2032 does.
    #[default]
    Both,
}

/// Whether numbers of living persons are at stake (IDN-008).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Environment {
    /// Refuses synthetic numbers.
    Production,
    /// Refuses plain F and D numbers.
    Test,
}

/// What kind of number it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// National identity number.
    F,
    /// Temporary number: day + 40.
    D,
    /// Number without birth date: first digit 8 or 9.
    Fh,
}

/// What was added to the month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Nothing: a plain date, or none (FH).
    None,
    /// 40: a local emergency number (H) or a synthetic series.
    Plus40,
    /// 65: a synthetic series, unverified, read only when asked for.
    Plus65,
    /// 80: the synthetic series of the tax administration.
    Plus80,
}

/// The rule that a number fulfils.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Remainder 0.
    Of1964,
    /// Remainders 1 to 3.
    Of2032,
}

/// What can be read off a number without deriving anything about the person (IDN-004).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Kind.
    pub kind: Kind,
    /// Mark of the month.
    pub mark: Mark,
    /// Rule.
    pub rule: Rule,
    /// Day 1-31; none for FH.
    pub day: Option<u8>,
    /// Month 1-12; none for FH.
    pub month: Option<u8>,
}

impl Reading {
    /// The kind as it is written in tables: `F`, `D80`, `F40`, `FH` …
    pub fn code(&self) -> &'static str {
        match (self.kind, self.mark) {
            (Kind::Fh, _) => "FH",
            (Kind::F, Mark::None) => "F",
            (Kind::F, Mark::Plus40) => "F40",
            (Kind::F, Mark::Plus65) => "F65",
            (Kind::F, Mark::Plus80) => "F80",
            (Kind::D, Mark::None) => "D",
            (Kind::D, Mark::Plus40) => "D40",
            (Kind::D, Mark::Plus65) => "D65",
            (Kind::D, Mark::Plus80) => "D80",
        }
    }
}

/// What is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Rule of the control digits.
    pub accept: Accept,
    /// Environment; none checks form, digits and date only.
    pub environment: Option<Environment>,
    /// Whether FH numbers are accepted.
    pub fh: bool,
    /// Whether D numbers are accepted.
    pub d: bool,
    /// Whether month + 65 is read as synthetic (default: not).
    pub plus65: bool,
}

impl Rules {
    /// Every kind, both rules, in this environment.
    pub const fn of(environment: Environment) -> Self {
        Self { accept: Accept::Both, environment: Some(environment), fh: true, d: true, plus65: false }
    }

    /// Every kind, this rule, whatever the environment.
    pub const fn any(accept: Accept) -> Self {
        Self { accept, environment: None, fh: true, d: true, plus65: false }
    }
}

/// Why a text is no acceptable number, in the order of the checks (IDN-007). Says nothing of the content (IDN-009).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberError {
    /// Not exactly 11 ASCII digits.
    #[error("bad_format: 11 digits expected")]
    BadFormat,
    /// Ten digits: a leading zero may have been lost on the way. It is reported, never repaired.
    #[error("bad_format: 10 digits; a leading zero may have been lost")]
    LostLeadingZero,
    /// A control digit is wrong.
    #[error("bad_check_digits")]
    BadCheckDigits,
    /// The date is not in the calendar.
    #[error("bad_date")]
    BadDate,
    /// A right number of a kind that is not accepted here.
    #[error("kind_not_allowed")]
    KindNotAllowed,
    /// A synthetic number in production.
    #[error("synthetic_in_production")]
    SyntheticInProduction,
}

impl NumberError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            NumberError::BadFormat | NumberError::LostLeadingZero => "bad_format",
            NumberError::BadCheckDigits => "bad_check_digits",
            NumberError::BadDate => "bad_date",
            NumberError::KindNotAllowed => "kind_not_allowed",
            NumberError::SyntheticInProduction => "synthetic_in_production",
        }
    }
}

impl IdentityNumber {
    /// The strict parser: exactly 11 ASCII digits (IDN-006).
    ///
    /// # Errors
    /// [`NumberError`], the first that applies.
    pub fn parse(text: &str, rules: &Rules) -> Result<Self, NumberError> {
        let digits: [u8; 11] = text.as_bytes().try_into().map_err(|_| match text.len() {
            10 if text.bytes().all(|b| b.is_ascii_digit()) => NumberError::LostLeadingZero,
            _ => NumberError::BadFormat,
        })?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(NumberError::BadFormat);
        }
        let reading = read(&digits, rules.plus65)?;
        let refused_by_rule = rules.accept == Accept::Rule1964 && reading.rule == Rule::Of2032;
        if refused_by_rule {
            return Err(NumberError::BadCheckDigits);
        }
        if (reading.kind == Kind::Fh && !rules.fh) || (reading.kind == Kind::D && !rules.d) {
            return Err(NumberError::KindNotAllowed);
        }
        let number = Self(digits);
        rules.environment.map_or(Ok(()), |environment| number.belongs_in(environment))?;
        Ok(number)
    }

    /// Whether the number may be used in an environment (IDN-008).
    ///
    /// # Errors
    /// [`NumberError::SyntheticInProduction`], [`NumberError::KindNotAllowed`] for a plain number in a test.
    pub fn belongs_in(&self, environment: Environment) -> Result<(), NumberError> {
        let reading = self.reading();
        match (environment, reading.mark) {
            (Environment::Production, Mark::Plus40 | Mark::Plus65 | Mark::Plus80) => {
                Err(NumberError::SyntheticInProduction)
            }
            (Environment::Test, Mark::None) if reading.kind != Kind::Fh => Err(NumberError::KindNotAllowed),
            _ => Ok(()),
        }
    }

    /// The lenient parser for imports: blanks, hyphens and full stops are stripped (IDN-006).
    ///
    /// # Errors
    /// As [`IdentityNumber::parse`].
    pub fn parse_lenient(text: &str, rules: &Rules) -> Result<Self, NumberError> {
        let stripped: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '-' | '.')).collect();
        Self::parse(&stripped, rules)
    }

    /// The synthetic number (month + 80, rule of 1964) of a day 1-31, month 1-12, two-digit year and individual number
    /// 0-999. None when the date is not in the calendar or a control digit would be 10.
    pub fn synthetic(day: u8, month: u8, year: u8, individual: u16) -> Option<Self> {
        if individual > 999 || year > 99 || !is_date(day, month, year) {
            return None;
        }
        let mut digits = [0u8; 11];
        for (i, pair) in [day, month + 80, year].into_iter().enumerate() {
            digits[2 * i] = pair / 10;
            digits[2 * i + 1] = pair % 10;
        }
        digits[6] = (individual / 100) as u8;
        digits[7] = (individual / 10 % 10) as u8;
        digits[8] = (individual % 10) as u8;
        digits[9] = digit_for(sum(&digits, &FIRST))?;
        digits[10] = digit_for(sum(&digits, &SECOND))?;
        Some(Self(digits.map(|d| d + b'0')))
    }

    /// The eleven digits. For the key role, sealing, and files of registers: never for a log, a page or an error.
    pub fn reveal(&self) -> &str {
        // The constructors take ASCII digits only.
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// What can be read off the number.
    pub fn reading(&self) -> Reading {
        // The constructors checked it, whichever marks they accepted.
        read(&self.0, true).unwrap_or(Reading {
            kind: Kind::F,
            mark: Mark::None,
            rule: Rule::Of1964,
            day: None,
            month: None,
        })
    }
}

const FIRST: [u32; 10] = [3, 7, 6, 1, 8, 9, 4, 5, 2, 0];
const SECOND: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];

/// The weighted sum of the first ten digits (as values 0-9).
fn sum(digits: &[u8; 11], weights: &[u32; 10]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| u32::from(*d) * w).sum()
}

/// The control digit that makes the sum divisible by 11, unless that would be 10.
fn digit_for(sum: u32) -> Option<u8> {
    let digit = (11 - sum % 11) % 11;
    (digit < 10).then_some(digit as u8)
}

/// The rule that the control digits of 11 ASCII digits fulfil.
fn rule(ascii: &[u8; 11]) -> Option<Rule> {
    let digits = ascii.map(|b| b - b'0');
    if !(sum(&digits, &SECOND) + u32::from(digits[10])).is_multiple_of(11) {
        return None;
    }
    match (sum(&digits, &FIRST) + u32::from(digits[9])) % 11 {
        0 => Some(Rule::Of1964),
        1..=3 => Some(Rule::Of2032),
        _ => None,
    }
}

fn read(ascii: &[u8; 11], plus65: bool) -> Result<Reading, NumberError> {
    let rule = rule(ascii).ok_or(NumberError::BadCheckDigits)?;
    if ascii[0] >= b'8' {
        return Ok(Reading { kind: Kind::Fh, mark: Mark::None, rule, day: None, month: None });
    }
    let pair = |i: usize| (ascii[i] - b'0') * 10 + (ascii[i + 1] - b'0');
    let (kind, day) = if pair(0) > 40 { (Kind::D, pair(0) - 40) } else { (Kind::F, pair(0)) };
    let (mark, month) = match pair(2) {
        m @ 81..=92 => (Mark::Plus80, m - 80),
        m @ 66..=77 if plus65 => (Mark::Plus65, m - 65),
        m @ 41..=52 => (Mark::Plus40, m - 40),
        m => (Mark::None, m),
    };
    if is_date(day, month, pair(4)) {
        Ok(Reading { kind, mark, rule, day: Some(day), month: Some(month) })
    } else {
        Err(NumberError::BadDate)
    }
}

/// IDN-003: the century is unknown, so 29 February counts whenever the two-digit year is divisible by 4.
fn is_date(day: u8, month: u8, year: u8) -> bool {
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every row of the vector file: strict parser under each rule, kind, day, month, mark.
    #[test]
    fn vectors_match() {
        let mut rows = 0;
        let file = include_str!("../tests/data/identity-numbers.csv");
        for row in csv::Reader::from_reader(file.as_bytes()).records() {
            let row = row.unwrap();
            for (column, accept) in [(1, Accept::Rule1964), (2, Accept::Rule2032), (2, Accept::Both)] {
                let parsed = IdentityNumber::parse(&row[0], &Rules::any(accept));
                assert_eq!(parsed.is_ok(), &row[column] == "1", "row {rows}, {accept:?}");
                let Ok(number) = parsed else { continue };
                let reading = number.reading();
                assert_eq!(reading.code(), &row[3]);
                assert_eq!(reading.day.map(|d| d.to_string()).unwrap_or_default(), &row[4]);
                assert_eq!(reading.month.map(|m| m.to_string()).unwrap_or_default(), &row[5]);
                let wanted = if &row[1] == "1" { Rule::Of1964 } else { Rule::Of2032 };
                assert_eq!(reading.rule, wanted);
            }
            rows += 1;
        }
        assert_eq!(rows, 48);
    }

    /// IDN-006, IDN-007: which error, for each kind of fault.
    #[test]
    fn errors_come_in_order() {
        let any = Rules::any(Accept::Both);
        let error = |text: &str, rules: &Rules| IdentityNumber::parse(text, rules).unwrap_err();
        assert_eq!(error("1309724802", &any), NumberError::LostLeadingZero);
        assert_eq!(error("1309724802", &any).code(), "bad_format");
        for text in ["", "130972480222", "130972 48022", "１3097248022", "abcdefghijk", "130972480a2"] {
            assert_eq!(error(text, &any), NumberError::BadFormat);
        }
        assert_eq!(error("29020112345", &any), NumberError::BadCheckDigits);
        assert_eq!(error("31829099953", &any), NumberError::BadDate);
        let no_d = Rules { d: false, ..any };
        assert_eq!(error("53097248016", &no_d), NumberError::KindNotAllowed);
        let no_fh = Rules { fh: false, ..any };
        assert_eq!(error("81234567802", &no_fh), NumberError::KindNotAllowed);
        assert!(IdentityNumber::parse_lenient("010190 00000", &any).is_err());
        assert!(IdentityNumber::parse_lenient("109155-96784", &any).is_ok());
        assert_eq!(IdentityNumber::parse_lenient("1309724802", &any).unwrap_err(), NumberError::LostLeadingZero);
    }

    /// IDN-008: production refuses synthetic numbers, test refuses plain ones.
    #[test]
    fn environments_do_not_mix() {
        let (production, test) = (Rules::of(Environment::Production), Rules::of(Environment::Test));
        for synthetic in ["10915596784", "50846202355", "15507600333", "55507608360"] {
            assert_eq!(IdentityNumber::parse(synthetic, &production).unwrap_err(), NumberError::SyntheticInProduction);
            assert!(IdentityNumber::parse(synthetic, &test).is_ok());
        }
        for plain in ["29029648784", "53097248016"] {
            assert!(IdentityNumber::parse(plain, &production).is_ok());
            assert_eq!(IdentityNumber::parse(plain, &test).unwrap_err(), NumberError::KindNotAllowed);
        }
    }

    /// Generator and validator agree for 100 000 numbers with month + 80.
    #[test]
    fn generator_and_validator_agree() {
        let mut made = 0u32;
        let dates = (0..100u8).flat_map(|y| (1..=12u8).map(move |m| (y, m)));
        for ((year, month), individual) in dates.cycle().zip((0..1000u16).cycle().step_by(7)) {
            let day = (made % 28 + 1) as u8;
            let Some(number) = IdentityNumber::synthetic(day, month, year, individual) else { continue };
            let again = IdentityNumber::parse(number.reveal(), &Rules::of(Environment::Test)).unwrap();
            let reading = again.reading();
            assert_eq!((reading.code(), reading.day, reading.month), ("F80", Some(day), Some(month)));
            assert_eq!(reading.rule, Rule::Of1964);
            made += 1;
            if made == 100_000 {
                break;
            }
        }
        assert_eq!(made, 100_000);
        assert!(IdentityNumber::synthetic(31, 2, 90, 1).is_none());
        assert!(IdentityNumber::synthetic(1, 1, 100, 1).is_none());
    }

    /// IDN-009: nothing of a number is in its debug text.
    #[test]
    fn debug_shows_nothing() {
        let number = IdentityNumber::synthetic(1, 1, 32, 990).unwrap();
        assert_eq!(format!("{number:?}"), "IdentityNumber");
    }

    proptest! {
        /// Any single wrong digit and any swap of two unequal neighbours is found under both rules.
        #[test]
        fn slips_are_found(day in 1u8..=28, month in 1u8..=12, year in 0u8..100, individual in 0u16..1000,
                           place in 0usize..11, other in 1u8..10) {
            let Some(number) = IdentityNumber::synthetic(day, month, year, individual) else { return Ok(()) };
            let mut wrong = number.0;
            wrong[place] = (wrong[place] - b'0' + other) % 10 + b'0';
            prop_assert_eq!(rule(&wrong), None);
            if place < 10 && number.0[place] != number.0[place + 1] {
                let mut swapped = number.0;
                swapped.swap(place, place + 1);
                prop_assert_eq!(rule(&swapped), None);
            }
        }

        #[test]
        fn parsers_take_anything(text in "\\PC*") {
            let _ = IdentityNumber::parse(&text, &Rules::any(Accept::Both));
            let _ = IdentityNumber::parse_lenient(&text, &Rules::any(Accept::Both));
        }
    }
}
