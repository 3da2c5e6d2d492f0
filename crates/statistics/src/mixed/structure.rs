//! The variance of the rows of a mixed model, V = I + Σ of what groups share, in units of the residual variance. A structure gives
//! Q = [X y]'V⁻¹[X y] and ln|V| with their derivatives, from sums per group alone (Woodbury's formula), so that a step of the fit
//! does not read the rows again.

use std::collections::BTreeMap;
use std::ops::Range;

use nalgebra::{DMatrix, DVector, Matrix2, Matrix2xX};

use crate::likelihood::{LEAF, tree};

/// Sums over the rows of an innermost group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The group of the top level that it is in.
    pub top: usize,
    /// Z'Z, where Z is the constant and, if there is a random slope, its variable.
    pub inner: Matrix2<f64>,
    /// Z'[X y].
    pub outer: Matrix2xX<f64>,
}

/// Q and ln|V| with derivatives by each parameter.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// [X y]'V⁻¹[X y].
    pub q: DMatrix<f64>,
    /// ln|V|.
    pub log: f64,
    /// Derivatives of Q.
    pub slopes: Vec<DMatrix<f64>>,
    /// Derivatives of ln|V|.
    pub logs: Vec<f64>,
}

impl Parts {
    fn zero(width: usize, parameters: usize) -> Self {
        let zero = DMatrix::zeros(width, width);
        Self { slopes: vec![zero.clone(); parameters], q: zero, log: 0.0, logs: vec![0.0; parameters] }
    }

    fn plus(mut self, other: Self) -> Self {
        self.q += other.q;
        self.log += other.log;
        self.slopes.iter_mut().zip(other.slopes).for_each(|(a, b)| *a += b);
        self.logs.iter_mut().zip(other.logs).for_each(|(a, b)| *a += b);
        self
    }
}

/// What groups share.
pub(super) enum Structure {
    /// One intercept per group. By size of group their number and Σss', s the sums of [X y]: groups of one size are alike.
    Intercept(Vec<(f64, f64, DMatrix<f64>)>),
    /// One per group of the top level and one per group within it; the groups of the top level as ranges.
    Nested(Vec<Group>, Vec<Range<usize>>),
    /// An intercept and a slope with any covariance.
    Slope(Vec<Group>),
}

impl Structure {
    /// Of groups that are sorted by their top level.
    pub fn of(groups: Vec<Group>, nested: bool, slope: bool) -> Self {
        if slope {
            return Self::Slope(groups);
        }
        if nested {
            let mut tops = Vec::new();
            let mut start = 0;
            for of_top in groups.chunk_by(|a, b| a.top == b.top) {
                tops.push(start..start + of_top.len());
                start += of_top.len();
            }
            return Self::Nested(groups, tops);
        }
        let mut sizes: BTreeMap<u64, (f64, DMatrix<f64>)> = BTreeMap::new();
        for group in &groups {
            let s = group.sums();
            let zero = || (0.0, DMatrix::zeros(s.len(), s.len()));
            let (count, squares) = sizes.entry(group.size() as u64).or_insert_with(zero);
            *count += 1.0;
            squares.ger(1.0, &s, &s, 1.0);
        }
        Self::Intercept(sizes.into_iter().map(|(size, (count, squares))| (size as f64, count, squares)).collect())
    }

    /// Number of parameters: roots of variance ratios, or the factor of the covariance of intercept and slope.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Intercept(_) => 1,
            Self::Nested(..) => 2,
            Self::Slope(_) => 3,
        }
    }

    /// Whether a parameter is the root of a variance ratio, which may be 0.
    pub fn is_root(&self) -> bool {
        !matches!(self, Self::Slope(_))
    }

    /// Q and ln|V|; `whole` is [X y]'[X y].
    pub fn parts(&self, theta: &[f64], whole: &DMatrix<f64>) -> Parts {
        let width = whole.nrows();
        let zero = || Parts::zero(width, self.parameters());
        let mut parts = match self {
            Self::Intercept(sizes) => {
                let ratio = theta[0] * theta[0];
                sizes.iter().fold(zero(), |mut sum, (size, count, squares)| {
                    let one = 1.0 + ratio * size;
                    sum.q -= squares * (ratio / one);
                    sum.log += count * one.ln();
                    sum.slopes[0] -= squares * (2.0 * theta[0] / (one * one));
                    sum.logs[0] += 2.0 * theta[0] * count * size / one;
                    sum
                })
            }
            Self::Nested(groups, tops) => {
                let leaf = |range: Range<usize>| {
                    range.fold(zero(), |mut sum, top| {
                        nested(&mut sum, &groups[tops[top].clone()], theta);
                        sum
                    })
                };
                tree(0..tops.len(), LEAF, &leaf, &Parts::plus)
            }
            Self::Slope(groups) => {
                let leaf = |range: Range<usize>| {
                    range.fold(zero(), |mut sum, group| {
                        slope(&mut sum, &groups[group], theta);
                        sum
                    })
                };
                tree(0..groups.len(), LEAF, &leaf, &Parts::plus)
            }
        };
        parts.q += whole;
        parts
    }
}

impl Group {
    /// Number of rows.
    pub fn size(&self) -> f64 {
        self.inner[(0, 0)]
    }

    /// Sums of [X y].
    fn sums(&self) -> DVector<f64> {
        self.outer.row(0).transpose()
    }
}

/// One group of the top level. With a = 1/(1+γ₂n) in each group within it: m = na, t = sa, M and T their sums, d = 1/(1+γ₁M); then
/// Q loses γ₂a·ss' for each and γ₁d·TT'.
fn nested(sum: &mut Parts, groups: &[Group], theta: &[f64]) {
    let (top, inner) = (theta[0] * theta[0], theta[1] * theta[1]);
    let each: Vec<(f64, DVector<f64>)> = groups
        .iter()
        .map(|group| {
            let a = 1.0 / (1.0 + inner * group.size());
            let s = group.sums();
            sum.q.ger(-inner * a, &s, &s, 1.0);
            sum.log -= a.ln();
            (group.size() * a, s * a)
        })
        .collect();
    let all: f64 = each.iter().map(|(m, _)| m).sum();
    let mut total = DVector::zeros(sum.q.nrows());
    each.iter().for_each(|(_, t)| total += t);
    let d = 1.0 / (1.0 + top * all);
    sum.q.ger(-top * d, &total, &total, 1.0);
    sum.log -= d.ln();
    sum.slopes[0].ger(-2.0 * theta[0] * d * d, &total, &total, 1.0);
    sum.logs[0] += 2.0 * theta[0] * all * d;
    for (m, t) in each {
        let share = top * d * m;
        let q = t - &total * share;
        sum.slopes[1].ger(-2.0 * theta[1], &q, &q, 1.0);
        sum.logs[1] += 2.0 * theta[1] * (m - share * m);
    }
}

/// L of the covariance LL' of intercept and slope.
pub(super) fn factor(theta: &[f64]) -> Matrix2<f64> {
    Matrix2::new(theta[0], 0.0, theta[1], theta[2])
}

/// K = L(I + L'Z'ZL)⁻¹L', with which V⁻¹ = I − ZKZ', and ln|I + L'Z'ZL|.
pub(super) fn kernel(l: &Matrix2<f64>, inner: &Matrix2<f64>) -> (Matrix2<f64>, f64) {
    let a = Matrix2::identity() + l.transpose() * inner * l;
    let inverse = a.try_inverse().unwrap_or_else(Matrix2::zeros);
    (l * inverse * l.transpose(), a.determinant().ln())
}

/// One group with a random slope. Z'V⁻¹Z = G − GKG and Z'V⁻¹[X y] = S − GKS with G = Z'Z, S = Z'[X y]; a change of the
/// covariance by D changes ln|V| by tr(D·Z'V⁻¹Z) and Q by −(Z'V⁻¹[X y])'D(Z'V⁻¹[X y]).
fn slope(sum: &mut Parts, group: &Group, theta: &[f64]) {
    let l = factor(theta);
    let (k, log) = kernel(&l, &group.inner);
    sum.q -= group.outer.tr_mul(&(k * &group.outer));
    sum.log += log;
    let left = Matrix2::identity() - group.inner * k;
    let (inner, outer) = (left * group.inner, left * &group.outer);
    for (at, (row, column)) in [(0, 0), (1, 0), (1, 1)].into_iter().enumerate() {
        let mut unit = Matrix2::zeros();
        unit[(row, column)] = 1.0;
        let change = unit * l.transpose() + l * unit.transpose();
        sum.logs[at] += (change * inner).trace();
        sum.slopes[at] -= outer.tr_mul(&(change * &outer));
    }
}
