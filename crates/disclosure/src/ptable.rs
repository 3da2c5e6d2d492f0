//! The table of count perturbations in closed form (SDC-040..042): for each true count a distribution of whole-number
//! changes with mean zero and fixed variance. It knows no persons and no keys; the cell key that looks a change up is
//! made in `keys`.
//!
//! Guarantee of one row: the change never exceeds `d` in either direction, its expectation is zero, its variance is `v`
//! (or the nearest value the support admits), and a result of 1..=`js` never occurs.

use serde::{Deserialize, Serialize};

/// The three numbers that fix a table of perturbations.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PTableParams {
    /// Largest change in either direction.
    pub d: u32,
    /// Variance of the change.
    pub v: f64,
    /// Results 1..=`js` are never shown.
    pub js: u32,
    /// Probability of no change, when it is to be larger than the distribution gives by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pstay: Option<f64>,
}

impl PTableParams {
    /// A table without `pstay`.
    pub const fn new(d: u32, v: f64, js: u32) -> Self {
        Self { d, v, js, pstay: None }
    }
}

/// One row: the changes that can occur, ascending, and their probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Changes, ascending.
    pub changes: Vec<i64>,
    /// Probability of each change; they sum to one.
    pub probabilities: Vec<f64>,
    /// Coefficient of the change in the exponent; zero for a row that is no exponential family.
    pub a: f64,
    /// Coefficient of the squared change in the exponent.
    pub b: f64,
    cumulative: Vec<f64>,
}

/// A table of perturbations, solved once from its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct PTable {
    params: PTableParams,
    rows: Vec<Row>,
}

impl PTable {
    /// Solves every row.
    ///
    /// # Errors
    /// A text that names the parameter that admits no table: `d` of zero or above 1000, a variance that is not between
    /// 0 and d², or a `pstay` outside 0..1.
    pub fn new(params: PTableParams) -> Result<Self, &'static str> {
        if params.d == 0 || params.d > 1000 || params.js > 1000 {
            return Err("p_table: d must lie between 1 and 1000, js must be at most 1000");
        }
        if !(params.v > 0.0 && params.v < f64::from(params.d).powi(2)) {
            return Err("p_table: the variance must lie between 0 and d squared");
        }
        if params.pstay.is_some_and(|p| !(0.0..1.0).contains(&p)) {
            return Err("p_table: pstay must lie between 0 and 1");
        }
        let last = if params.js == 0 { params.d } else { params.d + params.js + 1 };
        let rows = (0..=last).map(|i| solve_row(&params, i64::from(i))).collect::<Option<Vec<_>>>();
        Ok(Self { params, rows: rows.ok_or("p_table: a row has no change of mean zero; lower js or raise d")? })
    }

    /// The parameters that the table was solved from.
    pub fn params(&self) -> &PTableParams {
        &self.params
    }

    /// The row for a true count.
    pub fn row(&self, count: u64) -> &Row {
        &self.rows[usize::try_from(count).unwrap_or(usize::MAX).min(self.rows.len() - 1)]
    }

    /// The change for a true count and a cell key `u` in 0..1 (SDC-042).
    pub fn change(&self, count: u64, u: f64) -> i64 {
        self.row(count).change(u)
    }

    /// The mean absolute change of large counts: what a reader is told as the typical error (SDC section 12, NOTE).
    pub fn mean_absolute_error(&self) -> f64 {
        let row = &self.rows[self.rows.len() - 1];
        row.changes.iter().zip(&row.probabilities).map(|(&v, p)| v.unsigned_abs() as f64 * p).sum()
    }
}

impl Row {
    /// The first change whose cumulative probability exceeds `u`.
    pub fn change(&self, u: f64) -> i64 {
        let at = self.cumulative.partition_point(|&c| c <= u).min(self.changes.len() - 1);
        self.changes[at]
    }

    /// The change at a cell key as a number on a line: where in its step the key lies goes along, so that no change is a whole
    /// number that somebody could try. Its expectation is that of the row where the row is symmetric.
    pub fn position(&self, u: f64) -> f64 {
        let at = self.cumulative.partition_point(|&c| c <= u).min(self.changes.len() - 1);
        let before = if at == 0 { 0.0 } else { self.cumulative[at - 1] };
        self.changes[at] as f64 - 0.5 + ((u - before) / self.probabilities[at]).clamp(0.0, 1.0)
    }

    fn new(changes: Vec<i64>, probabilities: Vec<f64>, a: f64, b: f64) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = probabilities
            .iter()
            .map(|p| {
                sum += p;
                sum
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Self { changes, probabilities, a, b, cumulative }
    }
}

fn solve_row(params: &PTableParams, i: i64) -> Option<Row> {
    if i == 0 {
        return Some(Row::new(vec![0], vec![1.0], 0.0, 0.0));
    }
    let (d, js) = (i64::from(params.d), i64::from(params.js));
    let changes: Vec<i64> = ((i - d).max(0)..=i + d).filter(|&j| j == 0 || j > js).map(|j| j - i).collect();
    let (p, a, b) = solve(&changes, params.v)?;
    let stay = changes.iter().position(|&v| v == 0);
    match (params.pstay, stay) {
        (Some(wanted), Some(at)) if wanted > p[at] => {
            let rest: Vec<i64> = changes.iter().copied().filter(|&v| v != 0).collect();
            let (mut p, a, b) = solve(&rest, params.v / (1.0 - wanted))?;
            p.iter_mut().for_each(|x| *x *= 1.0 - wanted);
            p.insert(at, wanted);
            Some(Row::new(changes, p, a, b))
        }
        _ => Some(Row::new(changes, p, a, b)),
    }
}

/// The distribution of greatest entropy on `changes` with mean zero and variance `variance` (SDC-041).
fn solve(changes: &[i64], variance: f64) -> Option<(Vec<f64>, f64, f64)> {
    // The smallest variance of mean zero sits on the two changes next to zero, or on zero itself.
    if let Some(two) = narrowest(changes)
        && two.variance >= variance - 1e-9
    {
        let p = changes.iter().map(|&v| two.probability(v)).collect();
        return Some((p, 0.0, 0.0));
    }
    changes.iter().any(|&v| v < 0).then_some(())?;
    changes.iter().any(|&v| v > 0).then_some(())?;
    // Without the second constraint the variance is that of b = 0. Where it is already below the target, the optimum has
    // b > 0 (or none exists), and the row keeps b = 0.
    let flat = newton(changes, variance, false)?;
    let p = weights(changes, flat.0, 0.0);
    let widest: f64 = changes.iter().zip(&p).map(|(&v, p)| p * (v * v) as f64).sum();
    let (a, b) = if widest <= variance { flat } else { newton(changes, variance, true)? };
    Some((weights(changes, a, b), a, b))
}

struct Narrowest {
    below: i64,
    above: i64,
    variance: f64,
}

impl Narrowest {
    fn probability(&self, v: i64) -> f64 {
        let span = (self.above - self.below) as f64;
        match v {
            0 if self.variance == 0.0 => 1.0,
            v if self.variance == 0.0 => f64::from(v == 0),
            v if v == self.below => self.above as f64 / span,
            v if v == self.above => -self.below as f64 / span,
            _ => 0.0,
        }
    }
}

fn narrowest(changes: &[i64]) -> Option<Narrowest> {
    if changes.contains(&0) {
        return Some(Narrowest { below: 0, above: 0, variance: 0.0 });
    }
    let below = changes.iter().copied().filter(|&v| v < 0).max()?;
    let above = changes.iter().copied().filter(|&v| v > 0).min()?;
    Some(Narrowest { below, above, variance: (-below * above) as f64 })
}

fn weights(changes: &[i64], a: f64, b: f64) -> Vec<f64> {
    let exponents: Vec<f64> = changes.iter().map(|&v| a * v as f64 + b * (v * v) as f64).collect();
    let top = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = exponents.iter().map(|e| (e - top).exp()).collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter().map(|x| x / total).collect()
}

/// Minimises the dual `log Z(a, b) − b·variance` by damped Newton steps from (0, 0); with `both` false `b` stays zero.
fn newton(changes: &[i64], variance: f64, both: bool) -> Option<(f64, f64)> {
    let dual = |a: f64, b: f64| {
        let e: Vec<f64> = changes.iter().map(|&v| a * v as f64 + b * ((v * v) as f64 - variance)).collect();
        let top = e.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + e.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
    };
    let (mut a, mut b) = (0.0, 0.0);
    for _ in 0..500 {
        let p = weights(changes, a, b);
        let moment = |f: &dyn Fn(f64) -> f64| changes.iter().zip(&p).map(|(&v, p)| p * f(v as f64)).sum::<f64>();
        let (m1, m2) = (moment(&|v| v), moment(&|v| v * v));
        let (g1, g2) = (m1, if both { m2 - variance } else { 0.0 });
        if g1.abs() < 1e-12 && g2.abs() < 1e-12 {
            return Some((a, b));
        }
        let (h11, h12, h22) = (m2 - m1 * m1, moment(&|v| v * v * v) - m1 * m2, moment(&|v| v.powi(4)) - m2 * m2);
        let (da, db) = if both {
            let det = h11 * h22 - h12 * h12;
            (-(h22 * g1 - h12 * g2) / det, -(h11 * g2 - h12 * g1) / det)
        } else {
            (-g1 / h11, 0.0)
        };
        if !(da.is_finite() && db.is_finite()) {
            return None;
        }
        let (here, slope) = (dual(a, b), g1 * da + g2 * db);
        let mut step = 1.0;
        // Close to the optimum rounding hides the decrease of the dual; full Newton steps converge there.
        let close = slope.abs() < 1e-10;
        while !close && step > 1e-12 && dual(a + step * da, b + step * db) > here + 1e-4 * step * slope {
            step *= 0.5;
        }
        a += step * da;
        b += step * db;
    }
    // Rounding may keep the residual a little above the target for wide tables; accept what is far below use.
    let p = weights(changes, a, b);
    let m1: f64 = changes.iter().zip(&p).map(|(&v, p)| p * v as f64).sum();
    (m1.abs() < 1e-9).then_some((a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 1e-6, "{a} is not {e}");
        }
    }

    /// SDC-041, worked row i = 8 of D5 V3 js2, which holds for every larger count too.
    #[test]
    fn worked_row_of_large_counts() {
        let table = PTable::new(PTableParams::new(5, 3.0, 2)).unwrap();
        let row = table.row(8);
        assert_eq!(row, table.row(5_500_000));
        assert_eq!(row.changes, (-5..=5).collect::<Vec<_>>());
        assert!(row.a.abs() < 1e-9 && (row.b + 0.164_000).abs() < 1e-6);
        let half = [0.003792, 0.016591, 0.052293, 0.118730, 0.194193, 0.228801];
        close(&row.probabilities[..6], &half);
        let cumulative =
            [0.003792, 0.020383, 0.072675, 0.191406, 0.385599, 0.614401, 0.808594, 0.927325, 0.979617, 0.996208, 1.0];
        close(&row.cumulative, &cumulative);
        assert_eq!(table.change(12, 0.35093), -1);
        assert_eq!(format!("{:.1}", table.mean_absolute_error()), "1.3");
    }

    /// SDC-041, worked row i = 3 of D5 V3 js2.
    #[test]
    fn worked_row_of_a_small_count() {
        let table = PTable::new(PTableParams::new(5, 3.0, 2)).unwrap();
        let row = table.row(3);
        assert_eq!(row.changes, [-3, 0, 1, 2, 3, 4, 5]);
        assert!((row.a + 0.293_299).abs() < 1e-6 && (row.b + 0.170_815).abs() < 1e-6);
        close(&row.probabilities, &[0.203986, 0.393663, 0.247492, 0.110568, 0.035102, 0.007919, 0.001269]);
    }

    /// SDC-041, worked row of D10 V6 js4 for large counts.
    #[test]
    fn worked_row_of_the_high_policy() {
        let table = PTable::new(PTableParams::new(10, 6.0, 4)).unwrap();
        let row = table.row(1_000);
        assert!((row.b + 0.083_307).abs() < 1e-6);
        close(&row.probabilities[9..12], &[0.149828, 0.162844, 0.149828]);
        close(&[row.probabilities[0], row.probabilities[20]], &[0.000039, 0.000039]);
    }

    /// SDC-102: the change on a line is never further than half a step from the change, and without a gap.
    #[test]
    fn sdc_102_changes_on_a_line() {
        let table = PTable::new(PTableParams::new(5, 2.0, 0)).unwrap();
        let row = table.row(u64::MAX);
        let positions: Vec<f64> = (0..10_000).map(|i| row.position(f64::from(i) / 10_000.0)).collect();
        assert!(positions.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] < 0.5));
        for (i, x) in positions.iter().enumerate() {
            assert!((x - row.change(i as f64 / 10_000.0) as f64).abs() <= 0.5);
        }
        let mean = positions.iter().sum::<f64>() / 10_000.0;
        let variance = positions.iter().map(|x| x * x).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 1e-3 && (variance - 2.0 - 1.0 / 12.0).abs() < 1e-2, "{mean} {variance}");
    }

    /// SDC-040: an empty cell stays empty.
    #[test]
    fn nothing_stays_nothing() {
        let table = PTable::new(PTableParams::new(5, 3.0, 2)).unwrap();
        for u in [0.0, 0.5, 0.999_999] {
            assert_eq!(table.change(0, u), 0);
        }
    }

    proptest! {
        /// SDC-040, SDC-041: every row is unbiased, keeps within D, never shows 1..=js, and has the variance asked for
        /// unless its support does not admit it.
        #[test]
        fn every_row_keeps_its_guarantee(d in 2u32..13, share in 0.05f64..0.35, js in 0u32..5) {
            prop_assume!(js < d);
            let v = share * f64::from(d * d);
            let table = PTable::new(PTableParams::new(d, v, js)).unwrap();
            for n in 0..u64::from(d + js) + 4 {
                let row = table.row(n);
                let mean: f64 = row.changes.iter().zip(&row.probabilities).map(|(&c, p)| c as f64 * p).sum();
                let variance: f64 = row.changes.iter().zip(&row.probabilities).map(|(&c, p)| (c * c) as f64 * p).sum();
                let total: f64 = row.probabilities.iter().sum();
                prop_assert!(mean.abs() < 1e-8, "row {n}: mean {mean}");
                prop_assert!((total - 1.0).abs() < 1e-12);
                prop_assert!(row.probabilities.iter().all(|&p| p >= 0.0));
                for &c in &row.changes {
                    let j = n as i64 + c;
                    prop_assert!(c.unsigned_abs() <= u64::from(d) && j >= 0 && (j == 0 || j > i64::from(js)));
                }
                if n > u64::from(d + js) && row.b < 0.0 {
                    prop_assert!((variance - v).abs() < 1e-8, "row {n}: variance {variance} is not {v}");
                }
            }
        }

        /// SDC-042: the lookup is monotone in the cell key and covers the whole row.
        #[test]
        fn the_lookup_covers_the_row(n in 0u64..40, u in 0.0f64..1.0) {
            let table = PTable::new(PTableParams::new(5, 3.0, 2)).unwrap();
            let change = table.change(n, u);
            prop_assert!(table.row(n).changes.contains(&change));
            prop_assert!(change <= table.change(n, (u + 0.1).min(1.0)));
        }

        /// SDC-041: a larger probability of no change is kept exactly, with the variance.
        #[test]
        fn pstay_is_kept(stay in 0.3f64..0.6) {
            let table = PTable::new(PTableParams { pstay: Some(stay), ..PTableParams::new(5, 3.0, 2) }).unwrap();
            let row = table.row(100);
            let variance: f64 = row.changes.iter().zip(&row.probabilities).map(|(&c, p)| (c * c) as f64 * p).sum();
            prop_assert_eq!(row.probabilities[5], stay);
            prop_assert!((variance - 3.0).abs() < 1e-9);
        }
    }
}
