//! Numbers and months as the reader's language writes them: `12 345,6` in Norwegian, `12,345.6` in English.

use kernel::{Date, Language};

/// Between groups of three digits in Norwegian: a space that does not break the line.
const GROUP_SPACE: char = '\u{a0}';
/// The minus sign of typography, as wide as a digit.
const MINUS: char = '\u{2212}';

/// A number with as many decimals as it has. Released numbers are rounded already.
pub fn number(x: f64, language: Language) -> String {
    with_text(&format!("{}", x.abs()), x < 0.0, language)
}

/// A number with exactly `decimals` decimals.
pub fn fixed(x: f64, decimals: usize, language: Language) -> String {
    let text = format!("{:.decimals$}", x.abs());
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    with_text(&text, x < 0.0 && !zero, language)
}

/// A whole number.
pub fn count(n: u64, language: Language) -> String {
    with_text(&n.to_string(), false, language)
}

/// The month of a day given as days since 1970-01-01, e.g. `februar 2020`.
pub fn month(days: f64, language: Language) -> String {
    const NORWEGIAN: [&str; 12] = [
        "januar",
        "februar",
        "mars",
        "april",
        "mai",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "desember",
    ];
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (year, month, _) = Date::from_days(days.clamp(-700_000.0, 2_900_000.0) as i32).ymd();
    let names = if language == Language::En { ENGLISH } else { NORWEGIAN };
    format!("{} {year}", names[(month as usize - 1).min(11)])
}

fn with_text(digits: &str, negative: bool, language: Language) -> String {
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let (group, point) = match language {
        Language::Nb | Language::Nn => (GROUP_SPACE, ','),
        Language::En => (',', '.'),
    };
    let mut out = String::with_capacity(digits.len() + 8);
    if negative {
        out.push(MINUS);
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !decimals.is_empty() {
        out.push(point);
        out.push_str(decimals);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_language() {
        assert_eq!(number(12_345.6, Language::Nb), "12\u{a0}345,6");
        assert_eq!(number(12_345.6, Language::Nn), "12\u{a0}345,6");
        assert_eq!(number(12_345.6, Language::En), "12,345.6");
        assert_eq!(number(-1_234_567.0, Language::En), "\u{2212}1,234,567");
        assert_eq!(number(999.0, Language::Nb), "999");
        assert_eq!(count(1000, Language::Nb), "1\u{a0}000");
        assert_eq!(fixed(-0.04, 1, Language::Nb), "0,0");
        assert_eq!(fixed(44.44, 1, Language::Nb), "44,4");
    }

    #[test]
    fn months_have_names() {
        let day: Date = "2020-02-01".parse().unwrap();
        assert_eq!(month(f64::from(day.days()), Language::Nn), "februar 2020");
        assert_eq!(month(f64::from(day.days()), Language::En), "February 2020");
    }
}
