//! Models, survival curves, correlations, tests and plots as they may leave. Every number in them is rounded already.

use serde::{Deserialize, Serialize};

use super::{Category, Value};

/// An estimate with what follows from it and its standard error.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Estimate {
    /// The term, as it is written.
    pub label: String,
    /// Estimate.
    pub b: Value,
    /// Standard error.
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
}

/// A model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Model {
    /// Persons in the sample, to the nearest ten.
    pub n: Value,
    /// Rows in the user's order; controls and effects of groups are not among them.
    pub terms: Vec<Estimate>,
    /// R², likelihoods and the like, by name.
    pub measures: Vec<(String, Value)>,
    /// Test statistics.
    pub tests: Vec<TestResult>,
    /// Predicted margins.
    pub margins: Vec<Estimate>,
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
    /// Parameters of a fitted distribution.
    pub parameters: Vec<(String, Value)>,
}

/// Survival curves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Survival {
    /// In code list order.
    pub curves: Vec<Curve>,
    /// The log-rank test, where every group has enough events.
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
    pub covariance: Option<Value>,
    /// Two-sided p-value of r, from r and n as they are shown.
    pub p: Value,
}

/// Correlations, in the order of the lower triangle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Correlations {
    /// The pairs.
    pub pairs: Vec<Correlation>,
}

/// A number of a table of tests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TestNumber {
    /// Row and column.
    pub name: [String; 2],
    /// Its value.
    pub value: Value,
}

/// A table of tests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TestNumbers {
    /// Persons in the sample, to the nearest ten.
    pub n: Value,
    /// The numbers.
    pub numbers: Vec<TestNumber>,
}

/// A bar of a histogram.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bar {
    /// Its lower limit.
    pub from: f64,
    /// Its upper limit.
    pub to: f64,
    /// Persons.
    pub count: Value,
}

/// A histogram; bars with few persons are not there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Histogram {
    /// The variable.
    pub name: String,
    /// In the order of the axis.
    pub bars: Vec<Bar>,
    /// Typical error of a count; from the policy.
    pub typical_error: f64,
}

/// A hexagon of a plot.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hexagon {
    /// Its place in the grid.
    pub at: [u16; 2],
    /// Persons.
    pub count: Value,
    /// Its class of colour, from 0.
    pub class: u8,
}

/// A plot by hexagons; those with few persons are not there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hexbin {
    /// The variables.
    pub names: [String; 2],
    /// Lowest and highest value of each axis.
    pub limits: [[f64; 2]; 2],
    /// The hexagons.
    pub hexagons: Vec<Hexagon>,
}
