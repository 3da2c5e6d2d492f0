//! Places of rows by whole numbers within small ranges: a digit per variable, combined step by step. Where the combinations that
//! are possible become many, those that occur are found out and numbered anew, so that variables which follow from each other
//! (age, its square, its group) or rarely differ cost no more places than they have patterns.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::rows::{CHUNK, Rows};

/// Most places of the table.
pub(super) const PLACES: usize = 1 << 18;
/// Most places before those that occur are numbered.
const COMBINED: usize = 1 << 22;
/// From here on a place is that of no row: places are below [`COMBINED`], and what is missing adds this much.
pub(super) const MISSING: u32 = 1 << 30;
/// A combination that does not occur.
const NONE: u32 = u32::MAX;

/// The whole numbers that a variable takes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) size: usize,
}

/// Why there is no grid.
pub(super) enum Unfit {
    /// A value outside of its range, or the work is to be stopped.
    Outside,
    /// Too many combinations occur.
    Many,
}

/// A digit more.
struct Step {
    /// Which of the variables.
    key: usize,
    span: Span,
    numbers: Option<Numbers>,
}

/// The combinations that occur, ascending.
struct Numbers {
    /// The number of each place, or [`NONE`].
    of: Vec<u32>,
    /// The place of each number.
    places: Vec<u32>,
}

/// How places are made.
pub(super) struct Grid {
    steps: Vec<Step>,
    /// How many there are.
    pub(super) places: usize,
}

impl Grid {
    /// For variables with these ranges.
    pub(super) fn of(rows: &dyn Rows, keys: &[usize], spans: &[Span]) -> Result<Self, Unfit> {
        let most = PLACES.min((rows.len() * 4).max(4096));
        let product = spans.iter().try_fold(1_usize, |p, span| p.checked_mul(span.size));
        let small = product.is_some_and(|p| p <= most);
        let mut order: Vec<usize> = (0..keys.len()).collect();
        if !small {
            // What has many values is often what others follow from.
            order.sort_by_key(|key| std::cmp::Reverse(spans[*key].size));
        }
        let mut grid = Self { steps: Vec::new(), places: 1 };
        for key in order {
            let span = spans[key];
            grid.places = grid.places.saturating_mul(span.size);
            grid.steps.push(Step { key, span, numbers: None });
            if grid.places > COMBINED.min((rows.len() * 32).max(4096)) {
                return Err(Unfit::Many);
            }
            if grid.places > most {
                let numbers = grid.occurring(rows, keys)?;
                grid.places = numbers.places.len();
                if grid.places > most || grid.places > rows.len() / 4 {
                    return Err(Unfit::Many);
                }
                if let Some(step) = grid.steps.last_mut() {
                    step.numbers = Some(numbers);
                }
            }
        }
        Ok(grid)
    }

    /// Which places occur. Every row is looked at, so that none is without a number later.
    fn occurring(&self, rows: &dyn Rows, keys: &[usize]) -> Result<Numbers, Unfit> {
        let seen: Vec<AtomicBool> = (0..self.places).map(|_| AtomicBool::new(false)).collect();
        let look = |range: Range<usize>| {
            let (mut values, mut places) = (vec![0.0; range.len()], vec![0; range.len()]);
            let inside = !rows.stopped() && self.read(rows, keys, range, &mut values, &mut places);
            for place in places.iter().filter(|_| inside) {
                if let Some(seen) = seen.get(*place as usize)
                    && !seen.load(Ordering::Relaxed)
                {
                    seen.store(true, Ordering::Relaxed);
                }
            }
            inside
        };
        if !chunks(0..rows.len()).into_par_iter().all(look) {
            return Err(Unfit::Outside);
        }
        let mut numbers = Numbers { of: vec![NONE; self.places], places: Vec::new() };
        for (place, (seen, of)) in seen.iter().zip(&mut numbers.of).enumerate() {
            if seen.load(Ordering::Relaxed) {
                *of = numbers.places.len() as u32;
                numbers.places.push(place as u32);
            }
        }
        Ok(numbers)
    }

    /// The places of a chunk of rows, [`MISSING`] or more where a value is missing; false where one is outside. `values` is for
    /// the reading.
    pub(super) fn read(
        &self,
        rows: &dyn Rows,
        keys: &[usize],
        range: Range<usize>,
        values: &mut [f64],
        places: &mut [u32],
    ) -> bool {
        places.fill(0);
        self.steps.iter().all(|step| {
            rows.read(keys[step.key], range.clone(), values);
            digits(values, step.span, places)
                && step.numbers.as_ref().is_none_or(|numbers| {
                    let mut known = true;
                    for place in places.iter_mut().filter(|place| **place < MISSING) {
                        *place = numbers.of[*place as usize];
                        known &= *place != NONE;
                    }
                    known
                })
        })
    }

    /// The values of the variables at some places, a column for each.
    pub(super) fn values(&self, places: &[usize]) -> Vec<Vec<f64>> {
        let mut columns = vec![vec![0.0; places.len()]; self.steps.len()];
        for (i, place) in places.iter().enumerate() {
            let mut rest = *place;
            for step in self.steps.iter().rev() {
                if let Some(numbers) = &step.numbers {
                    rest = numbers.places[rest] as usize;
                }
                columns[step.key][i] = step.span.low + (rest % step.span.size) as f64;
                rest /= step.span.size;
            }
        }
        columns
    }

    /// Puts places into the ascending order of the values of their variables.
    pub(super) fn sort(&self, places: &mut [usize]) {
        if self.steps.is_sorted_by_key(|step| step.key) {
            // Digits and numbers ascend with the values.
            return;
        }
        let columns = self.values(places);
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.par_sort_unstable_by(|a, b| {
            let differ = columns.iter().map(|column| column[*a].total_cmp(&column[*b]));
            differ.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let sorted: Vec<usize> = order.into_iter().map(|i| places[i]).collect();
        places.copy_from_slice(&sorted);
    }
}

/// A digit more for each place; false where a value is not a whole number of the range.
fn digits(values: &[f64], span: Span, places: &mut [u32]) -> bool {
    // A whole number below 2³² stands in the low bits of its sum with 2⁵².
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let (low, width, top) = (span.low, span.size as u32, span.size as f64 - 1.0);
    let mut wrong = false;
    for (place, x) in places.iter_mut().zip(values) {
        let off = x - low;
        let shifted = off + SHIFT;
        let missing = x.is_nan();
        wrong |= !missing & !((off >= 0.0) & (off <= top) & (shifted - SHIFT == off));
        let digit = if missing { MISSING } else { shifted.to_bits() as u32 };
        *place = if *place >= MISSING || missing { MISSING } else { *place * width + digit };
    }
    !wrong
}

/// The chunks of a range of rows.
pub(super) fn chunks(range: Range<usize>) -> Vec<Range<usize>> {
    range.clone().step_by(CHUNK).map(|start| start..(start + CHUNK).min(range.end)).collect()
}
