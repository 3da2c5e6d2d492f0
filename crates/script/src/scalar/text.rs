//! Text functions (language.md section 9.5). Lengths and positions count characters.

use super::Scalar::{self, Integer};
use crate::functions::Function;

/// A text function; none outside its domain. No argument is missing.
pub(super) fn text(function: Function, arguments: &[Scalar]) -> Option<Scalar> {
    let first = arguments.first()?;
    if function == Function::StringOf {
        return Some(Scalar::text(&number_text(first)?));
    }
    let s = first.as_text()?;
    let other = || arguments.get(1).and_then(Scalar::as_text);
    Some(match function {
        Function::Length => Integer(s.chars().count() as i64),
        // A–Z and a–z only, as in the original.
        Function::Lower => Scalar::text(&s.to_ascii_lowercase()),
        Function::Upper => Scalar::text(&s.to_ascii_uppercase()),
        Function::EndsWith => Scalar::truth(s.ends_with(other()?)),
        Function::StartsWith => Scalar::truth(s.starts_with(other()?)),
        Function::Substr => Scalar::text(&part(s, arguments.get(1)?.integer()?, arguments.get(2)?.integer()?)?),
        Function::LTrim => Scalar::text(s.trim_start_matches(' ')),
        Function::RTrim => Scalar::text(s.trim_end_matches(' ')),
        Function::Trim => Scalar::text(s.trim_matches(' ')),
        _ => return None,
    })
}

/// Integers plain, decimals in the shortest form that reads back the same.
pub(crate) fn number_text(value: &Scalar) -> Option<String> {
    match value {
        Scalar::Integer(n) => Some(n.to_string()),
        Scalar::Decimal(x) => Some(x.to_string()),
        Scalar::Missing | Scalar::Text(_) => None,
    }
}

/// `n` characters from position `p`, counted from 1, or from the end when negative.
fn part(s: &str, p: i64, n: i64) -> Option<String> {
    if p == 0 || n < 0 {
        return None;
    }
    let length = s.chars().count() as i64;
    let start = if p > 0 { p - 1 } else { length.saturating_add(p) };
    let end = start.saturating_add(n);
    let skip = start.clamp(0, length);
    let take = end.clamp(0, length) - skip;
    Some(s.chars().skip(skip as usize).take(take.max(0) as usize).collect())
}
