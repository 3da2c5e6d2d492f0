//! Survival curves: steps with their band, one colour and dash per group, and the numbers at risk below the axis, where readers of
//! such curves look for them. A fitted distribution is a smooth line over its steps.

use disclosure::{Curve, Survival, Value};

use crate::Presentation;
use crate::analyses::{curve_name, fitted};
use crate::draw::axes::{self, Box};
use crate::draw::{
    Anchor, Drawing, LINE, MARGIN, Mark, Paint, Point, SMALL, Shape, Step, Stroke, WIDTH, clip, range, width,
};
use crate::format;
use crate::models::title;
use crate::words::{self, say};

/// Strokes and gaps of the groups after the first.
const DASHES: [Option<[f64; 2]>; 4] = [None, Some([7.0, 3.0]), Some([2.5, 2.5]), Some([12.0, 4.0])];

pub(super) fn draw<'a>(of: &Survival, how: Presentation<'a>) -> Option<Drawing<'a>> {
    let [_, last] = range(of.curves.iter().flat_map(|c| c.points.iter().map(|p| p.time)))?;
    let language = how.language;
    let time = title(&of.head.titles, &of.head.time);
    let mut heading = words::measure("survival", language);
    if let Some(group) = &of.head.group {
        heading = format!("{heading} {} {}", say(words::BY, language), title(&of.head.titles, group));
    }
    let mut drawing = Drawing::new(say(words::SURVIVAL_CURVES, language), &heading, how);
    let mut y = drawing.height;
    if of.head.group.is_some() {
        y = legend(&mut drawing, of, y + 12.0);
    }
    if of.curves.iter().any(|curve| fitted(of, curve).is_some()) {
        y += LINE;
        drawing.small([MARGIN, y], Anchor::Start, say(words::FITTED_PARTS, language));
    }
    let axis = words::measure("survival", language);
    let (area, upright) = axes::upright(&mut drawing, [0.0, 1.0], [y + 6.0, y + 210.0], &axis);
    let level = axes::Scale::new([0.0, last], area.left, area.right);
    // Bands first, so that no line is covered.
    for (i, curve) in of.curves.iter().enumerate() {
        if let Some(band) = band(curve, &level, &upright) {
            drawing.push(Mark::new(Shape::Path(band)).fill(Paint::Series(i)).opacity(0.2));
        }
    }
    for (i, curve) in of.curves.iter().enumerate() {
        let fitted = smooth(of, curve, &level, &upright);
        let stroke = Stroke { paint: Paint::Series(i), width: 2.0, dash: dash(i) };
        let opacity = if fitted.is_some() { 0.45 } else { 1.0 };
        let shape = Shape::Path(steps(curve, &level, &upright));
        let tip = curve_name(curve, language);
        drawing.push(Mark::new(shape).stroke(stroke).opacity(opacity).tip(tip));
        if let Some(line) = fitted {
            drawing.push(Mark::new(Shape::Path(line)).stroke(stroke));
        }
    }
    let (ticks, labels) = axes::level_ticks(&level, area.right - area.left, language);
    let end = axes::level(&mut drawing, area, &level, &ticks, &labels, &time);
    drawing.height = at_risk(&mut drawing, of, area, &level, &ticks, end) + MARGIN;
    Some(drawing)
}

fn dash(series: usize) -> Option<[f64; 2]> {
    DASHES[series % DASHES.len()]
}

/// The groups with their lines.
fn legend(drawing: &mut Drawing<'_>, of: &Survival, top: f64) -> f64 {
    let (mut x, mut y) = (MARGIN, top);
    for (i, curve) in of.curves.iter().enumerate() {
        let name = clip(&curve_name(curve, drawing.language()), WIDTH - 2.0 * MARGIN - 30.0);
        let wide = 30.0 + width(&name, 12.0) + 14.0;
        if x + wide > WIDTH - MARGIN && x > MARGIN {
            x = MARGIN;
            y += LINE;
        }
        let shape = Shape::Line { from: [x, y - 4.0], to: [x + 24.0, y - 4.0] };
        drawing.push(Mark::new(shape).stroke(Stroke { paint: Paint::Series(i), width: 2.5, dash: dash(i) }));
        drawing.text([x + 30.0, y], Anchor::Start, &name);
        x += wide;
    }
    y
}

/// The corners of a step function through these points, from one at time zero.
fn corners(points: &[(f64, f64)], level: &axes::Scale, upright: &axes::Scale) -> Vec<Point> {
    let mut out = vec![[level.at(0.0), upright.at(1.0)]];
    let mut height = upright.at(1.0);
    for (time, value) in points {
        out.push([level.at(*time), height]);
        height = upright.at(*value);
        out.push([level.at(*time), height]);
    }
    out
}

fn of(curve: &Curve, value: impl Fn(&disclosure::CurvePoint) -> Value) -> Vec<(f64, f64)> {
    curve.points.iter().filter_map(|p| Some((p.time.number()?, value(p).number()?))).collect()
}

fn path(corners: impl Iterator<Item = Point>) -> Vec<Step> {
    corners.enumerate().map(|(i, at)| if i == 0 { Step::Move(at) } else { Step::Line(at) }).collect()
}

fn steps(curve: &Curve, level: &axes::Scale, upright: &axes::Scale) -> Vec<Step> {
    path(corners(&of(curve, |p| p.survival), level, upright).into_iter())
}

/// The band between the limits; none where they are not shown.
fn band(curve: &Curve, level: &axes::Scale, upright: &axes::Scale) -> Option<Vec<Step>> {
    let (low, high) = (of(curve, |p| p.low), of(curve, |p| p.high));
    if low.is_empty() || high.is_empty() {
        return None;
    }
    let there = corners(&high, level, upright);
    let back = corners(&low, level, upright);
    let mut steps = path(there.into_iter().chain(back.into_iter().rev()));
    steps.push(Step::Close);
    Some(steps)
}

/// The curve of a fitted distribution; none without one.
fn smooth(of: &Survival, curve: &Curve, level: &axes::Scale, upright: &axes::Scale) -> Option<Vec<Step>> {
    let points = fitted(of, curve)?;
    Some(path(points.into_iter().map(|[time, survival]| [level.at(time), upright.at(survival)])))
}

/// The numbers at risk at the marks of the axis, a row per group; the base line of the last one.
fn at_risk(drawing: &mut Drawing<'_>, all: &Survival, area: Box, level: &axes::Scale, ticks: &[f64], end: f64) -> f64 {
    let mut y = end + LINE;
    drawing.small([MARGIN, y], Anchor::Start, say(words::AT_RISK, drawing.language()));
    for (i, curve) in all.curves.iter().enumerate() {
        y += LINE;
        if all.head.group.is_some() {
            let shape = Shape::Line { from: [MARGIN, y - 4.0], to: [MARGIN + 14.0, y - 4.0] };
            let stroke = Stroke { paint: Paint::Series(i), width: 2.5, dash: dash(i) };
            drawing.push(Mark::new(shape).stroke(stroke));
            drawing.small(
                [MARGIN + 20.0, y],
                Anchor::Start,
                &clip(&curve_name(curve, drawing.language()), WIDTH - 40.0),
            );
            y += LINE - 2.0;
        }
        let mut free = f64::NEG_INFINITY;
        for tick in ticks {
            // At risk when the step began that the time lies in.
            let point = curve.points.iter().find(|p| p.time.number().is_some_and(|t| t >= *tick));
            let Some(n) = point.and_then(|p| p.at_risk.number()) else { continue };
            let text = format::number(n, drawing.language());
            let half = width(&text, SMALL) / 2.0;
            let middle = level.at(*tick).clamp(half + 2.0, area.right.max(half) - half + 4.0);
            if middle - half > free {
                drawing.small([middle, y], Anchor::Middle, &text);
                free = middle + half + 4.0;
            }
        }
    }
    y
}
