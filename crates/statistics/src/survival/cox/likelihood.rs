//! The partial likelihood (Cox 1972) with Efron's or Breslow's treatment of ties, its slope and its information, in two passes
//! over the rows in order of time and one over the times between them.
//!
//! With weights w = exp(x'b), sums S over those at risk and D over the d events at a time, and fl = l/d (Efron) or 0 (Breslow), the
//! time gives Σ x'b − Σl ln(S0 − fl D0). The means of the covariates that the slope needs enter linearly, so that the slope is
//! X'm with m the martingale residuals, and of the information only the products of first sums are left to each time:
//! Σ v x x' − Σt Σl u u', v = w (Σt Σl (1 − fl [event at t]) / (S0 − fl D0)), u = (S1 − fl D1) / (S0 − fl D0).

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::Ties;
use super::risk::{NONE, Piece, Risk};
use super::sums::{At, ByPlace, walk};
use crate::linear::tile;

/// Rows over which products of columns are added at a time.
const BLOCK: usize = 256;
/// Products of what is added to the hazard are taken to logarithms before they leave this range or its inverse.
const FAR: f64 = 1e100;

/// The likelihood at some coefficients.
pub(super) struct Likelihood {
    /// Its logarithm.
    pub(super) ll: f64,
    pub(super) gradient: DVector<f64>,
    /// Where it was asked for, else zeros.
    pub(super) information: DMatrix<f64>,
}

/// Sums over the events of a moment, which leave the risk set one after the other in shares (Efron).
#[derive(Clone, Copy, Default)]
pub(super) struct Shares {
    /// Σ 1/(S0 − f D0), and Σ f/(…).
    pub(super) plain: f64,
    pub(super) less: f64,
    /// The same with the square below, for 1, f and f².
    pub(super) squares: [f64; 3],
    /// Σ ln(S0 − f D0).
    logs: f64,
}

impl Shares {
    pub(super) fn of(ties: Ties, events: usize, risk: f64, with_event: f64) -> Self {
        let mut shares = Self::default();
        let mut product = 1.0;
        for l in 0..events {
            let f = if ties == Ties::Efron { l as f64 / events as f64 } else { 0.0 };
            let left = risk - f * with_event;
            let one = 1.0 / left;
            shares.plain += one;
            shares.less += f * one;
            shares.squares[0] += one * one;
            shares.squares[1] += f * one * one;
            shares.squares[2] += f * f * one * one;
            product *= left;
            if !(1.0 / FAR..FAR).contains(&product) {
                shares.logs += product.ln();
                product = 1.0;
            }
        }
        shares.logs += product.ln();
        shares
    }
}

/// The logarithm of the likelihood at b = 0, for which numbers of rows are enough.
pub(super) fn null(risk: &Risk, ties: Ties) -> f64 {
    let mut parts = Vec::with_capacity(risk.pieces.len());
    let mut at_risk = 0.0;
    for piece in risk.pieces.iter().rev() {
        if piece.last {
            at_risk = 0.0;
        }
        let mut ll = 0.0;
        for moment in risk.moments[piece.moments.clone()].iter().rev() {
            at_risk += moment.rows.len() as f64 - moment.late.len() as f64;
            ll -= Shares::of(ties, moment.events, at_risk, moment.events as f64).logs;
        }
        parts.push(vec![ll]);
    }
    added(parts, 1)[0]
}

/// The logarithm of the likelihood with its slope, and its information where that is wanted. Each moment counts as often as `times`
/// says of its number: once, or as a function of time for tests against it.
pub(super) fn likelihood(
    risk: &Risk,
    ties: Ties,
    b: &DVector<f64>,
    times: &(dyn Fn(usize) -> f64 + Sync),
    wanted: bool,
    places: &mut ByPlace,
) -> Likelihood {
    let width = risk.width;
    places.weigh(risk, b);
    let scores = &places.scores;
    let about = places.about;
    // By moment: Σ 1/(…) and Σ f/(…).
    type Part = (f64, Vec<(f64, f64)>, Vec<f64>);
    let parts: Vec<Part> = (0..risk.pieces.len())
        .into_par_iter()
        .map(|number| {
            let piece = &risk.pieces[number];
            let mut ll = 0.0;
            let mut shares = vec![(0.0, 0.0); piece.moments.len()];
            let mut products = vec![0.0; if wanted { width * width } else { 0 }];
            walk(risk, number, places, |number, at| {
                let moment = &risk.moments[number];
                let c = times(number);
                let s = Shares::of(ties, moment.events, at.risk.zero, at.events.zero);
                let of_events = scores[moment.event_rows()].iter().map(|s| s - about).sum::<f64>();
                ll += c * (of_events - s.logs);
                shares[number - piece.moments.start] = (c * s.plain, c * s.less);
                if wanted {
                    outer(&mut products, at, s.squares.map(|x| c * x));
                }
            });
            (ll, shares, products)
        })
        .collect();
    // Hazards added up from the front, stratum by stratum.
    let mut hazards = Vec::with_capacity(risk.moments.len());
    let mut open = 0.0;
    for (piece, (_, shares, _)) in risk.pieces.iter().zip(&parts) {
        for (plain, less) in shares {
            open += plain;
            hazards.push((open, *less));
        }
        if piece.last {
            open = 0.0;
        }
    }
    let weights = &places.weights;
    let cut = risk.cut(&mut places.residuals);
    let slopes: Vec<(Vec<f64>, Vec<f64>)> = risk
        .pieces
        .par_iter()
        .zip(cut)
        .map(|(piece, residuals)| slope(risk, piece, weights, &hazards, times, wanted, residuals))
        .collect();
    let ll = added(parts.iter().map(|p| vec![p.0]).collect(), 1)[0];
    let (gradients, squares): (Vec<_>, Vec<_>) = slopes.into_iter().unzip();
    let gradient = DVector::from_vec(added(gradients, width));
    if !wanted {
        return Likelihood { ll, gradient, information: DMatrix::zeros(width, width) };
    }
    let outer = added(parts.into_iter().map(|p| p.2).collect(), width * width);
    let squares = added(squares, width * width);
    let information = DMatrix::from_fn(width, width, |i, j| {
        let (i, j) = (i.max(j), i.min(j));
        squares[i * width + j] - outer[i * width + j]
    });
    Likelihood { ll, gradient, information }
}

/// Adds Σl u u' of a moment to the lower triangle.
fn outer(products: &mut [f64], at: &At, [one, f, ff]: [f64; 3]) {
    let width = at.risk.first.len();
    for i in 0..width {
        let (a, e) = (at.risk.first[i], at.events.first[i]);
        let (left, right) = (one * a - f * e, ff * e - f * a);
        let row = &mut products[i * width..=i * width + i];
        for ((out, a), e) in row.iter_mut().zip(&at.risk.first).zip(&at.events.first) {
            *out += left * a + right * e;
        }
    }
}

/// X'm and, where it is wanted, Σ v x x' over a piece, and m by place; of the products the lower triangle.
fn slope(
    risk: &Risk,
    piece: &Piece,
    weights: &[f64],
    hazards: &[(f64, f64)],
    times: &(dyn Fn(usize) -> f64 + Sync),
    wanted: bool,
    m: &mut [f64],
) -> (Vec<f64>, Vec<f64>) {
    let (width, size) = (risk.width, piece.rows.len());
    let mut v = vec![0.0; size];
    for number in piece.moments.clone() {
        let moment = &risk.moments[number];
        let (hazard, less) = hazards[number];
        let c = times(number);
        for place in moment.rows.clone() {
            let event = place < moment.rows.start + moment.events;
            let missed = risk.missed.as_ref().map_or(NONE, |m| m[place]);
            let before = if missed == NONE { 0.0 } else { hazards[missed as usize].0 };
            let i = place - piece.rows.start;
            v[i] = weights[place] * (hazard - before - if event { less } else { 0.0 });
            m[i] = if event { c } else { 0.0 } - v[i];
        }
    }
    let (mut gradient, mut products) = (vec![0.0; width], vec![0.0; if wanted { width * width } else { 0 }]);
    let mut here = vec![0.0; width];
    let mut scratch = Default::default();
    for start in (0..size).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(size);
        let column = |j: usize| &risk.column(piece, j)[block.clone()];
        tile::products(&m[block.clone()], column, &mut here);
        gradient.iter_mut().zip(&here).for_each(|(sum, x)| *sum += x);
        if wanted {
            let v = &v[block.clone()];
            let weighted = |i: usize, out: &mut [f64]| {
                out.iter_mut().zip(column(i)).zip(v).for_each(|((out, x), v)| *out = v * x);
            };
            tile::triangle(width, block.len(), column, weighted, &mut scratch, &mut products);
        }
    }
    (gradient, products)
}

/// The parts added up in pairs, in their order.
fn added(mut parts: Vec<Vec<f64>>, size: usize) -> Vec<f64> {
    while parts.len() > 1 {
        let pairs = parts.chunks(2).map(|pair| match pair {
            [a, b] => a.iter().zip(b).map(|(a, b)| a + b).collect(),
            _ => pair.concat(),
        });
        parts = pairs.collect();
    }
    parts.pop().unwrap_or_else(|| vec![0.0; size])
}
