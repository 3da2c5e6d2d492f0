//! Bar charts.
//!
//! Every bar carries its name and its number: no legend to look up, and no colour that alone means something. A bar whose
//! number is hidden stands as a short dotted block with the word for it. Upright bars are used where few and short names
//! leave room for them; otherwise the bars lie, whatever was asked for, because a chart must be readable first.

use disclosure::{Chart, Content, NumberKind, Table, Value};
use kernel::Language;

use crate::Presentation;
use crate::draw::{Anchor, CHARACTER, Drawing, LINE, MARGIN, Mark, Paint, Shape, WIDTH, clip, text_shape};
use crate::grid::{category, title, written};
use crate::words::{self, say};

/// Most upright bars on the narrowest screen.
const UPRIGHT: usize = 8;

/// One bar.
struct Bar {
    name: String,
    value: Value,
    series: usize,
}

/// Bars under one heading.
struct Group {
    name: Option<String>,
    bars: Vec<Bar>,
}

struct Canvas<'a> {
    drawing: Drawing<'a>,
    /// Where the heading ends.
    top: f64,
    kind: NumberKind,
    share: bool,
}

pub(super) fn draw<'a>(table: &Table, chart: &Chart, how: Presentation<'a>) -> Option<Drawing<'a>> {
    let (groups, kind) = groups(table, chart.content, how.language)?;
    let shown = groups.iter().flat_map(|g| &g.bars).filter_map(|b| b.value.number());
    let high = shown.clone().fold(0.0f64, f64::max);
    let low = shown.clone().fold(0.0f64, f64::min);
    if groups.iter().all(|g| g.bars.is_empty()) || shown.count() == 0 || kind == NumberKind::Date {
        return None;
    }
    let drawing = Drawing::new(say(words::BAR_CHART, how.language), &heading(table, chart, how.language), how);
    let top = drawing.height;
    let share = matches!(chart.content, Content::Share(_) | Content::Valid);
    let mut canvas = Canvas { drawing, top, kind, share };
    let single = groups.len() == 1 && groups[0].name.is_none();
    canvas.drawing.height = if chart.stacked && !single && low >= 0.0 {
        canvas.stacked(&groups)
    } else if !chart.horizontal && single && low >= 0.0 && fits_upright(&groups[0]) {
        canvas.upright(&groups[0], high)
    } else {
        canvas.lying(&groups, low, high)
    };
    Some(canvas.drawing)
}

/// What is shown, of what where it is one measure, and by which variables.
fn heading(table: &Table, chart: &Chart, language: Language) -> String {
    let variables: Vec<String> = (0..table.dimensions.len()).map(|d| title(table, d)).collect();
    let mut what = words::content(chart.content, language);
    if let ([measure], Content::Statistic(_) | Content::Valid) = (&table.measures[..], chart.content) {
        what = format!("{what}: {}", measure.label.as_ref().unwrap_or(&measure.name));
    }
    if variables.is_empty() { what } else { format!("{what} {} {}", say(words::BY, language), variables.join(", ")) }
}

/// The bars of a table: one variable names them, the others make groups; without variables each measure is a bar. None
/// when the table has not what the chart is to show.
fn groups(table: &Table, content: Content, language: Language) -> Option<(Vec<Group>, NumberKind)> {
    let statistic = match content {
        Content::Statistic(s) => Some(table.statistics.iter().position(|have| *have == s)?),
        _ => None,
    };
    // Statistics and shares of valid values are of measures; counts and their shares of categories.
    let of_measures = statistic.is_some() || content == Content::Valid;
    let value = |position: &[usize], measure: usize| crate::arrange::value(table, position, content, measure, &[1]);
    let measures = if of_measures { table.measures.len() } else { 1 };
    let kind = match of_measures {
        true => crate::grid::kind(content, table.measures.first()?.kind),
        false => NumberKind::Integer,
    };
    let measure_name = |m: usize| {
        let measure = &table.measures[m];
        measure.label.clone().unwrap_or_else(|| measure.name.clone())
    };
    let dimensions = table.dimensions.len();
    if dimensions == 0 {
        let bars = (0..measures).map(|m| Bar {
            name: if of_measures { measure_name(m) } else { say(words::TOTAL, language).to_owned() },
            value: value(&[], m),
            series: m,
        });
        return Some((vec![Group { name: None, bars: bars.collect() }], kind));
    }
    // The variable of a chart of counts is the second dimension, as in a table; measures have groups alone.
    let along = if of_measures { dimensions - 1 } else { 1.min(dimensions - 1) };
    let others: Vec<usize> = (0..dimensions).filter(|d| *d != along).collect();
    let mut out = Vec::new();
    for measure in 0..measures {
        for at in 0..table.cells.len() {
            let mut position = table.position(at);
            let inner = others.iter().all(|d| position[*d] < table.dimensions[*d].categories.len());
            if !inner || position[along] != 0 {
                continue;
            }
            let mut names: Vec<String> = others.iter().map(|d| category(table, *d, position[*d], language)).collect();
            if measures > 1 {
                names.insert(0, measure_name(measure));
            }
            let bars = (0..table.dimensions[along].categories.len()).map(|c| {
                position[along] = c;
                let series = if others.is_empty() { measure } else { c };
                Bar { name: category(table, along, c, language), value: value(&position, measure), series }
            });
            let bars = bars.collect();
            out.push(Group { name: (!names.is_empty()).then(|| names.join(", ")), bars });
        }
    }
    Some((out, kind))
}

fn fits_upright(group: &Group) -> bool {
    let room = (WIDTH - 2.0 * MARGIN) / group.bars.len().max(1) as f64;
    group.bars.len() <= UPRIGHT && group.bars.iter().all(|b| b.name.chars().count() as f64 * CHARACTER <= room - 4.0)
}

impl Canvas<'_> {
    fn label(&self, value: Value) -> String {
        match value {
            Value::Hidden(_) => say(words::HIDDEN, self.drawing.language()).to_owned(),
            Value::Undefined => "–".to_owned(),
            Value::Value(_) if self.share => {
                format!("{}\u{a0}%", written(value, self.kind, true, self.drawing.language()).text)
            }
            Value::Value(_) => written(value, self.kind, false, self.drawing.language()).text,
        }
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, bar: &Bar) {
        let (at, size) = ([x, y], [width, height]);
        match bar.value {
            Value::Hidden(reason) => self.drawing.hidden(at, size, &bar.name, reason),
            _ => {
                let tip = format!("{}: {}", bar.name, self.label(bar.value));
                let mark = Mark::new(Shape::Rect { at, size, round: 1.5 }).fill(Paint::Series(bar.series));
                self.drawing.push(mark.tip(tip).class("hap-bar"));
            }
        }
    }

    fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        self.drawing.text([x, y], anchor, text);
    }

    fn baseline(&mut self, x1: f64, y1: f64, x2: f64, y2: f64) {
        self.drawing.rule([x1, y1], [x2, y2], 0.5);
    }

    /// Few bars side by side, the number above and the name below each.
    fn upright(&mut self, group: &Group, high: f64) -> f64 {
        let (top, floor) = (self.top + 24.0, self.top + 184.0);
        let room = (WIDTH - 2.0 * MARGIN) / group.bars.len() as f64;
        let width = (room * 0.7).min(56.0);
        for (i, bar) in group.bars.iter().enumerate() {
            let middle = MARGIN + room * (i as f64 + 0.5);
            let height = match bar.value {
                Value::Value(x) if high > 0.0 => (x / high * (floor - top)).max(0.0),
                Value::Hidden(_) => 14.0,
                _ => 0.0,
            };
            if height > 0.0 {
                self.rect(middle - width / 2.0, floor - height, width, height, bar);
            }
            let label = self.label(bar.value);
            self.text(middle, floor - height - 5.0, Anchor::Middle, &label);
            self.text(middle, floor + LINE, Anchor::Middle, &bar.name);
        }
        self.baseline(MARGIN, floor, WIDTH - MARGIN, floor);
        floor + LINE + MARGIN
    }

    /// Bars that lie below each other: name and number on one line, the bar on the next.
    fn lying(&mut self, groups: &[Group], low: f64, high: f64) -> f64 {
        let span = (high - low).max(f64::MIN_POSITIVE);
        let length = WIDTH - 2.0 * MARGIN;
        let x = |value: f64| MARGIN + (value - low) / span * length;
        let zero = x(0.0);
        let mut y = self.top + 4.0;
        let start = y;
        for group in groups {
            if let Some(name) = &group.name {
                y += LINE + 4.0;
                self.drawing.bold([MARGIN, y], &clip(name, length));
            }
            for bar in &group.bars {
                y += LINE;
                let label = self.label(bar.value);
                let room = length - (label.chars().count() as f64 + 2.0) * CHARACTER;
                self.text(MARGIN, y, Anchor::Start, &clip(&bar.name, room));
                self.text(WIDTH - MARGIN, y, Anchor::End, &label);
                y += 4.0;
                match bar.value {
                    Value::Value(v) => {
                        self.rect(x(v.min(0.0)), y, (x(v.max(0.0)) - x(v.min(0.0))).max(0.5), 10.0, bar);
                    }
                    Value::Hidden(_) => self.rect(zero, y, 24.0, 10.0, bar),
                    Value::Undefined => {}
                }
                y += 12.0;
            }
        }
        // Without negative bars the common left edge is the base line.
        if low < 0.0 {
            self.baseline(zero, start + 4.0, zero, y + 2.0);
        }
        y + MARGIN
    }

    /// One lying bar per group, its parts after each other; the names of the parts above, with their colours.
    fn stacked(&mut self, groups: &[Group]) -> f64 {
        let length = WIDTH - 2.0 * MARGIN;
        let sum = |g: &Group| g.bars.iter().filter_map(|b| b.value.number()).sum::<f64>();
        let high = groups.iter().map(sum).fold(f64::MIN_POSITIVE, f64::max);
        let names = |bar: &Bar| (bar.name.clone(), Paint::Series(bar.series), 1.0);
        let legend: Vec<_> = groups[0].bars.iter().map(names).collect();
        let mut y = self.drawing.legend(&legend, self.top + 10.0) + 2.0;
        for group in groups {
            y += LINE + 2.0;
            let hidden = group.bars.iter().filter(|b| b.value.hidden().is_some()).count();
            let aside = if hidden == 0 {
                String::new()
            } else {
                format!("{hidden} {}", say(words::HIDDEN, self.drawing.language()))
            };
            let room = length - (aside.chars().count() as f64 + 2.0) * CHARACTER;
            self.text(MARGIN, y, Anchor::Start, &clip(group.name.as_deref().unwrap_or_default(), room));
            self.text(WIDTH - MARGIN, y, Anchor::End, &aside);
            y += 4.0;
            let mut x = MARGIN;
            for bar in &group.bars {
                if let Value::Value(v) = bar.value {
                    let width = v / high * length;
                    self.rect(x, y, (width - 1.0).max(0.3), 16.0, bar);
                    let label = self.label(bar.value);
                    // The number stands in its part where it fits, in the ink that has contrast enough on that fill.
                    if label.chars().count() as f64 * CHARACTER + 6.0 < width {
                        let at = [x + width / 2.0, y + 12.0];
                        let shape = text_shape(at, Anchor::Middle, label, 12.0, false);
                        let mark = Mark::new(shape).fill(Paint::OnSeries(bar.series)).class("hap-on-bar");
                        self.drawing.push(mark);
                    }
                    x += width;
                }
            }
            y += 20.0;
        }
        y + MARGIN
    }
}
