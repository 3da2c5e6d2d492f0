//! Pie charts: shares of the categories of one variable as slices, with names and shares listed below in the same order. More than
//! twelve categories: the smallest are joined. What is hidden is a dotted slice.

use std::f64::consts::TAU;

use disclosure::{Base, Table, Value};

use crate::Presentation;
use crate::draw::{
    Anchor, Drawing, LINE, MARGIN, Mark, Paint, Point, SERIES, SIZE, Shape, Step, Stroke, WIDTH, clip, text_shape,
    width,
};
use crate::format;
use crate::grid::{category, title};
use crate::words::{self, say};

/// Most slices of categories (STAT-300).
const MOST: usize = 12;
const RADIUS: f64 = 92.0;

struct Slice {
    name: String,
    count: f64,
    /// Per cent of all, as the table says.
    share: Option<f64>,
    paint: Paint,
    opacity: f64,
}

pub(super) fn draw<'a>(table: &Table, how: Presentation<'a>) -> Option<Drawing<'a>> {
    let (mut slices, hidden) = slices(table, how)?;
    let language = how.language;
    let heading = format!("{} {} {}", say(words::SHARE, language), say(words::BY, language), title(table, 0));
    let mut drawing = Drawing::new(say(words::PIE_CHART, language), &heading, how);
    let sum: f64 = slices.iter().map(|s| s.count).sum();
    let all = table.cell(&[table.dimensions[0].categories.len()])?.count.number().unwrap_or(sum);
    // What is left of the whole is the hidden part; without one, noise alone keeps the parts from adding up.
    let left = if hidden > 0 { (all - sum).max(0.0) } else { 0.0 };
    if hidden > 0 {
        let name = format!("{} ({hidden})", say(words::HIDDEN, language));
        slices.push(Slice { name, count: left, share: None, paint: Paint::Hidden, opacity: 1.0 });
    }
    let centre = [WIDTH / 2.0, drawing.height + 12.0 + RADIUS];
    let mut from = 0.0;
    for slice in &slices {
        let to = from + slice.count / (sum + left);
        wedge(&mut drawing, slice, centre, [from, to]);
        from = to;
    }
    let mut y = centre[1] + RADIUS + 8.0;
    for slice in &slices {
        y += LINE + 2.0;
        let shape = Shape::Rect { at: [MARGIN, y - 10.0], size: [12.0, 12.0], round: 1.5 };
        drawing.push(Mark::new(shape).fill(slice.paint).opacity(slice.opacity));
        let share = slice.share.map_or_else(|| "·····".to_owned(), |s| percent(s, &drawing));
        let room = WIDTH - 2.0 * MARGIN - 18.0 - width(&share, SIZE) - 8.0;
        drawing.text([MARGIN + 18.0, y], Anchor::Start, &clip(&slice.name, room));
        drawing.text([WIDTH - MARGIN, y], Anchor::End, &share);
    }
    drawing.height = y + MARGIN + 4.0;
    Some(drawing)
}

fn percent(share: f64, drawing: &Drawing<'_>) -> String {
    format!("{}\u{a0}%", format::fixed(share, 1, drawing.language()))
}

/// The slices in code order, the joined ones last, and how many categories are hidden.
fn slices(table: &Table, how: Presentation<'_>) -> Option<(Vec<Slice>, usize)> {
    let [dimension] = &table.dimensions[..] else { return None };
    let mut shown: Vec<(usize, f64)> = Vec::new();
    let mut hidden = 0;
    for at in 0..dimension.categories.len() {
        match table.cell(&[at])?.count {
            Value::Value(n) if n > 0.0 => shown.push((at, n)),
            Value::Value(_) | Value::Undefined => {}
            Value::Hidden(_) => hidden += 1,
        }
    }
    if shown.is_empty() {
        return None;
    }
    let mut order = shown.clone();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let joined: Vec<usize> =
        if shown.len() > MOST { order[MOST - 1..].iter().map(|(at, _)| *at).collect() } else { Vec::new() };
    let kept = shown.iter().filter(|(at, _)| !joined.contains(at)).enumerate();
    let mut slices: Vec<Slice> = kept
        .map(|(i, (at, n))| Slice {
            name: category(table, 0, *at, how.language),
            count: *n,
            share: table.share(&[*at], Base::Table, &[]).number(),
            paint: Paint::Series(i),
            opacity: if i < SERIES { 1.0 } else { 0.55 },
        })
        .collect();
    if !joined.is_empty() {
        let of = |at: &usize| table.share(&[*at], Base::Table, &[]).number();
        let share: f64 = joined.iter().filter_map(of).sum();
        slices.push(Slice {
            name: format!("{} ({})", say(words::OTHERS, how.language), joined.len()),
            count: shown.iter().filter(|(at, _)| joined.contains(at)).map(|(_, n)| n).sum(),
            share: Some((share * 10.0).round() / 10.0),
            paint: Paint::Ink,
            opacity: 0.35,
        });
    }
    Some((slices, hidden))
}

/// The slice between two shares of the circle, clockwise from the top, with its share in it where there is room.
fn wedge(drawing: &mut Drawing<'_>, slice: &Slice, centre: Point, [from, to]: [f64; 2]) {
    if to - from <= 0.0 {
        return;
    }
    let at = |share: f64, radius: f64| {
        let angle = share * TAU;
        [centre[0] + radius * angle.sin(), centre[1] - radius * angle.cos()]
    };
    let label = slice.share.map_or_else(|| say(words::HIDDEN, drawing.language()).to_owned(), |s| percent(s, drawing));
    let tip = format!("{}: {label}", slice.name);
    let mut steps =
        if to - from > 0.9999 { Vec::new() } else { vec![Step::Move(centre), Step::Line(at(from, RADIUS))] };
    if steps.is_empty() {
        steps.push(Step::Move(at(from, RADIUS)));
    }
    arc(&mut steps, centre, [from, to]);
    steps.push(Step::Close);
    let mark = Mark::new(Shape::Path(steps)).fill(slice.paint).opacity(slice.opacity);
    drawing.push(mark.stroke(Stroke::solid(Paint::Paper, 1.5)).tip(tip).class("hap-bar"));
    // Only where the slice is wider than its number.
    let Paint::Series(series) = slice.paint else { return };
    if (to - from) * TAU * RADIUS * 0.72 > width(&label, SIZE) + 4.0 {
        let [x, y] = at(f64::midpoint(from, to), RADIUS * 0.72);
        let ink = if slice.opacity < 1.0 { Paint::Ink } else { Paint::OnSeries(series) };
        let shape = text_shape([x, y + 4.0], Anchor::Middle, label, SIZE, false);
        drawing.push(Mark::new(shape).fill(ink).class("hap-on-bar"));
    }
}

/// A part of the circle as curves of at most an eighth of it, which are as good as exact.
fn arc(steps: &mut Vec<Step>, centre: Point, [from, to]: [f64; 2]) {
    let pieces = ((to - from) * 8.0).ceil().max(1.0) as u32;
    let part = (to - from) / f64::from(pieces) * TAU;
    let reach = 4.0 / 3.0 * (part / 4.0).tan() * RADIUS;
    for piece in 0..pieces {
        let (a, b) = (from * TAU + f64::from(piece) * part, from * TAU + f64::from(piece + 1) * part);
        let point = |angle: f64| [centre[0] + RADIUS * angle.sin(), centre[1] - RADIUS * angle.cos()];
        let along = |angle: f64, by: f64| {
            let [x, y] = point(angle);
            [x + by * angle.cos(), y + by * angle.sin()]
        };
        steps.push(Step::Curve([along(a, reach), along(b, -reach), point(b)]));
    }
}
