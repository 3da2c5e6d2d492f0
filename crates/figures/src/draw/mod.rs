//! A drawing: marks in units of a screen 360 wide, from which every kind of picture is made. So text is readable on the narrowest
//! phone, the page scales it up, and a file for a paper shows the same.
//!
//! What it is not: it knows no statistic. The plots place marks, the backends write them down.

pub(crate) mod axes;
mod flat;
mod pdf;
mod png;
mod svg;

use disclosure::{Reason, Value};
use kernel::Language;

use crate::Presentation;
use crate::html::why;
use crate::words::{self, say};

pub(crate) use pdf::pdf;
pub(crate) use png::png;
pub(crate) use svg::{svg, svg_file};

/// Width of every drawing.
pub(crate) const WIDTH: f64 = 360.0;
/// Room at its edges.
pub(crate) const MARGIN: f64 = 8.0;
/// From one line of text to the next.
pub(crate) const LINE: f64 = 16.0;
/// Size of text.
pub(crate) const SIZE: f64 = 12.0;
/// Size of text at axes.
pub(crate) const SMALL: f64 = 11.0;
/// A digit of the system typefaces at [`SIZE`] is about this wide; used to keep texts inside the drawing.
pub(crate) const CHARACTER: f64 = 6.4;
/// How much wider bold text is.
pub(crate) const BOLD: f64 = 1.15;
/// Number of fills that colour-blind readers tell apart.
pub(crate) const SERIES: usize = 6;
/// Number of colours of a scale from few to many.
pub(crate) const CLASSES: u8 = 10;

/// A point.
pub(crate) type Point = [f64; 2];

/// A colour by its meaning; the backend knows which it is on light and dark ground.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Paint {
    /// No colour.
    None,
    /// That of the text.
    Ink,
    /// That of the ground.
    Paper,
    /// That of a series, from 0.
    Series(usize),
    /// Of text on a series.
    OnSeries(usize),
    /// A step of the scale from few to many, 0 to 9.
    Class(u8),
    /// Dots: there is a number, and it is hidden.
    Hidden,
}

/// A line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Stroke {
    pub paint: Paint,
    pub width: f64,
    /// Lengths of strokes and gaps; none for a solid line.
    pub dash: Option<[f64; 2]>,
}

impl Stroke {
    pub(crate) const fn solid(paint: Paint, width: f64) -> Self {
        Self { paint, width, dash: None }
    }
}

/// A part of an outline.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Step {
    Move(Point),
    Line(Point),
    /// Two control points and the end.
    Curve([Point; 3]),
    Close,
}

/// Where a text hangs on its point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// What is drawn.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Shape {
    Rect { at: Point, size: Point, round: f64 },
    Line { from: Point, to: Point },
    Path(Vec<Step>),
    Circle { at: Point, radius: f64 },
    Text { at: Point, anchor: Anchor, text: String, size: f64, bold: bool },
}

/// A shape with its colours.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Mark {
    pub shape: Shape,
    pub fill: Paint,
    pub stroke: Option<Stroke>,
    /// Of fill and line together, 0 to 1.
    pub opacity: f64,
    /// What it says when one points at it.
    pub tip: Option<String>,
    /// The class of the style sheet.
    pub class: Option<&'static str>,
}

impl Mark {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, fill: Paint::None, stroke: None, opacity: 1.0, tip: None, class: None }
    }

    pub(crate) fn fill(self, fill: Paint) -> Self {
        Self { fill, ..self }
    }

    pub(crate) fn stroke(self, stroke: Stroke) -> Self {
        Self { stroke: Some(stroke), ..self }
    }

    pub(crate) fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    pub(crate) fn tip(self, tip: String) -> Self {
        Self { tip: Some(tip), ..self }
    }

    pub(crate) fn class(self, class: &'static str) -> Self {
        Self { class: Some(class), ..self }
    }
}

/// A picture before it is written down.
pub(crate) struct Drawing<'a> {
    pub how: Presentation<'a>,
    /// What it shows, for those who do not see it.
    pub description: String,
    pub height: f64,
    pub marks: Vec<Mark>,
}

impl<'a> Drawing<'a> {
    /// A drawing with its heading, broken over lines where it must be. `kind` says what kind of figure it is.
    pub(crate) fn new(kind: &str, heading: &str, how: Presentation<'a>) -> Self {
        let same = say(words::SAME_NUMBERS, how.language);
        let description = format!("{kind}. {heading}. {same}");
        let mut drawing = Self { how, description, height: MARGIN, marks: Vec::new() };
        for line in wrapped(heading, (WIDTH - 2.0 * MARGIN) / BOLD, 3) {
            let at = [MARGIN, drawing.height + LINE - 8.0];
            drawing.marks.push(Mark::new(text_shape(at, Anchor::Start, line, SIZE, true)).fill(Paint::Ink));
            drawing.height += LINE;
        }
        drawing
    }

    pub(crate) fn language(&self) -> Language {
        self.how.language
    }

    pub(crate) fn push(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// A line of text.
    pub(crate) fn text(&mut self, at: Point, anchor: Anchor, text: &str) {
        self.sized(at, anchor, text, SIZE);
    }

    /// A line of text at an axis.
    pub(crate) fn small(&mut self, at: Point, anchor: Anchor, text: &str) {
        self.sized(at, anchor, text, SMALL);
    }

    fn sized(&mut self, at: Point, anchor: Anchor, text: &str, size: f64) {
        if !text.is_empty() {
            self.push(Mark::new(text_shape(at, anchor, text.to_owned(), size, false)).fill(Paint::Ink));
        }
    }

    /// A heading within the drawing: a panel, a group.
    pub(crate) fn bold(&mut self, at: Point, text: &str) {
        self.push(Mark::new(text_shape(at, Anchor::Start, text.to_owned(), SIZE, true)).fill(Paint::Ink));
    }

    /// A thin line: an axis, a base line.
    pub(crate) fn rule(&mut self, from: Point, to: Point, opacity: f64) {
        let stroke = Stroke::solid(Paint::Ink, 1.0);
        self.push(Mark::new(Shape::Line { from, to }).stroke(stroke).opacity(opacity));
    }

    /// A block that stands for a hidden number and says why it is hidden.
    pub(crate) fn hidden(&mut self, at: Point, size: Point, name: &str, reason: Reason) {
        let tip = format!("{name}: {}", why(reason, self.language()));
        let shape = Shape::Rect { at, size, round: 1.5 };
        self.push(Mark::new(shape).fill(Paint::Hidden).tip(tip).class("hap-bar hap-bar-hidden"));
    }

    /// Names with the colours of their series, after each other on as many lines as they need; the base line of the last one.
    pub(crate) fn legend(&mut self, names: &[(String, Paint, f64)], top: f64) -> f64 {
        let (mut x, mut y) = (MARGIN, top);
        for (name, paint, opacity) in names {
            let name = clip(name, WIDTH - 2.0 * MARGIN - 16.0);
            let width = 16.0 + width(&name, SIZE) + 12.0;
            if x + width > WIDTH - MARGIN && x > MARGIN {
                x = MARGIN;
                y += LINE;
            }
            let shape = Shape::Rect { at: [x, y - 9.0], size: [10.0, 10.0], round: 0.0 };
            self.push(Mark::new(shape).fill(*paint).opacity(*opacity));
            self.text([x + 14.0, y], Anchor::Start, &name);
            x += width;
        }
        y
    }
}

pub(crate) fn text_shape(at: Point, anchor: Anchor, text: String, size: f64, bold: bool) -> Shape {
    Shape::Text { at, anchor, text, size, bold }
}

/// About how wide a text is.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * CHARACTER * size / SIZE
}

/// Text that fits into `room`, cut with an ellipsis where it must be; the whole text stands in the table.
pub(crate) fn clip(text: &str, room: f64) -> String {
    let most = (room / CHARACTER).floor().max(4.0) as usize;
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// Text over as many lines as it needs, at most `lines`; the last one is cut.
pub(crate) fn wrapped(text: &str, room: f64, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let last = out.len() - 1;
        let longer = if out[last].is_empty() { word.to_owned() } else { format!("{} {word}", out[last]) };
        if out[last].is_empty() || width(&longer, SIZE) <= room || out.len() == lines {
            out[last] = longer;
        } else {
            out.push(word.to_owned());
        }
    }
    out.into_iter().map(|line| clip(&line, room)).collect()
}

/// The highest and lowest of the numbers that are shown; none when none is.
pub(crate) fn range(values: impl Iterator<Item = Value>) -> Option<[f64; 2]> {
    let mut range: Option<[f64; 2]> = None;
    for x in values.filter_map(Value::number).filter(|x| x.is_finite()) {
        let [low, high] = range.unwrap_or([x, x]);
        range = Some([low.min(x), high.max(x)]);
    }
    range
}
