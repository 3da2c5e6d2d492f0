//! The row functions of the reference interpreter, written from language.md section 9. Distributions share the numeric
//! library with the engine; their domains are checked here.

use std::cmp::Ordering;

use script::{Function, FunctionGroup};

use super::value::{V, compare};

/// A function on the values of a row. `quantile()` is not one.
pub(super) fn call(function: Function, args: &[V]) -> V {
    match function.spec().group {
        FunctionGroup::Row => across(function, args),
        _ if function == Function::SysMiss => V::truth(args[0].is_missing()),
        // LANG-230.
        _ if args.iter().any(V::is_missing) => V::Missing,
        FunctionGroup::Dates => calendar(function, args).unwrap_or(V::Missing),
        FunctionGroup::Bindings => calendar(function, args).unwrap_or(V::Missing),
        FunctionGroup::Mathematics => mathematics(function, args).unwrap_or(V::Missing),
        FunctionGroup::Text => text(function, args).unwrap_or(V::Missing),
        FunctionGroup::Logic => logic(function, args),
        FunctionGroup::Probability => super::distributions::call(function, args),
    }
}

fn logic(function: Function, args: &[V]) -> V {
    let is = |a: &V, b: &V, accept: &[Ordering]| compare(a, b).is_some_and(|o| accept.contains(&o));
    let x = &args[0];
    match function {
        Function::InList => V::truth(args[1..].iter().any(|a| is(x, a, &[Ordering::Equal]))),
        Function::InRange => V::truth(
            is(&args[1], x, &[Ordering::Less, Ordering::Equal]) && is(x, &args[2], &[Ordering::Less, Ordering::Equal]),
        ),
        _ => V::Missing,
    }
}

/// A number without its fraction (section 9.1: fractions are truncated first).
fn truncated(v: &V) -> Option<i64> {
    match v {
        V::Int(n) => Some(*n),
        V::Dec(x) if x.abs() < 9e18 => Some(x.trunc() as i64),
        _ => None,
    }
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to 1 January of a year.
fn new_year(year: i64) -> i64 {
    let before = |y: i64| 365 * y + y / 4 - y / 100 + y / 400;
    before(year - 1) - before(1969)
}

/// Year, month and day, going through the months; years 1 to 9999.
fn date_of(days: i64) -> Option<(i64, i64, i64)> {
    let mut year = 1970 + days / 366 - i64::from(days < 0);
    if !(-10..=10_010).contains(&year) {
        return None;
    }
    while new_year(year + 1) <= days {
        year += 1;
    }
    while new_year(year) > days {
        year -= 1;
    }
    let (mut month, mut left) = (1, days - new_year(year));
    while left >= month_length(year, month) {
        left -= month_length(year, month);
        month += 1;
    }
    (1..=9999).contains(&year).then_some((year, month, left + 1))
}

fn calendar(function: Function, args: &[V]) -> Option<V> {
    if matches!(function, Function::Date | Function::DateFmt) {
        let part = |i: usize| args.get(i).map_or(Some(1), truncated);
        let (y, m, d) = (part(0)?, part(1)?, part(2)?);
        if !(1..=9999).contains(&y) || !(1..=12).contains(&m) || d < 1 || d > month_length(y, m) {
            return None;
        }
        let days = new_year(y) + (1..m).map(|m| month_length(y, m)).sum::<i64>() + d - 1;
        return Some(if function == Function::Date { V::Int(days) } else { V::Text(format!("{y:04}-{m:02}-{d:02}")) });
    }
    let days = truncated(args.first()?)?;
    let (y, m, d) = date_of(days)?;
    // 1970-01-01 was a Thursday.
    let weekday = (days + 3).rem_euclid(7) + 1;
    Some(match function {
        Function::IsoFormatDate => V::Text(format!("{y:04}-{m:02}-{d:02}")),
        Function::Day => V::Int(d),
        Function::Month => V::Int(m),
        Function::Year => V::Int(y),
        Function::HalfYear => V::Int(1 + i64::from(m > 6)),
        Function::Quarter => V::Int(1 + (m - 1) / 3),
        Function::Dow => V::Int(weekday),
        Function::Doy => V::Int(days - new_year(y) + 1),
        // The week belongs to the year that its Thursday is in.
        Function::Week => {
            let thursday = days + 4 - weekday;
            let of = (y - 1..=y + 1).rfind(|y| new_year(*y) <= thursday)?;
            V::Int((thursday - new_year(of)) / 7 + 1)
        }
        _ => return None,
    })
}

fn mathematics(function: Function, args: &[V]) -> Option<V> {
    if function == Function::Pi {
        return Some(V::Dec(std::f64::consts::PI));
    }
    let x = args.first()?.number()?;
    let within = |ok: bool, y: f64| if ok { Some(V::real(y)) } else { None };
    let toward = |y: f64| Some(if let V::Int(n) = args[0] { V::Int(n) } else { V::whole(y) });
    match function {
        Function::Acos => within(x.abs() <= 1.0, x.acos()),
        Function::Asin => within(x.abs() <= 1.0, x.asin()),
        Function::Atan => within(true, x.atan()),
        Function::Cos => within(true, x.cos()),
        Function::Sin => within(true, x.sin()),
        Function::Tan => within(true, x.tan()),
        Function::Sqrt => within(x >= 0.0, x.sqrt()),
        Function::Exp => within(true, x.exp()),
        Function::Ln => within(x > 0.0, x.ln()),
        Function::Log10 => within(x > 0.0, x.log10()),
        Function::Logit => within(x > 0.0 && x < 1.0, (x / (1.0 - x)).ln()),
        Function::Abs => Some(match &args[0] {
            V::Int(n) if *n != i64::MIN => V::Int(n.abs()),
            _ => V::real(x.abs()),
        }),
        // LANG-233.
        Function::Ceil => toward(x.signum() * x.abs().ceil()),
        Function::Floor | Function::Int => toward(x.signum() * x.abs().floor()),
        Function::Round => rounded(args, x),
        Function::Comb => {
            let k = args[1].number()?;
            if x.fract() != 0.0 || k.fract() != 0.0 || k < 0.0 || k > x {
                return None;
            }
            // Pascal's rule, as far as it is quick; tests use small numbers.
            let mut row = vec![1.0f64];
            for _ in 0..x.min(1000.0) as usize {
                let next = row.windows(2).map(|w| w[0] + w[1]);
                row = std::iter::once(1.0).chain(next).chain([1.0]).collect();
            }
            if x > 1000.0 { None } else { within(true, row[k as usize]) }
        }
        Function::LnFactorial => within(x >= 0.0 && x.fract() == 0.0, log_factorial(x)),
        _ => None,
    }
}

/// ln n!, by summing; from 256 on by Stirling's series, so that a text of it has the same digits.
fn log_factorial(n: f64) -> f64 {
    if n < 256.0 {
        return (2..=n.max(0.0) as u64).map(|i| (i as f64).ln()).sum();
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + series
}

/// LANG-234.
fn rounded(args: &[V], x: f64) -> Option<V> {
    let away = |y: f64| y.signum() * (y.abs() + 0.5).floor();
    // Adding a half must not round up what lies just below it.
    let away = |y: f64| if (y.abs() - y.abs().floor()) < 0.5 { y.signum() * y.abs().floor() } else { away(y) };
    let Some(unit) = args.get(1) else {
        return Some(if let V::Int(n) = args[0] { V::Int(n) } else { V::whole(away(x)) });
    };
    let u = unit.number().filter(|u| *u > 0.0)?;
    let y = away(x / u) * u;
    if let (V::Int(_), V::Int(_)) = (&args[0], unit) {
        return Some(V::whole(away(y)));
    }
    format!("{y:.14e}").parse().ok().map(V::real)
}

fn across(function: Function, args: &[V]) -> V {
    let valid: Vec<&V> = args.iter().filter(|v| !v.is_missing()).collect();
    match function {
        Function::RowMissing => return V::Int((args.len() - valid.len()) as i64),
        Function::RowValid => return V::Int(valid.len() as i64),
        Function::RowTotal if valid.is_empty() => return V::Int(0),
        _ if valid.is_empty() => return V::Missing,
        Function::RowConcat => {
            let parts = valid.iter().map(|v| if let V::Text(t) = v { t.as_str() } else { "" });
            return V::Text(parts.collect());
        }
        _ => {}
    }
    let mut numbers: Vec<f64> = valid.iter().filter_map(|v| v.number()).collect();
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    match function {
        Function::RowMax | Function::RowMin => {
            let wanted = if function == Function::RowMax { Ordering::Greater } else { Ordering::Less };
            let mut best = valid[0];
            for v in &valid {
                if compare(v, best) == Some(wanted) {
                    best = v;
                }
            }
            best.clone()
        }
        Function::RowMean => V::real(mean),
        Function::RowTotal => {
            let whole = valid.iter().map(|v| if let V::Int(n) = v { Some(i128::from(*n)) } else { None });
            match whole.sum::<Option<i128>>().map(i64::try_from) {
                Some(Ok(total)) => V::Int(total),
                _ => V::real(numbers.iter().sum()),
            }
        }
        Function::RowMedian => {
            numbers.sort_by(f64::total_cmp);
            let (low, high) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
            V::real(low + (high - low) / 2.0)
        }
        Function::RowStd if numbers.len() < 2 => V::Missing,
        Function::RowStd => V::real((numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()),
        _ => V::Missing,
    }
}

fn text(function: Function, args: &[V]) -> Option<V> {
    if function == Function::StringOf {
        return Some(V::Text(match args.first()? {
            V::Int(n) => n.to_string(),
            V::Dec(x) => x.to_string(),
            _ => return None,
        }));
    }
    let part = |i: usize| if let Some(V::Text(t)) = args.get(i) { Some(t.as_str()) } else { None };
    let s = part(0)?;
    let chars: Vec<char> = s.chars().collect();
    let each = |f: fn(&char) -> char| V::Text(chars.iter().map(f).collect());
    Some(match function {
        Function::Length => V::Int(chars.len() as i64),
        Function::Lower => each(char::to_ascii_lowercase),
        Function::Upper => each(char::to_ascii_uppercase),
        Function::StartsWith => V::truth(s.as_bytes().starts_with(part(1)?.as_bytes())),
        Function::EndsWith => V::truth(s.as_bytes().ends_with(part(1)?.as_bytes())),
        Function::LTrim => V::text(s.trim_start_matches(' ')),
        Function::RTrim => V::text(s.trim_end_matches(' ')),
        Function::Trim => V::text(s.trim_matches(' ')),
        Function::Substr => {
            let (p, n) = (truncated(&args[1])?, truncated(&args[2])?);
            if p == 0 || n < 0 {
                return None;
            }
            // Position of each character, from 1, or from the end: the last one is -1.
            let length = chars.len() as i64;
            let first = if p > 0 { p } else { (length + 1).saturating_add(p) };
            let wanted = first..first.saturating_add(n);
            let kept = (1..).zip(&chars).filter(|(at, _)| wanted.contains(at)).map(|(_, c)| c);
            V::Text(kept.collect())
        }
        _ => return None,
    })
}
