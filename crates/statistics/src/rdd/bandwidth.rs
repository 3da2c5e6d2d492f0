//! The bandwidth with the least mean squared error of the jump, common to both sides (Calonico, Cattaneo and Titiunik 2014, section 4,
//! with the regularisation of Imbens and Kalyanaraman 2012). Three steps: variances are estimated with a pilot bandwidth; the
//! derivative in the bias of a fit of order o is estimated with the bandwidth of the step before, first with all rows.

use super::local::{Local, Side, common, dot};
use super::{Data, Rdd, stop};
use crate::descriptive::{Moments, PercentileType, percentile_of};
use crate::problem::Problem;
use crate::rows::Rows;

/// The pilot's constant for triangular weights.
const PILOT: f64 = 2.576;
/// From this share of rows at places of others on, a bandwidth holds at least so many places.
const REPEATED: f64 = 0.2;
const PLACES: usize = 10;
/// So much further, as a share, and the last place has a weight too.
const MARGIN: f64 = 1.5e-8;

/// What decides a bandwidth, of one side.
struct Constants {
    variance: f64,
    bias: f64,
    /// What the bias's own variance adds to its square.
    regular: f64,
}

/// A step: the coefficient `nu` of a fit of order `order`, whose bias is told by a fit of order `above`.
#[derive(Clone, Copy)]
struct Step {
    order: usize,
    nu: usize,
    above: usize,
    regular: bool,
}

/// h and b.
pub(super) fn choose(rows: &dyn Rows, data: &Data, asked: &Rdd) -> Result<(f64, f64), Problem> {
    let [left, right] = &data.sides;
    let places = [left.places(), right.places()];
    let distinct = (places[0].len() + places[1].len()) as f64;
    let all: Vec<f64> = left.x.iter().chain(&right.x).copied().collect();
    let sd = Moments::of(&all).sd().unwrap_or(0.0);
    // The sides follow each other, so that all are in order.
    let quartile = |share: f64| percentile_of(&all, share, PercentileType::Two);
    let quartiles = quartile(0.75).zip(quartile(0.25));
    let spread = quartiles.map_or(sd, |(high, low)| sd.min((high - low) / 1.349));
    let most = left.reach().max(right.reach());
    let repeated = |side: &Side, places: &[f64]| 1.0 - places.len() as f64 / side.x.len() as f64 >= REPEATED;
    let least = if repeated(left, &places[0]) || repeated(right, &places[1]) {
        let of = |places: &[f64]| places[PLACES.min(places.len()) - 1] * (1.0 + MARGIN);
        of(&places[0]).max(of(&places[1]))
    } else {
        0.0
    };
    let within = |h: f64| h.min(most);
    // Those that only serve to find others hold at least some places.
    let wide = |h: f64| within(h).max(least);
    let pilot = wide(PILOT * spread * distinct.powf(-0.2));

    let (p, q) = (asked.order, asked.order + 1);
    let bandwidth = |step: Step, near: [f64; 2]| -> Result<f64, Problem> {
        stop(rows)?;
        let few = || Problem::new("E_RDD_TOO_FEW");
        let mut both = Vec::new();
        for (side, near) in data.sides.iter().zip(near) {
            both.push(constants(side, data, step, pilot, near).ok_or_else(few)?);
        }
        let below = (both[1].bias - both[0].bias).powi(2) + both[0].regular + both[1].regular;
        let h = ((both[0].variance + both[1].variance) / below).powf(1.0 / (2 * step.order + 3) as f64);
        if h.is_finite() && h > 0.0 { Ok(within(h)) } else { Err(few()) }
    };
    let reach = [left, right].map(|side| side.reach() * (1.0 + MARGIN));
    let d = wide(bandwidth(Step { order: q + 1, nu: q + 1, above: q + 2, regular: false }, reach)?);
    let b = bandwidth(Step { order: q, nu: p + 1, above: q + 1, regular: true }, [d, d])?;
    let h = bandwidth(Step { order: p, nu: asked.derivative, above: q, regular: true }, [b, b])?;
    Ok((h, b))
}

/// The constants of a side: the variance times h^(2ν+1), and the bias over h^(o+1−ν), each with the factor that the derivative of the
/// mean squared error gives it.
fn constants(side: &Side, data: &Data, step: Step, pilot: f64, near: f64) -> Option<Constants> {
    let Step { order, nu, above, regular } = step;
    let fit = Local::of(side, pilot, order)?;
    let factors = factors(data, &fit, nu)?;
    let variance = (2 * nu + 1) as f64 * pilot.powi(2 * nu as i32 + 1) * fit.variance(nu, &factors);
    let constant = pilot.powi(nu as i32) * fit.bias(nu);
    let higher = Local::of(side, near, above)?;
    let derivative = dot(&factors, &higher.coefficients(order + 1));
    let slope = 2.0 * (order + 1 - nu) as f64;
    let own = if regular { 3.0 * constant * constant * higher.variance(order + 1, &factors) } else { 0.0 };
    Some(Constants { variance, bias: slope.sqrt() * constant * derivative, regular: slope * own })
}

/// What the columns of a side are multiplied with before they are added: the outcome less the covariates, or the ratio of it and the
/// treatment about the side's own values. Where one side's treatment does not vary, the bandwidth is that of the outcome alone.
fn factors(data: &Data, fit: &Local<'_>, nu: usize) -> Option<Vec<f64>> {
    let outcomes = data.outcomes();
    let gamma = common(&[fit], outcomes);
    let coefficients = fit.coefficients(nu);
    let adjusted = |k: usize| {
        let mut factors = vec![0.0; coefficients.len()];
        factors[k] = 1.0;
        factors[outcomes..].iter_mut().zip(&gamma[k]).for_each(|(f, gamma)| *f = -gamma);
        factors
    };
    let outcome = adjusted(0);
    let varies = |side: &Side| side.columns[1].iter().any(|t| *t != side.columns[1][0]);
    if !data.fuzzy || !data.sides.iter().all(varies) {
        return Some(outcome);
    }
    let treatment = adjusted(1);
    let factorial = (1..=nu).product::<usize>() as f64;
    let (above, below) = (factorial * dot(&outcome, &coefficients), factorial * dot(&treatment, &coefficients));
    let ratio = outcome.iter().zip(&treatment).map(|(y, t)| y / below - above / (below * below) * t);
    Some(ratio.collect())
}
