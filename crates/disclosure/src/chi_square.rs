//! Pearson's test of independence over released counts (STAT-043, SDC-132). Only numbers that may be shown go in, so the
//! test is one more view of the table and gives no equation about the exact one.

use serde::{Deserialize, Serialize};

use crate::numbers::{self, significant};
use crate::reason::Reason;
use crate::released::{Released, Table, Value};

/// Significant digits of the results.
const DIGITS: usize = 3;

/// The test of a table. All values are hidden together when hidden cells do not lie in one row or one column.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChiSquare {
    /// χ².
    pub chi2: Value,
    /// Degrees of freedom.
    pub df: Value,
    /// Upper tail of the χ² distribution.
    pub p: Value,
    /// Cramér's V.
    pub cramers_v: Value,
    /// More than a fifth of the expected counts are below five.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub small_expected: bool,
}

/// Fewer than two rows or two columns have a count (`E_CHI2_NEEDS_2X2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the test needs at least two rows and two columns")]
pub struct NeedsTwoByTwo;

impl Released<Table> {
    /// The same table with the test of independence; `columns` are the dimensions that form the columns.
    ///
    /// # Errors
    /// [`NeedsTwoByTwo`]; known from the released table alone.
    pub fn with_chi_square(mut self, columns: &[usize]) -> Result<Self, NeedsTwoByTwo> {
        let test = test(self.value(), columns)?;
        self.value_mut().chi_square = Some(test);
        Ok(self)
    }
}

fn test(table: &Table, columns: &[usize]) -> Result<ChiSquare, NeedsTwoByTwo> {
    let Some(counts) = cross(table, columns) else {
        let hidden = Value::Hidden(Reason::Small);
        return Ok(ChiSquare { chi2: hidden, df: hidden, p: hidden, cramers_v: hidden, small_expected: false });
    };
    let test = distributions::independence(&counts).ok_or(NeedsTwoByTwo)?;
    let shown = |x: f64| numbers::shown(significant(x, DIGITS));
    Ok(ChiSquare {
        chi2: shown(test.chi2),
        df: Value::Value(test.df),
        p: shown(test.p),
        cramers_v: shown(test.cramers_v),
        small_expected: test.small_expected,
    })
}

/// The inner cells as rows and columns. Hidden ones that all lie in one row or one column are taken from the released
/// margins; otherwise there is nothing to test.
fn cross(table: &Table, columns: &[usize]) -> Option<Vec<Vec<f64>>> {
    let all: Vec<usize> = (0..table.dimensions.len()).collect();
    let rows: Vec<usize> = all.iter().copied().filter(|d| !columns.contains(d)).collect();
    let (stubs, heads) = (inner(table, &rows), inner(table, columns));
    let total: Vec<usize> = table.dimensions.iter().map(|d| d.categories.len()).collect();
    let at = |stub: Option<&Vec<usize>>, head: Option<&Vec<usize>>| {
        let mut position = total.clone();
        for (dimensions, places) in [(&rows[..], stub), (columns, head)] {
            for (d, place) in dimensions.iter().zip(places.into_iter().flatten()) {
                position[*d] = *place;
            }
        }
        table.cell(&position).map_or(Value::Undefined, |c| c.count)
    };
    let values: Vec<Vec<Value>> = stubs.iter().map(|s| heads.iter().map(|h| at(Some(s), Some(h))).collect()).collect();
    let mut hidden = Vec::new();
    let mut counts = vec![vec![0.0; heads.len()]; stubs.len()];
    for (i, row) in values.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            match value {
                Value::Value(x) => counts[i][j] = *x,
                _ => hidden.push((i, j)),
            }
        }
    }
    let Some(&(row, column)) = hidden.first() else { return Some(counts) };
    let in_one_row = hidden.iter().all(|(i, _)| *i == row);
    if !in_one_row && !hidden.iter().all(|(_, j)| *j == column) {
        return None;
    }
    for (i, j) in hidden {
        // The line across the one that holds all hidden cells has no other hidden cell.
        let (margin, rest): (Value, f64) = if in_one_row {
            (at(None, heads.get(j)), counts.iter().map(|r| r[j]).sum())
        } else {
            (at(stubs.get(i), None), counts[i].iter().sum())
        };
        counts[i][j] = (margin.number()? - rest).max(0.0);
    }
    Some(counts)
}

/// Every combination of categories, without totals.
fn inner(table: &Table, dimensions: &[usize]) -> Vec<Vec<usize>> {
    dimensions.iter().fold(vec![Vec::new()], |heads, d| {
        let size = table.dimensions.get(*d).map_or(0, |d| d.categories.len());
        heads.iter().flat_map(|head| (0..size).map(move |at| [head.as_slice(), &[at]].concat())).collect()
    })
}
