//! Plots of two variables by hexagons: pointy-top and regular, coloured by classes of the released counts. A place with few or no
//! persons has no hexagon.

use disclosure::Hexbin;

use crate::Presentation;
use crate::analyses::{centre, classes};
use crate::draw::axes::{self, Box};
use crate::draw::{
    Anchor, CLASSES, Drawing, LINE, MARGIN, Mark, Paint, SMALL, Shape, Step, Stroke, WIDTH, clip, width,
};
use crate::format;
use crate::models::title;
use crate::words::{self, say};

pub(super) fn draw<'a>(of: &Hexbin, how: Presentation<'a>) -> Option<Drawing<'a>> {
    if of.hexagons.is_empty() || of.limits.iter().any(|limits| !axes::is_wide(*limits)) {
        return None;
    }
    let language = how.language;
    let name = |axis: usize| title(&of.titles, &of.names[axis]);
    let heading = format!(
        "{} {} {} {} {}",
        say(words::COUNT_OF_PERSONS, language),
        say(words::BY, language),
        name(1),
        say(words::AND, language),
        name(0)
    );
    let mut drawing = Drawing::new(say(words::HEXBIN, language), &heading, how);
    let shown = classes(of);
    let most = shown.iter().map(|(class, ..)| *class).max().unwrap_or(0).max(1);
    let paint = |class: u8| Paint::Class((u16::from(class) * u16::from(CLASSES - 1) / u16::from(most)) as u8);
    let mut y = legend(&mut drawing, &shown, paint) + 6.0;
    // The steps of the grid are those of regular hexagons, so the height follows from the width; half a hexagon hangs over
    // every edge.
    let grid = of.grid.map(|g| f64::from(g.max(1)));
    let scale = axes::Scale::new(of.limits[1], 0.0, 1.0);
    let labels = axes::labels(&scale.ticks(5), language);
    let room = labels.iter().map(|l| width(l, SMALL)).fold(0.0, f64::max);
    let (left, right) = (MARGIN + room + 10.0, WIDTH - MARGIN);
    let across = (right - left) / (grid[0] + 1.0);
    y += LINE;
    drawing.small([MARGIN, y - 4.0], Anchor::Start, &clip(&name(1), WIDTH - 2.0 * MARGIN));
    let side = across / 3f64.sqrt();
    let area = Box { left, right, top: y + 2.0, bottom: y + 2.0 + grid[1] * 3.0 * side + 2.0 * side };
    let level = axes::Scale::new(of.limits[0], left + across / 2.0, right - across / 2.0);
    let upright = axes::Scale::new(of.limits[1], area.bottom - side, area.top + side);
    for (tick, label) in upright.ticks(5).iter().zip(&labels) {
        let at = upright.at(*tick);
        drawing.rule([left, at], [right, at], 0.15);
        drawing.small([left - 6.0, at + 4.0], Anchor::End, label);
    }
    for hexagon in &of.hexagons {
        let Some(n) = hexagon.count.number() else { continue };
        let [x, y] = centre(of, hexagon.at);
        let middle = [level.at(x), upright.at(y)];
        let corner = |i: u32| {
            let angle = f64::from(i) * std::f64::consts::FRAC_PI_3;
            [middle[0] + side * angle.sin(), middle[1] - side * angle.cos()]
        };
        let mut steps: Vec<Step> =
            (0..6).map(|i| if i == 0 { Step::Move(corner(i)) } else { Step::Line(corner(i)) }).collect();
        steps.push(Step::Close);
        let number = format::number(n, language);
        let tip = format!("{number} {}", say(words::PERSONS, language));
        let mark = Mark::new(Shape::Path(steps)).fill(paint(hexagon.class)).tip(tip).class("hap-bar");
        drawing.push(mark.stroke(Stroke::solid(Paint::Paper, 0.5)));
    }
    let (ticks, labels) = axes::level_ticks(&level, right - left, language);
    drawing.height = axes::level(&mut drawing, area, &level, &ticks, &labels, &name(0)) + MARGIN;
    Some(drawing)
}

/// The classes of colour with the counts that they hold.
fn legend(drawing: &mut Drawing<'_>, shown: &[(u8, f64, f64)], paint: impl Fn(u8) -> Paint) -> f64 {
    let language = drawing.language();
    let names: Vec<(String, Paint, f64)> = shown
        .iter()
        .map(|(class, low, high)| {
            let [low, high] = [*low, *high].map(|x| format::number(x, language));
            let name = if low == high { low } else { format!("{low}–{high}") };
            (name, paint(*class), 1.0)
        })
        .collect();
    drawing.legend(&names, drawing.height + 10.0)
}
