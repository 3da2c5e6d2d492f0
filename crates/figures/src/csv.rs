//! A grid as plain text with aligned columns, and a long table as CSV.

use crate::grid::{Grid, Written};
use crate::long::{Cell, Long};

/// Aligned columns for a terminal; hidden numbers are dots, undefined ones a dash.
pub(crate) fn text(grid: &Grid) -> String {
    let head = grid.stubs.iter().cloned().chain(grid.columns.iter().map(crate::grid::Head::joined)).collect::<Vec<_>>();
    let body = grid.rows.iter().map(|r| r.names.iter().cloned().chain(r.cells.iter().map(shown)).collect::<Vec<_>>());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let columns = grid.stubs.len() + grid.columns.len();
    let widths: Vec<usize> = (0..columns)
        .map(|c| lines.iter().filter_map(|l| l.get(c)).map(|t| t.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = grid.title.as_ref().map_or_else(String::new, |title| format!("{title}\n"));
    for (i, line) in lines.iter().enumerate() {
        for (c, cell) in line.iter().enumerate() {
            let pad = " ".repeat(widths[c] - cell.chars().count());
            if c < grid.stubs.len() || grid.texts {
                out.push_str(cell);
                out.push_str(&pad);
            } else {
                out.push_str(&pad);
                out.push_str(cell);
            }
            out.push_str(if c + 1 < columns { "  " } else { "" });
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        if i == 0 {
            out.push_str(&"-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            out.push('\n');
        }
    }
    for (name, value) in &grid.scalars {
        out.push_str(&format!("{name}: {}\n", shown(value)));
    }
    for note in &grid.notes {
        out.push_str(note);
        out.push('\n');
    }
    out
}

/// Header and rows, comma between fields, point as decimal sign; what is withheld or undefined is empty.
pub(crate) fn long(long: &Long) -> String {
    let mut out = String::new();
    push_line(&mut out, long.columns.iter().map(|c| field(&c.id)));
    for row in &long.rows {
        push_line(
            &mut out,
            row.iter().map(|cell| match cell {
                Cell::None => String::new(),
                Cell::Text(text) => field(text),
                Cell::Flag(flag) => flag.to_string(),
                Cell::Number(x) => format!("{x}"),
            }),
        );
    }
    out
}

/// A field of a CSV file, in quotes where it must be. A text that a spreadsheet would run as a formula gets an apostrophe.
pub(crate) fn field(text: &str) -> String {
    let number = text.parse::<f64>().is_ok();
    let formula = !number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn push_line(out: &mut String, fields: impl Iterator<Item = String>) {
    out.push_str(&fields.collect::<Vec<_>>().join(","));
    out.push('\n');
}

fn shown(cell: &Written) -> String {
    match (&cell.hidden, cell.text.is_empty()) {
        (Some(_), _) => "·····".to_owned(),
        (None, true) => "–".to_owned(),
        (None, false) => cell.text.clone(),
    }
}
