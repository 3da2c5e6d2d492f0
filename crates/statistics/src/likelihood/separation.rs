//! Separation before the fit (STAT-212): a level of a 0/1 column in which an outcome never occurs sends a coefficient to infinity.

use super::sample::Sample;
use crate::problem::Problem;

/// Refuses a level of a 0/1 column, or the left-out level of a factor, in which the outcome is decided. `bounded` says whether a
/// set of classes of outcomes that occur (as bits: `class` of each observation) leaves the coefficient finite.
///
/// # Errors
/// `E_SEPARATION` naming the column.
pub(crate) fn check(sample: &Sample, class: &dyn Fn(f64) -> u32, bounded: &dyn Fn(u64) -> bool) -> Result<(), Problem> {
    let (k, cells) = (sample.k(), &sample.cells);
    let binary = binary(sample);
    // Per column the outcomes at zero and at one; per term of dummies those where all of them are zero.
    let mut seen = vec![[0_u64; 2]; k];
    let terms: Vec<usize> = {
        let mut all: Vec<usize> = binary.iter().filter_map(|j| sample.design.columns[*j].term).collect();
        all.dedup();
        all
    };
    let mut left = vec![0_u64; terms.len()];
    cells.each_raw(0..cells.len(), |i, x| {
        let outcome = 1_u64 << class(cells.y[i]).min(63);
        for j in &binary {
            seen[*j][usize::from(x[*j] > 0.5)] |= outcome;
        }
        for (term, left) in terms.iter().zip(&mut left) {
            let mut own = binary.iter().filter(|j| sample.design.columns[**j].term == Some(*term));
            if own.all(|j| x[*j] < 0.5) {
                *left |= outcome;
            }
        }
    });
    for j in &binary {
        let at_one = !bounded(seen[*j][1]);
        let at_zero = sample.design.constant && !bounded(seen[*j][0]);
        if at_one || at_zero {
            return Err(Problem::with("E_SEPARATION", &sample.design.columns[*j].label));
        }
    }
    for (term, outcomes) in terms.iter().zip(left) {
        if sample.design.constant && outcomes != 0 && !bounded(outcomes) {
            let mut own = binary.iter().filter(|j| sample.design.columns[**j].term == Some(*term));
            let label = own.next().map(|j| sample.design.columns[*j].label.clone()).unwrap_or_default();
            return Err(Problem::with("E_SEPARATION", label));
        }
    }
    Ok(())
}

/// The columns of terms that hold zeros and ones and both.
fn binary(sample: &Sample) -> Vec<usize> {
    let (k, cells) = (sample.k(), &sample.cells);
    let (mut only, mut ones) = (vec![true; k], vec![false; k]);
    cells.each_raw(0..cells.len(), |_, x| {
        for (j, x) in x.iter().enumerate() {
            only[j] &= *x == 0.0 || *x == 1.0;
            ones[j] |= *x == 1.0;
        }
    });
    (0..k).filter(|j| sample.design.columns[*j].term.is_some() && only[*j] && ones[*j]).collect()
}
