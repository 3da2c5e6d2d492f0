//! Rows in the order of numbers, by counting the digits of their keys from the last to the first: in time that grows with the rows
//! alone, and digits that all rows share cost nothing, as those of whole numbers do.

/// Bits of a digit.
const BITS: u32 = 11;
const DIGITS: usize = u64::BITS.div_ceil(BITS) as usize;
const SIZE: usize = 1 << BITS;
/// So few rows are compared instead.
const FEW: usize = 4096;

/// A key that is in the order of the number; both zeros have the same. Not for what is no number.
pub(crate) fn key(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Keys with the numbers of their rows, ascending; equal keys in the order of the rows.
pub(crate) fn ascending(keys: impl ExactSizeIterator<Item = u64>) -> Vec<(u64, u32)> {
    let mut here: Vec<(u64, u32)> = keys.zip(0..).collect();
    if here.len() < FEW {
        here.sort_unstable();
        return here;
    }
    counted(here, DIGITS, |(key, _), number| (key >> (number as u32 * BITS)) as usize & (SIZE - 1))
}

/// The rows of numbers, ascending; equal numbers in the order of the rows. By 32 bits of where a number lies between the smallest and the
/// largest, and what falls together is compared: numbers that differ in all of their bits take half the time.
pub(crate) fn rows(values: &[f64]) -> Vec<u32> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let unit = f64::from(u32::MAX) / (high - low);
    if values.len() < FEW || !unit.is_normal() {
        return ascending(values.iter().map(|x| key(*x))).into_iter().map(|(_, row)| row).collect();
    }
    let keys = values.iter().zip(0_u64..).map(|(x, row)| u64::from(((x - low) * unit) as u32) << 32 | row);
    let sorted =
        counted(keys.collect(), 3, |key: u64, number| (key >> (32 + number as u32 * BITS)) as usize & (SIZE - 1));
    let mut out: Vec<u32> = sorted.iter().map(|key| *key as u32).collect();
    let value = |row: &u32| values[*row as usize] + 0.0;
    let mut at = 0;
    for run in sorted.chunk_by(|a, b| a >> 32 == b >> 32) {
        let run = &mut out[at..at + run.len()];
        at += run.len();
        if !run.is_sorted_by(|a, b| value(a) <= value(b)) {
            run.sort_by(|a, b| value(a).total_cmp(&value(b)));
        }
    }
    out
}

/// In the order of so many digits, from the last to the first; what has the same digits stays in its order. Not for nothing.
fn counted<T: Copy + Default>(mut here: Vec<T>, digits: usize, digit: impl Fn(T, usize) -> usize) -> Vec<T> {
    let mut counts = vec![[0_u32; SIZE]; digits];
    for each in &here {
        counts.iter_mut().enumerate().for_each(|(number, counts)| counts[digit(*each, number)] += 1);
    }
    let mut there = vec![T::default(); here.len()];
    for (number, counts) in counts.iter_mut().enumerate() {
        if counts[digit(here[0], number)] as usize == here.len() {
            continue;
        }
        let mut before = 0;
        for count in counts.iter_mut() {
            before += std::mem::replace(count, before);
        }
        for each in &here {
            let at = &mut counts[digit(*each, number)];
            there[*at as usize] = *each;
            *at += 1;
        }
        std::mem::swap(&mut here, &mut there);
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_and_few_rows_come_in_order_and_equal_ones_stay_in_theirs() {
        for rows in [0_u32, 1, 5, 5000, 70_000] {
            let mut state = 7_u64;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as f64
            };
            for numbers in [
                (0..rows).map(|_| next() / 1e8 - 10.0).collect::<Vec<f64>>(),
                (0..rows).map(|_| (next() % 7.0) - 3.0).collect(),
                // Nearly all fall together.
                (0..rows).map(|i| if i == 9 { 1e300 } else { next() / 1e8 }).collect(),
                (0..rows).map(|_| 2.5).collect(),
            ] {
                let mut wanted: Vec<(f64, u32)> = numbers.iter().copied().zip(0..).collect();
                wanted.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
                let found = ascending(numbers.iter().map(|x| key(*x)));
                assert!(found.iter().map(|(_, row)| row).eq(wanted.iter().map(|(_, row)| row)));
                assert!(super::rows(&numbers).iter().eq(wanted.iter().map(|(_, row)| row)));
            }
        }
        assert_eq!(key(-0.0), key(0.0));
        assert!(key(f64::NEG_INFINITY) < key(-1.0) && key(-1.0) < key(-0.5) && key(2.0) < key(f64::INFINITY));
    }
}
