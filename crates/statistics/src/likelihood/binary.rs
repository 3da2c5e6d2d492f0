//! `logit` and `probit` (STAT-210..215): a probability of 1 for an outcome of 0 or 1.
//!
//! Sources: McCullagh and Nelder, Generalized Linear Models, chapter 4; Greene, Econometric Analysis, chapter 17. Errors of probit
//! are those of the observed information.

use std::f64::consts::PI;

use super::effects::{Effects, Smooth, effects, margins};
use super::finish::{End, back, estimate, influence, parameters};
use super::newton::Likelihood;
use super::predict::{Fitted, Kind};
use super::sample::Sample;
use super::{Model, separation};
use crate::problem::Problem;
use crate::rows::Rows;

/// What `logit` and `probit` are asked for beside estimates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BinaryOptions {
    /// Marginal effects (`mfx`, `mfx_at`).
    pub effects: Option<Effects>,
    /// The predicted probability at means (`margins`); with a variable of zeros and ones at each of the two.
    pub margins: Option<Option<usize>>,
}

/// The shape of the probability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    /// 1/(1+e⁻ᵘ).
    Logit,
    /// Φ(u).
    Probit,
}

/// P = 1/(1+e^{−x'b}).
///
/// # Errors
/// `E_NOT_BINARY`, `E_NO_VARIATION`, `E_SEPARATION`, `E_NO_CONVERGENCE`, `E_MARGINS_NEEDS_DUMMY`, and those of reading a sample.
pub fn logit(rows: &dyn Rows, model: &Model, options: &BinaryOptions) -> Result<Fitted, Problem> {
    fit(rows, model, options, Link::Logit)
}

/// P = Φ(x'b).
///
/// # Errors
/// As [`logit`].
pub fn probit(rows: &dyn Rows, model: &Model, options: &BinaryOptions) -> Result<Fitted, Problem> {
    fit(rows, model, options, Link::Probit)
}

fn fit(rows: &dyn Rows, model: &Model, options: &BinaryOptions, link: Link) -> Result<Fitted, Problem> {
    let sample = Sample::read(rows, model, None)?;
    let cells = &sample.cells;
    let about = |code| Problem::with(code, rows.name(model.y));
    if cells.y.iter().any(|y| *y != 0.0 && *y != 1.0) {
        return Err(about("E_NOT_BINARY"));
    }
    let ones: f64 = cells.y.iter().zip(&cells.weight).map(|(y, w)| y * w).sum();
    let share = ones / sample.n;
    if share == 0.0 || share == 1.0 {
        return Err(about("E_NO_VARIATION"));
    }
    separation::check(&sample, &|y| y as u32, &|outcomes| outcomes == 3)?;
    let mut start = vec![0.0; sample.k()];
    let mut null = -sample.n * 2.0_f64.ln();
    if sample.design.constant {
        start[0] = link.quantile(share);
        null = ones * share.ln() + (sample.n - ones) * (1.0 - share).ln();
    }
    let found = estimate(rows, &link, &sample, model.errors, start, &back(&sample, 1, 0))?;
    let shown = parameters(&sample, model, None, 0);
    let mut fit = End {
        parameters: &shown,
        b: &found.b,
        covariance: &found.covariance,
        value: found.value,
        null,
        df: (sample.k() - usize::from(sample.design.constant)) as f64,
        influence: influence(&sample, model, &link.weights(&sample, &found.scaled)),
        sample: &sample,
    }
    .fit(rows)?;
    fit.scalars.extend([("deviance", -2.0 * found.value), ("deviance_0", -2.0 * null)]);
    if let Some(asked) = options.effects {
        fit.margins = effects(&link, &sample, &[None], &found, asked, model);
    }
    if let Some(by) = options.margins {
        fit.margins.extend(margins(&link, &sample, &found, by, rows, model)?);
    }
    Ok(Fitted::new(fit, Kind::Binary(link), &sample, model, found.b))
}

impl Link {
    /// Probability and its first two derivatives.
    pub fn probability(self, u: f64) -> [f64; 3] {
        match self {
            Self::Logit => {
                let p = logistic(u);
                let density = p * logistic(-u);
                [p, density, density * (1.0 - 2.0 * p)]
            }
            Self::Probit => {
                let density = normal(u);
                [distributions::normal_tails(u).0, density, -u * density]
            }
        }
    }

    /// The index of a probability.
    pub fn quantile(self, p: f64) -> f64 {
        match self {
            Self::Logit => (p / (1.0 - p)).ln(),
            Self::Probit => {
                distributions::inverse_real((p, 1.0 - p), |z| Some(distributions::normal_tails(z))).unwrap_or_default()
            }
        }
    }

    /// The weight of a row of each observation in the last step.
    fn weights(self, sample: &Sample, scaled: &[f64]) -> Vec<f64> {
        let cells = &sample.cells;
        cells.by_index(scaled, 1, |i, u| {
            let (mut g, mut h) = ([0.0], [0.0]);
            self.at(&(), cells.y[i], u, &mut g, &mut h);
            h[0]
        })
    }
}

/// 1/(1+e⁻ᵘ).
pub(crate) fn logistic(u: f64) -> f64 {
    if u >= 0.0 { 1.0 / (1.0 + (-u).exp()) } else { u.exp() / (1.0 + u.exp()) }
}

/// φ(u).
pub(crate) fn normal(u: f64) -> f64 {
    (-0.5 * u * u).exp() / (2.0 * PI).sqrt()
}

/// ln Φ(z) and φ(z)/Φ(z); far out by the expansion of Mills' ratio.
fn mills(z: f64) -> (f64, f64) {
    if z < -30.0 {
        let r = 1.0 / (z * z);
        let series = 1.0 - r * (1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r)));
        return (-0.5 * z * z - 0.5 * (2.0 * PI).ln() - (-z).ln() + series.ln(), -z / series);
    }
    let (lower, upper) = distributions::normal_tails(z);
    (if z > 0.0 { (-upper).ln_1p() } else { lower.ln() }, normal(z) / lower)
}

impl Likelihood for Link {
    type Context = ();

    fn equations(&self) -> usize {
        1
    }

    fn context(&self, _: &[f64]) {}

    fn at(&self, (): &(), y: f64, u: &[f64], g: &mut [f64], h: &mut [f64]) -> f64 {
        let sign = 2.0 * y - 1.0;
        let z = sign * u[0];
        match self {
            Self::Logit => {
                let other = logistic(-z);
                g[0] = sign * other;
                h[0] = other * logistic(z);
                if z > 0.0 { -(-z).exp().ln_1p() } else { z - z.exp().ln_1p() }
            }
            Self::Probit => {
                let (value, ratio) = mills(z);
                g[0] = sign * ratio;
                h[0] = (ratio * (ratio + z)).max(0.0);
                value
            }
        }
    }

    /// Of the normal distribution the exponent.
    fn strain(&self, indices: &[f64]) -> Option<f64> {
        Some(match self {
            Self::Logit => indices[0].abs(),
            Self::Probit => 0.5 * indices[0] * indices[0],
        })
    }
}

impl Smooth for Link {
    fn derivatives(&self, _: usize, u: &[f64], log: bool, g: &mut [f64], h: &mut [f64]) -> f64 {
        let [p, first, second] = self.probability(u[0]);
        if log {
            g[0] = first / p;
            h[0] = second / p - g[0] * g[0];
        } else {
            (g[0], h[0]) = (first, second);
        }
        p
    }
}
