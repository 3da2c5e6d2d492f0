//! `ivregress`: instruments by two-stage least squares, limited-information maximum likelihood, and the two-step generalised method
//! of moments (STAT-120 to STAT-122). The tests beside them stand in `diagnostics.rs`.
//!
//! X has the exogenous columns and then the endogenous ones, Z the exogenous ones and then the instruments. X̂ = P_Z X is the first stage.

mod diagnostics;

use nalgebra::{DMatrix, DVector};

use super::columns::{Columns, Extended, Picked, sum};
use super::influence::influence;
use super::model::{Errors, Sample, estimates, joint, notices};
use super::regress::{sandwich, square_sums, subtract_from};
use super::solve::{Response, Solution, cluster_sums, solve};
use crate::design::{Design, Term};
use crate::fit::Fit;
use crate::problem::{Notice, Problem};
use crate::rows::Rows;

/// Which estimator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Estimator {
    /// Two-stage least squares.
    #[default]
    Tsls,
    /// Limited-information maximum likelihood.
    Liml,
    /// Two-step generalised method of moments.
    Gmm,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Instruments {
    /// The dependent variable.
    pub y: usize,
    /// The exogenous terms.
    pub exogenous: Vec<Term>,
    /// The endogenous terms.
    pub endogenous: Vec<Term>,
    /// The excluded instruments.
    pub instruments: Vec<Term>,
    /// Whether there is a constant.
    pub constant: bool,
    /// Which estimator.
    pub estimator: Estimator,
    /// How errors are estimated; of the kinds by row [`Errors::Robust`]. The method of moments is robust anyway.
    pub errors: Errors,
    /// The first stage (STAT-123).
    pub first_stage: bool,
    /// Whether the endogenous terms are so (STAT-124).
    pub endog: bool,
    /// Whether the instruments are valid (STAT-125).
    pub overid: bool,
}

impl Instruments {
    /// By two-stage least squares with a constant and the default errors.
    pub fn of(y: usize, exogenous: Vec<Term>, endogenous: Vec<Term>, instruments: Vec<Term>) -> Self {
        Self {
            y,
            exogenous,
            endogenous,
            instruments,
            constant: true,
            estimator: Estimator::Tsls,
            errors: Errors::Default,
            first_stage: false,
            endog: false,
            overid: false,
        }
    }

    /// Fits it. `persons` is the person of each source row, where one may have several rows.
    ///
    /// # Errors
    /// `E_UNDERIDENTIFIED`, `E_COLLINEAR_ALL`, `E_NO_RESIDUAL_DF`, `E_CLUSTER_IN_MODEL`, `E_TOO_FEW_CLUSTERS`, `E_STOPPED`.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<InstrumentsFit, Problem> {
        let terms = [self.exogenous.as_slice(), &self.endogenous, &self.instruments].concat();
        let cluster = self.errors.cluster();
        let sample = Sample::of(rows, self.y, &terms, self.constant, cluster, persons.is_some())?;
        let stage = Stage::of(self, &sample)?;
        let estimate = match self.estimator {
            Estimator::Tsls => stage.tsls(self.errors),
            Estimator::Liml => stage.liml(self.errors)?,
            Estimator::Gmm => stage.moments()?,
        };
        let design = Design {
            columns: stage.structural.iter().map(|j| sample.design.columns[*j].clone()).collect(),
            constant: sample.design.constant,
        };
        let (shown, covariance) = estimates(&design, &terms, &estimate.b, &estimate.covariance);
        let clusters = sample.patterns.clusters.as_ref().map(|c| c.count as f64);
        let df = stage.df();
        let residual_df = (self.estimator != Estimator::Gmm).then(|| clusters.map_or(df, |count| count - 1.0));
        let mut notices = notices(&stage.omitted);
        let mut tests = Vec::new();
        let slopes: Vec<usize> = (usize::from(design.constant)..design.len()).collect();
        tests.push(joint("F", &slopes, &estimate.b, &estimate.covariance, residual_df.unwrap_or(df)));
        let first = diagnostics::first_stage(&stage, self.errors);
        notices
            .extend(first.iter().filter(|f| f.f.statistic < 10.0).map(|f| Notice::with("W_WEAK_INSTRUMENT", &f.label)));
        if self.endog {
            tests.extend(diagnostics::endogeneity(&stage, self.errors));
        }
        if self.overid {
            tests.extend(diagnostics::overidentification(&stage, self.estimator, &estimate));
        }
        let total = sample.patterns.total_squares(self.constant);
        let rss = estimate.rss;
        let r2 = 1.0 - rss / total;
        let mut scalars = vec![
            ("n", sample.patterns.n),
            ("df_model", slopes.len() as f64),
            ("df_resid", df),
            // A negative share says nothing (STAT-122).
            ("r2", if r2 < 0.0 { f64::NAN } else { r2 }),
            ("sigma", (rss / df).sqrt()),
            ("rss", rss),
            ("tss", total),
        ];
        scalars.extend(estimate.kappa.map(|kappa| ("kappa", kappa)));
        let fit = Fit {
            estimates: shown,
            covariance,
            residual_df,
            n: sample.patterns.n,
            scalars,
            tests,
            margins: Vec::new(),
            omitted: stage.omitted.clone(),
            notices,
            influence: influence(&stage.fitted(), &stage.second, None, &sample.patterns, persons),
            clusters: clusters.map(|count| count as u64),
        };
        let first_stage = if self.first_stage { first } else { Vec::new() };
        let structural = stage.structural.clone();
        Ok(InstrumentsFit { fit, first_stage, design, b: estimate.b, structural, sample })
    }
}

/// The first stage of an endogenous column.
#[derive(Clone, PartialEq, Debug)]
pub struct FirstStage {
    /// The column.
    pub label: String,
    /// What the excluded instruments explain of what the exogenous terms do not.
    pub partial_r2: f64,
    /// The test of the excluded instruments.
    pub f: crate::fit::Test,
}

/// A result.
#[derive(Clone, Debug)]
pub struct InstrumentsFit {
    /// Scalars: `n`, `df_model`, `df_resid`, `r2` (missing where negative), `sigma`, `rss`, `tss`, `kappa`. Tests: `F`, of `endog`
    /// `durbin` and `wu_hausman`, or `robust_score` and `robust_regression`, of `overid` `sargan` and `basmann`, `anderson_rubin` and
    /// `basmann_f`, or `hansen`; none of `overid` where there are as many instruments as endogenous columns. `influence` is that of the
    /// second stage, by column of `design`.
    pub fit: Fit,
    /// By endogenous column, where asked for.
    pub first_stage: Vec<FirstStage>,
    /// The columns that are left, exogenous then endogenous.
    pub design: Design,
    b: DVector<f64>,
    structural: Vec<usize>,
    sample: Sample,
}

impl InstrumentsFit {
    /// x'b with the actual endogenous values by source row; NaN where a variable of the model, an instrument too, is missing.
    pub fn predicted(&self, rows: &dyn Rows) -> Vec<f64> {
        self.sample.over(rows, |x| {
            let mut out = vec![0.0; x.len()];
            let picked = super::columns::Matrix::of(&Picked { all: x, columns: &self.structural });
            for (column, b) in picked.columns.iter().zip(self.b.iter()) {
                out.iter_mut().zip(column).for_each(|(out, x)| *out += b * x);
            }
            out
        })
    }

    /// y less that.
    pub fn residuals(&self, rows: &dyn Rows) -> Vec<f64> {
        let mut out = self.predicted(rows);
        subtract_from(rows, self.sample.y, &mut out);
        out
    }
}

/// An estimate of the structural equation.
struct Estimate {
    b: DVector<f64>,
    covariance: DMatrix<f64>,
    rss: f64,
    /// Mean residuals of the patterns.
    residuals: Vec<f64>,
    kappa: Option<f64>,
    /// Hansen's J.
    j: Option<f64>,
}

/// What all estimators start from. Columns are numbered as in the sample's design.
struct Stage<'a> {
    sample: &'a Sample,
    /// Exogenous columns that are left, the constant first.
    exogenous: Vec<usize>,
    /// Endogenous columns.
    endogenous: Vec<usize>,
    /// Exogenous columns and instruments that are left.
    z: Vec<usize>,
    /// Exogenous and endogenous columns.
    structural: Vec<usize>,
    /// The regression of each endogenous column on Z, with what is left of it.
    first: Vec<(Solution, Vec<f64>)>,
    /// The endogenous columns of X̂.
    hats: Vec<Vec<f64>>,
    /// The second stage: y on X̂.
    second: Solution,
    omitted: Vec<String>,
}

impl<'a> Stage<'a> {
    fn of(model: &Instruments, sample: &'a Sample) -> Result<Self, Problem> {
        let (few, some) = (model.exogenous.len(), model.exogenous.len() + model.endogenous.len());
        let columns = &sample.design.columns;
        let within = |from: usize, to: usize| {
            let own = move |j: &usize| columns[*j].term.is_some_and(|t| (from..to).contains(&t));
            (0..columns.len()).filter(own)
        };
        let constant = (0..columns.len()).filter(|j| columns[*j].term.is_none());
        let exogenous: Vec<usize> = constant.chain(within(0, few)).collect();
        let endogenous: Vec<usize> = within(few, some).collect();
        let candidates: Vec<usize> = exogenous.iter().copied().chain(within(some, usize::MAX)).collect();
        if endogenous.is_empty() {
            return Err(Problem::new("E_UNDERIDENTIFIED"));
        }
        let weight = Some(sample.patterns.weight.as_slice());
        let x = sample.x();
        // Which columns of Z stay does not depend on what is regressed on them.
        let zeros = vec![0.0; x.len()];
        let probe = solve(&Picked { all: &x, columns: &candidates }, Response { values: &zeros, pivot: 0.0 }, weight);
        let z: Vec<usize> = probe.kept.iter().map(|i| candidates[*i]).collect();
        let mut omitted: Vec<String> = probe.omitted.iter().map(|i| columns[candidates[*i]].label.clone()).collect();
        let exogenous: Vec<usize> = exogenous.into_iter().filter(|j| z.contains(j)).collect();
        if z.len() - exogenous.len() < endogenous.len() {
            return Err(Problem::new("E_UNDERIDENTIFIED"));
        }
        let instruments = Picked { all: &x, columns: &z };
        let whole = super::columns::Matrix::of(&Picked { all: &x, columns: &endogenous });
        let (mut first, mut hats) = (Vec::new(), Vec::new());
        for column in &whole.columns {
            let response = Response { values: column, pivot: 0.0 };
            let solution = solve(&instruments, response, weight);
            let left = solution.residuals(&instruments, response);
            hats.push(column.iter().zip(&left).map(|(x, e)| x - e).collect());
            first.push((solution, left));
        }
        let mut stage = Self {
            sample,
            structural: exogenous.iter().chain(&endogenous).copied().collect(),
            exogenous,
            endogenous,
            z,
            first,
            hats,
            second: probe,
            omitted: Vec::new(),
        };
        stage.second = solve(&stage.fitted(), sample.response(), weight);
        if !stage.second.omitted.is_empty() {
            return Err(Problem::new("E_UNDERIDENTIFIED"));
        }
        if stage.df() <= 0.0 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        omitted.dedup();
        stage.omitted = omitted;
        Ok(stage)
    }

    fn weight(&self) -> &[f64] {
        &self.sample.patterns.weight
    }

    /// n − k.
    fn df(&self) -> f64 {
        self.sample.patterns.n - self.structural.len() as f64
    }

    /// X̂ over the patterns.
    fn fitted(&self) -> Joined<'_> {
        Joined { x: self.sample.x(), columns: &self.exogenous, more: &self.hats }
    }

    /// y − Xb of each pattern for estimates b.
    fn residuals(&self, b: &DVector<f64>) -> Vec<f64> {
        // y − X̂b₂ is known without loss of digits; the rest is (X̂ − X)b and X̂(b₂ − b).
        let hat = self.fitted();
        let mut out = self.second.residuals(&hat, self.sample.response());
        let from = self.exogenous.len();
        for (i, (_, left)) in self.first.iter().enumerate() {
            out.iter_mut().zip(left).for_each(|(out, e)| *out -= b[from + i] * e);
        }
        let change = &self.second.b - b;
        if change.amax() > 0.0 {
            let columns = super::columns::Matrix::of(&hat);
            for (column, change) in columns.columns.iter().zip(change.iter()) {
                out.iter_mut().zip(column).for_each(|(out, x)| *out += change * x);
            }
        }
        out
    }

    fn rss(&self, residuals: &[f64]) -> f64 {
        sum(square_sums(&self.sample.patterns, residuals))
    }

    /// Default, robust or clustered errors with `bread` = the inverse of X̂'X̂ or its like.
    fn covariance(&self, bread: &DMatrix<f64>, residuals: &[f64], errors: Errors) -> DMatrix<f64> {
        if errors == Errors::Default {
            return bread * (self.rss(residuals) / self.df());
        }
        let (n, df) = (self.sample.patterns.n, self.df());
        let patterns = &self.sample.patterns;
        let v = sandwich(&self.second, &self.fitted(), patterns, residuals, errors, n / df, (n - 1.0) / df);
        // The sandwich of two-stage least squares, with the other bread.
        let change = bread * inverse(&self.second.inverse());
        &change * v * change.transpose()
    }

    fn tsls(&self, errors: Errors) -> Estimate {
        let residuals = self.residuals(&self.second.b);
        let covariance = self.covariance(&self.second.inverse(), &residuals, errors);
        let rss = self.rss(&residuals);
        Estimate { b: self.second.b.clone(), covariance, rss, residuals, kappa: None, j: None }
    }

    /// T. W. Anderson and H. Rubin (1949): the k-class estimator with κ the smallest eigenvalue of (Y'M_Z Y)⁻¹ Y'M_1 Y, Y = [y, endogenous
    /// columns], M_1 taking out the exogenous ones. It is two-stage least squares with a correction.
    fn liml(&self, errors: Errors) -> Result<Estimate, Problem> {
        let x = self.sample.x();
        let instruments = Picked { all: &x, columns: &self.z };
        let y = solve(&instruments, self.sample.response(), Some(self.weight()));
        let left: Vec<Vec<f64>> = std::iter::once(y.residuals(&instruments, self.sample.response()))
            .chain(self.first.iter().map(|(_, left)| left.clone()))
            .collect();
        let without = |values: &[f64], pivot: f64| {
            if self.exogenous.is_empty() {
                return values.iter().map(|y| y + pivot).collect();
            }
            let exogenous = Picked { all: &x, columns: &self.exogenous };
            let response = Response { values, pivot };
            solve(&exogenous, response, Some(self.weight())).residuals(&exogenous, response)
        };
        let endogenous = super::columns::Matrix::of(&Picked { all: &x, columns: &self.endogenous });
        let partly: Vec<Vec<f64>> = std::iter::once(without(&self.sample.means, self.sample.patterns.pivot))
            .chain(endogenous.columns.iter().map(|column| without(column, 0.0)))
            .collect();
        let within = sum(self.sample.patterns.within());
        let mut inner = self.products(&left, &left);
        let mut outer = self.products(&partly, &partly);
        inner[(0, 0)] += within;
        outer[(0, 0)] += within;
        let factor = inner.cholesky().ok_or(Problem::new("E_COLLINEAR_ALL"))?.l();
        let half = factor.solve_lower_triangular(&outer).ok_or(Problem::new("E_COLLINEAR_ALL"))?;
        let both = factor.solve_lower_triangular(&half.transpose()).ok_or(Problem::new("E_COLLINEAR_ALL"))?;
        let kappa = ((&both + both.transpose()) * 0.5).symmetric_eigenvalues().min();
        // H = X̂'X̂ − (κ − 1)R'R with R = M_Z X, which is zero but for the endogenous columns.
        let own = &left[1..];
        let (size, from) = (self.structural.len(), self.exogenous.len());
        let mut spread = DMatrix::zeros(size, size);
        spread.view_mut((from, from), (own.len(), own.len())).copy_from(&self.products(own, own));
        let u = &self.second.factor;
        let rotated = DMatrix::identity(size, size) - (u.transpose() * &spread * u) * (kappa - 1.0);
        let bread = u * inverse(&rotated) * u.transpose();
        // M_Z(y − Xb₂) is what Z leaves of y less what it leaves of Xb₂.
        let mut rest = left[0].clone();
        for (i, e) in own.iter().enumerate() {
            rest.iter_mut().zip(e).for_each(|(rest, e)| *rest -= self.second.b[from + i] * e);
        }
        let mut moment = DVector::zeros(size);
        let along = self.products(own, &[rest]);
        moment.rows_mut(from, own.len()).copy_from(&along.column(0));
        let b = &self.second.b - &bread * moment * (kappa - 1.0);
        let residuals = self.residuals(&b);
        let covariance = self.covariance(&bread, &residuals, errors);
        Ok(Estimate { b, covariance, rss: self.rss(&residuals), residuals, kappa: Some(kappa), j: None })
    }

    /// L. P. Hansen (1982): weights from the residuals of two-stage least squares, by cluster where there are clusters.
    fn moments(&self) -> Result<Estimate, Problem> {
        let singular = || Problem::new("E_COLLINEAR_ALL");
        let x = self.sample.x();
        let picked = Picked { all: &x, columns: &self.z };
        // Z in orthonormal columns: moments with other combinations of the same instruments are the same.
        let zeros = vec![0.0; x.len()];
        let basis = solve(&picked, Response { values: &zeros, pivot: 0.0 }, Some(self.weight()));
        let z = super::columns::Matrix { columns: basis.rotated(&picked), constant: false };
        let first = self.residuals(&self.second.b);
        // Ã = Z'X̂U: Z'X = Z'X̂ as Z takes nothing out of X̂.
        let hats = super::columns::Matrix::of(&self.fitted());
        let a = self.products(&z.columns, &hats.columns) * &self.second.factor;
        let weigh = self.spread(&z, &first).cholesky().ok_or_else(singular)?;
        let weighted = weigh.solve(&a);
        let inner = (a.transpose() * &weighted).cholesky().ok_or_else(singular)?;
        let m = self.products(&z.columns, std::slice::from_ref(&first));
        let b = &self.second.b + &self.second.factor * inner.solve(&(weighted.transpose() * m)).column(0);
        let residuals = self.residuals(&b);
        let half = inner.solve(&weighted.transpose());
        let v = &half * self.spread(&z, &residuals) * half.transpose();
        let covariance = &self.second.factor * v * self.second.factor.transpose();
        let m = self.products(&z.columns, std::slice::from_ref(&residuals));
        let j = (m.transpose() * weigh.solve(&m))[(0, 0)];
        let rss = self.rss(&residuals);
        Ok(Estimate { b, covariance, rss, residuals, kappa: None, j: Some(j) })
    }

    /// Σ zz'e², or by cluster.
    fn spread(&self, z: &super::columns::Matrix, residuals: &[f64]) -> DMatrix<f64> {
        let patterns = &self.sample.patterns;
        match &patterns.clusters {
            Some(clusters) => {
                let scores: Vec<f64> = residuals.iter().zip(&patterns.weight).map(|(e, w)| e * w).collect();
                let sums = cluster_sums(z, &scores, &clusters.of, clusters.count);
                plain_products(&sums.columns, &sums.columns, None)
            }
            None => plain_products(&z.columns, &z.columns, Some(&square_sums(patterns, residuals))),
        }
    }

    /// Σ w aᵢbᵢ' over the patterns.
    fn products(&self, a: &[Vec<f64>], b: &[Vec<f64>]) -> DMatrix<f64> {
        plain_products(a, b, Some(self.weight()))
    }
}

fn plain_products(a: &[Vec<f64>], b: &[Vec<f64>], weights: Option<&[f64]>) -> DMatrix<f64> {
    DMatrix::from_fn(a.len(), b.len(), |i, j| {
        let both = a[i].iter().zip(&b[j]);
        match weights {
            Some(weights) => sum(both.zip(weights).map(|((a, b), w)| a * b * w)),
            None => sum(both.map(|(a, b)| a * b)),
        }
    })
}

/// Of a symmetric, or nearly so, and well-conditioned matrix.
fn inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let size = matrix.nrows();
    matrix.clone().try_inverse().unwrap_or_else(|| DMatrix::from_element(size, size, f64::NAN))
}

/// Some columns of the design, and more in memory.
struct Joined<'a> {
    x: super::columns::Filled<'a>,
    columns: &'a [usize],
    more: &'a [Vec<f64>],
}

impl Columns for Joined<'_> {
    fn len(&self) -> usize {
        self.x.len()
    }
    fn width(&self) -> usize {
        self.columns.len() + self.more.len()
    }
    fn constant(&self) -> bool {
        self.x.constant()
    }
    fn fill(&self, range: std::ops::Range<usize>, out: &mut [f64]) {
        let first = Picked { all: &self.x, columns: self.columns };
        Extended { first: &first, more: self.more }.fill(range, out);
    }
}

#[cfg(test)]
mod tests;
