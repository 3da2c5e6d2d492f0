//! Synthetic national identity numbers: month + 80, both control digits by the rule of 1964
//! (`identity-numbers` sections 1 and 2), which passes the rule of 2032 too. Each number is given once.

use std::collections::HashMap;

use kernel::Date;

const FIRST: [u32; 9] = [3, 7, 6, 1, 8, 9, 4, 5, 2];
const SECOND: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];

/// Gives out numbers by date of birth and sex, each once.
#[derive(Default)]
pub(crate) struct Numbers {
    next: HashMap<(i32, u8), u32>,
}

impl Numbers {
    /// The next free number for a person born on `birth`; `sex` 1 man, 2 woman. The order of giving out starts at a
    /// place that depends on `seed`. None when the day's numbers are used up.
    pub(crate) fn give(&mut self, birth: Date, sex: u8, seed: u64) -> Option<String> {
        let (series, size) = if birth.year() < 2000 { (0, 500) } else { (500, 500) };
        let slots = size / 2;
        let start = (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17) ^ birth.days() as u64) % u64::from(slots);
        let next = self.next.entry((birth.days(), sex)).or_insert(0);
        while *next < slots {
            // The third digit of the individual number was odd for men in the old series (IDN-005).
            let slot = (start as u32 + *next * 7) % slots;
            *next += 1;
            let individual = series + slot * 2 + u32::from(sex == 1);
            if let Some(number) = with_control_digits(birth, individual) {
                return Some(number);
            }
        }
        None
    }
}

fn with_control_digits(birth: Date, individual: u32) -> Option<String> {
    let (year, month, day) = birth.ymd();
    let text = format!("{:02}{:02}{:02}{:03}", day, month + 80, year.rem_euclid(100), individual);
    let mut digits: Vec<u32> = text.bytes().map(|b| u32::from(b - b'0')).collect();
    let first = control(&digits, &FIRST)?;
    digits.push(first);
    let second = control(&digits, &SECOND)?;
    Some(format!("{text}{first}{second}"))
}

fn control(digits: &[u32], weights: &[u32]) -> Option<u32> {
    let sum: u32 = digits.iter().zip(weights).map(|(d, w)| d * w).sum();
    match (11 - sum % 11) % 11 {
        10 => None,
        digit => Some(digit),
    }
}

/// Whether `text` is a synthetic number (+80) with right control digits and a calendar date. The platform's own check
/// is stricter; this one is for the generator's own tests.
#[cfg(test)]
pub(crate) fn is_synthetic_number(text: &str) -> bool {
    let digits: Vec<u32> = text.bytes().filter(u8::is_ascii_digit).map(|b| u32::from(b - b'0')).collect();
    if text.len() != 11 || digits.len() != 11 {
        return false;
    }
    let month = digits[2] * 10 + digits[3];
    let day = digits[0] * 10 + digits[1];
    (81..=92).contains(&month)
        && (1..=31).contains(&day)
        && control(&digits[..9], &FIRST) == Some(digits[9])
        && control(&digits[..10], &SECOND) == Some(digits[10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idn_008_numbers_are_synthetic_valid_and_given_once() {
        let mut numbers = Numbers::default();
        let mut seen = std::collections::HashSet::new();
        for day in (0..20_000).step_by(3) {
            for sex in [1, 2] {
                for _ in 0..5 {
                    let n = numbers.give(Date::from_days(day), sex, 42).unwrap();
                    assert!(is_synthetic_number(&n), "{n}");
                    assert!(seen.insert(n));
                }
            }
        }
    }

    #[test]
    fn a_day_that_is_used_up_gives_none() {
        let mut numbers = Numbers::default();
        let given = (0..400).filter(|_| numbers.give(Date::from_days(100), 1, 1).is_some()).count();
        assert!((180..250).contains(&given), "{given}");
    }
}
