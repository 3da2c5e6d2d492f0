//! Bounds of unknowns under linear equations: a small dense simplex in two phases. Unknowns are not negative and may have
//! an upper bound; Bland's rule makes it end. For tables of people, of a few dozen unknowns.

/// What counts as nothing.
const EPSILON: f64 = 1e-7;
/// Steps after which a problem is given up; Bland's rule needs far fewer for problems of this size.
const MAX_STEPS: usize = 20_000;

/// Equations `Σ coefficient · unknown = value` over unknowns from 0 up to a bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct System {
    upper: Vec<f64>,
    rows: Vec<(Vec<(usize, f64)>, f64)>,
}

impl System {
    /// A new unknown, at most `upper` (infinity for no bound).
    pub(crate) fn unknown(&mut self, upper: f64) -> usize {
        self.upper.push(upper);
        self.upper.len() - 1
    }

    /// A new equation.
    pub(crate) fn equation(&mut self, terms: Vec<(usize, f64)>, value: f64) {
        self.rows.push((terms, value));
    }

    /// A tableau that stands at a solution, if there is one.
    fn feasible(&self) -> Option<Tableau> {
        let bounded: Vec<usize> = (0..self.upper.len()).filter(|u| self.upper[*u].is_finite()).collect();
        let (unknowns, equations) = (self.upper.len() + bounded.len(), self.rows.len() + bounded.len());
        let width = unknowns + equations + 1;
        let mut rows = vec![vec![0.0; width]; equations];
        for (row, (terms, value)) in rows.iter_mut().zip(&self.rows) {
            terms.iter().for_each(|(u, c)| row[*u] += c);
            row[width - 1] = *value;
        }
        // An upper bound is an equation with what is left to it.
        for (i, u) in bounded.iter().enumerate() {
            let row = &mut rows[self.rows.len() + i];
            row[*u] = 1.0;
            row[self.upper.len() + i] = 1.0;
            row[width - 1] = self.upper[*u];
        }
        for (i, row) in rows.iter_mut().enumerate() {
            if row[width - 1] < 0.0 {
                row.iter_mut().for_each(|x| *x = -*x);
            }
            row[unknowns + i] = 1.0;
        }
        let basis = (unknowns..unknowns + equations).collect();
        let mut tableau = Tableau { rows, basis, width, open: width - 1 };
        // Phase one: drive the helpers out.
        let cost: Vec<f64> = (0..width - 1).map(|c| if c >= unknowns { 1.0 } else { 0.0 }).collect();
        let left = tableau.least(&cost)?;
        tableau.open = unknowns;
        (left < 1e-5).then(|| {
            tableau.drive_out(unknowns);
            tableau
        })
    }

    /// The least and greatest value of each of the first `count` unknowns; none when the equations contradict each other.
    pub(crate) fn bounds(&self, count: usize) -> Option<Vec<(f64, f64)>> {
        let start = self.feasible()?;
        let mut bounds = Vec::with_capacity(count);
        for unknown in 0..count {
            let mut cost = vec![0.0; start.width - 1];
            cost[unknown] = 1.0;
            let least = start.clone().least(&cost)?;
            cost[unknown] = -1.0;
            let most = start.clone().least(&cost).map_or(f64::INFINITY, |x| -x);
            bounds.push((least, most));
        }
        Some(bounds)
    }
}

/// Equations solved for the unknowns of a basis; the last column holds their values.
#[derive(Clone)]
struct Tableau {
    rows: Vec<Vec<f64>>,
    basis: Vec<usize>,
    width: usize,
    /// Columns from here on may not enter.
    open: usize,
}

impl Tableau {
    /// The least value of `Σ cost · unknown`; none when there is none, or when it takes too long.
    fn least(&mut self, cost: &[f64]) -> Option<f64> {
        for _ in 0..MAX_STEPS {
            let reduced =
                |c: usize| cost[c] - self.basis.iter().zip(&self.rows).map(|(b, r)| cost[*b] * r[c]).sum::<f64>();
            let Some(enters) = (0..self.open.min(self.width - 1)).find(|c| reduced(*c) < -EPSILON) else {
                return Some(self.basis.iter().zip(&self.rows).map(|(b, r)| cost[*b] * r[self.width - 1]).sum());
            };
            let mut leaves: Option<(usize, f64)> = None;
            for (i, row) in self.rows.iter().enumerate().filter(|(_, r)| r[enters] > EPSILON) {
                let ratio = row[self.width - 1] / row[enters];
                let better = leaves
                    .is_none_or(|(l, r)| ratio < r - EPSILON || (ratio < r + EPSILON && self.basis[i] < self.basis[l]));
                if better {
                    leaves = Some((i, ratio));
                }
            }
            self.pivot(leaves?.0, enters);
        }
        None
    }

    /// Helpers that are left in the basis at zero give way to unknowns; equations that say nothing new are dropped.
    fn drive_out(&mut self, unknowns: usize) {
        let mut at = 0;
        while at < self.rows.len() {
            if self.basis[at] >= unknowns {
                let Some(c) = (0..unknowns).find(|c| self.rows[at][*c].abs() > EPSILON) else {
                    self.rows.remove(at);
                    self.basis.remove(at);
                    continue;
                };
                self.pivot(at, c);
            }
            at += 1;
        }
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let by = self.rows[row][column];
        self.rows[row].iter_mut().for_each(|x| *x /= by);
        let pivot = self.rows[row].clone();
        for (_, other) in self.rows.iter_mut().enumerate().filter(|(i, _)| *i != row) {
            let factor = other[column];
            if factor != 0.0 {
                other.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
            }
        }
        self.basis[row] = column;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_of_hidden_cells_of_a_table() {
        // a b | 7      a + b = 7, c + d = 20, a + c = 12, b + d = 15
        // c d | 20
        let mut system = System::default();
        let [a, b, c, d] = [0; 4].map(|_| system.unknown(f64::INFINITY));
        for (terms, value) in [([a, b], 7.0), ([c, d], 20.0), ([a, c], 12.0), ([b, d], 15.0)] {
            system.equation(terms.map(|u| (u, 1.0)).to_vec(), value);
        }
        let bounds = system.bounds(4).unwrap();
        assert_eq!(
            bounds.iter().map(|(l, h)| (l.round(), h.round())).collect::<Vec<_>>(),
            [(0.0, 7.0), (0.0, 7.0), (5.0, 12.0), (8.0, 15.0)]
        );
        system.equation(vec![(a, 1.0)], 9.0);
        assert!(system.bounds(4).is_none(), "contradiction");
        let mut free = System::default();
        let (x, y) = (free.unknown(f64::INFINITY), free.unknown(3.0));
        free.equation(vec![(x, 1.0), (y, -1.0)], 2.0);
        assert_eq!(free.bounds(2).unwrap(), [(2.0, 5.0), (0.0, 3.0)]);
        assert_eq!(System::default().bounds(0), Some(Vec::new()));
    }

    proptest! {
        /// Small tables with hidden cells: the same bounds as by trying every filling.
        #[test]
        fn bounds_agree_with_trying_all_fillings(cells in prop::array::uniform6(0u32..7), hidden in 1u32..64) {
            let (rows, columns) = (2usize, 3usize);
            let mut system = System::default();
            let at: Vec<Option<usize>> =
                (0..6).map(|i| (hidden >> i & 1 == 1).then(|| system.unknown(f64::INFINITY))).collect();
            let lines: Vec<Vec<usize>> = (0..rows).map(|r| (0..columns).map(|c| r * columns + c).collect())
                .chain((0..columns).map(|c| (0..rows).map(|r| r * columns + c).collect())).collect();
            for line in &lines {
                let terms: Vec<(usize, f64)> = line.iter().filter_map(|i| Some((at[*i]?, 1.0))).collect();
                let value: u32 = line.iter().filter(|i| at[**i].is_some()).map(|i| cells[*i]).sum();
                system.equation(terms, f64::from(value));
            }
            let unknowns: Vec<usize> = (0..6).filter(|i| at[*i].is_some()).collect();
            let bounds = system.bounds(unknowns.len()).unwrap();
            // Every filling of a 2 by 3 table with these line sums follows from two cells of the first row.
            let mut tried = vec![(u32::MAX, 0u32); unknowns.len()];
            let sums: Vec<u32> = lines.iter().map(|l| l.iter().map(|i| cells[*i]).sum()).collect();
            for a in 0..=sums[0] { for b in 0..=sums[0] - a {
                let c = sums[0] - a - b;
                if a > sums[2] || b > sums[3] || c > sums[4] { continue; }
                let full = [a, b, c, sums[2] - a, sums[3] - b, sums[4] - c];
                if (0..6).any(|i| at[i].is_none() && full[i] != cells[i]) { continue; }
                for (t, i) in tried.iter_mut().zip(&unknowns) { *t = (t.0.min(full[*i]), t.1.max(full[*i])); }
            } }
            for ((l, h), (tl, th)) in bounds.iter().zip(&tried) {
                prop_assert!((l - f64::from(*tl)).abs() < 1e-4 && (h - f64::from(*th)).abs() < 1e-4);
            }
        }
    }
}
