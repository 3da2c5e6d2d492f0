//! Flows between neighbouring variables: a column of categories per variable, and between two columns a band per pair whose width is
//! the released count. Hidden flows are not drawn, and it is said how many there are.

use disclosure::{Table, Value};

use crate::Presentation;
use crate::draw::{Anchor, Drawing, LINE, MARGIN, Mark, Paint, SMALL, Shape, Step, WIDTH, clip, text_shape};
use crate::format;
use crate::grid::{category, title};
use crate::words::{self, say};

/// Height of a column without its gaps.
const HEIGHT: f64 = 220.0;
const GAP: f64 = 8.0;
/// Width of a node.
const NODE: f64 = 10.0;

/// A flow between two neighbouring columns.
struct Flow {
    step: usize,
    from: usize,
    to: usize,
    n: f64,
}

/// A category of a variable.
struct Node {
    name: String,
    /// The larger of what comes in and what goes out.
    size: f64,
    top: f64,
    /// How much of its left and right side is used.
    used: [f64; 2],
}

pub(super) fn draw<'a>(tables: &[Table], how: Presentation<'a>) -> Option<Drawing<'a>> {
    if tables.is_empty() || tables.iter().any(|t| t.dimensions.len() != 2) {
        return None;
    }
    let language = how.language;
    let dimensions = || std::iter::once((&tables[0], 0)).chain(tables.iter().map(|t| (t, 1)));
    let titles: Vec<String> = dimensions().map(|(table, d)| title(table, d)).collect();
    // Variables with one title, a status at several times, are told apart by their names.
    let once = |own: &String| titles.iter().filter(|t| *t == own).count() == 1;
    let name = |((table, d), title): ((&Table, usize), &String)| match once(title) {
        true => title.clone(),
        false => table.dimensions[d].name.clone(),
    };
    let names: Vec<String> = dimensions().zip(&titles).map(name).collect();
    let mut columns = columns(tables, how);
    let (flows, hidden) = flows(tables, &columns)?;
    for flow in &flows {
        columns[flow.step][flow.from].used[1] += flow.n;
        columns[flow.step + 1][flow.to].used[0] += flow.n;
    }
    for node in columns.iter_mut().flatten() {
        node.size = node.used[0].max(node.used[1]);
        node.used = [0.0; 2];
    }
    let mut heading = format!("{}: {}", say(words::COUNT_OF_PERSONS, language), names.join(" → "));
    if titles.iter().all(|title| *title == titles[0]) {
        heading = format!("{heading} ({})", titles[0]);
    }
    let mut drawing = Drawing::new(say(words::SANKEY, language), &heading, how);
    let top = drawing.height + LINE + 8.0;
    let most = columns.iter().map(|c| c.iter().map(|n| n.size).sum::<f64>()).fold(f64::MIN_POSITIVE, f64::max);
    let unit = HEIGHT / most;
    let place = |column: usize| MARGIN + column as f64 * (WIDTH - 2.0 * MARGIN - NODE) / tables.len() as f64;
    let mut bottom = top;
    for column in &mut columns {
        let mut y = top;
        for node in column.iter_mut().filter(|n| n.size > 0.0) {
            node.top = y;
            y += (node.size * unit).max(1.0) + GAP;
        }
        bottom = bottom.max(y);
    }
    for flow in &flows {
        band(&mut drawing, &mut columns, flow, unit, place);
    }
    for (at, (column, name)) in columns.iter().zip(&names).enumerate() {
        draw_column(&mut drawing, column, name, unit, place(at), [at == 0, at + 1 == names.len()], tables.len(), top);
    }
    drawing.height = bottom + 4.0;
    if hidden > 0 {
        let text = format!("{hidden} {}", say(words::FLOWS_HIDDEN, language));
        drawing.height += LINE;
        drawing.small([MARGIN, drawing.height - 4.0], Anchor::Start, &text);
    }
    drawing.height += MARGIN;
    Some(drawing)
}

/// The categories of every variable that occur in a table with it, in code order of the first.
fn columns(tables: &[Table], how: Presentation<'_>) -> Vec<Vec<Node>> {
    let names = |table: &Table, d: usize| -> Vec<String> {
        (0..table.dimensions[d].categories.len()).map(|c| category(table, d, c, how.language)).collect()
    };
    let mut columns: Vec<Vec<String>> = vec![names(&tables[0], 0)];
    for (i, table) in tables.iter().enumerate() {
        // Between two tables the same variable stands on both sides.
        let mut own = names(table, 1);
        if let Some(next) = tables.get(i + 1) {
            let more: Vec<String> = names(next, 0).into_iter().filter(|n| !own.contains(n)).collect();
            own.extend(more);
        }
        columns.push(own);
    }
    let node = |name: String| Node { name, size: 0.0, top: 0.0, used: [0.0; 2] };
    columns.into_iter().map(|c| c.into_iter().map(node).collect()).collect()
}

/// The flows that are shown, and how many are hidden; none when none is shown.
fn flows(tables: &[Table], columns: &[Vec<Node>]) -> Option<(Vec<Flow>, usize)> {
    let (mut flows, mut hidden) = (Vec::new(), 0);
    for (step, table) in tables.iter().enumerate() {
        // The place of a category among the nodes of its column.
        let places = |d: usize, column: &[Node]| -> Vec<usize> {
            let categories = &table.dimensions[d].categories;
            let name = |c: &disclosure::Category| c.label.clone().unwrap_or_else(|| c.code.clone());
            categories.iter().map(|c| column.iter().position(|n| n.name == name(c)).unwrap_or(0)).collect()
        };
        let (from, to) = (places(0, &columns[step]), places(1, &columns[step + 1]));
        for (a, from) in from.iter().enumerate() {
            for (b, to) in to.iter().enumerate() {
                match table.cell(&[a, b])?.count {
                    Value::Value(n) if n > 0.0 => flows.push(Flow { step, from: *from, to: *to, n }),
                    Value::Hidden(_) => hidden += 1,
                    _ => {}
                }
            }
        }
    }
    (!flows.is_empty()).then_some((flows, hidden))
}

/// The band of a flow, in the colour of where it comes from.
fn band(drawing: &mut Drawing<'_>, columns: &mut [Vec<Node>], flow: &Flow, unit: f64, place: impl Fn(usize) -> f64) {
    let height = flow.n * unit;
    let from = &mut columns[flow.step][flow.from];
    let (start, left) = (from.top + from.used[1], from.name.clone());
    from.used[1] += height;
    let to = &mut columns[flow.step + 1][flow.to];
    let (end, right) = (to.top + to.used[0], to.name.clone());
    to.used[0] += height;
    let (x1, x2) = (place(flow.step) + NODE, place(flow.step + 1));
    let middle = f64::midpoint(x1, x2);
    let steps = vec![
        Step::Move([x1, start]),
        Step::Curve([[middle, start], [middle, end], [x2, end]]),
        Step::Line([x2, end + height]),
        Step::Curve([[middle, end + height], [middle, start + height], [x1, start + height]]),
        Step::Close,
    ];
    let n = format::number(flow.n, drawing.language());
    let mark = Mark::new(Shape::Path(steps)).fill(Paint::Series(flow.from)).opacity(0.4);
    drawing.push(mark.tip(format!("{left} → {right}: {n}")).class("hap-bar"));
}

#[expect(clippy::too_many_arguments, reason = "where a column stands and what it says")]
fn draw_column(
    drawing: &mut Drawing<'_>,
    column: &[Node],
    name: &str,
    unit: f64,
    x: f64,
    [first, last]: [bool; 2],
    steps: usize,
    top: f64,
) {
    // Names stand to the right of their nodes, those of the last column to the left.
    let room = (WIDTH - 2.0 * MARGIN - NODE) / steps as f64;
    let share = if last || (first && steps == 1) { 0.5 } else { 0.9 };
    let own = room * share - NODE - 4.0;
    let (anchor, at) = match (first, last) {
        (true, _) => (Anchor::Start, x),
        (_, true) => (Anchor::End, x + NODE),
        _ => (Anchor::Middle, x + NODE / 2.0),
    };
    let bold =
        text_shape([at, top - 8.0], anchor, clip(name, room * if first || last { 0.5 } else { 0.9 }), SMALL, true);
    drawing.push(Mark::new(bold).fill(Paint::Ink));
    for (i, node) in column.iter().enumerate().filter(|(_, n)| n.size > 0.0) {
        let height = (node.size * unit).max(1.0);
        let shape = Shape::Rect { at: [x, node.top], size: [NODE, height], round: 0.0 };
        let tip = format!("{name}: {}", node.name);
        drawing.push(Mark::new(shape).fill(Paint::Series(i)).tip(tip).class("hap-bar"));
        let label = clip(&node.name, own);
        let y = node.top + height / 2.0 + 4.0;
        match last {
            true => drawing.small([x - 4.0, y], Anchor::End, &label),
            false => drawing.small([x + NODE + 4.0, y], Anchor::Start, &label),
        }
    }
}
