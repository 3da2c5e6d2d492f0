//! How fine a value may be delivered: the levels of the form and those that a permit's condition may set (section 2).
//! Pure. A level that does not fit a value is an error, never a value passed on as it is.

use std::fmt;
use std::str::FromStr;

use kernel::Date;
use kernel::criteria::is_hierarchical;

/// A level of granularity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Granularity {
    /// As the source has it.
    AsIs,
    /// The day.
    Day,
    /// The Monday of the week.
    Week,
    /// The first day of the month; of a number `YYYYMM` or `YYYYMMDD`, `YYYYMM`.
    Month,
    /// The first day of the quarter; of a number, `YYYYMM` of its first month.
    Quarter,
    /// The year, as a number.
    Year,
    /// A band of five, e.g. `40-44`; of a date, five years.
    Band5,
    /// A band of ten.
    Band10,
    /// The coarser list: the three-character group of ICD-10, ATC and their like, the county of a municipality.
    Grouped,
    /// The municipality (first four digits).
    Municipality,
    /// The county (first two digits).
    County,
    /// The first characters of a code.
    CodePrefix(u8),
    /// At most this value.
    Top(f64),
    /// At least this value.
    Bottom(f64),
    /// Rounded to a multiple.
    Round(f64),
}

/// A value of a column, before or after.
#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    /// Whole number.
    Int(i64),
    /// Decimal number.
    Float(f64),
    /// Text or code.
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CellKind {
    /// Whole numbers.
    Int,
    /// Decimal numbers.
    Float,
    /// Texts and codes.
    Text,
    /// Dates.
    Date,
}

/// A text that is no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a level of granularity")]
pub struct UnknownLevel;

/// A level that does not fit the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the level of granularity does not fit the variable")]
pub struct DoesNotFit;

impl FromStr for Granularity {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let number = |t: &str| t.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or(UnknownLevel);
        Ok(match text {
            "as_is" => Granularity::AsIs,
            "day" => Granularity::Day,
            "week" => Granularity::Week,
            "month" => Granularity::Month,
            "quarter" => Granularity::Quarter,
            "year" => Granularity::Year,
            "5_year_band" => Granularity::Band5,
            "10_year_band" => Granularity::Band10,
            "grouped" => Granularity::Grouped,
            "municipality" => Granularity::Municipality,
            "county" => Granularity::County,
            other => match other.split_once(':') {
                Some(("code_prefix", n)) => {
                    Granularity::CodePrefix(n.parse().ok().filter(|n| *n > 0).ok_or(UnknownLevel)?)
                }
                Some(("top", x)) => Granularity::Top(number(x)?),
                Some(("bottom", x)) => Granularity::Bottom(number(x)?),
                Some(("round", x)) => Granularity::Round(number(x).ok().filter(|x| *x > 0.0).ok_or(UnknownLevel)?),
                _ => return Err(UnknownLevel),
            },
        })
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Granularity::AsIs => f.write_str("as_is"),
            Granularity::Day => f.write_str("day"),
            Granularity::Week => f.write_str("week"),
            Granularity::Month => f.write_str("month"),
            Granularity::Quarter => f.write_str("quarter"),
            Granularity::Year => f.write_str("year"),
            Granularity::Band5 => f.write_str("5_year_band"),
            Granularity::Band10 => f.write_str("10_year_band"),
            Granularity::Grouped => f.write_str("grouped"),
            Granularity::Municipality => f.write_str("municipality"),
            Granularity::County => f.write_str("county"),
            Granularity::CodePrefix(n) => write!(f, "code_prefix:{n}"),
            Granularity::Top(x) => write!(f, "top:{x}"),
            Granularity::Bottom(x) => write!(f, "bottom:{x}"),
            Granularity::Round(x) => write!(f, "round:{x}"),
        }
    }
}

impl Granularity {
    /// Place on the ladder of time, finest first; none for levels that are not on it.
    const fn time_rank(self) -> Option<u8> {
        Some(match self {
            Granularity::AsIs | Granularity::Day => 0,
            Granularity::Week => 1,
            Granularity::Month => 2,
            Granularity::Quarter => 3,
            Granularity::Year => 4,
            Granularity::Band5 => 5,
            Granularity::Band10 => 6,
            _ => return None,
        })
    }

    /// Whether it is a level of time that also applies to the dates of a row.
    pub const fn is_time(self) -> bool {
        matches!(self, Granularity::Week | Granularity::Month | Granularity::Quarter | Granularity::Year)
    }

    /// The coarser of two levels; none when they cannot be compared.
    pub fn coarser(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Granularity::AsIs, b) => Some(b),
            (a, Granularity::AsIs) => Some(a),
            (a, b) => match (a.time_rank(), b.time_rank()) {
                (Some(x), Some(y)) => Some(if x >= y { a } else { b }),
                _ => None,
            },
        }
    }

    /// The type of a column after the level; none when the level does not fit the type.
    pub const fn output(self, input: CellKind) -> Option<CellKind> {
        use CellKind as K;
        use Granularity as G;
        Some(match (self, input) {
            (G::AsIs, kind) => kind,
            (G::Day | G::Week | G::Month | G::Quarter, K::Date) => K::Date,
            (G::Year, K::Date | K::Int) => K::Int,
            (G::Day | G::Month | G::Quarter, K::Int) => K::Int,
            (G::Band5 | G::Band10, K::Date | K::Int | K::Float) => K::Text,
            (G::Grouped | G::Municipality | G::County | G::CodePrefix(_), K::Text) => K::Text,
            (G::Top(_) | G::Bottom(_) | G::Round(_), K::Int | K::Float) => input,
            _ => return None,
        })
    }

    /// The value at this level.
    ///
    /// # Errors
    /// [`DoesNotFit`].
    pub fn apply(self, cell: Cell) -> Result<Cell, DoesNotFit> {
        use Granularity as G;
        Ok(match (self, cell) {
            (G::AsIs, cell) | (G::Day, cell @ (Cell::Date(_) | Cell::Int(_))) => cell,
            // 1970-01-01 was a Thursday.
            (G::Week, Cell::Date(d)) => Cell::Date(d - (d + 3).rem_euclid(7)),
            (G::Month, Cell::Date(d)) => Cell::Date(first_day(d, 1)?),
            (G::Quarter, Cell::Date(d)) => Cell::Date(first_day(d, 3)?),
            (G::Year, Cell::Date(d)) => Cell::Int(i64::from(Date::from_days(d).year())),
            (G::Year, Cell::Int(n)) => Cell::Int(match n {
                1000..=9999 => n,
                100_001..=999_912 => n / 100,
                10_000_101..=99_991_231 => n / 10_000,
                _ => return Err(DoesNotFit),
            }),
            (G::Month, Cell::Int(n)) => Cell::Int(year_month(n)?),
            (G::Quarter, Cell::Int(n)) => {
                let month = year_month(n)?;
                Cell::Int(month / 100 * 100 + (month % 100 - 1) / 3 * 3 + 1)
            }
            (G::Band5 | G::Band10, Cell::Date(d)) => Cell::Text(self.band(i64::from(Date::from_days(d).year()))),
            (G::Band5 | G::Band10, Cell::Int(n)) => Cell::Text(self.band(n)),
            (G::Band5 | G::Band10, Cell::Float(x)) if x.abs() < 1e15 => Cell::Text(self.band(x.floor() as i64)),
            (G::Grouped, Cell::Text(code)) => Cell::Text(group(&code).ok_or(DoesNotFit)?.to_owned()),
            (G::Municipality, Cell::Text(code)) => Cell::Text(digits(&code, 4)?.to_owned()),
            (G::County, Cell::Text(code)) => Cell::Text(digits(&code, 2)?.to_owned()),
            (G::CodePrefix(n), Cell::Text(code)) => Cell::Text(code.chars().take(usize::from(n)).collect()),
            (G::Top(x), Cell::Int(n)) => Cell::Int((n as f64).min(x) as i64),
            (G::Top(x), Cell::Float(n)) => Cell::Float(n.min(x)),
            (G::Bottom(x), Cell::Int(n)) => Cell::Int((n as f64).max(x) as i64),
            (G::Bottom(x), Cell::Float(n)) => Cell::Float(n.max(x)),
            (G::Round(x), Cell::Int(n)) => Cell::Int(((n as f64 / x).round() * x) as i64),
            (G::Round(x), Cell::Float(n)) => Cell::Float((n / x).round() * x),
            _ => return Err(DoesNotFit),
        })
    }

    fn band(self, n: i64) -> String {
        let width = if self == Granularity::Band5 { 5 } else { 10 };
        let low = n.div_euclid(width) * width;
        format!("{low}-{}", low + width - 1)
    }
}

/// The first day of the month, or of the group of `months` months, in which `day` lies.
fn first_day(day: i32, months: i8) -> Result<i32, DoesNotFit> {
    let (year, month, _) = Date::from_days(day).ymd();
    Date::new(year, (month - 1) / months * months + 1, 1).map(Date::days).map_err(|_| DoesNotFit)
}

/// `YYYYMM` of a number `YYYYMM` or `YYYYMMDD`.
fn year_month(n: i64) -> Result<i64, DoesNotFit> {
    let month = match n {
        100_001..=999_912 => n,
        10_000_101..=99_991_231 => n / 100,
        _ => return Err(DoesNotFit),
    };
    if (1..=12).contains(&(month % 100)) { Ok(month) } else { Err(DoesNotFit) }
}

fn group(code: &str) -> Option<&str> {
    if is_hierarchical(code) {
        code.get(..3)
    } else if code.len() == 4 && code.bytes().all(|c| c.is_ascii_digit()) {
        code.get(..2)
    } else {
        None
    }
}

fn digits(code: &str, n: usize) -> Result<&str, DoesNotFit> {
    let good = code.len() >= 4 && code.bytes().all(|c| c.is_ascii_digit());
    if good { code.get(..n).ok_or(DoesNotFit) } else { Err(DoesNotFit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> Cell {
        Cell::Date(text.parse::<Date>().unwrap().days())
    }

    #[test]
    fn levels_of_the_form() {
        let at = |level: &str, cell: Cell| level.parse::<Granularity>().unwrap().apply(cell);
        assert_eq!(at("month", date("2024-05-17")), Ok(date("2024-05-01")));
        assert_eq!(at("quarter", date("2024-05-17")), Ok(date("2024-04-01")));
        assert_eq!(at("year", date("2024-05-17")), Ok(Cell::Int(2024)));
        assert_eq!(at("week", date("2024-05-17")), Ok(date("2024-05-13")));
        assert_eq!(at("5_year_band", Cell::Int(43)), Ok(Cell::Text("40-44".into())));
        assert_eq!(at("10_year_band", date("1987-01-01")), Ok(Cell::Text("1980-1989".into())));
        assert_eq!(at("year", Cell::Int(198_703)), Ok(Cell::Int(1987)));
        assert_eq!(at("month", Cell::Int(19_870_312)), Ok(Cell::Int(198_703)));
        assert_eq!(at("quarter", Cell::Int(202_405)), Ok(Cell::Int(202_404)));
        assert_eq!(at("grouped", Cell::Text("I63.9".into())), Ok(Cell::Text("I63".into())));
        assert_eq!(at("grouped", Cell::Text("0301".into())), Ok(Cell::Text("03".into())));
        assert_eq!(at("code_prefix:1", Cell::Text("N06AB".into())), Ok(Cell::Text("N".into())));
        assert_eq!(at("top:90", Cell::Int(97)), Ok(Cell::Int(90)));
        assert_eq!(at("round:1000", Cell::Int(1499)), Ok(Cell::Int(1000)));
    }

    #[test]
    fn a_level_that_does_not_fit_gives_nothing() {
        for (level, cell) in [
            (Granularity::Month, Cell::Text("2024-05-17".into())),
            (Granularity::Year, Cell::Int(7)),
            (Granularity::Grouped, Cell::Text("free text".into())),
            (Granularity::County, Cell::Text("Oslo".into())),
            (Granularity::Round(10.0), date("2024-05-17")),
        ] {
            assert_eq!(level.apply(cell), Err(DoesNotFit));
        }
        assert!("hour".parse::<Granularity>().is_err());
        assert!("round:0".parse::<Granularity>().is_err());
    }

    #[test]
    fn conditions_take_the_coarser_level() {
        use Granularity::{AsIs, Band5, County, Month, Year};
        assert_eq!(Month.coarser(Year), Some(Year));
        assert_eq!(Year.coarser(AsIs), Some(Year));
        assert_eq!(Band5.coarser(Month), Some(Band5));
        assert_eq!(County.coarser(Year), None);
    }

    proptest! {
        #[test]
        fn the_value_set_of_a_level_is_that_of_the_level(days in -20_000i32..40_000) {
            let month = Granularity::Month.apply(Cell::Date(days)).unwrap();
            let Cell::Date(m) = month.clone() else { panic!() };
            prop_assert_eq!(Date::from_days(m).ymd().2, 1);
            prop_assert!((0..31).contains(&(days - m)));
            // Applying a level twice is applying it once.
            prop_assert_eq!(Granularity::Month.apply(month.clone()).unwrap(), month);
            let Cell::Date(w) = Granularity::Week.apply(Cell::Date(days)).unwrap() else { panic!() };
            prop_assert!((0..7).contains(&(days - w)));
        }

        #[test]
        fn the_text_form_round_trips(n in 1u8..9, x in 1i32..5000) {
            for level in [Granularity::CodePrefix(n), Granularity::Top(f64::from(x)), Granularity::Round(f64::from(x))] {
                prop_assert_eq!(level.to_string().parse::<Granularity>().unwrap(), level);
            }
        }
    }
}
