//! Tables of one or more dimensions with all their margins, and summaries: one scan for cells, one for sets, and for
//! magnitudes one pass per choice of margins (ENG-031, STAT-040..044).

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::axis::{Axis, AxisOptions};
use crate::cache::ImportCache;
use crate::control::{CHUNK, Control, by_chunk};
use crate::dataset::{Column, Dataset};
use crate::error::RunError;
use crate::lookup::{WORD, valid_words};
use crate::mask::Mask;
use crate::members::{Again, Members};
use crate::params::Parameters;
use crate::people::{NONE, People, Shape, count};
use crate::raw::{MeasureKind, RawCell, RawMagnitude, RawMeasure, RawSummary, RawSummaryRow, RawTable};
use crate::source::Values;
use crate::statistics::{Limits, Wanted, magnitude};

/// Cells over all categories of a table, of which many may not occur, up to which each has a counter (ENG-031).
const DENSE: usize = 1 << 16;

/// What a statistic command works on.
pub(crate) struct Scan<'a> {
    pub(crate) dataset: &'a Dataset,
    /// Rows of the dataset that meet the condition of the command.
    pub(crate) mask: &'a Mask,
    pub(crate) people: &'a People,
    pub(crate) cache: &'a ImportCache,
    pub(crate) parameters: &'a Parameters,
    pub(crate) control: &'a dyn Control,
    pub(crate) options: AxisOptions,
}

impl Scan<'_> {
    fn column(&self, name: &str) -> Result<&Column, RunError> {
        self.dataset.column(name).ok_or_else(|| RunError::unknown_column(name))
    }

    /// The table over these dimensions, with the statistics of these numeric columns in its cells.
    pub(crate) fn table(&self, dimensions: &[&str], measures: &[&str], wanted: &Wanted) -> Result<RawTable, RunError> {
        let rows = self.mask.len();
        let mut axes = dimensions
            .iter()
            .map(|name| {
                let column = self.column(name)?;
                Axis::of(name, column, rows, self.options, self.parameters, self.control)
            })
            .collect::<Result<Vec<_>, RunError>>()?;
        let (cell_of_row, counts) = self.cells_of_rows(&mut axes)?;
        let shape = Shape(axes.iter().map(Axis::len).collect());
        let dropped_missing = self.mask.count() - counts.iter().sum::<u64>();
        let mut cells: Vec<RawCell> = self
            .people
            .cells(&cell_of_row, &shape)
            .into_iter()
            .map(|c| RawCell { rows: c.rows, set: c.set, magnitudes: Vec::with_capacity(measures.len()) })
            .collect();
        let mut heads = Vec::with_capacity(measures.len());
        for name in measures {
            let (head, statistics) = self.magnitudes(name, &cell_of_row, &shape, wanted)?;
            cells.iter_mut().zip(statistics).for_each(|(cell, m)| cell.magnitudes.push(m));
            heads.push(head);
        }
        let members = self.people.membership(cell_of_row, &shape);
        for (place, cell) in cells.iter_mut().enumerate() {
            cell.set.members = Members::new(Arc::clone(&members), place);
        }
        let dimensions = axes.into_iter().map(|a| a.dimension).collect();
        Ok(RawTable { dimensions, measures: heads, cells, dropped_missing })
    }

    /// The inner cell of every row, [`NONE`] for rows that do not count (STAT-003: one does when every variable that forms
    /// the table is present), and the rows of each cell. Categories that no row has are dropped from the axes (STAT-040).
    fn cells_of_rows(&self, axes: &mut [Axis]) -> Result<(Vec<u32>, Vec<u64>), RunError> {
        // Dense counters over all categories as long as they are not too many; else over those that occur.
        let product = |axes: &[Axis]| axes.iter().try_fold(1usize, |n, a| n.checked_mul(a.len().max(1)));
        if product(axes).is_none_or(|n| n > DENSE) {
            let observed = self.observed(axes)?;
            axes.iter_mut().zip(observed).for_each(|(axis, observed)| {
                axis.keep(&observed);
            });
            if product(axes).is_none_or(|n| n > self.parameters.max_cells) {
                return Err(RunError::too_many_cells());
            }
        }
        let radix: Vec<usize> = axes.iter().map(Axis::len).collect();
        let mut cell_of_row = self.rows(&|range, out| {
            let mut slots = vec![0; range.len()];
            out.fill(0);
            for axis in axes.iter() {
                axis.read(range.clone(), &mut slots);
                let n = axis.len() as u32;
                for (cell, slot) in out.iter_mut().zip(&slots) {
                    // What has no category once stays without: both are the greatest number.
                    *cell = if *cell == NONE || *slot == NONE { NONE } else { *cell * n + *slot };
                }
            }
            self.only_here(range, out);
        })?;
        let counts = count(&cell_of_row, radix.iter().product());
        let observed: Vec<Vec<bool>> = (0..axes.len())
            .map(|d| {
                let weight: usize = radix[d + 1..].iter().product();
                let mut seen = vec![false; radix[d]];
                let cells = counts.iter().enumerate().filter(|(_, n)| **n > 0);
                cells.for_each(|(cell, _)| seen[cell / weight % radix[d]] = true);
                seen
            })
            .collect();
        if observed.iter().flatten().all(|seen| *seen) {
            return self.few_enough(axes).map(|()| (cell_of_row, counts));
        }
        let moved: Vec<Vec<u32>> = axes.iter_mut().zip(&observed).map(|(axis, seen)| axis.keep(seen)).collect();
        self.few_enough(axes)?;
        let to: Vec<u32> = (0..counts.len())
            .map(|cell| {
                let (mut rest, mut weight, mut at) = (cell, 1u32, 0u32);
                for (d, axis) in axes.iter().enumerate().rev() {
                    let place = moved[d][rest % radix[d]];
                    if place == NONE {
                        return NONE;
                    }
                    at += place * weight;
                    weight *= axis.len() as u32;
                    rest /= radix[d];
                }
                at
            })
            .collect();
        cell_of_row.par_chunks_mut(CHUNK).for_each(|cells| {
            cells.iter_mut().for_each(|cell| *cell = to.get(*cell as usize).copied().unwrap_or(NONE));
        });
        let mut kept = vec![0; axes.iter().map(Axis::len).product()];
        to.iter().zip(&counts).filter(|(to, _)| **to != NONE).for_each(|(to, n)| kept[*to as usize] = *n);
        Ok((cell_of_row, kept))
    }

    fn few_enough(&self, axes: &[Axis]) -> Result<(), RunError> {
        let cells: usize = axes.iter().map(|a| a.len().max(1)).product();
        if cells > self.parameters.max_cells { Err(RunError::too_many_cells()) } else { Ok(()) }
    }

    /// A number for every row, chunk by chunk.
    fn rows(&self, fill: &(dyn Fn(Range<usize>, &mut [u32]) + Sync)) -> Result<Vec<u32>, RunError> {
        let mut all = vec![0u32; self.mask.len()];
        all.par_chunks_mut(CHUNK).enumerate().try_for_each(|(chunk, out)| {
            if let Some(stop) = self.control.stop() {
                return Err(RunError::Stopped(stop));
            }
            fill(chunk * CHUNK..chunk * CHUNK + out.len(), out);
            Ok(())
        })?;
        Ok(all)
    }

    /// Sets rows that are not in the mask to [`NONE`].
    fn only_here(&self, range: Range<usize>, out: &mut [u32]) {
        for (out, word) in out.chunks_mut(WORD).zip(self.mask.words(range)) {
            if *word != u64::MAX {
                for (i, out) in out.iter_mut().enumerate() {
                    // All bits where the row is not here, and then the greatest number.
                    *out |= ((word >> i & 1) as u32).wrapping_sub(1);
                }
            }
        }
    }

    /// The categories of each axis that rows have which count.
    fn observed(&self, axes: &[Axis]) -> Result<Vec<Vec<bool>>, RunError> {
        let parts = by_chunk(self.control, self.mask.len(), |range| {
            let slots: Vec<Vec<u32>> = axes
                .iter()
                .map(|axis| {
                    let mut slots = vec![0; range.len()];
                    axis.read(range.clone(), &mut slots);
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
        let whole = Shape(Vec::new());
        let cell_of_row = self.rows(&|range, out| self.only_here(range, out))?;
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let (head, statistics) = self.magnitudes(name, &cell_of_row, &whole, wanted)?;
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
        let rows = self.mask.len();
        let column = self.column(occasion)?;
        let mut axes = [Axis::of(occasion, column, rows, self.options, self.parameters, self.control)?];
        let (cell_of_row, _) = self.cells_of_rows(&mut axes)?;
        let [axis] = axes;
        let shape = Shape(vec![axis.dimension.categories.len()]);
        let mut rows = Vec::with_capacity(names.len() * shape.inner());
        for name in names {
            let (head, statistics) = self.magnitudes(name, &cell_of_row, &shape, wanted)?;
            let each = axis.dimension.categories.iter().zip(statistics);
            rows.extend(each.map(|(occasion, magnitude)| RawSummaryRow {
                measure: head.clone(),
                occasion: Some(occasion.clone()),
                magnitude,
            }));
        }
        Ok(RawSummary { rows, skipped })
    }

    /// The statistics of one numeric column in every cell and margin.
    fn magnitudes(
        &self,
        name: &str,
        cell_of_row: &[u32],
        shape: &Shape,
        wanted: &Wanted,
    ) -> Result<(RawMeasure, Vec<RawMagnitude>), RunError> {
        let column = self.column(name)?;
        if !column.data_type.is_numeric() {
            return Err(RunError::type_mismatch(name));
        }
        let limits = self.limits(column)?;
        let (placed, parts) = self.placed(column, cell_of_row)?;
        let sets = self.people.cells(&placed, shape);
        let mut out: Vec<Option<RawMagnitude>> = (0..shape.outer()).map(|_| None).collect();
        let mut sets: Vec<_> = sets.into_iter().map(Some).collect();
        for variant in 0..shape.variants() {
            if let Some(stop) = self.control.stop() {
                return Err(RunError::Stopped(stop));
            }
            let (starts, values) = gather(&parts, shape, variant);
            let places: Vec<usize> = {
                let mut places: Vec<usize> = (0..shape.inner()).map(|cell| shape.place(cell, variant)).collect();
                places.sort_unstable();
                places.dedup();
                places
            };
            let jobs: Vec<_> = places.iter().filter_map(|p| Some((*p, sets[*p].take()?.set))).collect();
            let done: Vec<_> = jobs
                .into_par_iter()
                .map(|(place, set)| {
                    let group = &values[starts[place]..starts[place + 1]];
                    (place, magnitude(group, set, limits.clamp, wanted, self.parameters))
                })
                .collect();
            done.into_iter().for_each(|(place, m)| out[place] = Some(m));
        }
        // A dimension without categories leaves margins that no inner cell leads to: they are empty groups.
        let empty = |set| magnitude(&[], set, limits.clamp, wanted, self.parameters);
        let filled = out.into_iter().zip(sets).filter_map(|(m, set)| m.or_else(|| set.map(|s| empty(s.set))));
        let members = self.people.membership(placed, shape);
        let again = self.again(column, limits, wanted);
        let filled = filled.enumerate().map(|(place, mut m)| {
            m.set.members = Members::new(Arc::clone(&members), place);
            m.again.clone_from(&again);
            m
        });
        Ok((self.measure(name, column, limits), filled.collect()))
    }

    /// The statistics of a column over any persons, where it has values outside the population and a row is a person.
    fn again(&self, column: &Column, limits: Limits, wanted: &Wanted) -> Option<Arc<Again>> {
        let keys = self.people.keys_by_row().filter(|_| column.row_wise)?;
        let (column, wanted, parameters) = (column.clone(), wanted.clone(), self.parameters.clone());
        Some(Arc::new(Again { column, keys, limits, wanted, parameters }))
    }

    /// The cell of every row that has a number, [`NONE`] for the others; and cells and numbers of those rows by chunk.
    fn placed(&self, column: &Column, cell_of_row: &[u32]) -> Result<(Vec<u32>, Vec<Placed>), RunError> {
        let parts = by_chunk(self.control, cell_of_row.len(), |range| {
            let mut cells = cell_of_row[range.clone()].to_vec();
            let numbers = numbers(column, range);
            let mut placed = Placed { cells: Vec::new(), numbers: Vec::new() };
            for (cell, x) in cells.iter_mut().zip(numbers) {
                if x.is_nan() {
                    *cell = NONE;
                } else if *cell != NONE {
                    placed.cells.push(*cell);
                    placed.numbers.push(x);
                }
            }
            (cells, placed)
        })?;
        let (cells, parts): (Vec<Vec<u32>>, Vec<Placed>) = parts.into_iter().unzip();
        Ok((cells.concat(), parts))
    }

    /// P1 and P99 over the whole dataset version (SDC-101); over the population for a column that has no values
    /// elsewhere.
    fn limits(&self, column: &Column) -> Result<Limits, RunError> {
        let compute = |here: bool| -> Result<Limits, RunError> {
            let parts = by_chunk(self.control, self.mask.len(), |range| {
                let numbers = numbers(column, range.clone());
                let rows = range.zip(numbers).filter(|(i, x)| !x.is_nan() && (!here || self.dataset.mask.get(*i)));
                rows.map(|(_, x)| x).collect::<Vec<f64>>()
            })?;
            Ok(Limits::of(&parts.concat(), self.parameters.winsor))
        };
        if column.row_wise { self.cache.limits(column.key, || compute(false)) } else { compute(true) }
    }

    fn measure(&self, name: &str, column: &Column, limits: Limits) -> RawMeasure {
        let title = column.title.as_ref().map(|t| t.text(self.options.language).to_owned());
        RawMeasure {
            name: name.to_owned(),
            label: title.filter(|t| !t.is_empty()),
            kind: match column.data_type {
                script::DataType::Date => MeasureKind::Date,
                script::DataType::Integer if !matches!(column.data.values, Values::Float(_)) => MeasureKind::Integer,
                _ => MeasureKind::Decimal,
            },
            origin: column.origin.to_vec(),
            column_key: column.key,
            row_wise: column.row_wise,
            limits: limits.clamp,
            light_tails: limits.light_tails,
        }
    }
}

/// Cells and numbers of the rows of a chunk that have both.
struct Placed {
    cells: Vec<u32>,
    numbers: Vec<f64>,
}

/// A stretch of a column as numbers; NaN where statistics have nothing to count.
pub(crate) fn numbers(column: &Column, range: Range<usize>) -> Vec<f64> {
    let data = &column.data;
    if column.flagged.is_empty() && data.dictionary.is_none() && range.end <= data.len() {
        macro_rules! widen {
            ($v:expr, $as:expr) => {
                $v[range.clone()].iter().map($as).collect()
            };
        }
        let mut out: Vec<f64> = match &data.values {
            Values::Int8(v) => widen!(v, |x| f64::from(*x)),
            Values::Int16(v) => widen!(v, |x| f64::from(*x)),
            Values::Int32(v) | Values::Date(v) => widen!(v, |x| f64::from(*x)),
            Values::Int64(v) => widen!(v, |x| *x as f64),
            Values::Float(v) => v[range.clone()].to_vec(),
            _ => vec![f64::NAN; range.len()],
        };
        if let Some(validity) = &data.validity {
            for (out, word) in out.chunks_mut(WORD).zip(valid_words(validity, range)) {
                for (i, x) in out.iter_mut().enumerate() {
                    *x = if word >> i & 1 == 1 { *x } else { f64::NAN };
                }
            }
        }
        return out;
    }
    let counted = column.counted(range.clone());
    let numbers = data.read(range).content.into_decimal();
    numbers.into_iter().zip(counted).map(|(x, ok)| if ok { x } else { f64::NAN }).collect()
}

/// The values of every cell under a variant, one cell after the other, in the order of the rows; and where each cell
/// starts.
fn gather(parts: &[Placed], shape: &Shape, variant: usize) -> (Vec<usize>, Vec<f64>) {
    let place: Vec<usize> = (0..shape.inner()).map(|cell| shape.place(cell, variant)).collect();
    let mut starts = vec![0usize; shape.outer() + 1];
    for cells in parts.iter().map(|p| &p.cells) {
        cells.iter().for_each(|c| starts[place[*c as usize] + 1] += 1);
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut values = vec![0.0; starts[shape.outer()]];
    for part in parts {
        for (cell, x) in part.cells.iter().zip(&part.numbers) {
            let slot = &mut next[place[*cell as usize]];
            values[*slot] = *x;
            *slot += 1;
        }
    }
    (starts, values)
}
