//! A grid as a semantic HTML table. Row and column headings are `th` with a scope; a hidden cell is a dotted pattern that
//! can be focused and says its reason and remedy, so that it reads the same by eye, keyboard and screen reader.

use std::fmt::Write as _;

use disclosure::Reason;
use kernel::Language;

use crate::Presentation;
use crate::grid::{Grid, Line, Written};
use crate::words::{self, say};

pub(crate) fn render(grid: &Grid, how: Presentation<'_>) -> String {
    let mut out = String::with_capacity(4096);
    let language = how.language.code();
    let _ = write!(
        out,
        "<div class=\"hap-table-wrap\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{id}-c\">\
         <table class=\"hap-table\" lang=\"{language}\"><caption id=\"{id}-c\">{caption}</caption><thead>",
        id = escape(how.id),
        caption = escape(how.caption),
    );
    head(&mut out, grid);
    out.push_str("</thead><tbody>");
    let mut above: Option<&Line> = None;
    for (at, row) in grid.rows.iter().enumerate() {
        line(&mut out, grid, at, row, above, how.language);
        above = Some(row);
    }
    out.push_str("</tbody></table>");
    if !grid.notes.is_empty() {
        let _ = write!(out, "<p class=\"hap-note\" lang=\"{language}\">{}</p>", escape(&grid.notes.join(" ")));
    }
    out.push_str("</div>");
    out
}

/// A figure and, folded behind it, the same numbers as a table.
pub(crate) fn figure(svg: &str, table: &str, how: Presentation<'_>) -> String {
    format!(
        "<figure class=\"hap-figure\">{svg}<details><summary>{}</summary>{table}</details></figure>",
        say(words::TABLE_BESIDE, how.language)
    )
}

pub(crate) fn receipt(text: &str) -> String {
    format!("<p class=\"hap-receipt\">{}</p>", escape(text))
}

fn head(out: &mut String, grid: &Grid) {
    let levels = if grid.group.is_some() { 2 } else { 1 };
    out.push_str("<tr>");
    for stub in &grid.stubs {
        let span = if levels == 2 { " rowspan=\"2\"" } else { "" };
        if stub.is_empty() {
            let _ = write!(out, "<td{span}></td>");
        } else {
            let _ = write!(out, "<th scope=\"col\"{span}>{}</th>", escape(stub));
        }
    }
    if let Some(group) = &grid.group {
        let _ = write!(
            out,
            "<th scope=\"colgroup\" colspan=\"{}\" class=\"hap-group\">{}</th></tr><tr>",
            grid.columns.len(),
            escape(group)
        );
    }
    for column in &grid.columns {
        let _ = write!(out, "<th scope=\"col\" class=\"hap-number\">{}</th>", escape(column));
    }
    out.push_str("</tr>");
}

fn line(out: &mut String, grid: &Grid, at: usize, row: &Line, above: Option<&Line>, language: Language) {
    out.push_str(if row.total { "<tr class=\"hap-total\">" } else { "<tr>" });
    for (level, name) in row.names.iter().enumerate() {
        let same = |other: &Line| other.names[..=level] == row.names[..=level];
        // A name that spans several rows is written once, over the rows that share it.
        if level + 1 < row.names.len() && above.is_some_and(same) {
            continue;
        }
        let span = grid.rows[at..].iter().take_while(|r| same(r)).count();
        if level + 1 < row.names.len() && span > 1 {
            let _ = write!(out, "<th scope=\"rowgroup\" rowspan=\"{span}\">{}</th>", escape(name));
        } else {
            let _ = write!(out, "<th scope=\"row\">{}</th>", escape(name));
        }
    }
    for cell in &row.cells {
        written(out, cell, language);
    }
    out.push_str("</tr>");
}

fn written(out: &mut String, cell: &Written, language: Language) {
    match cell.hidden {
        Some(reason) => {
            let _ = write!(
                out,
                "<td class=\"hap-number\"><span class=\"hap-hidden\" tabindex=\"0\" data-reason=\"{}\">\
                 <span class=\"hap-reason\">{}</span></span></td>",
                reason.code(),
                escape(&why(reason, language))
            );
        }
        None if cell.text.is_empty() => {
            let _ = write!(
                out,
                "<td class=\"hap-number\"><span aria-hidden=\"true\">–</span><span class=\"hap-unseen\">{}</span></td>",
                say(words::UNDEFINED, language)
            );
        }
        None => {
            let _ = write!(out, "<td class=\"hap-number\">{}</td>", escape(&cell.text));
        }
    }
}

/// Reason and remedy in words.
pub(crate) fn why(reason: Reason, language: Language) -> String {
    format!("{} {}", reason.text(language), reason.remedy().text(language))
}

/// Text for HTML and SVG, in content and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
