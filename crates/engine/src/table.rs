//! Tables of one or more dimensions with all their margins, and summaries (ENG-031, STAT-040..044). Counts and sets of all
//! cells come out of one pass over the rows where the cells are not too many; nothing is kept for every row.

use std::sync::{Arc, Mutex, PoisonError};

use crate::axis::{Axis, AxisOptions};
use crate::cache::ImportCache;
use crate::categories::Split;
use crate::control::{Control, by_chunk};
use crate::dataset::{Column, Dataset, column_key};
use crate::error::RunError;
use crate::grid::{RowCells, compact};
use crate::lookup::pack;
use crate::magnitudes::{Measure, With};
use crate::mask::Mask;
use crate::members::Members;
use crate::params::Parameters;
use crate::people::{CellSet, InnerSets, NONE, People, SIDE_BY_SIDE, Shape};
use crate::raw::{PersonSet, RawCell, RawSummary, RawSummaryRow, RawTable};
use crate::statistics::Wanted;
use crate::tally::Counter;

/// Cells over all categories of a table, of which many may not occur, up to which each has a counter (ENG-031).
const DENSE: usize = 1 << 16;

/// What a statistic command works on.
pub(crate) struct Scan<'a> {
    pub(crate) dataset: &'a Dataset,
    /// Rows of the dataset that meet the condition of the command.
    pub(crate) mask: &'a Arc<Mask>,
    pub(crate) people: &'a People,
    pub(crate) cache: &'a ImportCache,
    pub(crate) parameters: &'a Parameters,
    pub(crate) control: &'a dyn Control,
    pub(crate) options: AxisOptions,
    /// Whoever has a value that is no category: for the gate to judge, once the command is done.
    pub(crate) unlisted: &'a Mutex<Vec<Unlisted>>,
}

/// The persons with values of a column that are no categories of it.
pub(crate) struct Unlisted {
    pub(crate) name: String,
    /// Key and origin of the column.
    pub(crate) key: ([u8; 32], Vec<String>),
    /// All whom the command is about.
    pub(crate) set: PersonSet,
    pub(crate) who: PersonSet,
    /// Their rows.
    pub(crate) rows: u64,
}

impl Scan<'_> {
    pub(crate) fn column(&self, name: &str) -> Result<&Column, RunError> {
        self.dataset.column(name).ok_or_else(|| RunError::unknown_column(name))
    }

    /// The table over these dimensions, with the statistics of these numeric columns in its cells.
    pub(crate) fn table(&self, dimensions: &[&str], measures: &[&str], wanted: &Wanted) -> Result<RawTable, RunError> {
        let mut axes = dimensions.iter().map(|name| self.axis(name)).collect::<Result<Vec<_>, RunError>>()?;
        let measures = measures.iter().map(|name| self.measure(name)).collect::<Result<Vec<_>, RunError>>()?;
        let Counted { of_row, shape, cells, mut with } = self.counted(&mut axes, dimensions, measures.first())?;
        let dropped_missing = self.mask.count() - cells.last().map_or(0, |total| total.rows);
        let members = self.people.membership(of_row.clone(), &shape, &cells);
        let raw = |c: CellSet| RawCell { rows: c.rows, set: c.set, magnitudes: Vec::with_capacity(measures.len()) };
        let mut cells: Vec<RawCell> = cells.into_iter().map(raw).collect();
        let mut heads = Vec::with_capacity(measures.len());
        for measure in &measures {
            let (head, statistics) = self.magnitudes(measure, &of_row, &shape, with.take(), wanted)?;
            cells.iter_mut().zip(statistics).for_each(|(cell, m)| cell.magnitudes.push(m));
            heads.push(head);
        }
        for (place, cell) in cells.iter_mut().enumerate() {
            cell.set.members = Members::new(Arc::clone(&members), place);
        }
        let dimensions = axes.into_iter().map(|a| a.dimension).collect();
        Ok(RawTable { dimensions, measures: heads, cells, dropped_missing })
    }

    pub(crate) fn axis(&self, name: &str) -> Result<Axis, RunError> {
        let column = self.column(name)?;
        let axis = Axis::of(name, column, self.mask, self.options, self.parameters, self.control)?;
        if axis.unlisted {
            let words = by_chunk(self.control, self.mask.len(), |range| {
                let mut places = vec![0; range.len()];
                axis.places().read(range.clone(), &mut places);
                let outside = |(i, place): (usize, &u32)| u8::from(*place == NONE && column.data.is_valid(i));
                let outside: Vec<u8> = range.clone().zip(&places).map(outside).collect();
                self.mask.words(range).iter().zip(pack(&outside)).map(|(here, outside)| here & outside).collect()
            })?;
            let outside = Mask::of_words(words, self.mask.len());
            let (who, rows) = (self.people.set(&outside), outside.count());
            let (key, set) = ((column.key, column.origin.to_vec()), self.people.set(self.mask));
            let unlisted = Unlisted { name: name.to_owned(), key, set, who, rows };
            self.unlisted.lock().unwrap_or_else(PoisonError::into_inner).push(unlisted);
        }
        Ok(axis)
    }

    /// Counts the cells and drops the categories that no row has from the axes (STAT-040). With a `measure` also counts
    /// those who have a number in it, where that comes out of the same pass.
    fn counted(&self, axes: &mut [Axis], dimensions: &[&str], measure: Option<&Measure>) -> Result<Counted, RunError> {
        let product = |axes: &[Axis]| axes.iter().try_fold(1usize, |n, a| n.checked_mul(a.len().max(1)));
        if product(axes).is_none_or(|n| n > DENSE) {
            // Only over the categories that occur.
            let observed = self.observed(axes)?;
            axes.iter_mut().zip(observed).for_each(|(axis, observed)| axis.keep(&observed));
            if product(axes).is_none_or(|n| n > self.parameters.max_cells) {
                return Err(RunError::too_many_cells());
            }
        }
        let of_row = RowCells::new(axes, self.mask);
        let n = of_row.cells();
        if !self.people.direct() || n > SIDE_BY_SIDE / 2 {
            let counts = of_row.count(self.control)?;
            compact(axes, |cell| counts[cell] > 0);
            self.few_enough(axes)?;
            let shape = Shape(axes.iter().map(Axis::len).collect());
            let of_row = RowCells::new(axes, self.mask);
            let cells = self.people.cells(&of_row, &shape, self.control)?;
            return Ok(Counted { of_row, shape, cells, with: None });
        }
        // One pass for all. Rows without a number in the measure have cells of their own behind the others.
        let counted = measure.map_or_else(|| of_row.clone(), |measure| of_row.apart(measure));
        let counter = measure.and_then(|measure| measure.counter(counted.cells() + 1));
        let InnerSets { sets: mut with, counts, tallies } =
            self.inner_sets(axes, dimensions, &counted, counter.as_ref())?;
        let without = with.split_off(n);
        let persons = |cell: usize| with[cell].persons + without.get(cell).map_or(0, |set| set.persons);
        let kept = compact(axes, |cell| persons(cell) > 0);
        self.few_enough(axes)?;
        let shape = Shape(axes.iter().map(Axis::len).collect());
        let all = kept.iter().map(|cell| {
            let mut set = with[*cell].copy();
            without.get(*cell).into_iter().for_each(|without| set.add(without));
            set
        });
        let cells = self.people.with_margins(all, &shape);
        let with = measure.map(|_| With {
            sets: self.people.with_margins(kept.iter().map(|cell| with[*cell].copy()), &shape),
            counts: counts.into_iter().map(|part| part.of_cells(&kept)).collect(),
            tallies: tallies.map(|tallies| kept.iter().map(|cell| tallies[*cell].clone()).collect()),
        });
        Ok(Counted { of_row: RowCells::new(axes, self.mask), shape, cells, with })
    }

    /// The inner cells in one pass, by the categories of an imported dimension where that is less work.
    fn inner_sets(
        &self,
        axes: &[Axis],
        dimensions: &[&str],
        of_row: &RowCells,
        counter: Option<&Counter<'_>>,
    ) -> Result<InnerSets, RunError> {
        for (by, name) in dimensions.iter().enumerate() {
            let column = self.column(name)?;
            if column.made || !column.row_wise {
                continue;
            }
            let Some(split) = Split::of(axes, by, of_row) else { continue };
            let rows = (of_row.height() as u64).to_le_bytes();
            let key = column_key("categories", &[&column.key, &self.people.mark(), &rows]);
            let split = split.knowing(self.cache.categories(&key));
            if let Some((sets, found)) = self.people.sets_by_category(of_row, &split, counter, self.control)? {
                found.into_iter().for_each(|found| self.cache.keep_categories(key, found));
                return Ok(sets);
            }
        }
        self.people.inner_sets(of_row, counter, self.control)
    }

    fn few_enough(&self, axes: &[Axis]) -> Result<(), RunError> {
        let cells: usize = axes.iter().map(|a| a.len().max(1)).product();
        if cells > self.parameters.max_cells { Err(RunError::too_many_cells()) } else { Ok(()) }
    }

    /// The categories of each axis that rows have which count.
    fn observed(&self, axes: &[Axis]) -> Result<Vec<Vec<bool>>, RunError> {
        let parts = by_chunk(self.control, self.mask.len(), |range| {
            let slots: Vec<Vec<u32>> = axes
                .iter()
                .map(|axis| {
                    let mut slots = vec![0; range.len()];
                    axis.places().read(range.clone(), &mut slots);
                    slots
                })
                .collect();
            let mut seen: Vec<Vec<bool>> = axes.iter().map(|axis| vec![false; axis.len()]).collect();
            let counts = |i: &usize| slots.iter().all(|slots| slots[*i] != NONE);
            for i in self.mask.iter(range.clone()).map(|row| row - range.start).filter(counts) {
                seen.iter_mut().zip(&slots).for_each(|(seen, slots)| seen[slots[i] as usize] = true);
            }
            seen
        })?;
        let none: Vec<Vec<bool>> = axes.iter().map(|axis| vec![false; axis.len()]).collect();
        Ok(parts.into_iter().fold(none, |mut all, part| {
            all.iter_mut().flatten().zip(part.iter().flatten()).for_each(|(a, b)| *a |= b);
            all
        }))
    }

    /// The statistics of `summarize`: each variable over its own valid values.
    pub(crate) fn summary(
        &self,
        names: &[&str],
        skipped: Vec<String>,
        wanted: &Wanted,
    ) -> Result<RawSummary, RunError> {
        let (whole, of_row) = (Shape(Vec::new()), RowCells::new(&[], self.mask));
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let (head, statistics) = self.magnitudes(&self.measure(name)?, &of_row, &whole, None, wanted)?;
            let row = |magnitude| RawSummaryRow { measure: head, occasion: None, magnitude };
            rows.extend(statistics.into_iter().next().map(row));
        }
        Ok(RawSummary { rows, skipped })
    }

    /// The same for every occasion of a panel: one row per variable and occasion, the occasions of a variable together.
    pub(crate) fn summary_by(
        &self,
        occasion: &str,
        names: &[&str],
        skipped: Vec<String>,
        wanted: &Wanted,
    ) -> Result<RawSummary, RunError> {
        let mut axes = [self.axis(occasion)?];
        let Counted { of_row, shape, .. } = self.counted(&mut axes, &[occasion], None)?;
        let mut rows = Vec::with_capacity(names.len() * shape.inner());
        for name in names {
            let (head, statistics) = self.magnitudes(&self.measure(name)?, &of_row, &shape, None, wanted)?;
            let each = axes[0].dimension.categories.iter().zip(statistics);
            rows.extend(each.map(|(occasion, magnitude)| RawSummaryRow {
                measure: head.clone(),
                occasion: Some(occasion.clone()),
                magnitude,
            }));
        }
        Ok(RawSummary { rows, skipped })
    }
}

/// The cells of a table with their margins; and those of the rows with a number in a measure, where they are known.
struct Counted {
    of_row: RowCells,
    shape: Shape,
    cells: Vec<CellSet>,
    with: Option<With>,
}
