//! A drawing as outlines with colours of light ground, for pictures that stand outside a page. Text becomes outlines of the typeface
//! that the program carries, so that a file looks the same everywhere and needs no font.

use std::sync::OnceLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::svg::{FILLS, SCALE};
use super::{Anchor, Drawing, Mark, Paint, Point, SERIES, Shape, Step};

/// Part of the radius of a circle that the control points of its quarters lie away (the usual approximation).
const QUARTER: f64 = 0.552_284_75;
/// Distance and size of the dots that stand for hidden numbers.
const DOTS: f64 = 5.0;
const DOT: f64 = 1.1;
/// Colour of text on light ground.
const INK: [u8; 3] = [0x1e, 0x2b, 0x3c];

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// An outline to be filled or drawn.
pub(crate) struct Outline {
    pub steps: Vec<Step>,
    pub fill: Option<Colour>,
    pub stroke: Option<(Colour, f64, Option<[f64; 2]>)>,
    pub opacity: f64,
}

/// The outlines of a drawing, from the lowest to the highest.
pub(crate) fn outlines(drawing: &Drawing<'_>) -> Vec<Outline> {
    drawing.marks.iter().flat_map(of_mark).collect()
}

fn of_mark(mark: &Mark) -> Vec<Outline> {
    let steps = steps(&mark.shape);
    if mark.fill == Paint::Hidden {
        return dots(&steps);
    }
    let stroke = mark.stroke.and_then(|s| Some((colour(s.paint)?, s.width, s.dash)));
    vec![Outline { steps, fill: colour(mark.fill), stroke, opacity: mark.opacity }]
}

fn steps(shape: &Shape) -> Vec<Step> {
    match shape {
        Shape::Rect { at: [x, y], size: [w, h], .. } => vec![
            Step::Move([*x, *y]),
            Step::Line([x + w, *y]),
            Step::Line([x + w, y + h]),
            Step::Line([*x, y + h]),
            Step::Close,
        ],
        Shape::Line { from, to } => vec![Step::Move(*from), Step::Line(*to)],
        Shape::Circle { at, radius } => circle(*at, *radius),
        Shape::Path(steps) => steps.clone(),
        Shape::Text { at, anchor, text, size, bold } => written(text, *at, *anchor, *size, *bold),
    }
}

fn circle([x, y]: Point, r: f64) -> Vec<Step> {
    let c = QUARTER * r;
    vec![
        Step::Move([x + r, y]),
        Step::Curve([[x + r, y + c], [x + c, y + r], [x, y + r]]),
        Step::Curve([[x - c, y + r], [x - r, y + c], [x - r, y]]),
        Step::Curve([[x - r, y - c], [x - c, y - r], [x, y - r]]),
        Step::Curve([[x + c, y - r], [x + r, y - c], [x + r, y]]),
        Step::Close,
    ]
}

/// Dots on a common grid whose centres lie inside an outline.
fn dots(outline: &[Step]) -> Vec<Outline> {
    let corners = flattened(outline);
    let bound = |axis: usize| {
        corners.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p[axis]), b.max(p[axis])))
    };
    let ((left, right), (top, bottom)) = (bound(0), bound(1));
    let places = |from: f64, to: f64| {
        let (first, last) = ((from / DOTS).floor() as i64, (to / DOTS).ceil() as i64);
        (first..=last).map(|i| i as f64 * DOTS + 1.5).filter(move |x| *x > from + DOT && *x < to - DOT)
    };
    let mut steps = Vec::new();
    for y in places(top, bottom) {
        steps.extend(places(left, right).filter(|x| inside(&corners, [*x, y])).flat_map(|x| circle([x, y], DOT)));
    }
    vec![Outline { steps, fill: Some(INK), stroke: None, opacity: 1.0 }]
}

/// The corners of an outline, curves by their ends and middles.
fn flattened(steps: &[Step]) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    for step in steps {
        match step {
            Step::Move(at) | Step::Line(at) => out.push(*at),
            Step::Curve([a, b, end]) => {
                let start = out.last().copied().unwrap_or(*end);
                let middle = |i: usize| (start[i] + 3.0 * a[i] + 3.0 * b[i] + end[i]) / 8.0;
                out.extend([[middle(0), middle(1)], *end]);
            }
            Step::Close => {}
        }
    }
    out
}

/// Whether a point lies inside a polygon: a ray to the right crosses its edges an odd number of times.
fn inside(corners: &[Point], [x, y]: Point) -> bool {
    let edges = corners.iter().zip(corners.iter().cycle().skip(1));
    let crosses =
        |(a, b): &(&Point, &Point)| (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0];
    edges.filter(crosses).count() % 2 == 1
}

fn colour(paint: Paint) -> Option<Colour> {
    match paint {
        Paint::None | Paint::Hidden => None,
        Paint::Ink => Some(INK),
        Paint::Paper => Some([255; 3]),
        Paint::Series(i) => Some(hex(FILLS[i % SERIES])),
        Paint::OnSeries(i) => Some(if i % SERIES == 0 { [255; 3] } else { [0; 3] }),
        Paint::Class(class) => Some(hex(SCALE[usize::from(class).min(SCALE.len() - 1)])),
    }
}

/// A colour as style sheets write it, `#0072b2`.
fn hex(text: &str) -> Colour {
    let part = |at: usize| text.get(at..at + 2).and_then(|t| u8::from_str_radix(t, 16).ok()).unwrap_or(0);
    [part(1), part(3), part(5)]
}

/// The typeface, regular and bold; none when it does not open, which a test excludes.
fn face(bold: bool) -> Option<&'static Face<'static>> {
    static FACES: [OnceLock<Option<Face<'static>>>; 2] = [OnceLock::new(), OnceLock::new()];
    let bytes = if bold { notosans::BOLD_TTF } else { notosans::REGULAR_TTF };
    FACES[usize::from(bold)].get_or_init(|| Face::parse(bytes, 0).ok()).as_ref()
}

/// The outlines of a text.
fn written(text: &str, [x, y]: Point, anchor: Anchor, size: f64, bold: bool) -> Vec<Step> {
    let Some(face) = face(bold) else { return Vec::new() };
    let unit = size / f64::from(face.units_per_em());
    let [start, _] = span(text, x, anchor, size, bold);
    let mut pen = Pen { steps: Vec::new(), origin: [start, y], unit, at: [0.0; 2] };
    for glyph in glyphs(face, text) {
        face.outline_glyph(glyph, &mut pen);
        pen.origin[0] += advance(face, glyph) * unit;
    }
    pen.steps
}

/// Where a text begins, and how long it is.
pub(crate) fn span(text: &str, x: f64, anchor: Anchor, size: f64, bold: bool) -> [f64; 2] {
    let Some(face) = face(bold) else { return [x, 0.0] };
    let unit = size / f64::from(face.units_per_em());
    let length = glyphs(face, text).map(|glyph| advance(face, glyph)).sum::<f64>() * unit;
    let start = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - length / 2.0,
        Anchor::End => x - length,
    };
    [start, length]
}

/// A character that the typeface lacks is a box, as readers know it.
fn glyphs(face: &Face<'_>, text: &str) -> impl Iterator<Item = GlyphId> {
    text.chars().map(|c| face.glyph_index(c).unwrap_or_default())
}

/// In units of the typeface.
fn advance(face: &Face<'_>, glyph: GlyphId) -> f64 {
    f64::from(face.glyph_hor_advance(glyph).unwrap_or(0))
}

/// Takes the outline of a glyph down at its place; its own axis points upwards.
struct Pen {
    steps: Vec<Step>,
    origin: Point,
    unit: f64,
    at: Point,
}

impl Pen {
    fn place(&self, x: f32, y: f32) -> Point {
        [self.origin[0] + f64::from(x) * self.unit, self.origin[1] - f64::from(y) * self.unit]
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.at = self.place(x, y);
        self.steps.push(Step::Move(self.at));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.at = self.place(x, y);
        self.steps.push(Step::Line(self.at));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (start, middle, end) = (self.at, self.place(x1, y1), self.place(x, y));
        // The same curve with two control points.
        let between = |from: Point| [0, 1].map(|i| from[i] + 2.0 / 3.0 * (middle[i] - from[i]));
        self.at = end;
        self.steps.push(Step::Curve([between(start), between(end), end]));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.at = self.place(x, y);
        self.steps.push(Step::Curve([self.place(x1, y1), self.place(x2, y2), self.at]));
    }

    fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_outlines_where_it_hangs() {
        let extent = |steps: &[Step]| {
            let corners = flattened(steps);
            let left = corners.iter().map(|p| p[0]).fold(f64::INFINITY, f64::min);
            (left, corners.iter().map(|p| p[0]).fold(f64::NEG_INFINITY, f64::max))
        };
        let (left, right) = extent(&written("Inntekt (kr) ≤ 5 æøåčđŋ", [100.0, 20.0], Anchor::Start, 12.0, false));
        assert!(left >= 100.0 && right > 200.0);
        let (left, right) = extent(&written("mm", [100.0, 20.0], Anchor::Middle, 12.0, true));
        assert!((f64::midpoint(left, right) - 100.0).abs() < 1.0);
        assert!(extent(&written("mm", [100.0, 20.0], Anchor::End, 12.0, false)).1 <= 100.0);
    }

    #[test]
    fn dots_stay_inside() {
        let outlines = dots(&steps(&Shape::Rect { at: [0.0, 0.0], size: [20.0, 10.0], round: 0.0 }));
        let circles = outlines[0].steps.iter().filter(|s| matches!(s, Step::Close)).count();
        assert_eq!(circles, 8);
        assert_eq!(hex("#d55e00"), [0xd5, 0x5e, 0]);
    }
}
