//! What the linear models share: the sample with its design, kinds of errors, results by term, and values by source row.

use nalgebra::{DMatrix, DVector};

use super::columns::Filled;
use super::patterns::{Patterns, Request};
use super::solve::{Response, Solution, solve};
use crate::design::{Column, Design, Form, Term, variables};
use crate::fit::{Estimate, Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// How errors are estimated (STAT-101).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Errors {
    /// σ̂²(X'X)⁻¹.
    #[default]
    Default,
    /// HC1: the option `robust`.
    Robust,
    /// HC0, without a factor for small samples.
    Hc0,
    /// HC2: squares of residuals divided by 1 − h.
    Hc2,
    /// HC3: squares of residuals divided by (1 − h)².
    Hc3,
    /// By the variable with this number.
    Cluster(usize),
}

impl Errors {
    /// The variable by which errors are clustered.
    pub fn cluster(self) -> Option<usize> {
        match self {
            Self::Cluster(variable) => Some(variable),
            _ => None,
        }
    }
}

/// The rows of a model, compressed, with its columns over them.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The dependent variable.
    pub y: usize,
    /// Variables of the terms, in the order of the columns of the frame.
    pub variables: Vec<usize>,
    /// Patterns of the rows.
    pub patterns: Patterns,
    /// Mean of y in each pattern, less the pivot.
    pub means: Vec<f64>,
    /// The columns of the terms.
    pub design: Design,
    known: Known,
}

impl Sample {
    /// Reads what a model needs. `places` asks for the pattern of each source row.
    ///
    /// # Errors
    /// `E_COLLINEAR_ALL` when the dependent variable is in the terms or no column is left, `E_CLUSTER_IN_MODEL`,
    /// `E_TOO_FEW_CLUSTERS`, `E_NO_RESIDUAL_DF` when there is no row, `E_STOPPED`.
    pub fn of(
        rows: &dyn Rows,
        y: usize,
        terms: &[Term],
        constant: bool,
        cluster: Option<usize>,
        places: bool,
    ) -> Result<Self, Problem> {
        let variables = variables(terms);
        if variables.contains(&y) {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        if let Some(cluster) = cluster.filter(|c| variables.contains(c)) {
            return Err(Problem::with("E_CLUSTER_IN_MODEL", rows.name(cluster)));
        }
        let patterns = Patterns::of(rows, Request { covariates: &variables, y: Some(y), cluster, places })?;
        if patterns.is_empty() {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        if let (Some(variable), Some(clusters)) = (cluster, &patterns.clusters)
            && clusters.count < 2
        {
            return Err(Problem::with("E_TOO_FEW_CLUSTERS", rows.name(variable)));
        }
        let design = Design::of(rows, &patterns.frame, &place(&variables), terms, constant)?;
        let known = Known::of(rows, &patterns.frame, &variables, terms);
        Ok(Self { y, means: patterns.means(), variables, patterns, design, known })
    }

    /// The columns over the patterns.
    pub fn x(&self) -> Filled<'_> {
        Filled { design: &self.design, frame: &self.patterns.frame }
    }

    /// The means of y.
    pub fn response(&self) -> Response<'_> {
        Response { values: &self.means, pivot: self.patterns.pivot }
    }

    /// Least squares; columns that are left out are taken out of the design, and their labels given.
    ///
    /// # Errors
    /// `E_COLLINEAR_ALL` when no term is left, `E_NO_RESIDUAL_DF` when there are not more rows than columns.
    pub fn solve(&mut self) -> Result<(Solution, Vec<String>), Problem> {
        let solution = solve(&self.x(), self.response(), Some(&self.patterns.weight));
        let omitted = omit(&mut self.design, &solution)?;
        let solution = solution.without_omitted();
        if self.patterns.n <= solution.size() as f64 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        Ok((solution, omitted))
    }

    /// Values by source row, from those for the design over all rows whose regressors are there; NaN for other rows, and for those with a
    /// category that did not occur in the fit.
    pub fn over(&self, rows: &dyn Rows, values: impl Fn(&Filled<'_>) -> Vec<f64>) -> Vec<f64> {
        let frame = Frame::of(rows, &self.variables);
        let found = values(&Filled { design: &self.design, frame: &frame });
        self.known.by_source(&frame, &found, rows.len())
    }
}

/// Which column of a frame holds a variable.
pub fn place(variables: &[usize]) -> impl Fn(usize) -> usize {
    move |variable| variables.iter().position(|v| *v == variable).unwrap_or_default()
}

/// Which categories of its factors a model knows: those that occurred in the fit. Others would be taken for the base.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Known(Vec<Option<Vec<bool>>>);

impl Known {
    /// Of the terms over a frame of their variables.
    pub fn of(rows: &dyn Rows, frame: &Frame, variables: &[usize], terms: &[Term]) -> Self {
        let pieces = || terms.iter().flat_map(|t| &t.pieces);
        let factor = |v: usize| pieces().any(|p| p.variable == v && matches!(p.form, Form::Factor { .. }));
        let each = |(variable, column): (&usize, &Vec<f64>)| {
            factor(*variable).then(|| {
                let mut seen = vec![false; rows.categories(*variable).map_or(0, |c| c.len())];
                for x in column {
                    if let Some(seen) = seen.get_mut(*x as usize) {
                        *seen = true;
                    }
                }
                seen
            })
        };
        Self(variables.iter().zip(&frame.columns).map(each).collect())
    }

    /// Values of the rows of a frame by source row; NaN for rows that are not in it, and for those with an unknown category.
    pub fn by_source(&self, frame: &Frame, values: &[f64], rows: usize) -> Vec<f64> {
        let mut out = vec![f64::NAN; rows];
        for (i, (row, value)) in frame.origin.iter().zip(values).enumerate() {
            let fits = |(known, column): (&Option<Vec<bool>>, &Vec<f64>)| {
                known.as_ref().is_none_or(|known| known.get(column[i] as usize).copied().unwrap_or(false))
            };
            if self.0.iter().zip(&frame.columns).all(fits) {
                out[*row as usize] = *value;
            }
        }
        out
    }
}

/// Takes the columns that were left out of a design; gives their labels.
///
/// # Errors
/// `E_COLLINEAR_ALL` when no term is left.
pub fn omit(design: &mut Design, solution: &Solution) -> Result<Vec<String>, Problem> {
    let labels: Vec<String> = solution.omitted.iter().map(|j| design.columns[*j].label.clone()).collect();
    *design = design.without(&solution.omitted);
    let terms = design.columns.iter().filter(|c| c.term.is_some()).count();
    if design.is_empty() || (terms == 0 && !labels.is_empty()) {
        return Err(Problem::new("E_COLLINEAR_ALL"));
    }
    Ok(labels)
}

/// The notices about columns that were left out.
pub fn notices(omitted: &[String]) -> Vec<Notice> {
    omitted.iter().map(|label| Notice::with("W_COLLINEAR", label)).collect()
}

/// Estimates and their covariance in the order of results; terms that are only controlled for are left out (STAT-009).
pub fn estimates(
    design: &Design,
    terms: &[Term],
    b: &DVector<f64>,
    covariance: &DMatrix<f64>,
) -> (Vec<Estimate>, DMatrix<f64>) {
    let shown = |column: &Column| column.term.is_none_or(|t| terms.get(t).is_none_or(|t| !t.control));
    let order: Vec<usize> = design.order().filter(|j| shown(&design.columns[*j])).collect();
    let each = |j: &usize| Estimate {
        label: design.columns[*j].label.clone(),
        column: Some(*j),
        b: b[*j],
        se: covariance[(*j, *j)].sqrt(),
    };
    let estimates = order.iter().map(each).collect();
    (estimates, DMatrix::from_fn(order.len(), order.len(), |i, j| covariance[(order[i], order[j])]))
}

/// b'V⁻¹b; none where V is not positive definite.
pub fn wald(b: &[f64], covariance: &DMatrix<f64>) -> Option<f64> {
    let scale: Vec<f64> = (0..b.len()).map(|i| covariance[(i, i)].sqrt()).collect();
    let scaled = DMatrix::from_fn(b.len(), b.len(), |i, j| covariance[(i, j)] / (scale[i] * scale[j]));
    let factor = scaled.cholesky()?;
    if factor.l().diagonal().min() < 1e-7 {
        return None;
    }
    let t = DVector::from_fn(b.len(), |i, _| b[i] / scale[i]);
    Some(t.dot(&factor.solve(&t)))
}

/// The joint test of some columns as F; its statistic is missing where it cannot be computed.
pub fn joint(name: &str, columns: &[usize], b: &DVector<f64>, covariance: &DMatrix<f64>, below: f64) -> Test {
    let some: Vec<f64> = columns.iter().map(|j| b[*j]).collect();
    let size = some.len();
    let v = DMatrix::from_fn(size, size, |i, j| covariance[(columns[i], columns[j])]);
    let statistic = wald(&some, &v).map_or(f64::NAN, |w| w / size as f64);
    Test { name: name.to_owned(), statistic, kind: TestKind::F(size as f64, below) }
}
