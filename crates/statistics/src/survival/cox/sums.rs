//! Sums over those at risk at each time, from behind: weights exp(x'b), and each covariate times them.

use nalgebra::DVector;
use rayon::prelude::*;

use super::risk::{Moment, Piece, Risk, cut};
use crate::linear::tile;

/// As long as no x'b is further from the number that exp is taken about, sums of weights stay far from the ends of what can be written.
const FAR: f64 = 200.0;

/// Sums over rows: of the weights, and of each covariate times them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sums {
    pub(super) zero: f64,
    pub(super) first: Vec<f64>,
}

impl Sums {
    pub(super) fn none(width: usize) -> Self {
        Self { zero: 0.0, first: vec![0.0; width] }
    }

    fn add(&mut self, other: &Self) {
        self.zero += other.zero;
        self.first.iter_mut().zip(&other.first).for_each(|(a, b)| *a += b);
    }

    /// Adds sums that were kept: the weights' first.
    fn add_kept(&mut self, kept: &[f64]) {
        self.zero += kept[0];
        self.first.iter_mut().zip(&kept[1..]).for_each(|(a, b)| *a += b);
    }

    /// Adds a row of a piece of this weight, counted from the piece's start.
    fn row(&mut self, risk: &Risk, piece: &Piece, weight: f64, row: usize) {
        self.zero += weight;
        for (j, first) in self.first.iter_mut().enumerate() {
            *first += weight * risk.column(piece, j)[row];
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

    /// Takes away those who come in later than at a moment.
    fn take_late(&mut self, risk: &Risk, weights: &[f64], moment: &Moment) {
        risk.late[moment.late.clone()].iter().for_each(|place| self.take(risk, weights, *place as usize));
    }
}

/// Numbers by place, and sums by moment, written anew for each likelihood.
pub(super) struct ByPlace {
    /// x'b.
    pub(super) scores: Vec<f64>,
    /// exp(x'b − about).
    pub(super) weights: Vec<f64>,
    /// Martingale residuals: the event less the hazard that has been gone through.
    pub(super) residuals: Vec<f64>,
    /// Near the largest x'b.
    pub(super) about: f64,
    /// The sums of moments that have a slot: over the events, then over the others, the weights' first.
    kept: Vec<f64>,
    /// Those at risk after the last moment of each piece.
    behind: Vec<Sums>,
}

impl ByPlace {
    pub(super) fn of(risk: &Risk) -> Self {
        let zeros = || vec![0.0; risk.order.len()];
        Self {
            scores: zeros(),
            weights: zeros(),
            residuals: zeros(),
            about: 0.0,
            kept: vec![0.0; risk.slots() * 2 * (risk.width + 1)],
            behind: Vec::new(),
        }
    }

    /// x'b, weights and their sums at `b`.
    pub(super) fn weigh(&mut self, risk: &Risk, b: &DVector<f64>) {
        let largest = self.weigh_about(risk, b);
        if (largest - self.about).abs() > FAR {
            self.about = largest;
            self.weigh_about(risk, b);
        }
    }

    /// The same with exp taken about `self.about`; gives the largest x'b.
    fn weigh_about(&mut self, risk: &Risk, b: &DVector<f64>) -> f64 {
        let about = self.about;
        let scores = risk.cut(&mut self.scores);
        let weights = risk.cut(&mut self.weights);
        let kept = cut(&mut self.kept, risk.pieces.iter().map(|p| p.slots.len() * 2 * (risk.width + 1)));
        type Slices<'a> = (((&'a Piece, &'a mut [f64]), &'a mut [f64]), &'a mut [f64]);
        let work = |(((piece, scores), weights), kept): Slices<'_>| {
            scores.fill(0.0);
            tile::combine(scores, b.as_slice(), |j| risk.column(piece, j));
            weights.iter_mut().zip(&*scores).for_each(|(weight, score)| *weight = (score - about).exp());
            (scores.iter().copied().fold(f64::NEG_INFINITY, f64::max), totals(risk, piece, weights, kept))
        };
        let found: Vec<(f64, Sums)> = risk.pieces.par_iter().zip(scores).zip(weights).zip(kept).map(work).collect();
        let mut open = Sums::none(risk.width);
        self.behind = vec![open.clone(); found.len()];
        for ((piece, (_, total)), behind) in risk.pieces.iter().zip(&found).zip(&mut self.behind).rev() {
            if piece.last {
                open = Sums::none(risk.width);
            }
            behind.clone_from(&open);
            open.add(total);
            for moment in &risk.moments[piece.moments.clone()] {
                open.take_late(risk, &self.weights, moment);
            }
        }
        found.iter().map(|(largest, _)| *largest).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Sums over a piece; those of its moments that have a slot are kept.
fn totals(risk: &Risk, piece: &Piece, weights: &[f64], kept: &mut [f64]) -> Sums {
    let mut total = Sums::none(risk.width);
    let mut slots = kept.chunks_mut(2 * (risk.width + 1));
    for moment in &risk.moments[piece.moments.clone()] {
        let from = piece.rows.start;
        let (start, end) = (moment.rows.start - from, moment.rows.end - from);
        let Some(slot) = moment.slot.and_then(|_| slots.next()) else {
            (start..end).for_each(|row| total.row(risk, piece, weights[row], row));
            continue;
        };
        let parts = [start..start + moment.events, start + moment.events..end];
        for (rows, out) in parts.into_iter().zip(slot.chunks_mut(risk.width + 1)) {
            let here = &weights[rows.clone()];
            out[0] = tile::sum(here);
            tile::products(here, |j| &risk.column(piece, j)[rows.clone()], &mut out[1..]);
            total.add_kept(out);
        }
    }
    total
}

/// What a moment has: those at risk, and those with the event.
pub(super) struct At {
    pub(super) risk: Sums,
    pub(super) events: Sums,
}

/// Goes through the moments of the piece of this number from the last to the first.
pub(super) fn walk(risk: &Risk, piece: usize, places: &ByPlace, mut see: impl FnMut(usize, &At)) {
    let behind = &places.behind[piece];
    let piece = &risk.pieces[piece];
    let weights = &places.weights;
    let size = risk.width + 1;
    let mut at = At { risk: behind.clone(), events: Sums::none(risk.width) };
    for number in piece.moments.clone().rev() {
        let moment = &risk.moments[number];
        at.events.zero = 0.0;
        at.events.first.fill(0.0);
        match moment.slot {
            Some(slot) => {
                let kept = &places.kept[slot as usize * 2 * size..(slot as usize + 1) * 2 * size];
                at.events.add_kept(&kept[..size]);
                at.risk.add_kept(&kept[size..]);
            }
            None => {
                let row = |sums: &mut Sums, place: usize| {
                    sums.row(risk, piece, weights[place], place - piece.rows.start);
                };
                moment.event_rows().for_each(|place| row(&mut at.events, place));
                (moment.event_rows().end..moment.rows.end).for_each(|place| row(&mut at.risk, place));
            }
        }
        at.risk.add(&at.events);
        at.risk.take_late(risk, weights, moment);
        see(number, &at);
    }
}
