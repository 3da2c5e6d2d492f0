//! Counts of a table by what they count: a map from grouping variable to category, in which a variable that is summed over
//! does not stand. So a cell of one table and a margin of another that count the same persons have the same key.

use std::collections::{BTreeMap, BTreeSet};

use crate::output::{OutputType, Read, Role};
use crate::verdict::Other;

/// The variable that stands for the columns of a cross table.
const COLUMNS: &str = "\u{1}columns";
/// A table with more counts is not linked.
const MAX_COUNTS: usize = 5_000;
/// Margins are summed over at most so many variables.
const MAX_VARIABLES: usize = 4;

/// What a count counts.
pub(crate) type Key = BTreeMap<String, String>;

/// A count, if it is shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Count {
    Shown(f64),
    Hidden,
}

impl Count {
    pub(crate) fn shown(self) -> Option<f64> {
        if let Count::Shown(x) = self { Some(x) } else { None }
    }
}

/// The counts of one table.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    /// Where they stand.
    pub origin: Other,
    /// The declared population.
    pub population: Option<String>,
    pub variables: Vec<String>,
    /// Counts as they stand in the table.
    pub cells: BTreeMap<Key, Count>,
    /// Sums over variables that the table does not show.
    pub sums: BTreeMap<Key, f64>,
    /// Whether all shown counts are multiples of 5.
    pub rounded: bool,
    /// Whether a hidden count follows from a share beside it.
    pub from_shares: bool,
    /// Whether there were more counts than are linked.
    pub too_many: bool,
}

/// Words for all.
fn is_total(name: &str) -> bool {
    let name = name.trim().trim_end_matches(':').to_lowercase();
    matches!(name.as_str(), "total" | "totalt" | "i alt" | "ialt" | "sum" | "all" | "alle" | "begge" | "both" | "t")
}

fn tidy(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Counts {
    /// The counts of a table; none when it has none.
    pub(crate) fn of(read: &Read<'_>, output: OutputType, origin: Other, population: Option<String>) -> Option<Self> {
        let table = read.table;
        let columns = read.counts(output);
        let labels: Vec<usize> = read.of(Role::Label).chain(read.of(Role::Time)).collect();
        if columns.is_empty() || labels.is_empty() {
            return None;
        }
        let several = columns.len() > 1;
        let mut variables: Vec<String> = labels.iter().map(|c| tidy(&table.header[*c])).collect();
        variables.extend(several.then(|| COLUMNS.to_owned()));
        let mut counts = Self {
            origin,
            population,
            variables,
            cells: BTreeMap::new(),
            sums: BTreeMap::new(),
            rounded: true,
            from_shares: false,
            too_many: table.rows.saturating_mul(columns.len()) > MAX_COUNTS,
        };
        if counts.too_many {
            return Some(counts);
        }
        let mut above: Vec<String> = vec![String::new(); labels.len()];
        for row in 0..table.rows {
            let mut key = Key::new();
            for (i, c) in labels.iter().enumerate() {
                let name = tidy(table.columns[*c].get(row));
                // An empty stub repeats the one above, as printed tables do.
                if !name.is_empty() || i + 1 == labels.len() {
                    above[i] = name;
                }
                if !is_total(&above[i]) {
                    key.insert(counts.variables[i].clone(), above[i].clone());
                }
            }
            for c in &columns {
                let mut key = key.clone();
                if several && !is_total(&table.header[*c]) {
                    key.insert(COLUMNS.to_owned(), tidy(&table.header[*c]));
                }
                let count = table.cell(row, *c).number().map_or(Count::Hidden, Count::Shown);
                counts.rounded &= count.shown().is_none_or(|x| x % 5.0 == 0.0);
                counts.cells.insert(key, count);
            }
        }
        counts.shares(read, &columns);
        counts.sum();
        Some(counts)
    }

    /// The categories of a variable.
    pub(crate) fn categories(&self, variable: &str) -> BTreeSet<&str> {
        self.cells.keys().filter_map(|k| k.get(variable)).map(String::as_str).collect()
    }

    /// A shown count, or one that is the sum of shown ones.
    pub(crate) fn value(&self, key: &Key) -> Option<f64> {
        self.cells.get(key).and_then(|c| c.shown()).or_else(|| self.sums.get(key).copied())
    }

    /// Every key whose value is known.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&Key, f64)> + '_ {
        let shown = self.cells.iter().filter_map(|(k, c)| Some((k, c.shown()?)));
        shown.chain(self.sums.iter().map(|(k, x)| (k, *x)))
    }

    /// Sums over each set of variables, where all cells below are shown. Rounded counts have no sums, nor has a table that
    /// leaves combinations out.
    fn sum(&mut self) {
        let variables = self.variables.len();
        if variables > MAX_VARIABLES || self.rounded {
            return;
        }
        let inner: Vec<(&Key, Count)> =
            self.cells.iter().filter(|(k, _)| k.len() == variables).map(|(k, c)| (k, *c)).collect();
        let crossed: usize = self.variables.iter().map(|v| self.categories(v).len()).product();
        if inner.len() != crossed {
            return;
        }
        let mut sums: BTreeMap<Key, Option<f64>> = BTreeMap::new();
        for over in 1u32..1 << variables {
            for (key, count) in &inner {
                let left = |name: &String| {
                    let at = self.variables.iter().position(|v| v == name);
                    at.is_some_and(|at| over >> at & 1 == 0)
                };
                let key: Key = key.iter().filter(|(n, _)| left(n)).map(|(n, v)| (n.clone(), v.clone())).collect();
                let sum = sums.entry(key).or_insert(Some(0.0));
                *sum = sum.zip(count.shown()).map(|(a, b)| a + b);
            }
        }
        let missing = sums.into_iter().filter(|(k, _)| !self.cells.contains_key(k));
        self.sums = missing.filter_map(|(k, s)| Some((k, s?))).collect();
    }

    /// A hidden count beside its share of a known total.
    fn shares(&mut self, read: &Read<'_>, columns: &[usize]) {
        let table = read.table;
        let shares: Vec<usize> = read.of(Role::Percent).collect();
        let [count] = columns else { return };
        let Some(total) = (0..table.rows).filter_map(|r| table.cell(r, *count).number()).reduce(f64::max) else {
            return;
        };
        for share in shares {
            let numbers = || (0..table.rows).filter_map(|r| table.cell(r, share).number());
            let scale = if numbers().any(|x| x > 1.0) { 100.0 } else { 1.0 };
            let hidden = |r: &usize| table.cell(*r, *count).number().is_none();
            let small = |r: usize| table.cell(r, share).number().is_some_and(|x| x > 0.0 && x / scale * total < 10.0);
            self.from_shares |= (0..table.rows).filter(hidden).any(small);
        }
    }
}
