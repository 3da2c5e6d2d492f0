//! Coefficients of a model without its constant: points with intervals against a line that says no effect. Ratios stand on an axis
//! of equal ratios.

use disclosure::{Effect, Estimate, Model, Value};

use crate::Presentation;
use crate::draw::axes;
use crate::draw::{Anchor, Drawing, LINE, MARGIN, Mark, Paint, SIZE, Shape, Stroke, WIDTH, clip, range, width};
use crate::models::{CONSTANT, plain, split, term_name, title};
use crate::words::{self, say};

pub(super) fn draw<'a>(model: &Model, how: Presentation<'a>) -> Option<Drawing<'a>> {
    let head = &model.head;
    let terms: Vec<&Estimate> = model.terms.iter().filter(|t| split(head, &t.label).1 != CONSTANT).collect();
    let [low, high] = range(terms.iter().flat_map(|t| [t.b, t.low, t.high]))?;
    let ratio = matches!(head.effect, Effect::OddsRatio | Effect::RateRatio | Effect::HazardRatio) && low > 0.0;
    let none = if ratio { 1.0 } else { 0.0 };
    let limits = [low.min(none), high.max(none)];
    let language = how.language;
    let level = format!("{}\u{a0}%-{}", crate::format::number(model.level, language), say(words::INTERVAL, language));
    let effect = say(words::effect(head.effect), language);
    let response = title(&head.titles, &head.response);
    let heading = format!("{effect}, {level}: {response}");
    let mut drawing = Drawing::new(say(words::COEFPLOT, language), &heading, how);
    let top = drawing.height;
    let area = axes::Box { left: MARGIN + 6.0, right: WIDTH - MARGIN - 6.0, top, bottom: 0.0 };
    let scale = if ratio {
        // A little room to either side, so that no interval ends at the edge.
        let room = (limits[1] / limits[0]).powf(0.05);
        axes::Scale::of_ratios([limits[0] / room, limits[1] * room], area.left, area.right)
    } else {
        axes::Scale::new(axes::rounded(limits, 5), area.left, area.right)
    };
    let (ticks, labels) = axes::level_ticks(&scale, area.right - area.left, language);
    let zero = scale.at(none);
    let mut y = top + 4.0;
    for (i, term) in terms.iter().enumerate() {
        if let Some(equation) = starts(model, &terms, i, term) {
            y += LINE + 4.0;
            drawing.bold([MARGIN, y - 2.0], &clip(&title(&head.titles, equation), WIDTH - 2.0 * MARGIN));
        }
        y += LINE;
        // The lines of the axis lie beside the marks alone: text is not crossed.
        for tick in &ticks {
            drawing.rule([scale.at(*tick), y + 2.0], [scale.at(*tick), y + 17.0], 0.2);
        }
        let line = Shape::Line { from: [zero, y + 1.0], to: [zero, y + 18.0] };
        drawing.push(Mark::new(line).stroke(Stroke::solid(Paint::Ink, 1.5)).opacity(0.7));
        row(&mut drawing, model, term, &scale, y);
        y += 20.0;
    }
    let bottom = y + 2.0;
    drawing.height = axes::level(&mut drawing, axes::Box { bottom, ..area }, &scale, &ticks, &labels, effect) + MARGIN;
    Some(drawing)
}

/// The equation that begins with a term, where the model has several.
fn starts<'m>(model: &Model, terms: &[&'m Estimate], at: usize, term: &'m Estimate) -> Option<&'m str> {
    let equation = split(&model.head, &term.label).0?;
    let before = at.checked_sub(1).and_then(|i| split(&model.head, &terms[i].label).0);
    (before != Some(equation)).then_some(equation)
}

/// Name and number on one line, point and interval below.
fn row(drawing: &mut Drawing<'_>, model: &Model, term: &Estimate, scale: &axes::Scale, y: f64) {
    let language = drawing.language();
    let name = term_name(&model.head.titles, split(&model.head, &term.label).1, language);
    let number = |value: Value| plain(value, language).text;
    let label = match (term.b, term.low, term.high) {
        (Value::Hidden(_), ..) => say(words::HIDDEN, language).to_owned(),
        (b, low, high) if low.number().is_some() && high.number().is_some() => {
            format!("{} ({}; {})", number(b), number(low), number(high))
        }
        (b, ..) => number(b),
    };
    let room = WIDTH - 2.0 * MARGIN - width(&label, SIZE) - 8.0;
    drawing.text([MARGIN, y], Anchor::Start, &clip(&name, room));
    drawing.text([WIDTH - MARGIN, y], Anchor::End, &label);
    let middle = y + 9.0;
    if let (Some(low), Some(high)) = (term.low.number(), term.high.number()) {
        let shape = Shape::Line { from: [scale.at(low), middle], to: [scale.at(high), middle] };
        drawing.push(Mark::new(shape).stroke(Stroke::solid(Paint::Series(0), 2.0)));
    }
    match term.b {
        Value::Value(b) => {
            let mark = Mark::new(Shape::Circle { at: [scale.at(b), middle], radius: 4.0 }).fill(Paint::Series(0));
            drawing.push(mark.tip(format!("{name}: {label}")).class("hap-bar"));
        }
        Value::Hidden(reason) => drawing.hidden([MARGIN, middle - 5.0], [24.0, 10.0], &name, reason),
        Value::Undefined => {}
    }
}
