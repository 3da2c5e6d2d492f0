//! What has passed the gate: [`Released`] and the shapes of its content (SDC-002, SDC-005). Tables, figures, exports and
//! percentages are made from these alone. The shapes are plain data; only the wrapper says that the gate made them, and
//! nothing outside this crate can make the wrapper.

use std::fmt;
use std::str::FromStr;

use engine::raw::MeasureKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod analyses;
mod heads;
mod receipt;
mod table;

use crate::policy::PolicyStamp;
use crate::reason::Reason;

pub use analyses::{
    Bar, Correlation, Correlations, Curve, CurvePoint, Estimate, Hexagon, Hexbin, Histogram, Model, ModelRows,
    ModelTable, Panel, Survival, TestNumber, TestNumbers, TestResult,
};
pub use heads::{Effect, ModelHead, Reference, SurvivalHead, TestsHead, Titles, Variance};
pub use receipt::{DatasetKind, Edit, GroupValues, Population, Verdict};
pub use table::{Base, Blocks, Category, Cell, Dimension, Measure, Summary, SummaryRow, Table};

/// A result that may leave, and the policy it was released under.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Released<T> {
    policy: PolicyStamp,
    value: T,
}

impl<T> Released<T> {
    pub(crate) fn new(policy: PolicyStamp, value: T) -> Self {
        Self { policy, value }
    }

    /// The policy it was released under.
    pub fn policy(&self) -> &PolicyStamp {
        &self.policy
    }

    /// The content.
    pub fn value(&self) -> &T {
        &self.value
    }

    pub(crate) fn value_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// The content, on its own.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T: Into<Output>> Released<T> {
    /// The same result among others of another shape.
    pub fn into_output(self) -> Released<Output> {
        Released { policy: self.policy, value: self.value.into() }
    }
}

impl Released<Blocks> {
    /// The one table of a figure of one table; none where there are several.
    pub fn into_only_table(self) -> Option<Released<Output>> {
        let [table] = <[Table; 1]>::try_from(self.value.tables).ok()?;
        Some(Released { policy: self.policy, value: Output::Table(table) })
    }
}

/// One number of a result. A hidden number is the same text whatever was hidden (SDC-043, SDC-185).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The released number; a date as days since 1970-01-01.
    Value(f64),
    /// Hidden by the gate.
    Hidden(Reason),
    /// Not defined for this group: there is nothing to compute it from.
    Undefined,
}

impl Value {
    /// The number, if it is shown.
    pub fn number(self) -> Option<f64> {
        match self {
            Value::Value(x) => Some(x),
            _ => None,
        }
    }

    /// Why it is hidden, if it is.
    pub fn hidden(self) -> Option<Reason> {
        match self {
            Value::Hidden(reason) => Some(reason),
            _ => None,
        }
    }
}

/// A statistic of a numeric variable. Its text form is the column id of LANG-160: `mean`, `sd`, `p25` …
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Statistic {
    /// Mean (SDC-102).
    Mean,
    /// Standard deviation (SDC-103).
    Sd,
    /// Sum: released mean times released count (SDC-102).
    Sum,
    /// Gini coefficient (SDC-103).
    Gini,
    /// Difference of released P75 and P25 (SDC-123).
    Iqr,
    /// Number of valid values.
    N,
    /// Percentile, 0 to 100 (SDC-121).
    Percentile(f64),
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statistic::Mean => f.write_str("mean"),
            Statistic::Sd => f.write_str("sd"),
            Statistic::Sum => f.write_str("sum"),
            Statistic::Gini => f.write_str("gini"),
            Statistic::Iqr => f.write_str("iqr"),
            Statistic::N => f.write_str("n"),
            Statistic::Percentile(p) => write!(f, "p{p}"),
        }
    }
}

impl FromStr for Statistic {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "mean" => Statistic::Mean,
            "sd" | "std" => Statistic::Sd,
            "sum" => Statistic::Sum,
            "gini" => Statistic::Gini,
            "iqr" => Statistic::Iqr,
            "n" => Statistic::N,
            other => {
                let p: f64 = other.strip_prefix('p').and_then(|p| p.parse().ok()).ok_or(())?;
                if !(0.0..=100.0).contains(&p) {
                    return Err(());
                }
                Statistic::Percentile(p)
            }
        })
    }
}

impl Serialize for Statistic {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Statistic {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|()| serde::de::Error::custom("not a statistic"))
    }
}

/// What kind of number a variable holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// Whole numbers.
    Integer,
    /// Decimal numbers.
    Decimal,
    /// Dates; numbers are days since 1970-01-01, whole months.
    Date,
}

impl From<MeasureKind> for NumberKind {
    fn from(kind: MeasureKind) -> Self {
        match kind {
            MeasureKind::Integer => NumberKind::Integer,
            MeasureKind::Decimal => NumberKind::Decimal,
            MeasureKind::Date => NumberKind::Date,
        }
    }
}

/// A result of any shape, as it stands in a document.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Output {
    /// Receipt of a command that shapes the population.
    Population(Population),
    /// Receipt of an edit.
    Edit(Edit),
    /// Table.
    Table(Table),
    /// Tables that make one figure.
    Blocks(Blocks),
    /// Summary.
    Summary(Summary),
    /// Model.
    Model(Model),
    /// Survival curves.
    Survival(Survival),
    /// Correlations.
    Correlations(Correlations),
    /// Tables of tests.
    TestNumbers(TestNumbers),
    /// Histogram.
    Histogram(Histogram),
    /// Plot by hexagons.
    Hexbin(Hexbin),
}

macro_rules! output_from {
    ($($type:ident),*) => {$(
        impl From<$type> for Output {
            fn from(value: $type) -> Self {
                Output::$type(value)
            }
        }
    )*};
}
output_from!(Population, Edit, Table, Blocks, Summary, Model, Survival, Correlations, TestNumbers, Histogram, Hexbin);
