//! The log-rank test (Mantel 1966): at each time with events, those of a group are compared with what they would be if all at
//! risk had the same chance; weights 1, hypergeometric variance.

use nalgebra::{DMatrix, DVector};

use super::kaplan_meier::Moment;
use crate::fit::{Test, TestKind};

/// Events of a group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Observed {
    /// That happened.
    pub observed: f64,
    /// That would have happened if the groups did not differ.
    pub expected: f64,
}

/// The test.
#[derive(Clone, PartialEq, Debug)]
pub struct LogRank {
    /// χ² with one degree of freedom less than there are groups.
    pub test: Test,
    /// In the order of the curves.
    pub groups: Vec<Observed>,
}

impl LogRank {
    /// Degrees of freedom.
    pub fn df(&self) -> f64 {
        if let TestKind::ChiSquare(df) = self.test.kind { df } else { f64::NAN }
    }
}

/// Σ(O−E)' V⁻¹ Σ(O−E) over all groups but the last. A group that nobody is left in before the first event says nothing, and
/// takes its degree of freedom with it. None where nothing can be compared.
pub(super) fn log_rank(groups: &[Vec<Moment>]) -> Option<LogRank> {
    let number = groups.len();
    let mut at_risk: Vec<f64> = groups.iter().map(|g| g.iter().map(|m| (m.events + m.censored) as f64).sum()).collect();
    let mut next = vec![0; number];
    let mut sums = vec![Observed { observed: 0.0, expected: 0.0 }; number];
    let mut variance = DMatrix::zeros(number, number);
    loop {
        let here = |(g, at): (&Vec<Moment>, &usize)| g.get(*at).map(|m| m.time);
        let Some(time) = groups.iter().zip(&next).filter_map(here).min_by(f64::total_cmp) else { break };
        let now: Vec<Option<Moment>> =
            groups.iter().zip(&next).map(|(g, at)| g.get(*at).copied().filter(|m| m.time == time)).collect();
        let events: f64 = now.iter().flatten().map(|m| m.events as f64).sum();
        if events > 0.0 {
            let all: f64 = at_risk.iter().sum();
            // Alone at risk, the event has no variance.
            let spread = if all > 1.0 { events * (all - events) / (all - 1.0) } else { 0.0 };
            for i in 0..number {
                let share = at_risk[i] / all;
                sums[i].observed += now[i].map_or(0.0, |m| m.events as f64);
                sums[i].expected += events * share;
                variance[(i, i)] += spread * share;
                for j in 0..number {
                    variance[(i, j)] -= spread * share * (at_risk[j] / all);
                }
            }
        }
        for (i, moment) in now.iter().enumerate() {
            if let Some(m) = moment {
                at_risk[i] -= (m.events + m.censored) as f64;
                next[i] += 1;
            }
        }
    }
    let told: Vec<usize> = (0..number).filter(|i| variance[(*i, *i)] > 0.0).collect();
    let (_, used) = told.split_last()?;
    let difference = DVector::from_iterator(used.len(), used.iter().map(|i| sums[*i].observed - sums[*i].expected));
    let variance = variance.select_rows(used).select_columns(used);
    let solved = variance.cholesky()?.solve(&difference);
    let kind = TestKind::ChiSquare(used.len() as f64);
    let test = Test { name: "chi2".to_owned(), statistic: difference.dot(&solved), kind };
    (!used.is_empty()).then_some(LogRank { test, groups: sums })
}
