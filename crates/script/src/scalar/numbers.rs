//! Mathematics and functions across variables (language.md sections 9.3 and 9.4).

use super::Scalar::{self, Decimal, Integer, Missing};
use crate::functions::Function;

/// A function of section 9.3; none outside its domain. No argument is missing.
pub(super) fn mathematics(function: Function, arguments: &[Scalar]) -> Option<Scalar> {
    if function == Function::Pi {
        return Some(Decimal(std::f64::consts::PI));
    }
    let first = arguments.first()?;
    let x = first.number()?;
    let real = |value: f64| Some(Scalar::decimal(value));
    match function {
        Function::Acos => real(x.acos()),
        Function::Asin => real(x.asin()),
        Function::Atan => real(x.atan()),
        Function::Cos => real(x.cos()),
        Function::Sin => real(x.sin()),
        Function::Tan => real(x.tan()),
        Function::Comb => combinations(x, arguments.get(1)?.number()?),
        Function::Sqrt => real(x.sqrt()),
        Function::Exp => real(x.exp()),
        Function::Ln => real(x.ln()),
        Function::LnFactorial => log_factorial(x),
        Function::Log10 => real(x.log10()),
        Function::Logit => real((x / (1.0 - x)).ln()),
        Function::Abs => Some(match first {
            Integer(n) => n.checked_abs().map_or(Decimal(x.abs()), Integer),
            _ => Scalar::decimal(x.abs()),
        }),
        // Away from zero and towards zero: not mathematics, but what scripts depend on (LANG-233).
        Function::Ceil => Some(whole(first, if x < 0.0 { x.floor() } else { x.ceil() })),
        Function::Floor | Function::Int => Some(whole(first, x.trunc())),
        Function::Round => round(first, x, arguments.get(1)),
        _ => None,
    }
}

fn whole(original: &Scalar, rounded: f64) -> Scalar {
    match original {
        Integer(n) => Integer(*n),
        _ => Scalar::whole(rounded),
    }
}

/// Nearest multiple, halves away from zero, cleaned to 15 significant digits (LANG-234).
fn round(original: &Scalar, x: f64, unit: Option<&Scalar>) -> Option<Scalar> {
    let Some(unit) = unit else { return Some(whole(original, x.round())) };
    let u = unit.number().filter(|u| *u > 0.0)?;
    let rounded = (x / u).round() * u;
    if let (Integer(_), Integer(_)) = (original, unit) {
        return Some(Scalar::whole(rounded.round()));
    }
    let clean: f64 = format!("{rounded:.14e}").parse().ok()?;
    Some(Scalar::decimal(clean))
}

/// n!/(k!(n−k)!) as a product; overflow of the float range gives missing.
fn combinations(n: f64, k: f64) -> Option<Scalar> {
    if n.fract() != 0.0 || k.fract() != 0.0 || k < 0.0 || k > n {
        return None;
    }
    let k = k.min(n - k);
    let mut product = 1.0f64;
    let mut i = 0.0;
    while i < k {
        product = product * (n - i) / (i + 1.0);
        if !product.is_finite() {
            return None;
        }
        // At k ≤ n/2 every factor is at least 2 or so: the product leaves the float range within some 1 030 steps.
        i += 1.0;
    }
    Some(Scalar::decimal(if product < 9e15 { product.round() } else { product }))
}

/// ln n!: summed for small n, else Stirling's series (relative error below 1e-14 from 256 on).
fn log_factorial(n: f64) -> Option<Scalar> {
    if n < 0.0 || n.fract() != 0.0 {
        return None;
    }
    if n < 256.0 {
        let sum = (2..=n as u32).map(|i| f64::from(i).ln()).sum::<f64>();
        return Some(Scalar::decimal(sum));
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    Some(Scalar::decimal(n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + series))
}

/// A function of section 9.4: missing arguments are skipped.
pub(super) fn across(function: Function, arguments: &[Scalar]) -> Scalar {
    let missing = arguments.iter().filter(|a| **a == Missing).count();
    match function {
        Function::RowMissing => return Integer(missing as i64),
        Function::RowValid => return Integer((arguments.len() - missing) as i64),
        Function::RowConcat if missing == arguments.len() => return Missing,
        Function::RowConcat => {
            let joined: String = arguments.iter().filter_map(Scalar::as_text).collect();
            return Scalar::text(&joined);
        }
        _ => {}
    }
    let valid: Vec<&Scalar> = arguments.iter().filter(|a| a.number().is_some()).collect();
    let mut numbers: Vec<f64> = valid.iter().filter_map(|a| a.number()).collect();
    let n = numbers.len() as f64;
    if numbers.is_empty() {
        return if function == Function::RowTotal { Integer(0) } else { Missing };
    }
    let sum: f64 = numbers.iter().sum();
    let mean = sum / n;
    match function {
        Function::RowTotal => {
            let whole = valid.iter().try_fold(0i64, |total, a| match a {
                Integer(x) => total.checked_add(*x),
                _ => None,
            });
            whole.map_or(Scalar::decimal(sum), Integer)
        }
        Function::RowMax | Function::RowMin => {
            let largest = function == Function::RowMax;
            let best = valid.into_iter().reduce(|a, b| {
                let order = super::compare(b, a);
                let better = if largest { order.is_some_and(|o| o.is_gt()) } else { order.is_some_and(|o| o.is_lt()) };
                if better { b } else { a }
            });
            best.cloned().unwrap_or(Missing)
        }
        Function::RowMean => Scalar::decimal(mean),
        Function::RowMedian => {
            numbers.sort_by(f64::total_cmp);
            let (low, high) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
            Scalar::decimal(low + (high - low) / 2.0)
        }
        Function::RowStd if numbers.len() >= 2 => {
            let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
            Scalar::decimal((squares / (n - 1.0)).sqrt())
        }
        _ => Missing,
    }
}
