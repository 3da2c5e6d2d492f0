//! What every model gives: estimates with their covariance, numbers about the fit, tests, margins, and what the disclosure gate
//! must know of the influence of single persons. Raw numbers: the caller keeps them behind the gate.

use nalgebra::DMatrix;

use crate::problem::Notice;

/// A row of a result.
#[derive(Clone, PartialEq, Debug)]
pub struct Estimate {
    /// As it is written: `age`, `race=2`, `_cons`; with its equation before it where there are several: `2:age`.
    pub label: String,
    /// The column of the design that it belongs to; none for `ln alpha`, cut points and the like.
    pub column: Option<usize>,
    /// Estimate.
    pub b: f64,
    /// Standard error.
    pub se: f64,
}

/// The distribution of a test statistic.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum TestKind {
    /// χ² with so many degrees of freedom.
    ChiSquare(f64),
    /// F with so many degrees of freedom above and below.
    F(f64, f64),
    /// Normal, two-sided.
    Normal,
    /// Student's, two-sided.
    Student(f64),
    /// A number without a p-value.
    Plain,
}

/// A test statistic.
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// E.g. `F`, `lr_chi2`, `het_bp`, `vif[age]`.
    pub name: String,
    /// Its value.
    pub statistic: f64,
    /// What it is compared with.
    pub kind: TestKind,
}

impl Test {
    /// Its p-value; none where it has none.
    pub fn p(&self) -> Option<f64> {
        match self.kind {
            TestKind::ChiSquare(df) => Some(distributions::chi2_upper(self.statistic, df)),
            TestKind::F(above, below) => Some(distributions::f_upper(self.statistic, above, below)),
            TestKind::Normal => Some(distributions::normal_two_sided(self.statistic)),
            TestKind::Student(df) => Some(distributions::t_two_sided(self.statistic, df)),
            TestKind::Plain => None,
        }
    }
}

/// A derived number with its error: a predicted margin, a marginal effect.
#[derive(Clone, PartialEq, Debug)]
pub struct Margin {
    /// E.g. `margin[d=1]`, `dydx[age]`.
    pub label: String,
    /// Estimate.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
}

/// How much single persons decide (SDC-150): by design column in the order of the design.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Influence {
    /// Largest leverage of a person; weighted as the last step of the fit was.
    pub leverage: f64,
    /// Largest share of one person in the squares of each column after the other columns are taken out of it (κ).
    pub concentration: Vec<f64>,
}

/// A fitted model.
#[derive(Clone, PartialEq, Debug)]
pub struct Fit {
    /// In the order of results: the user's order, `_cons` last, then further parameters.
    pub estimates: Vec<Estimate>,
    /// Covariance of the estimates, in their order.
    pub covariance: DMatrix<f64>,
    /// Residual degrees of freedom where estimates are compared with Student's distribution; none for the normal.
    pub residual_df: Option<f64>,
    /// Rows that were used.
    pub n: f64,
    /// Numbers about the fit by name: `r2`, `rss`, `sigma`, `ll`, `ll_0`, `aic` …
    pub scalars: Vec<(&'static str, f64)>,
    /// Tests.
    pub tests: Vec<Test>,
    /// Margins and marginal effects.
    pub margins: Vec<Margin>,
    /// Labels of columns that follow from others and were left out (STAT-008).
    pub omitted: Vec<String>,
    /// What is said beside it.
    pub notices: Vec<Notice>,
    /// The influence of single persons.
    pub influence: Influence,
    /// Number of clusters, where errors are clustered.
    pub clusters: Option<u64>,
}

impl Fit {
    /// A number about the fit.
    pub fn scalar(&self, name: &str) -> Option<f64> {
        self.scalars.iter().find(|(n, _)| *n == name).map(|(_, x)| *x)
    }

    /// The estimate of a term.
    pub fn estimate(&self, label: &str) -> Option<&Estimate> {
        self.estimates.iter().find(|e| e.label == label)
    }
}
