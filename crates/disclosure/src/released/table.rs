//! Tables and summaries of released numbers, and what follows from them alone: shares (SDC-044).

use serde::{Deserialize, Serialize};

use super::{NumberKind, Statistic, Value};
use crate::chi_square::ChiSquare;

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
    /// Categories in code list order, missing last. They appear only where their own total is shown (SDC-043, SDC-220);
    /// those of a code list in any case where the policy shows zeros.
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
    /// Whether it is no magnitude of the register but made by the script, or has few values: its noise is larger (SDC-102).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
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
    /// The test of independence, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chi_square: Option<ChiSquare>,
}

/// Tables that make one figure: a block of categories per variable, and one bar per number (LANG-182).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Blocks {
    /// In the order of the command; those of categories first.
    pub tables: Vec<Table>,
}

/// What a share is a share of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The row: the total over the dimensions that form the columns.
    Row,
    /// The column: the total over the dimensions that form the rows.
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

    /// The count at a position as per cent of its base, one decimal; hidden when either is (SDC-044). `columns` are the
    /// dimensions that form the columns.
    pub fn share(&self, position: &[usize], base: Base, columns: &[usize]) -> Value {
        let whole: Vec<usize> = position
            .iter()
            .zip(&self.dimensions)
            .enumerate()
            .map(|(d, (at, dimension))| {
                let total = match base {
                    Base::Row => columns.contains(&d),
                    Base::Column => !columns.contains(&d),
                    Base::Table => true,
                };
                if total { dimension.categories.len() } else { *at }
            })
            .collect();
        let count = |at: &[usize]| self.cell(at).map_or(Value::Undefined, |c| c.count);
        percent(count(position), count(&whole))
    }

    /// The valid values of a measure as per cent of the units of the cell; none when their number was not asked for.
    pub fn valid_share(&self, position: &[usize], measure: usize) -> Option<Value> {
        let n = self.statistics.iter().position(|s| *s == Statistic::N)?;
        Some(percent(self.statistic(position, measure, n)?, self.cell(position)?.count))
    }
}

/// One released number as per cent of another, one decimal; hidden when either is.
fn percent(part: Value, whole: Value) -> Value {
    match (part, whole) {
        (Value::Value(part), Value::Value(all)) if all > 0.0 => Value::Value((part / all * 1000.0).round() / 10.0),
        (Value::Hidden(reason), _) | (_, Value::Hidden(reason)) => Value::Hidden(reason),
        _ => Value::Undefined,
    }
}

/// One variable of a summary.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The variable.
    pub measure: Measure,
    /// The occasion, in a panel (STAT-032).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<Category>,
    /// Persons with a value.
    pub n: Value,
    /// The statistics of the summary, in its order.
    pub values: Vec<Value>,
}

/// The result of `summarize` and `summarize-panel`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Which statistics, in the order of the columns.
    pub statistics: Vec<Statistic>,
    /// One row per variable, or per variable and occasion.
    pub rows: Vec<SummaryRow>,
    /// Variables that are not numeric and were not named (STAT-031).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Typical error of a count; from the policy, not from the result.
    pub typical_error: f64,
}
