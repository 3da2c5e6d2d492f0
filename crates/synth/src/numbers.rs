//! Giving out synthetic national identity numbers (month + 80): each once.

use std::collections::HashMap;

use kernel::{Date, IdentityNumber};

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
            if let Some(number) = synthetic(birth, individual as u16) {
                return Some(number);
            }
        }
        None
    }
}

fn synthetic(birth: Date, individual: u16) -> Option<String> {
    let (year, month, day) = birth.ymd();
    let part = |n: i16| u8::try_from(n).ok();
    let (day, month, year) = (part(day.into())?, part(month.into())?, part(year.rem_euclid(100))?);
    Some(IdentityNumber::synthetic(day, month, year, individual)?.reveal().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::identity_number::{Environment, Rules};

    #[test]
    fn idn_008_numbers_are_synthetic_valid_and_given_once() {
        let mut numbers = Numbers::default();
        let mut seen = std::collections::HashSet::new();
        for day in (0..20_000).step_by(3) {
            for sex in [1, 2] {
                for _ in 0..5 {
                    let n = numbers.give(Date::from_days(day), sex, 42).unwrap();
                    assert!(IdentityNumber::parse(&n, &Rules::of(Environment::Test)).is_ok());
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
