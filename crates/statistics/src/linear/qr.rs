//! Householder's triangular decomposition over blocks of rows whose triangles are joined in a fixed tree (TSQR: J. Demmel,
//! L. Grigori, M. Hoemmen, J. Langou, 2012), and what follows from the last triangle: which columns follow from earlier ones
//! (STAT-008), the estimates, and the inverse.

use super::number::Number;

/// Makes columns of `rows` numbers triangular in place: what is left above the diagonal is R.
pub fn triangularise<T: Number>(columns: &mut [T], rows: usize) {
    let width = columns.len().checked_div(rows).unwrap_or(0);
    for j in 0..width.min(rows) {
        reflect(columns, rows, j, j);
    }
}

/// Reflects so that of column `j`, from row `i` down, only row `i` is left; carries it out in all later columns.
fn reflect<T: Number>(columns: &mut [T], rows: usize, i: usize, j: usize) {
    let (before, later) = columns.split_at_mut((j + 1) * rows);
    let v = &mut before[j * rows + i..];
    let norm = T::dot(v, v).root();
    if norm.value() == 0.0 {
        return;
    }
    let end = if v[0] > T::of(0.0) { -norm } else { norm };
    v[0] = v[0] - end;
    let factor = T::of(1.0) / (end * v[0]);
    for column in later.chunks_mut(rows) {
        let part = &mut column[i..];
        let f = T::dot(v, part) * factor;
        T::add_multiple(part, f, v);
    }
    v.fill(T::of(0.0));
    v[0] = end;
}

/// R of columns of `rows` numbers each: `width` columns of `width` numbers.
pub fn triangle<T: Number>(mut columns: Vec<T>, rows: usize) -> Vec<T> {
    let width = columns.len().checked_div(rows).unwrap_or(0);
    triangularise(&mut columns, rows);
    let mut r = vec![T::of(0.0); width * width];
    for j in 0..width {
        let size = rows.min(j + 1);
        r[j * width..j * width + size].copy_from_slice(&columns[j * rows..j * rows + size]);
    }
    r
}

/// R of the rows of two triangles together.
pub fn join<T: Number>(first: &[T], second: &[T], width: usize) -> Vec<T> {
    let mut both = Vec::with_capacity(2 * width * width);
    for j in 0..width {
        both.extend_from_slice(&first[j * width..(j + 1) * width]);
        both.extend_from_slice(&second[j * width..(j + 1) * width]);
    }
    triangle(both, 2 * width)
}

/// What is left of a triangle when columns that follow from earlier ones are gone.
pub struct Reduced<T> {
    /// Columns that stay.
    pub kept: Vec<usize>,
    /// Of every column: its length after the earlier ones are taken out, as a share of its length after the constant is.
    pub pivots: Vec<f64>,
    /// R of the kept columns, one after the other.
    pub r: Vec<T>,
    /// The first part of Q'y.
    pub along: Vec<T>,
    /// The sum of squares of what is left of y.
    pub rest: T,
}

/// Takes the columns of a triangle in turn; the last is y. A column is left out when its pivot is not above `limit`, or `least`
/// says that there is nothing of it beside the constant, or it is among `dropped`.
pub fn reduce<T: Number>(
    triangle: &[T],
    width: usize,
    constant: bool,
    limit: f64,
    least: &[f64],
    dropped: &[usize],
) -> Reduced<T> {
    let mut work = triangle.to_vec();
    let (mut kept, mut pivots) = (Vec::new(), Vec::new());
    for j in 0..width - 1 {
        let i = kept.len();
        let column = &work[j * width..(j + 1) * width];
        // The length of what stands beside the constant.
        let from = usize::from(constant && j > 0);
        let whole = T::dot(&column[from..], &column[from..]).root().value();
        let left = T::dot(&column[i..], &column[i..]).root().value();
        let pivot = if whole > least[j] { left / whole } else { 0.0 };
        pivots.push(pivot);
        if pivot > limit && !dropped.contains(&j) {
            reflect(&mut work, width, i, j);
            kept.push(j);
        }
    }
    let size = kept.len();
    let r = kept.iter().flat_map(|j| work[j * width..j * width + size].iter().copied()).collect();
    let y = &work[(width - 1) * width..];
    Reduced { kept, pivots, r, along: y[..size].to_vec(), rest: T::dot(&y[size..], &y[size..]) }
}

/// b of R b = a.
pub fn back<T: Number>(r: &[T], a: &[T]) -> Vec<T> {
    let size = a.len();
    let mut b = a.to_vec();
    for j in (0..size).rev() {
        b[j] = b[j] / r[j * size + j];
        let (earlier, rest) = b.split_at_mut(j);
        T::add_multiple(earlier, -rest[0], &r[j * size..j * size + j]);
    }
    b
}

/// The inverse of R, its columns one after the other.
pub fn inverse<T: Number>(r: &[T], size: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(size * size);
    for j in 0..size {
        let mut unit = vec![T::of(0.0); size];
        unit[j] = T::of(1.0);
        out.extend(back(r, &unit));
    }
    out
}
