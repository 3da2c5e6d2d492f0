//! The additive view of a table of counts (SDC-133): released cells and margins, each with noise of its own, are adjusted
//! to each other by least squares until cells add up to their totals, and made whole by largest remainder.
//!
//! Guarantee: the adjustment is a function of released numbers alone, so it tells nothing that they do not. Hidden cells
//! stay hidden and true zeros stay zero.

use crate::released::{Table, Value};

/// Passes of the conjugate gradient; it ends by itself long before.
const PASSES: usize = 200;

impl Table {
    /// The same table with counts that add up. All released numbers weigh the same, as all have the same variance.
    #[must_use]
    pub fn adjusted(&self) -> Table {
        let mut out = self.clone();
        for (cell, sum) in out.cells.iter_mut().zip(self.sums()) {
            if matches!(cell.count, Value::Value(_)) {
                cell.count = Value::Value(sum);
            }
        }
        out
    }

    /// Whole numbers that add up, for all cells and margins; at hidden ones what the released numbers leave for them.
    pub(crate) fn sums(&self) -> Vec<f64> {
        let problem = Problem::of(self);
        let shape = problem.shape.clone();
        margins(&whole_numbers(&problem.solve()), &shape)
    }
}

/// Released numbers as sums of unknown inner cells.
struct Problem {
    shape: Vec<usize>,
    /// For every cell and margin the released number; none where it is hidden.
    seen: Vec<Option<f64>>,
    /// For every inner cell whether it may differ from zero.
    free: Vec<bool>,
}

impl Problem {
    fn of(table: &Table) -> Self {
        let shape: Vec<usize> = table.dimensions.iter().map(|d| d.categories.len()).collect();
        let seen: Vec<Option<f64>> = table.cells.iter().map(|c| c.count.number()).collect();
        let free = inner_indices(&shape).into_iter().map(|at| seen.get(at).copied().flatten() != Some(0.0)).collect();
        Self { shape, seen, free }
    }

    /// The inner cells whose sums come nearest to what was released, none of them below zero: those that would be are
    /// zero, and the others are found anew.
    fn solve(mut self) -> Vec<f64> {
        loop {
            let x = self.nearest();
            let below: Vec<usize> = (0..x.len()).filter(|i| x[*i] < -1e-9).collect();
            if below.is_empty() {
                return x.into_iter().map(|v| v.max(0.0)).collect();
            }
            below.into_iter().for_each(|i| self.free[i] = false);
        }
    }

    /// The inner cells whose sums come nearest to what was released: conjugate gradient on the normal equations, begun at
    /// the released cells themselves.
    fn nearest(&self) -> Vec<f64> {
        let released = inner_indices(&self.shape).into_iter().map(|at| self.seen.get(at).copied().flatten());
        let start = released.zip(&self.free).map(|(v, free)| if *free { v.unwrap_or(0.0) } else { 0.0 });
        let mut x: Vec<f64> = start.collect();
        let residual: Vec<f64> =
            margins(&x, &self.shape).iter().zip(&self.seen).map(|(sum, seen)| seen.map_or(0.0, |s| s - sum)).collect();
        let mut gradient = self.transposed(&residual);
        let mut direction = gradient.clone();
        let mut size = dot(&gradient, &gradient);
        let enough = size * 1e-24;
        for _ in 0..PASSES {
            if size <= enough || size == 0.0 {
                break;
            }
            let mut image = margins(&direction, &self.shape);
            image.iter_mut().zip(&self.seen).filter(|(_, seen)| seen.is_none()).for_each(|(v, _)| *v = 0.0);
            let step = size / dot(&image, &image);
            x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
            let change = self.transposed(&image);
            gradient.iter_mut().zip(change).for_each(|(g, c)| *g -= step * c);
            let next = dot(&gradient, &gradient);
            direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d = g + next / size * *d);
            size = next;
        }
        x
    }

    /// For every inner cell the sum over all cells and margins that hold it.
    fn transposed(&self, values: &[f64]) -> Vec<f64> {
        let mut current = values.to_vec();
        // Along each dimension a category gets its own value and that of the total.
        for d in 0..self.shape.len() {
            let size = self.shape[d];
            let outer: usize = self.shape[..d].iter().product();
            let inner: usize = self.shape[d + 1..].iter().map(|size| size + 1).product();
            let mut next = Vec::with_capacity(outer * size * inner);
            for o in 0..outer {
                for c in 0..size {
                    for i in 0..inner {
                        let at = |c: usize| (o * (size + 1) + c) * inner + i;
                        next.push(current[at(c)] + current[at(size)]);
                    }
                }
            }
            current = next;
        }
        current.iter_mut().zip(&self.free).filter(|(_, free)| !**free).for_each(|(v, _)| *v = 0.0);
        current
    }
}

/// Inner cells with all their margins, in the order of [`Table::cells`].
fn margins(inner: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut current = inner.to_vec();
    for d in 0..shape.len() {
        let outer: usize = shape[..d].iter().map(|size| size + 1).product();
        let width: usize = shape[d + 1..].iter().product();
        let size = shape[d];
        let mut next = Vec::with_capacity(outer * (size + 1) * width);
        for o in 0..outer {
            let block = &current[o * size * width..(o + 1) * size * width];
            next.extend_from_slice(block);
            next.extend((0..width).map(|i| (0..size).map(|c| block[c * width + i]).sum::<f64>()));
        }
        current = next;
    }
    current
}

/// Where the inner cells stand among all cells and margins.
fn inner_indices(shape: &[usize]) -> Vec<usize> {
    shape.iter().fold(vec![0], |heads, size| {
        heads.iter().flat_map(|head| (0..*size).map(move |c| head * (size + 1) + c)).collect()
    })
}

/// Whole numbers with the same sum (rounded): all are cut, and those with the largest remainders get what is left over.
fn whole_numbers(values: &[f64]) -> Vec<f64> {
    let total = values.iter().sum::<f64>().round();
    let mut whole: Vec<f64> = values.iter().map(|v| v.floor()).collect();
    let left = (total - whole.iter().sum::<f64>()).max(0.0) as usize;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].fract().total_cmp(&values[*a].fract()).then(a.cmp(b)));
    order.into_iter().take(left).for_each(|i| whole[i] += 1.0);
    whole
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_their_sum() {
        assert_eq!(whole_numbers(&[1.5, 2.5, 0.2, 3.0]), [2.0, 2.0, 0.0, 3.0]);
        assert_eq!(whole_numbers(&[0.4, 0.4, 0.4]), [1.0, 0.0, 0.0]);
    }

    /// Without hidden cells the discrepancy of a line is shared equally by its cells and its total.
    #[test]
    fn sdc_133_one_line() {
        let problem =
            Problem { shape: vec![3], seen: vec![Some(10.0), Some(20.0), Some(30.0), Some(64.0)], free: vec![true; 3] };
        let x = problem.solve();
        for (found, expected) in x.iter().zip([11.0, 21.0, 31.0]) {
            assert!((found - expected).abs() < 1e-9, "{x:?}");
        }
    }

    /// A hidden cell for which its total leaves less than nothing is zero, and the others share what is left.
    #[test]
    fn sdc_133_nothing_is_below_zero() {
        let seen = vec![Some(10.0), None, Some(30.0), Some(34.0)];
        let x = Problem { shape: vec![3], seen, free: vec![true; 3] }.solve();
        for (found, expected) in x.iter().zip([8.0, 0.0, 28.0]) {
            assert!((found - expected).abs() < 1e-9, "{x:?}");
        }
    }

    #[test]
    fn margins_and_their_transpose_belong_together() {
        let problem = Problem { shape: vec![2, 3], seen: vec![Some(1.0); 12], free: vec![true; 6] };
        let x: Vec<f64> = (0..6).map(f64::from).collect();
        let y: Vec<f64> = (0..12).map(|i| f64::from(i * i)).collect();
        assert!((dot(&margins(&x, &problem.shape), &y) - dot(&x, &problem.transposed(&y))).abs() < 1e-9);
        assert_eq!(margins(&x, &[2, 3]), [0.0, 1.0, 2.0, 3.0, 3.0, 4.0, 5.0, 12.0, 3.0, 5.0, 7.0, 15.0]);
    }
}
