//! The maximum of the partial likelihood by Newton's method with halved steps, and what tells that there is none.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::likelihood::{Likelihood, likelihood, null};
use super::risk::Risk;
use super::sums::ByPlace;
use super::{PART, Ties};
use crate::problem::Problem;
use crate::rows::Rows;

/// Steps of Newton's method, and halvings of one step.
const STEPS: usize = 50;
const HALVINGS: usize = 20;
/// Information in a direction that has shrunk this much since b = 0 is near zero: the likelihood rises for ever, and the coefficient
/// grows by about one standard deviation of its covariate with each step.
const SHRUNK: f64 = 1e-10;
/// Information at b = 0 this small beside the largest is rounding.
const ROUNDING: f64 = 1e-13;
/// After a step this small, in standard deviations of the covariates, the next would be its square; the information changes by about
/// this share of itself.
const SMALL: f64 = 1e-8;
/// The likelihood that a last step adds at the most, as a share of it.
const SAME: f64 = 1e-12;

/// The maximum of the likelihood, and what was found where the last step towards it began.
pub(super) struct Found {
    /// By column, in its units.
    pub(super) b: DVector<f64>,
    /// The likelihood there.
    pub(super) ll: f64,
    /// Scores, weights and residuals.
    pub(super) places: ByPlace,
    /// The logarithm of the likelihood at 0.
    pub(super) start: f64,
    /// The information, and its inverse.
    information: DMatrix<f64>,
    pub(super) inverse: DMatrix<f64>,
    /// The information at 0.
    unit: DMatrix<f64>,
}

/// Where the steps begin.
struct From {
    b: DVector<f64>,
    at: Likelihood,
    /// Whether the information is that there, or near to it.
    exact: bool,
    places: ByPlace,
    start: f64,
    unit: DMatrix<f64>,
}

/// The maximum, from that of a part of the rows where there is one.
pub(super) fn newton(
    rows: &dyn Rows,
    risk: &Risk,
    ties: Ties,
    part: Option<Found>,
    labels: &[String],
) -> Result<Found, Problem> {
    if let Some(Found { b, information, unit, .. }) = part {
        // The first step does without the information of all rows: that of the part is nearly its share of it.
        let (mut places, share) = (ByPlace::of(risk), PART as f64);
        let at = likelihood(risk, ties, &b, &|_| 1.0, false, &mut places);
        let at = Likelihood { information: information * share, ..at };
        let from = From { b, at, exact: false, places, start: null(risk, ties), unit: unit * share };
        if let Ok(found) = steps(rows, risk, ties, from, labels) {
            return Ok(found);
        }
    }
    let (b, mut places) = (DVector::zeros(risk.width), ByPlace::of(risk));
    let at = likelihood(risk, ties, &b, &|_| 1.0, true, &mut places);
    // A covariate may vary without doing so among those at risk together.
    let own = at.information.diagonal();
    if own.min() <= ROUNDING * own.max() {
        return Err(Problem::with("E_SEPARATION", labels[own.imin()].clone()));
    }
    let eigenvalues = at.information.clone().symmetric_eigenvalues();
    if eigenvalues.min() <= ROUNDING * eigenvalues.max() {
        return Err(Problem::new("E_NO_CONVERGENCE"));
    }
    let (start, unit) = (at.ll, at.information.clone());
    steps(rows, risk, ties, From { b, at, exact: true, places, start, unit }, labels)
}

fn steps(rows: &dyn Rows, risk: &Risk, ties: Ties, from: From, labels: &[String]) -> Result<Found, Problem> {
    let From { mut b, mut at, mut exact, mut places, start, unit } = from;
    let no_end = || Problem::new("E_NO_CONVERGENCE");
    let of_unit = unit.clone().cholesky().ok_or_else(no_end)?;
    let mut change = f64::INFINITY;
    for number in 0..STEPS {
        if rows.step(number) {
            return Err(Problem::new("E_STOPPED"));
        }
        if shrunk(&at.information, &of_unit) {
            return Err(Problem::with("E_SEPARATION", labels[b.icamax()].clone()));
        }
        let factor = at.information.clone().cholesky().ok_or_else(no_end)?;
        let step = factor.solve(&at.gradient);
        // In units of what it would vary by.
        let scaled = (0..risk.width).map(|j| at.gradient[j].abs() / at.information[(j, j)].sqrt());
        let there = change < SAME && scaled.fold(0.0, f64::max) < 1e-8;
        // What a small step adds follows from the slope.
        let gain = at.gradient.dot(&step) / 2.0;
        if exact && (there || step.amax() <= SMALL && gain <= SAME * at.ll.abs()) {
            let (b, ll, information) = (b + step, at.ll + gain, at.information);
            return Ok(Found { b, ll, places, start, information, inverse: factor.inverse(), unit });
        }
        let (before, mut share) = (at.ll, 1.0);
        let mut moved = false;
        for _ in 0..HALVINGS {
            let there = &b + &step * share;
            let found = likelihood(risk, ties, &there, &|_| 1.0, true, &mut places);
            // The last steps are smaller than what can be told of the likelihood.
            if found.ll >= before - SAME * before.abs() {
                change = ((found.ll - before) / before).abs();
                (b, at, exact, moved) = (there, found, true, true);
                break;
            }
            share /= 2.0;
        }
        if !moved {
            break;
        }
    }
    Err(no_end())
}

/// Whether the information about some direction is near zero, measured in units of what it was at b = 0, so that neither scales nor
/// correlations of covariates count.
fn shrunk(information: &DMatrix<f64>, unit: &Cholesky<f64, Dyn>) -> bool {
    let l = unit.l();
    let left = l.solve_lower_triangular(information);
    let Some(both) = left.and_then(|left| l.solve_lower_triangular(&left.transpose())) else { return true };
    let least = both.symmetric_eigenvalues().min();
    least.is_nan() || least <= SHRUNK
}
