//! Whole numbers that lie close together, as how many rows have each. Sums, extremes and order statistics of a group follow
//! from its few distinct numbers, so values are never brought together (ENG-031, ENG-032); tallies of parts add up to that of
//! the whole in any order (ENG-034).

use crate::control::{Control, by_chunk};
use crate::data::Data;
use crate::dataset::Column;
use crate::error::RunError;
use crate::grid::{BLOCK, RowCells};
use crate::lookup::{Span, WORD};
use crate::mask::Mask;
use crate::select::Extremes;

/// Widest span of numbers that are tallied.
const WIDEST: usize = 1 << 10;
/// Most counters of a part of the rows, over all cells of a table.
const COUNTERS: usize = 1 << 18;
/// Whole numbers below this are decimals as they are.
const EXACT: u64 = 1 << 52;

/// How many values there are of each whole number from `low` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    low: i64,
    counts: Vec<u64>,
}

/// The span of a column whose numbers are tallied rather than listed; none where they lie too far apart, or where some of
/// them are flagged missing.
pub(crate) fn narrow(column: &Column) -> Option<Span> {
    let plain = column.flagged.is_empty() && column.data.dictionary.is_none();
    let span = column.data.span().filter(|span| plain && span.len() <= WIDEST)?;
    (span.number(0).unsigned_abs() < EXACT).then_some(span)
}

impl Tally {
    /// Of the numbers of a span, none of them yet.
    pub(crate) fn new(span: Span) -> Self {
        Self { low: span.number(0), counts: vec![0; span.len()] }
    }

    /// Of all rows of a column, or of those of a mask.
    pub(crate) fn of_column(
        data: &Data,
        span: Span,
        rows: usize,
        within: Option<&Mask>,
        control: &dyn Control,
    ) -> Result<Self, RunError> {
        let (table, missing) = (places(span), span.len() as u32);
        let parts = by_chunk(control, rows, |range| {
            let mut places = vec![0; range.len()];
            span.gather(data, &table, range.clone(), &mut places);
            if let Some(mask) = within {
                let blocks = places.chunks_mut(WORD).zip(mask.words(range));
                for (block, word) in blocks.filter(|(_, word)| **word != u64::MAX) {
                    block.iter_mut().enumerate().for_each(|(i, place)| {
                        *place = if word >> i & 1 == 1 { *place } else { missing };
                    });
                }
            }
            let mut counts = vec![0u32; span.len() + 1];
            places.iter().for_each(|place| counts[*place as usize] += 1);
            counts
        })?;
        let mut whole = Self::new(span);
        parts.iter().for_each(|part| whole.add_counts(part));
        Ok(whole)
    }

    /// Of the rows of every cell that have a number; none when there are too many cells.
    pub(crate) fn of_cells(
        of_row: &RowCells,
        data: &Data,
        span: Span,
        control: &dyn Control,
    ) -> Option<Result<Vec<Self>, RunError>> {
        let counter = Counter::of(data, span, of_row.cells() + 1)?;
        let parts = of_row.parts(|part| {
            let mut counts = counter.begin();
            of_row.blocks(part, BLOCK, control, |first, of_row| counter.add(&mut counts, first, of_row))?;
            Ok(counts)
        });
        Some(parts.map(|parts| counter.tallies(&parts, of_row.cells())))
    }

    /// Adds counts of numbers, behind which the count of rows without a number may stand.
    fn add_counts(&mut self, counts: &[u32]) {
        self.counts.iter_mut().zip(counts).for_each(|(all, n)| *all += u64::from(*n));
    }

    /// Adds one number of the span.
    pub(crate) fn add(&mut self, x: f64) {
        if let Some(count) = self.counts.get_mut((x as i64).wrapping_sub(self.low) as usize) {
            *count += 1;
        }
    }

    /// Adds those of another group, of the same span.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(all, n)| *all += n);
    }

    /// How many values.
    pub(crate) fn total(&self) -> usize {
        self.counts.iter().sum::<u64>() as usize
    }

    /// The numbers that occur, ascending, with how often they do.
    pub(crate) fn each(&self) -> Vec<(f64, f64)> {
        let occurring = (self.low..).zip(&self.counts).filter(|(_, n)| **n > 0);
        occurring.map(|(number, n)| (number as f64, *n as f64)).collect()
    }

    /// The values at `places` (ascending, below the number of values) of the ascending order.
    pub(crate) fn at_places(&self, places: &[usize]) -> Vec<f64> {
        let mut numbers = (self.low..).zip(&self.counts);
        let (mut number, mut before) = (self.low, 0);
        let at = |place: &usize| {
            while before <= *place {
                let Some((next, n)) = numbers.next() else { break };
                (number, before) = (next, before + *n as usize);
            }
            number as f64
        };
        places.iter().map(at).collect()
    }

    /// The least and the greatest values.
    pub(crate) fn extremes(&self) -> Extremes {
        let each = self.each();
        let repeated = |(x, n): &(f64, f64)| std::iter::repeat_n(*x, Extremes::KEPT.min(*n as usize));
        Extremes {
            least: each.iter().flat_map(repeated).take(Extremes::KEPT).collect(),
            greatest: each.iter().rev().flat_map(repeated).take(Extremes::KEPT).collect(),
        }
    }
}

/// Counts the numbers of a column in cells, block by block.
pub(crate) struct Counter<'d> {
    data: &'d Data,
    span: Span,
    cells: usize,
    table: Vec<u32>,
}

impl<'d> Counter<'d> {
    /// In so many cells, those among them that nobody asks for; none when they are too many.
    pub(crate) fn of(data: &'d Data, span: Span, cells: usize) -> Option<Self> {
        let few = cells.saturating_mul(span.len() + 1) <= COUNTERS;
        few.then(|| Self { data, span, cells, table: places(span) })
    }

    /// A number for every cell, and in it for every number of the span and for rows without one.
    pub(crate) fn begin(&self) -> Vec<u32> {
        vec![0; self.cells * (self.span.len() + 1)]
    }

    /// Adds a block of rows from `first` on.
    pub(crate) fn add(&self, counts: &mut [u32], first: usize, of_row: &[u32]) {
        let mut places = [0; BLOCK];
        let stride = self.span.len() + 1;
        for (block, of_row) in of_row.chunks(BLOCK).enumerate() {
            let first = first + block * BLOCK;
            let places = &mut places[..of_row.len()];
            self.span.gather(self.data, &self.table, first..first + of_row.len(), places);
            for (cell, place) in of_row.iter().zip(&*places) {
                counts[*cell as usize * stride + *place as usize] += 1;
            }
        }
    }

    /// What parts have counted in the first cells.
    pub(crate) fn tallies(&self, parts: &[Vec<u32>], cells: usize) -> Vec<Tally> {
        let mut tallies = vec![Tally::new(self.span); cells];
        for part in parts {
            let each = tallies.iter_mut().zip(part.chunks(self.span.len() + 1));
            each.for_each(|(tally, counts)| tally.add_counts(counts));
        }
        tallies
    }
}

/// Every place of a span under its own number; rows without a number have the last.
fn places(span: Span) -> Vec<u32> {
    (0..=span.len() as u32).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Unattended;
    use crate::grid::tests::listed;
    use crate::people::NONE;
    use crate::source::Values;

    proptest! {
        /// ENG-031, ENG-032: tallies know the numbers of every cell, their order and their extremes.
        #[test]
        fn eng_032_tallies_tell_what_the_values_tell(
            rows in proptest::collection::vec((-40i16..40, any::<bool>(), 0u32..4), 1..300),
        ) {
            let values: Vec<i16> = rows.iter().map(|r| r.0).collect();
            let valid: Vec<bool> = rows.iter().map(|r| r.1).collect();
            let data = Data::new(Values::Int16(values.into()), Some(valid.into()), None);
            let Some(span) = data.span() else { return Ok(()) };
            let of_row: Vec<u32> = rows.iter().map(|r| if r.2 == 3 { NONE } else { r.2 }).collect();
            let cells = listed(&of_row, 3);
            let tallies = Tally::of_cells(&cells, &data, span, &Unattended).unwrap().unwrap();
            let mut whole = Tally::new(span);
            for (cell, tally) in tallies.iter().enumerate() {
                let mut wanted: Vec<f64> =
                    rows.iter().filter(|r| r.1 && r.2 == cell as u32).map(|r| f64::from(r.0)).collect();
                wanted.sort_by(f64::total_cmp);
                let places: Vec<usize> = (0..wanted.len()).collect();
                prop_assert_eq!(&tally.at_places(&places), &wanted);
                let few: Vec<usize> = (0..wanted.len()).step_by(3).collect();
                prop_assert_eq!(tally.at_places(&few), few.iter().map(|p| wanted[*p]).collect::<Vec<_>>());
                let (told, plain) = (tally.extremes(), Extremes::of(&wanted));
                prop_assert_eq!((told.least, told.greatest), (plain.least, plain.greatest));
                whole.merge(tally);
            }
            let mask = Mask::of_words(vec![of_row.chunks(64).map(|block| {
                block.iter().enumerate().fold(0, |word, (i, cell)| word | u64::from(*cell != NONE) << i)
            }).collect()], rows.len());
            prop_assert_eq!(&Tally::of_column(&data, span, rows.len(), Some(&mask), &Unattended).unwrap(), &whole);
            let all = Tally::of_column(&data, span, rows.len() + 5, None, &Unattended).unwrap();
            prop_assert_eq!(all.total(), rows.iter().filter(|r| r.1).count());
        }
    }
}
