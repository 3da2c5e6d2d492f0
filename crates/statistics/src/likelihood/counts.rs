//! `poisson` (STAT-225) and `negative-binomial` (STAT-230): counts with ln μ = x'b + ln exposure.
//!
//! Sources: Cameron and Trivedi, Regression Analysis of Count Data, chapter 3. The negative binomial is NB2 with variance μ + αμ²; b and
//! ln α are found together, and errors are those of their joint observed information, that of α by the delta method.

use nalgebra::DMatrix;

use super::cells::Cells;
use super::finish::{End, Estimated, Parameter, back, estimate, influence, parameters, problem};
use super::newton::{Likelihood, maximise};
use super::predict::{Fitted, Kind};
use super::sample::Sample;
use super::{Errors, Model, separation};
use crate::fit::{Fit, Influence};
use crate::problem::{Notice, Problem};
use crate::rows::Rows;

/// Below this α the outcome is taken to be Poisson.
const NO_OVERDISPERSION: f64 = 1e-8;

/// Counts whose sums are kept in tables; beyond them by the formula of Euler and Maclaurin.
const TABLE: usize = 1 << 16;

/// What `poisson` and `negative-binomial` are told beside the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CountOptions {
    /// The variable whose logarithm is added to the index.
    pub exposure: Option<usize>,
}

/// Fits a Poisson model.
///
/// # Errors
/// `E_NOT_COUNT`, `E_EXPOSURE`, `E_NO_VARIATION` where all counts are 0, `E_SEPARATION`, `E_NO_CONVERGENCE`, and those of reading a
/// sample.
pub fn poisson(rows: &dyn Rows, model: &Model, options: &CountOptions) -> Result<Fitted, Problem> {
    let sample = read(rows, model, options)?;
    let (found, null) = poisson_on(rows, &sample, model.errors)?;
    let fit = poisson_fit(rows, &sample, model, &found, null)?;
    Ok(Fitted::new(fit, Kind::Count(options.exposure), &sample, model, found.b))
}

/// Fits a negative binomial model. The last estimate is `alpha`; where there is no overdispersion, it is missing and the Poisson
/// model is given with `W_NO_OVERDISPERSION`.
///
/// # Errors
/// As [`poisson`].
pub fn negative_binomial(rows: &dyn Rows, model: &Model, options: &CountOptions) -> Result<Fitted, Problem> {
    let sample = read(rows, model, options)?;
    let (first, null) = poisson_on(rows, &sample, model.errors)?;
    let fit = match alpha_start(&sample.cells, &first.scaled) {
        Some(alpha) => overdispersed(rows, &sample, model, &first, alpha)?,
        None => None,
    };
    if let Some((fit, b)) = fit {
        return Ok(Fitted::new(fit, Kind::Count(options.exposure), &sample, model, b));
    }
    let mut fit = poisson_fit(rows, &sample, model, &first, null)?;
    fit.notices.push(Notice::new("W_NO_OVERDISPERSION"));
    Ok(Fitted::new(fit, Kind::Count(options.exposure), &sample, model, first.b))
}

fn read(rows: &dyn Rows, model: &Model, options: &CountOptions) -> Result<Sample, Problem> {
    let sample = Sample::read(rows, model, options.exposure)?;
    if sample.cells.y.iter().any(|y| *y < 0.0 || y.fract() != 0.0) {
        return Err(Problem::with("E_NOT_COUNT", rows.name(model.y)));
    }
    if sample.cells.y.iter().all(|y| *y == 0.0) {
        return Err(Problem::with("E_NO_VARIATION", rows.name(model.y)));
    }
    separation::check(&sample, &|y| u32::from(y > 0.0), &|seen| seen & 2 != 0)?;
    Ok(sample)
}

/// The Poisson maximum and the log-likelihood of the null model.
fn poisson_on(rows: &dyn Rows, sample: &Sample, errors: Errors) -> Result<(Estimated, f64), Problem> {
    let cells = &sample.cells;
    let mut start = vec![0.0; sample.k()];
    let mut level = 0.0;
    if sample.design.constant {
        level = constant(cells);
        start[0] = level;
    }
    let found = estimate(rows, &Poisson, sample, errors, start, &back(sample, 1, 0))?;
    let (mut g, mut h) = ([0.0], [0.0]);
    let one = |i: usize| cells.weight[i] * Poisson.at(&(), cells.y[i], &[level + cells.offset(i)], &mut g, &mut h);
    let null = (0..cells.len()).map(one).sum();
    Ok((found, null))
}

/// ln(Σy / Σexposure).
fn constant(cells: &Cells) -> f64 {
    let counts: f64 = cells.y.iter().zip(&cells.weight).map(|(y, w)| y * w).sum();
    let exposure: f64 = (0..cells.len()).map(|i| cells.weight[i] * cells.offset(i).exp()).sum();
    (counts / exposure).ln()
}

fn poisson_fit(rows: &dyn Rows, sample: &Sample, model: &Model, found: &Estimated, null: f64) -> Result<Fit, Problem> {
    let cells = &sample.cells;
    let means = means(cells, &found.scaled);
    let mut fit = End {
        parameters: &parameters(sample, model, None, 0),
        b: &found.b,
        covariance: &found.covariance,
        value: found.value,
        null,
        df: (sample.k() - usize::from(sample.design.constant)) as f64,
        influence: influence(sample, model, &means),
        sample,
    }
    .fit(rows)?;
    // 2Σ(y ln(y/μ) − (y − μ)); the null model is worse by the difference of the log-likelihoods.
    let one = |i: usize| {
        let (y, mean) = (cells.y[i], means[i]);
        2.0 * cells.weight[i] * (if y > 0.0 { y * (y / mean).ln() } else { 0.0 } - (y - mean))
    };
    let deviance: f64 = (0..cells.len()).map(one).sum();
    fit.scalars.extend([("deviance", deviance), ("deviance_0", deviance + 2.0 * (found.value - null))]);
    Ok(fit)
}

/// The mean of each observation.
fn means(cells: &Cells, scaled: &[f64]) -> Vec<f64> {
    cells.by_index(scaled, 1, |_, u| u[0].exp())
}

/// The moment estimate Σ((y−μ)²−μ)/Σμ²; none where the likelihood falls as α leaves 0, which Σ((y−μ)²−y) tells.
fn alpha_start(cells: &Cells, scaled: &[f64]) -> Option<f64> {
    let (mut slope, mut excess, mut squares) = (0.0, 0.0, 0.0);
    for (i, mean) in means(cells, scaled).into_iter().enumerate() {
        let (y, weight) = (cells.y[i], cells.weight[i]);
        slope += weight * ((y - mean).powi(2) - y);
        excess += weight * ((y - mean).powi(2) - mean);
        squares += weight * mean * mean;
    }
    (slope > 0.0).then(|| (excess / squares).clamp(1e-3, 1e2))
}

/// The negative binomial maximum; none where α goes to 0.
fn overdispersed(
    rows: &dyn Rows,
    sample: &Sample,
    model: &Model,
    first: &Estimated,
    alpha: f64,
) -> Result<Option<(Fit, Vec<f64>)>, Problem> {
    let (k, cells) = (sample.k(), &sample.cells);
    let likelihood = NegativeBinomial::new(cells);
    let mut start = first.scaled.clone();
    start.push(alpha.ln());
    let mut found = estimate(rows, &likelihood, sample, model.errors, start, &back(sample, 1, 1))?;
    let alpha = found.b[k].exp();
    if alpha < NO_OVERDISPERSION {
        return Ok(None);
    }
    let mut to_alpha = DMatrix::identity(k + 1, k + 1);
    to_alpha[(k, k)] = alpha;
    found.covariance = &to_alpha * &found.covariance * &to_alpha;
    found.b[k] = alpha;
    let empty = cells.without_terms(sample.design.constant);
    let mut at_null = if sample.design.constant { vec![constant(cells)] } else { Vec::new() };
    at_null.push(alpha_start(&empty, &at_null).unwrap_or(1e-3).ln());
    let stopped = |_: usize| rows.stopped();
    let null = maximise(&likelihood, &empty, at_null, &stopped).map_err(|f| problem(f, sample, 1))?;
    let mut shown = parameters(sample, model, None, 0);
    shown.push(Parameter { label: "alpha".to_owned(), column: None, at: k });
    let mut fit = End {
        parameters: &shown,
        b: &found.b,
        covariance: &found.covariance,
        value: found.value,
        null: null.value,
        df: (k - usize::from(sample.design.constant)) as f64,
        influence: nb_influence(sample, model, &found.scaled, alpha),
        sample,
    }
    .fit(rows)?;
    fit.scalars.push(("alpha", alpha));
    found.b.truncate(k);
    Ok(Some((fit, found.b)))
}

/// With the expected weights μ/(1+αμ).
fn nb_influence(sample: &Sample, model: &Model, scaled: &[f64], alpha: f64) -> Influence {
    let weights: Vec<f64> = means(&sample.cells, scaled).into_iter().map(|m| m / (1.0 + alpha * m)).collect();
    influence(sample, model, &weights)
}

/// ln f = y ln μ − μ − ln y!.
pub(crate) struct Poisson;

impl Likelihood for Poisson {
    type Context = ();

    fn equations(&self) -> usize {
        1
    }

    fn context(&self, _: &[f64]) {}

    fn at(&self, (): &(), y: f64, u: &[f64], g: &mut [f64], h: &mut [f64]) -> f64 {
        let mean = u[0].exp();
        (g[0], h[0]) = (y - mean, mean);
        y * u[0] - mean - distributions::ln_gamma(y + 1.0)
    }

    /// A mean that goes to 0.
    fn strain(&self, indices: &[f64]) -> Option<f64> {
        Some(-indices[0])
    }
}

/// ln f = Σ_{j<y} ln(1+αj) − ln y! + y ln μ − (y + 1/α) ln(1+αμ), with ln α as parameter.
pub(crate) struct NegativeBinomial {
    /// The largest count that has a place in the tables.
    most: usize,
}

/// Sums over j < y of ln(1+αj), j/(1+αj) and (j/(1+αj))², for every y up to the largest.
pub(crate) struct Rising {
    alpha: f64,
    sums: Vec<[f64; 3]>,
}

impl NegativeBinomial {
    /// For these outcomes.
    pub fn new(cells: &Cells) -> Self {
        Self { most: cells.y.iter().fold(0.0, |a: f64, y| a.max(*y)).min(TABLE as f64) as usize }
    }
}

impl Rising {
    fn new(alpha: f64, most: usize) -> Self {
        let mut sums = vec![[0.0; 3]; most + 1];
        for j in 0..most {
            let [log, first, second] = Self::terms(alpha, j as f64);
            sums[j + 1] = [sums[j][0] + log, sums[j][1] + first, sums[j][2] + second];
        }
        Self { alpha, sums }
    }

    fn terms(alpha: f64, j: f64) -> [f64; 3] {
        let share = j / (1.0 + alpha * j);
        [(alpha * j).ln_1p(), share, share * share]
    }

    /// The three sums.
    fn below(&self, y: f64) -> [f64; 3] {
        let last = self.sums.len() - 1;
        if y <= last as f64 {
            return self.sums[y as usize];
        }
        // Σ_{a ≤ j < y} f(j) = ∫f + (f(a) − f(y))/2 + (f'(y) − f'(a))/12; the next term is below 1e-16 of the sum from TABLE on.
        let (alpha, a) = (self.alpha, last as f64);
        let whole = |j: f64| {
            let (t, log) = (1.0 + alpha * j, (alpha * j).ln_1p());
            let first = (j - log / alpha) / alpha;
            [
                (t * log - alpha * j) / alpha,
                first,
                (j - 2.0 * log / alpha + (alpha * j) / (alpha * t)) / (alpha * alpha),
            ]
        };
        let slope = |j: f64| {
            let t = 1.0 + alpha * j;
            [alpha / t, 1.0 / (t * t), 2.0 * j / (t * t * t)]
        };
        let (upper, lower) = (whole(y), whole(a));
        let (at_y, at_a) = (Self::terms(alpha, y), Self::terms(alpha, a));
        let (slope_y, slope_a) = (slope(y), slope(a));
        let part = |i: usize| upper[i] - lower[i] + 0.5 * (at_a[i] - at_y[i]) + (slope_y[i] - slope_a[i]) / 12.0;
        std::array::from_fn(|i| self.sums[last][i] + part(i))
    }
}

/// (ln(1+t) − t/(1+t))/t² and (−2 ln(1+t) + 2t/(1+t) + t²/(1+t)²)/t³; near 0 by their series
/// Σ(−1)ⁿ(n−1)/n·tⁿ⁻² and Σ(−1)ⁿ(n−1)(n−2)/n·tⁿ⁻³.
fn shapes(t: f64) -> (f64, f64) {
    if t < 0.1 {
        let (mut first, mut second, mut power) = (0.0, 0.0, 1.0);
        for m in 0..24 {
            let (n, k) = (f64::from(m) + 2.0, f64::from(m) + 3.0);
            let sign = if m % 2 == 0 { 1.0 } else { -1.0 };
            first += sign * (n - 1.0) / n * power;
            second -= sign * (k - 1.0) * (k - 2.0) / k * power;
            power *= t;
        }
        return (first, second);
    }
    let (log, share) = (t.ln_1p(), t / (1.0 + t));
    ((log - share) / (t * t), (-2.0 * log + 2.0 * share + share * share) / (t * t * t))
}

impl Likelihood for NegativeBinomial {
    type Context = Rising;

    fn equations(&self) -> usize {
        1
    }

    fn context(&self, scalars: &[f64]) -> Rising {
        Rising::new(scalars[0].exp(), self.most)
    }

    fn at(&self, rising: &Rising, y: f64, u: &[f64], g: &mut [f64], h: &mut [f64]) -> f64 {
        let (alpha, mean) = (rising.alpha, u[0].exp());
        let t = alpha * mean;
        let one = 1.0 + t;
        let [log, share, squares] = rising.below(y);
        let (first, second) = shapes(t);
        let slope = share + mean * mean * first - y * mean / one;
        let bend = -squares + mean.powi(3) * second + y * (mean / one).powi(2);
        g[0] = (y - mean) / one;
        g[1] = alpha * slope;
        h[0] = mean * (1.0 + alpha * y) / (one * one);
        h[1] = alpha * (y - mean) * mean / (one * one);
        h[2] = h[1];
        h[3] = -(alpha * alpha * bend + alpha * slope);
        // ln(1+αμ)/α without α in a denominator where it vanishes.
        let spread = if t < 1e-8 { mean * (1.0 - 0.5 * t) } else { t.ln_1p() / alpha };
        log - distributions::ln_gamma(y + 1.0) + y * (u[0] - t.ln_1p()) - spread
    }

    /// A mean that goes to 0.
    fn strain(&self, indices: &[f64]) -> Option<f64> {
        Some(-indices[0])
    }
}
