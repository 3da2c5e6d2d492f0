//! Correlation of pairs of variables (STAT-050): Pearson's r and the covariance from centred cross products, over the rows that are
//! complete in all variables or in the two; Spearman's and Kendall's rank correlations.

use rayon::prelude::*;

use super::moments::{Moments, sums};
use crate::counts::Counts;
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correlate {
    /// The variables.
    pub variables: Vec<usize>,
    /// Whether each pair uses all rows that it is complete in.
    pub pairwise: bool,
}

/// A pair of variables, or one with itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// Places among the variables asked for; the second is not after the first.
    pub variables: [usize; 2],
    /// Rows.
    pub n: u64,
    /// Pearson's r; none where one of them is constant or there are fewer than two rows.
    pub r: Option<f64>,
    /// With divisor n − 1; none below two rows.
    pub covariance: Option<f64>,
    /// Largest share of one row in the squares of either about its mean.
    pub concentration: f64,
}

impl Pair {
    /// t = r√((n−2)/(1−r²)); none below three rows.
    pub fn t(&self) -> Option<f64> {
        let r = self.r.filter(|_| self.n > 2)?;
        Some(r * ((self.n - 2) as f64 / ((1.0 - r) * (1.0 + r))).sqrt())
    }

    /// Two-sided p of r = 0 with n − 2 degrees of freedom.
    pub fn p(&self) -> Option<f64> {
        let t = self.t()?;
        if t.is_infinite() {
            return Some(0.0);
        }
        Some(distributions::t_two_sided(t, (self.n - 2) as f64))
    }

    /// Limits of r by Fisher's transformation; none below four rows.
    pub fn limits(&self, level: f64) -> Option<(f64, f64)> {
        let z = self.r.filter(|_| self.n > 3)?.atanh();
        let spread = distributions::normal_critical(level) / ((self.n - 3) as f64).sqrt();
        Some(((z - spread).tanh(), (z + spread).tanh()))
    }
}

/// The lower triangle with its diagonal, row by row.
#[derive(Clone, PartialEq, Debug)]
pub struct Correlations {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// `W_CONSTANT` by variable.
    pub notices: Vec<Notice>,
}

/// Correlations of all pairs.
///
/// # Errors
/// `E_NO_ROWS`, `E_STOPPED`.
pub fn correlate(rows: &dyn Rows, asked: &Correlate) -> Result<Correlations, Problem> {
    let number = asked.variables.len();
    let places: Vec<[usize; 2]> = (0..number).flat_map(|i| (0..=i).map(move |j| [i, j])).collect();
    let pairs: Vec<Pair> = if asked.pairwise {
        let each = |places: &[usize; 2]| {
            let frame = Frame::of(rows, &[asked.variables[places[0]], asked.variables[places[1]]]);
            pair(*places, &frame.columns[0], &frame.columns[1])
        };
        let mut pairs = Vec::new();
        for places in &places {
            stop(rows)?;
            pairs.push(each(places));
        }
        pairs
    } else {
        let frame = Frame::of(rows, &asked.variables);
        stop(rows)?;
        places.par_iter().map(|p| pair(*p, &frame.columns[p[0]], &frame.columns[p[1]])).collect()
    };
    if pairs.iter().all(|p| p.n == 0) {
        return Err(Problem::new("E_NO_ROWS"));
    }
    let constant = pairs.iter().filter(|p| p.variables[0] == p.variables[1] && p.r.is_none() && p.n > 1);
    let notices = constant.map(|p| Notice::with("W_CONSTANT", rows.name(asked.variables[p.variables[0]]))).collect();
    Ok(Correlations { pairs, notices })
}

fn stop(rows: &dyn Rows) -> Result<(), Problem> {
    if rows.stopped() { Err(Problem::new("E_STOPPED")) } else { Ok(()) }
}

fn pair(variables: [usize; 2], x: &[f64], y: &[f64]) -> Pair {
    let n = x.len() as f64;
    let (a, b) = (Moments::of(x), Moments::of(y));
    let both: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
    let [products, rest, other] = sums(&both, &|(x, y)| [(x - a.mean) * (y - b.mean), x - a.mean, y - b.mean]);
    let products = products - rest * other / n;
    let same = variables[0] == variables[1];
    // What differs in the last bits alone does not vary.
    let varies = |m: &Moments| m.squares > n * (m.mean * f64::EPSILON).powi(2) && m.squares > 0.0;
    let r = (n > 1.0 && varies(&a) && varies(&b))
        .then(|| if same { 1.0 } else { (products / root(a.squares, b.squares)).clamp(-1.0, 1.0) });
    let most = |values: &[f64], m: &Moments| {
        let largest = values.iter().fold(0.0, |most: f64, x| most.max((x - m.mean).powi(2)));
        if m.squares > 0.0 { largest / m.squares } else { 1.0 }
    };
    Pair {
        variables,
        n: x.len() as u64,
        r,
        covariance: (n > 1.0).then(|| products / (n - 1.0)),
        concentration: most(x, &a).max(most(y, &b)),
    }
}

/// √(ab), also where the product is too large or too small for a number.
fn root(a: f64, b: f64) -> f64 {
    let product = a * b;
    if product.is_normal() && product.is_finite() { product.sqrt() } else { a.sqrt() * b.sqrt() }
}

/// Spearman's rank correlation of two variables without missing values: Pearson's r of their ranks, ties sharing the mean of theirs.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    pair([1, 0], &mid_ranks(x), &mid_ranks(y)).r
}

/// Kendall's τ-b of two variables without missing values, (C − D)/√((N − Tx)(N − Ty)) over N pairs of which Tx and Ty are tied,
/// counted in O(n log n).
pub fn kendall(x: &[f64], y: &[f64]) -> Option<f64> {
    let (x, y) = (ranks(x), ranks(y));
    let mut order: Vec<(u32, u32)> = x.iter().copied().zip(y.iter().copied()).collect();
    order.sort_unstable();
    let mut counts = Counts::new(y.iter().max().map_or(0, |m| *m as usize + 1));
    let (mut agree, mut differ) = (0i64, 0i64);
    for run in order.chunk_by(|a, b| a.0 == b.0) {
        for (_, y) in run {
            agree += counts.below(*y as usize);
            differ += counts.total() - counts.below(*y as usize + 1);
        }
        run.iter().for_each(|(_, y)| counts.add(*y as usize, 1));
    }
    let pairs = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
    let tied = |ranks: &[u32]| {
        let mut sorted = ranks.to_vec();
        sorted.sort_unstable();
        sorted.chunk_by(|a, b| a == b).map(|run| pairs(run.len())).sum::<f64>()
    };
    let all = pairs(x.len());
    let below = root(all - tied(&x), all - tied(&y));
    (below > 0.0).then(|| (agree - differ) as f64 / below)
}

/// The place of each value among the distinct ones.
fn ranks(values: &[f64]) -> Vec<u32> {
    let mut distinct = values.to_vec();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    values.iter().map(|x| distinct.partition_point(|d| d < x) as u32).collect()
}

/// Ranks from 1; values that are the same share the mean of theirs.
pub(super) fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for run in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (run.len() as f64 + 1.0) / 2.0;
        run.iter().for_each(|i| ranks[*i] = rank);
        before += run.len();
    }
    ranks
}
