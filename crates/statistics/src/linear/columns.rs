//! Where the columns of a least-squares problem come from: a design over a frame, filled block by block, or a matrix in memory.
//! And sums over blocks in a fixed tree, so that the bits of a result do not depend on the number of threads (STAT-001).

use std::ops::Range;

use rayon::prelude::*;

use super::tile;
use crate::design::Design;
use crate::rows::Frame;

/// Rows of a block.
pub const BLOCK: usize = 2048;

/// Columns of numbers over rows or patterns.
pub trait Columns: Sync {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of columns.
    fn width(&self) -> usize;

    /// Whether the first column is the constant, so that others may be centred.
    fn constant(&self) -> bool;

    /// The columns over a range of rows, one after the other: column `j` at `j * range.len()`.
    fn fill(&self, range: Range<usize>, out: &mut [f64]);
}

/// A design over the rows or patterns of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Filled<'a> {
    /// The columns.
    pub design: &'a Design,
    /// Where their values come from.
    pub frame: &'a Frame,
}

impl Columns for Filled<'_> {
    fn len(&self) -> usize {
        self.frame.len()
    }
    fn width(&self) -> usize {
        self.design.len()
    }
    fn constant(&self) -> bool {
        self.design.constant
    }
    fn fill(&self, range: Range<usize>, out: &mut [f64]) {
        self.design.fill(self.frame, range, out);
    }
}

/// Columns in memory.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Matrix {
    /// All of the same length.
    pub columns: Vec<Vec<f64>>,
    /// Whether the first is the constant.
    pub constant: bool,
}

impl Matrix {
    /// All rows of other columns.
    pub fn of(x: &dyn Columns) -> Self {
        let mut columns = vec![vec![0.0; x.len()]; x.width()];
        let all = blocks(x.len());
        let mut parts: Vec<Vec<&mut [f64]>> = all.iter().map(|_| Vec::new()).collect();
        for column in &mut columns {
            parts.iter_mut().zip(column.chunks_mut(BLOCK)).for_each(|(parts, part)| parts.push(part));
        }
        all.into_par_iter().zip(parts).for_each_init(Vec::new, |block, (range, parts)| {
            block.resize(range.len() * x.width(), 0.0);
            x.fill(range.clone(), block);
            parts.into_iter().zip(block.chunks(range.len())).for_each(|(out, part)| out.copy_from_slice(part));
        });
        Self { columns, constant: x.constant() }
    }

    /// Some of the columns, in this order.
    #[must_use]
    pub fn pick(&self, columns: &[usize]) -> Self {
        Self {
            columns: columns.iter().map(|j| self.columns[*j].clone()).collect(),
            constant: self.constant && columns.first() == Some(&0),
        }
    }
}

impl Columns for Matrix {
    fn len(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }
    fn width(&self) -> usize {
        self.columns.len()
    }
    fn constant(&self) -> bool {
        self.constant
    }
    fn fill(&self, range: Range<usize>, out: &mut [f64]) {
        for (column, out) in self.columns.iter().zip(out.chunks_mut(range.len().max(1))) {
            out.copy_from_slice(&column[range.clone()]);
        }
    }
}

/// Columns with more of them after the last.
pub struct Extended<'a> {
    /// The first ones.
    pub first: &'a dyn Columns,
    /// Those after them.
    pub more: &'a [Vec<f64>],
}

impl Columns for Extended<'_> {
    fn len(&self) -> usize {
        self.first.len()
    }
    fn width(&self) -> usize {
        self.first.width() + self.more.len()
    }
    fn constant(&self) -> bool {
        self.first.constant()
    }
    fn fill(&self, range: Range<usize>, out: &mut [f64]) {
        let rows = range.len();
        let (first, more) = out.split_at_mut(rows * self.first.width());
        self.first.fill(range.clone(), first);
        for (out, column) in more.chunks_mut(rows.max(1)).zip(self.more) {
            out.copy_from_slice(&column[range.clone()]);
        }
    }
}

/// Some columns of others, in this order.
pub struct Picked<'a> {
    /// All of them.
    pub all: &'a dyn Columns,
    /// Their numbers.
    pub columns: &'a [usize],
}

impl Columns for Picked<'_> {
    fn len(&self) -> usize {
        self.all.len()
    }
    fn width(&self) -> usize {
        self.columns.len()
    }
    fn constant(&self) -> bool {
        self.all.constant() && self.columns.first() == Some(&0)
    }
    fn fill(&self, range: Range<usize>, out: &mut [f64]) {
        let rows = range.len();
        let mut all = vec![0.0; rows * self.all.width()];
        self.all.fill(range, &mut all);
        for (out, j) in out.chunks_mut(rows.max(1)).zip(self.columns) {
            out.copy_from_slice(&all[j * rows..(j + 1) * rows]);
        }
    }
}

/// Σ of each column times its weights.
pub fn totals(x: &dyn Columns, weights: &[f64]) -> Vec<f64> {
    use super::number::Number as _;
    let parts = by_block(x, |range, block| {
        let weights = &weights[range.clone()];
        block.chunks(range.len()).map(|column| f64::dot(column, weights)).collect::<Vec<f64>>()
    });
    tree(parts, add).unwrap_or_else(|| vec![0.0; x.width()])
}

/// Σ of each column's squares about a number, times the weights.
pub fn squares(x: &dyn Columns, about: &[f64], weights: &[f64]) -> Vec<f64> {
    use super::number::Number as _;
    let parts = by_block(x, |range, block| {
        let weights = &weights[range.clone()];
        let each = |(column, about): (&mut [f64], &f64)| {
            column.iter_mut().for_each(|x| *x = (*x - about).powi(2));
            f64::dot(column, weights)
        };
        block.chunks_mut(range.len()).zip(about).map(each).collect::<Vec<f64>>()
    });
    tree(parts, add).unwrap_or_else(|| vec![0.0; x.width()])
}

/// The blocks of so many rows.
pub fn blocks(rows: usize) -> Vec<Range<usize>> {
    (0..rows).step_by(BLOCK).map(|start| start..(start + BLOCK).min(rows)).collect()
}

/// Does something with each block of the columns, in parallel; gives what came out in the order of the blocks. `work` gets the
/// range of rows and their columns, one after the other.
pub fn by_block<A: Send>(x: &dyn Columns, work: impl Fn(Range<usize>, &mut [f64]) -> A + Sync) -> Vec<A> {
    let width = x.width();
    let each = |buffer: &mut Vec<f64>, range: Range<usize>| {
        buffer.resize(range.len() * width, 0.0);
        x.fill(range.clone(), buffer);
        work(range, buffer)
    };
    blocks(x.len()).into_par_iter().map_init(Vec::new, each).collect()
}

/// Joins neighbours until one is left: the same tree whatever the threads.
pub fn tree<A: Send>(mut all: Vec<A>, join: impl Fn(A, A) -> A + Sync) -> Option<A> {
    while all.len() > 1 {
        let mut pairs = Vec::with_capacity(all.len().div_ceil(2));
        let mut rest = all.into_iter();
        while let Some(first) = rest.next() {
            pairs.push((first, rest.next()));
        }
        let joined = |(first, second)| match second {
            Some(second) => join(first, second),
            None => first,
        };
        all = pairs.into_par_iter().map(joined).collect();
    }
    all.pop()
}

/// Σ of numbers in a fixed tree.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    // Compensated, as A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen" (1974).
    let (mut sum, mut lost) = (0.0, 0.0);
    for x in values {
        let (next, error) = super::number::two_sum(sum, x);
        sum = next;
        lost += error;
    }
    sum + lost
}

/// X'WX of columns of `rows` numbers each, as a symmetric matrix of `width` columns one after the other.
pub fn gram(block: &[f64], rows: usize, weights: Option<&[f64]>) -> Vec<f64> {
    let width = block.len().checked_div(rows).unwrap_or(0);
    gram_of(width, rows, |j| &block[j * rows..(j + 1) * rows], weights)
}

/// The same of `width` columns, wherever they are.
pub(crate) fn gram_of<'a>(
    width: usize,
    rows: usize,
    column: impl Fn(usize) -> &'a [f64] + Copy,
    weights: Option<&[f64]>,
) -> Vec<f64> {
    let mut out = vec![0.0; width * width];
    let left = |i: usize, out: &mut [f64]| match weights {
        Some(weights) => out.iter_mut().zip(column(i)).zip(weights).for_each(|((out, x), w)| *out = x * w),
        None => out.copy_from_slice(column(i)),
    };
    tile::triangle(width, rows, column, left, &mut Default::default(), &mut out);
    for i in 0..width {
        for j in 0..i {
            out[j * width + i] = out[i * width + j];
        }
    }
    out
}

/// Adds numbers one by one.
pub fn add(mut a: Vec<f64>, b: Vec<f64>) -> Vec<f64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}
