//! Weighted least squares (STAT-008, STAT-021): columns are moved near to their means first, which changes nothing but the
//! constant and keeps the digits; then Householder's QR over blocks, or Cholesky's decomposition of X'WX where there are many
//! rows and the columns are far from following from each other. A column in doubt is decided with twice the digits.

use std::sync::atomic::{AtomicU64, Ordering};

use nalgebra::{DMatrix, DVector};

use super::columns::{self, Columns, Matrix, blocks, by_block, gram, tree};
use super::number::{Double, Number};
use super::qr::{Reduced, back, inverse, join, reduce, triangle};
use super::tile::combine;

/// A pivot above this is no question.
const CLEAR: f64 = 1e-9;
/// A pivot up to this cannot be told from the rounding of the numbers themselves.
const NOISE: f64 = 1e-13;
/// What a pivot must exceed in double-double arithmetic.
const DOUBLE: f64 = 1e-20;
/// From so many rows on X'WX is tried first.
const MANY: usize = 8192;
/// The least reciprocal condition of the scaled X'WX, and the least share of y that is unexplained, for which it is good enough.
const WELL: f64 = 1e-6;
/// Blocks that the means are estimated from: they need not be exact.
const SAMPLE: usize = 64;

/// The dependent variable: numbers less a pivot.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// By row, less the pivot.
    pub values: &'a [f64],
    /// What was taken off.
    pub pivot: f64,
}

/// A solved problem. `kept` columns are numbered as in the problem; vectors and matrices have an entry per kept column.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Columns that stay, in their order.
    pub kept: Vec<usize>,
    /// Columns that follow from earlier ones, or from the constant.
    pub omitted: Vec<usize>,
    /// Estimates.
    pub b: DVector<f64>,
    /// U with (X'WX)⁻¹ = UU'.
    pub factor: DMatrix<f64>,
    /// Σw(y − x'b)².
    pub rss: f64,
    /// Σw(x'b − ȳ)² where there is a constant, else Σw(x'b)².
    pub explained: f64,
    /// What each kept column adds to the explained sum of squares when columns enter in their order.
    pub steps: Vec<f64>,
    /// About which number each kept column was taken.
    shift: Vec<f64>,
    /// Estimates and R⁻¹ for the columns about these numbers.
    local: Vec<f64>,
    local_factor: DMatrix<f64>,
    /// Whether the first column is the constant.
    constant: bool,
    pivot: f64,
}

/// Solves min Σw(y − x'b)². Weights are 1 where there are none; each is that of its row, so a pattern's is its number of rows.
pub fn solve(x: &dyn Columns, y: Response<'_>, weights: Option<&[f64]>) -> Solution {
    let problem = Setting::of(x, y, weights);
    let first = problem.many().unwrap_or_else(|| problem.reduced::<f64>(NOISE, &[]));
    let doubtful = |pivot: &f64| *pivot > NOISE && *pivot <= CLEAR;
    if !first.pivots.iter().any(doubtful) {
        return problem.solution(first);
    }
    let dropped: Vec<usize> = (0..x.width()).filter(|j| first.pivots[*j] <= NOISE).collect();
    problem.solution(problem.reduced::<Double>(DOUBLE, &dropped))
}

/// A problem with what its columns are moved by.
struct Setting<'a> {
    x: &'a dyn Columns,
    y: Response<'a>,
    weights: Option<&'a [f64]>,
    shift: Vec<f64>,
    least: Vec<f64>,
}

impl<'a> Setting<'a> {
    fn of(x: &'a dyn Columns, y: Response<'a>, weights: Option<&'a [f64]>) -> Self {
        let width = x.width();
        if !x.constant() {
            return Self { x, y, weights, shift: vec![0.0; width], least: vec![0.0; width] };
        }
        let total = weights.map_or(x.len() as f64, |w| columns::sum(w.iter().copied()));
        let (mut shift, mut least) = (vec![0.0; width], vec![0.0; width]);
        let all = blocks(x.len());
        let step = all.len().div_ceil(SAMPLE).max(1);
        let mut seen = vec![Seen::default(); width];
        let mut block = Vec::new();
        for range in all.into_iter().step_by(step) {
            block.resize(range.len() * width, 0.0);
            x.fill(range.clone(), &mut block);
            for (seen, values) in seen.iter_mut().zip(block.chunks(range.len())) {
                for (i, value) in values.iter().enumerate() {
                    seen.take(*value, weights.map_or(1.0, |w| w[range.start + i]));
                }
            }
        }
        for j in 1..width {
            shift[j] = seen[j].middle();
            least[j] = 1e-14 * total.sqrt() * seen[j].low.abs().max(seen[j].high.abs());
        }
        Self { x, y, weights, shift, least }
    }

    /// The moved columns of a block and y, each times the root of the weight.
    fn block<T: Number>(&self, range: std::ops::Range<usize>, block: &[f64]) -> Vec<T> {
        let rows = range.len();
        let roots: Option<Vec<T>> = self.weights.map(|w| w[range.clone()].iter().map(|w| T::of(w.sqrt())).collect());
        let mut out = Vec::with_capacity(block.len() + rows);
        for (values, shift) in block.chunks(rows).zip(&self.shift) {
            out.extend(values.iter().map(|x| T::of(*x) - T::of(*shift)));
        }
        let offset = T::of(if self.x.constant() { 0.0 } else { self.y.pivot });
        out.extend(self.y.values[range].iter().map(|y| T::of(*y) + offset));
        if let Some(roots) = roots {
            for column in out.chunks_mut(rows) {
                column.iter_mut().zip(&roots).for_each(|(x, root)| *x = *x * *root);
            }
        }
        out
    }

    fn reduced<T: Number>(&self, limit: f64, dropped: &[usize]) -> Reduced<T> {
        let width = self.x.width() + 1;
        let parts = by_block(self.x, |range, block| triangle(self.block::<T>(range.clone(), block), range.len()));
        let whole = tree(parts, |a, b| join(&a, &b, width)).unwrap_or_else(|| vec![T::of(0.0); width * width]);
        reduce(&whole, width, self.x.constant(), limit, &self.least, dropped)
    }

    /// By X'WX, where there are many rows and it is well conditioned.
    fn many(&self) -> Option<Reduced<f64>> {
        if self.x.len() < MANY {
            return None;
        }
        let width = self.x.width() + 1;
        let work = |range: std::ops::Range<usize>, block: &mut [f64]| {
            for (values, shift) in block.chunks_mut(range.len()).zip(&self.shift) {
                values.iter_mut().for_each(|x| *x -= shift);
            }
            let offset = if self.x.constant() { 0.0 } else { self.y.pivot };
            let rows = range.len();
            let y: Vec<f64> = self.y.values[range.clone()].iter().map(|y| y + offset).collect();
            let column = |j: usize| block.get(j * rows..(j + 1) * rows).unwrap_or(&y);
            columns::gram_of(width, rows, column, self.weights.map(|w| &w[range.clone()]))
        };
        let whole = DMatrix::from_vec(width, width, tree(by_block(self.x, work), columns::add)?);
        let size = width - 1;
        let factor = whole.view((0, 0), (size, size)).into_owned().cholesky()?.unpack();
        let along = factor.solve_lower_triangular(&whole.view((0, size), (size, 1)).column(0).into_owned())?;
        let total = whole[(size, size)];
        let rest = total - along.norm_squared();
        let from = usize::from(self.x.constant());
        // Where there is nothing to explain, nothing is left.
        if total > 0.0 && rest < WELL * (rest + along.rows(from, size - from).norm_squared()) {
            return None;
        }
        let mut r = DMatrix::zeros(width, width);
        r.view_mut((0, 0), (size, size)).tr_copy_from(&factor);
        r.view_mut((0, size), (size, 1)).copy_from(&along);
        r[(size, size)] = rest.max(0.0).sqrt();
        let mut scaled = r.view((from, from), (size - from, size - from)).into_owned();
        for (mut column, least) in scaled.column_iter_mut().zip(&self.least[from..]) {
            let norm = column.norm();
            if norm <= *least {
                return None;
            }
            column /= norm;
        }
        if scaled.ncols() > 0 {
            let values = (scaled.transpose() * &scaled).symmetric_eigenvalues();
            if values.min() < WELL * values.max() {
                return None;
            }
        }
        Some(reduce(r.as_slice(), width, self.x.constant(), NOISE, &self.least, &[]))
    }

    fn solution<T: Number>(&self, reduced: Reduced<T>) -> Solution {
        let Reduced { kept, r, along, rest, .. } = reduced;
        let size = kept.len();
        let constant = self.x.constant() && kept.first() == Some(&0);
        let shift: Vec<f64> = kept.iter().map(|j| self.shift[*j]).collect();
        let local = back(&r, &along);
        let local_factor = inverse(&r, size);
        let (mut b, mut factor) = (local.clone(), local_factor.clone());
        if constant {
            for i in 1..size {
                let by = T::of(-shift[i]);
                b[0] = b[0] + by * b[i];
                for column in factor.chunks_mut(size) {
                    column[0] = column[0] + by * column[i];
                }
            }
            b[0] = b[0] + T::of(self.y.pivot);
        }
        let steps: Vec<f64> = along.iter().map(|q| q.value().powi(2)).collect();
        let values = |all: &[T]| all.iter().map(|x| x.value()).collect::<Vec<f64>>();
        Solution {
            omitted: (0..self.x.width()).filter(|j| !kept.contains(j)).collect(),
            kept,
            b: DVector::from_vec(values(&b)),
            factor: DMatrix::from_vec(size, size, values(&factor)),
            rss: rest.value(),
            explained: columns::sum(steps[usize::from(constant)..].iter().copied()),
            steps,
            shift,
            local: values(&local),
            local_factor: DMatrix::from_vec(size, size, values(&local_factor)),
            constant,
            pivot: self.y.pivot,
        }
    }
}

/// What is seen of a column.
#[derive(Clone)]
struct Seen {
    low: f64,
    high: f64,
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Default for Seen {
    fn default() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, weight: 0.0, mean: 0.0, squares: 0.0 }
    }
}

impl Seen {
    fn take(&mut self, x: f64, weight: f64) {
        self.low = self.low.min(x);
        self.high = self.high.max(x);
        self.weight += weight;
        if self.weight > 0.0 {
            let off = x - self.mean;
            self.mean += off * weight / self.weight;
            self.squares += weight * off * (x - self.mean);
        }
    }

    /// The mean, with few digits beyond the spread, so that taking it off rounds nothing.
    fn middle(&self) -> f64 {
        if self.low == self.high {
            return self.low;
        }
        let spread = (self.squares / self.weight.max(f64::MIN_POSITIVE)).sqrt();
        let grid = (spread.log2().floor() - 6.0).exp2();
        let middle = (self.mean / grid).round() * grid;
        if middle.is_finite() { middle } else { 0.0 }
    }
}

/// The kept columns, less what each is moved by.
struct Moved<'a> {
    x: &'a dyn Columns,
    solution: &'a Solution,
}

impl Columns for Moved<'_> {
    fn len(&self) -> usize {
        self.x.len()
    }
    fn width(&self) -> usize {
        self.solution.kept.len()
    }
    fn constant(&self) -> bool {
        self.solution.constant
    }
    fn fill(&self, range: std::ops::Range<usize>, out: &mut [f64]) {
        let rows = range.len();
        if self.solution.omitted.is_empty() {
            self.x.fill(range, out);
        } else {
            let mut all = vec![0.0; rows * self.x.width()];
            self.x.fill(range, &mut all);
            for (out, j) in out.chunks_mut(rows).zip(&self.solution.kept) {
                out.copy_from_slice(&all[j * rows..(j + 1) * rows]);
            }
        }
        for (out, shift) in out.chunks_mut(rows).zip(&self.solution.shift) {
            out.iter_mut().for_each(|x| *x -= shift);
        }
    }
}

impl Solution {
    /// Number of kept columns.
    pub fn size(&self) -> usize {
        self.kept.len()
    }

    /// (X'WX)⁻¹.
    pub fn inverse(&self) -> DMatrix<f64> {
        &self.factor * self.factor.transpose()
    }

    /// The estimate of a column of the problem; 0 where it is left out.
    pub fn of_column(&self, column: usize) -> f64 {
        self.kept.iter().position(|j| *j == column).map_or(0.0, |i| self.b[i])
    }

    /// The same for the problem of the kept columns alone.
    #[must_use]
    pub fn without_omitted(mut self) -> Self {
        self.kept = (0..self.kept.len()).collect();
        self.omitted.clear();
        self
    }

    fn moved<'a>(&'a self, x: &'a dyn Columns) -> Moved<'a> {
        Moved { x, solution: self }
    }

    /// x'b by row, less `pivot`.
    pub fn predicted(&self, x: &dyn Columns, pivot: f64) -> Vec<f64> {
        let start = if self.constant { self.pivot - pivot } else { -pivot };
        let parts = by_block(&self.moved(x), |range, block| {
            let mut out = vec![start; range.len()];
            for (column, b) in block.chunks(range.len()).zip(&self.local) {
                f64::add_multiple(&mut out, *b, column);
            }
            out
        });
        parts.concat()
    }

    /// y − x'b by row.
    pub fn residuals(&self, x: &dyn Columns, y: Response<'_>) -> Vec<f64> {
        let mut out = self.predicted(x, y.pivot);
        out.iter_mut().zip(y.values).for_each(|(out, y)| *out = y - *out);
        out
    }

    /// The columns turned so that Z'WZ is the identity: Z spans what X does.
    pub fn rotated(&self, x: &dyn Columns) -> Vec<Vec<f64>> {
        let moved = self.moved(x);
        let parts = by_block(&moved, |range, block| rotated(block, range.len(), &self.local_factor));
        let mut out = vec![Vec::with_capacity(x.len()); self.size()];
        for part in parts {
            let rows = part.len().checked_div(self.size()).unwrap_or_default();
            out.iter_mut().zip(part.chunks(rows.max(1))).for_each(|(out, part)| out.extend_from_slice(part));
        }
        out
    }

    /// x'(X'WX)⁻¹x by row.
    pub fn leverage(&self, x: &dyn Columns) -> Vec<f64> {
        let parts = by_block(&self.moved(x), |range, block| {
            norms(&rotated(block, range.len(), &self.local_factor), range.len())
        });
        parts.concat()
    }

    /// By row and kept column: the column with the others taken out of it, as a share of its sum of squares (κ of one row of weight
    /// 1). `work` gets the range of rows, their leverages and these shares, one column after the other.
    pub fn shares<A: Send>(
        &self,
        x: &dyn Columns,
        work: impl Fn(std::ops::Range<usize>, &[f64], &[f64]) -> A + Sync,
    ) -> Vec<A> {
        let rotation = self.rotation();
        by_block(&self.moved(x), |range, block| {
            let z = rotated(block, range.len(), &self.local_factor);
            let leverage = norms(&z, range.len());
            let mut shares = rotated(&z, range.len(), &rotation);
            shares.iter_mut().for_each(|x| *x *= *x);
            work(range, &leverage, &shares)
        })
    }

    /// The largest of the leverages, and of the shares of each kept column, times what a row weighs where that is given. No share is
    /// above the leverage of its row, and no leverage above a bound that costs less to know: rows that are below all that was found
    /// so far are not looked at further.
    pub fn largest(&self, x: &dyn Columns, unit: Option<&[f64]>) -> (f64, Vec<f64>) {
        let rotation = self.rotation();
        let bound = self.bound();
        let bound = &bound;
        // Of the leverage, then of the shares. Bits of numbers that are not negative ascend as the numbers do.
        let found: Vec<AtomicU64> = (0..=self.size()).map(|_| AtomicU64::new(0)).collect();
        let told = |found: &AtomicU64| f64::from_bits(found.load(Ordering::Relaxed));
        let pick = |columns: &[f64], rows: usize, some: &[usize]| -> Vec<f64> {
            columns.chunks(rows).flat_map(|column| some.iter().map(|i| column[*i])).collect()
        };
        by_block(&self.moved(x), |range, block| {
            let rows = range.len();
            let weight = |i: usize| unit.map_or(1.0, |unit| unit[range.start + i]);
            let least = || found.iter().map(told).fold(f64::INFINITY, f64::min);
            let mut most = vec![0.0; rows];
            for (column, factor) in block.chunks(rows).zip(bound) {
                most.iter_mut().zip(column).for_each(|(most, x)| *most += factor * (x * x));
            }
            let some: Vec<usize> = {
                let least = least();
                (0..rows).filter(|i| !below(most[*i] * weight(*i), least)).collect()
            };
            if some.is_empty() {
                return;
            }
            let z = rotated(&pick(block, rows, &some), some.len(), &self.local_factor);
            let leverage = norms(&z, some.len());
            let leverage: Vec<f64> = leverage.iter().zip(&some).map(|(h, i)| h * weight(*i)).collect();
            let largest = leverage.iter().copied().fold(0.0, f64::max);
            found[0].fetch_max(largest.to_bits(), Ordering::Relaxed);
            let least = least();
            let high: Vec<usize> = (0..some.len()).filter(|i| !below(leverage[*i], least)).collect();
            if !high.is_empty() {
                let turned = rotated(&pick(&z, some.len(), &high), high.len(), &rotation);
                for (turned, found) in turned.chunks(high.len()).zip(&found[1..]) {
                    let shares = turned.iter().zip(&high).map(|(x, i)| x * x * weight(some[*i]));
                    found.fetch_max(shares.fold(0.0, f64::max).to_bits(), Ordering::Relaxed);
                }
            }
        });
        let found: Vec<f64> = found.iter().map(told).collect();
        (found[0], found[1..].to_vec())
    }

    /// Factors of the squares of the moved columns in a bound of the leverage: with d² the diagonal of (X'WX)⁻¹ and λ the largest
    /// eigenvalue of that matrix in units of d, x'(X'WX)⁻¹x ≤ λ Σ (dx)².
    fn bound(&self) -> Vec<f64> {
        let inverse = &self.local_factor * self.local_factor.transpose();
        let d: Vec<f64> = inverse.diagonal().iter().map(|x| x.sqrt()).collect();
        let scaled = DMatrix::from_fn(d.len(), d.len(), |i, j| inverse[(i, j)] / (d[i] * d[j]));
        let largest = if d.is_empty() { 0.0 } else { scaled.symmetric_eigenvalues().max() };
        d.iter().map(|d| largest * d * d * (1.0 + CLEAR)).collect()
    }

    /// What turns Z of [`Solution::rotated`] so that each column is the kept one with the others taken out of it, in units of its norm.
    fn rotation(&self) -> DMatrix<f64> {
        let mut rotation = self.factor.transpose();
        for mut column in rotation.column_iter_mut() {
            let norm = column.norm();
            column /= norm;
        }
        rotation
    }

    /// (X'WX)⁻¹ M (X'WX)⁻¹ with M = Σ wᵢxᵢxᵢ', `weights` by row.
    pub fn sandwich(&self, x: &dyn Columns, weights: &[f64]) -> DMatrix<f64> {
        let work = |range: std::ops::Range<usize>, block: &mut [f64]| gram(block, range.len(), Some(&weights[range]));
        let size = self.size();
        let meat = tree(by_block(&self.moved(x), work), columns::add).unwrap_or_else(|| vec![0.0; size * size]);
        self.between(&DMatrix::from_vec(size, size, meat))
    }

    /// (X'WX)⁻¹ M (X'WX)⁻¹ with M = Σ over clusters of ss', s = Σ xᵢeᵢ in the cluster. `scores` are the eᵢ by row, `clusters` the
    /// numbers of the clusters, from 0 and below `count`.
    pub fn clustered(&self, x: &dyn Columns, scores: &[f64], clusters: &[u32], count: usize) -> DMatrix<f64> {
        let sums = cluster_sums(&self.moved(x), scores, clusters, count);
        let size = self.size();
        let work = |range: std::ops::Range<usize>, block: &mut [f64]| gram(block, range.len(), None);
        let meat = tree(by_block(&sums, work), columns::add).unwrap_or_else(|| vec![0.0; size * size]);
        self.between(&DMatrix::from_vec(size, size, meat))
    }

    fn between(&self, meat: &DMatrix<f64>) -> DMatrix<f64> {
        let inner = self.local_factor.transpose() * meat * &self.local_factor;
        let out = &self.factor * inner * self.factor.transpose();
        (&out + out.transpose()) * 0.5
    }
}

/// Whether a number is clearly not above another; what is no number is not.
fn below(x: f64, other: f64) -> bool {
    x * (1.0 + CLEAR) <= other
}

/// Σz² of each row of a block.
fn norms(z: &[f64], rows: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows];
    for z in z.chunks(rows.max(1)) {
        out.iter_mut().zip(z).for_each(|(out, z)| *out += z * z);
    }
    out
}

/// Z = XF of a block, column by column; F may be any square matrix, and zeros at the ends of its columns cost nothing.
fn rotated(block: &[f64], rows: usize, factor: &DMatrix<f64>) -> Vec<f64> {
    let mut out = vec![0.0; rows * factor.ncols()];
    for (out, column) in out.chunks_mut(rows).zip(factor.column_iter()) {
        let factors: Vec<f64> = column.iter().copied().collect();
        let first = factors.iter().position(|f| *f != 0.0).unwrap_or_default();
        let end = factors.iter().rposition(|f| *f != 0.0).map_or(first, |last| last + 1);
        combine(out, &factors[first..end], |j| &block[(first + j) * rows..(first + j + 1) * rows]);
    }
    out
}

/// Σ xᵢeᵢ by cluster, as columns over clusters. Rows are added in their order within a few fixed parts.
pub fn cluster_sums(x: &dyn Columns, scores: &[f64], clusters: &[u32], count: usize) -> Matrix {
    use rayon::prelude::*;
    let width = x.width();
    // Parts are fixed by the size of the problem alone.
    let parts = if count * width <= 1 << 18 { 8 } else { 1 };
    let all = blocks(x.len());
    let size = all.len().div_ceil(parts).max(1);
    let sums: Vec<Vec<f64>> = all
        .par_chunks(size)
        .map(|ranges| {
            let mut sums = vec![0.0; count * width];
            let mut block = Vec::new();
            for range in ranges {
                block.resize(range.len() * width, 0.0);
                x.fill(range.clone(), &mut block);
                for (sums, column) in sums.chunks_mut(count).zip(block.chunks(range.len())) {
                    for ((x, e), g) in column.iter().zip(&scores[range.clone()]).zip(&clusters[range.clone()]) {
                        sums[*g as usize] += x * e;
                    }
                }
            }
            sums
        })
        .collect();
    let sums = tree(sums, columns::add).unwrap_or_else(|| vec![0.0; count * width]);
    Matrix { columns: sums.chunks(count.max(1)).map(<[f64]>::to_vec).collect(), constant: false }
}

#[cfg(test)]
#[path = "solve_tests.rs"]
mod tests;
