//! The partial likelihood (Cox 1972) with Efron's or Breslow's treatment of ties, its slope and its information, in three passes
//! over the rows in order of time.
//!
//! With weights w = exp(x'b), sums S over those at risk and D over the d events at a time, and fl = l/d (Efron) or 0 (Breslow), the
//! time gives Σ x'b − Σl ln(S0 − fl D0). The means of the covariates that the slope needs enter linearly, so that the slope is
//! X'm with m the martingale residuals, and of the information only the products of first sums are left to each time:
//! Σ v x x' − Σt Σl u u', v = w (Σt Σl (1 − fl [event at t]) / (S0 − fl D0)), u = (S1 − fl D1) / (S0 − fl D0).

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::risk::{NONE, Piece, Risk};
use super::{Ties, dot};

/// Rows over which a product of two columns is added at a time.
const BLOCK: usize = 512;
/// Times with fewer rows are added row by row.
const FEW: usize = 16;

/// The likelihood at some coefficients.
pub(super) struct Likelihood {
    /// Its logarithm.
    pub(super) ll: f64,
    pub(super) gradient: DVector<f64>,
    pub(super) information: DMatrix<f64>,
}

/// Numbers by place, written anew for each likelihood.
pub(super) struct ByPlace {
    /// x'b.
    pub(super) scores: Vec<f64>,
    /// exp(x'b), all divided by the largest.
    pub(super) weights: Vec<f64>,
    /// Martingale residuals: the event less the hazard that has been gone through.
    pub(super) residuals: Vec<f64>,
}

impl ByPlace {
    pub(super) fn of(risk: &Risk) -> Self {
        let zeros = || vec![0.0; risk.order.len()];
        Self { scores: zeros(), weights: zeros(), residuals: zeros() }
    }

    /// x'b and exp(x'b − largest); gives the largest.
    fn weigh(&mut self, risk: &Risk, b: &DVector<f64>) -> f64 {
        let parts = risk.cut(&mut self.scores);
        let score = |(piece, out): (&Piece, &mut [f64])| {
            out.fill(0.0);
            for (j, b) in b.iter().enumerate() {
                out.iter_mut().zip(risk.column(piece, j)).for_each(|(out, x)| *out += b * x);
            }
            out.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        };
        let largest = risk.pieces.par_iter().zip(parts).map(score).reduce(|| f64::NEG_INFINITY, f64::max);
        let pairs = self.weights.par_iter_mut().zip(&self.scores).with_min_len(BLOCK);
        pairs.for_each(|(weight, score)| *weight = (score - largest).exp());
        largest
    }
}

/// Sums over rows at risk: of the weights, and of each covariate times them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sums {
    pub(super) zero: f64,
    pub(super) first: Vec<f64>,
}

impl Sums {
    pub(super) fn none(width: usize) -> Self {
        Self { zero: 0.0, first: vec![0.0; width] }
    }

    fn add(&mut self, other: &Self, sign: f64) {
        self.zero += sign * other.zero;
        self.first.iter_mut().zip(&other.first).for_each(|(a, b)| *a += sign * b);
    }

    /// Adds rows of a piece, counted from its start.
    fn rows(&mut self, risk: &Risk, piece: &Piece, weights: &[f64], rows: std::ops::Range<usize>) {
        if rows.len() < FEW {
            for i in rows {
                let w = weights[i];
                self.zero += w;
                let all = &risk.values[piece.rows.start * risk.width..];
                let mut at = i;
                for first in &mut self.first {
                    *first += w * all[at];
                    at += piece.rows.len();
                }
            }
            return;
        }
        let weights = &weights[rows.clone()];
        self.zero += dot(weights, weights, |w, _| w);
        for (j, first) in self.first.iter_mut().enumerate() {
            *first += dot(weights, &risk.column(piece, j)[rows.clone()], |w, x| w * x);
        }
    }

    /// Takes away the row at a place.
    fn take(&mut self, risk: &Risk, weights: &[f64], place: usize) {
        let w = weights[place];
        self.zero -= w;
        for (j, first) in self.first.iter_mut().enumerate() {
            *first -= w * risk.value(place, j);
        }
    }
}

/// Sums over those at risk after the last moment of each piece.
pub(super) fn behind(risk: &Risk, weights: &[f64]) -> Vec<Sums> {
    let totals: Vec<Sums> = risk
        .pieces
        .par_iter()
        .map(|piece| {
            let mut sums = Sums::none(risk.width);
            sums.rows(risk, piece, &weights[piece.rows.clone()], 0..piece.rows.len());
            for moment in &risk.moments[piece.moments.clone()] {
                risk.late[moment.late.clone()].iter().for_each(|place| sums.take(risk, weights, *place as usize));
            }
            sums
        })
        .collect();
    let mut all = vec![Sums::none(risk.width); totals.len()];
    let mut open = Sums::none(risk.width);
    for (i, total) in totals.iter().enumerate().rev() {
        if risk.pieces[i].last {
            open = Sums::none(risk.width);
        }
        all[i].clone_from(&open);
        open.add(total, 1.0);
    }
    all
}

/// What a moment has: those at risk, and those with the event.
pub(super) struct At {
    pub(super) risk: Sums,
    pub(super) events: Sums,
}

/// Goes through the moments of a piece from the last to the first.
pub(super) fn walk(risk: &Risk, piece: &Piece, weights: &[f64], behind: &Sums, mut see: impl FnMut(usize, &At)) {
    let here = &weights[piece.rows.clone()];
    let mut at = At { risk: behind.clone(), events: Sums::none(risk.width) };
    for number in piece.moments.clone().rev() {
        let moment = &risk.moments[number];
        let (start, end) = (moment.rows.start - piece.rows.start, moment.rows.end - piece.rows.start);
        at.events.zero = 0.0;
        at.events.first.fill(0.0);
        at.events.rows(risk, piece, here, start..start + moment.events);
        at.risk.rows(risk, piece, here, start + moment.events..end);
        let events = &at.events;
        at.risk.add(events, 1.0);
        for place in &risk.late[moment.late.clone()] {
            at.risk.take(risk, weights, *place as usize);
        }
        see(number, &at);
    }
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
    pub(super) fn of(ties: Ties, events: usize, at: &At) -> Self {
        let mut shares = Self::default();
        for l in 0..events {
            let f = if ties == Ties::Efron { l as f64 / events as f64 } else { 0.0 };
            let one = 1.0 / (at.risk.zero - f * at.events.zero);
            shares.plain += one;
            shares.less += f * one;
            shares.squares[0] += one * one;
            shares.squares[1] += f * one * one;
            shares.squares[2] += f * f * one * one;
            shares.logs -= one.ln();
        }
        shares
    }
}

/// The logarithm of the likelihood with its slope and information. Each moment counts as often as `times` says of its number:
/// once, or as a function of time for tests against it.
pub(super) fn likelihood(
    risk: &Risk,
    ties: Ties,
    b: &DVector<f64>,
    times: &(dyn Fn(usize) -> f64 + Sync),
    places: &mut ByPlace,
) -> Likelihood {
    let width = risk.width;
    let largest = places.weigh(risk, b);
    let ByPlace { scores, weights, residuals } = places;
    let behind = behind(risk, weights);
    // By moment: Σ 1/(…) and Σ f/(…).
    type Part = (f64, Vec<(f64, f64)>, Vec<f64>);
    let parts: Vec<Part> = risk
        .pieces
        .par_iter()
        .zip(&behind)
        .map(|(piece, behind)| {
            let mut ll = 0.0;
            let mut shares = vec![(0.0, 0.0); piece.moments.len()];
            let mut products = vec![0.0; width * width];
            walk(risk, piece, weights, behind, |number, at| {
                let moment = &risk.moments[number];
                let c = times(number);
                let s = Shares::of(ties, moment.events, at);
                ll += c * (scores[moment.event_rows()].iter().map(|s| s - largest).sum::<f64>() - s.logs);
                shares[number - piece.moments.start] = (c * s.plain, c * s.less);
                let [one, f, ff] = s.squares.map(|x| c * x);
                for i in 0..width {
                    let (a, e) = (at.risk.first[i], at.events.first[i]);
                    let (left, right) = (one * a - f * e, ff * e - f * a);
                    let row = &mut products[i * width..=i * width + i];
                    for ((out, a), e) in row.iter_mut().zip(&at.risk.first).zip(&at.events.first) {
                        *out += left * a + right * e;
                    }
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
    let cut = risk.cut(residuals);
    let slopes: Vec<(Vec<f64>, Vec<f64>)> = risk
        .pieces
        .par_iter()
        .zip(cut)
        .map(|(piece, residuals)| slope(risk, piece, weights, &hazards, times, residuals))
        .collect();
    let ll = added(parts.iter().map(|p| vec![p.0]).collect(), 1)[0];
    let outer = added(parts.into_iter().map(|p| p.2).collect(), width * width);
    let (gradients, squares): (Vec<_>, Vec<_>) = slopes.into_iter().unzip();
    let gradient = added(gradients, width);
    let squares = added(squares, width * width);
    let information = DMatrix::from_fn(width, width, |i, j| {
        let (i, j) = (i.max(j), i.min(j));
        squares[i * width + j] - outer[i * width + j]
    });
    Likelihood { ll, gradient: DVector::from_vec(gradient), information }
}

/// X'm and Σ v x x' over a piece, and m by place; of the products the lower triangle.
fn slope(
    risk: &Risk,
    piece: &Piece,
    weights: &[f64],
    hazards: &[(f64, f64)],
    times: &(dyn Fn(usize) -> f64 + Sync),
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
    let (mut gradient, mut products) = (vec![0.0; width], vec![0.0; width * width]);
    let mut scaled = [0.0; BLOCK];
    for start in (0..size).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(size);
        for i in 0..width {
            let x = &risk.column(piece, i)[block.clone()];
            gradient[i] += dot(&m[block.clone()], x, |m, x| m * x);
            scaled.iter_mut().zip(x).zip(&v[block.clone()]).for_each(|((out, x), v)| *out = v * x);
            for j in 0..=i {
                let other = &risk.column(piece, j)[block.clone()];
                products[i * width + j] += dot(&scaled[..block.len()], other, |a, b| a * b);
            }
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
