//! `ologit` (STAT-363): the ordered logit, P(y ≤ j) = 1/(1+e^{−(c_j − x'b)}), with increasing cut points and no constant.
//!
//! Source: McCullagh, Regression Models for Ordinal Data, JRSS B 42 (1980).

use super::binary::logistic;
use super::finish::{End, Parameter, back, estimate, influence, parameters};
use super::newton::Likelihood;
use super::predict::{Fitted, Kind};
use super::sample::Sample;
use super::{Model, separation};
use crate::problem::Problem;
use crate::rows::Rows;

/// What `ologit` is told beside the model.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OrderedOptions {
    /// The values of the dependent variable, lowest first; ascending where there are none.
    pub order: Vec<f64>,
}

/// Fits an ordered logit. Estimates are the terms, then the cut points `cut:Low|Medium`.
///
/// # Errors
/// `E_NO_VARIATION`, `E_SEPARATION`, `E_NO_CONVERGENCE`, and those of reading a sample.
pub fn ologit(rows: &dyn Rows, model: &Model, options: &OrderedOptions) -> Result<Fitted, Problem> {
    let model = &Model { constant: false, ..model.clone() };
    let mut sample = Sample::read(rows, model, None)?;
    let mut values = sample.cells.y.clone();
    values.sort_by(f64::total_cmp);
    values.dedup();
    if !options.order.is_empty() {
        let place = |v: &f64| options.order.iter().position(|o| o == v).unwrap_or(usize::MAX);
        values.sort_by_key(place);
    }
    let outcomes = values.len();
    if outcomes < 2 {
        return Err(Problem::with("E_NO_VARIATION", rows.name(model.y)));
    }
    // From here on outcomes are numbers from 0.
    let number = |y: f64| values.iter().position(|v| *v == y).unwrap_or_default();
    sample.cells.y.iter_mut().for_each(|y| *y = number(*y) as f64);
    let last = (outcomes - 1).min(63) as u32;
    separation::check(&sample, &|y| y as u32, &|seen| seen != 1 && seen != 1 << last)?;
    let mut counts = vec![0.0; outcomes];
    sample.cells.y.iter().zip(&sample.cells.weight).for_each(|(y, w)| counts[*y as usize] += w);
    let (k, cuts) = (sample.k(), outcomes - 1);
    let mut start = vec![0.0; k + cuts];
    let mut below = 0.0;
    for (cut, count) in start[k..].iter_mut().zip(&counts) {
        below += count;
        *cut = (below / (sample.n - below)).ln();
    }
    let null = counts.iter().map(|c| c * (c / sample.n).ln()).sum();
    let likelihood = Ordered { cuts };
    let found = estimate(rows, &likelihood, &sample, model.errors, start, &back(&sample, 1, cuts))?;
    let categories = rows.categories(model.y);
    let name = |value: f64| {
        let category = categories.as_ref().and_then(|all| all.get(value as usize));
        category.map_or_else(|| format!("{value}"), |c| c.code.clone())
    };
    let mut shown = parameters(&sample, model, None, 0);
    let cut = |j: usize| Parameter {
        label: format!("cut:{}|{}", name(values[j]), name(values[j + 1])),
        column: None,
        at: k + j,
    };
    shown.extend((0..cuts).map(cut));
    let mut fit = End {
        parameters: &shown,
        b: &found.b,
        covariance: &found.covariance,
        value: found.value,
        null,
        df: k as f64,
        influence: influence(&sample, model, &likelihood.weights(&sample, &found.scaled)),
        sample: &sample,
    }
    .fit(rows)?;
    fit.scalars.push(("deviance", -2.0 * found.value));
    let names = values.iter().map(|v| name(*v)).collect();
    Ok(Fitted::new(fit, Kind::Ordered(names), &sample, model, found.b))
}

/// The parameters without columns are the cut points.
pub(crate) struct Ordered {
    cuts: usize,
}

impl Ordered {
    /// The weight of a row of each observation in the last step: the second derivative in x'b.
    fn weights(&self, sample: &Sample, scaled: &[f64]) -> Vec<f64> {
        let (q, cells) = (1 + self.cuts, &sample.cells);
        cells.by_index(scaled, 1, |i, index| {
            let u = [index, &scaled[sample.k()..]].concat();
            let (mut g, mut h) = (vec![0.0; q], vec![0.0; q * q]);
            self.at(&(), cells.y[i], &u, &mut g, &mut h);
            h[0]
        })
    }
}

/// Probabilities of all outcomes at an index.
pub(crate) fn shares(index: f64, cuts: &[f64]) -> Vec<f64> {
    let below = |j: usize| cuts.get(j).map_or(1.0, |c| logistic(c - index));
    (0..=cuts.len()).map(|j| below(j) - if j == 0 { 0.0 } else { below(j - 1) }).collect()
}

impl Likelihood for Ordered {
    type Context = ();

    fn equations(&self) -> usize {
        1
    }

    fn context(&self, _: &[f64]) {}

    fn at(&self, (): &(), y: f64, u: &[f64], g: &mut [f64], h: &mut [f64]) -> f64 {
        let (q, j) = (u.len(), y as usize);
        g.fill(0.0);
        h.fill(0.0);
        // The cut points above and below, with the distribution there.
        let above = u.get(1 + j).map(|c| c - u[0]);
        let below = (j > 0).then(|| u[j] - u[0]);
        let density = |z: Option<f64>| z.map_or(0.0, |z| logistic(z) * logistic(-z));
        let bend = |z: Option<f64>| z.map_or(0.0, |z| logistic(z) * logistic(-z) * (logistic(-z) - logistic(z)));
        // In the tail that keeps digits: F(a) − F(b) = F(−b) − F(−a).
        let p = match (above, below) {
            (Some(a), Some(b)) if b > 0.0 => logistic(-b) - logistic(-a),
            (Some(a), Some(b)) => logistic(a) - logistic(b),
            (Some(a), None) => logistic(a),
            (None, Some(b)) => logistic(-b),
            (None, None) => 1.0,
        };
        if p.is_nan() || p <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let (first_a, first_b) = (density(above) / p, -density(below) / p);
        let aa = -(bend(above) / p - first_a * first_a);
        let bb = bend(below) / p + first_b * first_b;
        let ab = first_a * first_b;
        g[0] = -(first_a + first_b);
        h[0] = aa + bb + 2.0 * ab;
        if above.is_some() {
            g[1 + j] = first_a;
            h[(1 + j) * q + 1 + j] = aa;
            h[1 + j] = -(aa + ab);
            h[(1 + j) * q] = h[1 + j];
        }
        if below.is_some() {
            g[j] = first_b;
            h[j * q + j] = bb;
            h[j] = -(bb + ab);
            h[j * q] = h[j];
        }
        if above.is_some() && below.is_some() {
            h[j * q + 1 + j] = ab;
            h[(1 + j) * q + j] = ab;
        }
        p.ln()
    }
}
