//! From a maximum to what is reported: covariance, estimates in the order of results, and the numbers about the fit.

use nalgebra::{Cholesky, DMatrix, DVector};

use super::cells::{LEAF, tree};
use super::newton::{Failure, Likelihood, Optimum, Order, maximise, sums};
use super::sample::Sample;
use super::{Errors, Model};
use crate::fit::{Estimate, Fit, Influence, Test, TestKind};
use crate::linear::model::notices;
use crate::linear::{Filled, Response, solve};
use crate::problem::Problem;
use crate::rows::Rows;

/// What a failure is to the user. Separation names the column that goes furthest to infinity.
pub(crate) fn problem(failure: Failure, sample: &Sample, equations: usize) -> Problem {
    match failure {
        Failure::Stopped => Problem::new("E_STOPPED"),
        Failure::NoConvergence => Problem::new("E_NO_CONVERGENCE"),
        Failure::Separated(direction) => {
            let (k, columns) = (sample.k(), &sample.design.columns);
            let of_columns = direction.iter().take(equations * k).enumerate();
            let of_terms = of_columns.filter(|(at, _)| columns[at % k].term.is_some());
            let furthest = of_terms.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or(0, |(at, _)| at);
            Problem::with("E_SEPARATION", &columns[furthest % k].label)
        }
    }
}

/// Covariance of the parameters of the shifted and scaled columns.
///
/// # Errors
/// `E_NO_CONVERGENCE` where the information is singular, `E_NO_RESIDUAL_DF` where there are no more rows than parameters.
pub(crate) fn covariance<L: Likelihood>(
    likelihood: &L,
    sample: &Sample,
    optimum: &Optimum,
    errors: Errors,
) -> Result<DMatrix<f64>, Problem> {
    let inverse = inverse(&optimum.information).ok_or_else(|| Problem::new("E_NO_CONVERGENCE"))?;
    let (n, k) = (sample.n, optimum.parameters.len() as f64);
    if errors != Errors::Model && n <= k {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    Ok(match errors {
        Errors::Model => inverse,
        Errors::Robust => {
            let scores = sums(likelihood, &sample.cells, &optimum.parameters, Order::Scores).square();
            &inverse * scores * &inverse * (n / (n - k))
        }
        Errors::Cluster(_) => {
            let (scores, count) = clustered(likelihood, sample, &optimum.parameters);
            let count = count as f64;
            &inverse * scores * &inverse * (count / (count - 1.0) * (n - 1.0) / (n - k))
        }
    })
}

/// The inverse of a positive definite matrix, by way of a unit diagonal.
pub(crate) fn inverse(matrix: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let p = matrix.nrows();
    let scale = DVector::from_fn(p, |j, _| 1.0 / matrix[(j, j)].sqrt());
    if scale.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let scaled = DMatrix::from_fn(p, p, |i, j| matrix[(i, j)] * scale[i] * scale[j]);
    let inverse = Cholesky::new(scaled)?.inverse();
    Some(DMatrix::from_fn(p, p, |i, j| inverse[(i, j)] * scale[i] * scale[j]))
}

/// The products of the scores of clusters, and the number of clusters.
fn clustered<L: Likelihood>(likelihood: &L, sample: &Sample, parameters: &[f64]) -> (DMatrix<f64>, usize) {
    let (equations, k, p) = (likelihood.equations(), sample.k(), parameters.len());
    let first = equations * k;
    let context = likelihood.context(&parameters[first..]);
    let q = equations + p - first;
    let (mut u, mut g, mut h) = (vec![0.0; q], vec![0.0; q], vec![0.0; q * q]);
    u[equations..].copy_from_slice(&parameters[first..]);
    let (of, count) = sample.clusters().map_or((&[][..], 0), |c| (c.of.as_slice(), c.count));
    let mut sums = vec![0.0; count * p];
    let cells = &sample.cells;
    cells.each(0..cells.len(), |i, x| {
        cells.indices(i, x, parameters, equations, &mut u);
        likelihood.at(&context, cells.y[i], &u, &mut g, &mut h);
        let sum = &mut sums[of[i] as usize * p..(of[i] as usize + 1) * p];
        let (of_columns, others) = sum.split_at_mut(first);
        for (sum, g) in of_columns.chunks_mut(k).zip(&g) {
            sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += cells.weight[i] * g * x);
        }
        others.iter_mut().zip(&g[equations..]).for_each(|(sum, g)| *sum += cells.weight[i] * g);
    });
    let leaf = |range: std::ops::Range<usize>| {
        let part = DMatrix::from_row_slice(range.len(), p, &sums[range.start * p..range.end * p]);
        part.tr_mul(&part)
    };
    (tree(0..count, LEAF, &leaf, &|a, b| a + b), count)
}

/// A maximum in terms of the columns as they were.
pub(crate) struct Estimated {
    /// All parameters.
    pub b: Vec<f64>,
    /// Their covariance.
    pub covariance: DMatrix<f64>,
    /// Log-likelihood.
    pub value: f64,
    /// The parameters of the shifted and scaled columns.
    pub scaled: Vec<f64>,
}

/// Maximises a likelihood over a sample. `start` holds parameters of the shifted and scaled columns; `back` turns such into those
/// of the columns as they were.
pub(crate) fn estimate<L: Likelihood>(
    rows: &dyn Rows,
    likelihood: &L,
    sample: &Sample,
    errors: Errors,
    start: Vec<f64>,
    back: &DMatrix<f64>,
) -> Result<Estimated, Problem> {
    if sample.n <= start.len() as f64 {
        return Err(Problem::new("E_NO_RESIDUAL_DF"));
    }
    let optimum = maximise(likelihood, &sample.cells, start, &|number| rows.step(number))
        .map_err(|f| problem(f, sample, likelihood.equations()))?;
    let covariance = covariance(likelihood, sample, &optimum, errors)?;
    let b = back * DVector::from_column_slice(&optimum.parameters);
    Ok(Estimated {
        b: b.as_slice().to_vec(),
        covariance: back * covariance * back.transpose(),
        value: optimum.value,
        scaled: optimum.parameters,
    })
}

/// [`Sample::back`] for several equations, and the parameters without columns as they are.
pub(crate) fn back(sample: &Sample, equations: usize, scalars: usize) -> DMatrix<f64> {
    let (k, one) = (sample.k(), sample.back());
    let mut all = DMatrix::identity(equations * k + scalars, equations * k + scalars);
    (0..equations).for_each(|e| all.view_mut((e * k, e * k), (k, k)).copy_from(&one));
    all
}

/// The influence of single persons (SDC-150), with the weights that a row of each observation had in the last step.
pub(crate) fn influence(sample: &Sample, model: &Model, weights: &[f64]) -> Influence {
    let x = Filled { design: &sample.design, frame: &sample.patterns.frame };
    let zeros = vec![0.0; weights.len()];
    let total: Vec<f64> = weights.iter().zip(&sample.cells.weight).map(|(w, n)| w * n).collect();
    let solution = solve(&x, Response { values: &zeros, pivot: 0.0 }, Some(&total));
    let found = crate::linear::influence(&x, &solution, Some(weights), &sample.patterns, model.persons.as_deref());
    // A column that the weights have emptied is one that few rows decide.
    let mut concentration = vec![1.0; sample.k()];
    solution.kept.iter().zip(found.concentration).for_each(|(j, share)| concentration[*j] = share);
    Influence { leverage: found.leverage, concentration }
}

/// The larger of two influences.
pub(crate) fn most(mut a: Influence, b: Influence) -> Influence {
    a.leverage = a.leverage.max(b.leverage);
    a.concentration.iter_mut().zip(b.concentration).for_each(|(a, b)| *a = a.max(b));
    a
}

/// A parameter as it is reported.
pub(crate) struct Parameter {
    /// Its label.
    pub label: String,
    /// Its column, where it has one.
    pub column: Option<usize>,
    /// Its place among the parameters.
    pub at: usize,
}

/// The parameters of one equation in the order of results, without those of control terms. `prefix` is the outcome.
pub(crate) fn parameters(sample: &Sample, model: &Model, prefix: Option<&str>, start: usize) -> Vec<Parameter> {
    let shown = |j: &usize| sample.design.columns[*j].term.is_none_or(|term| !model.terms[term].control);
    let label = |j: usize| {
        let label = &sample.design.columns[j].label;
        prefix.map_or_else(|| label.clone(), |prefix| format!("{prefix}:{label}"))
    };
    let order = sample.design.order().filter(shown);
    order.map(|j| Parameter { label: label(j), column: Some(j), at: start + j }).collect()
}

/// What is known at the end of a fit.
pub(crate) struct End<'a> {
    /// The sample.
    pub sample: &'a Sample,
    /// What is reported of them.
    pub parameters: &'a [Parameter],
    /// All parameters, of the columns as they were.
    pub b: &'a [f64],
    /// Their covariance.
    pub covariance: &'a DMatrix<f64>,
    /// Log-likelihood.
    pub value: f64,
    /// That of the model with the constant alone, or with index 0.
    pub null: f64,
    /// Degrees of freedom between the two.
    pub df: f64,
    /// The influence of single persons.
    pub influence: Influence,
}

impl End<'_> {
    /// The report.
    pub fn fit(self, rows: &dyn Rows) -> Result<Fit, Problem> {
        if rows.stopped() {
            return Err(Problem::new("E_STOPPED"));
        }
        let at = |i: usize| self.parameters[i].at;
        let size = self.parameters.len();
        let estimates = self.parameters.iter().map(|p| Estimate {
            label: p.label.clone(),
            column: p.column,
            b: self.b[p.at],
            se: self.covariance[(p.at, p.at)].max(0.0).sqrt(),
        });
        let k = self.b.len() as f64;
        let (n, ll, ll_0) = (self.sample.n, self.value, self.null);
        let chi2 = 2.0 * (ll - ll_0);
        let test = Test { name: "lr_chi2".to_owned(), statistic: chi2, kind: TestKind::ChiSquare(self.df) };
        let mut scalars = vec![
            ("n", n),
            ("ll", ll),
            ("ll_0", ll_0),
            ("lr_chi2", chi2),
            ("df", self.df),
            ("pseudo_r2", 1.0 - ll / ll_0),
            ("aic", 2.0 * k - 2.0 * ll),
            ("bic", k * n.ln() - 2.0 * ll),
        ];
        scalars.extend(test.p().map(|p| ("p", p)));
        Ok(Fit {
            estimates: estimates.collect(),
            covariance: DMatrix::from_fn(size, size, |i, j| self.covariance[(at(i), at(j))]),
            residual_df: None,
            n,
            scalars,
            tests: vec![test],
            margins: Vec::new(),
            omitted: self.sample.omitted.clone(),
            notices: notices(&self.sample.omitted),
            influence: self.influence,
            clusters: self.sample.clusters().map(|c| c.count as u64),
        })
    }
}

/// An odds ratio or a rate ratio (`or`, `irr`).
#[derive(Clone, PartialEq, Debug)]
pub struct Ratio {
    /// The label of the estimate.
    pub label: String,
    /// exp(b).
    pub ratio: f64,
    /// se·exp(b).
    pub se: f64,
    /// The lower limit of b, exponentiated.
    pub lower: f64,
    /// The upper one.
    pub upper: f64,
}

/// The estimates exponentiated, with limits at `level` per cent; further parameters such as alpha are left out.
pub fn ratios(fit: &Fit, level: f64) -> Vec<Ratio> {
    let z = distributions::normal_critical(level);
    let estimates = fit.estimates.iter().filter(|e| e.column.is_some());
    estimates
        .map(|e| Ratio {
            label: e.label.clone(),
            ratio: e.b.exp(),
            se: e.se * e.b.exp(),
            lower: (e.b - z * e.se).exp(),
            upper: (e.b + z * e.se).exp(),
        })
        .collect()
}
