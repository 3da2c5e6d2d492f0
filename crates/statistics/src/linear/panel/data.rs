//! The rows of a panel in memory, and the ways to take the units out of them.

use std::ops::Range;

use rayon::prelude::*;

use crate::design::{Column, Design, Part, Term, variables};
use crate::linear::columns::{Filled, Matrix, blocks, tree};
use crate::linear::model::{Known, place};
use crate::linear::patterns::Clusters;
use crate::linear::tile;
use crate::problem::Problem;
use crate::rows::{CHUNK, Frame, Rows};

/// A panel: columns of the design with the constant first, y less a pivot, and the unit of each row.
pub struct Data {
    /// The columns.
    pub design: Design,
    /// Their values.
    pub x: Matrix,
    /// y less `pivot`.
    pub y: Vec<f64>,
    /// The first y.
    pub pivot: f64,
    /// The unit of each row, from 0.
    pub units: Clusters,
    /// Rows of each unit.
    pub sizes: Vec<f64>,
    /// The value of the unit variable of each unit, ascending.
    pub names: Vec<f64>,
    /// Where rows stand unit by unit: the first row of each, and the number of rows.
    starts: Option<Vec<u32>>,
    /// The time of each row; 0 without one.
    pub time: Vec<f64>,
    /// By what errors are clustered, where it is not the unit.
    pub clusters: Option<Clusters>,
    /// The number of each row at its source.
    pub origin: Vec<u32>,
    /// The categories that occur.
    pub known: Known,
}

impl Data {
    /// Reads the rows in which nothing is missing. With `dummies` a column per time except the first is added, which is controlled
    /// for: its term is the one after the last.
    ///
    /// # Errors
    /// `E_COLLINEAR_ALL` when the dependent variable is in the terms, `E_NOT_A_PANEL` when there are fewer than two units, or no unit
    /// has several rows.
    pub fn of(
        rows: &dyn Rows,
        y: usize,
        terms: &[Term],
        unit: usize,
        time: Option<usize>,
        dummies: bool,
    ) -> Result<Self, Problem> {
        let covariates = variables(terms);
        if covariates.contains(&y) {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        let all: Vec<usize> = covariates.iter().copied().chain([y, unit]).chain(time).collect();
        let mut frame = Frame::of(rows, &all);
        if rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        let mut design = Design::of(rows, &frame, &place(&covariates), terms, true)?;
        let known = Known::of(rows, &frame, &covariates, terms);
        if let (true, Some(_)) = (dummies, time) {
            let at = all.len() - 1;
            let mut times = frame.columns[at].clone();
            times.sort_by(f64::total_cmp);
            times.dedup();
            let column = |time: &f64| Column {
                label: format!("time={time}"),
                term: Some(terms.len()),
                parts: vec![(at, Part::Is(*time))],
            };
            design.columns.extend(times.iter().skip(1).map(column));
        }
        let x = Matrix::of(&Filled { design: &design, frame: &frame });
        let time = match time {
            Some(_) => frame.columns.pop().unwrap_or_default(),
            None => vec![0.0; frame.len()],
        };
        let unit = frame.columns.pop().unwrap_or_default();
        let mut y = frame.columns.pop().unwrap_or_default();
        let pivot = y.first().copied().unwrap_or_default();
        y.iter_mut().for_each(|y| *y -= pivot);
        let units = Clusters::of(&unit);
        let (mut sizes, mut names) = (vec![0.0; units.count], vec![0.0; units.count]);
        for (unit, value) in units.of.iter().zip(&unit) {
            sizes[*unit as usize] += 1.0;
            names[*unit as usize] = *value;
        }
        if units.count < 2 || sizes.iter().all(|size| *size == 1.0) {
            return Err(Problem::new("E_NOT_A_PANEL"));
        }
        let starts = units.of.is_sorted().then(|| {
            let first = sizes.iter().scan(0, |rows, size| Some(std::mem::replace(rows, *rows + *size as u32)));
            first.chain([unit.len() as u32]).collect()
        });
        Ok(Self { design, x, y, pivot, units, sizes, names, starts, time, clusters: None, origin: frame.origin, known })
    }

    /// Clusters the rows by a variable.
    ///
    /// # Errors
    /// `E_TOO_FEW_CLUSTERS` when it has one value only.
    pub fn cluster(&mut self, rows: &dyn Rows, variable: usize) -> Result<(), Problem> {
        let mut all = vec![0.0; rows.len()];
        for (number, out) in all.chunks_mut(CHUNK).enumerate() {
            rows.read(variable, number * CHUNK..number * CHUNK + out.len(), out);
        }
        let values: Vec<f64> = self.origin.iter().map(|row| all[*row as usize]).collect();
        let clusters = Clusters::of(&values);
        if clusters.count < 2 {
            return Err(Problem::with("E_TOO_FEW_CLUSTERS", rows.name(variable)));
        }
        self.clusters = Some(clusters);
        Ok(())
    }

    /// Number of rows.
    pub fn n(&self) -> f64 {
        self.y.len() as f64
    }

    /// The harmonic mean of the units' numbers of rows.
    pub fn harmonic(&self) -> f64 {
        self.units.count as f64 / self.sizes.iter().map(|size| 1.0 / size).sum::<f64>()
    }

    /// The mean of a column in each unit, about the unit's first value, so that what does not change in a unit is exactly its mean.
    pub fn means(&self, column: &[f64]) -> Vec<f64> {
        if let Some(starts) = &self.starts {
            let mean = |pair: &[u32]| {
                let values = &column[pair[0] as usize..pair[1] as usize];
                let first = values[0];
                first + values.iter().map(|x| x - first).sum::<f64>() / values.len() as f64
            };
            return starts.par_windows(2).with_min_len(CHUNK).map(mean).collect();
        }
        let mut first = vec![f64::NAN; self.units.count];
        let mut sums = vec![0.0; self.units.count];
        for (unit, x) in self.units.of.iter().zip(column) {
            let unit = *unit as usize;
            if first[unit].is_nan() {
                first[unit] = *x;
            }
            sums[unit] += x - first[unit];
        }
        first.iter().zip(&sums).zip(&self.sizes).map(|((first, sum), size)| first + sum / size).collect()
    }

    /// x − θ·(mean of its unit) + `back`.
    pub fn less(&self, column: &[f64], theta: impl Fn(usize) -> f64, back: f64) -> Vec<f64> {
        let means = self.means(column);
        let taken: Vec<f64> = means.iter().enumerate().map(|(unit, mean)| theta(unit) * mean - back).collect();
        let rows = self.units.of.par_iter().zip(column).with_min_len(CHUNK);
        rows.map(|(unit, x)| x - taken[*unit as usize]).collect()
    }

    /// The unit means of all columns and of y, a row per unit; without the constant y as it is, else less the pivot.
    pub fn between(&self, constant: bool) -> (Matrix, Vec<f64>) {
        let first = usize::from(!constant);
        let columns = self.x.columns.iter().skip(first).map(|column| self.means(column)).collect();
        let mut y = self.means(&self.y);
        if !constant {
            y.iter_mut().for_each(|y| *y += self.pivot);
        }
        (Matrix { columns, constant }, y)
    }

    /// The differences between a unit's neighbouring rows in the order of time, with a constant: columns, y, unit and person's row.
    pub fn differences(&self) -> (Matrix, Vec<f64>, Clusters, Vec<u32>) {
        let mut order: Vec<usize> = (0..self.y.len()).collect();
        order.sort_by(|a, b| self.units.of[*a].cmp(&self.units.of[*b]).then(self.time[*a].total_cmp(&self.time[*b])));
        let pairs: Vec<(usize, usize)> = order
            .windows(2)
            .filter(|pair| self.units.of[pair[0]] == self.units.of[pair[1]])
            .map(|pair| (pair[0], pair[1]))
            .collect();
        let of = |column: &[f64]| pairs.iter().map(|(a, b)| column[*b] - column[*a]).collect::<Vec<f64>>();
        let mut columns: Vec<Vec<f64>> = self.x.columns.iter().map(|column| of(column)).collect();
        columns[0].fill(1.0);
        let units: Vec<f64> = pairs.iter().map(|(a, _)| f64::from(self.units.of[*a])).collect();
        let rows = pairs.iter().map(|(a, _)| self.origin[*a]).collect();
        (Matrix { columns, constant: true }, of(&self.y), Clusters::of(&units), rows)
    }

    /// Squared correlations of y and x'b: within units, between them, and over all rows.
    pub fn fits(&self, index: &[f64]) -> [f64; 3] {
        let one = |_: usize| 1.0;
        [
            correlation(&self.less(&self.y, one, 0.0), &self.less(index, one, 0.0)),
            correlation(&self.means(&self.y), &self.means(index)),
            correlation(&self.y, index),
        ]
    }

    /// Numbers about the panel.
    pub fn scalars(&self) -> Vec<(&'static str, f64)> {
        let fold = |f: fn(f64, f64) -> f64, start| self.sizes.iter().copied().fold(start, f);
        vec![
            ("units", self.units.count as f64),
            ("T_min", fold(f64::min, f64::INFINITY)),
            ("T_avg", self.n() / self.units.count as f64),
            ("T_max", fold(f64::max, 0.0)),
        ]
    }
}

/// The squared correlation of two columns; missing where one does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let whole = |work: &(dyn Fn(Range<usize>) -> [f64; 3] + Sync)| {
        let add = |x: [f64; 3], y: [f64; 3]| std::array::from_fn(|i| x[i] + y[i]);
        tree(blocks(a.len()).into_par_iter().map(work).collect(), add).unwrap_or_default()
    };
    let [sum_a, sum_b, _] = whole(&|range| [tile::sum(&a[range.clone()]), tile::sum(&b[range]), 0.0]);
    let (mean_a, mean_b) = (sum_a / n, sum_b / n);
    let [both, of_a, of_b] = whole(&|range| {
        let less = |x: &[f64], mean: f64| x.iter().map(|x| x - mean).collect::<Vec<f64>>();
        let (a, b) = (less(&a[range.clone()], mean_a), less(&b[range], mean_b));
        let [both, of_a] = tile::dots(&a, [&b, &a]);
        [both, of_a, tile::dots(&b, [&b])[0]]
    });
    both * both / (of_a * of_b)
}
