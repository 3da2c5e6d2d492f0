//! The twelve statistics of `collapse` and `aggregate` (language.md 8.3.1): one value per group out of the values of its
//! rows. Each is a pass over arrays; order statistics first bring the values of a group together. Results do not depend on
//! the number of threads: rows are added in their order, groups are apart (ENG-034).

use rayon::prelude::*;
use script::program::Statistic;
use statistics::descriptive::gini;

use crate::control::{CHUNK, Control, by_chunk, stopped};
use crate::data::Data;
use crate::dataset::Column;
use crate::error::RunError;
use crate::people::NONE;
use crate::source::Values;
use crate::statistics::percentile;
use crate::vector::{Content, Kind, Vector};

/// Chunks that are decoded at a time, before their rows are added one after the other.
const BATCH: usize = 32 * CHUNK;
/// Groups whose values are sorted by one thread at a time.
const GROUPS_AT_A_TIME: usize = 4096;

/// Rows by group.
pub(crate) struct GroupedRows {
    /// The group of each row, [`NONE`] where it has none.
    pub(crate) of_row: Vec<u32>,
    /// Number of groups; some may have no row.
    pub(crate) groups: usize,
}

/// The statistic of a column in every group. Valid is what is neither missing nor flagged missing.
pub(crate) fn aggregate(
    statistic: Statistic,
    column: &Column,
    rows: &GroupedRows,
    control: &dyn Control,
) -> Result<Data, RunError> {
    let scan = Scan { column, rows, control };
    match statistic {
        Statistic::Count => {
            let n = scan.counts()?;
            Ok(whole(n.into_iter().map(|n| Some(i64::from(n)))))
        }
        Statistic::Percent => {
            let n = scan.counts()?;
            let mut all = vec![0u32; rows.groups];
            rows.of_row.iter().filter(|g| **g != NONE).for_each(|g| all[*g as usize] += 1);
            let share = |(n, all): (u32, u32)| (all > 0).then(|| 100.0 * f64::from(n) / f64::from(all));
            Ok(decimal(n.into_iter().zip(all).map(share)))
        }
        Statistic::Sum => scan.sum(),
        Statistic::Min => scan.extreme(|new, old| new < old, |new, old| new < old),
        Statistic::Max => scan.extreme(|new, old| new > old, |new, old| new > old),
        Statistic::Mean => {
            let (n, mean) = scan.means()?;
            Ok(decimal(n.iter().zip(mean).map(|(n, m)| (*n > 0).then_some(m))))
        }
        Statistic::Sd | Statistic::Semean => {
            let (n, sd) = scan.deviations()?;
            let root = |n: u32| if statistic == Statistic::Semean { f64::from(n).sqrt() } else { 1.0 };
            Ok(decimal(n.iter().zip(sd).map(|(n, sd)| (*n > 1).then(|| sd / root(*n)))))
        }
        Statistic::Sebinomial => {
            let (n, mean) = scan.means()?;
            let mut outside = vec![false; rows.groups];
            scan.numbers(|g, x| outside[g] |= !(0.0..=1.0).contains(&x))?;
            let error = |((n, m), outside): ((u32, f64), bool)| {
                (n > 0 && !outside).then(|| (m * (1.0 - m) / f64::from(n)).max(0.0).sqrt())
            };
            Ok(decimal(n.into_iter().zip(mean).zip(outside).map(error)))
        }
        Statistic::Median | Statistic::P50 => scan.ordered(|v| percentile(v, 0.5)),
        Statistic::P25 => scan.ordered(|v| percentile(v, 0.25)),
        Statistic::P75 => scan.ordered(|v| percentile(v, 0.75)),
        Statistic::Iqr => scan.ordered(|v| Some(percentile(v, 0.75)? - percentile(v, 0.25)?)),
        Statistic::Gini => scan.ordered(gini),
    }
}

/// Whether a statistic of a column is a whole number.
pub(crate) fn gives_whole(statistic: Statistic, column: &Column) -> bool {
    let whole = !matches!(column.data.values, Values::Float(_));
    match statistic {
        Statistic::Count => true,
        Statistic::Sum | Statistic::Min | Statistic::Max => whole,
        _ => false,
    }
}

/// One value per group: those of `given`, and for the `others` what they have, or nothing.
pub(crate) fn filled(
    others: Option<Data>,
    groups: usize,
    is_whole: bool,
    given: impl Iterator<Item = (u32, Option<f64>)>,
) -> Data {
    let mut given = given.peekable();
    if given.peek().is_none()
        && let Some(others) = others
    {
        return others;
    }
    let Vector { content, mut valid } = match others {
        Some(data) => data.read(0..groups),
        None if is_whole => Vector { content: Content::Integer(vec![0; groups]), valid: vec![false; groups] },
        None => Vector { content: Content::Decimal(vec![0.0; groups]), valid: vec![false; groups] },
    };
    match content {
        Content::Integer(mut values) => {
            for (group, value) in given {
                valid[group as usize] = value.is_some();
                values[group as usize] = value.unwrap_or(0.0).round() as i64;
            }
            whole(values.into_iter().zip(valid).map(|(x, ok)| ok.then_some(x)))
        }
        content => {
            let mut values = content.into_decimal();
            for (group, value) in given {
                valid[group as usize] = value.is_some();
                values[group as usize] = value.unwrap_or(0.0);
            }
            decimal(values.into_iter().zip(valid).map(|(x, ok)| ok.then_some(x)))
        }
    }
}

struct Scan<'a> {
    column: &'a Column,
    rows: &'a GroupedRows,
    control: &'a dyn Control,
}

impl Scan<'_> {
    /// Whether values are whole numbers.
    fn is_whole(&self) -> bool {
        !matches!(self.column.data.values, Values::Float(_))
    }

    /// Hands every stretch of rows to `add`, in order: where it begins, which rows count, and the values.
    fn stretches(&self, mut add: impl FnMut(usize, &[bool], &Content)) -> Result<(), RunError> {
        let rows = self.rows.of_row.len();
        for start in (0..rows).step_by(BATCH) {
            let end = (start + BATCH).min(rows);
            stopped(self.control)?;
            let chunks: Vec<(usize, Vec<bool>, Vector)> = (start..end)
                .into_par_iter()
                .step_by(CHUNK)
                .map(|at| {
                    let range = at..(at + CHUNK).min(end);
                    (at, self.column.counted(range.clone()), self.column.data.read(range))
                })
                .collect();
            chunks.iter().for_each(|(at, counted, vector)| add(*at, counted, &vector.content));
            self.control.progress(end as f32 / rows as f32);
        }
        Ok(())
    }

    /// Hands every valid value with its group to `add`, in the order of the rows.
    fn numbers(&self, mut add: impl FnMut(usize, f64)) -> Result<(), RunError> {
        self.stretches(|at, counted, content| {
            let groups = &self.rows.of_row[at..at + counted.len()];
            let valid = groups.iter().zip(counted).enumerate().filter(|(_, (g, ok))| **ok && **g != NONE);
            match content {
                Content::Integer(v) => valid.for_each(|(i, (g, _))| add(*g as usize, v[i] as f64)),
                Content::Decimal(v) => valid.for_each(|(i, (g, _))| add(*g as usize, v[i])),
                Content::Text(_) | Content::Key(_) => {}
            }
        })
    }

    /// As [`Scan::numbers`], of whole numbers.
    fn wholes(&self, mut add: impl FnMut(usize, i64)) -> Result<(), RunError> {
        self.stretches(|at, counted, content| {
            let groups = &self.rows.of_row[at..at + counted.len()];
            let Content::Integer(v) = content else { return };
            for (i, (g, ok)) in groups.iter().zip(counted).enumerate() {
                if *ok && *g != NONE {
                    add(*g as usize, v[i]);
                }
            }
        })
    }

    fn counts(&self) -> Result<Vec<u32>, RunError> {
        let mut n = vec![0u32; self.rows.groups];
        let rows = self.rows.of_row.len();
        for start in (0..rows).step_by(BATCH) {
            let end = (start + BATCH).min(rows);
            let counted = by_chunk(self.control, end - start, |r| self.column.counted(r.start + start..r.end + start))?;
            let groups = self.rows.of_row[start..end].iter().zip(counted.iter().flatten());
            groups.filter(|(g, ok)| **ok && **g != NONE).for_each(|(g, _)| n[*g as usize] += 1);
        }
        Ok(n)
    }

    /// Sums of whole numbers are exact; where one does not fit 64 bits the column is decimal (LANG-030).
    fn sum(&self) -> Result<Data, RunError> {
        let n = self.counts()?;
        if self.is_whole() {
            let sums = self.whole_sums()?;
            if let Some(sums) = sums.iter().map(|s| i64::try_from(*s).ok()).collect::<Option<Vec<i64>>>() {
                return Ok(whole(n.iter().zip(sums).map(|(n, s)| (*n > 0).then_some(s))));
            }
            return Ok(decimal(n.iter().zip(sums).map(|(n, s)| (*n > 0).then_some(s as f64))));
        }
        let mut sums = vec![0.0; self.rows.groups];
        self.numbers(|g, x| sums[g] += x)?;
        Ok(decimal(n.iter().zip(sums).map(|(n, s)| (*n > 0).then_some(s))))
    }

    fn whole_sums(&self) -> Result<Vec<i128>, RunError> {
        let mut sums = vec![0i128; self.rows.groups];
        self.wholes(|g, x| sums[g] += i128::from(x))?;
        Ok(sums)
    }

    /// Number and mean of the valid values of every group.
    fn means(&self) -> Result<(Vec<u32>, Vec<f64>), RunError> {
        let n = self.counts()?;
        let sums: Vec<f64> = if self.is_whole() {
            self.whole_sums()?.into_iter().map(|s| s as f64).collect()
        } else {
            let mut sums = vec![0.0; self.rows.groups];
            self.numbers(|g, x| sums[g] += x)?;
            sums
        };
        let overflows = sums.iter().any(|s| !s.is_finite());
        let mut mean: Vec<f64> = n.iter().zip(sums).map(|(n, s)| s / f64::from((*n).max(1))).collect();
        if overflows {
            // The mean may be a number where the sum is none.
            let mut parts = vec![0.0; self.rows.groups];
            self.numbers(|g, x| parts[g] += x / f64::from(n[g]))?;
            mean.iter_mut().zip(parts).filter(|(m, _)| !m.is_finite()).for_each(|(m, p)| *m = p);
        }
        Ok((n, mean))
    }

    /// Number and standard deviation (n−1), by a second pass round the mean.
    fn deviations(&self) -> Result<(Vec<u32>, Vec<f64>), RunError> {
        let (n, mean) = self.means()?;
        let mut squares = vec![0.0; self.rows.groups];
        let mut bounds = vec![(f64::INFINITY, f64::NEG_INFINITY); self.rows.groups];
        self.numbers(|g, x| {
            squares[g] += (x - mean[g]) * (x - mean[g]);
            bounds[g] = (bounds[g].0.min(x), bounds[g].1.max(x));
        })?;
        // Equal values have no spread, whatever the rounding of their mean (STAT-033).
        let spread = |((n, s), (low, high)): ((&u32, f64), (f64, f64))| {
            if low == high { 0.0 } else { (s / (f64::from(*n) - 1.0).max(1.0)).sqrt() }
        };
        let sd = n.iter().zip(squares).zip(bounds).map(spread).collect();
        Ok((n, sd))
    }

    fn extreme(
        &self,
        whole_wins: impl Fn(i64, i64) -> bool,
        decimal_wins: impl Fn(f64, f64) -> bool,
    ) -> Result<Data, RunError> {
        if self.is_whole() {
            let mut best: Vec<Option<i64>> = vec![None; self.rows.groups];
            self.wholes(|g, x| {
                if best[g].is_none_or(|old| whole_wins(x, old)) {
                    best[g] = Some(x);
                }
            })?;
            return Ok(whole(best.into_iter()));
        }
        let mut best: Vec<Option<f64>> = vec![None; self.rows.groups];
        self.numbers(|g, x| {
            if best[g].is_none_or(|old| decimal_wins(x, old)) {
                best[g] = Some(x);
            }
        })?;
        Ok(decimal(best.into_iter()))
    }

    /// A statistic of the values of each group in ascending order; missing for a group without values.
    fn ordered(&self, of: impl Fn(&[f64]) -> Option<f64> + Sync) -> Result<Data, RunError> {
        let n = self.counts()?;
        let mut starts: Vec<usize> = Vec::with_capacity(n.len() + 1);
        starts.push(0);
        n.iter().for_each(|n| starts.push(starts[starts.len() - 1] + *n as usize));
        let mut next: Vec<usize> = starts[..n.len()].to_vec();
        let mut values = vec![0.0f64; starts[n.len()]];
        self.numbers(|g, x| {
            values[next[g]] = x;
            next[g] += 1;
        })?;
        let results: Result<Vec<Vec<Option<f64>>>, RunError> = (0..n.len())
            .into_par_iter()
            .step_by(GROUPS_AT_A_TIME)
            .map(|first| {
                stopped(self.control)?;
                let last = (first + GROUPS_AT_A_TIME).min(n.len());
                let mut own = values[starts[first]..starts[last]].to_vec();
                let result = (first..last).map(|g| {
                    let group = &mut own[starts[g] - starts[first]..starts[g + 1] - starts[first]];
                    group.sort_unstable_by(f64::total_cmp);
                    if group.is_empty() { None } else { of(group) }
                });
                Ok(result.collect())
            })
            .collect();
        Ok(decimal(results?.into_iter().flatten()))
    }
}

fn whole(values: impl Iterator<Item = Option<i64>>) -> Data {
    let (valid, content): (Vec<bool>, Vec<i64>) = values.map(|x| (x.is_some(), x.unwrap_or(0))).unzip();
    Data::of_chunks(vec![Vector { content: Content::Integer(content), valid }], Kind::Integer)
}

/// What is no number (an overflow) is missing; zero has one sign (ENG-041).
fn decimal(values: impl Iterator<Item = Option<f64>>) -> Data {
    let values = values.map(|x| x.filter(|x| x.is_finite()));
    let (valid, content): (Vec<bool>, Vec<f64>) = values.map(|x| (x.is_some(), x.unwrap_or(0.0) + 0.0)).unzip();
    Data::of_chunks(vec![Vector { content: Content::Decimal(content), valid }], Kind::Decimal)
}
