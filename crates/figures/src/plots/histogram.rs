//! Histograms: bars over an axis of numbers, in panels of the same axes. A bar of few or none is a dotted block, because which of
//! the two it is may not be told.

use std::f64::consts::PI;

use disclosure::{Bar, Histogram, NumberKind, Panel, Scale, Statistic, Value};
use kernel::{Date, Language};

use crate::Presentation;
use crate::analyses::{bar_name, bar_value, panel_size, variable};
use crate::draw::axes::{self, Box};
use crate::draw::{Drawing, LINE, MARGIN, Mark, Paint, Shape, Step, Stroke, clip, range};
use crate::grid::{kind, written};
use crate::long::label_of;
use crate::words::{self, say};

/// Height of the bars of a panel.
const HEIGHT: f64 = 150.0;

pub(super) fn draw<'a>(of: &Histogram, scale: Scale, normal: bool, how: Presentation<'a>) -> Option<Drawing<'a>> {
    let values = of.panels.iter().flat_map(|p| p.bars.iter().map(|b| bar_value(of, p, b, scale)));
    let [_, mut high] = range(values)?;
    let curves: Vec<Option<Normal>> = of.panels.iter().map(|p| Normal::of(of, p, scale).filter(|_| normal)).collect();
    high = curves.iter().flatten().map(|c| c.at(c.mean)).fold(high, f64::max);
    let limits = limits(of)?;
    let language = how.language;
    let grouped = of.panels.iter().any(|p| p.group.is_some());
    let by = of.whole.dimensions.first().filter(|_| grouped);
    let mut heading = format!("{} {} {}", words::scale(scale, language), say(words::BY, language), variable(of));
    if let Some(by) = by {
        let name = by.label.as_ref().unwrap_or(&by.name);
        heading = format!("{heading} {} {name}", say(words::AND, language));
    }
    let mut drawing = Drawing::new(say(words::HISTOGRAM, language), &heading, how);
    let mut y = drawing.height;
    if normal && curves.iter().any(Option::is_some) {
        let names = [(say(words::NORMAL_CURVE, language).to_owned(), Paint::Series(1), 1.0)];
        y = drawing.legend(&names, y + 10.0) + 4.0;
    }
    for (number, (panel, curve)) in of.panels.iter().zip(&curves).enumerate() {
        if let Some(group) = &panel.group {
            y += LINE;
            drawing.bold([MARGIN, y], &clip(&label_of(group, language), 340.0));
        }
        // The title stands once, over the first panel.
        let title = if number == 0 { words::scale(scale, language) } else { String::new() };
        let (area, upright) = axes::upright(&mut drawing, [0.0, high], [y + 6.0, y + 6.0 + HEIGHT], &title);
        let level = axes::Scale::new(limits, area.left, area.right);
        for bar in &panel.bars {
            draw_bar(&mut drawing, of, panel, bar, scale, [&level, &upright], area);
        }
        if let Some(curve) = curve {
            drawing.push(curve.mark(limits, &level, &upright));
        }
        let (ticks, labels) = level_ticks(of, &level, area, language);
        let last = number + 1 == of.panels.len();
        let title = if last { variable(of) } else { String::new() };
        y = axes::level(&mut drawing, area, &level, &ticks, &labels, &title);
    }
    drawing.height = y + MARGIN;
    Some(drawing)
}

/// The ends of the level axis.
fn limits(of: &Histogram) -> Option<[f64; 2]> {
    let bars = &of.panels.first()?.bars;
    let [low, high] = [bars.first()?.from, bars.last()?.to];
    // The bars of values stand half a unit to either side.
    let half = if of.discrete { 0.5 } else { 0.0 };
    (low.is_finite() && high.is_finite()).then_some([low - half, high + half])
}

fn draw_bar(
    drawing: &mut Drawing<'_>,
    of: &Histogram,
    panel: &Panel,
    bar: &Bar,
    scale: Scale,
    [level, upright]: [&axes::Scale; 2],
    area: Box,
) {
    let (from, to) = if of.discrete { (bar.from - 0.4, bar.from + 0.4) } else { (bar.from, bar.to) };
    // A thin gap keeps neighbours apart where there is room for one.
    let (x, mut width) = (level.at(from), level.at(to) - level.at(from));
    width = if width > 3.0 { width - 1.0 } else { width };
    let name = bar_name(of, bar, drawing.language());
    match bar_value(of, panel, bar, scale) {
        Value::Hidden(reason) => drawing.hidden([x, area.bottom - 10.0], [width, 10.0], &name, reason),
        Value::Value(value) => {
            let y = upright.at(value);
            let shape = Shape::Rect { at: [x, y], size: [width, area.bottom - y], round: 0.0 };
            let number = written(Value::Value(value), NumberKind::Decimal, false, drawing.language()).text;
            let mark = Mark::new(shape).fill(Paint::Series(0)).tip(format!("{name}: {number}"));
            drawing.push(mark.class("hap-bar"));
        }
        Value::Undefined => {}
    }
}

fn level_ticks(of: &Histogram, level: &axes::Scale, area: Box, language: Language) -> (Vec<f64>, Vec<String>) {
    let room = area.right - area.left;
    if of.discrete {
        // Every value has its mark; labels that would run into each other are left out by the axis.
        let ticks: Vec<f64> = of.panels.first().map_or_else(Vec::new, |p| p.bars.iter().map(|b| b.from).collect());
        let label = |t: &f64| written(Value::Value(*t), of.number, false, language).text;
        let labels = ticks.iter().map(label).collect();
        return (ticks, labels);
    }
    if of.number == NumberKind::Date {
        let days = |year: i16| Date::new(year, 1, 1).map_or(f64::NAN, |d| f64::from(d.days()));
        let [low, high] = limits(of).unwrap_or([0.0, 1.0]);
        let year = |x: f64| Date::from_days(x.clamp(-700_000.0, 2_900_000.0) as i32).ymd().0;
        let years: Vec<i16> = (year(low)..=year(high)).filter(|y| (low..=high).contains(&days(*y))).collect();
        // Round years, so many that their names have room.
        let every = years.len().div_ceil((room / 40.0) as usize).max(1) as i16;
        let every = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|e| *e >= every).unwrap_or(200);
        let years = years.into_iter().filter(|y| y % every == 0);
        return years.map(|y| (days(y), y.to_string())).unzip();
    }
    axes::level_ticks(level, room, language)
}

/// The normal curve of a panel, in the units of its bars.
struct Normal {
    mean: f64,
    sd: f64,
    factor: f64,
}

impl Normal {
    /// From mean and deviation as they are shown; none where one of them is hidden.
    fn of(of: &Histogram, panel: &Panel, scale: Scale) -> Option<Self> {
        let whole = &of.whole;
        let position: Vec<usize> = match (&panel.group, whole.dimensions.first()) {
            (Some(group), Some(d)) => vec![d.categories.iter().position(|c| c == group)?],
            _ => whole.dimensions.iter().map(|d| d.categories.len()).collect(),
        };
        let statistic = |wanted: Statistic| {
            let at = whole.statistics.iter().position(|s| *s == wanted)?;
            whole.statistic(&position, 0, at)?.number()
        };
        let (mean, sd) = (statistic(Statistic::Mean)?, statistic(Statistic::Sd)?);
        let bar = panel.bars.first()?;
        let width = if of.discrete { 1.0 } else { bar.to - bar.from };
        let factor = match scale {
            Scale::Density => 1.0,
            Scale::Fraction => width,
            Scale::Percent => 100.0 * width,
            Scale::Count => width * panel_size(of, panel).number()?,
        };
        (sd > 0.0 && kind(disclosure::Content::Statistic(Statistic::Mean), of.number) != NumberKind::Date)
            .then_some(Self { mean, sd, factor })
    }

    fn at(&self, x: f64) -> f64 {
        let z = (x - self.mean) / self.sd;
        self.factor * (-z * z / 2.0).exp() / (self.sd * (2.0 * PI).sqrt())
    }

    fn mark(&self, [low, high]: [f64; 2], level: &axes::Scale, upright: &axes::Scale) -> Mark {
        let point = |i: u32| {
            let x = low + (high - low) * f64::from(i) / 80.0;
            [level.at(x), upright.at(self.at(x))]
        };
        let steps = (0..=80).map(|i| if i == 0 { Step::Move(point(i)) } else { Step::Line(point(i)) });
        Mark::new(Shape::Path(steps.collect())).stroke(Stroke::solid(Paint::Series(1), 2.0))
    }
}
