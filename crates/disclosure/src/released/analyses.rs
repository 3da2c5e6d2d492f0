//! Models, survival curves, correlations, tests and plots as they may leave. Every number in them is rounded already.

use std::collections::BTreeMap;

use kernel::LangMap;
use serde::{Deserialize, Serialize};

use super::{Category, ModelHead, NumberKind, Reference, SurvivalHead, Table, TestsHead, Titles, Value};

/// An estimate with what follows from it and its standard error.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Estimate {
    /// The term, as it is written.
    pub label: String,
    /// Estimate; a ratio where the head of the model says so.
    pub b: Value,
    /// Standard error of it.
    pub se: Value,
    /// Their quotient: t or z.
    pub t: Value,
    /// Two-sided p-value.
    pub p: Value,
    /// Lower end of the interval.
    pub low: Value,
    /// Upper end.
    pub high: Value,
}

/// A test statistic.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Its value.
    pub statistic: Value,
    /// Its p-value, from the value as it is shown.
    pub p: Value,
    /// Degrees of freedom: none, those of χ², or those of F above and below. Below they are those of the size as it is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub df: Vec<f64>,
}

/// The rows of a further table of a model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRows {
    /// Estimates.
    Estimates(Vec<Estimate>),
    /// Tests.
    Tests(Vec<TestResult>),
    /// Other numbers.
    Numbers(Vec<TestNumber>),
}

/// A further table of a model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ModelTable {
    /// Its name: `marginal_effects`, `vif`.
    pub name: String,
    /// Its rows.
    pub rows: ModelRows,
}

/// A model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Model {
    /// What it is called.
    pub head: ModelHead,
    /// What estimates are compared with.
    pub reference: Reference,
    /// Persons in the sample, to the nearest ten.
    pub n: Value,
    /// Rows in the user's order; controls and effects of groups are not among them.
    pub terms: Vec<Estimate>,
    /// R², likelihoods and the like, by name.
    pub measures: Vec<(String, Value)>,
    /// Test statistics.
    pub tests: Vec<TestResult>,
    /// Numbers of persons beside that of the sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<(String, Value)>,
    /// Predicted margins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margins: Vec<Estimate>,
    /// Further tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<ModelTable>,
    /// Terms that follow from others and were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omitted: Vec<String>,
    /// What is said beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<LangMap>,
    /// Level of the intervals in per cent.
    pub level: f64,
}

/// A point of a survival curve: the end of a step.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Time.
    pub time: Value,
    /// At risk when the step began, as the middle of a class.
    pub at_risk: Value,
    /// Events in the step, as the middle of a class.
    pub events: Value,
    /// Share that is left, from the two above.
    pub survival: Value,
    /// Lower limit of its interval, from the numbers above.
    pub low: Value,
    /// Upper limit.
    pub high: Value,
}

/// A survival curve.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// The group, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Category>,
    /// Persons.
    pub n: Value,
    /// Persons with an event.
    pub events: Value,
    /// The curve.
    pub points: Vec<CurvePoint>,
    /// When half are left.
    pub median: Value,
    /// Its interval: when half are left by the limits of the curve.
    pub median_limits: [Value; 2],
    /// Parameters of a fitted distribution.
    pub parameters: Vec<(String, Value)>,
}

/// Survival curves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Survival {
    /// What they are about.
    pub head: SurvivalHead,
    /// Level of the intervals in per cent.
    pub level: f64,
    /// In code list order.
    pub curves: Vec<Curve>,
    /// The log-rank test, where every group has enough events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_rank: Option<TestResult>,
}

/// The correlation of two variables.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Correlation {
    /// The two.
    pub names: [String; 2],
    /// Persons with both.
    pub n: Value,
    /// Pearson's r.
    pub r: Value,
    /// Covariance, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Value>,
    /// Two-sided p-value of r, from r and n as they are shown.
    pub p: Value,
}

/// Correlations, in the order of the lower triangle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Correlations {
    /// Titles of the variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: Titles,
    /// The pairs.
    pub pairs: Vec<Correlation>,
}

/// A number of a table of tests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TestNumber {
    /// The table that it stands in, where there are several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub table: String,
    /// Row and column.
    pub name: [String; 2],
    /// Its value.
    pub value: Value,
}

/// Tables of tests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TestNumbers {
    /// What they are about.
    pub head: TestsHead,
    /// Persons in the sample, to the nearest ten.
    pub n: Value,
    /// The numbers.
    pub numbers: Vec<TestNumber>,
}

/// A bar of a histogram.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bar {
    /// Its lower limit; the value itself of a discrete variable.
    pub from: f64,
    /// Its upper limit.
    pub to: f64,
    /// Persons; hidden where they are few or none.
    pub count: Value,
}

/// The bars of one panel of a histogram.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Panel {
    /// The group, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Category>,
    /// In the order of the axis.
    pub bars: Vec<Bar>,
}

/// A histogram: the same bins in every panel.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Histogram {
    /// The variable.
    pub name: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What kind of number it holds.
    pub number: NumberKind,
    /// One bar per value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discrete: bool,
    /// One, or one per category of the dimension of `whole`.
    pub panels: Vec<Panel>,
    /// How many have a value, in each panel and in all, with mean and deviation where a normal curve is drawn.
    pub whole: Table,
}

/// A hexagon of a plot.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hexagon {
    /// Its place: column and half row. Its centre is at (column + ½ · (half row mod 2), half row / 2) in steps of the grid.
    pub at: [u16; 2],
    /// Persons.
    pub count: Value,
    /// Its class of colour, from 0.
    pub class: u8,
}

/// A plot by hexagons; those with few persons are not there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hexbin {
    /// The variables: of the horizontal axis, then of the vertical one.
    pub names: [String; 2],
    /// Their titles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub titles: Titles,
    /// Lowest and highest value of each axis.
    pub limits: [[f64; 2]; 2],
    /// Steps of the grid from the lowest to the highest value of each axis.
    pub grid: [u16; 2],
    /// The hexagons.
    pub hexagons: Vec<Hexagon>,
    /// Typical error of a count; from the policy.
    pub typical_error: f64,
}
