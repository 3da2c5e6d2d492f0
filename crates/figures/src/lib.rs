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

use disclosure::{Chart, Content, Entry, Output, Released, Summary, Table, View};
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
    match (entry.content.value(), &entry.view) {
        (Output::Table(t), View::Bars(chart)) => {
            let contents = [chart.content];
            let grid = html::render(&grid::of_table(t, &contents, how.language), how);
            match bars::render(t, chart, how) {
                Some(svg) => html::figure(&svg, &grid, how),
                None => grid,
            }
        }
        (Output::Table(t), View::Table { contents }) => html::render(&grid::of_table(t, contents, how.language), how),
        (Output::Table(t), View::Receipt) => html::render(&grid::of_table(t, &[], how.language), how),
        (Output::Summary(s), _) => html::render(&grid::of_summary(s, how.language), how),
        (Output::Population(_) | Output::Edit(_), _) => html::receipt(&receipt(entry.content.value(), how.language)),
    }
}

/// A result as plain text with aligned columns, for a terminal.
pub fn text(entry: &Entry, language: Language) -> String {
    match grid_of(entry, language) {
        Some(grid) => csv::text(&grid),
        None => receipt(entry.content.value(), language),
    }
}

/// A result as CSV (UTF-8, comma, header line, point as decimal sign): one line per row, hidden numbers empty with
/// their reason in a column of its own.
pub fn csv(entry: &Entry) -> String {
    match grid_of(entry, Language::En) {
        Some(grid) => csv::csv(&grid),
        None => format!("receipt\n{}\n", csv::field(&receipt(entry.content.value(), Language::En))),
    }
}

/// The line that says what a command did (LANG-101). Empty for results that have a table.
pub fn receipt(output: &Output, language: Language) -> String {
    match output {
        Output::Population(p) => words::population(p, language),
        Output::Edit(e) => words::edit(e, language),
        Output::Table(_) | Output::Summary(_) => String::new(),
    }
}

fn grid_of(entry: &Entry, language: Language) -> Option<grid::Grid> {
    match (entry.content.value(), &entry.view) {
        (Output::Table(t), View::Bars(chart)) => Some(grid::of_table(t, &[chart.content], language)),
        (Output::Table(t), View::Table { contents }) => Some(grid::of_table(t, contents, language)),
        (Output::Table(t), View::Receipt) => Some(grid::of_table(t, &[], language)),
        (Output::Summary(s), _) => Some(grid::of_summary(s, language)),
        _ => None,
    }
}
