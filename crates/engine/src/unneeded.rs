//! Rows that a pass over a table need not look at: those of classes that are told by what the others are not. Which they are
//! is found by comparing columns, 64 rows at a time, which costs a fraction of finding the cell of every row; so a table of
//! which most persons are in one cell, or of few persons among many, takes little more than those few.

use std::ops::Range;

use crate::axis::Where;
use crate::control::{Control, stopped};
use crate::error::RunError;
use crate::grid::{BLOCK, RowCells};
use crate::lookup::{WORD, rows_in};

/// A pass looks at the others one by one where they are at most one row in so many.
const FEW: u32 = 4;

/// The rows that need not be looked at.
pub(crate) struct Unneeded {
    /// What holds for rows in cells; none where all of them are needed.
    inside: Option<Vec<Where>>,
    /// What holds for rows in no cell.
    outside: Option<Vec<Where>>,
    /// Whether those in cells have a number in the measure, where rows without one have cells of their own.
    measured: bool,
}

impl Unneeded {
    /// Those in the cell with this number.
    pub(crate) fn cell(of_row: &RowCells, cell: usize) -> Option<Self> {
        let (inside, measured) = of_row.in_cell(cell)?;
        Some(Self { inside: Some(inside), outside: None, measured })
    }

    /// Those in no cell.
    pub(crate) fn nowhere() -> Self {
        Self { inside: None, outside: Some(Vec::new()), measured: false }
    }

    /// Those in the cells that differ from this one in the dimension `by` alone, which is told by what holds there; and those in no
    /// cell, where something is told to hold for them.
    pub(crate) fn by(of_row: &RowCells, cell: Option<(usize, usize, Where)>, outside: Option<Where>) -> Option<Self> {
        let (mut conditions, mut measured) = (None, false);
        if let Some((cell, by, there)) = cell {
            let (mut inside, has) = of_row.in_cell(cell)?;
            *inside.get_mut(by)? = there;
            inside.retain(|condition| !condition.is_everywhere());
            (conditions, measured) = (Some(inside), has);
        }
        let outside = outside.map(|condition| if condition.is_everywhere() { Vec::new() } else { vec![condition] });
        Some(Self { inside: conditions, outside, measured })
    }

    /// This, where it leaves so few of a sample of the rows that they are looked at one by one.
    pub(crate) fn pays(self, unneeded: u32, sample: u32) -> Option<Self> {
        (sample.saturating_sub(unneeded) <= sample / FEW).then_some(self)
    }

    /// The needed rows of a stretch, 64 a word.
    fn needed(&self, of_row: &RowCells, range: Range<usize>) -> Vec<u64> {
        let rows = range.len();
        let mut needed = of_row.mask(range.clone()).to_vec();
        let every = |conditions: &[Where]| {
            let mut all = vec![u64::MAX; rows.div_ceil(WORD)];
            for condition in conditions {
                all.iter_mut().zip(condition.words(range.clone())).for_each(|(all, word)| *all &= word);
            }
            all
        };
        let inside = self.inside.as_deref().map(|conditions| {
            let mut inside = every(conditions);
            let counted = of_row.measured(range.clone()).into_iter().flatten();
            inside.iter_mut().zip(counted).for_each(|(inside, has)| *inside &= if self.measured { *has } else { !has });
            inside
        });
        let outside = self.outside.as_deref().map(every);
        let of = |words: &Option<Vec<u64>>, i: usize| words.as_ref().map_or(0, |words| words[i]);
        for (i, word) in needed.iter_mut().enumerate() {
            *word = *word & !of(&inside, i) | !*word & !of(&outside, i);
        }
        if let (Some(last), rest @ 1..) = (needed.last_mut(), rows % WORD) {
            *last &= (1 << rest) - 1;
        }
        needed
    }

    /// Hands the needed rows of a part to `take`, block by block: the first row of the block, their numbers in it, and their
    /// cells.
    pub(crate) fn others(
        &self,
        of_row: &RowCells,
        part: Range<usize>,
        control: &dyn Control,
        mut take: impl FnMut(usize, &[u16], &mut [u32]),
    ) -> Result<(), RunError> {
        let (mut rows, mut cells) = (Vec::with_capacity(BLOCK), [0; BLOCK]);
        for first in part.clone().step_by(BLOCK) {
            stopped(control)?;
            let range = first..(first + BLOCK).min(part.end);
            rows.clear();
            rows.extend(rows_in(&self.needed(of_row, range), 0).map(|row| row as u16));
            let cells = &mut cells[..rows.len()];
            of_row.pick(first, &rows, cells);
            take(first, &rows, cells);
        }
        Ok(())
    }
}
