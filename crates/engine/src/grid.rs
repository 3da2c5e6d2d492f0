//! The inner cells of a table as numbers of rows: the mixed-radix product of its axes (ENG-031). A grid keeps nothing for
//! every row; it computes the cells of a stretch whenever they are asked for, which costs less than fetching them.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::axis::{Axis, Places, Where};
use crate::control::{CHUNK, Control, stopped};
use crate::error::RunError;
use crate::lookup::WORD;
use crate::magnitudes::Measure;
use crate::mask::Mask;
use crate::people::NONE;

/// Rows whose cells are computed at a time, so that they stay in the nearest memory.
pub(crate) const BLOCK: usize = 1 << 12;
/// Parts of a pass that has something for every cell in each.
const PARTS: usize = 8;

/// The cells of the rows of a mask.
struct Grid {
    mask: Arc<Mask>,
    /// What each axis adds to the number of a cell; at least `cells` where a row has no category.
    axes: Vec<Places>,
    /// What it adds from one category to the next.
    weights: Vec<usize>,
    cells: usize,
}

/// The inner cell of every row of a table; the number of cells where a row is in none. Cloning it costs nothing.
#[derive(Clone)]
pub(crate) struct RowCells {
    grid: Arc<Grid>,
    measure: Option<(Measure, Lacking)>,
}

/// Where rows are that have no number in a measure.
#[derive(Clone, Copy, PartialEq)]
enum Lacking {
    /// In no cell.
    Outside,
    /// In cells of their own behind the others, in the same order.
    Apart,
}

impl Grid {
    /// The cells of the rows of `range`, which starts at a multiple of 64.
    fn read(&self, range: Range<usize>, out: &mut [u32]) {
        let mut more = [0; BLOCK];
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let first = range.start + block * BLOCK;
            let range = first..first + out.len();
            match self.axes.split_first() {
                None => out.fill(0),
                Some((axis, others)) => {
                    axis.read(range.clone(), out);
                    for axis in others {
                        let more = &mut more[..out.len()];
                        axis.read(range.clone(), more);
                        out.iter_mut().zip(&*more).for_each(|(cell, more)| *cell += more);
                    }
                }
            }
            let outside = self.cells as u32;
            for (out, word) in out.chunks_mut(WORD).zip(self.mask.words(range)) {
                each_bit(out, *word, |cell, here| (cell | !here).min(outside));
            }
        }
    }
}

/// Makes of every number, and of all bits where its bit of the word is set, another number. The loop has neither branch nor
/// shift, so that it is compiled to vector instructions.
#[inline(always)]
fn each_bit(numbers: &mut [u32], word: u64, make: impl Fn(u32, u32) -> u32) {
    const HALF: usize = 32;
    const BITS: [u32; HALF] = {
        let mut bits = [0; HALF];
        let mut i = 0;
        while i < HALF {
            bits[i] = 1 << i;
            i += 1;
        }
        bits
    };
    let halves = [word as u32, (word >> HALF) as u32];
    let one =
        |number: &mut u32, bit: u32, half: u32| *number = make(*number, u32::from(half & bit != 0).wrapping_neg());
    let (whole, rest) = numbers.as_chunks_mut::<HALF>();
    let last = halves[whole.len().min(1)];
    for (numbers, half) in whole.iter_mut().zip(halves) {
        numbers.iter_mut().zip(BITS).for_each(|(number, bit)| one(number, bit, half));
    }
    rest.iter_mut().zip(BITS).for_each(|(number, bit)| one(number, bit, last));
}

impl RowCells {
    /// The cells of these axes for the rows of `mask`. A row counts when every variable that forms the table is present
    /// (STAT-003).
    pub(crate) fn new(axes: &[Axis], mask: &Arc<Mask>) -> Self {
        Self::of(axes.iter().map(|axis| (axis.places(), axis.len())), mask)
    }

    /// The same by the categories of the rows, and how many there are, in each dimension.
    fn of<'p>(axes: impl Iterator<Item = (&'p Places, usize)> + Clone, mask: &Arc<Mask>) -> Self {
        let cells: usize = axes.clone().map(|(_, number)| number).product();
        let (mut weight, mut weights) = (cells, Vec::new());
        let weighted = axes.map(|(places, number)| {
            weight /= number.max(1);
            weights.push(weight);
            let (weight, outside) = (weight as u32, cells as u32);
            places.map(|slot| if slot == NONE { outside } else { slot * weight })
        });
        let axes = weighted.collect();
        Self { grid: Arc::new(Grid { mask: Arc::clone(mask), axes, weights, cells }), measure: None }
    }

    /// The same for rows that have a number in a measure; others are in no cell.
    pub(crate) fn with(&self, measure: &Measure) -> Self {
        Self { grid: Arc::clone(&self.grid), measure: Some((measure.clone(), Lacking::Outside)) }
    }

    /// The same with cells for the rows that have no number in a measure behind the others.
    pub(crate) fn apart(&self, measure: &Measure) -> Self {
        Self { grid: Arc::clone(&self.grid), measure: Some((measure.clone(), Lacking::Apart)) }
    }

    /// Number of cells.
    pub(crate) fn cells(&self) -> usize {
        let apart = self.measure.as_ref().is_some_and(|(_, lacking)| *lacking == Lacking::Apart);
        if apart { 2 * self.grid.cells } else { self.grid.cells }
    }

    /// Number of rows, in a cell or not.
    pub(crate) fn height(&self) -> usize {
        self.grid.mask.len()
    }

    /// Bytes that it keeps in memory, shared ones among them.
    pub(crate) fn bytes(&self) -> usize {
        let axes: usize = self.grid.axes.iter().map(Places::bytes).sum();
        self.grid.mask.bytes() + axes + self.measure.as_ref().map_or(0, |(measure, _)| measure.bytes())
    }

    /// The cells of the rows of `range`, which starts at a multiple of 64.
    pub(crate) fn read(&self, range: Range<usize>, out: &mut [u32]) {
        self.grid.read(range.clone(), out);
        let cells = self.grid.cells as u32;
        let Some((measure, lacking)) = &self.measure else { return };
        for (out, word) in out.chunks_mut(WORD).zip(measure.words(range)) {
            match lacking {
                Lacking::Outside => each_bit(out, *word, |cell, has| (cell | !has).min(cells)),
                Lacking::Apart => each_bit(out, *word, |cell, has| {
                    let nowhere = u32::from(cell >= cells).wrapping_neg();
                    (cell + (cells & !has)) & !nowhere | (2 * cells) & nowhere
                }),
            }
        }
    }

    /// The cells of some of the rows from `first` on.
    pub(crate) fn pick(&self, first: usize, chosen: &[u16], out: &mut [u32]) {
        let cells = self.grid.cells as u32;
        let mut more = [0; BLOCK];
        out.fill(0);
        for axis in &self.grid.axes {
            let more = &mut more[..chosen.len()];
            axis.pick(first, chosen, more);
            out.iter_mut().zip(&*more).for_each(|(cell, more)| *cell += more);
        }
        for (cell, row) in out.iter_mut().zip(chosen) {
            let row = first + usize::from(*row);
            let inside = *cell < cells && self.grid.mask.get(row);
            *cell = match &self.measure {
                _ if !inside => self.cells() as u32,
                Some((measure, lacking)) if !measure.has(row) => match lacking {
                    Lacking::Outside => cells,
                    Lacking::Apart => *cell + cells,
                },
                _ => *cell,
            };
        }
    }

    /// What holds in each dimension for the rows of a cell, and whether they have a number in the measure where others are
    /// apart. None where a dimension has no table of values.
    pub(crate) fn in_cell(&self, cell: usize) -> Option<(Vec<Where>, bool)> {
        let cells = self.grid.cells;
        let mut rest = cell.checked_rem(cells)?;
        let conditions = self.grid.axes.iter().zip(&self.grid.weights).map(|(axis, weight)| {
            let number = (rest / weight * weight) as u32;
            rest %= weight;
            axis.holding(|of_value| of_value == number)
        });
        Some((conditions.collect::<Option<_>>()?, cell < cells))
    }

    /// Which rows of `range` are in the table, but for their categories; 64 a word.
    pub(crate) fn mask(&self, range: Range<usize>) -> &[u64] {
        self.grid.mask.words(range)
    }

    /// Which of them have a number in the measure; none where there is no measure.
    pub(crate) fn measured(&self, range: Range<usize>) -> Option<&[u64]> {
        self.measure.as_ref().map(|(measure, _)| measure.words(range))
    }

    /// Does the same with a few parts of the rows: few, because each has something for every cell.
    pub(crate) fn parts<T: Send>(
        &self,
        work: impl Fn(Range<usize>) -> Result<T, RunError> + Sync,
    ) -> Result<Vec<T>, RunError> {
        let rows = self.grid.mask.len();
        let part = rows.div_ceil(PARTS).next_multiple_of(CHUNK).max(1);
        (0..rows.div_ceil(part)).into_par_iter().map(|p| work(p * part..((p + 1) * part).min(rows))).collect()
    }

    /// Hands the cells of the rows of `part` to `take`, block by block, with the number of the first row of the block.
    pub(crate) fn blocks(
        &self,
        part: Range<usize>,
        block: usize,
        control: &dyn Control,
        mut take: impl FnMut(usize, &[u32]),
    ) -> Result<(), RunError> {
        let mut cells = vec![0; block.min(part.len())];
        for first in part.clone().step_by(block) {
            stopped(control)?;
            let range = first..(first + block).min(part.end);
            let cells = &mut cells[..range.len()];
            self.read(range, cells);
            take(first, cells);
        }
        Ok(())
    }

    /// The rows that are in a cell, in order, with their cells.
    pub(crate) fn rows(&self, control: &dyn Control) -> Result<Vec<(u32, u32)>, RunError> {
        let parts = self.parts(|part| {
            let mut found = Vec::new();
            self.blocks(part, BLOCK, control, |first, cells| {
                let rows = (first as u32..).zip(cells).filter(|(_, cell)| (**cell as usize) < self.cells());
                found.extend(rows.map(|(row, cell)| (row, *cell)));
            })?;
            Ok(found)
        })?;
        Ok(parts.concat())
    }

    /// How many rows are in each cell.
    pub(crate) fn count(&self, control: &dyn Control) -> Result<Vec<u64>, RunError> {
        let parts = self.counts(control)?;
        Ok((0..self.cells()).map(|cell| parts.iter().map(|p| p.in_cell[cell] as u64).sum()).collect())
    }

    /// The same by part of the rows.
    pub(crate) fn counts(&self, control: &dyn Control) -> Result<Vec<PartCounts>, RunError> {
        self.parts(|part| {
            let mut in_cell = vec![0; self.cells() + 1];
            self.blocks(part.clone(), BLOCK, control, |_, cells| {
                cells.iter().for_each(|cell| in_cell[*cell as usize] += 1);
            })?;
            Ok(PartCounts { part, in_cell })
        })
    }
}

/// A part of the rows, and how many of them are in each cell.
pub(crate) struct PartCounts {
    pub(crate) part: Range<usize>,
    pub(crate) in_cell: Vec<usize>,
}

impl PartCounts {
    /// Those of some of the cells, which are numbered anew.
    pub(crate) fn of_cells(self, cells: &[usize]) -> Self {
        Self { part: self.part, in_cell: cells.iter().map(|cell| self.in_cell[*cell]).collect() }
    }
}

/// How cells are numbered anew when the categories that no row has are dropped from the axes (STAT-040). `counted` says
/// which cells have rows. Gives the old number of every new cell.
pub(crate) fn compact(axes: &mut [Axis], counted: impl Fn(usize) -> bool) -> Vec<usize> {
    let radix: Vec<usize> = axes.iter().map(Axis::len).collect();
    let cells: usize = radix.iter().product();
    let mut seen: Vec<Vec<bool>> = radix.iter().map(|n| vec![false; *n]).collect();
    for cell in (0..cells).filter(|cell| counted(*cell)) {
        let mut rest = cell;
        for (seen, n) in seen.iter_mut().zip(&radix).rev() {
            seen[rest % n] = true;
            rest /= n;
        }
    }
    axes.iter_mut().zip(&seen).for_each(|(axis, seen)| axis.keep(seen));
    let kept = |cell: &usize| {
        let mut rest = *cell;
        seen.iter().zip(&radix).rev().all(|(seen, n)| {
            let place = rest % n;
            rest /= n;
            seen[place]
        })
    };
    (0..cells).filter(kept).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Rows that are in these cells, [`NONE`] where in none.
    pub(crate) fn listed(of_row: &[u32], cells: usize) -> RowCells {
        let mut mask = Mask::empty(of_row.len());
        of_row.iter().enumerate().filter(|(_, cell)| **cell != NONE).for_each(|(row, _)| mask.set(row));
        crossed(&[(of_row, cells)], mask)
    }

    /// The cells of these categories, [`NONE`] where a row has none, with how many there are in each dimension.
    pub(crate) fn crossed(axes: &[(&[u32], usize)], mask: Mask) -> RowCells {
        let places: Vec<(Places, usize)> =
            axes.iter().map(|(of_row, number)| (Places::listed(of_row, NONE as usize), *number)).collect();
        RowCells::of(places.iter().map(|(places, number)| (places, *number)), &Arc::new(mask))
    }

    #[test]
    fn every_number_is_told_its_bit() {
        let word = 0x8000_f00f_1234_8001u64;
        for length in [1, 31, 32, 33, 63, 64] {
            let mut numbers: Vec<u32> = (100..100 + length).collect();
            each_bit(&mut numbers, word, |number, here| number & here);
            let expected = (0..length).map(|i| if word >> i & 1 == 1 { 100 + i } else { 0 });
            assert_eq!(numbers, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn rows_without_a_cell_have_the_number_of_cells() {
        let cells = listed(&[2, 0, NONE, 2], 3);
        let mut read = [9; 4];
        cells.read(0..4, &mut read);
        assert_eq!(read, [2, 0, 3, 2]);
        assert_eq!(cells.count(&crate::Unattended).unwrap(), [1, 0, 2]);
        assert_eq!(cells.rows(&crate::Unattended).unwrap(), [(0, 2), (1, 0), (3, 2)]);
    }
}
