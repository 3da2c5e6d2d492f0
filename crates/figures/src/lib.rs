//! Tables and figures from released values: semantic HTML tables, SVG bar charts, plain text and CSV.
//!
//! Everything here is made from `disclosure::Released` alone (SDC-005), so a figure holds the same numbers as the table
//! beside it and nothing more. Hidden cells stand as a dotted pattern with their reason in words. Texts are in the three
//! languages of the product, numbers are written as the reader's language writes them. No inline styles or scripts: the
//! classes are styled by [`STYLESHEET`], colours come from CSS variables with fallbacks, so that light and dark pages and
//! stand-alone files all work.
//!
//! What it is not: it computes no statistic and sorts by released numbers only.

mod bars;
mod csv;
mod format;
mod grid;
mod html;
mod words;

use disclosure::{Chart, Content, Entry, Info, Output, Released, Statistic, Summary, Table, View};
use kernel::Language;

pub use format::{count, month, number};

/// Styles of the tables and figures, for the page's style sheet.
pub const STYLESHEET: &str = include_str!("figures.css");

/// How a result is to be presented.
#[derive(Clone, Copy, Debug)]
pub struct Presentation<'a> {
    /// Language of words and numbers.
    pub language: Language,
    /// Caption of the table, title of the figure: usually the command.
    pub caption: &'a str,
    /// Makes ids within the page unique, e.g. `r3`. Letters and digits.
    pub id: &'a str,
}

/// A table of counts or statistics as HTML.
pub fn table(table: &Released<Table>, contents: &[Content], how: Presentation<'_>) -> String {
    html::render(&grid::of_table(table.value(), contents, how.language), how)
}

/// A summary of numeric variables as HTML.
pub fn summary(summary: &Released<Summary>, how: Presentation<'_>) -> String {
    html::render(&grid::of_summary(summary.value(), how.language), how)
}

/// A bar chart as one SVG element that can stand in a page or in a file of its own. None when there is nothing to draw:
/// the table says it then.
pub fn bars(table: &Released<Table>, chart: &Chart, how: Presentation<'_>) -> Option<String> {
    bars::render(table.value(), chart, how)
}

/// A result of a document as it stands under its command: a receipt, a table, or a figure with its table behind it.
pub fn result(entry: &Entry, how: Presentation<'_>) -> String {
    match (entry.output(), &entry.view) {
        (Some(Output::Table(t)), View::Bars(chart)) => figure(t, chart, how),
        (Some(Output::Blocks(blocks)), View::Bars(chart)) => {
            blocks.tables.iter().map(|t| figure(t, &of_block(t, chart), how)).collect()
        }
        (Some(Output::Population(_) | Output::Edit(_)) | None, _) => html::receipt(&receipt(entry, how.language)),
        _ => grids(entry, how.language).iter().map(|g| html::render(g, how)).collect(),
    }
}

fn figure(table: &Table, chart: &Chart, how: Presentation<'_>) -> String {
    let grid = html::render(&grid::of_table(table, &[chart.content], how.language), how);
    match bars::render(table, chart, how) {
        Some(svg) => html::figure(&svg, &grid, how),
        None => grid,
    }
}

/// What a block of a chart of several variables shows: numbers show how many of them are valid (LANG-182).
fn of_block(table: &Table, chart: &Chart) -> Chart {
    let content = match chart.content {
        Content::Count if !table.measures.is_empty() => Content::Statistic(Statistic::N),
        Content::Share(_) if !table.measures.is_empty() => Content::Valid,
        content => content,
    };
    Chart { content, ..chart.clone() }
}

/// A result as plain text with aligned columns, for a terminal.
pub fn text(entry: &Entry, language: Language) -> String {
    match grids(entry, language).as_slice() {
        [] => receipt(entry, language),
        grids => grids.iter().map(csv::text).collect::<Vec<_>>().join("\n"),
    }
}

/// A result as CSV (UTF-8, comma, header line, point as decimal sign): one line per row, hidden numbers empty with
/// their reason in a column of its own.
pub fn csv(entry: &Entry) -> String {
    match grids(entry, Language::En).as_slice() {
        [] => format!("receipt\n{}\n", csv::field(&receipt(entry, Language::En))),
        grids => grids.iter().map(csv::csv).collect(),
    }
}

/// The line that says what a command did (LANG-101). Empty for results that have a table.
pub fn receipt(entry: &Entry, language: Language) -> String {
    match (entry.output(), entry.info()) {
        (Some(Output::Population(p)), _) => words::population(p, language),
        (Some(Output::Edit(e)), _) => words::edit(e, language),
        (None, Some(Info::Text(text))) => text.text(language).to_owned(),
        (None, Some(Info::Block(text))) => text.clone(),
        _ => String::new(),
    }
}

fn grids(entry: &Entry, language: Language) -> Vec<grid::Grid> {
    match (entry.output(), &entry.view) {
        (Some(Output::Table(t)), View::Bars(chart)) => vec![grid::of_table(t, &[chart.content], language)],
        (Some(Output::Blocks(blocks)), View::Bars(chart)) => {
            blocks.tables.iter().map(|t| grid::of_table(t, &[of_block(t, chart).content], language)).collect()
        }
        (Some(Output::Table(t)), View::Table { contents, .. }) => vec![grid::of_table(t, contents, language)],
        (Some(Output::Table(t)), View::Receipt) => vec![grid::of_table(t, &[], language)],
        (Some(Output::Summary(s)), _) => vec![grid::of_summary(s, language)],
        _ => Vec::new(),
    }
}
