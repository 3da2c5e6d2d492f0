//! Tables of one or more dimensions with all their margins, and summaries: one scan for categories, one for sets, and for
//! magnitudes one pass per choice of margins (ENG-031, STAT-040..044).

use rayon::prelude::*;

use crate::axis::{Axis, AxisOptions};
use crate::cache::ImportCache;
use crate::control::{Control, by_chunk};
use crate::dataset::{Column, Dataset};
use crate::error::RunError;
use crate::mask::Mask;
use crate::params::Parameters;
use crate::people::{NONE, People, Shape};
use crate::raw::{MeasureKind, RawCell, RawMagnitude, RawMeasure, RawSummary, RawSummaryRow, RawTable};
use crate::statistics::{Limits, Wanted, magnitude};

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
        // STAT-003: a row counts when every variable that forms the table is present.
        let used: Vec<bool> = (0..rows).map(|i| self.mask.get(i) && axes.iter().all(|a| a.of_row[i] != NONE)).collect();
        axes.iter_mut().for_each(|a| a.keep_observed(&used));
        let shape = Shape(axes.iter().map(|a| a.dimension.categories.len()).collect());
        let cells = shape.0.iter().try_fold(1usize, |n, d| n.checked_mul((*d).max(1)));
        if cells.is_none_or(|n| n > self.parameters.max_cells) {
            return Err(RunError::too_many_cells());
        }
        let cell_of_row: Vec<u32> = (0..rows)
            .into_par_iter()
            .map(|i| {
                if !used[i] {
                    return NONE;
                }
                axes.iter().zip(&shape.0).fold(0, |cell, (axis, n)| cell * *n as u32 + axis.of_row[i])
            })
            .collect();
        let dropped_missing = self.mask.count() - used.iter().filter(|u| **u).count() as u64;
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
        let dimensions = axes.into_iter().map(|a| a.dimension).collect();
        Ok(RawTable { dimensions, measures: heads, cells, dropped_missing })
    }

    /// The statistics of `summarize`: each variable over its own valid values.
    pub(crate) fn summary(
        &self,
        names: &[&str],
        skipped: Vec<String>,
        wanted: &Wanted,
    ) -> Result<RawSummary, RunError> {
        let whole = Shape(Vec::new());
        let cell_of_row: Vec<u32> = (0..self.mask.len()).map(|i| if self.mask.get(i) { 0 } else { NONE }).collect();
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
        let mut axis = Axis::of(occasion, column, rows, self.options, self.parameters, self.control)?;
        let used: Vec<bool> = (0..rows).map(|i| self.mask.get(i) && axis.of_row[i] != NONE).collect();
        axis.keep_observed(&used);
        let cell_of_row: Vec<u32> = axis.of_row.iter().zip(&used).map(|(c, u)| if *u { *c } else { NONE }).collect();
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
        let numbers = self.numbers(column)?;
        let placed: Vec<u32> =
            cell_of_row.iter().zip(&numbers).map(|(cell, x)| if x.is_nan() { NONE } else { *cell }).collect();
        let limits = self.limits(column, &numbers);
        let sets = self.people.cells(&placed, shape);
        let mut out: Vec<Option<RawMagnitude>> = (0..shape.outer()).map(|_| None).collect();
        let mut sets: Vec<_> = sets.into_iter().map(Some).collect();
        for variant in 0..shape.variants() {
            if let Some(stop) = self.control.stop() {
                return Err(RunError::Stopped(stop));
            }
            let (starts, values) = gather(&placed, &numbers, shape, variant);
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
        let filled = out.into_iter().zip(sets).filter_map(|(m, set)| m.or_else(|| set.map(|s| empty(s.set)))).collect();
        Ok((self.measure(name, column, limits), filled))
    }

    /// The column as numbers over the whole unit space; NaN where statistics have nothing to count.
    fn numbers(&self, column: &Column) -> Result<Vec<f64>, RunError> {
        let parts = by_chunk(self.control, self.mask.len(), |range| {
            let counted = column.counted(range.clone());
            let numbers = column.data.read(range).content.into_decimal();
            numbers.into_iter().zip(counted).map(|(x, ok)| if ok { x } else { f64::NAN }).collect::<Vec<f64>>()
        })?;
        Ok(parts.concat())
    }

    /// P1 and P99 over the whole dataset version (SDC-101); over the population for a column that has no values
    /// elsewhere.
    fn limits(&self, column: &Column, numbers: &[f64]) -> Limits {
        let valid = |rows: &dyn Fn(usize) -> bool| -> Vec<f64> {
            numbers.iter().enumerate().filter(|(i, x)| !x.is_nan() && rows(*i)).map(|(_, x)| *x).collect()
        };
        if column.row_wise {
            self.cache.limits(column.key, || Limits::of(valid(&|_| true), self.parameters.winsor))
        } else {
            Limits::of(valid(&|i| self.dataset.mask.get(i)), self.parameters.winsor)
        }
    }

    fn measure(&self, name: &str, column: &Column, limits: Limits) -> RawMeasure {
        let title = column.title.as_ref().map(|t| t.text(self.options.language).to_owned());
        RawMeasure {
            name: name.to_owned(),
            label: title.filter(|t| !t.is_empty()),
            kind: match column.data_type {
                script::DataType::Date => MeasureKind::Date,
                script::DataType::Integer if !matches!(column.data.values, crate::source::Values::Float(_)) => {
                    MeasureKind::Integer
                }
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

/// The values of every cell under a variant, one cell after the other, in the order of the ordinals; and where each
/// cell starts.
fn gather(placed: &[u32], numbers: &[f64], shape: &Shape, variant: usize) -> (Vec<usize>, Vec<f64>) {
    let place: Vec<usize> = (0..shape.inner()).map(|cell| shape.place(cell, variant)).collect();
    let mut starts = vec![0usize; shape.outer() + 1];
    placed.iter().filter(|c| **c != NONE).for_each(|c| starts[place[*c as usize] + 1] += 1);
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut values = vec![0.0; starts[shape.outer()]];
    for (cell, x) in placed.iter().zip(numbers).filter(|(c, _)| **c != NONE) {
        let slot = &mut next[place[*cell as usize]];
        values[*slot] = *x;
        *slot += 1;
    }
    (starts, values)
}
