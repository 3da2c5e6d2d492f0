//! A grid as a LaTeX table that needs the package `booktabs`, with its notes below and where it comes from as comments.

use std::fmt::Write as _;

use crate::grid::{Grid, Line, Written};

/// The table. `caption` is usually the command.
pub(crate) fn render(grid: &Grid, caption: &str, provenance: &[(&'static str, String)]) -> String {
    let mut out = String::new();
    for (key, text) in provenance {
        let _ = writeln!(out, "% {key}: {}", text.replace(['\n', '\r'], " "));
    }
    let numbers = if grid.texts { "l" } else { "r" }.repeat(grid.columns.len());
    let _ = writeln!(
        out,
        "\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\\begin{{tabular}}{{{}{numbers}}}\n\\toprule",
        escape(&grid.title.as_ref().map_or_else(|| caption.to_owned(), |title| format!("{caption}: {title}"))),
        "l".repeat(grid.stubs.len())
    );
    head(&mut out, grid);
    out.push_str("\\midrule\n");
    let mut above: Option<&Line> = None;
    for row in &grid.rows {
        if row.total && above.is_some_and(|a| !a.total) {
            out.push_str("\\addlinespace\n");
        }
        let repeated = |level: usize| {
            !grid.flat && level + 1 < row.names.len() && above.is_some_and(|a| a.names[..=level] == row.names[..=level])
        };
        let names = row.names.iter().enumerate().map(|(i, n)| if repeated(i) { String::new() } else { escape(n) });
        let cells: Vec<String> = names.chain(row.cells.iter().map(written)).collect();
        let _ = writeln!(out, "{} \\\\", cells.join(" & "));
        above = Some(row);
    }
    out.push_str("\\bottomrule\n\\end{tabular}\n");
    let scalars = grid.scalars.iter().map(|(name, value)| format!("{} = {}", escape(name), written(value)));
    let notes: Vec<String> = scalars.chain(grid.notes.iter().map(|n| escape(n))).collect();
    if !notes.is_empty() {
        let _ = writeln!(out, "\\par\\smallskip\\footnotesize {}", notes.join(" \\quad "));
    }
    out.push_str("\\end{table}\n");
    out
}

fn head(out: &mut String, grid: &Grid) {
    let blank = "& ".repeat(grid.stubs.len());
    if let Some(group) = &grid.group {
        let _ = writeln!(out, "{blank}\\multicolumn{{{}}}{{c}}{{{}}} \\\\", grid.columns.len(), escape(group));
    }
    let levels = grid.columns.first().map_or(1, |c| c.names.len());
    for level in 0..levels {
        let last = level + 1 == levels;
        let mut cells: Vec<String> =
            if last { grid.stubs.iter().map(|s| escape(s)).collect() } else { vec![String::new(); grid.stubs.len()] };
        let mut at = 0;
        while at < grid.columns.len() {
            let prefix = &grid.columns[at].names[..=level];
            let span =
                if last { 1 } else { grid.columns[at..].iter().take_while(|c| c.names[..=level] == *prefix).count() };
            let name = escape(&grid.columns[at].names[level]);
            cells.push(if span > 1 { format!("\\multicolumn{{{span}}}{{c}}{{{name}}}") } else { name });
            at += span;
        }
        let _ = writeln!(out, "{} \\\\", cells.join(" & "));
    }
}

fn written(cell: &Written) -> String {
    match (cell.hidden, cell.text.is_empty()) {
        (Some(_), _) => "$\\cdots$".to_owned(),
        (None, true) => "--".to_owned(),
        (None, false) => escape(&cell.text),
    }
}

/// Text without meaning to LaTeX.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\u{a0}' => out.push('~'),
            '\u{2212}' => out.push_str("$-$"),
            'χ' => out.push_str("$\\chi$"),
            '×' => out.push_str("$\\times$"),
            '→' => out.push_str("$\\rightarrow$"),
            '–' => out.push_str("--"),
            '²' => out.push_str("$^2$"),
            '±' => out.push_str("$\\pm$"),
            '<' => out.push_str("$<$"),
            '>' => out.push_str("$>$"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
