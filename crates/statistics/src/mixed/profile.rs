//! The restricted likelihood with the coefficients and the residual variance taken out, and its maximum over what is left.
//!
//! Source: Bates, Mächler, Bolker and Walker, Fitting Linear Mixed-Effects Models Using lme4, JSS 67 (2015), section 3.4: twice the
//! negative logarithm is (n−k)(1 + ln(2πr²/(n−k))) + ln|V| + ln|X'V⁻¹X|, r² the sum of squares that V⁻¹ weighs.

use std::f64::consts::PI;

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use super::structure::Structure;
use crate::problem::Problem;

/// Iterations until a fit is given up.
const ITERATIONS: usize = 100;

/// A root of a variance ratio below this may be 0.
const NEAR_ZERO: f64 = 1e-3;

/// The restricted likelihood of a structure.
pub(super) struct Profile<'a> {
    /// The structure.
    pub structure: &'a Structure,
    /// [X y]'[X y].
    pub whole: &'a DMatrix<f64>,
    /// Rows.
    pub n: f64,
}

/// What it is at some parameters.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// The parameters.
    pub theta: Vec<f64>,
    /// The restricted log-likelihood.
    pub value: f64,
    /// Its gradient.
    gradient: DVector<f64>,
    /// Coefficients.
    pub b: DVector<f64>,
    /// (X'V⁻¹X)⁻¹.
    pub inverse: DMatrix<f64>,
    /// Residual variance r²/(n−k).
    pub variance: f64,
}

impl Profile<'_> {
    /// The likelihood at some parameters; none where it has no value.
    fn at(&self, theta: &[f64]) -> Option<Point> {
        let parts = self.structure.parts(theta, self.whole);
        let k = self.whole.nrows() - 1;
        let root = Cholesky::new(parts.q.view((0, 0), (k, k)).into_owned())?;
        let along = parts.q.view((0, k), (k, 1)).into_owned();
        let b = root.solve(&along).column(0).into_owned();
        let squares = parts.q[(k, k)] - along.column(0).dot(&b);
        let inverse = root.inverse();
        let free = self.n - k as f64;
        let log: f64 = (0..k).map(|j| 2.0 * root.l_dirty()[(j, j)].ln()).sum();
        let value = -0.5 * (free * (1.0 + (2.0 * PI * squares / free).ln()) + parts.log + log);
        // The derivative of r² is v'Q'v with v = (−b, 1).
        let mut v = b.map(|b| -b).insert_row(k, 0.0);
        v[k] = 1.0;
        let slope = |(q, log): (&DMatrix<f64>, &f64)| {
            let of_x: f64 = inverse.component_mul(&q.view((0, 0), (k, k))).sum();
            -0.5 * (log + of_x + free * (q * &v).dot(&v) / squares)
        };
        let gradient: Vec<f64> = parts.slopes.iter().zip(&parts.logs).map(slope).collect();
        (value.is_finite() && squares > 0.0).then(|| Point {
            theta: theta.to_vec(),
            value,
            gradient: DVector::from_vec(gradient),
            b,
            inverse,
            variance: squares / free,
        })
    }

    /// The maximum. Roots of variance ratios start at 1; one that goes to 0 is 0 when the likelihood falls from there.
    ///
    /// # Errors
    /// `E_NO_CONVERGENCE`, `E_STOPPED`.
    pub fn maximum(&self, stopped: &dyn Fn(usize) -> bool) -> Result<Point, Problem> {
        let start = if self.structure.is_root() { vec![1.0; self.structure.parameters()] } else { vec![1.0, 0.0, 1.0] };
        let mut free = vec![true; start.len()];
        let mut point = self.climb(start, &free, stopped)?;
        if !self.structure.is_root() {
            return Ok(point);
        }
        for j in 0..free.len() {
            if point.theta[j].abs() < NEAR_ZERO {
                let mut theta = point.theta.clone();
                theta[j] = 0.0;
                let there = self.at(&theta).ok_or_else(|| Problem::new("E_NO_CONVERGENCE"))?;
                if there.value >= point.value - 1e-9 {
                    free[j] = false;
                    point = self.climb(theta, &free, stopped)?;
                }
            }
        }
        point.theta.iter_mut().for_each(|t| *t = t.abs());
        Ok(point)
    }

    /// Newton's method on the free parameters, the second derivatives by differences of the gradient.
    fn climb(&self, start: Vec<f64>, free: &[bool], stopped: &dyn Fn(usize) -> bool) -> Result<Point, Problem> {
        let lost = || Problem::new("E_NO_CONVERGENCE");
        let mut now = self.at(&start).ok_or_else(lost)?;
        let mut change = f64::INFINITY;
        for number in 0..ITERATIONS {
            if stopped(number) {
                return Err(Problem::new("E_STOPPED"));
            }
            let gradient = DVector::from_fn(start.len(), |j, _| if free[j] { now.gradient[j] } else { 0.0 });
            if change < 1e-10 && gradient.amax() < 1e-6 {
                return Ok(now);
            }
            let step = self.step(&now, &gradient, free).ok_or_else(lost)?;
            // At most nearly as far as 0, where the gradient of a root vanishes whether or not it is a maximum.
            let size = now.theta.iter().fold(0.0_f64, |most, t| most.max(t.abs())).max(1e-3);
            let rise = gradient.dot(&step);
            let mut length = (0.9 * size / step.amax().max(1e-300)).min(1.0);
            let mut next = None;
            for _ in 0..40 {
                let theta: Vec<f64> = now.theta.iter().zip(step.iter()).map(|(t, s)| t + length * s).collect();
                let enough = now.value + 1e-4 * length * rise - 1e-12 * now.value.abs();
                next = self.at(&theta).filter(|p| p.value >= enough);
                if next.is_some() {
                    break;
                }
                length *= 0.5;
            }
            let next = next.ok_or_else(lost)?;
            change = (next.value - now.value).abs();
            now = next;
        }
        Err(lost())
    }

    fn step(&self, now: &Point, gradient: &DVector<f64>, free: &[bool]) -> Option<DVector<f64>> {
        let d = free.len();
        let mut bend = DMatrix::identity(d, d);
        for j in (0..d).filter(|j| free[*j]) {
            let by = 1e-5 * now.theta[j].abs().max(1e-2);
            let moved = |by: f64| {
                let mut theta = now.theta.clone();
                theta[j] += by;
                self.at(&theta)
            };
            let difference = (moved(by)?.gradient - moved(-by)?.gradient) / (2.0 * by);
            (0..d).filter(|i| free[*i]).for_each(|i| bend[(i, j)] = -difference[i]);
        }
        let eigen = SymmetricEigen::new(0.5 * (&bend + bend.transpose()));
        // Uphill whatever the curvature.
        let least = 1e-8 * eigen.eigenvalues.amax().max(1e-8);
        let along = eigen.eigenvectors.tr_mul(gradient);
        let scaled = DVector::from_fn(d, |j, _| along[j] / eigen.eigenvalues[j].abs().max(least));
        Some(eigen.eigenvectors * scaled)
    }
}
