//! The rows of a mixed model as sums per group.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::{DMatrix, DVector, Matrix2, Matrix2xX};

use super::MixedModel;
use super::structure::Group;
use crate::design::Design;
use crate::likelihood::{Cells, LEAF, moments, tree};
use crate::linear::Patterns;
use crate::problem::Problem;
use crate::rows::Rows;

/// Which columns of the frame hold y, the groups and the variable of the random slope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub y: usize,
    pub group: usize,
    pub inner: Option<usize>,
    pub slope: Option<usize>,
}

/// The rows: columns and y shifted and scaled, and the groups.
pub(super) struct Sample {
    pub k: usize,
    cells: Cells,
    /// What was taken from y, and what it was divided by then.
    pub y_shift: f64,
    pub y_scale: f64,
    /// The variable of the random slope, divided by `slope_scale`.
    slope: Vec<f64>,
    pub slope_scale: f64,
    /// By row the number of its innermost group.
    of: Vec<u32>,
    /// The values of the groups: top, and top with inner; ascending.
    pub tops: Vec<u64>,
    pub inners: Vec<(u64, u64)>,
    pub n: f64,
    pub constant: bool,
}

impl Sample {
    /// Of patterns that y tells apart too.
    pub fn of(patterns: &Arc<Patterns>, design: &Arc<Design>, places: Places) -> Self {
        let frame = &patterns.frame;
        let (k, m) = (design.len(), frame.len());
        let bits = |place: usize, i: usize| (frame.columns[place][i] + 0.0).to_bits();
        let key = |i: usize| (bits(places.group, i), places.inner.map_or(0, |place| bits(place, i)));
        let mut inners: Vec<(u64, u64)> = (0..m).map(key).collect();
        inners.sort_unstable();
        inners.dedup();
        let mut tops: Vec<u64> = inners.iter().map(|(top, _)| *top).collect();
        tops.dedup();
        let of = (0..m).map(|i| inners.partition_point(|t| *t < key(i)) as u32).collect();
        let mut slope = places.slope.map(|place| frame.columns[place].clone()).unwrap_or_default();
        let slope_scale = slope.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let slope_scale = if slope_scale > 0.0 { slope_scale } else { 1.0 };
        slope.iter_mut().for_each(|x| *x /= slope_scale);
        let mut cells = Cells::of(design, patterns, frame.columns[places.y].clone(), Vec::new());
        cells.standardise();
        let (mean, deviation) = moments(&cells.y, &cells.weight, design.constant);
        let y_shift = if design.constant { mean } else { 0.0 };
        let y_scale = if deviation > 0.0 { deviation } else { 1.0 };
        cells.y.iter_mut().for_each(|y| *y = (*y - y_shift) / y_scale);
        let (n, constant) = (patterns.n, design.constant);
        Self { k, cells, y_shift, y_scale, slope, slope_scale, of, tops, inners, n, constant }
    }

    /// Whether the levels can be told apart.
    ///
    /// # Errors
    /// `E_NEEDS_TWO_GROUPS`, `E_NO_RESIDUAL_DF`.
    pub fn check(&self, rows: &dyn Rows, model: &MixedModel) -> Result<(), Problem> {
        if self.tops.len() < 2 {
            return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(model.group)));
        }
        // A level whose groups are those of the level above, or the rows themselves, has no variance of its own.
        if let Some(inner) = model.inner
            && self.inners.len() == self.tops.len()
        {
            return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(inner)));
        }
        if self.n <= (self.k as f64).max(self.inners.len() as f64) {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        Ok(())
    }

    /// [X y]'[X y].
    pub fn squares(&self) -> DMatrix<f64> {
        let width = self.k + 1;
        let leaf = |range: Range<usize>| {
            let (mut sum, mut z) = (DMatrix::zeros(width, width), DVector::zeros(width));
            self.cells.each(range, |i, x| {
                z.as_mut_slice()[..self.k].copy_from_slice(x);
                z[self.k] = self.cells.y[i];
                sum.ger(self.cells.weight[i], &z, &z, 1.0);
            });
            sum
        };
        tree(0..self.of.len(), LEAF.max(width * width / 16), &leaf, &|a, b| a + b)
    }

    /// Sums per innermost group.
    pub fn groups(&self) -> Vec<Group> {
        let width = self.k + 1;
        let top = |inner: &(u64, u64)| self.tops.partition_point(|t| *t < inner.0);
        let empty = |inner| Group { top: top(inner), inner: Matrix2::zeros(), outer: Matrix2xX::zeros(width) };
        let mut groups: Vec<Group> = self.inners.iter().map(empty).collect();
        self.cells.each(0..self.of.len(), |i, x| {
            let (group, w) = (&mut groups[self.of[i] as usize], self.cells.weight[i]);
            let slope = self.slope.get(i).copied().unwrap_or(0.0);
            group.inner += Matrix2::new(w, w * slope, w * slope, w * slope * slope);
            for (j, z) in x.iter().chain([&self.cells.y[i]]).enumerate() {
                group.outer[(0, j)] += w * z;
                group.outer[(1, j)] += w * slope * z;
            }
        });
        groups
    }

    /// Turns coefficients of shifted and scaled columns into those of the columns as they were, y scaled back.
    pub fn back(&self) -> DMatrix<f64> {
        let y = self.y_scale;
        let mut back = DMatrix::from_fn(self.k, self.k, |i, j| if i == j { y / self.cells.scale[j] } else { 0.0 });
        if self.constant {
            (1..self.k).for_each(|j| back[(0, j)] = -y * self.cells.shift[j] / self.cells.scale[j]);
        }
        back
    }

    /// The sum of the logarithms of what columns were divided by.
    pub fn log_scales(&self) -> f64 {
        self.cells.scale.iter().map(|s| s.ln()).sum()
    }
}
