//! Newton's method for log-likelihoods of weighted observations (section 5): step halving, the rule of convergence, and the
//! signs of a maximum that does not exist (STAT-212).
//!
//! A likelihood is a function of a few linear indices x'b and of parameters without columns (ln α, cut points), so it states
//! its first and second derivatives in those alone; here they are multiplied out by x.

use std::ops::Range;

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use super::cells::{Cells, LEAF, tree};

/// Iterations until a fit is given up.
const ITERATIONS: usize = 100;

/// Halvings of a step.
const HALVINGS: usize = 20;

/// A linear index beyond this, while the gradient is still falling, means that the maximum may lie at infinity.
const STRAIN: f64 = 30.0;

/// How far away it is looked whether it does, in units of the index.
const FAR: f64 = 1e4;

/// Iterations beyond [`STRAIN`] until that is believed: a first step may be too long.
const PATIENCE: usize = 3;

/// The log-likelihood of one observation.
pub(crate) trait Likelihood: Sync {
    /// What is computed once for given parameters without columns.
    type Context: Sync;

    /// Number of linear indices.
    fn equations(&self) -> usize;

    /// What [`Self::at`] needs of the parameters without columns.
    fn context(&self, scalars: &[f64]) -> Self::Context;

    /// ln f(y) where `u` holds the linear indices and then the parameters without columns. First derivatives go to `g`, negative
    /// second ones to `h` row by row. Outside the domain −∞.
    fn at(&self, context: &Self::Context, y: f64, u: &[f64], g: &mut [f64], h: &mut [f64]) -> f64;

    /// How near an observation is to certainty; beyond [`STRAIN`] it is looked whether the maximum lies at infinity. None where the
    /// likelihood has no such limit.
    fn strain(&self, indices: &[f64]) -> Option<f64> {
        indices.iter().map(|u| u.abs()).reduce(f64::max)
    }
}

/// Log-likelihood, gradient and a matrix of second order at some parameters.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    /// Log-likelihood.
    pub value: f64,
    /// Its gradient.
    pub gradient: Vec<f64>,
    /// Negative second derivatives, or products of scores; row by row, made symmetric at the end.
    pub matrix: Vec<f64>,
    /// The largest strain.
    strain: f64,
}

impl Sums {
    fn zero(p: usize) -> Self {
        Self { value: 0.0, gradient: vec![0.0; p], matrix: vec![0.0; p * p], strain: 0.0 }
    }

    fn plus(mut self, other: Self) -> Self {
        self.value += other.value;
        self.gradient.iter_mut().zip(other.gradient).for_each(|(a, b)| *a += b);
        self.matrix.iter_mut().zip(other.matrix).for_each(|(a, b)| *a += b);
        self.strain = self.strain.max(other.strain);
        self
    }

    /// The matrix as one.
    pub fn square(&self) -> DMatrix<f64> {
        let p = self.gradient.len();
        DMatrix::from_row_slice(p, p, &self.matrix)
    }
}

/// What the matrix of [`Sums`] holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// Negative second derivatives: the observed information.
    Information,
    /// Products of scores.
    Scores,
}

/// Log-likelihood, gradient and matrix over all observations.
pub(crate) fn sums<L: Likelihood>(likelihood: &L, cells: &Cells, parameters: &[f64], order: Order) -> Sums {
    let (equations, k, p) = (likelihood.equations(), cells.k, parameters.len());
    let first = equations * k;
    let context = likelihood.context(&parameters[first..]);
    let q = equations + p - first;
    let leaf = |range: Range<usize>| {
        let mut all = Sums::zero(p);
        let (mut u, mut g, mut h) = (vec![0.0; q], vec![0.0; q], vec![0.0; q * q]);
        u[equations..].copy_from_slice(&parameters[first..]);
        cells.each(range, |i, x| {
            cells.indices(i, x, parameters, equations, &mut u);
            let weight = cells.weight[i];
            all.value += weight * likelihood.at(&context, cells.y[i], &u, &mut g, &mut h);
            all.strain = all.strain.max(likelihood.strain(&u[..equations]).unwrap_or(0.0));
            if order == Order::Scores {
                (0..q * q).for_each(|at| h[at] = g[at / q] * g[at % q]);
            }
            for e in 0..equations {
                add(&mut all.gradient[e * k..(e + 1) * k], x, weight * g[e]);
                for f in e..equations {
                    product(&mut all.matrix, p, (e * k, f * k), x, weight * h[e * q + f]);
                }
                for s in equations..q {
                    let column = first + s - equations;
                    x.iter().enumerate().for_each(|(a, x)| {
                        all.matrix[(e * k + a) * p + column] += weight * h[e * q + s] * x;
                    });
                }
            }
            for s in equations..q {
                let row = first + s - equations;
                all.gradient[row] += weight * g[s];
                for t in s..q {
                    all.matrix[row * p + first + t - equations] += weight * h[s * q + t];
                }
            }
        });
        all
    };
    // Adding two matrices is to be little beside what goes into them.
    let mut all = tree(0..cells.len(), LEAF.max(p * p / 16), &leaf, &Sums::plus);
    mirror(&mut all.matrix, p, equations, k);
    all
}

/// `out += factor * x`.
fn add(out: &mut [f64], x: &[f64], factor: f64) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out += factor * x);
}

/// Adds `factor * x x'` at a place of the matrix, its upper triangle only.
fn product(matrix: &mut [f64], p: usize, (row, column): (usize, usize), x: &[f64], factor: f64) {
    for (a, value) in x.iter().enumerate() {
        let scaled = factor * value;
        if scaled != 0.0 {
            let start = (row + a) * p + column;
            add(&mut matrix[start + a..start + x.len()], &x[a..], scaled);
        }
    }
}

/// Fills the lower triangles of the blocks of equations, then of the whole.
fn mirror(matrix: &mut [f64], p: usize, equations: usize, k: usize) {
    for (e, f) in (0..equations).flat_map(|e| (e + 1..equations).map(move |f| (e, f))) {
        for (a, b) in (0..k).flat_map(|a| (0..a).map(move |b| (a, b))) {
            matrix[(e * k + a) * p + f * k + b] = matrix[(e * k + b) * p + f * k + a];
        }
    }
    for (a, b) in (0..p).flat_map(|a| (0..a).map(move |b| (a, b))) {
        matrix[a * p + b] = matrix[b * p + a];
    }
}

/// A maximum.
#[derive(Clone, Debug)]
pub(crate) struct Optimum {
    /// The parameters.
    pub parameters: Vec<f64>,
    /// The log-likelihood there.
    pub value: f64,
    /// The observed information there.
    pub information: DMatrix<f64>,
}

/// Why none was found.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Failure {
    /// The caller wanted to stop.
    Stopped,
    /// Not within the limit of iterations.
    NoConvergence,
    /// The maximum lies at infinity, in this direction.
    Separated(Vec<f64>),
}

/// The maximum from a start. Converged: relative change of the log-likelihood below 1e-12, and every component of the gradient
/// below 1e-8 standard errors of its score.
pub(crate) fn maximise<L: Likelihood>(
    likelihood: &L,
    cells: &Cells,
    start: Vec<f64>,
    stopped: &dyn Fn(usize) -> bool,
) -> Result<Optimum, Failure> {
    let mut parameters = start;
    let mut now = sums(likelihood, cells, &parameters, Order::Information);
    let (mut change, mut strained) = (f64::INFINITY, 0);
    for number in 0..ITERATIONS {
        if stopped(number) {
            return Err(Failure::Stopped);
        }
        let p = parameters.len();
        let diagonal = |j: usize| now.matrix[j * p + j].abs();
        let scaled = |j: usize| now.gradient[j].abs() / diagonal(j).sqrt().max(f64::MIN_POSITIVE);
        if change < 1e-12 && (0..p).all(|j| scaled(j) < 1e-8) {
            let information = now.square();
            let flat = flat(likelihood, &information, now.strain);
            if let Some(direction) = flat.filter(|d| recedes(likelihood, cells, &parameters, d)) {
                return Err(Failure::Separated(direction));
            }
            return Ok(Optimum { parameters, value: now.value, information });
        }
        let step = step(&now).ok_or(Failure::NoConvergence)?;
        strained = if now.strain > STRAIN { strained + 1 } else { 0 };
        if strained >= PATIENCE && recedes(likelihood, cells, &parameters, step.as_slice()) {
            return Err(Failure::Separated(step.as_slice().to_vec()));
        }
        let mut length = 1.0;
        let mut accepted = None;
        for _ in 0..=HALVINGS {
            let next: Vec<f64> = parameters.iter().zip(step.iter()).map(|(b, s)| b + length * s).collect();
            let there = sums(likelihood, cells, &next, Order::Information);
            if there.value.is_finite() && there.value >= now.value - 1e-13 * now.value.abs() {
                accepted = Some((next, there));
                break;
            }
            length *= 0.5;
        }
        let (next, there) = accepted.ok_or(Failure::NoConvergence)?;
        change = (there.value - now.value).abs() / now.value.abs().max(f64::MIN_POSITIVE);
        (parameters, now) = (next, there);
    }
    Err(Failure::NoConvergence)
}

/// The direction in which the information vanishes, where the likelihood can run off to infinity.
fn flat<L: Likelihood>(likelihood: &L, information: &DMatrix<f64>, strain: f64) -> Option<Vec<f64>> {
    let zeros = vec![0.0; likelihood.equations()];
    if information.nrows() == 0 || likelihood.strain(&zeros).is_none() || strain < 0.5 * STRAIN {
        return None;
    }
    let eigen = SymmetricEigen::new(information.clone());
    let least = eigen.eigenvalues.imin();
    (eigen.eigenvalues[least] < 1e-10 * eigen.eigenvalues.max())
        .then(|| eigen.eigenvectors.column(least).as_slice().to_vec())
}

/// Whether no observation becomes less likely far away in a direction, or in the opposite one: then the maximum lies there. Far
/// is where the largest index has changed by [`FAR`].
fn recedes<L: Likelihood>(likelihood: &L, cells: &Cells, parameters: &[f64], direction: &[f64]) -> bool {
    let (equations, k) = (likelihood.equations(), cells.k);
    let (first, q) = (equations * k, equations + parameters.len() - equations * k);
    let reach = |i: usize, u: &[f64]| {
        let own = |(e, u): (usize, &f64)| if e == 0 { u - cells.offset(i) } else { *u };
        u.iter().enumerate().map(own).fold(0.0, |most: f64, u| most.max(u.abs()))
    };
    let widest = cells.by_index(direction, equations, reach).into_iter().fold(0.0, f64::max);
    let values = |by: f64| -> Vec<f64> {
        let there: Vec<f64> = parameters.iter().zip(direction).map(|(b, d)| b + by / widest * d).collect();
        let context = likelihood.context(&there[first..]);
        cells.by_index(&there, equations, |i, indices| {
            let u = [indices, &there[first..]].concat();
            likelihood.at(&context, cells.y[i], &u, &mut vec![0.0; q], &mut vec![0.0; q * q])
        })
    };
    let here = values(0.0);
    [FAR, -FAR].into_iter().any(|by| values(by).iter().zip(&here).all(|(far, near)| *far >= near - 1e-4))
}

/// Newton's step. The matrix is scaled to a unit diagonal first; where it is not positive definite, its diagonal is raised until
/// it is, which turns the step towards the gradient.
fn step(now: &Sums) -> Option<DVector<f64>> {
    let p = now.gradient.len();
    let matrix = now.square();
    let scale = DVector::from_fn(p, |j, _| 1.0 / matrix[(j, j)].abs().sqrt().max(1e-150));
    let scaled = DMatrix::from_fn(p, p, |i, j| matrix[(i, j)] * scale[i] * scale[j]);
    let gradient = DVector::from_fn(p, |j, _| now.gradient[j] * scale[j]);
    let mut raise = 0.0;
    for _ in 0..25 {
        let raised = &scaled + DMatrix::identity(p, p) * raise;
        if let Some(root) = Cholesky::new(raised) {
            let step = root.solve(&gradient).component_mul(&scale);
            if step.iter().all(|s| s.is_finite()) {
                return Some(step);
            }
        }
        raise = if raise == 0.0 { 1e-8 } else { raise * 4.0 };
    }
    None
}
