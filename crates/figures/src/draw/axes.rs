//! Axes: from numbers to places in a drawing, marks at round numbers, titles. One place for all plots.

use kernel::Language;

use super::{Anchor, Drawing, LINE, MARGIN, Point, SMALL, WIDTH, width};
use crate::format;

/// From numbers to places.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    /// Equal steps are equal ratios.
    ratio: bool,
}

impl Scale {
    /// `low` stands at `from`, `high` at `to`.
    pub(crate) fn new([low, high]: [f64; 2], from: f64, to: f64) -> Self {
        // A single number gets room round it.
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        Self { low, high, from, to, ratio: false }
    }

    /// The same with equal ratios as equal steps; both limits must be positive.
    pub(crate) fn of_ratios([low, high]: [f64; 2], from: f64, to: f64) -> Self {
        let high = if high > low { high } else { low * 2.0 };
        Self { low, high, from, to, ratio: true }
    }

    /// The place of a number; at the edge for one that is outside.
    pub(crate) fn at(&self, x: f64) -> f64 {
        let share = if self.ratio {
            (x / self.low).ln() / (self.high / self.low).ln()
        } else {
            (x - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round numbers within the scale, about `most` of them.
    pub(crate) fn ticks(&self, most: usize) -> Vec<f64> {
        if self.ratio { ratio_ticks(self.low, self.high, most) } else { ticks(self.low, self.high, most) }
    }
}

/// Whether limits are numbers with something between them.
pub(crate) fn is_wide([low, high]: [f64; 2]) -> bool {
    high > low
}

/// The step between round numbers.
fn step(low: f64, high: f64, most: usize) -> f64 {
    let raw = (high - low) / most.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let fraction = raw / power;
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|n| *n >= fraction - 1e-9).unwrap_or(10.0);
    nice * power
}

fn ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if !is_wide([low, high]) {
        return Vec::new();
    }
    let step = step(low, high, most);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

fn ratio_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let powers = |steps: &[f64]| {
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let all = (first..=last).flat_map(|p| steps.iter().map(move |s| s * 10f64.powi(p)));
        all.filter(|x| *x >= low * 0.999 && *x <= high * 1.001).collect::<Vec<f64>>()
    };
    let sets: [&[f64]; 4] = [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let found = sets.iter().map(|s| powers(s)).find(|ticks| ticks.len() <= most.max(2));
    match found.unwrap_or_else(|| powers(&[1.0])) {
        // Over a short stretch ratios and differences hardly differ, and equal steps are more numbers.
        few if few.len() < 4 && high < 5.0 * low => ticks(low, high, most),
        ticks => ticks,
    }
}

/// The limits of an axis: those of the numbers, moved out to round numbers.
pub(crate) fn rounded([low, high]: [f64; 2], most: usize) -> [f64; 2] {
    if !is_wide([low, high]) {
        return [low, high];
    }
    let step = step(low, high, most);
    [(low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step]
}

/// The labels of ticks: as many decimals as their step needs.
pub(crate) fn labels(ticks: &[f64], language: Language) -> Vec<String> {
    let step = ticks.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() { step } else { ticks.first().map_or(1.0, |t| t.abs().max(1.0)) };
    let decimals = (0..12).find(|d| {
        let scaled = step * 10f64.powi(*d);
        (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1.0) && scaled.round() >= 1.0
    });
    let decimals = decimals.unwrap_or(12) as usize;
    ticks.iter().map(|t| format::fixed(*t, decimals, language)).collect()
}

/// The part of a drawing where numbers become places.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Box {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// The upright axis: its title above it, thin lines at round numbers. Gives the box that is left for the plot, and the scale.
pub(crate) fn upright(
    drawing: &mut Drawing<'_>,
    limits: [f64; 2],
    [top, bottom]: [f64; 2],
    title: &str,
) -> (Box, Scale) {
    let limits = rounded(limits, 5);
    let top = if title.is_empty() { top } else { top + LINE };
    let scale = Scale::new(limits, bottom, top + 4.0);
    let ticks = scale.ticks(5);
    let labels = labels(&ticks, drawing.language());
    let room = labels.iter().map(|l| width(l, SMALL)).fold(0.0, f64::max);
    let area = Box { left: MARGIN + room + 6.0, right: WIDTH - MARGIN - 4.0, top: top + 4.0, bottom };
    drawing.small([MARGIN, top - 4.0], Anchor::Start, &super::clip(title, WIDTH - 2.0 * MARGIN));
    for (tick, label) in ticks.iter().zip(&labels) {
        let y = scale.at(*tick);
        drawing.rule([area.left, y], [area.right, y], 0.15);
        drawing.small([area.left - 6.0, y + 4.0], Anchor::End, label);
    }
    (area, scale)
}

/// The level axis below a box: ticks, labels, and its title below them. Gives where it ends.
pub(crate) fn level(
    drawing: &mut Drawing<'_>,
    area: Box,
    scale: &Scale,
    ticks: &[f64],
    labels: &[String],
    title: &str,
) -> f64 {
    drawing.rule([area.left, area.bottom], [area.right, area.bottom], 0.6);
    let mut free = f64::NEG_INFINITY;
    for (tick, label) in ticks.iter().zip(labels) {
        let x = scale.at(*tick);
        drawing.rule([x, area.bottom], [x, area.bottom + 4.0], 0.6);
        // A label that would run into the one before is left out; one at the edge stays inside the drawing, also in a typeface that
        // is wider by a fifth.
        let half = width(label, SMALL) / 2.0;
        let edge = 1.2 * half + 1.0;
        let middle = x.clamp(edge, WIDTH - edge);
        if middle - half > free {
            drawing.small([middle, area.bottom + LINE], Anchor::Middle, label);
            free = middle + half + 4.0;
        }
    }
    let end = area.bottom + LINE;
    if title.is_empty() {
        return end + 4.0;
    }
    let middle: Point = [(area.left + area.right) / 2.0, end + LINE];
    let half = (middle[0] - MARGIN).min(WIDTH - MARGIN - middle[0]);
    drawing.small(middle, Anchor::Middle, &super::clip(title, 2.0 * half * 12.0 / SMALL));
    end + LINE + 4.0
}

/// Round numbers of a level axis with their labels: so many that they fit.
pub(crate) fn level_ticks(scale: &Scale, room: f64, language: Language) -> (Vec<f64>, Vec<String>) {
    for most in (2..=7).rev() {
        let ticks = scale.ticks(most);
        let labels = labels(&ticks, language);
        let wide = labels.iter().map(|l| width(l, SMALL) + 8.0).sum::<f64>();
        if wide <= room {
            return (ticks, labels);
        }
    }
    let ticks = scale.ticks(1);
    let labels = labels(&ticks, language);
    (ticks, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_limits() {
        assert_eq!(ticks(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(-3.2, 4.1, 4), [-2.0, 0.0, 2.0, 4.0]);
        assert_eq!(rounded([12.0, 87.0], 4), [0.0, 100.0]);
        let small = ticks(0.0, 0.3, 3);
        assert_eq!(labels(&small, Language::Nb), ["0,0", "0,1", "0,2", "0,3"]);
        assert_eq!(labels(&[0.0, 50_000.0], Language::En), ["0", "50,000"]);
        assert!(ticks(1.0, 1.0, 4).is_empty());
        assert_eq!(labels(&ratio_ticks(0.09, 12.0, 5), Language::En), ["0.1", "0.3", "1.0", "3.0", "10.0"]);
        assert_eq!(ratio_ticks(0.5, 1.1, 6).len(), 7);
    }

    #[test]
    fn a_scale_keeps_to_its_box() {
        let scale = Scale::new([0.0, 10.0], 100.0, 0.0);
        assert_eq!([scale.at(0.0), scale.at(5.0), scale.at(20.0)], [100.0, 50.0, 0.0]);
        let ratios = Scale::of_ratios([0.5, 2.0], 0.0, 100.0);
        assert!((ratios.at(1.0) - 50.0).abs() < 1e-9);
        assert!(Scale::new([3.0, 3.0], 0.0, 1.0).at(3.0).is_finite());
    }
}
