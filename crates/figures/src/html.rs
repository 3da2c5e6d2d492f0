//! A grid as a semantic HTML table. Row and column headings are `th` with a scope; a hidden cell is a dotted pattern that
//! can be focused and says its reason and remedy, so that it reads the same by eye, keyboard and screen reader.

use std::fmt::Write as _;

use disclosure::Reason;
use kernel::Language;

use crate::Presentation;
use crate::grid::{Grid, Head, Line, Written};
use crate::words::{self, say};

pub(crate) fn render(grid: &Grid, how: Presentation<'_>) -> String {
    let mut out = String::with_capacity(4096);
    let language = how.language.code();
    let _ = write!(
        out,
        "<div class=\"hap-table-wrap\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{id}-c\">\
         <table class=\"hap-table{flat}\" lang=\"{language}\"><caption id=\"{id}-c\">{caption}</caption><thead>",
        id = escape(how.id),
        caption = escape(&caption(grid, how)),
        flat = if grid.flat { " hap-flat" } else { "" },
    );
    head(&mut out, grid);
    out.push_str("</thead><tbody>");
    let mut above: Option<&Line> = None;
    for (at, row) in grid.rows.iter().enumerate() {
        line(&mut out, grid, at, row, above, how.language);
        above = Some(row);
    }
    out.push_str("</tbody></table>");
    if !grid.scalars.is_empty() {
        let _ = write!(out, "<dl class=\"hap-scalars\" lang=\"{language}\">");
        for (name, value) in &grid.scalars {
            let _ = write!(out, "<div><dt>{}</dt><dd>", escape(name));
            number(&mut out, value, how.language);
            out.push_str("</dd></div>");
        }
        out.push_str("</dl>");
    }
    if !grid.notes.is_empty() {
        let _ = write!(out, "<p class=\"hap-note\" lang=\"{language}\">{}</p>", escape(&grid.notes.join(" ")));
    }
    out.push_str("</div>");
    out
}

/// What a table shows and of which command: no two tables of a page are called the same.
fn caption(grid: &Grid, how: Presentation<'_>) -> String {
    grid.title.as_ref().map_or_else(|| how.caption.to_owned(), |title| format!("{title} ({})", how.caption))
}

/// A figure and, folded behind it, the same numbers as a table.
pub(crate) fn figure(svg: &str, table: &str, how: Presentation<'_>) -> String {
    format!(
        "<figure class=\"hap-figure\">{svg}<details><summary>{}</summary>{table}</details></figure>",
        say(words::TABLE_BESIDE, how.language)
    )
}

/// A text of the script or of the documentation, already HTML.
pub(crate) fn text(html: &str) -> String {
    format!("<div class=\"hap-text\">{html}</div>")
}

/// What a command did, and what metadata add to it.
pub(crate) fn receipt(text: &str, notes: &[String]) -> String {
    let notes: String = notes.iter().map(|n| format!("<p class=\"hap-note\">{}</p>", escape(n))).collect();
    format!("<p class=\"hap-receipt\">{}</p>{notes}", escape(text))
}

fn head(out: &mut String, grid: &Grid) {
    let levels = grid.columns.first().map_or(1, |c| c.names.len());
    let height = levels + usize::from(grid.group.is_some());
    out.push_str("<tr>");
    for stub in &grid.stubs {
        let span = if height > 1 { format!(" rowspan=\"{height}\"") } else { String::new() };
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
    for level in 0..levels {
        if level > 0 {
            out.push_str("</tr><tr>");
        }
        heads(out, grid, level, level + 1 == levels);
    }
    out.push_str("</tr>");
}

/// One line of headings: a name that spans several columns is written once, over the columns that share it.
fn heads(out: &mut String, grid: &Grid, level: usize, last: bool) {
    let class = if grid.texts { "" } else { " class=\"hap-number\"" };
    let mut at = 0;
    while at < grid.columns.len() {
        let column = &grid.columns[at];
        let same = |c: &&Head| c.names[..=level] == column.names[..=level];
        let span = if last || grid.flat { 1 } else { grid.columns[at..].iter().take_while(same).count() };
        let name = escape(&column.names[level]);
        if span > 1 {
            let _ = write!(out, "<th scope=\"colgroup\" colspan=\"{span}\" class=\"hap-group\">{name}</th>");
        } else {
            let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
        }
        at += span;
    }
}

fn line(out: &mut String, grid: &Grid, at: usize, row: &Line, above: Option<&Line>, language: Language) {
    out.push_str(if row.total { "<tr class=\"hap-total\">" } else { "<tr>" });
    for (level, name) in row.names.iter().enumerate() {
        let same = |other: &Line| other.names[..=level] == row.names[..=level];
        let nested = !grid.flat && level + 1 < row.names.len();
        // A name that spans several rows is written once, over the rows that share it.
        if nested && above.is_some_and(same) {
            continue;
        }
        let span = grid.rows[at..].iter().take_while(|r| same(r)).count();
        if nested && span > 1 {
            let _ = write!(out, "<th scope=\"rowgroup\" rowspan=\"{span}\">{}</th>", escape(name));
        } else {
            let _ = write!(out, "<th scope=\"row\">{}</th>", escape(name));
        }
    }
    for cell in &row.cells {
        if grid.texts {
            let _ = write!(out, "<td>{}</td>", escape(&cell.text));
        } else {
            out.push_str("<td class=\"hap-number\">");
            number(out, cell, language);
            out.push_str("</td>");
        }
    }
    out.push_str("</tr>");
}

fn number(out: &mut String, cell: &Written, language: Language) {
    match cell.hidden {
        Some(reason) => {
            let _ = write!(
                out,
                "<span class=\"hap-hidden\" tabindex=\"0\" data-reason=\"{}\"><span class=\"hap-reason\">{}</span></span>",
                reason.code(),
                escape(&why(reason, language))
            );
        }
        None if cell.text.is_empty() => {
            let _ = write!(
                out,
                "<span aria-hidden=\"true\">–</span><span class=\"hap-unseen\">{}</span>",
                say(words::UNDEFINED, language)
            );
        }
        None => out.push_str(&cell.text.split('\n').map(escape).collect::<Vec<_>>().join("<br>")),
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
