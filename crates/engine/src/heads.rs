//! What results of models, tests and plots are called: words of the script, of its options and of the catalogue, so that a table
//! of them can be read. No number and nothing of the data, which is why the gate passes them through.

use std::collections::BTreeMap;

/// Titles of columns and terms by what the script writes: `income` → `Income after tax`, `sex=2` → `Sex: woman`.
pub type Titles = BTreeMap<String, String>;

/// What the estimates of a model are, and so the heading of their column.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Effect {
    /// Coefficients.
    #[default]
    Coefficient,
    /// Coefficients of standardised columns (`standardize`, STAT-102).
    Standardised,
    /// exp(b) of a logistic model (`or`, STAT-210).
    OddsRatio,
    /// exp(b) of a model of counts (`irr`, STAT-225).
    RateRatio,
    /// exp(b) of a Cox model (`hazard`, STAT-260).
    HazardRatio,
}

impl Effect {
    /// Whether exp(b) is shown in place of b.
    pub fn is_ratio(self) -> bool {
        matches!(self, Effect::OddsRatio | Effect::RateRatio | Effect::HazardRatio)
    }
}

/// How the standard errors of a model are made (STAT-101).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Variance {
    /// As the model itself says.
    #[default]
    Model,
    /// Robust to unequal variances (`robust`).
    Robust,
    /// Robust to dependence within the groups of this column (`cluster`).
    Cluster(String),
}

/// What a model is called and how its rows are to be read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModelHead {
    /// The command: `regress`, `logit`.
    pub command: String,
    /// The estimator, where an option of the command chooses it: `fe`, `liml`.
    pub estimator: Option<String>,
    /// The response; for a survival model its time.
    pub response: String,
    /// Where there are several equations, the word before the colon of the labels of their rows, in order: the outcomes of
    /// `mlogit`.
    pub equations: Vec<String>,
    /// What the estimates are.
    pub effect: Effect,
    /// How their errors are made.
    pub variance: Variance,
    /// Terms that are in the model and not in the result (STAT-009).
    pub controls: Vec<String>,
    /// Titles of the response, of terms (`age`, `sex=2`) and of equations (`2`).
    pub titles: Titles,
}

/// What a table of tests is about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TestsHead {
    /// The command: `anova`, `normaltest`.
    pub command: String,
    /// The response, where there is one.
    pub response: Option<String>,
    /// Titles of columns and terms.
    pub titles: Titles,
}

/// What survival curves are about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SurvivalHead {
    /// The command: `kaplan-meier`, `weibull`.
    pub command: String,
    /// The column that says whether there was an event.
    pub event: String,
    /// The column of the time.
    pub time: String,
    /// The column that makes the groups.
    pub group: Option<String>,
    /// Titles of these columns.
    pub titles: Titles,
}
