//! Weighted observations: where their columns come from, a block at a time, so that a design of many columns over many rows never
//! stands in memory as a whole.

use std::ops::Range;
use std::sync::Arc;

use crate::design::Design;
use crate::linear::Patterns;

/// Observations whose columns are filled in together.
const BLOCK: usize = 256;

/// Numbers that are kept in memory rather than filled in again at each iteration.
const KEPT: usize = 1 << 22;

/// Observations with equal covariates and outcome, and how many rows each stands for.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    /// Number of columns.
    pub k: usize,
    /// The outcome.
    pub y: Vec<f64>,
    /// What is added to the first linear index; empty where nothing is.
    pub offset: Vec<f64>,
    /// Rows of each.
    pub weight: Vec<f64>,
    /// The columns; the constant alone, or none, where there is no design.
    source: Option<Source>,
    /// What is taken from each column …
    pub shift: Vec<f64>,
    /// … and what it is divided by then.
    pub scale: Vec<f64>,
    /// The columns shifted and scaled, observation after observation, where they are few.
    kept: Option<Arc<[f64]>>,
}

#[derive(Clone, Debug)]
struct Source {
    design: Arc<Design>,
    patterns: Arc<Patterns>,
}

impl Cells {
    /// The patterns of a sample with the columns of a design, neither shifted nor scaled.
    pub fn of(design: &Arc<Design>, patterns: &Arc<Patterns>, y: Vec<f64>, offset: Vec<f64>) -> Self {
        let k = design.len();
        Self {
            k,
            y,
            offset,
            weight: patterns.weight.clone(),
            source: Some(Source { design: design.clone(), patterns: patterns.clone() }),
            shift: vec![0.0; k],
            scale: vec![1.0; k],
            kept: None,
        }
    }

    /// The same observations with the constant alone, or without any column.
    pub fn without_terms(&self, constant: bool) -> Self {
        let k = usize::from(constant);
        let (shift, scale) = (vec![0.0; k], vec![1.0; k]);
        Self {
            k,
            y: self.y.clone(),
            offset: self.offset.clone(),
            weight: self.weight.clone(),
            source: None,
            shift,
            scale,
            kept: None,
        }
    }

    /// Number of observations.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// What is added to the first linear index of an observation.
    pub fn offset(&self, i: usize) -> f64 {
        self.offset.get(i).copied().unwrap_or(0.0)
    }

    /// Each observation of a range with its columns, shifted and scaled.
    pub fn each(&self, range: Range<usize>, mut work: impl FnMut(usize, &[f64])) {
        if let Some(kept) = &self.kept {
            return range.for_each(|i| work(i, &kept[i * self.k..(i + 1) * self.k]));
        }
        self.walk(range, |j, x| (x - self.shift[j]) / self.scale[j], work);
    }

    /// Each observation of a range with its columns as they were.
    pub fn each_raw(&self, range: Range<usize>, work: impl FnMut(usize, &[f64])) {
        self.walk(range, |_, x| x, work);
    }

    fn walk(&self, range: Range<usize>, change: impl Fn(usize, f64) -> f64, mut work: impl FnMut(usize, &[f64])) {
        let k = self.k;
        let Some(source) = &self.source else {
            return range.for_each(|i| work(i, &[1.0][..k]));
        };
        let (mut columns, mut rows) = (vec![0.0; k * BLOCK], vec![0.0; k * BLOCK]);
        for start in range.clone().step_by(BLOCK) {
            let part = start..(start + BLOCK).min(range.end);
            let size = part.len();
            source.design.fill(&source.patterns.frame, part, &mut columns[..k * size]);
            for (j, column) in columns[..k * size].chunks(size).enumerate() {
                column.iter().enumerate().for_each(|(i, x)| rows[i * k + j] = change(j, *x));
            }
            rows[..k * size].chunks(k).enumerate().for_each(|(i, x)| work(start + i, x));
        }
    }

    /// A column as it was.
    pub fn column(&self, j: usize) -> Vec<f64> {
        let mut out = vec![1.0; self.len()];
        if let Some(source) = &self.source {
            let one = Design { columns: vec![source.design.columns[j].clone()], constant: false };
            one.fill(&source.patterns.frame, 0..self.len(), &mut out);
        }
        out
    }

    /// Divides columns by their deviation; a continuous one is centred first if there is a constant that takes that up. Dummies
    /// keep their zeros, which a fit skips.
    pub fn standardise(&mut self) {
        let Some(source) = self.source.clone() else { return };
        for (j, column) in source.design.columns.iter().enumerate().filter(|(_, c)| c.term.is_some()) {
            let values = self.column(j);
            let centred = source.design.constant && !column.is_dummy();
            let (mean, deviation) = moments(&values, &self.weight, centred || column.is_dummy());
            self.shift[j] = if centred { mean } else { 0.0 };
            self.scale[j] = if deviation > 1e-12 * mean.abs() && deviation.is_finite() { deviation } else { 1.0 };
        }
        if self.k * self.len() <= KEPT {
            let mut kept = Vec::with_capacity(self.k * self.len());
            self.each(0..self.len(), |_, x| kept.extend_from_slice(x));
            self.kept = Some(kept.into());
        }
    }

    /// Writes the linear indices of an observation with columns `x` at the parameters into the front of `u`.
    pub fn indices(&self, i: usize, x: &[f64], parameters: &[f64], equations: usize, u: &mut [f64]) {
        for (e, u) in u.iter_mut().enumerate().take(equations) {
            let b = &parameters[e * self.k..(e + 1) * self.k];
            *u = x.iter().zip(b).map(|(x, b)| x * b).sum();
        }
        if let Some(first) = u.first_mut().filter(|_| equations > 0) {
            *first += self.offset(i);
        }
    }

    /// A number for each observation, from its linear indices at the parameters; in parallel.
    pub fn by_index(
        &self,
        parameters: &[f64],
        equations: usize,
        work: impl Fn(usize, &[f64]) -> f64 + Sync,
    ) -> Vec<f64> {
        let leaf = |range: Range<usize>| {
            let mut u = vec![0.0; equations];
            let mut out = Vec::with_capacity(range.len());
            self.each(range, |i, x| {
                self.indices(i, x, parameters, equations, &mut u);
                out.push(work(i, &u));
            });
            out
        };
        let join = |mut a: Vec<f64>, b: Vec<f64>| {
            a.extend(b);
            a
        };
        tree(0..self.len(), 1 << 14, &leaf, &join)
    }
}

/// The mean and the deviation from it, or from zero where it is not `about_mean`; both with divisor n.
pub(crate) fn moments(values: &[f64], weight: &[f64], about_mean: bool) -> (f64, f64) {
    let pivot = values.first().copied().unwrap_or(0.0);
    let sum = |f: &(dyn Fn(f64) -> f64 + Sync)| {
        let leaf = |range: Range<usize>| range.map(|i| weight[i] * f(values[i])).sum::<f64>();
        tree(0..values.len(), LEAF, &leaf, &|a, b| a + b)
    };
    let n = sum(&|_| 1.0);
    let mean = pivot + sum(&|x| x - pivot) / n;
    let about = if about_mean { mean } else { 0.0 };
    (mean, (sum(&|x| (x - about) * (x - about)) / n).sqrt())
}

/// Observations up to this number are summed in a row.
pub(crate) const LEAF: usize = 512;

/// Sums over a range in a fixed tree with leaves of at most so many, in parallel: the bits depend on the problem alone, not on the
/// number of threads.
pub(crate) fn tree<T: Send>(
    range: Range<usize>,
    most: usize,
    leaf: &(impl Fn(Range<usize>) -> T + Sync),
    join: &(impl Fn(T, T) -> T + Sync),
) -> T {
    if range.len() <= most {
        return leaf(range);
    }
    let middle = range.start + range.len() / 2;
    let (left, right) =
        rayon::join(|| tree(range.start..middle, most, leaf, join), || tree(middle..range.end, most, leaf, join));
    join(left, right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Term, variables};
    use crate::linear::Request;
    use crate::rows::Table;

    /// Columns that are kept and columns that are filled in again are the same, and a column as it was comes back.
    #[test]
    fn stat_020_columns_kept_or_filled_in_again() {
        let mut table = Table::default();
        let age = table.number("age", (0..1500).map(|i| f64::from((i * 7919) % 1009)).collect());
        let race = table.factor("race", &(0..1500).map(|i| f64::from(i % 3)).collect::<Vec<_>>());
        let terms = [Term::number(age), Term::factor(race, None)];
        let covariates = variables(&terms);
        let request = Request { covariates: &covariates, y: Some(age), cluster: None, places: false };
        let patterns = Arc::new(Patterns::of(&table, request).unwrap());
        let places = |v: usize| covariates.iter().position(|c| *c == v).unwrap();
        let design = Arc::new(Design::of(&table, &patterns.frame, &places, &terms, true).unwrap());
        let mut cells = Cells::of(&design, &patterns, patterns.frame.columns[0].clone(), Vec::new());
        cells.standardise();
        let all = |cells: &Cells| {
            let mut out = Vec::new();
            cells.each(100..1400, |_, x| out.extend_from_slice(x));
            out
        };
        let kept = all(&cells);
        cells.kept = None;
        assert_eq!(all(&cells), kept);
        let (mean, deviation) = moments(&cells.column(1), &cells.weight, true);
        assert_eq!((cells.shift[1], cells.scale[1]), (mean, deviation));
        assert_eq!(cells.column(1), patterns.frame.columns[0]);
        let mut count = 0;
        cells.each_raw(0..1500, |i, x| count += usize::from(x[1] == patterns.frame.columns[0][i] && x[0] == 1.0));
        assert_eq!(count, 1500);
    }
}
