//! What follows from the residuals of a Cox regression: errors that hold within clusters (Lin and Wei 1989), and the test that
//! hazards are proportional (Grambsch and Therneau 1994) in its form as a score test.

use nalgebra::{DMatrix, DVector};

use super::likelihood::{Shares, likelihood};
use super::risk::{NONE, Risk, Times};
use super::sums::{ByPlace, walk};
use super::{Found, Ties};
use crate::fit::{Test, TestKind};

/// What a moment adds to the score residuals of rows: sums over its events, each by share of those at the same time.
struct Part {
    /// Σ 1/(…) and Σ u/(…), for all at risk.
    plain: f64,
    means: Vec<f64>,
    /// The same times f, which its events are spared.
    less: f64,
    means_less: Vec<f64>,
    /// The mean of u, which its events are compared with.
    expected: Vec<f64>,
}

/// Σ over clusters of the products of their score residuals, and the number of clusters.
pub(super) fn clustered(risk: &Risk, ties: Ties, places: &ByPlace, clusters: &[f64]) -> (DMatrix<f64>, u64) {
    let width = risk.width;
    let weights = &places.weights;
    let parts = parts(risk, ties, places);
    let number = clusters.iter().fold(0.0, |most: f64, c| most.max(*c)) as usize + 1;
    let mut seen = vec![false; number];
    clusters.iter().for_each(|c| seen[*c as usize] = true);
    let mut scores = vec![0.0; number * width];
    // Hazards and means added up from the front of each stratum.
    let mut open = (0.0, vec![0.0; width]);
    let mut all: Vec<(f64, Vec<f64>)> = Vec::with_capacity(if risk.missed.is_some() { parts.len() } else { 0 });
    for piece in &risk.pieces {
        for m in piece.moments.clone() {
            let (moment, part) = (&risk.moments[m], &parts[m]);
            open.0 += part.plain;
            open.1.iter_mut().zip(&part.means).for_each(|(a, b)| *a += b);
            if risk.missed.is_some() {
                all.push(open.clone());
            }
            for place in moment.rows.clone() {
                let event = moment.event_rows().contains(&place);
                let missed = risk.missed.as_ref().map_or(NONE, |m| m[place]);
                let before = (missed != NONE).then(|| &all[missed as usize]);
                let spared = if event { part.less } else { 0.0 };
                let hazard = open.0 - before.map_or(0.0, |b| b.0) - spared;
                let cluster = clusters[risk.order[place] as usize] as usize;
                for j in 0..width {
                    let x = risk.value(place, j);
                    let spared = if event { part.means_less[j] } else { 0.0 };
                    let mean = open.1[j] - before.map_or(0.0, |b| b.1[j]) - spared;
                    let own = if event { x - part.expected[j] } else { 0.0 };
                    scores[cluster * width + j] += own - weights[place] * (x * hazard - mean);
                }
            }
        }
        if piece.last {
            open = (0.0, vec![0.0; width]);
        }
    }
    let scores = DMatrix::from_row_slice(number, width, &scores);
    (scores.transpose() * scores, seen.iter().filter(|s| **s).count() as u64)
}

fn parts(risk: &Risk, ties: Ties, places: &ByPlace) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(risk.moments.len());
    for piece in 0..risk.pieces.len() {
        let start = parts.len();
        walk(risk, piece, places, |number, at| {
            let events = risk.moments[number].events;
            let s = Shares::of(ties, events, at.risk.zero, at.events.zero);
            let of = |on_risk: f64, on_events: f64| -> Vec<f64> {
                at.risk.first.iter().zip(&at.events.first).map(|(a, e)| on_risk * a - on_events * e).collect()
            };
            let d = events as f64;
            parts.push(Part {
                plain: s.plain,
                means: of(s.squares[0], s.squares[1]),
                less: s.less,
                means_less: of(s.squares[1], s.squares[2]),
                expected: of(s.plain / d, s.less / d),
            });
        });
        parts[start..].reverse();
    }
    parts
}

/// The test whether coefficients change with the Kaplan–Meier transform of time: the score test for adding to each covariate its
/// product with g(t) = 1 − S(t−), S over all rows. With information blocks I, Ig and Igg of the moments counted once, g and g²
/// times, the slope U of the added coefficients has the variance Igg − Ig I⁻¹ Ig.
pub(super) fn proportional(risk: &Risk, ties: Ties, found: &Found, times: &Times<'_>, labels: &[String]) -> Vec<Test> {
    let g = transform(risk, times);
    let mut places = ByPlace::of(risk);
    let once = likelihood(risk, ties, &found.b, &|m| g[m], true, &mut places);
    let twice = likelihood(risk, ties, &found.b, &|m| g[m] * g[m], true, &mut places);
    let explained = &once.information * &found.inverse;
    let mut tests: Vec<Test> = Vec::new();
    for (j, label) in labels.iter().enumerate() {
        let variance = twice.information[(j, j)] - (explained.row(j) * once.information.column(j))[(0, 0)];
        tests.push(Test {
            name: format!("ph[{label}]"),
            statistic: once.gradient[j].powi(2) / variance,
            kind: TestKind::ChiSquare(1.0),
        });
    }
    let variance = &twice.information - &explained * &once.information;
    let u: &DVector<f64> = &once.gradient;
    if let Some(factor) = variance.cholesky() {
        tests.push(Test {
            name: "ph[global]".to_owned(),
            statistic: u.dot(&factor.solve(u)),
            kind: TestKind::ChiSquare(labels.len() as f64),
        });
    }
    tests
}

/// One minus survival just before each moment, less its mean over the events.
fn transform(risk: &Risk, times: &Times<'_>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..times.times.len()).collect();
    order.sort_unstable_by(|a, b| times.times[*a].total_cmp(&times.times[*b]));
    let mut entries: Vec<f64> = times.entries.map_or_else(Vec::new, <[f64]>::to_vec);
    entries.sort_unstable_by(f64::total_cmp);
    // Distinct times with survival before them.
    let mut before: Vec<(f64, f64)> = Vec::new();
    let (mut survival, mut seen) = (1.0, 0);
    for run in order.chunk_by(|a, b| times.times[*a] == times.times[*b]) {
        let time = times.times[run[0]];
        let events = run.iter().filter(|i| times.events[**i] == 1.0).count();
        if events > 0 {
            before.push((time, survival));
            let late = entries.len() - entries.partition_point(|e| *e < time);
            survival *= 1.0 - events as f64 / (order.len() - seen - late) as f64;
        }
        seen += run.len();
    }
    let of = |time: f64| before.get(before.partition_point(|(t, _)| *t < time)).map_or(1.0, |(_, s)| *s);
    let g: Vec<f64> = risk.moments.iter().map(|m| 1.0 - of(m.time)).collect();
    let events: f64 = risk.moments.iter().map(|m| m.events as f64).sum();
    let mean = risk.moments.iter().zip(&g).map(|(m, g)| m.events as f64 * g).sum::<f64>() / events;
    g.iter().map(|g| g - mean).collect()
}
