//! Box plots: a box from the first to the third quartile with the median in it, lines to P5 and P95, one per variable and group.
//! The parts are percentiles as the gate releases them; there are no single points (SDC-210).

use disclosure::{NumberKind, Statistic, Table, Value};

use crate::Presentation;
use crate::draw::axes;
use crate::draw::{Anchor, CHARACTER, Drawing, LINE, MARGIN, Mark, Paint, Shape, Stroke, WIDTH, clip, range};
use crate::grid::{category, title, written};
use crate::words::{self, say};

/// Most upright boxes on the narrowest screen.
const UPRIGHT: usize = 6;
/// The percentiles of a box.
const PARTS: [f64; 5] = [5.0, 25.0, 50.0, 75.0, 95.0];

/// One box.
struct Part {
    name: String,
    /// Its percentiles, those of [`PARTS`].
    values: [Value; 5],
    series: usize,
}

pub(super) fn draw<'a>(table: &Table, horizontal: bool, how: Presentation<'a>) -> Option<Drawing<'a>> {
    let parts = parts(table, how)?;
    let limits = range(parts.iter().flat_map(|p| p.values))?;
    let kind = table.measures.first()?.kind;
    if kind == NumberKind::Date {
        return None;
    }
    let language = how.language;
    let measures: Vec<String> =
        table.measures.iter().map(|m| m.label.clone().unwrap_or_else(|| m.name.clone())).collect();
    let variables: Vec<String> = (0..table.dimensions.len()).map(|d| title(table, d)).collect();
    let what = measures.join(", ");
    let heading = if variables.is_empty() {
        what.clone()
    } else {
        format!("{what} {} {}", say(words::BY, language), variables.join(", "))
    };
    let mut drawing = Drawing::new(say(words::BOX_PLOT, language), &heading, how);
    drawing.height += LINE;
    drawing.small([MARGIN, drawing.height - 4.0], Anchor::Start, say(words::BOX_PARTS, language));
    let axis = if measures.len() == 1 { what } else { String::new() };
    let room = (WIDTH - 60.0) / parts.len() as f64;
    let fits = parts.len() <= UPRIGHT && parts.iter().all(|p| p.name.chars().count() as f64 * CHARACTER <= room - 4.0);
    if !horizontal && fits {
        upright(&mut drawing, &parts, limits, &axis)
    } else {
        lying(&mut drawing, &parts, limits, &axis)
    }
    Some(drawing)
}

/// A box per combination of groups and variable; none when the table lacks a percentile.
fn parts(table: &Table, how: Presentation<'_>) -> Option<Vec<Part>> {
    let at = |p: f64| table.statistics.iter().position(|s| *s == Statistic::Percentile(p));
    let statistics: Vec<usize> = PARTS.iter().map(|p| at(*p)).collect::<Option<_>>()?;
    let several = table.measures.len() > 1;
    let mut parts = Vec::new();
    for (number, measure) in table.measures.iter().enumerate() {
        for cell in 0..table.cells.len() {
            let position = table.position(cell);
            if position.iter().zip(&table.dimensions).any(|(p, d)| *p >= d.categories.len()) {
                continue;
            }
            let mut names: Vec<String> =
                position.iter().enumerate().map(|(d, p)| category(table, d, *p, how.language)).collect();
            if several || names.is_empty() {
                names.insert(0, measure.label.clone().unwrap_or_else(|| measure.name.clone()));
            }
            let mut values = [Value::Undefined; 5];
            for (value, statistic) in values.iter_mut().zip(&statistics) {
                *value = table.statistic(&position, number, *statistic).unwrap_or(Value::Undefined);
            }
            parts.push(Part { name: names.join(", "), values, series: if several { number } else { 0 } });
        }
    }
    Some(parts)
}

/// What a box says in words.
fn tip(part: &Part, drawing: &Drawing<'_>) -> String {
    let number = |(p, value): (&f64, &Value)| {
        let text = match value {
            Value::Hidden(_) => say(words::HIDDEN, drawing.language()).to_owned(),
            value => written(*value, NumberKind::Decimal, false, drawing.language()).text,
        };
        format!("P{p} {text}")
    };
    let numbers: Vec<String> = PARTS.iter().zip(&part.values).map(number).collect();
    format!("{}: {}", part.name, numbers.join(", "))
}

/// The marks of a box between `across`: its ends the other way are places of numbers. `turned` swaps the axes.
fn marks(drawing: &mut Drawing<'_>, part: &Part, scale: &axes::Scale, across: [f64; 2], turned: bool) {
    let point = |along: f64, across: f64| if turned { [across, along] } else { [along, across] };
    let middle = f64::midpoint(across[0], across[1]);
    let place = |at: usize| part.values[at].number().map(|x| scale.at(x));
    let line = |drawing: &mut Drawing<'_>, from: [f64; 2], to: [f64; 2], width: f64| {
        let stroke = Stroke::solid(Paint::Ink, width);
        drawing.push(Mark::new(Shape::Line { from, to }).stroke(stroke));
    };
    for (whisker, quartile) in [(0, 1), (4, 3)] {
        if let (Some(end), Some(start)) = (place(whisker), place(quartile)) {
            line(drawing, point(start, middle), point(end, middle), 1.0);
            line(drawing, point(end, middle - 4.0), point(end, middle + 4.0), 1.0);
        }
    }
    match (place(1), place(3)) {
        (Some(a), Some(b)) => {
            let (low, high) = (a.min(b), a.max(b));
            let at = point(low, across[0]);
            let size = point((high - low).max(1.0), across[1] - across[0]);
            let mark = Mark::new(Shape::Rect { at, size, round: 1.5 }).fill(Paint::Series(part.series));
            let mark = mark.stroke(Stroke::solid(Paint::Ink, 1.0)).class("hap-bar");
            let tip = tip(part, drawing);
            drawing.push(mark.tip(tip));
        }
        _ => {
            // Without quartiles there is no box: a dotted block stands at the start of the axis.
            let reason = part.values.iter().find_map(|v| v.hidden());
            let start = scale.at(f64::NEG_INFINITY) - if turned { 24.0 } else { 0.0 };
            if let Some(reason) = reason {
                drawing.hidden(point(start, across[0]), point(24.0, across[1] - across[0]), &part.name, reason);
            }
        }
    }
    if let (Some(median), Some(_), Some(_)) = (place(2), place(1), place(3)) {
        let stroke = Stroke::solid(Paint::OnSeries(part.series), 2.5);
        let shape = Shape::Line { from: point(median, across[0] + 1.0), to: point(median, across[1] - 1.0) };
        drawing.push(Mark::new(shape).stroke(stroke));
    }
}

/// Name and median on one line, the box on the next.
fn lying(drawing: &mut Drawing<'_>, parts: &[Part], limits: [f64; 2], axis: &str) {
    let top = drawing.height;
    let area = axes::Box { left: MARGIN + 4.0, right: WIDTH - MARGIN - 4.0, top, bottom: 0.0 };
    let scale = axes::Scale::new(axes::rounded(limits, 5), area.left, area.right);
    let (ticks, labels) = axes::level_ticks(&scale, area.right - area.left, drawing.language());
    let mut y = top;
    for part in parts {
        y += LINE;
        let median = match part.values[2] {
            Value::Hidden(_) => say(words::HIDDEN, drawing.language()).to_owned(),
            value => written(value, NumberKind::Decimal, false, drawing.language()).text,
        };
        let label = format!("{} {median}", say(words::MEDIAN, drawing.language()).to_lowercase());
        let room = WIDTH - 2.0 * MARGIN - (label.chars().count() as f64 + 2.0) * CHARACTER;
        drawing.text([MARGIN, y], Anchor::Start, &clip(&part.name, room));
        drawing.text([WIDTH - MARGIN, y], Anchor::End, &label);
        for tick in &ticks {
            drawing.rule([scale.at(*tick), y + 3.0], [scale.at(*tick), y + 19.0], 0.2);
        }
        marks(drawing, part, &scale, [y + 5.0, y + 17.0], false);
        y += 22.0;
    }
    let bottom = y + 2.0;
    drawing.height = axes::level(drawing, axes::Box { bottom, ..area }, &scale, &ticks, &labels, axis) + MARGIN;
}

/// Few boxes side by side, their names below.
fn upright(drawing: &mut Drawing<'_>, parts: &[Part], limits: [f64; 2], axis: &str) {
    let top = drawing.height + 6.0;
    let (area, scale) = axes::upright(drawing, limits, [top, top + 190.0], axis);
    let room = (area.right - area.left) / parts.len() as f64;
    let half = (room * 0.3).min(24.0);
    for (i, part) in parts.iter().enumerate() {
        let middle = area.left + room * (i as f64 + 0.5);
        marks(drawing, part, &scale, [middle - half, middle + half], true);
        drawing.text([middle, area.bottom + LINE], Anchor::Middle, &part.name);
    }
    drawing.rule([area.left, area.bottom], [area.right, area.bottom], 0.6);
    drawing.height = area.bottom + LINE + MARGIN;
}
