//! A drawing as one SVG element that can stand in a page or in a file of its own. Colours are variables of the style sheet with
//! the light ones as fallbacks; no inline styles, no scripts.

use std::fmt::Write as _;

use super::{Anchor, Drawing, Mark, Paint, SERIES, SIZE, Shape, Step, Stroke, WIDTH};
use crate::html::escape;

/// Fills of the series: a sequence that colour-blind readers tell apart.
pub(super) const FILLS: [&str; SERIES] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];
/// Text and lines of a file; on a page they have the colour of its text.
const INK: &str = "#1e2b3c";
/// Width of a file, in pixels.
const FILE_WIDTH: f64 = 480.0;
/// The scale from few to many: one hue, ever darker.
pub(super) const SCALE: [&str; super::CLASSES as usize] =
    ["#dbe9f6", "#c2daee", "#a3c8e4", "#7fb2d8", "#5a9bcb", "#3a83bd", "#216bab", "#115494", "#083f79", "#062a56"];

/// The element within a page, which gives it its colours and its width.
pub(crate) fn svg(drawing: &Drawing<'_>) -> String {
    element(drawing, "", "")
}

/// The element of a file of its own: in ink on paper, wherever it is put, and of a size.
pub(crate) fn svg_file(drawing: &Drawing<'_>) -> String {
    let size = format!(" color=\"{INK}\" width=\"{FILE_WIDTH}\" height=\"{:.0}\"", drawing.height * FILE_WIDTH / WIDTH);
    element(drawing, &size, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>")
}

fn element(drawing: &Drawing<'_>, attributes: &str, ground: &str) -> String {
    let id = escape(drawing.how.id);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{attributes} class=\"hap-chart\" role=\"img\" lang=\"{code}\" \
         aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 360 {height:.0}\" font-family=\"Inter, system-ui, sans-serif\" \
         font-size=\"12\" fill=\"currentColor\"><title id=\"{id}-t\">{caption}</title>\
         <desc id=\"{id}-d\">{desc}</desc><defs><pattern id=\"{id}-p\" width=\"5\" height=\"5\" \
         patternUnits=\"userSpaceOnUse\"><circle cx=\"1.5\" cy=\"1.5\" r=\"1.1\" fill=\"currentColor\"/></pattern></defs>{ground}",
        code = drawing.how.language.code(),
        height = drawing.height,
        caption = escape(drawing.how.caption),
        desc = escape(&drawing.description),
    );
    for mark in &drawing.marks {
        write_mark(&mut out, mark, &id);
    }
    out.push_str("</svg>");
    out
}

fn write_mark(out: &mut String, mark: &Mark, id: &str) {
    let class = mark.class.map_or_else(String::new, |class| format!(" class=\"{class}\""));
    let colours = colours(mark, id);
    match &mark.shape {
        Shape::Text { at: [x, y], anchor, text, size, bold } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let size = if *size == SIZE { String::new() } else { format!(" font-size=\"{size}\"") };
            let bold = if *bold { " font-weight=\"600\"" } else { "" };
            let _ = write!(
                out,
                "<text{class} x=\"{x:.1}\" y=\"{y:.1}\"{anchor}{size}{bold}{colours}>{}</text>",
                escape(text)
            );
            return;
        }
        Shape::Rect { at: [x, y], size: [w, h], round } => {
            let round = if *round > 0.0 { format!(" rx=\"{round}\"") } else { String::new() };
            let _ = write!(
                out,
                "<rect{class} x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"{round}{colours}"
            );
        }
        Shape::Line { from: [x1, y1], to: [x2, y2] } => {
            let _ = write!(out, "<line{class} x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"{colours}");
        }
        Shape::Circle { at: [x, y], radius } => {
            let _ = write!(out, "<circle{class} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"{colours}");
        }
        Shape::Path(steps) => {
            let _ = write!(out, "<path{class} d=\"{}\"{colours}", outline(steps));
        }
    }
    match &mark.tip {
        None => out.push_str("/>"),
        Some(tip) => {
            let name = match mark.shape {
                Shape::Rect { .. } => "rect",
                Shape::Line { .. } => "line",
                Shape::Circle { .. } => "circle",
                Shape::Path(_) | Shape::Text { .. } => "path",
            };
            let _ = write!(out, "><title>{}</title></{name}>", escape(tip));
        }
    }
}

fn outline(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        let _ = match step {
            Step::Move([x, y]) => write!(out, "M{x:.1} {y:.1}"),
            Step::Line([x, y]) => write!(out, "L{x:.1} {y:.1}"),
            Step::Curve([[a, b], [c, d], [x, y]]) => write!(out, "C{a:.1} {b:.1} {c:.1} {d:.1} {x:.1} {y:.1}"),
            Step::Close => write!(out, "Z"),
        };
    }
    out
}

fn colours(mark: &Mark, id: &str) -> String {
    let mut out = String::new();
    let text = matches!(mark.shape, Shape::Text { .. });
    let line = matches!(mark.shape, Shape::Line { .. });
    // The element's own fill is that of the text.
    if !(mark.fill == Paint::Ink || (line && mark.fill == Paint::None)) {
        let _ = write!(out, " fill=\"{}\"", colour(mark.fill, id));
    }
    if let Some(Stroke { paint, width, dash }) = mark.stroke {
        let _ = write!(out, " stroke=\"{}\"", colour(paint, id));
        if width != 1.0 {
            let _ = write!(out, " stroke-width=\"{width}\"");
        }
        if let Some([stroke, gap]) = dash {
            let _ = write!(out, " stroke-dasharray=\"{stroke} {gap}\"");
        }
        if matches!(mark.shape, Shape::Path(_)) {
            out.push_str(" stroke-linejoin=\"round\"");
        }
    }
    if mark.opacity < 1.0 && !text {
        let _ = write!(out, " opacity=\"{}\"", mark.opacity);
    }
    out
}

fn colour(paint: Paint, id: &str) -> String {
    match paint {
        Paint::None => "none".to_owned(),
        Paint::Ink => "currentColor".to_owned(),
        Paint::Paper => "var(--hap-paper, #fff)".to_owned(),
        Paint::Series(i) => {
            let i = i % SERIES;
            format!("var(--hap-series-{}, {})", i + 1, FILLS[i])
        }
        // The first fill is too dark for black.
        Paint::OnSeries(i) if i % SERIES == 0 => "var(--hap-on-series-1, #fff)".to_owned(),
        Paint::OnSeries(_) => "var(--hap-on-series, #000)".to_owned(),
        Paint::Class(class) => {
            let class = usize::from(class).min(SCALE.len() - 1);
            format!("var(--hap-class-{}, {})", class + 1, SCALE[class])
        }
        Paint::Hidden => format!("url(#{id}-p)"),
    }
}
