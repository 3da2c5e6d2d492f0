//! `mlogit` (STAT-220, STAT-221): the multinomial logit, P(y = j) = exp(x'b_j)/Σ_l exp(x'b_l), with b = 0 for the base outcome.
//!
//! Source: Greene, Econometric Analysis, chapter 18. Labels are `outcome:term`.

use super::effects::{Effects, Smooth, effects};
use super::finish::{End, back, estimate, influence, most, parameters};
use super::newton::Likelihood;
use super::predict::{Fitted, Kind};
use super::sample::Sample;
use super::{Model, separation};
use crate::fit::Influence;
use crate::problem::Problem;
use crate::rows::Rows;

/// What `mlogit` is asked for beside estimates.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MultinomialOptions {
    /// The base outcome, as a value of the dependent variable; the lowest where there is none.
    pub base: Option<f64>,
    /// Marginal effects (`mfx`, `mfx_at`).
    pub effects: Option<Effects>,
}

/// The probabilities of outcomes that are numbered from 0; those of `base` follow from the others.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Multinomial {
    /// The values of the outcomes, ascending.
    pub values: Vec<f64>,
    /// The number of the base.
    pub base: usize,
}

impl Multinomial {
    /// The number of a value.
    pub fn number(&self, y: f64) -> usize {
        self.values.partition_point(|v| *v < y)
    }

    /// The linear index that an outcome has; the base has none.
    fn equation(&self, outcome: usize) -> Option<usize> {
        (outcome != self.base).then(|| outcome - usize::from(outcome > self.base))
    }

    /// The outcomes that have a linear index, in its order.
    pub fn others(&self) -> impl Iterator<Item = usize> {
        let base = self.base;
        (0..self.values.len()).filter(move |o| *o != base)
    }

    /// ln of the sum of all exponentials.
    pub fn total(u: &[f64]) -> f64 {
        let most = u.iter().copied().fold(0.0, f64::max);
        most + ((-most).exp() + u.iter().map(|u| (u - most).exp()).sum::<f64>()).ln()
    }
}

/// Fits a multinomial logit.
///
/// # Errors
/// `E_MLOGIT_NEEDS_3`, `E_SEPARATION`, `E_NO_CONVERGENCE`, and those of reading a sample.
pub fn mlogit(rows: &dyn Rows, model: &Model, options: &MultinomialOptions) -> Result<Fitted, Problem> {
    let sample = Sample::read(rows, model, None)?;
    let (cells, k) = (&sample.cells, sample.k());
    let mut values = cells.y.clone();
    values.sort_by(f64::total_cmp);
    values.dedup();
    if values.len() < 3 {
        return Err(Problem::with("E_MLOGIT_NEEDS_3", rows.name(model.y)));
    }
    let base = options.base.and_then(|base| values.iter().position(|v| *v == base)).unwrap_or(0);
    let multinomial = Multinomial { values, base };
    let outcomes = multinomial.values.len();
    let whole = if outcomes >= 64 { u64::MAX } else { (1 << outcomes) - 1 };
    separation::check(&sample, &|y| multinomial.number(y) as u32, &|seen| seen == whole)?;
    let mut counts = vec![0.0; outcomes];
    cells.y.iter().zip(&cells.weight).for_each(|(y, w)| counts[multinomial.number(*y)] += w);
    let equations = outcomes - 1;
    let mut start = vec![0.0; equations * k];
    let mut null = -sample.n * (outcomes as f64).ln();
    if sample.design.constant {
        for (e, outcome) in multinomial.others().enumerate() {
            start[e * k] = (counts[outcome] / counts[base]).ln();
        }
        null = counts.iter().map(|c| c * (c / sample.n).ln()).sum();
    }
    let found = estimate(rows, &multinomial, &sample, model.errors, start, &back(&sample, equations, 0))?;
    let categories = rows.categories(model.y);
    let name = |value: f64| {
        let category = categories.as_ref().and_then(|all| all.get(value as usize));
        category.map_or_else(|| format!("{value}"), |c| c.code.clone())
    };
    let names: Vec<Option<String>> = multinomial.values.iter().map(|v| Some(name(*v))).collect();
    let shown: Vec<_> = multinomial
        .others()
        .enumerate()
        .flat_map(|(e, outcome)| parameters(&sample, model, names[outcome].as_deref(), e * k))
        .collect();
    let mut fit = End {
        parameters: &shown,
        b: &found.b,
        covariance: &found.covariance,
        value: found.value,
        null,
        df: (equations * (k - usize::from(sample.design.constant))) as f64,
        influence: multinomial.influence(&sample, model, &found.scaled),
        sample: &sample,
    }
    .fit(rows)?;
    if let Some(asked) = options.effects {
        fit.margins = effects(&multinomial, &sample, &names, &found, asked, model);
    }
    let names = names.into_iter().flatten().collect();
    Ok(Fitted::new(fit, Kind::Multinomial(multinomial, names), &sample, model, found.b))
}

impl Multinomial {
    /// The largest influence over equations, each with the weights P(1−P) of its outcome.
    fn influence(&self, sample: &Sample, model: &Model, scaled: &[f64]) -> Influence {
        let q = self.equations();
        let mut all = Influence { leverage: 0.0, concentration: vec![0.0; sample.k()] };
        for e in 0..q {
            let weights = sample.cells.by_index(scaled, q, |_, u| {
                let p = (u[e] - Self::total(u)).exp();
                p * (1.0 - p)
            });
            all = most(all, influence(sample, model, &weights));
        }
        all
    }
}

impl Likelihood for Multinomial {
    type Context = ();

    fn equations(&self) -> usize {
        self.values.len() - 1
    }

    fn context(&self, _: &[f64]) {}

    fn at(&self, (): &(), y: f64, u: &[f64], g: &mut [f64], h: &mut [f64]) -> f64 {
        let q = u.len();
        let total = Self::total(u);
        let own = self.equation(self.number(y));
        for e in 0..q {
            let p = (u[e] - total).exp();
            g[e] = f64::from(u8::from(own == Some(e))) - p;
            h[e * q + e] = p * (1.0 - p);
            for f in 0..e {
                let product = -p * (u[f] - total).exp();
                (h[e * q + f], h[f * q + e]) = (product, product);
            }
        }
        own.map_or(0.0, |e| u[e]) - total
    }
}

impl Smooth for Multinomial {
    fn derivatives(&self, outcome: usize, u: &[f64], log: bool, g: &mut [f64], h: &mut [f64]) -> f64 {
        let q = u.len();
        let total = Self::total(u);
        let own = self.equation(outcome);
        let own_p = (own.map_or(0.0, |e| u[e]) - total).exp();
        let p: Vec<f64> = u.iter().map(|u| (u - total).exp()).collect();
        let is = |a: Option<usize>, b: usize| f64::from(u8::from(a == Some(b)));
        // ln P: own − p_e, and −p_e([e = f] − p_f).
        for e in 0..q {
            g[e] = is(own, e) - p[e];
            (0..q).for_each(|f| h[e * q + f] = -p[e] * (is(Some(e), f) - p[f]));
        }
        if !log {
            (0..q * q).for_each(|at| h[at] = own_p * (h[at] + g[at / q] * g[at % q]));
            g.iter_mut().for_each(|g| *g *= own_p);
        }
        own_p
    }
}
