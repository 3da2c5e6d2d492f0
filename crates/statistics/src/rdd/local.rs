//! Local polynomials of one side of the cutoff as weights of its rows, and the variance of what they make of an outcome.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

/// Rows that a row is compared with, ties besides.
const MATCHES: usize = 3;

/// The rows of a side, ascending by the running variable less the cutoff.
pub(super) struct Side {
    pub(super) x: Vec<f64>,
    /// Outcome, treatment where it is fuzzy, covariates.
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) cluster: Option<Vec<u32>>,
    /// Rows at the source.
    pub(super) origin: Vec<u32>,
}

/// Distances are the same to this share of them.
const SAME: f64 = 1.5e-8;

impl Side {
    /// The rows nearer to the cutoff than a bandwidth: those with a weight.
    pub(super) fn window(&self, h: f64) -> Range<usize> {
        self.x.partition_point(|x| *x <= -h)..self.x.partition_point(|x| *x < h)
    }

    /// How far the farthest row is from the cutoff.
    pub(super) fn reach(&self) -> f64 {
        let ends = [self.x.first(), self.x.last()];
        ends.into_iter().flatten().fold(0.0, |most, x| most.max(x.abs()))
    }

    /// Distances of distinct places from the cutoff, ascending.
    pub(super) fn places(&self) -> Vec<f64> {
        let mut places: Vec<f64> = self.x.iter().map(|x| x.abs()).collect();
        places.sort_unstable_by(f64::total_cmp);
        places.dedup();
        places
    }

    pub(super) fn clusters(&self) -> usize {
        let mut all = self.cluster.clone().unwrap_or_default();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// What rows of a window differ from the mean of their J nearest, times √(J/(J+1)); of the columns times `factors`. Rows at the same
    /// place come together, so that J may be more than three (Abadie and Imbens 2006).
    pub(super) fn residuals(&self, window: &Range<usize>, factors: &[f64]) -> Vec<f64> {
        let x = &self.x[window.clone()];
        let n = x.len();
        let mut y = vec![0.0; n];
        for (column, factor) in self.columns.iter().zip(factors) {
            y.iter_mut().zip(&column[window.clone()]).for_each(|(y, v)| *y += factor * v);
        }
        // Where the rows at the place of each row begin and end.
        let mut places = vec![(0, 0); n];
        let mut start = 0;
        for run in x.chunk_by(|a, b| a == b) {
            places[start..start + run.len()].fill((start, start + run.len()));
            start += run.len();
        }
        let wanted = MATCHES.min(n.saturating_sub(1));
        // Sums over the rows before each, about the first value, so that means of many rows at a place cost nothing.
        let pivot = y.first().copied().unwrap_or(0.0);
        let mut out = Vec::with_capacity(n);
        let mut at = 0;
        while at < n {
            let (mut low, mut high) = places[at];
            while high - low - 1 < wanted {
                let left = low.checked_sub(1).map(|i| x[at] - x[i]);
                let right = (high < n).then(|| x[high] - x[at]);
                let (go_left, go_right) = match (left, right) {
                    // Distances that differ by rounding are the same: 0.3 − 0.2 and 0.2 − 0.1.
                    (Some(l), Some(r)) => (l - r <= SAME * l.max(r), r - l <= SAME * l.max(r)),
                    (l, r) => (l.is_some(), r.is_some()),
                };
                if go_right {
                    high = places[high].1;
                }
                if go_left {
                    low = places[low - 1].0;
                }
            }
            let sum: f64 = y[low..high].iter().map(|y| y - pivot).sum();
            let j = (high - low - 1) as f64;
            let (_, end) = places[at];
            while at < end {
                let rest = sum - (y[at] - pivot);
                out.push(if j > 0.0 { (j / (j + 1.0)).sqrt() * (y[at] - pivot - rest / j) } else { 0.0 });
                at += 1;
            }
        }
        out
    }

    /// The variance of a weighted sum of the rows of a window, from their residuals: Σ(ωe)², or Σ over clusters of (Σωe)² times
    /// G/(G−1)·(n−1)/(n−k).
    pub(super) fn variance(&self, window: &Range<usize>, weights: &[f64], residuals: &[f64], k: usize) -> f64 {
        let Some(cluster) = &self.cluster else {
            return weights.iter().zip(residuals).map(|(w, e)| (w * e).powi(2)).sum();
        };
        let each = cluster[window.clone()].iter().zip(weights.iter().zip(residuals));
        let mut scores: Vec<(u32, f64)> = each.map(|(c, (w, e))| (*c, w * e)).collect();
        scores.sort_by_key(|(c, _)| *c);
        let (mut groups, mut sum) = (0.0, 0.0);
        for run in scores.chunk_by(|a, b| a.0 == b.0) {
            groups += 1.0;
            sum += run.iter().map(|(_, s)| s).sum::<f64>().powi(2);
        }
        let n = window.len() as f64;
        sum * groups / (groups - 1.0) * (n - 1.0) / (n - k as f64)
    }
}

/// A polynomial fitted with triangular weights: its coefficients are weighted sums over its rows.
pub(super) struct Local<'a> {
    side: &'a Side,
    /// The rows with a weight.
    pub(super) rows: Range<usize>,
    h: f64,
    order: usize,
    /// (Σ k r r')⁻¹ with r the powers of (x−c)/h.
    inverse: DMatrix<f64>,
}

impl<'a> Local<'a> {
    /// None when there are not enough distinct places.
    pub(super) fn of(side: &'a Side, h: f64, order: usize) -> Option<Self> {
        let rows = side.window(h);
        if rows.len() <= order || !h.is_finite() || h <= 0.0 {
            return None;
        }
        let size = order + 1;
        let mut moments = vec![0.0; 2 * order + 1];
        for block in side.x[rows.clone()].chunks(512) {
            let mut part = vec![0.0; 2 * order + 1];
            for x in block {
                let u = x / h;
                let mut power = 1.0 - u.abs();
                for m in &mut part {
                    *m += power;
                    power *= u;
                }
            }
            moments.iter_mut().zip(&part).for_each(|(m, p)| *m += p);
        }
        let gram = DMatrix::from_fn(size, size, |i, j| moments[i + j]);
        let scale = DVector::from_fn(size, |i, _| 1.0 / gram[(i, i)].sqrt());
        let scaled = DMatrix::from_fn(size, size, |i, j| gram[(i, j)] * scale[i] * scale[j]);
        let factor = scaled.cholesky()?;
        let least = factor.l_dirty().diagonal().min();
        let inverse = factor.inverse();
        let inverse = DMatrix::from_fn(size, size, |i, j| inverse[(i, j)] * scale[i] * scale[j]);
        // A pivot that is rounding: fewer distinct places than coefficients.
        (least > 1e-7).then_some(Self { side, rows, h, order, inverse })
    }

    /// The weights that make coefficient `k` of the polynomial in x − c, times `factor`; 0 in the rest of the window.
    pub(super) fn weights(&self, k: usize, window: &Range<usize>, factor: f64) -> Vec<f64> {
        let scale = factor / self.h.powi(k as i32);
        let of = |i: usize| {
            if !self.rows.contains(&i) {
                return 0.0;
            }
            let u = self.side.x[i] / self.h;
            let polynomial = (0..=self.order).rev().fold(0.0, |sum, j| sum * u + self.inverse[(k, j)]);
            scale * (1.0 - u.abs()) * polynomial
        };
        window.clone().map(of).collect()
    }

    /// What coefficient `k` makes of ((x−c)/h)^(order+1): the constant of its leading bias.
    pub(super) fn bias(&self, k: usize) -> f64 {
        let powers: Vec<f64> =
            self.side.x[self.rows.clone()].iter().map(|x| (x / self.h).powi(self.order as i32 + 1)).collect();
        dot(&self.weights(k, &self.rows, 1.0), &powers)
    }

    /// Coefficient `k` of each column.
    pub(super) fn coefficients(&self, k: usize) -> Vec<f64> {
        let weights = self.weights(k, &self.rows, 1.0);
        self.side.columns.iter().map(|c| dot(&weights, &c[self.rows.clone()])).collect()
    }

    /// What is left of the rows of a window, of the columns times `factors`: when the polynomial is taken out of them where rows
    /// are clustered, else when their neighbours are.
    pub(super) fn residuals(&self, window: &Range<usize>, factors: &[f64]) -> Vec<f64> {
        if self.side.cluster.is_none() {
            return self.side.residuals(window, factors);
        }
        let all: Vec<f64> = (0..=self.order).map(|k| dot(factors, &self.coefficients(k))).collect();
        let left = |i: usize| {
            let y: f64 = self.side.columns.iter().zip(factors).map(|(c, f)| f * c[i]).sum();
            y - all.iter().rev().fold(0.0, |sum, b| sum * self.side.x[i] + b)
        };
        window.clone().map(left).collect()
    }

    /// The variance of coefficient `k` of the columns times `factors`.
    pub(super) fn variance(&self, k: usize, factors: &[f64]) -> f64 {
        let residuals = self.residuals(&self.rows, factors);
        self.side.variance(&self.rows, &self.weights(k, &self.rows, 1.0), &residuals, self.order + 1)
    }

    /// What is left of each column when the polynomial is taken out of it, and the weights.
    fn rest(&self) -> (Vec<Vec<f64>>, Vec<f64>) {
        let x = &self.side.x[self.rows.clone()];
        let kernel: Vec<f64> = x.iter().map(|x| (1.0 - (x / self.h).abs()) / self.h).collect();
        let all: Vec<Vec<f64>> = (0..=self.order).map(|k| self.coefficients(k)).collect();
        let rest = self.side.columns.iter().enumerate().map(|(c, column)| {
            let fitted = |x: &f64| (0..=self.order).rev().fold(0.0, |sum, k| sum * x + all[k][c]);
            column[self.rows.clone()].iter().zip(x).map(|(y, x)| y - fitted(x)).collect()
        });
        (rest.collect(), kernel)
    }
}

/// The coefficients of the covariates, which stand after the `outcomes`, for each outcome: least squares beside the polynomials of the
/// fits, common to all of them. Zeros where there is nothing to tell them from.
pub(super) fn common(fits: &[&Local<'_>], outcomes: usize) -> Vec<Vec<f64>> {
    let number = fits.first().map_or(0, |f| f.side.columns.len() - outcomes);
    if number == 0 {
        return vec![Vec::new(); outcomes];
    }
    let mut squares = DMatrix::<f64>::zeros(number, number);
    let mut products = DMatrix::<f64>::zeros(number, outcomes);
    for fit in fits {
        let (rest, kernel) = fit.rest();
        let weighted = |c: usize| -> Vec<f64> { rest[c].iter().zip(&kernel).map(|(x, k)| x * k).collect() };
        for i in 0..number {
            let scaled = weighted(outcomes + i);
            for j in 0..number {
                squares[(i, j)] += dot(&scaled, &rest[outcomes + j]);
            }
            for j in 0..outcomes {
                products[(i, j)] += dot(&scaled, &rest[j]);
            }
        }
    }
    // Columns that do not vary near the cutoff get nothing.
    let inverse = squares.pseudo_inverse(1e-12).unwrap_or_else(|_| DMatrix::zeros(number, number));
    let gamma = inverse * products;
    (0..outcomes).map(|j| gamma.column(j).iter().copied().collect()).collect()
}

/// Σab.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let parts = a.chunks(256).zip(b.chunks(256));
    parts.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()).sum()
}
