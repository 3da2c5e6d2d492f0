//! What estimators read: numbers by row under names ([`Rows`]), and the rows without missing values of some of them
//! ([`Frame`]). A categorical variable is a number too: the place of its category in the order of the code list.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

/// Rows read at a time.
pub const CHUNK: usize = 1 << 14;

/// A category of a categorical variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Category {
    /// The code, as labels of terms write it: `2` in `sex=2`.
    pub code: String,
    /// The number that the code is, where it is one.
    pub number: Option<f64>,
}

/// Variables by row, numbered from 0. Rows stand in the order of the units, so that results do not depend on anything else.
pub trait Rows: Sync {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of a variable in the script.
    fn name(&self, variable: usize) -> &str;

    /// Its values in a range of rows, which starts at a multiple of [`CHUNK`] and is at most as long; NaN where a value is missing
    /// or the row does not count. For a categorical variable the number of its category.
    fn read(&self, variable: usize, range: Range<usize>, out: &mut [f64]);

    /// The categories of a variable that is used as a factor, in code list order (numbers ascending, texts by code point where
    /// there is no list). Some may not occur.
    fn categories(&self, variable: usize) -> Option<Arc<[Category]>>;

    /// Whether the work is to be stopped. Estimators ask between iterations and chunks.
    fn stopped(&self) -> bool {
        false
    }

    /// The same at the beginning of a step of an iteration, whose number, from 0, tells how far the work is.
    fn step(&self, _number: usize) -> bool {
        self.stopped()
    }
}

/// A variable in memory.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its values; NaN is missing.
    pub values: Vec<f64>,
    /// Its categories, where it is a factor.
    pub categories: Option<Arc<[Category]>>,
}

/// Variables in memory: reference cases and tests.
#[derive(Clone, Default, Debug)]
pub struct Table {
    /// All of the same length.
    pub variables: Vec<Variable>,
}

impl Table {
    /// A numeric variable more; gives its number.
    pub fn number(&mut self, name: &str, values: Vec<f64>) -> usize {
        self.variables.push(Variable { name: name.to_owned(), values, categories: None });
        self.variables.len() - 1
    }

    /// A categorical variable more, made of numbers: categories are its distinct values, ascending. Gives its number.
    pub fn factor(&mut self, name: &str, values: &[f64]) -> usize {
        let mut distinct: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let place = |x: &f64| distinct.binary_search_by(|d| d.total_cmp(x)).map_or(f64::NAN, |i| i as f64);
        let codes = values.iter().map(place).collect();
        let categories = distinct.iter().map(|x| Category { code: format!("{x}"), number: Some(*x) }).collect();
        self.variables.push(Variable { name: name.to_owned(), values: codes, categories: Some(categories) });
        self.variables.len() - 1
    }

    /// A categorical variable more, made of texts: categories are its distinct values by code point; none is missing. Gives
    /// its number.
    pub fn text(&mut self, name: &str, values: &[Option<&str>]) -> usize {
        let mut distinct: Vec<&str> = values.iter().copied().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let place = |x: &Option<&str>| x.and_then(|x| distinct.binary_search(&x).ok()).map_or(f64::NAN, |i| i as f64);
        let codes = values.iter().map(place).collect();
        let categories = distinct.iter().map(|x| Category { code: (*x).to_owned(), number: x.parse().ok() }).collect();
        self.variables.push(Variable { name: name.to_owned(), values: codes, categories: Some(categories) });
        self.variables.len() - 1
    }
}

impl Rows for Table {
    fn len(&self) -> usize {
        self.variables.first().map_or(0, |v| v.values.len())
    }
    fn name(&self, variable: usize) -> &str {
        &self.variables[variable].name
    }
    fn read(&self, variable: usize, range: Range<usize>, out: &mut [f64]) {
        out.copy_from_slice(&self.variables[variable].values[range]);
    }
    fn categories(&self, variable: usize) -> Option<Arc<[Category]>> {
        self.variables[variable].categories.clone()
    }
}

/// The rows in which none of some variables is missing, in their order (STAT-003).
#[derive(Clone, Default, Debug)]
pub struct Frame {
    /// One per variable asked for, in that order.
    pub columns: Vec<Vec<f64>>,
    /// The number of each row at its source.
    pub origin: Vec<u32>,
}

impl Frame {
    /// Reads the complete rows of these variables: each chunk to its place, then together where rows fell away.
    pub fn of(rows: &dyn Rows, variables: &[usize]) -> Self {
        let mut columns = vec![vec![0.0; rows.len()]; variables.len()];
        let mut chunks: Vec<Vec<&mut [f64]>> = (0..rows.len()).step_by(CHUNK).map(|_| Vec::new()).collect();
        for column in &mut columns {
            chunks.iter_mut().zip(column.chunks_mut(CHUNK)).for_each(|(chunk, part)| chunk.push(part));
        }
        let read = |(number, mut chunk): (usize, Vec<&mut [f64]>)| {
            let range = number * CHUNK..((number + 1) * CHUNK).min(rows.len());
            let mut complete = vec![true; range.len()];
            for (out, variable) in chunk.iter_mut().zip(variables) {
                rows.read(*variable, range.clone(), out);
                complete.iter_mut().zip(out.iter()).for_each(|(complete, x)| *complete &= !x.is_nan());
            }
            let here: Vec<usize> = (0..range.len()).filter(|i| complete[*i]).collect();
            if here.len() < range.len() {
                for column in &mut chunk {
                    here.iter().enumerate().for_each(|(to, from)| column[to] = column[*from]);
                }
            }
            here.into_iter().map(|i| (range.start + i) as u32).collect()
        };
        let kept: Vec<Vec<u32>> = chunks.into_par_iter().enumerate().map(read).collect();
        let origin = kept.concat();
        if origin.len() < rows.len() {
            columns.par_iter_mut().for_each(|column| {
                let mut to = 0;
                for (number, kept) in kept.iter().enumerate() {
                    column.copy_within(number * CHUNK..number * CHUNK + kept.len(), to);
                    to += kept.len();
                }
                column.truncate(to);
                column.shrink_to_fit();
            });
        }
        Self { columns, origin }
    }

    /// One row in so many, from the first on.
    #[must_use]
    pub fn every(&self, step: usize) -> Self {
        Self {
            columns: self.columns.iter().map(|column| column.iter().copied().step_by(step).collect()).collect(),
            origin: self.origin.iter().copied().step_by(step).collect(),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.origin.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.origin.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-003: a row counts when none of the variables is missing.
    #[test]
    fn stat_003_complete_rows_in_their_order() {
        let mut table = Table::default();
        let a = table.number("a", (0..40_000).map(|i| if i % 7 == 0 { f64::NAN } else { f64::from(i) }).collect());
        let b = table.text("b", &(0..40_000).map(|i| (i % 5 != 0).then_some(["y", "x"][i % 2])).collect::<Vec<_>>());
        let frame = Frame::of(&table, &[b, a]);
        let wanted: Vec<u32> = (0..40_000).filter(|i| i % 7 != 0 && i % 5 != 0).collect();
        assert_eq!(frame.origin, wanted);
        assert!(wanted.iter().zip(&frame.columns[1]).all(|(i, x)| f64::from(*i) == *x));
        assert!(wanted.iter().zip(&frame.columns[0]).all(|(i, x)| f64::from(1 - i % 2) == *x));
        assert_eq!(table.categories(b).map(|c| c[0].code.clone()).as_deref(), Some("x"));
    }
}
