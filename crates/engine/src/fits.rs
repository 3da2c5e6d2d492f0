//! Raw results of models, survival analyses, correlations, tests and plots, for the gate (SDC-150..166, SDC-200..211). Nothing
//! is fitted before the gate has said on whom: a sample that is near an earlier one is fitted on the earlier one, without the
//! persons that the gate leaves out (SDC-050, SDC-160). So a result holds the work, and the work gives the numbers.
//!
//! What it is not: an estimator, and no rule of disclosure.

use std::sync::Arc;

use roaring::RoaringBitmap;

use kernel::LangMap;
use statistics::Problem;

use crate::control::Control;
use crate::error::RunError;
use crate::heads::{ModelHead, SurvivalHead, TestsHead, Titles};
use crate::raw::{MeasureKind, PersonSet, RawCategory, RawTable};

/// Whom a fit leaves out.
pub trait Leaves: Sync {
    /// Those of these persons (ordinal and record key) whose rows are left out. Their order does not matter.
    fn out(&self, persons: &mut dyn Iterator<Item = (u32, u128)>) -> Vec<u32>;

    /// The share that is left out at random beside: of so many persons, of whom at least `alike` have each value of a variable
    /// with few values that one of them has. None where nobody is left out in this way.
    fn share(&self, persons: usize, alike: usize) -> Option<f64> {
        let _ = (persons, alike);
        None
    }

    /// Whether the person with this record key is in so large a share.
    fn in_share(&self, record: u128, share: f64) -> bool {
        let _ = (record, share);
        false
    }

    /// Categories whose rows are left out because few persons have them: variable and value as [`Part`] tells them.
    fn categories(&self) -> &[(usize, f64)] {
        &[]
    }
}

/// Why work gave no numbers.
pub enum Failed {
    /// An estimator has no answer for these rows.
    Problem(Problem),
    /// The run ends.
    Run(RunError),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Failed::Problem(problem)
    }
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Failed::Run(error)
    }
}

/// The sample that work may be done on.
pub trait Whom: Send + Sync {
    /// The persons of the sample who are left without these categories.
    ///
    /// # Errors
    /// When the run ends.
    fn without(&self, categories: &[(usize, f64)], control: &dyn Control) -> Result<PersonSet, RunError>;

    /// Whether each of these persons has all values and none of these categories: whether a result over them leaves nobody
    /// out because of the data. For work that may be done over other persons than the sample.
    ///
    /// # Errors
    /// When the run ends.
    fn covers(
        &self,
        persons: &RoaringBitmap,
        categories: &[(usize, f64)],
        control: &dyn Control,
    ) -> Result<bool, RunError>;
}

/// Work that is done when the gate has said on whom.
pub trait Over<T>: Whom {
    /// The numbers over these persons, or over the sample itself, without those who are left out.
    ///
    /// # Errors
    /// [`Failed`].
    fn over(&self, persons: Option<&RoaringBitmap>, leaves: &dyn Leaves, control: &dyn Control) -> Result<T, Failed>;
}

/// Numbers, and the set that they were computed on.
pub struct Computed<T> {
    /// The set whose rule of leaving out was used.
    pub on: u128,
    /// The numbers; the estimator's problem where it has none.
    pub numbers: Result<T, Problem>,
}

/// Persons with a value that the estimator does not take: an outcome that is neither 0 nor 1. They are not in the sample.
pub struct Outside {
    /// What the estimator says to such a value.
    pub problem: Problem,
    /// Who has one.
    pub set: PersonSet,
}

/// The persons with one category of a variable that a result has a column or a group for. Only small ones are told: a large
/// one stays in any case.
pub struct Part {
    /// The variable, as the work numbers them.
    pub variable: usize,
    /// The category, as the work numbers them.
    pub value: f64,
    /// Who has it.
    pub set: PersonSet,
}

/// A result that is computed on a sample of persons as a whole.
pub struct RawAnalysis<T> {
    /// The datasets that its columns are computed from, sorted (SDC-033).
    pub origin: Vec<String>,
    /// Digest of what is fitted: command, terms, options and the keys of the columns (ENG-039).
    pub key: [u8; 32],
    /// Digest of what its columns are but for a factor and a constant: where it is made of a secret part of the sample, which
    /// part (SDC-160). None where it counts the sample.
    pub core: Option<[u8; 32]>,
    /// Whether all its columns have values outside the dataset's population (ENG-039).
    pub row_wise: bool,
    /// The persons in the sample.
    pub sample: PersonSet,
    /// The persons who are not in it because of a value.
    pub outside: Vec<Outside>,
    /// Small categories of the sample. Those with too few persons are left out, as if nobody had them (SDC-181).
    pub parts: Vec<Part>,
    /// The fit.
    pub work: Arc<dyn Over<T>>,
    /// What it gave, once it was done.
    pub computed: Option<Computed<T>>,
}

/// A regression of any kind.
pub type RawModel = RawAnalysis<RawFit>;
/// Survival curves by group.
pub type RawSurvival = RawAnalysis<RawCurves>;
/// Correlations of pairs of variables.
pub type RawCorrelations = RawAnalysis<RawMatrix>;
/// Analysis of variance, tests and other tables of numbers of their own kinds.
pub type RawTests = RawAnalysis<RawNumbers>;

/// Predictions of a model, which become columns and no result.
pub type RawPredictions = RawAnalysis<RawPredicted>;

/// A model was fitted and its columns are made.
pub struct RawPredicted;

/// How a fit ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FitState {
    /// With estimates.
    Converged,
    /// Without, in the number of steps there are.
    NotConverged,
    /// An outcome is told exactly by a term.
    Separated,
}

/// The distribution that an estimate is compared with (STAT-005).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    /// Student's, with the residual degrees of freedom.
    Student,
    /// The normal.
    Normal,
}

/// What a row of a model is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TermRole {
    /// A row of the result.
    Shown,
    /// The constant.
    Intercept,
    /// A further parameter: the dispersion of counts, a cut point. It has no ratio.
    Parameter,
    /// In the model, not in the result (STAT-009).
    Control,
    /// The effect of a group or unit; never in the result (SDC-162).
    Effect,
}

/// A term of a model.
pub struct RawTerm {
    /// As it is written: `age`, `sex=2`, `_cons`.
    pub label: String,
    /// What it is.
    pub role: TermRole,
    /// Estimate; where ratios are shown ([`Effect::is_ratio`](crate::raw::Effect)) still the coefficient.
    pub estimate: f64,
    /// Standard error of it.
    pub se: f64,
    /// The persons on either side of a column of zeros and ones.
    pub sides: Option<[PersonSet; 2]>,
    /// The persons whose value is not the most frequent one.
    pub off_mode: Option<PersonSet>,
    /// Largest share of one person in the squares of the column, after the other columns are taken out of it (κ).
    pub concentration: f64,
}

/// The distribution of a test statistic.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum TestKind {
    /// χ² with so many degrees of freedom.
    ChiSquare(f64),
    /// F with so many degrees of freedom above; below are those of the residuals.
    F(f64),
    /// Normal, two-sided.
    Normal,
    /// A number without a p-value, as a variance inflation factor.
    Plain,
}

/// A test statistic.
pub struct RawTest {
    /// E.g. `F`, `lr_chi2`, `vif age`.
    pub name: String,
    /// Its value.
    pub statistic: f64,
    /// What it is compared with.
    pub kind: TestKind,
}

/// A predicted margin.
pub struct RawMargin {
    /// What it is the margin of.
    pub label: String,
    /// The persons of that cell.
    pub set: PersonSet,
    /// Estimate.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
}

/// A further table of a model: marginal effects, variance inflation, the first stage, components, variances.
pub struct RawFitTable {
    /// Its name: `marginal_effects`, `vif`, `first_stage`.
    pub name: String,
    /// Its rows.
    pub rows: RawFitRows,
}

/// The rows of a further table of a model.
pub enum RawFitRows {
    /// Estimates that rest on the whole sample, with their standard errors.
    Estimates(Vec<RawEstimate>),
    /// Tests.
    Tests(Vec<RawTest>),
    /// Other numbers.
    Numbers(Vec<RawNumber>),
}

/// An estimate that is no term of a model.
pub struct RawEstimate {
    /// Its row.
    pub label: String,
    /// Estimate.
    pub estimate: f64,
    /// Standard error; none for one that has none.
    pub se: Option<f64>,
}

/// A fitted model and what the gate needs to judge it.
pub struct RawFit {
    /// What it is called. Words of the script alone.
    pub head: ModelHead,
    /// How it ended; the rest counts only when it converged.
    pub state: FitState,
    /// What estimates are compared with.
    pub reference: Reference,
    /// Level of the intervals in per cent.
    pub level: f64,
    /// Parameters, those that are not shown included.
    pub parameters: u64,
    /// All terms.
    pub terms: Vec<RawTerm>,
    /// The persons for whom all factors have their base and all dummies are zero; none in a model without either.
    pub base: Option<PersonSet>,
    /// Largest leverage of a person.
    pub leverage: f64,
    /// Number of clusters, where errors are clustered.
    pub clusters: Option<u64>,
    /// Whether the degrees of freedom of errors are those of the clusters, one less than their number (STAT-101).
    pub by_clusters: bool,
    /// Number of groups of each level of random effects.
    pub groups: Vec<u64>,
    /// For each grouping of errors or effects that has few groups, the persons beyond its nine largest.
    pub beyond: Vec<PersonSet>,
    /// For the outcome and what stands before the terms, the persons who do not have the value that most have.
    pub varies: Vec<PersonSet>,
    /// Shares that are shown with three decimals: `r2`, `r2_adj`, `pseudo_r2`.
    pub shares: Vec<(String, f64)>,
    /// Numbers that are shown with four digits: `ll`, `ll_0`, `aic`, `bic`, `root_mse`.
    pub likelihoods: Vec<(String, f64)>,
    /// Test statistics.
    pub tests: Vec<RawTest>,
    /// Predicted margins.
    pub margins: Vec<RawMargin>,
    /// Further tables.
    pub tables: Vec<RawFitTable>,
    /// Numbers of persons beside that of the sample, by name: `events`, `n_left`.
    pub counts: Vec<(String, PersonSet)>,
    /// Terms that follow from others and were left out (STAT-008).
    pub omitted: Vec<String>,
    /// What is said beside the result. It names terms, never a number.
    pub notices: Vec<LangMap>,
}

/// A time at which there were events.
#[derive(Clone, Copy)]
pub struct RawStep {
    /// The time.
    pub time: f64,
    /// Persons at risk just before it.
    pub at_risk: u64,
    /// Events at it.
    pub events: u64,
}

/// A survival curve of one group.
pub struct RawCurve {
    /// The group; none when there is one only.
    pub group: Option<RawCategory>,
    /// Its persons.
    pub set: PersonSet,
    /// Those with an event.
    pub events: PersonSet,
    /// The times with events, ascending.
    pub steps: Vec<RawStep>,
    /// Parameters of a distribution that was fitted: `shape`, `scale` and their standard errors.
    pub parameters: Vec<(String, f64)>,
}

/// The curves of all groups.
pub struct RawCurves {
    /// What they are about. Words of the script alone.
    pub head: SurvivalHead,
    /// Level of the intervals in per cent.
    pub level: f64,
    /// In code list order.
    pub curves: Vec<RawCurve>,
    /// The log-rank test, where there are several.
    pub log_rank: Option<RawTest>,
}

/// A pair of variables.
pub struct RawPair {
    /// The two.
    pub names: [String; 2],
    /// Persons with both.
    pub set: PersonSet,
    /// Pearson's r; none when one of them is constant.
    pub r: Option<f64>,
    /// Covariance, where it was asked for.
    pub covariance: Option<f64>,
    /// Largest share of one person in the squares of either variable about its mean.
    pub concentration: f64,
}

/// All pairs.
pub struct RawMatrix {
    /// Titles of the variables.
    pub titles: Titles,
    /// In the order of the lower triangle.
    pub pairs: Vec<RawPair>,
}

/// How many digits a number of a table has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Digits {
    /// Sums of squares and mean squares (SDC-165).
    Four,
    /// Test statistics, bandwidths.
    Three,
}

/// A number of a table that is neither a count nor an estimate.
pub struct RawNumber {
    /// The table that it stands in, where a result has several: `anova`, `posthoc`.
    pub table: String,
    /// Row and column.
    pub name: [String; 2],
    /// Its value; none where it is not defined.
    pub value: Option<f64>,
    /// Its digits.
    pub digits: Digits,
    /// Sets that must all be large enough for it to be shown: the group, each side of a cutoff.
    pub rests_on: Vec<PersonSet>,
}

/// Tables of such numbers.
pub struct RawNumbers {
    /// What they are about. Words of the script alone.
    pub head: TestsHead,
    /// In the order of the tables.
    pub numbers: Vec<RawNumber>,
}

/// A histogram: persons per bin. The outer limits are fixed for the dataset version (STAT-300).
pub struct RawHistogram {
    /// The variable.
    pub name: String,
    /// Its title.
    pub title: Option<String>,
    /// What kind of number it holds.
    pub kind: MeasureKind,
    /// Limits of the bins, ascending, one more than there are bins. Of a discrete variable bin i is the value `limits[i]`.
    pub limits: Vec<f64>,
    /// One bin per value (`discrete`).
    pub discrete: bool,
    /// One without `by`, else one per category of `whole`'s dimension.
    pub panels: Vec<RawPanel>,
    /// The variable as a table of statistics over `by`: how many have a value, and mean and deviation where a normal curve is
    /// drawn over the bars. It passes the gate as any other table.
    pub whole: RawTable,
}

/// The bars of one panel of a histogram.
pub struct RawPanel {
    /// The group; none when there is one panel only.
    pub group: Option<RawCategory>,
    /// Persons in each bin.
    pub bins: Vec<PersonSet>,
}

/// A hexagon.
pub struct RawHexagon {
    /// Its place: column and half row. Its centre is at (column + ½ · (half row mod 2), half row / 2) in steps of the grid.
    pub at: [u16; 2],
    /// Who is in it.
    pub set: PersonSet,
}

/// A plot of two variables by hexagons.
pub struct RawHexbin {
    /// The variables: of the horizontal axis, then of the vertical one.
    pub names: [String; 2],
    /// Their titles.
    pub titles: Titles,
    /// Lowest and highest value of each, fixed for the dataset version.
    pub limits: [[f64; 2]; 2],
    /// Steps from the lowest to the highest value: `gridsize` to the right; upwards the nearest number for regular hexagons.
    pub grid: [u16; 2],
    /// Hexagons that hold anyone, by row and column.
    pub hexagons: Vec<RawHexagon>,
    /// Classes of colour, ten at most.
    pub classes: u8,
}
