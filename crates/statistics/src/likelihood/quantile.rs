//! `quantile-regression` (STAT-365): minimises Σρ_τ(y − x'b) exactly, ρ_τ(r) = r(τ − [r < 0]).
//!
//! Source: Koenker and Bassett, Regression Quantiles, Econometrica 46 (1978); Bloomfield and Steiger, Least Absolute Deviations
//! (1983). A solution passes through k rows, the basis. From a basis near least squares each step leaves one of its rows along
//! the edge that falls most, up to the row where the sum no longer falls, until no edge falls. Rows that lie on the same
//! hyperplane are told apart by shifts of y far below its digits; the coefficients come from y itself.

use nalgebra::{DMatrix, DVector};

use super::Model;
use super::finish::influence;
use super::sample::Sample;
use crate::design::Term;
use crate::fit::Fit;
use crate::linear::model::{estimates, notices};
use crate::problem::Problem;
use crate::rows::Rows;

/// Steps until a fit is given up.
const STEPS: usize = 20_000;

/// A quantile regression.
#[derive(Clone, PartialEq, Debug)]
pub struct QuantileModel {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// The share of outcomes below, between 0 and 1.
    pub tau: f64,
}

/// Fits a quantile regression. Estimates have no errors: those are not numbers.
///
/// # Errors
/// `E_NO_RESIDUAL_DF`, `E_NO_CONVERGENCE`, and those of reading a sample.
pub fn quantile_regression(rows: &dyn Rows, asked: &QuantileModel) -> Result<Fit, Problem> {
    let model = Model { constant: asked.constant, ..Model::new(asked.y, asked.terms.clone()) };
    let sample = Sample::read(rows, &model, None)?;
    let k = sample.k();
    if sample.n <= k as f64 {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    let scaled = Edges::of(&sample, asked.tau).walk(&|| rows.stopped())?;
    let b = sample.back() * scaled;
    let unknown = DMatrix::from_element(k, k, f64::NAN);
    let (estimates, covariance) = estimates(&sample.design, &model.terms, &b, &unknown);
    Ok(Fit {
        estimates,
        covariance,
        residual_df: None,
        n: sample.n,
        scalars: vec![("n", sample.n), ("tau", asked.tau)],
        tests: Vec::new(),
        margins: Vec::new(),
        omitted: sample.omitted.clone(),
        notices: notices(&sample.omitted),
        influence: influence(&sample, &model, &vec![1.0; sample.cells.len()]),
        clusters: None,
    })
}

/// The edges from basis to basis.
struct Edges<'a> {
    sample: &'a Sample,
    tau: f64,
    /// y with the shifts that tell rows apart.
    y: Vec<f64>,
    /// The shifted and scaled columns, row by row.
    x: Vec<f64>,
}

impl<'a> Edges<'a> {
    fn of(sample: &'a Sample, tau: f64) -> Self {
        let y = &sample.cells.y;
        let width = y.iter().map(|v| (v - y[0]).abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        // Multiples of the golden ratio fill an interval evenly.
        let shift = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract() - 0.5;
        let y = y.iter().enumerate().map(|(i, v)| v + 1e-10 * width * shift(i)).collect();
        let mut x = Vec::with_capacity(sample.k() * sample.cells.len());
        sample.cells.each(0..sample.cells.len(), |_, row| x.extend_from_slice(row));
        Self { sample, tau, y, x }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.sample.k()..(i + 1) * self.sample.k()]
    }

    fn x(&self, i: usize) -> DVector<f64> {
        DVector::from_column_slice(self.row(i))
    }

    fn dot(&self, i: usize, b: &DVector<f64>) -> f64 {
        self.row(i).iter().zip(b.iter()).map(|(x, b)| x * b).sum()
    }

    /// The k rows nearest to least squares whose covariates are independent.
    fn start(&self) -> Option<Vec<usize>> {
        let (cells, k) = (&self.sample.cells, self.sample.k());
        let (mut squares, mut along) = (DMatrix::zeros(k, k), DVector::zeros(k));
        for i in 0..cells.len() {
            let x = self.x(i);
            squares.ger(cells.weight[i], &x, &x, 1.0);
            along.axpy(cells.weight[i] * self.y[i], &x, 1.0);
        }
        let b = squares.cholesky()?.solve(&along);
        let mut order: Vec<usize> = (0..cells.len()).collect();
        let off: Vec<f64> = order.iter().map(|i| (self.y[*i] - self.dot(*i, &b)).abs()).collect();
        order.sort_by(|a, b| off[*a].total_cmp(&off[*b]));
        let (mut basis, mut orthogonal): (Vec<usize>, Vec<DVector<f64>>) = (Vec::new(), Vec::new());
        for i in order {
            let x = self.x(i);
            let mut rest = x.clone();
            for q in orthogonal.iter().chain(&orthogonal) {
                let share = q.dot(&rest);
                rest.axpy(-share, q, 1.0);
            }
            if rest.norm() > 1e-7 * x.norm() {
                orthogonal.push(rest.normalize());
                basis.push(i);
            }
            if basis.len() == k {
                return Some(basis);
            }
        }
        None
    }

    /// Walks to the minimum; gives the coefficients of the shifted and scaled columns.
    fn walk(&self, stopped: &dyn Fn() -> bool) -> Result<DVector<f64>, Problem> {
        let lost = || Problem::new("E_NO_CONVERGENCE");
        let (cells, k) = (&self.sample.cells, self.sample.k());
        let mut basis = self.start().ok_or_else(lost)?;
        let largest = cells.weight.iter().copied().fold(0.0, f64::max);
        for _ in 0..STEPS {
            if stopped() {
                return Err(Problem::new("E_STOPPED"));
            }
            let matrix = DMatrix::from_fn(k, k, |i, j| self.row(basis[i])[j]);
            let inverse = matrix.try_inverse().ok_or_else(lost)?;
            let through = |y: &[f64]| &inverse * DVector::from_fn(k, |i, _| y[basis[i]]);
            let b = through(&self.y);
            let mut rest: Vec<f64> = (0..cells.len()).map(|i| self.y[i] - self.dot(i, &b)).collect();
            basis.iter().for_each(|i| rest[*i] = 0.0);
            let mut pull = DVector::zeros(k);
            for (i, r) in rest.iter().enumerate().filter(|(_, r)| **r != 0.0) {
                let side = if *r > 0.0 { self.tau } else { self.tau - 1.0 };
                pull.axpy(cells.weight[i] * side, &self.x(i), 1.0);
            }
            let pulls = inverse.tr_mul(&pull);
            // Leaving row j upwards (its rest turns negative) or downwards.
            let mut best = (-1e-9 * largest, None);
            for j in 0..k {
                let weight = cells.weight[basis[j]];
                for (sign, own) in [(1.0, 1.0 - self.tau), (-1.0, self.tau)] {
                    let slope = weight * own - sign * pulls[j];
                    if slope < best.0 {
                        best = (slope, Some((j, sign)));
                    }
                }
            }
            let (slope, Some((leaves, sign))) = best else {
                return Ok(through(&cells.y));
            };
            let edge = inverse.column(leaves) * sign;
            basis[leaves] = self.enters(&rest, &edge, slope, &basis).ok_or_else(lost)?;
        }
        Err(lost())
    }

    /// The row along an edge at which the sum no longer falls.
    fn enters(&self, rest: &[f64], edge: &DVector<f64>, mut slope: f64, basis: &[usize]) -> Option<usize> {
        let mut turns = Vec::new();
        for (i, r) in rest.iter().enumerate() {
            let by = self.dot(i, edge);
            if r / by > 0.0 && by.abs() > 1e-12 && !basis.contains(&i) {
                turns.push((r / by, i, by.abs()));
            }
        }
        turns.sort_by(|a, b| a.0.total_cmp(&b.0));
        turns.into_iter().find_map(|(_, i, by)| {
            slope += self.sample.cells.weight[i] * by;
            (slope >= 0.0).then_some(i)
        })
    }
}
