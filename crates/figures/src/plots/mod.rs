//! The plots: each takes a released result and places marks. Which one a result has follows from its view.

mod bars;
mod boxes;
mod coefficients;
mod curves;
mod flows;
mod hexagons;
mod histogram;
mod pie;

use disclosure::{Entry, Output, Table, View};

use crate::draw::Drawing;
use crate::{Presentation, block_id, blocks};

/// The drawings of a result with the place of the table that each belongs to; none for a result without figure. One that has
/// nothing to draw is left out: its table says it then.
pub(crate) fn of_entry<'a>(entry: &Entry, how: Presentation<'a>, ids: &'a [String]) -> Vec<(usize, Drawing<'a>)> {
    let first = |drawing: Option<Drawing<'a>>| drawing.into_iter().map(|d| (0, d)).collect();
    match (entry.output(), &entry.view) {
        (Some(Output::Histogram(h)), View::Histogram { scale, normal }) => {
            first(histogram::draw(h, *scale, *normal, how))
        }
        (Some(Output::Hexbin(h)), View::Hexbin) => first(hexagons::draw(h, how)),
        (Some(Output::Model(m)), View::Coefplot) => first(coefficients::draw(m, how)),
        (Some(Output::Survival(s)), View::Survival) => first(curves::draw(s, how)),
        (Some(_), View::Sankey) => first(flows::draw(blocks(entry), how)),
        (Some(_), view) => blocks(entry)
            .iter()
            .zip(ids)
            .enumerate()
            .filter_map(|(at, (table, id))| Some((at, of_table(table, view, Presentation { id, ..how })?)))
            .collect(),
        (None, _) => Vec::new(),
    }
}

/// A table drawn as its view says.
pub(crate) fn of_table<'a>(table: &Table, view: &View, how: Presentation<'a>) -> Option<Drawing<'a>> {
    match view {
        View::Bars(chart) => bars::draw(table, &chart.of_block(table), how),
        View::Boxes { horizontal } => boxes::draw(table, *horizontal, how),
        View::Pie => pie::draw(table, how),
        _ => None,
    }
}

/// The ids of the blocks of a result.
pub(crate) fn ids(entry: &Entry, id: &str) -> Vec<String> {
    (0..blocks(entry).len()).map(|at| block_id(id, at)).collect()
}
