//! The reference interpreter's functions, written from language.md section 9 without regard to speed and without a look
//! at the product's own: missing in any argument gives missing, save in the row functions (LANG-230).

use std::sync::Arc;

use kernel::Date;
use script::Function;

use crate::vector::Value;

pub(crate) fn call(function: Function, args: &[Value]) -> Value {
    if let Some(value) = row(function, args) {
        return value;
    }
    if args.iter().any(|a| matches!(a, Value::Missing)) {
        return Value::Missing;
    }
    dates(function, args)
        .or_else(|| mathematics(function, args))
        .or_else(|| text(function, args))
        .or_else(|| logic(function, args))
        .unwrap_or(Value::Missing)
}

fn number(args: &[Value], i: usize) -> Option<f64> {
    args.get(i).and_then(Value::as_f64)
}

fn string(args: &[Value], i: usize) -> Option<&str> {
    match args.get(i) {
        Some(Value::Text(t)) => Some(t),
        _ => None,
    }
}

fn integer(n: impl Into<i64>) -> Value {
    Value::Integer(n.into())
}

/// Finite, or missing.
pub(super) fn decimal(x: f64) -> Value {
    if x.is_finite() { Value::Decimal(x) } else { Value::Missing }
}

/// A whole number, or decimal beyond 64 bits (LANG-030).
fn whole(x: f64) -> Value {
    if x.abs() < 9.2e18 { Value::Integer(x as i64) } else { decimal(x) }
}

/// Days, after truncating a fraction; none outside the years 1 to 9999.
fn day(args: &[Value], i: usize) -> Option<Date> {
    let days = number(args, i)?.trunc();
    (-719_162.0..=2_932_896.0).contains(&days).then(|| Date::from_days(days as i32))
}

fn dates(function: Function, args: &[Value]) -> Option<Value> {
    use Function as F;
    if matches!(function, F::Date | F::DateFmt) {
        return Some(built_date(function, args).unwrap_or(Value::Missing));
    }
    if !matches!(
        function,
        F::IsoFormatDate | F::Day | F::Month | F::Week | F::Year | F::HalfYear | F::Quarter | F::Dow | F::Doy
    ) {
        return None;
    }
    let Some(date) = day(args, 0) else { return Some(Value::Missing) };
    let (y, m, d) = date.ymd();
    let weekday = (date.days() + 3).rem_euclid(7) + 1;
    let first = Date::new(y, 1, 1).map_or(0, Date::days);
    Some(match function {
        F::IsoFormatDate => Value::Text(date.to_string().into()),
        F::Day => integer(d),
        F::Month => integer(m),
        F::Year => integer(y),
        F::HalfYear => integer((m - 1) / 6 + 1),
        F::Quarter => integer((m - 1) / 3 + 1),
        F::Dow => integer(weekday),
        F::Doy => integer(date.days() - first + 1),
        _ => integer(iso_week(date, weekday)),
    })
}

/// ISO 8601: the week of the year that its Thursday lies in.
fn iso_week(date: Date, weekday: i32) -> i32 {
    let thursday = date.plus_days(4 - weekday);
    let first = Date::new(thursday.year(), 1, 1).map_or(0, Date::days);
    (thursday.days() - first) / 7 + 1
}

fn built_date(function: Function, args: &[Value]) -> Option<Value> {
    let part = |i: usize, default: f64| match args.get(i) {
        None => Some(default),
        Some(_) => number(args, i).map(f64::trunc),
    };
    let (y, m, d) = (part(0, 1.0)?, part(1, 1.0)?, part(2, 1.0)?);
    let inside = (1.0..=9999.0).contains(&y) && (1.0..=12.0).contains(&m) && (1.0..=31.0).contains(&d);
    let date = inside.then(|| Date::new(y as i16, m as i8, d as i8).ok()).flatten()?;
    Some(match function {
        Function::Date => integer(date.days()),
        _ => Value::Text(date.to_string().into()),
    })
}

fn mathematics(function: Function, args: &[Value]) -> Option<Value> {
    use Function as F;
    if function == F::Pi {
        return Some(Value::Decimal(std::f64::consts::PI));
    }
    let x = number(args, 0)?;
    Some(match function {
        F::Acos => decimal(x.acos()),
        F::Asin => decimal(x.asin()),
        F::Atan => decimal(x.atan()),
        F::Cos => decimal(x.cos()),
        F::Sin => decimal(x.sin()),
        F::Tan => decimal(x.tan()),
        F::Comb => combinations(x, number(args, 1)?),
        F::Sqrt => decimal(x.sqrt()),
        F::Exp => decimal(x.exp()),
        F::Ln => decimal(x.ln()),
        F::Log10 => decimal(x.log10()),
        F::LnFactorial => {
            if x >= 0.0 && x.fract() == 0.0 && x <= 1e7 {
                decimal((2..=x as u64).map(|k| (k as f64).ln()).sum())
            } else {
                Value::Missing
            }
        }
        F::Logit => decimal((x / (1.0 - x)).ln()),
        F::Abs => match &args[0] {
            Value::Integer(n) => n.checked_abs().map_or_else(|| decimal(x.abs()), Value::Integer),
            _ => decimal(x.abs()),
        },
        F::Ceil => whole(if x < 0.0 { x.floor() } else { x.ceil() }),
        F::Floor | F::Int => match &args[0] {
            Value::Integer(n) => Value::Integer(*n),
            _ => whole(x.trunc()),
        },
        F::Round => rounded(args, x),
        _ => return None,
    })
}

fn combinations(n: f64, k: f64) -> Value {
    if n.fract() != 0.0 || k.fract() != 0.0 || k < 0.0 || k > n || n > 1e6 {
        return Value::Missing;
    }
    let k = k.min(n - k) as u64;
    decimal((1..=k).fold(1.0, |c, i| c * (n - k as f64 + i as f64) / i as f64).round())
}

/// To the nearest multiple, halves away from zero, cleaned to 15 significant digits (LANG-234).
fn rounded(args: &[Value], x: f64) -> Value {
    let unit = match args.get(1) {
        None => 1.0,
        Some(u) => match u.as_f64() {
            Some(u) if u > 0.0 => u,
            _ => return Value::Missing,
        },
    };
    let exact = (x / unit).round() * unit;
    let cleaned: f64 = format!("{exact:.14e}").parse().unwrap_or(exact);
    let whole_numbers = args.iter().all(|a| matches!(a, Value::Integer(_)));
    if whole_numbers { whole(cleaned) } else { decimal(cleaned) }
}

fn row(function: Function, args: &[Value]) -> Option<Value> {
    use Function as F;
    let present = || args.iter().filter(|a| !matches!(a, Value::Missing));
    let numbers = || -> Vec<f64> { present().filter_map(Value::as_f64).collect() };
    let all_whole = || present().all(|a| matches!(a, Value::Integer(_)));
    let widest = |x: f64| if all_whole() { whole(x) } else { decimal(x) };
    let or_missing = |x: Option<Value>| x.unwrap_or(Value::Missing);
    Some(match function {
        F::RowMax => or_missing(numbers().into_iter().reduce(f64::max).map(widest)),
        F::RowMin => or_missing(numbers().into_iter().reduce(f64::min).map(widest)),
        F::RowMean => {
            let v = numbers();
            if v.is_empty() { Value::Missing } else { decimal(v.iter().sum::<f64>() / v.len() as f64) }
        }
        F::RowMedian => {
            let mut v = numbers();
            v.sort_by(f64::total_cmp);
            or_missing(median(&v).map(decimal))
        }
        F::RowTotal => {
            let exact = args.iter().try_fold(0i64, |sum, a| match a {
                Value::Missing => Some(sum),
                Value::Integer(n) => sum.checked_add(*n),
                _ => None,
            });
            exact.map_or_else(|| decimal(numbers().iter().sum()), Value::Integer)
        }
        F::RowStd => {
            let v = numbers();
            if v.len() < 2 {
                return Some(Value::Missing);
            }
            let mean = v.iter().sum::<f64>() / v.len() as f64;
            decimal((v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (v.len() - 1) as f64).sqrt())
        }
        F::RowConcat => {
            if present().next().is_none() {
                return Some(Value::Missing);
            }
            let texts = args.iter().filter_map(|a| if let Value::Text(t) = a { Some(&**t) } else { None });
            Value::Text(texts.collect::<String>().into())
        }
        F::RowMissing => integer((args.len() - present().count()) as i64),
        F::RowValid => integer(present().count() as i64),
        F::SysMiss => integer(i64::from(matches!(args.first(), Some(Value::Missing)))),
        _ => return None,
    })
}

fn median(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    (n > 0).then(|| (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0)
}

fn text(function: Function, args: &[Value]) -> Option<Value> {
    use Function as F;
    if function == F::StringOf {
        return Some(match args.first()? {
            Value::Integer(n) => Value::Text(n.to_string().into()),
            Value::Decimal(x) => Value::Text(x.to_string().into()),
            _ => Value::Missing,
        });
    }
    let s = string(args, 0)?;
    let new = |t: &str| Value::Text(Arc::from(t));
    Some(match function {
        F::Length => integer(s.chars().count() as i64),
        F::Lower => new(&s.to_ascii_lowercase()),
        F::Upper => new(&s.to_ascii_uppercase()),
        F::EndsWith => integer(i64::from(s.ends_with(string(args, 1)?))),
        F::StartsWith => integer(i64::from(s.starts_with(string(args, 1)?))),
        F::LTrim => new(s.trim_start_matches(' ')),
        F::RTrim => new(s.trim_end_matches(' ')),
        F::Trim => new(s.trim_matches(' ')),
        F::Substr => substring(s, number(args, 1)?, number(args, 2)?),
        _ => return None,
    })
}

/// Position from 1, or from the end when negative; what lies beyond the text is cut.
fn substring(s: &str, position: f64, count: f64) -> Value {
    let (position, count) = (position.trunc() as i64, count.trunc() as i64);
    if position == 0 || count < 0 {
        return Value::Missing;
    }
    let length = s.chars().count() as i64;
    let start = if position > 0 { position - 1 } else { length + position };
    let end = start.saturating_add(count).clamp(0, length);
    let start = start.clamp(0, length);
    Value::Text(s.chars().skip(start as usize).take((end - start).max(0) as usize).collect::<String>().into())
}

fn logic(function: Function, args: &[Value]) -> Option<Value> {
    let order = |a: &Value, b: &Value| match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(b)),
        (a, b) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    };
    let (x, rest) = args.split_first()?;
    Some(integer(i64::from(match function {
        Function::InList => rest.iter().any(|a| order(x, a).is_some_and(|o| o.is_eq())),
        Function::InRange => {
            let [low, high] = rest else { return None };
            order(low, x).is_some_and(|o| o.is_le()) && order(x, high).is_some_and(|o| o.is_le())
        }
        _ => return None,
    })))
}
