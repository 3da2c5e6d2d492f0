//! The meaning of operators and row functions on single values: missing in, missing out, save where the
//! specification says otherwise (language.md sections 3, 4, 9). The checker computes constants with it; the engine's
//! column kernels must agree with it. What it is not: `quantile()`, which needs more than a row.

use kernel::Date;

use crate::functions::{Function, FunctionGroup};
use crate::program::{BinaryOperator, Name, UnaryOperator};

mod distributions;
mod numbers;
mod text;

/// A value in a row.
#[derive(Clone, PartialEq, Debug)]
pub enum Scalar {
    /// Missing, of any type.
    Missing,
    /// Integer, also a date and a truth value.
    Integer(i64),
    /// Decimal; always finite.
    Decimal(f64),
    /// Text.
    Text(Name),
}

use Scalar::{Decimal, Integer, Missing, Text};

impl Scalar {
    /// A decimal, or missing when it is not finite.
    pub fn decimal(x: f64) -> Scalar {
        // Zero has one sign: -0 would show as "-0".
        if x.is_finite() { Decimal(if x == 0.0 { 0.0 } else { x }) } else { Missing }
    }

    /// A whole number: an integer when it fits 64 bits, else a decimal (LANG-030).
    pub fn whole(x: f64) -> Scalar {
        // 2^63: the first number that does not fit.
        const END: f64 = (1u64 << 63) as f64;
        if (-END..END).contains(&x) { Integer(x as i64) } else { Self::decimal(x) }
    }

    /// A truth value.
    pub fn truth(value: bool) -> Scalar {
        Integer(i64::from(value))
    }

    /// A text.
    pub fn text(value: &str) -> Scalar {
        Text(value.into())
    }

    /// The number; none for missing and text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Integer(n) => Some(*n as f64),
            Decimal(x) => Some(*x),
            Missing | Text(_) => None,
        }
    }

    /// The number without its fraction, when it fits.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Integer(n) => Some(*n),
            Decimal(x) => match Scalar::whole(x.trunc()) {
                Integer(n) => Some(n),
                _ => None,
            },
            Missing | Text(_) => None,
        }
    }

    /// The text; none for missing and numbers.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Text(s) => Some(s),
            _ => None,
        }
    }

    /// True, false or missing: any number but zero is true (LANG-034).
    pub fn is_true(&self) -> Option<bool> {
        self.number().map(|x| x != 0.0)
    }
}

/// `-x` and `!x`.
pub fn unary(operator: UnaryOperator, x: &Scalar) -> Scalar {
    match (operator, x) {
        (UnaryOperator::Negate, Integer(n)) => n.checked_neg().map_or(Decimal(-(*n as f64)), Integer),
        (UnaryOperator::Negate, Decimal(x)) => Scalar::decimal(-x),
        (UnaryOperator::Not, x) => x.is_true().map_or(Missing, |t| Scalar::truth(!t)),
        _ => Missing,
    }
}

/// An operator with two operands. `++` is for constants and gives missing here.
pub fn binary(operator: BinaryOperator, a: &Scalar, b: &Scalar) -> Scalar {
    use BinaryOperator as Op;
    match operator {
        Op::And => match (a.is_true(), b.is_true()) {
            (Some(false), _) | (_, Some(false)) => Integer(0),
            (Some(true), Some(true)) => Integer(1),
            _ => Missing,
        },
        Op::Or => match (a.is_true(), b.is_true()) {
            (Some(true), _) | (_, Some(true)) => Integer(1),
            (Some(false), Some(false)) => Integer(0),
            _ => Missing,
        },
        Op::Equal | Op::NotEqual | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let Some(order) = compare(a, b) else { return Missing };
            Scalar::truth(match operator {
                Op::Equal => order.is_eq(),
                Op::NotEqual => order.is_ne(),
                Op::Less => order.is_lt(),
                Op::LessOrEqual => order.is_le(),
                Op::Greater => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        Op::Concat => Missing,
        Op::Add => arithmetic(a, b, i64::checked_add, |x, y| x + y),
        Op::Subtract => arithmetic(a, b, i64::checked_sub, |x, y| x - y),
        Op::Multiply => arithmetic(a, b, i64::checked_mul, |x, y| x * y),
        Op::Divide => match (a.number(), b.number()) {
            (Some(x), Some(y)) if y != 0.0 => Scalar::decimal(x / y),
            _ => Missing,
        },
        Op::Power => match (a.number(), b.number()) {
            (Some(x), Some(y)) => Scalar::decimal(x.powf(y)),
            _ => Missing,
        },
    }
}

/// The order of two values of one kind; none when one is missing or the kinds differ.
pub fn compare(a: &Scalar, b: &Scalar) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Integer(x), Integer(y)) => Some(x.cmp(y)),
        (Text(x), Text(y)) => Some(x.as_ref().cmp(y.as_ref())),
        _ => a.number()?.partial_cmp(&b.number()?),
    }
}

fn arithmetic(a: &Scalar, b: &Scalar, whole: fn(i64, i64) -> Option<i64>, real: fn(f64, f64) -> f64) -> Scalar {
    match (a, b) {
        (Integer(x), Integer(y)) => whole(*x, *y).map_or_else(|| Scalar::decimal(real(*x as f64, *y as f64)), Integer),
        _ => match (a.number(), b.number()) {
            (Some(x), Some(y)) => Scalar::decimal(real(x, y)),
            _ => Missing,
        },
    }
}

/// A function on the values of a row. None when the function is not one of a row: `quantile()`,
/// label functions (which the checker resolves) and the functions on bindings.
pub fn call(function: Function, arguments: &[Scalar]) -> Option<Scalar> {
    let spec = function.spec();
    if arguments.len() < spec.least || spec.most.is_some_and(|most| arguments.len() > most) {
        return None;
    }
    match spec.group {
        FunctionGroup::Row => Some(numbers::across(function, arguments)),
        FunctionGroup::Logic if function == Function::SysMiss => {
            Some(Scalar::truth(arguments.first() == Some(&Missing)))
        }
        FunctionGroup::Logic if matches!(function, Function::InList | Function::InRange) => {
            Some(if arguments.contains(&Missing) { Missing } else { membership(function, arguments) })
        }
        FunctionGroup::Logic => None,
        FunctionGroup::Bindings if function != Function::DateFmt => None,
        FunctionGroup::Mathematics if function == Function::Quantile => None,
        _ if arguments.contains(&Missing) => Some(Missing),
        FunctionGroup::Dates | FunctionGroup::Bindings => Some(calendar(function, arguments).unwrap_or(Missing)),
        FunctionGroup::Probability => Some(distributions::probability(function, arguments).unwrap_or(Missing)),
        FunctionGroup::Mathematics => Some(numbers::mathematics(function, arguments).unwrap_or(Missing)),
        FunctionGroup::Text => Some(text::text(function, arguments).unwrap_or(Missing)),
    }
}

fn membership(function: Function, arguments: &[Scalar]) -> Scalar {
    let (Some(x), rest) = (arguments.first(), arguments.get(1..).unwrap_or(&[])) else { return Missing };
    let order: Vec<_> = rest.iter().map(|a| compare(x, a)).collect();
    match (function, order.as_slice()) {
        (Function::InRange, [Some(low), Some(high)]) => Scalar::truth(low.is_ge() && high.is_le()),
        (Function::InRange, _) => Missing,
        _ => Scalar::truth(order.iter().any(|o| o.is_some_and(|o| o.is_eq()))),
    }
}

/// The calendar date of a day number, years 1 to 9999.
fn date_of(days: i64) -> Option<Date> {
    // 0001-01-01 and 9999-12-31.
    (-719_162..=2_932_896).contains(&days).then(|| Date::from_days(days as i32))
}

fn calendar(function: Function, arguments: &[Scalar]) -> Option<Scalar> {
    let argument = |i: usize| arguments.get(i).and_then(Scalar::integer);
    if matches!(function, Function::Date | Function::DateFmt) {
        let part = |i: usize| if i < arguments.len() { argument(i) } else { Some(1) };
        let (y, m, d) = (part(0)?, part(1)?, part(2)?);
        let date = Date::new(i16::try_from(y).ok()?, i8::try_from(m).ok()?, i8::try_from(d).ok()?).ok()?;
        let date = date_of(i64::from(date.days()))?;
        return Some(match function {
            Function::Date => Integer(i64::from(date.days())),
            _ => Scalar::text(&date.to_string()),
        });
    }
    let date = date_of(argument(0)?)?;
    let (year, month, day) = date.ymd();
    let in_year = |y: i16| i64::from(date.days()) - first_of_year(y) + 1;
    let weekday = (i64::from(date.days()) + 3).rem_euclid(7) + 1;
    Some(match function {
        Function::IsoFormatDate => Scalar::text(&date.to_string()),
        Function::Day => Integer(i64::from(day)),
        Function::Month => Integer(i64::from(month)),
        Function::Year => Integer(i64::from(year)),
        Function::HalfYear => Integer(if month <= 6 { 1 } else { 2 }),
        Function::Quarter => Integer((i64::from(month) + 2) / 3),
        Function::Dow => Integer(weekday),
        Function::Doy => Integer(in_year(year)),
        Function::Week => {
            let week = (in_year(year) - weekday + 10) / 7;
            Integer(match week {
                0 => weeks_of_year(year - 1),
                n if n > weeks_of_year(year) => 1,
                n => n,
            })
        }
        _ => return None,
    })
}

/// Day number of 1 January.
fn first_of_year(year: i16) -> i64 {
    // Leap days before the year, counted from year 0; 719 528 days lie between 0000-01-01 and 1970-01-01.
    let before = i64::from(year) - 1;
    i64::from(year) * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) + 1 - 719_528
}

/// ISO 8601: a year has 53 weeks when it starts on a Thursday, or on a Wednesday and is a leap year.
fn weeks_of_year(year: i16) -> i64 {
    let weekday = (first_of_year(year) + 3).rem_euclid(7) + 1;
    let leap = first_of_year(year + 1) - first_of_year(year) == 366;
    if weekday == 4 || (weekday == 3 && leap) { 53 } else { 52 }
}

#[cfg(test)]
mod tests;
