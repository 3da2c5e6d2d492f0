//! Bar charts as SVG. Drawn 360 units wide, so that text is readable on the narrowest phone, and scaled up by the page.
//!
//! Every bar carries its name and its number: no legend to look up, and no colour that alone means something. A bar whose
//! number is hidden stands as a short dotted block with the word for it. Upright bars are used where few and short names
//! leave room for them; otherwise the bars lie, whatever was asked for, because a chart must be readable first.

use std::fmt::Write as _;

use disclosure::{Chart, Content, NumberKind, Table, Value};
use kernel::Language;

use crate::Presentation;
use crate::grid::{category, title, written};
use crate::html::{escape, why};
use crate::words::{self, say};

const WIDTH: f64 = 360.0;
const MARGIN: f64 = 8.0;
const LINE: f64 = 16.0;
/// A digit of the system typefaces at 12 units is about this wide; used to keep texts inside the drawing.
const CHARACTER: f64 = 6.4;
/// Most upright bars on the narrowest screen.
const UPRIGHT: usize = 8;

/// Fills in the order of the series: a sequence that colour-blind readers tell apart, with fallbacks for files.
const FILLS: [&str; 6] = [
    "var(--hap-series-1, #0072b2)",
    "var(--hap-series-2, #d55e00)",
    "var(--hap-series-3, #009e73)",
    "var(--hap-series-4, #cc79a7)",
    "var(--hap-series-5, #56b4e9)",
    "var(--hap-series-6, #e69f00)",
];

/// Text on a fill; the first fill is too dark for black.
const INK: &str = "var(--hap-on-series, #000)";
const INK_ON_FIRST: &str = "var(--hap-on-series-1, #fff)";

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
    out: String,
    how: Presentation<'a>,
    kind: NumberKind,
    share: bool,
}

pub(crate) fn render(table: &Table, chart: &Chart, how: Presentation<'_>) -> Option<String> {
    let (groups, kind) = groups(table, chart.content, how.language)?;
    let shown = groups.iter().flat_map(|g| &g.bars).filter_map(|b| b.value.number());
    let high = shown.clone().fold(0.0f64, f64::max);
    let low = shown.clone().fold(0.0f64, f64::min);
    if groups.iter().all(|g| g.bars.is_empty()) || shown.count() == 0 || kind == NumberKind::Date {
        return None;
    }
    let mut canvas =
        Canvas { out: String::new(), how, kind, share: matches!(chart.content, Content::Share(_) | Content::Valid) };
    let single = groups.len() == 1 && groups[0].name.is_none();
    let height = if chart.stacked && !single && low >= 0.0 {
        canvas.stacked(&groups)
    } else if !chart.horizontal && single && low >= 0.0 && fits_upright(&groups[0]) {
        canvas.upright(&groups[0], high)
    } else {
        canvas.lying(&groups, low, high)
    };
    Some(frame(table, chart, &canvas, height))
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

fn frame(table: &Table, chart: &Chart, canvas: &Canvas<'_>, height: f64) -> String {
    let (how, language) = (canvas.how, canvas.how.language);
    let id = escape(how.id);
    let variables: Vec<String> = (0..table.dimensions.len()).map(|d| title(table, d)).collect();
    let what = words::content(chart.content, language);
    let by = say(["etter", "etter", "by"], language);
    let over = if variables.is_empty() { String::new() } else { format!(" {by} {}", variables.join(", ")) };
    let kind = say(["Søylediagram", "Søylediagram", "Bar chart"], language);
    let same = say(
        ["Tabellen viser de samme tallene.", "Tabellen viser dei same tala.", "The table shows the same numbers."],
        language,
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hap-chart\" role=\"img\" lang=\"{code}\" \
         aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 360 {height:.0}\" font-family=\"Inter, system-ui, sans-serif\" \
         font-size=\"12\" fill=\"currentColor\"><title id=\"{id}-t\">{caption}</title>\
         <desc id=\"{id}-d\">{desc}</desc><defs><pattern id=\"{id}-p\" width=\"5\" height=\"5\" \
         patternUnits=\"userSpaceOnUse\"><circle cx=\"1.5\" cy=\"1.5\" r=\"1.1\" fill=\"currentColor\"/></pattern></defs>\
         <text x=\"{MARGIN}\" y=\"16\" font-weight=\"600\">{heading}</text>{body}</svg>",
        code = language.code(),
        caption = escape(how.caption),
        desc = escape(&format!("{kind}. {what}{over}. {same}")),
        heading = escape(&clip(&format!("{what}{over}"), WIDTH - 2.0 * MARGIN)),
        body = canvas.out,
    )
}

impl Canvas<'_> {
    fn label(&self, value: Value) -> String {
        match value {
            Value::Hidden(_) => say(words::HIDDEN, self.how.language).to_owned(),
            Value::Undefined => "–".to_owned(),
            Value::Value(_) if self.share => {
                format!("{}\u{a0}%", written(value, self.kind, true, self.how.language).text)
            }
            Value::Value(_) => written(value, self.kind, false, self.how.language).text,
        }
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, bar: &Bar) {
        let language = self.how.language;
        let tip = match bar.value {
            Value::Hidden(reason) => format!("{}: {}", bar.name, why(reason, language)),
            _ => format!("{}: {}", bar.name, self.label(bar.value)),
        };
        let (fill, class) = match bar.value {
            Value::Hidden(_) => (format!("url(#{}-p)", escape(self.how.id)), "hap-bar hap-bar-hidden"),
            _ => (FILLS[bar.series % FILLS.len()].to_owned(), "hap-bar"),
        };
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"1.5\" \
             fill=\"{fill}\"><title>{}</title></rect>",
            escape(&tip)
        );
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let _ = write!(self.out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(text));
    }

    fn baseline(&mut self, x1: f64, y1: f64, x2: f64, y2: f64) {
        let _ = write!(
            self.out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"currentColor\" \
             stroke-opacity=\"0.5\"/>"
        );
    }

    /// Few bars side by side, the number above and the name below each.
    fn upright(&mut self, group: &Group, high: f64) -> f64 {
        let (top, floor) = (48.0, 208.0);
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
            self.text(middle, floor - height - 5.0, "middle", &label);
            self.text(middle, floor + LINE, "middle", &bar.name);
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
        let mut y = 28.0;
        let start = y;
        for group in groups {
            if let Some(name) = &group.name {
                y += LINE + 4.0;
                let name = escape(&clip(name, length));
                let _ = write!(self.out, "<text x=\"{MARGIN}\" y=\"{y:.1}\" font-weight=\"600\">{name}</text>");
            }
            for bar in &group.bars {
                y += LINE;
                let label = self.label(bar.value);
                let room = length - (label.chars().count() as f64 + 2.0) * CHARACTER;
                self.text(MARGIN, y, "start", &clip(&bar.name, room));
                self.text(WIDTH - MARGIN, y, "end", &label);
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
        let mut y = self.legend(&groups[0], 34.0);
        for group in groups {
            y += LINE + 2.0;
            let hidden = group.bars.iter().filter(|b| b.value.hidden().is_some()).count();
            let aside =
                if hidden == 0 { String::new() } else { format!("{hidden} {}", say(words::HIDDEN, self.how.language)) };
            let room = length - (aside.chars().count() as f64 + 2.0) * CHARACTER;
            self.text(MARGIN, y, "start", &clip(group.name.as_deref().unwrap_or_default(), room));
            self.text(WIDTH - MARGIN, y, "end", &aside);
            y += 4.0;
            let mut x = MARGIN;
            for bar in &group.bars {
                if let Value::Value(v) = bar.value {
                    let width = v / high * length;
                    self.rect(x, y, (width - 1.0).max(0.3), 16.0, bar);
                    let label = self.label(bar.value);
                    // The number stands in its part where it fits, in the ink that has contrast enough on that fill.
                    let ink = if bar.series % FILLS.len() == 0 { INK_ON_FIRST } else { INK };
                    if label.chars().count() as f64 * CHARACTER + 6.0 < width {
                        let _ = write!(
                            self.out,
                            "<text class=\"hap-on-bar\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" \
                             fill=\"{ink}\">{}</text>",
                            x + width / 2.0,
                            y + 12.0,
                            escape(&label)
                        );
                    }
                    x += width;
                }
            }
            y += 20.0;
        }
        y + MARGIN
    }

    fn legend(&mut self, group: &Group, top: f64) -> f64 {
        let (mut x, mut y) = (MARGIN, top);
        for bar in &group.bars {
            let name = clip(&bar.name, WIDTH - 2.0 * MARGIN - 16.0);
            let width = 16.0 + name.chars().count() as f64 * CHARACTER + 12.0;
            if x + width > WIDTH - MARGIN && x > MARGIN {
                x = MARGIN;
                y += LINE;
            }
            let fill = FILLS[bar.series % FILLS.len()];
            let _ = write!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{fill}\"/>",
                y - 9.0
            );
            self.text(x + 14.0, y, "start", &name);
            x += width;
        }
        y
    }
}

/// Text that fits into `room`, cut with an ellipsis where it must be; the whole text stands in the table.
fn clip(text: &str, room: f64) -> String {
    let most = (room / CHARACTER).floor().max(4.0) as usize;
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}
