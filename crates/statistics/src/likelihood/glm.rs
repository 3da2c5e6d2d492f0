//! `glm` (STAT-364): generalised linear models by iteratively reweighted least squares.
//!
//! Source: McCullagh and Nelder, Generalized Linear Models, chapters 2 and 12. In each step the working outcome
//! η + (y−μ)·g'(μ) is regressed with weights 1/(V(μ)g'(μ)²). Dispersion is Pearson's χ²/(n−k), but 1 for the binomial and the Poisson
//! family, whose variance the mean decides; errors are those of the expected information times its root.

use super::Model;
use super::binary::{Link as Shape, logistic, normal};
use super::finish::influence;
use super::sample::Sample;
use crate::design::Term;
use crate::fit::Fit;
use crate::linear::model::{estimates, notices};
use crate::linear::{Filled, Response, Solution, solve};
use crate::problem::Problem;
use crate::rows::Rows;

/// Iterations until a fit is given up.
const ITERATIONS: usize = 100;

/// The distribution of the outcome, which gives its variance V(μ).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// 1.
    Gaussian,
    /// μ(1−μ).
    Binomial,
    /// μ.
    Poisson,
    /// μ².
    Gamma,
    /// μ³.
    InverseGaussian,
}

/// The function g of the mean that is linear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// μ.
    Identity,
    /// ln μ.
    Log,
    /// 1/μ.
    Inverse,
    /// 1/μ².
    InverseSquared,
    /// √μ.
    Root,
    /// ln(μ/(1−μ)).
    Logit,
    /// Φ⁻¹(μ).
    Probit,
    /// ln(−ln(1−μ)).
    LogLog,
}

/// A generalised linear model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GlmModel {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// The family.
    pub family: Family,
    /// The link; that of the family's natural parameter where there is none.
    pub link: Option<Link>,
}

/// Fits a generalised linear model.
///
/// # Errors
/// `E_NOT_BINARY`, `E_NOT_COUNT`, `E_NOT_POSITIVE` where the outcome is none of the family, `E_NO_RESIDUAL_DF`, `E_NO_CONVERGENCE`,
/// and those of reading a sample.
pub fn glm(rows: &dyn Rows, asked: &GlmModel) -> Result<Fit, Problem> {
    let model = Model { constant: asked.constant, ..Model::new(asked.y, asked.terms.clone()) };
    let sample = Sample::read(rows, &model, None)?;
    let family = asked.family;
    if let Some(code) = sample.cells.y.iter().find_map(|y| family.refuses(*y)) {
        return Err(Problem::with(code, rows.name(asked.y)));
    }
    let free = sample.n - sample.k() as f64;
    if free <= 0.0 {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    let link = asked.link.unwrap_or_else(|| family.natural());
    let found = iterate(rows, &sample, family, link)?;
    let cells = &sample.cells;
    let each = || cells.y.iter().zip(&found.means).zip(&cells.weight).map(|((y, m), w)| (*y, *m, *w));
    let pearson: f64 = each().map(|(y, m, w)| w * (y - m).powi(2) / family.variance(m)).sum();
    let dispersion = if family.is_scaled() { pearson / free } else { 1.0 };
    let mean = each().map(|(y, _, w)| w * y).sum::<f64>() / sample.n;
    let null = if sample.design.constant { mean } else { link.mean(0.0) };
    let deviance_0: f64 = each().map(|(y, _, w)| w * family.deviance(y, null)).sum();
    let covariance = found.solution.inverse() * dispersion;
    let (estimates, covariance) = estimates(&sample.design, &model.terms, &found.solution.b, &covariance);
    Ok(Fit {
        estimates,
        covariance,
        residual_df: None,
        n: sample.n,
        scalars: vec![
            ("n", sample.n),
            ("df_resid", free),
            ("deviance", found.deviance),
            ("deviance_0", deviance_0),
            ("pearson_chi2", pearson),
            ("dispersion", dispersion),
        ],
        tests: Vec::new(),
        margins: Vec::new(),
        omitted: sample.omitted.clone(),
        notices: notices(&sample.omitted),
        influence: influence(&sample, &model, &found.weights),
        clusters: None,
    })
}

/// The end of the iterations.
struct Found {
    solution: Solution,
    means: Vec<f64>,
    weights: Vec<f64>,
    deviance: f64,
}

fn iterate(rows: &dyn Rows, sample: &Sample, family: Family, link: Link) -> Result<Found, Problem> {
    let lost = || Problem::new("E_NO_CONVERGENCE");
    let cells = &sample.cells;
    let x = Filled { design: &sample.design, frame: &sample.patterns.frame };
    let mean = cells.y.iter().zip(&cells.weight).map(|(y, w)| y * w).sum::<f64>() / sample.n;
    let mut index: Vec<f64> = cells.y.iter().map(|y| link.index(family.start(*y, mean))).collect();
    let deviance = |index: &[f64]| -> f64 {
        let each = cells.y.iter().zip(index).zip(&cells.weight);
        each.map(|((y, u), w)| w * family.deviance(*y, link.mean(*u))).sum()
    };
    let mut now = f64::INFINITY;
    for number in 0..ITERATIONS {
        if rows.step(number) {
            return Err(Problem::new("E_STOPPED"));
        }
        let means: Vec<f64> = index.iter().map(|u| link.mean(*u)).collect();
        let slopes: Vec<f64> = index.iter().map(|u| link.slope(*u)).collect();
        let weights: Vec<f64> = means.iter().zip(&slopes).map(|(m, s)| s * s / family.variance(*m)).collect();
        let total: Vec<f64> = weights.iter().zip(&cells.weight).map(|(w, n)| w * n).collect();
        let working: Vec<f64> = (0..cells.len()).map(|i| index[i] + (cells.y[i] - means[i]) / slopes[i]).collect();
        if working.iter().chain(&total).any(|z| !z.is_finite()) {
            return Err(lost());
        }
        let solution = solve(&x, Response { values: &working, pivot: 0.0 }, Some(&total));
        if solution.size() != sample.k() {
            return Err(lost());
        }
        let mut next = solution.predicted(&x, 0.0);
        let mut there = deviance(&next);
        let accepts = |there: f64| there.is_finite() && there <= now + 1e-10 * (now.abs() + 1e-300);
        for _ in 0..20 {
            if accepts(there) {
                break;
            }
            next.iter_mut().zip(&index).for_each(|(next, old)| *next = 0.5 * (*next + old));
            there = deviance(&next);
        }
        if !there.is_finite() {
            return Err(lost());
        }
        let moved = next.iter().zip(&index).map(|(a, b)| (a - b).abs() / (1e-3 + a.abs())).fold(0.0, f64::max);
        if (there - now).abs() <= 1e-12 * (there.abs() + 1e-300) || moved < 1e-11 {
            return Ok(Found { solution, means, weights, deviance: there });
        }
        (index, now) = (next, there);
    }
    Err(lost())
}

impl Family {
    fn natural(self) -> Link {
        match self {
            Self::Gaussian => Link::Identity,
            Self::Binomial => Link::Logit,
            Self::Poisson => Link::Log,
            Self::Gamma => Link::Inverse,
            Self::InverseGaussian => Link::InverseSquared,
        }
    }

    fn variance(self, mean: f64) -> f64 {
        match self {
            Self::Gaussian => 1.0,
            Self::Binomial => mean * (1.0 - mean),
            Self::Poisson => mean,
            Self::Gamma => mean * mean,
            Self::InverseGaussian => mean.powi(3),
        }
    }

    fn is_scaled(self) -> bool {
        !matches!(self, Self::Binomial | Self::Poisson)
    }

    fn refuses(self, y: f64) -> Option<&'static str> {
        match self {
            Self::Gaussian => None,
            Self::Binomial => (y != 0.0 && y != 1.0).then_some("E_NOT_BINARY"),
            Self::Poisson => (y < 0.0 || y.fract() != 0.0).then_some("E_NOT_COUNT"),
            Self::Gamma | Self::InverseGaussian => (y <= 0.0).then_some("E_NOT_POSITIVE"),
        }
    }

    /// A first guess of a row's mean.
    fn start(self, y: f64, mean: f64) -> f64 {
        if self == Self::Binomial { 0.5 * (y + 0.5) } else { 0.5 * (y + mean) }
    }

    /// What a row adds to the deviance; not a number where the mean is outside the family.
    fn deviance(self, y: f64, mean: f64) -> f64 {
        let log = |y: f64, m: f64| if y > 0.0 { y * (y / m).ln() } else { 0.0 };
        if self != Self::Gaussian && mean <= 0.0 || self == Self::Binomial && mean >= 1.0 {
            return f64::NAN;
        }
        match self {
            Self::Gaussian => (y - mean).powi(2),
            Self::Binomial => 2.0 * (log(y, mean) + log(1.0 - y, 1.0 - mean)),
            Self::Poisson => 2.0 * (log(y, mean) - (y - mean)),
            Self::Gamma => 2.0 * ((y - mean) / mean - (y / mean).ln()),
            Self::InverseGaussian => (y - mean).powi(2) / (mean * mean * y),
        }
    }
}

impl Link {
    fn index(self, mean: f64) -> f64 {
        match self {
            Self::Identity => mean,
            Self::Log => mean.ln(),
            Self::Inverse => 1.0 / mean,
            Self::InverseSquared => 1.0 / (mean * mean),
            Self::Root => mean.sqrt(),
            Self::Logit => Shape::Logit.quantile(mean),
            Self::Probit => Shape::Probit.quantile(mean),
            Self::LogLog => (-(-mean).ln_1p()).ln(),
        }
    }

    fn mean(self, index: f64) -> f64 {
        match self {
            Self::Identity => index,
            Self::Log => index.exp(),
            Self::Inverse => 1.0 / index,
            Self::InverseSquared => 1.0 / index.sqrt(),
            Self::Root => index * index,
            Self::Logit => logistic(index),
            Self::Probit => distributions::normal_tails(index).0,
            Self::LogLog => -(-index.exp()).exp_m1(),
        }
    }

    /// dμ/dη.
    fn slope(self, index: f64) -> f64 {
        match self {
            Self::Identity => 1.0,
            Self::Log => index.exp(),
            Self::Inverse => -1.0 / (index * index),
            Self::InverseSquared => -0.5 * index.powf(-1.5),
            Self::Root => 2.0 * index,
            Self::Logit => logistic(index) * logistic(-index),
            Self::Probit => normal(index),
            Self::LogLog => (index - index.exp()).exp(),
        }
    }
}
