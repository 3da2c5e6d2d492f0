//! A grid as plain text with aligned columns, and as CSV.

use crate::grid::{Grid, Written};

/// Aligned columns for a terminal; hidden numbers are dots, undefined ones a dash.
pub(crate) fn text(grid: &Grid) -> String {
    let head = grid.stubs.iter().chain(&grid.columns).cloned().collect::<Vec<_>>();
    let body = grid.rows.iter().map(|r| r.names.iter().cloned().chain(r.cells.iter().map(shown)).collect::<Vec<_>>());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let columns = grid.stubs.len() + grid.columns.len();
    let widths: Vec<usize> = (0..columns)
        .map(|c| lines.iter().filter_map(|l| l.get(c)).map(|t| t.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        for (c, cell) in line.iter().enumerate() {
            let pad = " ".repeat(widths[c] - cell.chars().count());
            if c < grid.stubs.len() {
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
    for note in &grid.notes {
        out.push_str(note);
        out.push('\n');
    }
    out
}

/// One line per row; after each value column a column with the reason when it is hidden.
pub(crate) fn csv(grid: &Grid) -> String {
    let mut out = String::new();
    let heads = grid
        .stubs
        .iter()
        .map(|s| field(s))
        .chain(grid.columns.iter().flat_map(|c| [field(c), field(&format!("{c} status"))]));
    push_line(&mut out, heads);
    for row in &grid.rows {
        let cells = row.cells.iter().flat_map(|c| {
            let status = c.hidden.map_or("", |r| r.code());
            [field(&c.plain), field(status)]
        });
        push_line(&mut out, row.names.iter().map(|n| field(n)).chain(cells));
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
