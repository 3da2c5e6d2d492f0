//! Rows by key values: every key value, or combination of values, gets a number, the same in all datasets that are compared
//! (collapse, aggregate, merge). Numbers come from codes, ordinals and small integers directly; only wide values are
//! sorted. There is no hash map over rows.

use crate::control::{Control, by_chunk};
use crate::data::{Data, Dictionary};
use crate::error::RunError;
use crate::mask::Mask;
use crate::people::NONE;
use crate::source::Values;
use crate::take::{Union, number};
use crate::vector::Value;

/// Largest range of numbers that are used as they are, without sorting.
const MOST_DENSE: usize = 1 << 24;

/// One of the datasets whose rows are numbered.
pub(crate) struct Side<'a> {
    pub(crate) keys: Vec<&'a Data>,
    pub(crate) rows: usize,
    /// Rows that take part; all of them without a mask.
    pub(crate) mask: Option<&'a Mask>,
}

/// The number of each row, [`NONE`] where a key is missing or the row takes no part.
pub(crate) struct Numbered {
    /// Per side, per row.
    pub(crate) of_row: Vec<Vec<u32>>,
    /// Above every number. Not every number below it occurs.
    pub(crate) count: usize,
}

/// Numbers the rows of all sides. Every side has the same number of keys, of the same types. Numbers ascend with the
/// values (codes in the order of their list), the first key first.
pub(crate) fn number_rows(sides: &[Side<'_>], control: &dyn Control) -> Result<Numbered, RunError> {
    let keys = sides.first().map_or(0, |s| s.keys.len());
    let mut all: Option<Numbered> = None;
    for k in 0..keys {
        let data: Vec<(&Data, usize)> = sides.iter().map(|s| (s.keys[k], s.rows)).collect();
        let one = one_key(&data, control)?;
        all = Some(match all {
            None => one,
            Some(before) => combine(&before, &one, control)?,
        });
    }
    let nothing = || Numbered { of_row: sides.iter().map(|s| vec![NONE; s.rows]).collect(), count: 0 };
    let mut all = all.unwrap_or_else(nothing);
    for (of_row, side) in all.of_row.iter_mut().zip(sides) {
        if let Some(mask) = side.mask {
            of_row.iter_mut().enumerate().filter(|(i, _)| !mask.get(*i)).for_each(|(_, n)| *n = NONE);
        }
    }
    Ok(all)
}

fn one_key(sides: &[(&Data, usize)], control: &dyn Control) -> Result<Numbered, RunError> {
    if sides.iter().all(|(d, _)| matches!(d.values, Values::Unit(_))) {
        return ordinals(sides, control);
    }
    if sides.iter().all(|(d, _)| d.dictionary.is_some()) {
        return codes(sides, control);
    }
    if sides.iter().any(|(d, _)| matches!(d.values, Values::Float(_))) {
        return decimals(sides, control);
    }
    integers(sides, control)
}

/// Every row of every side by `number`, which is asked for valid rows only.
fn each(
    sides: &[(&Data, usize)],
    control: &dyn Control,
    number: impl Fn(usize, &Data, usize) -> u32 + Sync,
) -> Result<Vec<Vec<u32>>, RunError> {
    let side = |(s, (data, rows)): (usize, &(&Data, usize))| {
        let parts = by_chunk(control, *rows, |range| {
            range.map(|i| if data.is_valid(i) { number(s, data, i) } else { NONE }).collect::<Vec<u32>>()
        })?;
        Ok(parts.concat())
    };
    sides.iter().enumerate().map(side).collect()
}

fn ordinals(sides: &[(&Data, usize)], control: &dyn Control) -> Result<Numbered, RunError> {
    let of_row = each(sides, control, |_, data, i| if let Values::Unit(v) = &data.values { v[i] } else { NONE })?;
    let largest = of_row.iter().flatten().filter(|n| **n != NONE).max();
    Ok(Numbered { count: largest.map_or(0, |n| *n as usize + 1), of_row })
}

fn codes(sides: &[(&Data, usize)], control: &dyn Control) -> Result<Numbered, RunError> {
    let mut union = Union::default();
    let empty = Dictionary::Text(Vec::new());
    let maps: Vec<Vec<u32>> = sides.iter().map(|(d, _)| union.add(d.dictionary.as_deref().unwrap_or(&empty))).collect();
    let count = union.into_dictionary().len();
    let place = |s: usize, data: &Data, i| data.code(i).and_then(|c| maps[s].get(c as usize).copied()).unwrap_or(NONE);
    Ok(Numbered { of_row: each(sides, control, place)?, count })
}

fn whole(data: &Data, i: usize) -> Option<i64> {
    if let Value::Integer(n) = number(data, i) { Some(n) } else { None }
}

fn integers(sides: &[(&Data, usize)], control: &dyn Control) -> Result<Numbered, RunError> {
    let mut bounds: Option<(i64, i64)> = None;
    for (data, rows) in sides {
        let parts = by_chunk(control, *rows, |range| {
            let numbers = range.filter(|i| data.is_valid(*i)).filter_map(|i| whole(data, i));
            numbers.fold(None, |b: Option<(i64, i64)>, n| Some(b.map_or((n, n), |(l, h)| (l.min(n), h.max(n)))))
        })?;
        for (low, high) in parts.into_iter().flatten() {
            bounds = Some(bounds.map_or((low, high), |(l, h)| (l.min(low), h.max(high))));
        }
    }
    let Some((low, high)) = bounds else {
        return Ok(Numbered { of_row: each(sides, control, |_, _, _| NONE)?, count: 0 });
    };
    let range = i128::from(high) - i128::from(low) + 1;
    if range <= MOST_DENSE as i128 {
        let place = |_, data: &Data, i| whole(data, i).map_or(NONE, |n| (n - low) as u32);
        return Ok(Numbered { of_row: each(sides, control, place)?, count: range as usize });
    }
    sorted(sides, control, whole)
}

fn decimals(sides: &[(&Data, usize)], control: &dyn Control) -> Result<Numbered, RunError> {
    // The bits of a float, turned so that they order as the numbers do.
    sorted(sides, control, |data, i| {
        let bits = (number(data, i).as_f64()? + 0.0).to_bits() as i64;
        Some(bits ^ (((bits >> 63) as u64) >> 1) as i64)
    })
}

fn sorted(
    sides: &[(&Data, usize)],
    control: &dyn Control,
    value: impl Fn(&Data, usize) -> Option<i64> + Sync,
) -> Result<Numbered, RunError> {
    let mut distinct: Vec<i64> = Vec::new();
    for (data, rows) in sides {
        let parts = by_chunk(control, *rows, |range| {
            let mut found: Vec<i64> = range.filter(|i| data.is_valid(*i)).filter_map(|i| value(data, i)).collect();
            found.sort_unstable();
            found.dedup();
            found
        })?;
        distinct.extend(parts.into_iter().flatten());
    }
    distinct.sort_unstable();
    distinct.dedup();
    let place =
        |_, data: &Data, i| value(data, i).and_then(|v| distinct.binary_search(&v).ok()).map_or(NONE, |at| at as u32);
    Ok(Numbered { of_row: each(sides, control, place)?, count: distinct.len() })
}

/// Numbers of the combinations of two numberings.
fn combine(a: &Numbered, b: &Numbered, control: &dyn Control) -> Result<Numbered, RunError> {
    let pair = |s: usize, i: usize| {
        let (x, y) = (a.of_row[s][i], b.of_row[s][i]);
        (x != NONE && y != NONE).then(|| u64::from(x) * b.count as u64 + u64::from(y))
    };
    let product = a.count as u64 * b.count as u64;
    let all = |place: &(dyn Fn(u64) -> u32 + Sync)| {
        let side = |s: usize| {
            let parts = by_chunk(control, a.of_row[s].len(), |range| {
                range.map(|i| pair(s, i).map_or(NONE, place)).collect::<Vec<u32>>()
            })?;
            Ok(parts.concat())
        };
        (0..a.of_row.len()).map(side).collect::<Result<Vec<_>, RunError>>()
    };
    if product <= MOST_DENSE as u64 {
        return Ok(Numbered { of_row: all(&|p| p as u32)?, count: product as usize });
    }
    let mut distinct: Vec<u64> = Vec::new();
    for s in 0..a.of_row.len() {
        let parts = by_chunk(control, a.of_row[s].len(), |range| {
            let mut found: Vec<u64> = range.filter_map(|i| pair(s, i)).collect();
            found.sort_unstable();
            found.dedup();
            found
        })?;
        distinct.extend(parts.into_iter().flatten());
    }
    distinct.sort_unstable();
    distinct.dedup();
    let of_row = all(&|p| distinct.binary_search(&p).map_or(NONE, |at| at as u32))?;
    Ok(Numbered { of_row, count: distinct.len() })
}

/// Numbers without gaps, in the same order; the first row of each.
pub(crate) fn compact(of_row: &mut [u32], count: usize) -> Vec<u32> {
    let mut first = vec![NONE; count];
    for (row, number) in of_row.iter().enumerate().filter(|(_, n)| **n != NONE) {
        let slot = &mut first[*number as usize];
        if *slot == NONE {
            *slot = row as u32;
        }
    }
    let mut to = vec![NONE; count];
    let occurring = first.iter().enumerate().filter(|(_, row)| **row != NONE);
    occurring.zip(0..).for_each(|((number, _), next)| to[number] = next);
    of_row.iter_mut().filter(|n| **n != NONE).for_each(|n| *n = to[*n as usize]);
    first.retain(|row| *row != NONE);
    first
}

#[cfg(test)]
mod tests {
    use arrow::buffer::NullBuffer;

    use super::*;
    use crate::Unattended;

    fn data(values: Values) -> Data {
        Data::new(values, None, None)
    }

    fn numbers(keys: Vec<&Data>, rows: usize) -> (Vec<u32>, Vec<u32>) {
        let side = Side { keys, rows, mask: None };
        let mut numbered = number_rows(&[side], &Unattended).unwrap();
        let mut of_row = numbered.of_row.remove(0);
        let first = compact(&mut of_row, numbered.count);
        (of_row, first)
    }

    #[test]
    fn numbers_ascend_with_the_values() {
        let narrow = data(Values::Int8(vec![5i8, -3, 5, 0].into()));
        assert_eq!(numbers(vec![&narrow], 4), (vec![2, 0, 2, 1], vec![1, 3, 0]));
        let wide = data(Values::Int64(vec![i64::MAX, i64::MIN, i64::MAX, 0].into()));
        assert_eq!(numbers(vec![&wide], 4).0, [2, 0, 2, 1]);
        let decimal = data(Values::Float(vec![0.5, -2.5, 0.5, -0.0].into()));
        assert_eq!(numbers(vec![&decimal], 4).0, [2, 0, 2, 1]);
        let mut gaps = narrow.clone();
        gaps.validity = Some(NullBuffer::from(vec![true, true, false, true]));
        assert_eq!(numbers(vec![&gaps], 5).0, [2, 0, NONE, 1, NONE]);
    }

    #[test]
    fn combinations_dense_and_wide() {
        let a = data(Values::Int8(vec![1i8, 1, 2, 2, 1].into()));
        let b = data(Values::Int64(vec![i64::MAX, 0, i64::MAX, 0, 0].into()));
        assert_eq!(numbers(vec![&a, &b], 5), (vec![1, 0, 3, 2, 0], vec![1, 0, 3, 2]));
        let far: Vec<i64> = (0..6000).map(|i| i * 1_000_000_007).collect();
        let c = data(Values::Int64(far.clone().into()));
        let d = data(Values::Int64(far.into_iter().rev().collect::<Vec<i64>>().into()));
        let (of_row, first) = numbers(vec![&c, &d], 6000);
        assert_eq!(first.len(), 6000);
        assert_eq!(of_row[17], 17);
    }
}
