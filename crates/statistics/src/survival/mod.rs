//! Survival analysis (statistics.md section 6): times until an event that some have not had when they are last seen. Curves by
//! Kaplan and Meier with the log-rank test, Cox regression, and the Weibull distribution.

use rayon::prelude::*;

use crate::design::{Column, Design, Part};
use crate::fit::Influence;
use crate::linear::columns::totals;
use crate::linear::{Filled, Patterns, Response, influence, solve, tile};
use crate::problem::Problem;
use crate::rows::{CHUNK, Frame, Rows};

pub mod cox;
mod kaplan_meier;
mod log_rank;
mod weibull;

pub use cox::{Cox, CoxFit, Ties, cox};
pub use kaplan_meier::{At, Curve, Curves, Interval, KaplanMeier, Step, kaplan_meier};
pub use log_rank::{LogRank, Observed};
pub use weibull::{Distribution, Regression, Weibull, WeibullGroup, WeibullShape, survival_regression, weibull};

/// From so many rows on some things are tried with a part of them first: one in so many.
const MANY: usize = 1 << 16;
const PART: usize = 16;
/// The inverse of the share of a column's squares that is far from following from others (STAT-008 has 10¹⁸).
const NO_QUESTION: f64 = 1e12;

/// The variables that tell when something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// 1 where the event happened at the time, 0 where the unit was last seen then without it.
    pub event: usize,
    /// The time, from 0.
    pub time: usize,
}

impl Outcome {
    /// Whether its columns in a frame are what they must be; event and time are the first two.
    fn check(self, rows: &dyn Rows, frame: &Frame) -> Result<(), Problem> {
        if frame.columns[0].iter().any(|e| *e != 0.0 && *e != 1.0) {
            return Err(Problem::with("E_NOT_BINARY", rows.name(self.event)));
        }
        if frame.columns[1].iter().any(|t| *t < 0.0) {
            return Err(Problem::with("E_NEGATIVE_TIME", rows.name(self.time)));
        }
        Ok(())
    }
}

/// The rows of each category of a factor, in their order; all rows where there is no factor. Categories without rows are left
/// out.
fn grouped(rows: &dyn Rows, frame: &Frame, factor: Option<(usize, usize)>) -> Vec<(Option<usize>, Vec<u32>)> {
    let Some((variable, place)) = factor else {
        return vec![(None, (0..frame.len() as u32).collect())];
    };
    let mut groups = vec![Vec::new(); rows.categories(variable).map_or(0, |c| c.len())];
    for (i, category) in frame.columns[place].iter().enumerate() {
        if let Some(group) = groups.get_mut(*category as usize) {
            group.push(i as u32);
        }
    }
    groups.into_iter().enumerate().filter(|(_, g)| !g.is_empty()).map(|(c, g)| (Some(c), g)).collect()
}

/// A design without the columns that follow from others (STAT-008), and the labels of those. It has a constant, so that a column which
/// does not vary is one that follows.
fn independent(frame: &Frame, design: &Design) -> Result<(Design, Vec<String>), Problem> {
    if design.len() > 1 && frame.len() >= MANY && clearly_independent(frame, design) {
        return Ok((design.clone(), Vec::new()));
    }
    let zeros = vec![0.0; frame.len()];
    let solution = solve(&Filled { design, frame }, Response { values: &zeros, pivot: 0.0 }, None);
    let omitted = solution.omitted.iter().map(|j| design.columns[*j].label.clone()).collect();
    let kept = design.without(&solution.omitted);
    if kept.len() < 2 { Err(Problem::new("E_COLLINEAR_ALL")) } else { Ok((kept, omitted)) }
}

/// Whether a part of the rows is enough to tell that no column follows from others. What is left of a column when the others are taken
/// out of it is at least what is left over those rows; beside what it varies by over all of them, that must be no question.
fn clearly_independent(frame: &Frame, design: &Design) -> bool {
    let part = frame.every(PART);
    let zeros = vec![0.0; part.len()];
    let x = Filled { design, frame: &part };
    let solution = solve(&x, Response { values: &zeros, pivot: 0.0 }, None);
    if !solution.omitted.is_empty() {
        return false;
    }
    let ones = vec![1.0; part.len()];
    let means: Vec<f64> = totals(&x, &ones).iter().map(|total| total / part.len() as f64).collect();
    let all: Vec<f64> =
        design.columns.par_iter().zip(&means).map(|(column, mean)| squares(column, frame, *mean)).collect();
    let inverse = solution.inverse();
    (1..design.len()).all(|j| all[j] * inverse[(j, j)] < NO_QUESTION)
}

/// Σ (x − about)² of a column.
fn squares(column: &Column, frame: &Frame, about: f64) -> f64 {
    if let [(place, Part::Value)] = column.parts[..] {
        return tile::sum_of_squares(&frame.columns[place], about);
    }
    let mut values = vec![0.0; CHUNK.min(frame.len())];
    let chunks = (0..frame.len()).step_by(CHUNK).map(|start| {
        let range = start..(start + CHUNK).min(frame.len());
        let values = &mut values[..range.len()];
        column.fill(frame, range, values);
        tile::sum_of_squares(values, about)
    });
    chunks.sum()
}

/// How much single persons decide: as in a linear model of the design whose rows weigh the squares of their residuals, which is what
/// they add to the variance of the score. So few events show, however many rows are at risk.
fn evidence(frame: &Frame, design: &Design, residuals: &[f64], persons: Option<&[u32]>) -> Influence {
    let weights: Vec<f64> = residuals.iter().map(|m| m * m).collect();
    let zeros = vec![0.0; frame.len()];
    let x = Filled { design, frame };
    let solution = solve(&x, Response { values: &zeros, pivot: 0.0 }, Some(&weights));
    let patterns = Patterns {
        frame: Frame { columns: Vec::new(), origin: frame.origin.clone() },
        weight: Vec::new(),
        sum: Vec::new(),
        squares: Vec::new(),
        pivot: 0.0,
        range: (0.0, 0.0),
        whole: true,
        clusters: None,
        n: frame.len() as f64,
        by_row: true,
        places: None,
    };
    let found = influence(&x, &solution, Some(&weights), &patterns, persons);
    // A column that varies for nobody who weighs anything is decided by one person at the most.
    let mut concentration = vec![1.0; design.len()];
    solution.kept.iter().zip(found.concentration).for_each(|(j, share)| concentration[*j] = share);
    Influence { leverage: found.leverage, concentration }
}
