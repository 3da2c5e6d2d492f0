//! What has passed the gate: [`Released`] and the shapes of its content (SDC-002, SDC-005). Tables, figures, exports and
//! percentages are made from these alone. The shapes are plain data; only the wrapper says that the gate made them, and
//! nothing outside this crate can make the wrapper.

use std::fmt;
use std::str::FromStr;

use engine::raw::MeasureKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::policy::PolicyStamp;
use crate::reason::Reason;

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

/// The size of a population after a command that shapes it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Population {
    /// Name of the dataset.
    pub dataset: String,
    /// Its unit type.
    pub unit_type: String,
    /// Persons, or units where no person stands behind them.
    pub persons: Value,
    /// Units, where a unit is not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Value>,
}

/// What an edit touched.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// Name of the dataset.
    pub dataset: String,
    /// Columns made or changed.
    pub columns: Vec<String>,
    /// Units with a value that was set or changed.
    pub touched: Value,
}

/// One category of a dimension.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Category {
    /// The code as text, empty for missing.
    pub code: String,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it stands for missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

/// One grouping variable of a table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dimension {
    /// Column name in the script.
    pub name: String,
    /// Title of the variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Categories in code list order, missing last. Codes that stand in no code list appear only where their own total
    /// is shown (SDC-220).
    pub categories: Vec<Category>,
}

/// A numeric variable whose statistics stand in a table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// Column name in the script.
    pub name: String,
    /// Title of the variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Kind of number.
    pub kind: NumberKind,
    /// Whether some of its means are computed on values between the 1st and 99th percentile of the variable (SDC-101).
    pub winsorised: bool,
}

/// One cell or margin.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Persons.
    pub count: Value,
    /// For each measure the statistics of the table, measure by measure; empty in a table of counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// A table with its margins. `cells` is in row-major order over the dimensions, the last one fastest; each dimension has
/// one position more than categories, the last being the total.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Grouping variables in the order of the command.
    pub dimensions: Vec<Dimension>,
    /// Numeric variables, for a table of statistics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// Which statistics of each measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<Statistic>,
    /// Cells and margins.
    pub cells: Vec<Cell>,
    /// Typical error of a count; from the policy, not from the result.
    pub typical_error: f64,
}

/// What a share is a share of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The row: the total over the second dimension.
    Row,
    /// The column: the total over all dimensions but the second.
    Column,
    /// The whole table.
    Table,
}

impl Table {
    /// The index in `cells` of a position: one index per dimension, the number of categories for the total.
    pub fn index(&self, position: &[usize]) -> usize {
        self.dimensions.iter().zip(position).fold(0, |at, (d, p)| at * (d.categories.len() + 1) + p)
    }

    /// The position of the cell with this index.
    pub fn position(&self, mut index: usize) -> Vec<usize> {
        let mut at = vec![0; self.dimensions.len()];
        for (d, slot) in self.dimensions.iter().zip(&mut at).rev() {
            let radix = d.categories.len() + 1;
            *slot = index % radix;
            index /= radix;
        }
        at
    }

    /// The cell at a position, if there is one.
    pub fn cell(&self, position: &[usize]) -> Option<&Cell> {
        self.cells.get(self.index(position))
    }

    /// The value of a statistic of a measure at a position.
    pub fn statistic(&self, position: &[usize], measure: usize, statistic: usize) -> Option<Value> {
        self.cell(position)?.values.get(measure * self.statistics.len() + statistic).copied()
    }

    /// The count at a position as per cent of its base, one decimal; hidden when either is (SDC-044).
    pub fn share(&self, position: &[usize], base: Base) -> Value {
        let mut whole = position.to_vec();
        for (d, slot) in whole.iter_mut().enumerate() {
            let total = match base {
                Base::Row => d == 1,
                Base::Column => d != 1,
                Base::Table => true,
            };
            if total {
                *slot = self.dimensions[d].categories.len();
            }
        }
        match (self.cell(position).map(|c| c.count), self.cell(&whole).map(|c| c.count)) {
            (Some(Value::Value(part)), Some(Value::Value(all))) if all > 0.0 => {
                Value::Value((part / all * 1000.0).round() / 10.0)
            }
            (Some(Value::Hidden(reason)), _) | (_, Some(Value::Hidden(reason))) => Value::Hidden(reason),
            _ => Value::Undefined,
        }
    }
}

/// One variable of a summary.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The variable.
    pub measure: Measure,
    /// Persons with a value.
    pub n: Value,
    /// The statistics of the summary, in its order.
    pub values: Vec<Value>,
}

/// The result of `summarize`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Which statistics, in the order of the columns.
    pub statistics: Vec<Statistic>,
    /// One row per variable.
    pub rows: Vec<SummaryRow>,
    /// Variables that are not numeric and were not named (STAT-031).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Typical error of a count; from the policy, not from the result.
    pub typical_error: f64,
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
    /// Summary.
    Summary(Summary),
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
output_from!(Population, Edit, Table, Summary);
